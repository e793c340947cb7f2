"""One look at an article: a capture of it, or of its absence, and what that is news of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crawlers.capture import Capture
from index_config import bulk
from index_config.languages import text_field
from processing import versions
from processing.article import NOWHERE, Article
from processing.changes import Change, diff
from processing.outcomes import ProcessingOutcome
from processing.versions import Sighting

Kept = Mapping[str, Mapping[str, Any]]
"""Earlier wordings by their ids in `article-versions`."""
Stored = Mapping[str, Any] | None


@dataclass(frozen=True)
class Look:
    """A capture, the document made of it (None: the article was gone), what is stored, and all there was to see so far.

    `waiting` says that it was known to have gone before there was anything to store.
    """

    capture: Capture
    document: Mapping[str, Any] | None
    stored: Stored
    waiting: bool
    sighting: Sighting
    seen: list[Sighting]

    @classmethod
    def at(cls, capture: Capture, article: Article | None, stored: Stored, waiting: Stored) -> "Look":
        """A look at an article, or at where it was; with what waits of it in `article-versions` while it is not stored."""
        document = article.to_document(text_field(article.language.code)) if article else None
        if document and stored and document["country"] == NOWHERE:  # its outlet's file is not there any more
            document |= {name: stored[name] for name in ("country", "kind")}
        gone = Sighting(capture.fetched, capture.file, capture.offset, capture.status)
        sighting = versions.sighting_of(document) if document else gone
        seen = versions.history(stored or waiting, sighting)
        return cls(capture, document, stored, bool(waiting), sighting, seen)

    @property
    def article(self) -> str:
        return self.capture.id

    @property
    def event(self) -> versions.Event:
        return versions.event(self.seen, self.sighting)

    @property
    def outcome(self) -> ProcessingOutcome:
        if self.document is None:
            return ProcessingOutcome.WITHDRAWN
        return ProcessingOutcome.INDEXED if self.event in {"new", "changed"} else ProcessingOutcome.UNCHANGED

    @property
    def wordings(self) -> list[str]:
        """What may be kept of it in `article-versions`; nothing while only one wording was seen."""
        found = versions.wordings(self.article, self.seen)
        return found if len(found) > 1 else []

    def plan(self, kept: Kept) -> list[bulk.Action]:
        """What to write."""
        if self.document is None:
            return self._plan_gone()
        version = versions.version_id(self.article, self.document["text_hash"])
        actions = versions.plan(self.article, self.document, self.stored, self.seen, kept.get(version))
        if self.waiting:
            actions.append(bulk.Action("article-versions", versions.waiting_id(self.article), operation="delete"))
        return actions

    def _plan_gone(self) -> list[bulk.Action]:
        said = versions.summary(self.seen)
        if self.stored is None:
            document = {"url": self.capture.url, "outlet": self.capture.outlet, "history": said["history"]}
            return [bulk.Action("article-versions", versions.waiting_id(self.article), document)]
        changed = any(self.stored.get(name) != value for name, value in said.items())
        return [bulk.Action("articles", self.article, said, "update")] if changed else []

    def changes(self, kept: Kept) -> Iterator[Change]:
        """What this look is news of; nothing when it is the first, or found all as it was."""
        event, old = self.event, versions.before(self.seen, self.sighting)
        if event in {"new", "same"}:
            return
        was_gone = versions.was_gone(self.seen, self.sighting)
        if event == "changed" and was_gone:
            yield self._change("returned", old, None)
        yield self._change(event, old, self._diff(old, kept) if event == "changed" else None)

    def _change(self, event: str, old: str | None, text: str | None) -> Change:
        return Change(
            article=self.article,
            url=self.capture.url,
            event=event,
            at=self.sighting.at,
            offset=self.sighting.offset,
            status=self.sighting.status,
            old_text_hash=old,
            new_text_hash=self.sighting.text_hash,
            diff=text,
        )

    def _diff(self, old: str | None, kept: Kept) -> str | None:
        earlier = kept.get(versions.version_id(self.article, old or ""))
        if earlier is None and self.stored and self.stored["text_hash"] == old:
            earlier = self.stored
        return diff(earlier, self.document) if earlier and self.document else None

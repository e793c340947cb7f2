"""Articles into Elasticsearch: one document an article, earlier wordings kept, what is refused put aside to be replayed."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crawlers.capture import Capture
from crawlers.known import NO_TEXT, Known, timestamp
from index_config import bulk
from index_config.cluster import Cluster
from index_config.languages import text_field
from processing.article import Article
from processing.extract import Rejected
from processing.outcomes import ProcessingOutcome

Result = Article | Rejected


@dataclass(frozen=True)
class ArticleStore:
    """Writes articles, and tells `urls` how each capture ended. `dead_letter` is the folder for refused documents."""

    cluster: Cluster
    dead_letter: Path

    def write(self, results: Sequence[tuple[Capture, Result]]) -> list[ProcessingOutcome]:
        """Store what processing made of captures; returns one outcome each, in order.

        Raises:
            ClusterError: Elasticsearch cannot be reached; writing the same results again is harmless.
        """
        outcomes: list[ProcessingOutcome] = []
        for wave in _waves(results):
            outcomes += self._write_wave(wave)
        return outcomes

    def retry_dead(self) -> Iterator[tuple[Path, str | None]]:
        """Replay the dead letters; yields each file with None when it went in (and is gone), else the reason it did not."""
        for path in sorted(self.dead_letter.glob("*.json")):
            try:
                letter = json.loads(path.read_text())
                action = bulk.Action(letter["alias"], letter["id"], letter["document"])
            except (ValueError, KeyError, TypeError) as error:
                yield path, f"is no dead letter ({error}); look at it and delete it"
                continue
            failed = bulk.write(self.cluster, [action]).failed
            if failed:
                yield path, failed[0].reason
                continue
            self._mark_indexed(letter["document"])
            path.unlink()
            yield path, None

    def _write_wave(self, results: Sequence[tuple[Capture, Result]]) -> list[ProcessingOutcome]:
        existing = self._existing([result.id for _, result in results if isinstance(result, Article)])
        outcomes: dict[str, ProcessingOutcome] = {}
        actions: list[bulk.Action] = []
        for capture, result in results:
            if isinstance(result, Rejected):
                outcomes[capture.id] = ProcessingOutcome(result.outcome)
            else:
                outcomes[capture.id], planned = _plan(result, existing.get(result.id))
                actions += planned
        for failure in bulk.write(self.cluster, actions).failed:
            article = failure.id.partition(":")[0]
            self._bury(failure)
            outcomes[article] = ProcessingOutcome.DEAD_LETTER
        captures = [capture for capture, _ in results]
        Known(self.cluster).remember_captures(
            captures, {capture.id: _end(capture, outcomes[capture.id]) for capture in captures}
        )
        return [outcomes[capture.id] for capture in captures]

    def _existing(self, ids: list[str]) -> dict[str, dict[str, Any]]:
        if not ids:
            return {}
        answer = self.cluster.client.mget(index=self.cluster.name("articles"), ids=ids)
        return {item["_id"]: item["_source"] for item in answer["docs"] if item.get("found")}

    def _bury(self, failure: bulk.Failure) -> None:
        """Keep a refused document; its name comes from its id, so that processing again overwrites it."""
        self.dead_letter.mkdir(parents=True, exist_ok=True)
        letter = {
            "alias": failure.alias,
            "id": failure.id,
            "status": failure.status,
            "reason": failure.reason,
            "document": failure.document,
        }
        path = self.dead_letter / f"{failure.id.replace(':', '-')}.json"
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(letter, ensure_ascii=False, indent=1))
        temporary.replace(path)

    def _mark_indexed(self, document: dict[str, Any]) -> None:
        known = Known(self.cluster)
        for url in document["urls"]:
            known.set_state(url, "indexed")


def _waves(results: Sequence[tuple[Capture, Result]]) -> Iterator[list[tuple[Capture, Result]]]:
    """Cut where an article comes a second time: the later capture must see what the earlier one stored."""
    wave: dict[str, tuple[Capture, Result]] = {}
    for capture, result in results:
        if capture.id in wave:
            yield list(wave.values())
            wave = {}
        wave[capture.id] = (capture, result)
    if wave:
        yield list(wave.values())


def _plan(article: Article, stored: dict[str, Any] | None) -> tuple[ProcessingOutcome, list[bulk.Action]]:
    """What to write for an article, given what is stored under its id."""
    document = article.to_document(text_field(article.language.code))
    if stored is None:
        return ProcessingOutcome.INDEXED, [
            bulk.Action("articles", article.id, {**document, "first_seen": article.fetched})
        ]
    merged = {
        "urls": sorted({*stored["urls"], *article.urls}),
        "first_seen": min(stored["first_seen"], article.fetched),
    }
    if stored["text_hash"] == article.text_hash:
        changed = any(stored[name] != value for name, value in merged.items())
        return ProcessingOutcome.UNCHANGED, [bulk.Action("articles", article.id, merged, "update")] if changed else []
    if stored["fetched"] > article.fetched:  # an older file, processed late
        return ProcessingOutcome.UNCHANGED, [_version(article.id, {**document, "first_seen": article.fetched})]
    return ProcessingOutcome.INDEXED, [
        _version(article.id, stored),
        bulk.Action("articles", article.id, {**document, **merged}),
    ]


def _version(article: str, document: dict[str, Any]) -> bulk.Action:
    return bulk.Action("article-versions", f"{article}:{document['text_hash']}", document)


def _end(capture: Capture, outcome: ProcessingOutcome) -> tuple[str, str | None]:
    """State and next visit of a URL after processing."""
    if outcome in {ProcessingOutcome.INDEXED, ProcessingOutcome.UNCHANGED}:
        return "indexed", None
    if outcome is ProcessingOutcome.DEAD_LETTER:
        return "dead_letter", None
    return outcome.value, timestamp(dt.datetime.fromisoformat(capture.fetched) + NO_TEXT)

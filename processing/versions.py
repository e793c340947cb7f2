"""The wordings of one article: what was seen of it when, and what follows from that, whatever order it became known in.

An article's document holds its current wording and its whole `history`: each capture, and each visit that found it gone.
Everything else that depends on time is worked out from that list. Earlier wordings are in `article-versions`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from index_config import bulk
from processing.joining import addresses

Document = Mapping[str, Any]
Event = Literal["new", "same", "changed", "returned", "withdrawn"]
_OF_HISTORY = ("history", "versions", "changed_at", "withdrawn", "withdrawn_at")
_OF_MATCHING = ("matched_generation", "matched_by", "matched", "cluster_id", "first_seen_outlet", "copies")


@dataclass(frozen=True, order=True)
class Sighting:
    """One look at an article: which wording was there (None: it was gone), and where the evidence lies."""

    at: str
    file: str
    offset: int
    status: int
    text_hash: str | None = None

    def to_document(self) -> dict[str, Any]:
        found = {"at": self.at, "status": self.status, "warc": {"file": self.file, "offset": self.offset}}
        return found | ({"text_hash": self.text_hash} if self.text_hash else {})


def sighting_of(document: Document) -> Sighting:
    """The capture that a document of one wording was made from."""
    warc = document["warc"]
    return Sighting(document["fetched"], warc["file"], warc["offset"], 200, document["text_hash"])


def history(stored: Document | None, *new: Sighting) -> list[Sighting]:
    """What was seen of a stored article and is seen now, in the order of time.

    A capture that is processed again counts once, with what it is found to say now.
    """
    known = [_sighting(one) for one in stored.get("history", ())] if stored else []
    if stored and not known:  # stored before there were histories
        known = [sighting_of(stored)]
    return sorted({(one.at, one.file, one.offset): one for one in (*known, *new)}.values())


def _sighting(found: Document) -> Sighting:
    warc = found["warc"]
    return Sighting(found["at"], warc["file"], warc["offset"], found["status"], found.get("text_hash"))


def current(seen: Sequence[Sighting]) -> str | None:
    """The wording seen last."""
    return next((one.text_hash for one in reversed(seen) if one.text_hash), None)


def before(seen: Sequence[Sighting], one: Sighting) -> str | None:
    """The wording that was there before this look; None when this is the first."""
    return current(seen[: seen.index(one)])


def event(seen: Sequence[Sighting], one: Sighting) -> Event:
    """What this look was news of, among all there were."""
    if not one.text_hash:
        return "same" if was_gone(seen, one) else "withdrawn"
    earlier = before(seen, one)
    if earlier is None:
        return "new"
    if earlier != one.text_hash:
        return "changed"
    return "returned" if was_gone(seen, one) else "same"


def was_gone(seen: Sequence[Sighting], one: Sighting) -> bool:
    """Whether the look before this one found it gone."""
    place = seen.index(one)
    return place > 0 and not seen[place - 1].text_hash


def summary(seen: Sequence[Sighting]) -> dict[str, Any]:
    """The fields of an article that say what became of it."""
    texts = [one for one in seen if one.text_hash]
    changes = [two.at for one, two in pairwise(texts) if one.text_hash != two.text_hash]
    found: dict[str, Any] = {
        "history": [one.to_document() for one in seen],
        "versions": len({one.text_hash for one in texts}),
    }
    if changes:
        found["changed_at"] = changes[-1]
    if len(texts) < len(seen):
        gone = [one.at for one in seen[_last_text(seen) + 1 :]]
        found |= {"withdrawn": bool(gone), "withdrawn_at": gone[0] if gone else None}
    return found


def _last_text(seen: Sequence[Sighting]) -> int:
    return max((place for place, one in enumerate(seen) if one.text_hash), default=-1)


def version_id(article: str, text_hash: str) -> str:
    return f"{article}:{text_hash}"


def plan(
    article: str, document: Document, stored: Document | None, seen: Sequence[Sighting], kept: Document | None
) -> list[bulk.Action]:
    """What to write for a capture of an article.

    Args:
        article: its id.
        document: the wording captured.
        stored: what is in `articles`.
        seen: all looks at it, this capture among them.
        kept: what is in `article-versions` of the wording captured.
    """
    said = summary(seen)
    if stored is None:
        return [bulk.Action("articles", article, {**document, **said, "first_seen": document["fetched"]})]
    said |= {
        "urls": addresses(stored["url"], {*stored["urls"], *document["urls"]}),
        "first_seen": min(stored["first_seen"], document["fetched"]),
    }
    if stored.get("cluster_id") and said["first_seen"] != stored["first_seen"]:
        said["cluster_id"] = None  # found anew: it may be the first of its copies now
    captured = document["text_hash"]
    first = min((one for one in (kept, document) if one), key=lambda one: str(one["fetched"]))
    valid = {one.text_hash for one in seen}
    dropped = {one.text_hash for one in history(stored) if one.text_hash} - valid  # read otherwise by now
    outdated = [captured] if kept and current(seen) == captured else []
    gone = [
        bulk.Action("article-versions", version_id(article, one), operation="delete") for one in {*dropped, *outdated}
    ]
    if stored["text_hash"] == captured:
        return [*_still(article, document, stored, said), *gone]
    if current(seen) != captured:
        return [_version(article, first), bulk.Action("articles", article, said, "update"), *gone]
    demoted = [_version(article, stored)] if stored["text_hash"] in valid else []
    return [*demoted, bulk.Action("articles", article, {**bare(first), **said}), *gone]


def _still(article: str, document: Document, stored: Document, said: dict[str, Any]) -> list[bulk.Action]:
    """The current wording again; the earliest capture of it is the one whose particulars stand."""
    wanted = {**document, **said} if document["fetched"] <= stored["fetched"] else said
    if (
        "text" in wanted and wanted["text"].keys() != stored["text"].keys()
    ):  # an update would leave both languages' texts
        return [bulk.Action("articles", article, wanted)]
    changed = {name: value for name, value in wanted.items() if stored.get(name) != value}
    return [bulk.Action("articles", article, changed, "update")] if changed else []


def bare(document: Document) -> dict[str, Any]:
    """A wording without what belongs to the article as a whole, or to a match of it."""
    return {name: value for name, value in document.items() if name not in {*_OF_HISTORY, *_OF_MATCHING}}


def _version(article: str, document: Document) -> bulk.Action:
    own = {**bare(document), "urls": [document["url"]], "first_seen": document["fetched"]}
    return bulk.Action("article-versions", version_id(article, document["text_hash"]), own)


def waiting_id(article: str) -> str:
    """Where in `article-versions` it waits that an article had gone, until the article itself is processed."""
    return f"{article}:gone"


def wordings(article: str, seen: Iterable[Sighting]) -> list[str]:
    """Ids in `article-versions` that wordings of an article can have."""
    return sorted({version_id(article, one.text_hash) for one in seen if one.text_hash})

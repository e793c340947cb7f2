"""What a matched passage and its surroundings show of its stance, as a few numbers, and the words they come from.

Only so much of an article is read around a passage, however long the article, the passage or its sentence is.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from processing.match.stance_cues import Cue, Kind, cues_in
from processing.narrative import Narrative
from processing.passages import Span

Where = Literal["title", "near", "far"]

_TITLE, _CLAIM, _OPENING, _SENTENCE = 300, 500, 500, 1000
_NEAR, _FAR = 200, 600  # characters before and after: about the neighbouring sentence, about the neighbouring passage
_ENOUGH = 3  # cues of a kind; more of them say no more
_QUOTED = re.compile(r"[«„“\"‘][^«»„“”\"]{3,600}[»“”\"]")
_LABEL = re.compile(r"\s*([^:–—!?]{2,30})[:–—!?]")
_NO = re.compile(r"\s*(?:no|non|não|nein|nie|ne|нет|ні|не|hayır)\s*,", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Quoted:
    """A matched passage in its article.

    `passage` and `sentence` (its nearest sentence) are spans of `text`, or of `title` when `in_title`.
    """

    title: str | None
    text: str
    language: str
    passage: Span
    sentence: Span
    in_title: bool = False

    @property
    def said(self) -> str:
        """The sentence."""
        start, end = self.sentence
        return (self.title or "" if self.in_title else self.text)[start : min(end, start + _SENTENCE)]


@dataclass(frozen=True)
class Placed:
    """A cue and where it stands: near the sentence, farther from it, or in the title. Offsets count in title or text."""

    cue: Cue
    where: Where
    in_sentence: bool = False


@dataclass(frozen=True)
class Shown:
    """Numbers by name (`NAMES`), and the cues in the order of weight: title, near, far."""

    numbers: dict[str, float]
    cues: tuple[Placed, ...]
    headline: str | None
    """How the title begins, when that alone says what the article is about: “Fake:”, “No,”."""


NAMES = (
    *("untrue_near", "untrue_far", "fake_near", "fake_far", "correct", "check", "spread", "title", "headline"),
    *("doubt_near", "doubt_far", "deny_near", "say", "disputed", "negated", "quoted"),
    *("claim_denies", "untrue_of_denial", "deny_of_denial"),
)
NEAR_NAMES = tuple(name for name in NAMES if not name.endswith("_far") and name != "quoted")
"""What `reports` is told by: labelled reports are passages, so nothing can be learned from what is farther off."""


def features(quoted: Quoted, card: Narrative) -> Shown:
    """The numbers that need no encoder."""
    placed = tuple(_placed(quoted))
    counted = Counter((one.cue.kind, one.where) for one in placed)
    said = Counter(one.cue.kind for one in placed if one.in_sentence)

    def much(kind: Kind, where: Where) -> float:
        return math.log1p(min(_ENOUGH, counted[kind, where]))

    headline = _headline(quoted)
    claim = _claim_cues(card.claim[:_CLAIM], card.language)
    denies = float(any(claim[kind] for kind in ("untrue", "fake", "deny", "doubt", "not")))
    deny = much("deny", "near")
    numbers = {
        "untrue_near": much("untrue", "near"),
        "untrue_far": much("untrue", "far"),
        "fake_near": much("fake", "near"),
        "fake_far": much("fake", "far"),
        "correct": much("correct", "near") + much("correct", "far") / 2,
        "check": much("check", "near") + much("check", "far") / 2,
        "spread": much("spread", "near"),
        "title": math.log1p(min(_ENOUGH, sum(counted[kind, "title"] for kind in ("untrue", "fake", "check")))),
        "headline": float(headline is not None),
        "doubt_near": much("doubt", "near"),
        "doubt_far": much("doubt", "far"),
        "deny_near": deny,
        "say": math.log1p(min(_ENOUGH, said["say"])),
        "disputed": min(1.0, deny) * min(1.0, much("doubt", "near") + much("say", "near")),
        "negated": float(said["not"] > 0 and not claim["not"]),
        "quoted": _quoted_share(quoted.said),
        "claim_denies": denies,
        "untrue_of_denial": denies * (much("untrue", "near") + much("fake", "near")),
        "deny_of_denial": denies * deny,
    }
    order = {"title": 0, "near": 1, "far": 2}
    return Shown(numbers, tuple(sorted(placed, key=lambda one: (order[one.where], one.cue.start))), headline)


def _placed(quoted: Quoted) -> Iterator[Placed]:
    title = (quoted.title or "")[:_TITLE]
    for cue in cues_in(title, quoted.language):
        yield Placed(cue, "title")
    if quoted.in_title:
        yield from _far(quoted, 0, _FAR)
        return
    (first, last), (start, end) = quoted.passage, quoted.sentence
    end = min(end, start + _SENTENCE)
    begin, stop = max(0, max(first, start - _SENTENCE) - _FAR), min(last, end + _SENTENCE) + _FAR
    for cue in _shifted(cues_in(quoted.text[begin:stop], quoted.language), begin):
        near = start - _NEAR <= cue.start and cue.end <= end + _NEAR
        yield Placed(cue, "near" if near else "far", in_sentence=start <= cue.start and cue.end <= end)
    yield from _far(quoted, 0, min(_OPENING, begin))


def _far(quoted: Quoted, start: int, end: int) -> Iterator[Placed]:
    for cue in cues_in(quoted.text[start:end], quoted.language):
        yield Placed(cue, "far")


def _shifted(cues: Iterable[Cue], offset: int) -> Iterator[Cue]:
    return (Cue(cue.kind, cue.words, cue.start + offset, cue.end + offset) for cue in cues)


def _headline(quoted: Quoted) -> str | None:
    title = (quoted.title or "")[:_TITLE]
    if found := _NO.match(title):
        return found[0].strip()
    label = _LABEL.match(title)
    if label and any(cue.kind in {"untrue", "fake", "check"} for cue in cues_in(label[1], quoted.language)):
        return label[1].strip()
    return None


def _quoted_share(said: str) -> float:
    return sum(len(found[0]) for found in _QUOTED.finditer(said)) / max(1, len(said))


@lru_cache(maxsize=4096)
def _claim_cues(claim: str, language: str) -> Counter[Kind]:
    return Counter(cue.kind for cue in cues_in(claim, language))

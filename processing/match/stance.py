"""The stance guard: whether a matched passage repeats a narrative, reports about it or rebuts it.

A fact-check of a claim, a neutral report and the claim itself are equally near to the card, so another kind of evidence
decides: words of refutation, attribution and distance and where they stand (`cues.yml`), how the headline begins, what the
claim itself denies, and whether the passage is nearer to the card's rebuttal than to its claim. A small logistic model, fitted
by `benchmarks/stance.py`, weighs them. It says `rebuts` or `reports` only when sure: to lower an article that repeats a
narrative is the worse mistake, so whatever is in doubt is `unclear`, which lowers nothing.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Literal, get_args

from processing.encoder import Encoder, Floats
from processing.match.fuse import Level
from processing.match.stance_cues import Kind, has_cues
from processing.match.stance_features import Placed, Quoted, Shown, features
from processing.narrative import Narrative
from processing.passages import sentences

Label = Literal["repeats", "reports", "rebuts", "unclear"]
Sided = Literal["rebuts", "reports"]
SIDES: tuple[Sided, ...] = get_args(Sided)
"""What lowers a level; a passage that is likely neither `repeats`."""
FACT_CHECKER = "fact-checker"
NEARER = "nearer"
"""The feature that needs an encoder: nearest sentence of the rebuttal less nearest sentence of the claim, as cosines."""

_LIKELY = 0.5
_MOST_SENTENCES = 12
_MOST_CUES = 6
_LONGEST = 60  # characters of quoted words: a hostile text may have words without end
_TELLING: dict[Sided, tuple[Kind, ...]] = {
    "rebuts": ("untrue", "fake", "check", "correct"),
    "reports": ("deny", "doubt", "say", "spread"),
}
_MEANS: dict[Kind, str] = {
    "untrue": "calls it untrue",
    "fake": "speaks of something made up",
    "check": "word of fact-checks",
    "spread": "tells that it goes round",
    "correct": "corrects",
    "deny": "somebody denies it",
    "doubt": "keeps a distance",
    "say": "attributes",
    "not": "negates",
}


@dataclass(frozen=True)
class Stance:
    """`probability` is that of the label, of the likelier side when `unclear`. `reasons` are phrases for analysts."""

    label: Label
    probability: float
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Model:
    """For each side a logistic function: weights by feature, with an `intercept`, and the probability it takes to say it."""

    encoder: str | None
    weights: dict[Sided, dict[str, float]]
    sure: dict[Sided, float]
    fitted_on: str

    def chances(self, numbers: dict[str, float]) -> dict[Sided, float]:
        """The probability of each side; they do not sum to one."""
        found: dict[Sided, float] = {}
        for side, weights in self.weights.items():
            logit = weights["intercept"] + sum(weights.get(name, 0.0) * value for name, value in numbers.items())
            found[side] = 1 / (1 + math.exp(-logit))
        return found


@cache
def load_model(encoder: str | None) -> Model:
    """The model fitted with this encoder, else the one that needs none."""
    listed = json.loads(resources.files("processing.match").joinpath("stance.json").read_text(encoding="utf-8"))
    models = {row["encoder"]: Model(**row) for row in listed}
    return models.get(encoder, models[None])


class Guard:
    """Judges passages; `encoder` None does without the card's rebuttal."""

    def __init__(self, encoder: Encoder | None) -> None:
        """Remember the vectors of cards' sentences, since a card's matches come in one after the other."""
        self.model = load_model(encoder.name if encoder else None)
        self._encoder = encoder
        self._vectors = lru_cache(maxsize=1024)(self._sentences)

    def judge(self, quoted: Quoted, card: Narrative, kind: str | None = None) -> Stance:
        """The stance of a passage to a card's claim; `kind` is the outlet's.

        What a fact-checker publishes need only be likelier a rebuttal than anything else, and is never said to repeat.
        """
        shown, nearness = features(quoted, card), self.nearness(quoted, card) if self.model.encoder else None
        chances = self.model.chances(shown.numbers | ({NEARER: nearness[1] - nearness[0]} if nearness else {}))
        side = max(SIDES, key=lambda one: chances[one])
        neither = (1 - chances["rebuts"]) * (1 - chances["reports"])
        checker = kind == FACT_CHECKER
        label: Label = "unclear"
        if chances[side] >= (_LIKELY if checker and side == "rebuts" else self.model.sure[side]):
            label = side
        elif chances[side] < _LIKELY and not checker and (has_cues(quoted.language) or nearness):
            label = "repeats"
        probability = neither if label == "repeats" else chances[side]
        context = _context(quoted, card, kind, chances, label)
        return Stance(label, round(probability, 4), (*context, *_reasons(label, side, shown, nearness)))

    def nearness(self, quoted: Quoted, card: Narrative) -> tuple[float, float] | None:
        """Cosines of the sentence with the nearest sentence of the claim and of the rebuttal; None without either."""
        if self._encoder is None or not card.response or not quoted.said.strip():
            return None
        said = self._encoder.encode([quoted.said])[0]
        claim, response = self._vectors(card.claim, card.language), self._vectors(card.response, card.language)
        if not len(claim) or not len(response):
            return None
        return float((claim @ said).max()), float((response @ said).max())

    def _sentences(self, text: str, language: str) -> Floats:
        assert self._encoder is not None
        return self._encoder.encode([text[start:end] for start, end in sentences(text, language)[:_MOST_SENTENCES]])


def lowered(level: Level, stance: Stance, kind: str | None) -> Level:
    """The level an analyst sees. Nothing is hidden: what rebuts or only reports, and all of a fact-checker, is suggested."""
    if level == "flag" and (stance.label in {"rebuts", "reports"} or kind == FACT_CHECKER):
        return "suggest"
    return level


def _context(
    quoted: Quoted, card: Narrative, kind: str | None, chances: dict[Sided, float], label: Label
) -> Iterator[str]:
    if kind == FACT_CHECKER:
        yield "the outlet is a fact-checker"
    if label == "unclear":
        yield "not sure: " + ", ".join(f"{side} {chances[side]:.2f}" for side in SIDES)
    if not has_cues(quoted.language):
        yield f"no cue words are listed for the language {quoted.language!r}"
    if not card.response:
        yield "no rebuttal documented"


def _reasons(label: Label, side: Sided, shown: Shown, nearness: tuple[float, float] | None) -> Iterator[str]:
    if nearness:
        claim, response = nearness
        nearer = "nearer to the rebuttal" if response > claim else "nearer to the claim"
        yield f"{nearer} (claim {claim:.2f}, rebuttal {response:.2f})"
    if shown.headline and side == "rebuts":
        yield f"headline begins “{shown.headline}”"
    if label == "repeats" and not any(one.cue.kind in _TELLING["rebuts"] for one in shown.cues):
        yield "no word of refutation near it"
    kinds = _TELLING[side] if label == side else (*_TELLING["rebuts"], *_TELLING["reports"])
    cues = [one for one in shown.cues if one.cue.kind in kinds]
    yield from map(_cue_reason, _first_of_each(cues)[:_MOST_CUES])


def _first_of_each(cues: Sequence[Placed]) -> list[Placed]:
    """The same words twice say it once."""
    first: dict[tuple[str, str], Placed] = {}
    for one in cues:
        first.setdefault((one.cue.kind, one.cue.words.lower()), one)
    return list(first.values())


def _cue_reason(one: Placed) -> str:
    cue = one.cue
    where = {"title": "title", "near": "text", "far": "text, farther off"}[one.where]
    return f"{_MEANS[cue.kind]}: “{cue.words[:_LONGEST]}” ({where} {cue.start}–{cue.end})"

"""One article at a time against all cards: passages, channels, fusion, evidence. `match` and `rank` both end here."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index_config.languages import text_field
from processing.match.fuse import Calibration, Level
from processing.match.lexical import Hit, LexicalChannel
from processing.match.semantic import SemanticChannel
from processing.passages import Passage, sentences, split

VERSION = "1"


@dataclass(frozen=True)
class Text:
    """What is matched: an article's title and text, and its language's code."""

    title: str | None
    text: str
    language: str


@dataclass(frozen=True, kw_only=True)
class Match:
    """One narrative found in one article: how sure, by which channel, and the passage that says it.

    `score` is a probability, `semantic` a cosine, `lexical` a BM25 score. `sentence` is where in the text (or, for the
    passage kind `title`, in the title) the passage's nearest sentence stands.
    """

    narrative: str
    score: float
    semantic: float
    lexical: float
    level: Level
    passage: Passage
    sentence: tuple[int, int]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Channels:
    """Cosines and lexical overlaps, both of shape [passages, cards], and the lexical hits of each passage."""

    cosine: NDArray[np.float32]
    overlap: NDArray[np.float32]
    hits: list[list[Hit]]


@dataclass(frozen=True)
class Matcher:
    """Cards (`ids`, in the order of the semantic channel's claims), the two channels, and what fuses them."""

    ids: tuple[str, ...]
    semantic: SemanticChannel
    lexical: LexicalChannel
    calibration: Calibration

    @property
    def name(self) -> str:
        return f"{self.semantic.encoder.name}+bm25/{VERSION}"

    def rank(self, text: Text, most: int, *, at_least: Level = "none") -> list[Match]:
        """The best cards for a text, best first, at most `most`, none below the level asked for."""
        passages = split(text.title, text.text, language=text.language)
        if not passages or not self.ids:
            return []
        channels = self.channels(passages, text_field(text.language))
        probability = self.calibration.probability(channels.cosine, channels.overlap)
        best, met = probability.max(axis=0), bool(channels.overlap.any())
        order = np.lexsort((np.array(self.ids), -best))[:most]  # equal scores in the order of ids, wherever it runs
        matches = []
        for card in order.tolist():
            level = self.calibration.level(float(best[card]), len(text.text), met=met)
            if _below(level, at_least):
                break
            row = int(probability[:, card].argmax())
            hit = next((hit for hit in channels.hits[row] if hit.narrative == self.ids[card]), None)
            matches.append(
                Match(
                    narrative=self.ids[card],
                    score=float(best[card]),
                    semantic=float(channels.cosine[row, card]),
                    lexical=hit.score if hit else 0.0,
                    level=level,
                    passage=passages[row],
                    sentence=self._nearest_sentence(passages[row], card, text.language)
                    if at_least != "none"
                    else (0, 0),
                    words=hit.words if hit else (),
                )
            )
        return matches

    def channels(self, passages: Sequence[Passage], language: str) -> Channels:
        """What both channels say of each passage and each card; `language` is a language property of the index."""
        cosine = self.semantic.similarities([passage.text for passage in passages])
        overlap = np.zeros_like(cosine)
        column = {narrative: number for number, narrative in enumerate(self.ids)}
        hits = self.lexical.search([(passage.text, language) for passage in passages])
        for row, found in enumerate(hits):
            for hit in found:
                if hit.narrative in column:
                    overlap[row, column[hit.narrative]] = hit.overlap
        return Channels(cosine, overlap, hits)

    def _nearest_sentence(self, passage: Passage, card: int, language: str) -> tuple[int, int]:
        spans = sentences(passage.text, language)
        if len(spans) < 2:
            return passage.start, passage.end
        near = self.semantic.similarities([passage.text[start:end] for start, end in spans])[:, card]
        start, end = spans[int(near.argmax())]
        return passage.start + start, passage.start + end


_ORDER: dict[Level, int] = {"none": 0, "suggest": 1, "flag": 2}


def _below(level: Level, least: Level) -> bool:
    return _ORDER[level] < _ORDER[least]

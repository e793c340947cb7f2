"""The lexical channel: a passage's words as a BM25 query over the cards' claims in the passage's own language."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from elasticsearch import Elasticsearch

from index_config.languages import languages, text_field

_TOP = 50
_WORD = re.compile(r"\w{3,}")
_MARK = re.compile(r"\ue000(.*?)\ue001", re.DOTALL)  # private-use characters, which no card has


@dataclass(frozen=True)
class Hit:
    """One card's BM25 score for a passage, the words of the card that the passage has too, and their share in its claim."""

    narrative: str
    score: float
    words: tuple[str, ...]
    coverage: float

    @property
    def overlap(self) -> float:
        """What fusion looks at. BM25 alone grows with the passage's length: common words of a long one outweigh a claim."""
        return self.coverage * math.log1p(self.score)


@dataclass(frozen=True)
class LexicalChannel:
    """Searches `claim.<language>` of one index of cards.

    `narrower`: cards that are found where one of these others is, too, by their ids.
    """

    client: Elasticsearch
    index: str
    narrower: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def languages(self) -> frozenset[str]:
        """The language properties in which any card has words."""
        names = sorted({text_field(code) for code in languages()})
        searches: list[dict[str, Any]] = []
        for name in names:
            searches += [{}, {"size": 0, "terminate_after": 1, "query": {"exists": {"field": f"claim.{name}"}}}]
        answers = self.client.msearch(index=self.index, searches=searches)["responses"]
        return frozenset(name for name, found in zip(names, answers, strict=True) if found["hits"]["total"]["value"])

    def search(self, passages: Sequence[tuple[str, str]], only: str | None = None) -> list[list[Hit]]:
        """For each (text, language property) the best cards, best first, or the `only` one asked for; one request for all.

        A card says nothing in a language it has no words in, so most passages that are not English find nothing.
        """
        found: list[list[Hit]] = [[] for _ in passages]
        met = [number for number, (_, language) in enumerate(passages) if language in self.languages]
        searches: list[dict[str, Any]] = []
        for number in met:
            text, language = passages[number]
            searches += [{}, _query(text, f"claim.{language}", [only, *self.narrower.get(only, ())] if only else None)]
        answers = self.client.msearch(index=self.index, searches=searches)["responses"] if met else []
        for number, answer in zip(met, answers, strict=True):
            hits = self._gathered([_hit(hit) for hit in answer["hits"]["hits"]])
            found[number] = [hit for hit in hits if only in (None, hit.narrative)]
        return found

    def _gathered(self, hits: list[Hit]) -> list[Hit]:
        """These hits, and for each card above one of them the best of those below it; best first."""
        best = {hit.narrative: hit for hit in hits}
        for hit in hits:
            for wider in self._wider.get(hit.narrative, ()):
                if wider not in best or best[wider].overlap < hit.overlap:
                    best[wider] = replace(hit, narrative=wider)
        return sorted(best.values(), key=lambda hit: -hit.score)

    @cached_property
    def _wider(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for wider, names in self.narrower.items():
            for name in names:
                found.setdefault(name, []).append(wider)
        return found


def _query(text: str, claim: str, only: Sequence[str] | None) -> dict[str, Any]:
    among = {"filter": {"ids": {"values": only}}} if only else {}
    return {
        "size": _TOP,
        "_source": False,
        "query": {"bool": {"must": {"match": {claim: text}}, "must_not": {"term": {"retired": True}}, **among}},
        "highlight": {"fields": {claim: {}}, "pre_tags": ["\ue000"], "post_tags": ["\ue001"], "number_of_fragments": 0},
    }


def _hit(hit: dict[str, Any]) -> Hit:
    claim = " ".join(text for texts in hit.get("highlight", {}).values() for text in texts).lower()
    marked = dict.fromkeys(_MARK.findall(claim))
    words = set(_WORD.findall(claim.replace("\ue000", "").replace("\ue001", "")))
    return Hit(hit["_id"], float(hit["_score"]), tuple(marked), len(marked) / max(len(words), len(marked), 1))

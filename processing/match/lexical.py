"""The lexical channel: a passage's words as a BM25 query over the cards' claims in the passage's own language."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
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
    """Searches `claim.<language>` of one index of cards."""

    client: Elasticsearch
    index: str

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
            searches += [{}, _query(text, f"claim.{language}", only)]
        answers = self.client.msearch(index=self.index, searches=searches)["responses"] if met else []
        for number, answer in zip(met, answers, strict=True):
            found[number] = [_hit(hit) for hit in answer["hits"]["hits"]]
        return found


def _query(text: str, field: str, only: str | None) -> dict[str, Any]:
    among = {"filter": {"ids": {"values": [only]}}} if only else {}
    return {
        "size": _TOP,
        "_source": False,
        "query": {"bool": {"must": {"match": {field: text}}, "must_not": {"term": {"retired": True}}, **among}},
        "highlight": {"fields": {field: {}}, "pre_tags": ["\ue000"], "post_tags": ["\ue001"], "number_of_fragments": 0},
    }


def _hit(hit: dict[str, Any]) -> Hit:
    claim = " ".join(text for texts in hit.get("highlight", {}).values() for text in texts).lower()
    marked = dict.fromkeys(_MARK.findall(claim))
    words = set(_WORD.findall(claim.replace("\ue000", "").replace("\ue001", "")))
    return Hit(hit["_id"], float(hit["_score"]), tuple(marked), len(marked) / max(len(words), len(marked), 1))

"""The labelled passages that matching is measured and fitted on, and what is counted."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from processing.passages import Passage, split

Row = dict[str, Any]

SETS: Mapping[str, Callable[[Row], bool]] = {
    "euvsdisinfo": lambda _: True,
    "voxcheck": lambda row: row["is_original_language"],
    "checkthat2022_2a": lambda _: True,
}


def rows(path: Path) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def queries(data: Path, name: str) -> list[Row]:
    return list(filter(SETS[name], rows(data / "narratives" / name / "queries.jsonl.gz")))


def cards(data: Path, name: str) -> Path:
    return data / "narratives" / name / "cards.jsonl.gz"


def background(data: Path) -> list[Row]:
    return rows(data / "background" / "articles.jsonl.gz")


def windows(title: str | None, text: str, language: str | None) -> list[Passage]:
    """All passages of a text but the opening, which only decides whether these are read."""
    return [passage for passage in split(title, text, language=language) if passage.kind != "opening"]


def measures(order: Sequence[str], relevant: set[str]) -> tuple[float, float]:
    """Average precision of the first five (MAP@5 is its mean), and the share of the relevant among the first ten."""
    hits = [card in relevant for card in order[:10]]
    precision = sum(sum(hits[: rank + 1]) / (rank + 1) for rank in range(min(5, len(hits))) if hits[rank])
    return precision / min(5, len(relevant)), sum(hits) / len(relevant)

"""Labelled texts for the stance guard: our own, and what can be taken from the evaluation data."""

import gzip
import json
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from processing.narrative import Narrative
from processing.passages import sentences

MOST = {"euvsdisinfo": 400, "voxcheck": 400, "stopfake": 200, "semeval": 200}
OWN = "ours"
_ADDRESS = re.compile(r"https?://\S+")
# StopFake's verdict is no part of the claim.
_KICKER = re.compile(r"^(?:фейк|маніпуляція|fake)[^:]{0,20}:\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Item:
    source: str
    label: str
    language: str
    card: Narrative
    title: str | None
    text: str


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def ours(path: Path) -> Iterator[Item]:
    for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        card = Narrative(id=row["card"], title=row["card_title"], response=row["card_response"])
        yield Item(OWN, row["label"], row["language"], card, row["title"], row["passage"])


def halves(text: str, language: str) -> tuple[str, str | None]:
    spans = sentences(text, language)
    if len(spans) < 4:
        return text, None
    middle = len(spans) // 2
    return text[: spans[middle][0]], text[spans[middle][0] :]


def rebuttal(source: str, row: dict[str, Any], language: str, text: str) -> Item:
    """One half of the text is judged, the other half (in English where there is one) is the card's response."""
    first, other = halves(text, language)
    if language != "en" and row["response"]:
        other = halves(row["response"], "en")[1]
    return Item(source, "rebuts", language, Narrative(id=row["id"], title=row["title"], response=other), None, first)


def recorded(folder: Path) -> Iterator[Item]:
    """All of one source and stance, in an order that does not depend on the files'."""
    for source, name in (("euvsdisinfo", "euvsdisinfo"), ("voxcheck", "voxcheck"), ("semeval", "semeval2025_t10")):
        cards = {row["id"]: row for row in rows(folder / name / "cards.jsonl.gz")}
        queries = rows(folder / name / ("articles.jsonl.gz" if source == "semeval" else "queries.jsonl.gz"))
        for row in queries:
            cited = [cards[card] for card in row["relevant"] if card in cards]
            if cited and row.get("flag", True):
                card = Narrative(id=cited[0]["id"], title=cited[0]["title"], response=cited[0]["response"])
                yield Item(source, "repeats", row["language"], card, row.get("title"), row["text"])
        if source == "semeval":
            continue
        seen = set()
        for row in cards.values():
            texts = row.get("responses") or {"en": row["response"] or ""}
            for language, response in texts.items():
                text = _ADDRESS.sub("", response).strip()
                if (
                    len(text) >= 60 and text not in seen
                ):  # cards share boilerplate, and “No evidence given.” is no article
                    seen.add(text)
                    yield rebuttal(source, row, language, text)
    for row in rows(folder / "stopfake" / "cards.jsonl.gz"):
        text = (row["response"] or "").replace(".,", ".\n").replace("»,", "»\n")
        if len(text) >= 100:
            card = Narrative(id=row["id"], title=_KICKER.sub("", row["title"]), language=row["languages"][0])
            yield Item("stopfake", "rebuts", row["languages"][0], card, None, text)


def sampled(items: list[Item]) -> list[Item]:
    groups = defaultdict(list)
    for item in items:
        groups[item.source, item.label].append(item)
    kept = []
    for (source, _), group in sorted(groups.items()):
        random.Random(0).shuffle(group)
        kept += group[: MOST.get(source)]
    return kept

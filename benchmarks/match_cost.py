"""What it costs to match one article: processor time of one core, encoding shown apart, and how it grows with the cards.

Real articles of 25 languages (news pages) and everyday texts, each as the pipeline matches it. Larger decks than there are
cards for are made of the same cards again, a little moved; the lexical channel is Elasticsearch's and is shown as the time
waited for it.
"""

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from labelled import background, rows
from rich.console import Console
from rich.progress import track
from rich.table import Table

from processing.card_vectors import CardVectors
from processing.encoder import Encoded, Encoder, Floats, Role
from processing.match.lexical import Hit, LexicalChannel
from processing.match.matcher import CANDIDATES, Matcher, Reading, Text

SIZES = (1_000, 11_446, 100_000)
EVERYDAY = 300


class Timed:
    """An encoder whose processor time is counted."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self.seconds, self.texts = encoder, 0.0, 0
        self.name, self.dimensions, self.token_dimensions = encoder.name, encoder.dimensions, encoder.token_dimensions

    def encode(self, texts: Sequence[str], role: Role = "passage") -> Floats:
        return self.encode_with_tokens(texts, role).vectors

    def encode_with_tokens(self, texts: Sequence[str], role: Role) -> Encoded:
        begun = time.process_time()
        found = self._encoder.encode_with_tokens(texts, role)
        self.seconds += time.process_time() - begun
        self.texts += len(texts)
        return found

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return self._encoder.lengths(texts)


@dataclass(frozen=True)
class Waiting(LexicalChannel):
    """The lexical channel, and how long each search was waited for."""

    waits: list[float] = field(default_factory=list)

    def search(self, passages: Sequence[tuple[str, str]], only: str | None = None) -> list[list[Hit]]:
        begun = time.perf_counter()
        found = super().search(passages, only)
        self.waits.append(time.perf_counter() - begun)
        return found


def articles(data: Path) -> dict[str, list[Text]]:
    pages = rows(data / "articles" / "fundus" / "truth.jsonl.gz")
    return {
        "news pages": [Text(row["title"], row["text"], row["language"]) for row in pages],
        "everyday": [Text(row.get("title"), row["text"], row["language"]) for row in background(data)[:EVERYDAY]],
    }


def sized(vectors: CardVectors, size: int) -> CardVectors:
    """The first cards, or all of them again and again, each time a little elsewhere."""
    if size <= len(vectors.ids):
        return vectors.only(vectors.ids[:size])
    times, random = -(-size // len(vectors.ids)), np.random.default_rng(0)

    def moved(rows: Floats) -> Floats:
        tiled = np.tile(rows, (times, 1))
        tiled += random.normal(0, 0.01, tiled.shape).astype(np.float32)
        return tiled

    def firsts(starts: np.ndarray, total: int) -> np.ndarray:
        return np.concatenate([starts + total * number for number in range(times)])

    return CardVectors(
        tuple(f"{name}#{number}" for number in range(times) for name in vectors.ids),
        moved(vectors.whole),
        moved(vectors.wordings),
        firsts(vectors.first_wording, len(vectors.wordings)),
        np.tile(vectors.tokens, (times, 1)),
        np.tile(vectors.weights, times),
        firsts(vectors.first_token, len(vectors.tokens)),
    ).only(f"{name}#{number}" for number in range(times) for name in vectors.ids[: size // times])


def measured(matcher: Matcher, texts: list[Text], encoder: Encoder, label: str, console: Console) -> dict[str, Any]:
    """Mean of the seconds an article takes, what of it is encoding, and the 99th percentile of articles matched one at a time.

    As the pipeline has it, what begins the articles is read for many at once, which no single one's time can be told of.
    """
    timed, waits = Timed(encoder), []
    lexical = Waiting(matcher.lexical.client, matcher.lexical.index, matcher.lexical.narrower, waits)
    matcher = Matcher(replace(matcher.semantic, encoder=timed), lexical, matcher.calibration)
    matcher.rank(texts[0], 1, at_least="suggest")  # loads what is loaded once
    timed.seconds, timed.texts = 0.0, 0
    waits.clear()
    begun = time.process_time()
    for reading in track(matcher.read_all(texts), label, total=len(texts), console=console):
        evidence(matcher, reading)
    together = time.process_time() - begun
    encoding, encoded, waited = timed.seconds, timed.texts, sum(waits)
    alone = []
    for text in track(texts, f"{label}, one at a time", console=console):
        begun = time.process_time()
        evidence(matcher, matcher.read(text))
        alone.append(time.process_time() - begun)
    return {
        "articles": len(texts),
        "cards": len(matcher.ids),
        "mean": together / len(texts),
        "p99": float(np.quantile(alone, 0.99)),
        "encoding": encoding / len(texts),
        "encoded": encoded / len(texts),
        "lexical_wait": waited / len(texts),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def evidence(matcher: Matcher, reading: Reading) -> None:
    for match in matcher.matches(reading, CANDIDATES, at_least="suggest"):
        matcher.exact(reading, match)


def run(matcher: Matcher, data: Path, console: Console) -> list[dict[str, Any]]:
    encoder, found = matcher.semantic.encoder, []
    for name, texts in articles(data).items():
        found.append({"texts": name} | measured(matcher, texts, encoder, name, console))
    texts = articles(data)["news pages"]
    for size in SIZES:
        vectors = sized(matcher.semantic.cards, size)
        grown = Matcher(replace(matcher.semantic, cards=vectors), matcher.lexical, matcher.calibration)
        found.append({"texts": "news pages"} | measured(grown, texts, encoder, f"{size} cards", console))
    return found


def show(found: list[dict[str, Any]], console: Console) -> None:
    table = Table(
        "Texts", "n", "Cards", "ms", "p99 alone", "of it encoding", "passages encoded", "waited for BM25", "MB so far",
        title="Processor time of one core to match an article",
    )  # fmt: skip
    for row in found:
        ms = (f"{1000 * row[name]:.0f}" for name in ("mean", "p99", "encoding"))
        table.add_row(
            row["texts"], str(row["articles"]), str(row["cards"]), *ms, f"{row['encoded']:.1f}",
            f"{1000 * row['lexical_wait']:.0f} ms", f"{row['memory_mb']:.0f}",
        )  # fmt: skip
    console.print(table)

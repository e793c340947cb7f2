"""When a card is new, is it found wherever matching every article again would find it, and at what cost?

    python benchmarks/archive.py --data DIR [--articles N] [--cards N]

Real articles (news pages, everyday texts, SemEval's) are matched with all EUvsDisinfo cards but N that are found in some of
them. Each of the N is then looked for in the archive, as `narrawatch match` does after an import. Baselines: matching every
article again; the articles with the nearest passages alone, a fixed number of them.
"""

import argparse
import datetime as dt
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from labelled import background, cards, rows
from rich.console import Console
from rich.progress import track
from rich.table import Table

from index_config import bulk
from index_config.apply import apply, remove
from index_config.cluster import Cluster, connect
from narrawatch import settings
from narrawatch.batches import batches
from narrawatch.node import have_elasticsearch
from narrawatch.progress import Steps, bars
from processing.archive import Archive, open_archive
from processing.cards import import_cards
from processing.encoder import Encoder, load_encoder
from processing.importers import CardProblem, read
from processing.matching import Deck, load_articles, load_deck, show, text_of
from processing.narrative import Narrative
from processing.rematch import Search, query_vectors

FIXED = (50, 200)
_BATCH = 50


@dataclass(frozen=True)
class Looked:
    article: str
    narratives: frozenset[str]


def clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def articles(data: Path, most: int) -> dict[str, dict[str, Any]]:
    """Documents as `articles` holds them, as far as matching looks at them; at most so many, chosen by hash."""
    pages = rows(data / "articles" / "fundus" / "truth.jsonl.gz")
    told = rows(data / "narratives" / "semeval2025_t10" / "articles.jsonl.gz")
    found = {}
    for row in (*pages, *background(data), *told):
        text = row["text"]
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        found[digest] = {
            "title": row.get("title"), "text": {"other": text}, "language": row["language"], "text_hash": digest,
            "outlet": "benchmark", "fetched": "2026-01-01T00:00:00Z",
        }  # fmt: skip
    return {digest: found[digest] for digest in sorted(found)[:most]}


@contextmanager
def indices(console: Console) -> Iterator[Cluster]:
    config = settings.load()
    have_elasticsearch(config, console)
    cluster = connect(replace(config, index_prefix=f"{config.index_prefix}bench-{uuid4().hex[:12]}-"))
    try:
        apply(cluster)
        yield cluster
    finally:
        remove(cluster)


def bring_in(cluster: Cluster, given: list[Narrative], encoder: Encoder, console: Console) -> Deck:
    with bars(console) as progress:
        import_cards(cluster, given, encoder, author="bench", reason="bench", progress=Steps(progress))
    return load_deck(cluster, encoder)


def match_all(
    deck: Deck, documents: dict[str, dict[str, Any]], archive: Archive | None, console: Console
) -> dict[str, frozenset[str]]:
    """All cards found in each article; with an archive, what was read is kept."""
    found: dict[str, frozenset[str]] = {}
    for batch in batches(track(list(documents), "matching", console=console), _BATCH):
        texts = (text_of(documents[name]) for name in batch)
        readings = dict(zip(batch, deck.matcher.read_all(texts), strict=True))
        if archive:
            archive.keep({name: (documents[name]["text_hash"], one.seen) for name, one in readings.items()})
        found |= {name: show(deck, one)[1] for name, one in readings.items()}
    return found


def looked_for(cluster: Cluster, deck: Deck, archive: Archive, card: str) -> tuple[set[str], int, float]:
    """Articles in which a card is found through the archive, how many were looked at, and in what time (s)."""
    seen = 0

    def look(ids: Any) -> Iterator[Looked]:
        nonlocal seen
        documents = load_articles(cluster, ids)
        for name, reading in zip(documents, deck.matcher.read_all(map(text_of, documents.values())), strict=True):
            seen += 1
            yield Looked(name, show(deck, reading)[1])

    begun = time.perf_counter()
    found = {one.article for one in Search(cluster, deck, archive, look).carriers(card) if card in one.narratives}
    return found, seen, time.perf_counter() - begun


def measure(data: Path, size: int, most: int, console: Console) -> dict[str, Any]:
    encoder, documents = load_encoder(settings.load().encoder), articles(data, size)
    given = [card for card in read(cards(data, "euvsdisinfo")) if not isinstance(card, CardProblem)]
    with indices(console) as cluster:
        deck = bring_in(cluster, given, encoder, console)
        begun = time.perf_counter()
        truth = match_all(deck, documents, None, console)
        whole = time.perf_counter() - begun
    told = sorted(
        {card for found in truth.values() for card in found}, key=lambda card: hashlib.sha256(card.encode()).hexdigest()
    )
    new = set(told[:most])
    with indices(console) as cluster:
        deck = bring_in(cluster, [card for card in given if card.id not in new], encoder, console)
        bulk.write_all(cluster, [bulk.Action("articles", name, one) for name, one in documents.items()], refresh=True)
        archive = open_archive(cluster, encoder, clock)
        match_all(deck, documents, archive, console)
        deck = bring_in(cluster, given, encoder, console)
        results = []
        for card in track(sorted(new), "looking", console=console):
            wanted = {article for article, found in truth.items() if card in found}
            found, seen, seconds = looked_for(cluster, deck, archive, card)
            nearest = list(archive.nearest(query_vectors(deck.matcher, card)))
            fixed = [len(wanted & set(nearest[:number])) for number in FIXED]
            results.append((len(wanted), len(wanted & found), len(found - wanted), seen, seconds, *fixed))
    table = np.array([row for row in results if row[0]])
    return {
        "articles": len(documents), "cards": len(table), "flags": int(table[:, 0].sum()),
        "recall": float(table[:, 1].sum() / table[:, 0].sum()), "others": int(table[:, 2].sum()),
        "looked_at": float(table[:, 3].mean()), "seconds": float(table[:, 4].mean()), "all_seconds": whole,
        "fixed": {number: float(table[:, 5 + place].sum() / table[:, 0].sum()) for place, number in enumerate(FIXED)},
    }  # fmt: skip


def print_table(found: dict[str, Any], console: Console) -> None:
    title = f"{found['cards']} new cards, {found['flags']} finds in {found['articles']} articles"
    table = Table("Method", "Recall", "Articles matched", "s a card", title=title)
    table.add_row(
        "until 100 in a row carry it no more (ours)",
        f"{found['recall']:.3f}",
        f"{found['looked_at']:.0f}",
        f"{found['seconds']:.1f}",
    )
    table.add_row("every article again", "1.000", str(found["articles"]), f"{found['all_seconds']:.1f}")
    for number, recall in found["fixed"].items():
        table.add_row(f"the nearest {number}", f"{recall:.3f}", str(number), "")
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the evaluation data's folder")
    parser.add_argument("--articles", type=int, default=600)
    parser.add_argument("--cards", type=int, default=20)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    console = Console(stderr=arguments.json)
    found = measure(arguments.data, arguments.articles, arguments.cards, console)
    print_table(found, console)
    if arguments.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()

"""When a card is new, is it found wherever matching every article again would find it, and at what cost?

    python benchmarks/archive.py --data DIR [--articles N] [--cards N]

Real articles (news pages, everyday texts, SemEval's) are matched with all EUvsDisinfo cards but N that are found in some of
them. Each of the N is then looked for in the archive, as `narrawatch match` does after an import. Baselines: matching every
article again; the articles with the nearest passages alone, a fixed number of them. Then once more in an archive that was
filled up with articles that tell none of the N, each with vectors of its own.
"""

import argparse
import datetime as dt
import hashlib
import itertools
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
from remembered import Remembering
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
from processing.encoder import Encoder, load_encoder, unit_rows
from processing.importers import CardProblem, read
from processing.match.matcher import Seen
from processing.matching import Deck, load_articles, load_deck, show, text_of
from processing.narrative import Narrative
from processing.rematch import DRY, Search, sought_by

FIXED = (50, 200)
NOISE = 0.005
"""Of each of 384 numbers: a vector turned by it has a cosine of some .995 with what it was."""
_BATCH = 50


@dataclass(frozen=True)
class Sizes:
    """How many articles are matched, how many cards looked for among them, and how many articles the larger archive has."""

    articles: int
    cards: int
    filled: int


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


def bring_in(cluster: Cluster, given: list[Narrative], encoder: Encoder, making: Encoder, console: Console) -> Deck:
    """A deck of these cards, whose vectors `making` makes."""
    with bars(console) as progress:
        import_cards(cluster, given, making, author="bench", reason="bench", progress=Steps(progress))
    return load_deck(cluster, encoder)


def match_all(
    deck: Deck, documents: dict[str, dict[str, Any]], archive: Archive | None, console: Console
) -> dict[str, tuple[frozenset[str], Seen | None]]:
    """All cards found in each article, and what was read of it; with an archive, that is kept."""
    found: dict[str, tuple[frozenset[str], Seen | None]] = {}
    for batch in batches(track(list(documents), "matching", console=console), _BATCH):
        texts = (text_of(documents[name]) for name in batch)
        readings = dict(zip(batch, deck.matcher.read_all(texts), strict=True))
        if archive:
            archive.keep({name: (documents[name]["text_hash"], one.seen) for name, one in readings.items()})
        found |= {name: (show(deck, one)[1], one.seen) for name, one in readings.items()}
    return found


def fill(
    cluster: Cluster,
    archive: Archive,
    originals: dict[str, tuple[dict[str, Any], Seen]],
    missing: int,
    console: Console,
) -> None:
    """Add articles with the texts of some that are there, and with their vectors turned by some 6 degrees each.

    No two are alike, and each that is near to a card without telling it is there a hundred times.
    """
    random, names = np.random.default_rng(0), list(originals)
    for batch in batches(track(range(missing), "filling", total=missing, console=console), 500):
        read, actions = {}, []
        for number in batch:
            original, seen = originals[names[random.integers(len(names))]]
            noise = random.normal(0, NOISE, seen.vectors.shape).astype(np.float32)
            document = original | {"text_hash": f"{number:032x}"}
            read[f"filled-{number}"] = (document["text_hash"], replace(seen, vectors=unit_rows(seen.vectors + noise)))
            actions.append(bulk.Action("articles", f"filled-{number}", document))
        archive.keep(read)
        bulk.write_all(cluster, actions)


@dataclass(frozen=True)
class Searched:
    """One card looked for: articles it is found in, how many were matched, seconds in all and of them for those matched."""

    found: frozenset[str]
    looked_at: int
    seconds: float
    matching: float


def looked_for(cluster: Cluster, deck: Deck, archive: Archive, card: str) -> Searched:
    seen, matching = 0, 0.0

    def look(ids: Any) -> Iterator[Looked]:
        nonlocal seen, matching
        begun = time.perf_counter()
        documents = load_articles(cluster, ids)
        read = list(zip(documents, deck.matcher.read_all(map(text_of, documents.values())), strict=True))
        looked = [Looked(name, show(deck, reading)[1]) for name, reading in read]
        seen += len(looked)
        matching += time.perf_counter() - begun
        yield from looked

    begun = time.perf_counter()
    found = {one.article for one in Search(cluster, deck, archive, look).carriers(card) if card in one.narratives}
    return Searched(frozenset(found), seen, time.perf_counter() - begun, matching)


def measure(data: Path, sizes: Sizes, cache: Path | None, console: Console) -> dict[str, Any]:
    encoder, documents = load_encoder(settings.load().encoder), articles(data, sizes.articles)
    making = Remembering(encoder, cache) if cache else encoder
    given = [card for card in read(cards(data, "euvsdisinfo")) if not isinstance(card, CardProblem)]
    with indices(console) as cluster:
        deck = bring_in(cluster, given, encoder, making, console)
        begun = time.perf_counter()
        truth = {name: told for name, (told, _) in match_all(deck, documents, None, console).items()}
        whole = time.perf_counter() - begun
    told = sorted(
        {card for found in truth.values() for card in found}, key=lambda card: hashlib.sha256(card.encode()).hexdigest()
    )
    new = set(told[: sizes.cards])
    with indices(console) as cluster:
        deck = bring_in(cluster, [card for card in given if card.id not in new], encoder, making, console)
        bulk.write_all(cluster, [bulk.Action("articles", name, one) for name, one in documents.items()], refresh=True)
        archive = open_archive(cluster, encoder, clock)
        kept = match_all(deck, documents, archive, console)
        deck = bring_in(cluster, given, encoder, making, console)
        small = [looked_for(cluster, deck, archive, card) for card in track(sorted(new), "looking", console=console)]
        fixed = {number: fixed_recall(archive, deck, truth, sorted(new), number) for number in FIXED}
        large = []
        if sizes.filled > len(documents):
            plain = {
                name: (documents[name], seen) for name, (_, seen) in kept.items() if seen and not truth[name] & new
            }
            fill(cluster, archive, plain, sizes.filled - len(documents), console)
            large = [looked_for(cluster, deck, archive, card) for card in track(sorted(new), "again", console=console)]
    archives = {len(documents): small, **({sizes.filled: large} if large else {})}
    return {
        "cards": len(new), "flags": sum(len(found & new) for found in truth.values()),
        "articles": len(documents), "all_seconds": whole, "fixed": fixed,
        "archives": {count: summary(truth, sorted(new), searches) for count, searches in archives.items()},
    }  # fmt: skip


def fixed_recall(archive: Archive, deck: Deck, truth: dict[str, frozenset[str]], new: list[str], number: int) -> float:
    """The share of finds among the articles with the nearest passages, so many a card."""
    hits = 0
    for card in new:
        near = dict.fromkeys(kept.article for kept in archive.nearest(sought_by(deck.matcher, card)))
        hits += sum(card in truth[article] for article in itertools.islice(near, number))
    return hits / sum(len(found & set(new)) for found in truth.values())


def summary(truth: dict[str, frozenset[str]], new: list[str], searches: list[Searched]) -> dict[str, float]:
    wanted = [{article for article, found in truth.items() if card in found} for card in new]
    hits = sum(len(one & search.found) for one, search in zip(wanted, searches, strict=True))
    return {
        "recall": hits / sum(map(len, wanted)),
        "others": sum(len(search.found - one) for one, search in zip(wanted, searches, strict=True)),
        "looked_at": float(np.mean([search.looked_at for search in searches])),
        "seconds": float(np.mean([search.seconds for search in searches])),
        "most_seconds": max(search.seconds for search in searches),
        "searching": float(np.mean([search.seconds - search.matching for search in searches])),
    }


def print_table(found: dict[str, Any], console: Console) -> None:
    title = f"{found['cards']} new cards, {found['flags']} finds in {found['articles']} articles"
    table = Table(
        "Method", "Archive", "Recall", "Articles matched", "s a card", "at most", "without matching", title=title
    )
    for count, one in found["archives"].items():
        seconds = (f"{one[name]:.1f}" for name in ("seconds", "most_seconds", "searching"))
        table.add_row(
            f"until {DRY} in a row carry it no more (ours)", str(count), f"{one['recall']:.3f}", f"{one['looked_at']:.0f}",
            *seconds,
        )  # fmt: skip
    table.add_row(
        "every article again", str(found["articles"]), "1.000", str(found["articles"]), f"{found['all_seconds']:.1f}"
    )
    for number, recall in found["fixed"].items():
        table.add_row(f"the nearest {number}", str(found["articles"]), f"{recall:.3f}", str(number))
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the evaluation data's folder")
    parser.add_argument("--articles", type=int, default=600)
    parser.add_argument("--cards", type=int, default=20)
    parser.add_argument("--filled", type=int, default=100_000, help="articles in the larger archive; 0: none")
    parser.add_argument("--cache", type=Path, help="remember cards' vectors here; articles are encoded in every run")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    console = Console(stderr=arguments.json)
    found = measure(
        arguments.data, Sizes(arguments.articles, arguments.cards, arguments.filled), arguments.cache, console
    )
    print_table(found, console)
    if arguments.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()

"""How well cards are ranked for passages, beside TF-IDF and each channel alone, in one run.

    python benchmarks/match.py --data DIR

MAP@5 and recall@10, strict (the cited card) and lenient (cards that tell the same), mean over passages. No date, outlet or
country is used. The last column is the time per passage, encoding included.
"""

import argparse
import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer

from index_config.languages import text_field
from narrawatch import settings
from narrawatch.ranking import deck_of_files
from processing.matching import Deck
from processing.passages import split

SETS = {
    "euvsdisinfo": lambda _: True,
    "voxcheck": lambda row: row["is_original_language"],
    "checkthat2022_2a": lambda _: True,
}
Scores = NDArray[np.float32]
Row = dict[str, Any]


def measures(order: list[str], relevant: set[str]) -> tuple[float, float]:
    hits = [card in relevant for card in order[:10]]
    precision = sum(sum(hits[: rank + 1]) / (rank + 1) for rank in range(5) if rank < len(hits) and hits[rank])
    return precision / min(5, len(relevant)), sum(hits) / len(relevant)


def channels(deck: Deck, queries: list[Row], name: str) -> Iterator[dict[str, Scores]]:
    """Scores of all cards for each passage, by method; the best window of a passage counts."""
    for row in track(queries, name):
        passages = split(row.get("title"), row["text"], language=row["language"])
        found = deck.matcher.channels(passages, text_field(row["language"]))
        bm25 = np.zeros(len(deck.matcher.ids), dtype=np.float32)
        column = {card: number for number, card in enumerate(deck.matcher.ids)}
        for hit in (hit for hits in found.hits for hit in hits):
            bm25[column[hit.narrative]] = max(bm25[column[hit.narrative]], hit.score)
        fused = deck.matcher.calibration.probability(found.cosine, found.overlap)
        yield {"BM25 alone": bm25, "semantic alone": found.cosine.max(axis=0), "Narrawatch": fused.max(axis=0)}


def tf_idf(deck: Deck, queries: list[Row]) -> Callable[[int], Scores]:
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2)
    claims = vectors.fit_transform(deck.cards[card].narrative.claim for card in deck.matcher.ids)
    texts = vectors.transform(row["text"] for row in queries)
    return lambda number: (texts[number] @ claims.T).toarray()[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the evaluation data's folder")
    folder = parser.parse_args().data / "narratives"
    config, console = settings.load(), Console()
    table = Table("Set", "Method", "MAP@5", "recall@10", "lenient MAP@5", "lenient recall@10", "ms/passage")
    for name, keep in SETS.items():
        with gzip.open(folder / name / "queries.jsonl.gz", "rt", encoding="utf-8") as lines:
            queries = [row for row in map(json.loads, lines) if keep(row)]
        with deck_of_files(config, folder / name / "cards.jsonl.gz", console) as (deck, _):
            ids, baseline = np.array(deck.matcher.ids), tf_idf(deck, queries)
            found: dict[str, list[tuple[float, float, float, float]]] = {}
            begun = time.perf_counter()
            for number, scores in enumerate(channels(deck, queries, name)):
                for method, values in ({"TF-IDF": baseline(number)} | scores).items():
                    order = ids[np.argsort(-values, kind="stable")[:10]].tolist()
                    strict = set(queries[number]["relevant"])
                    lenient = set(
                        queries[number].get("relevant_lenient") or queries[number].get("relevant_broad") or strict
                    )
                    found.setdefault(method, []).append((*measures(order, strict), *measures(order, lenient)))
            cost = 1000 * (time.perf_counter() - begun) / len(queries)
        for method, rows in found.items():
            cells = (f"{value:.3f}" for value in np.mean(rows, axis=0))
            table.add_row(f"{name} ({len(rows)})", method, *cells, f"{cost:.0f}" if method == "Narrawatch" else "")
        table.add_section()
    console.print(table)


if __name__ == "__main__":
    main()

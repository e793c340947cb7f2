"""How well and at what cost cards are ranked for passages, beside TF-IDF, BM25, each channel alone and reading all, in one run.

    python benchmarks/match.py --data DIR [--sets NAME…] [--json]

MAP@5 and recall@10, strict (the cited card) and lenient (cards that tell the same), mean over passages; VoxCheck also with
claims alone and with the narratives they are part of alone, as these are ranked and in the order of their best claims. No
date, outlet or country is used. Intervals: 95 % of 2,000 bootstrap samples of the passages; the difference to each other
method is paired.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import match_cost
import numpy as np
from labelled import SETS, Row, cards, measures, queries
from numpy.typing import NDArray
from remembered import Remembering
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer

from index_config.languages import text_field
from narrawatch import settings
from narrawatch.ranking import deck_of_files
from processing.encoder import load_encoder
from processing.match.matcher import READ, Matcher, Seen, Text
from processing.matching import Deck
from processing.passages import split

OURS = "Narrawatch"
ALL_READ = "all of it read"
SAMPLES = 2_000
MOST = 100
Orders = dict[str, list[str]]  # method → card ids, best first


def orders(deck: Deck, rows: list[Row], name: str, console: Console) -> Iterator[tuple[Orders, float]]:
    """Each passage's cards by method, and the processor seconds that ours took."""
    matcher, baseline = deck.matcher, tf_idf(deck, rows)
    patient = reading_all(matcher)
    for number, row in enumerate(track(rows, name, console=console)):
        begun = time.process_time()
        ranked = matcher.rank(Text(row.get("title"), row["text"], row["language"]), MOST)
        seconds = time.process_time() - begun
        passages = split(row.get("title"), row["text"], language=row["language"])
        seen = patient.look(passages, text_field(row["language"]))
        found = {"TF-IDF": baseline(number), "BM25 alone": bm25(seen)} | alone(matcher, seen)
        all_read = patient.rank(Text(row.get("title"), row["text"], row["language"]), MOST)
        for method, matches in ((ALL_READ, all_read), (OURS, ranked)):
            found[method] = [match.narrative for match in matches]
        yield found, seconds


def reading_all(matcher: Matcher) -> Matcher:
    """The same matcher with no text too far from any card to be read to the end."""
    given, endless = matcher.calibration, (-np.inf,) * (len(READ) - 1)
    met, silent = (replace(fusion, read_on=endless) for fusion in (given.met, given.silent))
    return replace(matcher, calibration=replace(given, met=met, silent=silent))


def bm25(seen: Seen) -> list[str]:
    best: dict[str, float] = {}
    for hit in (hit for hits in seen.hits for hit in hits):
        best[hit.narrative] = max(best.get(hit.narrative, 0.0), hit.score)
    return sorted(best, key=lambda card: -best[card])


def alone(matcher: Matcher, seen: Seen) -> Orders:
    """The parts of the semantic channel, one by one; coverage only among the cards that were looked at word by word."""
    texts = [passage.text for passage in seen.passages]
    wording, whole = matcher.semantic.near(matcher.semantic.encoder.encode(texts))
    ids, chosen = np.array(matcher.ids), np.array(matcher.ids)[seen.chosen]
    return {
        "sentence vectors: title": ids[first(wording)].tolist(),
        "sentence vectors: all": ids[first(whole)].tolist(),
        "word by word": chosen[first(seen.channels.coverage)].tolist(),
    }


def first(scores: NDArray[np.float32]) -> NDArray[np.intp]:
    return np.argsort(-scores.max(axis=0), kind="stable")[:MOST]


def tf_idf(deck: Deck, rows: list[Row]) -> Callable[[int], list[str]]:
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2)
    ids = np.array(deck.matcher.ids)
    claims = vectors.fit_transform(deck.cards[card].narrative.claim for card in deck.matcher.ids)
    texts = vectors.transform(row["text"] for row in rows)
    return lambda number: ids[np.argsort(-(texts[number] @ claims.T).toarray()[0], kind="stable")[:MOST]].tolist()


def judged(row: Row, order: list[str], parents: Mapping[str, str]) -> dict[str, tuple[float, float]]:
    """A passage's two measures by kind of label."""
    strict = set(row["relevant"])
    lenient = set(row.get("relevant_lenient") or row.get("relevant_broad") or strict)
    found = {"strict": measures(order, strict), "lenient": measures(order, lenient)}
    if parents:
        claims = [card for card in order if card in parents]
        wider = {parents[card] for card in strict if card in parents}
        found["claims"] = measures(claims, strict)
        found["narratives"] = measures([card for card in order if card not in parents], wider)
        found["narratives, by best claim"] = measures(list(dict.fromkeys(parents[card] for card in claims)), wider)
    return found


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    chosen = np.random.default_rng(0).integers(len(values), size=(SAMPLES, len(values)))
    low, high = np.quantile(values[chosen].mean(axis=1), (0.025, 0.975))
    return float(low), float(high)


def summary(results: Mapping[str, list[dict[str, tuple[float, float]]]]) -> dict[str, Any]:
    """By method and kind of label: both measures, the interval of MAP@5, and that of what ours is ahead by."""
    ours = results[OURS]
    found: dict[str, Any] = {}
    for method, judgements in results.items():
        found[method] = {}
        for kind in judgements[0]:
            values = np.array([row[kind] for row in judgements])
            ahead = np.array([row[kind][0] for row in ours]) - values[:, 0]
            found[method][kind] = {
                "map5": float(values[:, 0].mean()),
                "recall10": float(values[:, 1].mean()),
                "map5_interval": interval(values[:, 0]),
                "ours_ahead_by": interval(ahead) if method != OURS else None,
            }
    return found


def by_language(rows: list[Row], judgements: list[dict[str, tuple[float, float]]]) -> dict[str, dict[str, float]]:
    found = {}
    for language in sorted({row["language"] for row in rows}):
        values = np.array(
            [judged["strict"] for row, judged in zip(rows, judgements, strict=True) if row["language"] == language]
        )
        found[language] = {"n": len(values), "map5": float(values[:, 0].mean()), "recall10": float(values[:, 1].mean())}
    return dict(sorted(found.items(), key=lambda item: -item[1]["n"]))


def run(data: Path, name: str, cache: Path | None, console: Console) -> dict[str, Any]:
    rows, config = queries(data, name), settings.load()
    encoder = load_encoder(config.encoder)
    making = Remembering(encoder, cache) if cache else encoder
    results: dict[str, list[dict[str, tuple[float, float]]]] = {}
    seconds = []
    with deck_of_files(config, cards(data, name), console, encoder=making) as (made, _):
        semantic = replace(made.matcher.semantic, encoder=encoder)
        deck = replace(made, matcher=replace(made.matcher, semantic=semantic))
        broader = {card: stored.narrative.broader for card, stored in deck.cards.items()}
        parents = {card: wider for card, wider in broader.items() if wider}
        for row, (found, took) in zip(rows, orders(deck, rows, name, console), strict=True):
            seconds.append(took)
            for method, order in found.items():
                results.setdefault(method, []).append(judged(row, order, parents))
        size = len(deck.cards)
        articles = match_cost.run(deck.matcher, data, console) if name == "euvsdisinfo" else []
    cost = {"cards": size, "mean": float(np.mean(seconds)), "p99": float(np.quantile(seconds, 0.99))}
    return {
        "passages": len(rows),
        "seconds": cost,
        "methods": summary(results),
        "languages": by_language(rows, results[OURS]),
        "articles": articles,
    }


def show(name: str, found: dict[str, Any], console: Console) -> None:
    cost = found["seconds"]
    title = f"{name}: {found['passages']} passages, {cost['cards']} cards, {1000 * cost['mean']:.0f} ms a passage (p99 {1000 * cost['p99']:.0f})"
    table = Table("Method", "Labels", "MAP@5", "95 %", "recall@10", "ours ahead by, MAP@5", title=title)
    for method, kinds in found["methods"].items():
        for kind, values in kinds.items():
            ahead = values["ours_ahead_by"]
            table.add_row(
                method,
                kind,
                f"{values['map5']:.3f}",
                "{:.3f}–{:.3f}".format(*values["map5_interval"]),
                f"{values['recall10']:.3f}",
                "{:+.3f}–{:+.3f}".format(*ahead) if ahead else "",
            )
        table.add_section()
    console.print(table)
    languages = (f"{code} {v['map5']:.2f}/{v['recall10']:.2f} ({v['n']})" for code, v in found["languages"].items())
    console.print("By language, strict:", ", ".join(languages), "\n")
    if found["articles"]:
        match_cost.show(found["articles"], console)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the evaluation data's folder")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--cache", type=Path, help="remember cards' vectors here; passages are encoded in every run")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    console = Console(stderr=arguments.json)
    found = {name: run(arguments.data, name, arguments.cache, console) for name in arguments.sets}
    for name, results in found.items():
        show(name, results, console)
    if arguments.json:
        print(json.dumps({"encoder": settings.load().encoder, "sets": found}))


if __name__ == "__main__":
    main()

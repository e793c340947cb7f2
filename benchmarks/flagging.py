"""Are articles that tell a documented narrative flagged, and others not? Per language, beside named baselines, in one run.

    python benchmarks/flagging.py --data DIR [--cache DIR] [--json]

Articles: those of SemEval-2025 task 10 with its cards. The hard negatives are on the same topics and tell none of the narratives
(`Other`); once more with everyday texts of the same language among the negatives. Languages are never pooled, as shares of
articles that tell a narrative differ. An article's score is that of its best card: average precision; F1 at a threshold chosen on
the other folds of the same language, and at our two levels. Then, for articles that tell a narrative, whether the right
ones come first. Baselines read all passages, and the best one counts; `prevalence` is a score that says nothing, and flags all.
Levels: by score, and after the stance guard. Passages and headlines have only one kind of label in each language, so only
shares at each level can be told of them.

Intervals: 95 % of 2,000 bootstrap samples of the articles; the difference to each other method is paired.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from labelled import Row, cards, measures, rows, windows
from levels import FEWEST
from match import OURS, SAMPLES
from numpy.typing import NDArray
from remembered import Remembering
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import StratifiedKFold

from index_config.languages import text_field
from narrawatch import settings
from narrawatch.ranking import deck_of_files
from processing.encoder import load_encoder
from processing.match.fuse import Level
from processing.match.judged import judged
from processing.match.matcher import Text
from processing.matching import Deck
from processing.matching import show as show_flags
from processing.passages import Passage

ARTICLES, EVERYTHING, PASSAGES = "semeval2025_t10", "euvsdisinfo", "voxcheck"
PREVALENCE = "prevalence"
LEVELS: tuple[Level, ...] = ("none", "suggest", "flag")
FOLDS, FOLDINGS = 5, 20
MOST = 100
Vector = NDArray[np.float64]
Scores = dict[str, Vector]  # method → each card's score in the passage that speaks most for it


@dataclass(frozen=True)
class Told:
    """An item with the score and the order of cards that each method gives it, and our level without and with the guard."""

    row: Row
    best: dict[str, float]
    orders: dict[str, list[str]]
    by_score: Level
    guarded: Level

    @property
    def language(self) -> str:
        return str(self.row["language"] or "und")

    @property
    def group(self) -> tuple[str, str]:
        return str(self.row["unit"]), self.language


def tf_idf(claims: Sequence[str]) -> Callable[[Sequence[Passage]], Vector]:
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2)
    known = vectors.fit_transform(claims)
    return lambda passages: np.asarray(
        (vectors.transform([one.text for one in passages]) @ known.T).max(axis=0).todense()
    )[0]


def baselines(deck: Deck) -> Callable[[Sequence[Passage], str], Scores]:
    matcher = deck.matcher
    column = {card: number for number, card in enumerate(matcher.ids)}
    by_characters = tf_idf([deck.cards[card].narrative.claim for card in matcher.ids])

    def scores(passages: Sequence[Passage], language: str) -> Scores:
        bm25 = np.zeros(len(column))
        for hits in matcher.lexical.search([(passage.text, text_field(language)) for passage in passages]):
            for hit in hits:
                bm25[column[hit.narrative]] = max(bm25[column[hit.narrative]], hit.score)
        wording, whole = matcher.semantic.near(matcher.semantic.encoder.encode([passage.text for passage in passages]))
        return {
            "TF-IDF": by_characters(passages),
            "BM25 alone": bm25,
            "sentence vectors: title": wording.max(axis=0),
            "sentence vectors: all": whole.max(axis=0),
        }

    return scores


def level_of(levels: Sequence[Level]) -> Level:
    """An article is as sure as its surest flag."""
    return max(levels, key=LEVELS.index, default="none")


def told(deck: Deck, items: list[Row], console: Console, *, beside: bool) -> Iterator[Told]:
    """Each item matched as the pipeline does it, and by the baselines if `beside`."""
    ids, others = np.array(deck.matcher.ids), baselines(deck) if beside else None
    for row in track(items, f"{items[0]['unit']}s", console=console):
        text = Text(row.get("title"), row["text"], row["language"] or "und")
        reading = deck.matcher.read(text, MOST)
        ranked, (flags, _) = deck.matcher.matches(reading, MOST), show_flags(deck, reading)
        found = [one.match for one in flags]
        guarded = [judged(deck.guard, text, match, deck.cards[match.narrative].narrative).level for match in found]
        best = {OURS: max((match.score for match in ranked), default=0.0)}
        orders = {OURS: [match.narrative for match in sorted(ranked, key=lambda match: -match.score)]}
        passages = windows(text.title, text.text, text.language)
        for method, scores in others(passages, text.language).items() if others else ():
            best[method] = float(scores.max())
            orders[method] = ids[np.argsort(-scores, kind="stable")[:MOST]].tolist()
        yield Told(row, best, orders, level_of([match.level for match in found]), level_of(guarded))


def average_precision(labels: NDArray[np.bool_], scores: Vector) -> float:
    """Equal scores count together, so that a score that says nothing gets the share of positives."""
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(labels[order])
    last = np.append(ranked[1:] != ranked[:-1], True)
    precision, found = hits[last] / (np.flatnonzero(last) + 1), hits[last] / hits[-1]
    return float((np.diff(found, prepend=0) * precision).sum())


def f1(labels: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    return float(2 * (labels & said).sum() / max(1, labels.sum() + said.sum()))


def chosen_elsewhere(labels: NDArray[np.bool_], scores: Vector) -> float:
    """F1 where each fold is decided by the threshold that is best on the others; mean over several ways to fold."""
    fewest, found = int(min(labels.sum(), (~labels).sum())), []
    for seed in range(FOLDINGS):
        said = np.zeros(len(labels), dtype=bool)
        folds = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
        for kept, out in folds.split(scores, labels):
            tried = np.unique(scores[kept])
            said[out] = scores[out] >= max(tried, key=lambda least: f1(labels[kept], scores[kept] >= least))
        found.append(f1(labels, said))
    return float(np.mean(found))


def samples(labels: NDArray[np.bool_]) -> Iterator[NDArray[np.intp]]:
    """Bootstrap samples with both kinds of labels in them."""
    random = np.random.default_rng(0)
    for _ in range(SAMPLES):
        chosen = random.integers(len(labels), size=len(labels))
        if 0 < labels[chosen].sum() < len(labels):
            yield chosen


def interval(values: Sequence[float]) -> tuple[float, float]:
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def separation(part: list[Told]) -> dict[str, Any]:
    """How well one language's articles are told apart, by method."""
    labels = np.array([one.row["should_flag"] for one in part])
    scores = {method: np.array([one.best[method] for one in part]) for method in part[0].best}
    scores[PREVALENCE] = np.zeros(len(part))
    drawn = list(samples(labels))
    sampled = {
        name: np.array([average_precision(labels[at], found[at]) for at in drawn]) for name, found in scores.items()
    }
    methods = {
        name: {
            "average_precision": average_precision(labels, found),
            "interval": interval(sampled[name]),
            "ours_ahead_by": None if name == OURS else interval(sampled[OURS] - sampled[name]),
            "f1": chosen_elsewhere(labels, found),
        }
        for name, found in scores.items()
    }
    return {"positives": int(labels.sum()), "negatives": int((~labels).sum()), "methods": methods} | at_levels(part)


def at_levels(part: list[Told]) -> dict[str, Any]:
    """Shares at each level or above by label, precision and F1, by score and after the guard; None for a missing label."""
    labels = np.array([one.row["should_flag"] for one in part])
    found: dict[str, Any] = {}
    for level in LEVELS[1:]:
        for when, of in (("by score", lambda one: one.by_score), ("guarded", lambda one: one.guarded)):
            said = np.array([LEVELS.index(of(one)) >= LEVELS.index(level) for one in part])
            found[f"{level}, {when}"] = {
                "positives": float(said[labels].mean()) if labels.any() else None,
                "negatives": float(said[~labels].mean()) if not labels.all() else None,
                "precision": float(labels[said].mean()) if said.any() and len(set(labels)) > 1 else None,
                "f1": f1(labels, said) if len(set(labels)) > 1 else None,
            }
    return {"levels": found}


def right_narrative(part: list[Told]) -> dict[str, Any]:
    """By method, for articles with a specific label: MAP@5 and recall@10 of these labels, and with their parents."""
    found: dict[str, Any] = {}
    part = [one for one in part if one.row["relevant"]]
    random = np.random.default_rng(0).integers(len(part), size=(SAMPLES, len(part)))
    ours = np.array([measures(one.orders[OURS], set(one.row["relevant"]))[0] for one in part])
    for method in part[0].orders:
        fine = np.array([measures(one.orders[method], set(one.row["relevant"])) for one in part])
        broad = np.array([measures(one.orders[method], set(one.row["relevant_broad"])) for one in part])
        found[method] = {
            "map5": float(fine[:, 0].mean()),
            "recall10": float(fine[:, 1].mean()),
            "broad_map5": float(broad[:, 0].mean()),
            "broad_recall10": float(broad[:, 1].mean()),
            "ours_ahead_by": None if method == OURS else interval((ours - fine[:, 0])[random].mean(axis=1)),
        }
    return found


def grouped(items: Sequence[Told]) -> dict[tuple[str, str], list[Told]]:
    groups = defaultdict(list)
    for item in items:
        groups[item.group].append(item)
    return dict(sorted(groups.items()))


def both(part: list[Told]) -> bool:
    """Whether there are enough of both labels for folds."""
    count = sum(one.row["should_flag"] for one in part)
    return 2 <= count <= len(part) - 2


def run(data: Path, cache: Path, console: Console) -> dict[str, Any]:
    items = rows(data / "flagging" / "items.jsonl.gz")
    encoder = Remembering(load_encoder(settings.load().encoder), cache)

    def against(card_set: str, chosen: Callable[[Row], bool], *, beside: bool = False) -> list[Told]:
        wanted = sorted(filter(chosen, items), key=lambda row: str(row["unit"]))
        with deck_of_files(settings.load(), cards(data, card_set), console, encoder=encoder) as (deck, _):
            return list(told(deck, wanted, console, beside=beside))

    articles = against(ARTICLES, lambda row: row["unit"] == "article", beside=True)
    hard = [one for one in articles if one.row["card_set"] != "any"]
    with_everyday = {key: part for key, part in grouped(articles).items() if both(part)}
    alone = [
        *against(EVERYTHING, lambda row: row["card_set"] in {"any", f"narratives_{EVERYTHING}"}),
        *against(PASSAGES, lambda row: row["card_set"] == f"narratives_{PASSAGES}"),
    ]
    return {
        "encoder": encoder.name,
        "articles": {language: separation(part) for (_, language), part in grouped(hard).items()},
        "with everyday texts": {language: separation(part) for (_, language), part in with_everyday.items()},
        "narratives": {language: right_narrative(part) for (_, language), part in grouped(hard).items()},
        "one label": {
            " ".join(key): {"n": len(part)} | at_levels(part)
            for key, part in grouped(alone).items()
            if len(part) >= FEWEST
        },
    }


def plain(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def between(ends: tuple[float, float] | None, sign: str = "") -> str:
    return "–".join(f"{end:{sign}.3f}" for end in ends) if ends else ""


SHOWN = ("suggest, by score", "flag, by score", "flag, guarded")
"""The guard only lowers flags."""


def show_separation(title: str, found: Mapping[str, Any], console: Console) -> None:
    table = Table("Language", "Method", "AP", "95 %", "ours ahead by", "F1", title=title)
    levels = Table("Language", "Level", "told", "others", "precision", "F1", title=f"{title}: share at each level")
    for language, part in found.items():
        name = f"{language} {part['positives']}:{part['negatives']}"
        for method, values in part["methods"].items():
            table.add_row(
                name, method, plain(values["average_precision"]), between(values["interval"]),
                between(values["ours_ahead_by"], "+"), plain(values["f1"]),
            )  # fmt: skip
        for level in SHOWN:
            values = part["levels"][level]
            levels.add_row(name, level, *(plain(values[key]) for key in ("positives", "negatives", "precision", "f1")))
        table.add_section()
        levels.add_section()
    console.print(table, levels)


def show_narratives(found: Mapping[str, Any], console: Console) -> None:
    table = Table(
        "Language", "Method", "MAP@5", "recall@10", "ours ahead by, MAP@5", "broad MAP@5", "broad recall@10",
        title="The right narrative, of articles that tell one",
    )  # fmt: skip
    for language, methods in found.items():
        for method, values in methods.items():
            table.add_row(
                language, method, plain(values["map5"]), plain(values["recall10"]), between(values["ours_ahead_by"], "+"),
                plain(values["broad_map5"]), plain(values["broad_recall10"]),
            )  # fmt: skip
        table.add_section()
    console.print(table)


def show(found: Mapping[str, Any], console: Console) -> None:
    show_separation("Articles, against others on their topics", found["articles"], console)
    show_separation("Articles, against these and everyday texts", found["with everyday texts"], console)
    show_narratives(found["narratives"], console)
    table = Table(
        "Unit, language", "n", "Level", "told", "others", title="One label only: share at each level or above"
    )
    for group, part in found["one label"].items():
        for level, values in part["levels"].items():
            table.add_row(group, str(part["n"]), level, plain(values["positives"]), plain(values["negatives"]))
    console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the evaluation data's folder")
    parser.add_argument("--cache", type=Path, default=Path("var/benchmarks"), help="where vectors are remembered")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    console = Console(stderr=arguments.json)
    found = run(arguments.data, arguments.cache, console)
    show(found, console)
    if arguments.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()

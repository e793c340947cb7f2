"""Fit `processing/match/calibration.json` for one encoder: weights on labelled passages, levels on texts that match no card.

    python benchmarks/calibrate.py --data DIR [--write]

Weights: logistic regression on pairs of a text and a card. Positives are passages with the card they were cited for
(EUvsDisinfo, VoxCheck originals, CheckThat! 2022 2A), negatives the nearest cards, by either channel, of background texts.
Texts whose language meets the cards' and texts for which the lexical channel is silent count as two groups, balanced each:
nearly all cited passages are in other languages than the cards and most background is not, so a plain fit would learn that
common words speak against a match. Levels: what 1 in 200 (`flag`) and 1 in 20 (`suggest`) of the topic-safe background texts
exceed against all EUvsDisinfo cards, in each group by itself, taken on every other text; the table shows those left out. No date, outlet or
country is used: cards were written from these very articles, and live articles are younger than cards.
"""

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.linear_model import LogisticRegression

from index_config.languages import text_field
from narrawatch import settings
from narrawatch.ranking import deck_of_files
from processing.match.matcher import Matcher
from processing.passages import split

NEAREST = 20
FALSE_FLAGS, FALSE_SUGGESTIONS = 1 / 200, 1 / 20
SHORTEST = 300
PASSAGES = 20
SETS = {
    "euvsdisinfo": lambda _: True,
    "voxcheck": lambda row: row["is_original_language"],
    "checkthat2022_2a": lambda _: True,
}
Pairs = list[list[float]]


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def features(matcher: Matcher, row: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    passages = split(row.get("title"), row["text"], language=row["language"])[:PASSAGES]
    channels = matcher.channels(passages, text_field(row["language"]))
    return channels.cosine, channels.overlap


def best(cosine: np.ndarray, overlap: np.ndarray, card: int) -> list[float]:
    row = int((cosine[:, card] + 0.1 * overlap[:, card]).argmax())
    return [float(cosine[row, card]), float(overlap[row, card])]


def nearest(cosine: np.ndarray, overlap: np.ndarray) -> set[int]:
    near = set(np.argsort(-cosine.max(axis=0))[:NEAREST].tolist())
    return near | {card for card in np.argsort(-overlap.max(axis=0))[:NEAREST].tolist() if overlap[:, card].max() > 0}


def fit(positives: Pairs, negatives: Pairs) -> LogisticRegression:
    """Both groups (lexical channel silent or not) weigh the same, and in each both classes do."""
    x, y = np.array(positives + negatives), np.array([1] * len(positives) + [0] * len(negatives))
    group = 2 * (x[:, 1] > 0) + y
    weight = (1 / np.bincount(group))[group] * len(y)
    return LogisticRegression(C=10.0).fit(x, y, sample_weight=weight)


def meets(pairs: Pairs) -> bool:
    """Whether the lexical channel found anything in the text."""
    return any(overlap > 0 for _, overlap in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the evaluation data's folder")
    parser.add_argument("--write", action="store_true", help="replace the encoder's entry in calibration.json")
    arguments = parser.parse_args()
    config, console = settings.load(), Console()
    narratives = arguments.data / "narratives"
    background = rows(arguments.data / "background" / "articles.jsonl.gz")
    cited: dict[str, list[Pairs]] = {}
    unrelated: list[Pairs] = []
    wrong: Pairs = []
    for name, keep in SETS.items():
        with deck_of_files(config, narratives / name / "cards.jsonl.gz", console) as (deck, _):
            column = {card: number for number, card in enumerate(deck.matcher.ids)}
            for row in track(list(filter(keep, rows(narratives / name / "queries.jsonl.gz"))), name, console=console):
                cosine, overlap = features(deck.matcher, row)
                pairs = [best(cosine, overlap, column[card]) for card in row["relevant"] if card in column]
                cited.setdefault(name, []).append(pairs)
                if name == "checkthat2022_2a":  # its labels are complete: what is not cited is wrong
                    cards = nearest(cosine, overlap) - {column[card] for card in row["relevant"]}
                    wrong += [best(cosine, overlap, card) for card in sorted(cards)]
            if name == "euvsdisinfo":
                for row in track(background, "background", console=console):
                    cosine, overlap = features(deck.matcher, row)
                    unrelated.append([best(cosine, overlap, card) for card in sorted(nearest(cosine, overlap))])
    positives = [pair for group in cited.values() for pairs in group for pair in pairs]
    model = fit(positives, [*wrong, *(pair for pairs in unrelated for pair in pairs)])

    def probability(pairs: Pairs) -> float:
        return float(model.predict_proba(np.array(pairs))[:, 1].max()) if pairs else 0.0

    safe = [pairs for pairs, row in zip(unrelated, background, strict=True) if row["topic_safe"]]
    levels = {"flag": [0.0, 0.0], "suggest": [0.0, 0.0]}
    for met in (False, True):
        scores = [probability(pairs) for pairs in safe[::2] if meets(pairs) is met]
        levels["flag"][met] = round(float(np.quantile(scores, 1 - FALSE_FLAGS)), 4)
        levels["suggest"][met] = round(float(np.quantile(scores, 1 - FALSE_SUGGESTIONS)), 4)
    risky = [pairs for pairs, row in zip(unrelated, background, strict=True) if not row["topic_safe"]]
    shown = {"background, topic-safe, held out": safe[1::2], "background, risky topics": risky}
    shown |= {f"{name}: the cited card": group for name, group in cited.items()}
    table = Table("Texts", "n", "flag", "suggest", title="Share at each level or above")
    for name, group in shown.items():
        got = [[probability(pairs) >= levels[level][meets(pairs)] for level in levels] for pairs in group]
        table.add_row(name, str(len(group)), *(f"{share:.3f}" for share in np.mean(got, axis=0)))
    console.print(table)
    entry = {
        "encoder": config.encoder,
        "intercept": round(float(model.intercept_[0]), 4),
        "semantic": round(float(model.coef_[0][0]), 4),
        "lexical": round(float(model.coef_[0][1]), 4),
        **levels,
        "shortest": SHORTEST,
        "fitted_on": f"{len(positives)} cited pairs of {', '.join(SETS)}; {len(background)} background texts",
    }
    console.print_json(data=entry)
    if arguments.write:
        path = Path("processing/match/calibration.json")
        kept = [row for row in json.loads(path.read_text()) if row["encoder"] != config.encoder]
        path.write_text(json.dumps([*kept, entry], indent=2) + "\n")


if __name__ == "__main__":
    main()

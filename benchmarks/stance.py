"""Does the stance guard tell who repeats a claim from who reports about it and who rebuts it?

    python benchmarks/stance.py --data DIR [--write]

Labelled texts: our own (tests/fixtures/stance.jsonl: all three stances, 17 languages); passages that analysts cited as
telling a claim (EUvsDisinfo, VoxCheck) and articles labelled with it (SemEval 2025, task 10) as `repeats`; the rebuttals on
cards of EUvsDisinfo 2015 to 2017, VoxCheck and StopFake (whole fact-checks without their headlines) as `rebuts`. Only our own
texts report neutrally. As in matching, the passage and sentence nearest to the claim are judged. Where a rebuttal is judged,
the card has its other half as response, if it has four sentences, else none. The outlet's kind is hidden.

Cards are split in halves by hash of their id; each half is judged by weights and threshold found on the other. Every source
weighs the same in precision. Baselines: nearer to the response than to the claim, by cosine; any word of refutation near the
sentence. `--write` fits on everything and replaces the weights without encoder and with this one in
processing/match/stance.json.
"""

import argparse
import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from labelled import windows
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from stance_texts import OWN, Item, ours, recorded, sampled

from narrawatch import settings
from processing.encoder import Encoder, load_encoder
from processing.match.stance import NEARER, SIDES, Guard, Sided
from processing.match.stance_features import NAMES, NEAR_NAMES, Quoted, features
from processing.passages import sentences

MOST_LOWERED = {"rebuts": 0.025, "reports": 0.035}  # share of repeats, mean over sources; other cards give more
LEAST_PRECISION = {"rebuts": 0.92, "reports": 0.8}
PASSAGES = 8
Matrix = NDArray[np.float64]
Models = dict[Sided, LogisticRegression]
LABELS = ("repeats", *SIDES)


def quoted(item: Item, encoder: Encoder, claims: dict[str, NDArray[np.float32]]) -> Quoted | None:
    """The passage and the sentence nearest to the claim, as the matcher quotes them."""
    title = None if item.source == OWN else item.title
    passages = windows(title, item.text, item.language)[:PASSAGES]
    if not passages:
        return None
    claim = claims[item.card.claim]
    best = passages[int((encoder.encode([passage.text for passage in passages]) @ claim).argmax())]
    spans = sentences(best.text, item.language) or [(0, len(best.text))]
    near = encoder.encode([best.text[start:end] for start, end in spans]) @ claim if len(spans) > 1 else np.zeros(1)
    start, end = spans[int(near.argmax())]
    return Quoted(
        title=item.title,
        text=item.text,
        language=item.language,
        passage=(best.start, best.end),
        sentence=(best.start + start, best.start + end),
        in_title=best.kind == "title",
    )


@dataclass(frozen=True)
class Read:
    """A text with its passage, and its numbers without encoder."""

    item: Item
    quoted: Quoted
    numbers: dict[str, float]


def read(items: list[Item], encoder: Encoder, console: Console) -> tuple[list[Read], float]:
    """The texts that have a passage, and the milliseconds of a core that the numbers of one took."""
    titles = sorted({item.card.claim for item in items})
    claims = dict(zip(titles, encoder.encode(titles, "claim"), strict=True))
    found, seconds = [], 0.0
    for item in track(items, "reading", console=console):
        if (passage := quoted(item, encoder, claims)) is None:
            continue
        begun = time.process_time()
        numbers = features(passage, item.card).numbers
        seconds += time.process_time() - begun
        found.append(Read(item, passage, numbers))
    return found, 1000 * seconds / len(found)


def nearness(reads: list[Read], encoder: Encoder, console: Console) -> Matrix:
    """For each text how much nearer it is to the rebuttal than to the claim; 0 where the card has none."""
    guard = Guard(encoder)
    found = []
    for one in track(reads, encoder.name, console=console):
        near = guard.nearness(one.quoted, one.item.card)
        found.append(near[1] - near[0] if near else 0.0)
    return np.array(found)


def weights(items: list[Item]) -> Matrix:
    """Each source weighs the same in each stance, ours half more; neutral reports are only in ours."""
    cells = Counter((item.source, item.label) for item in items)
    factor = {"reports": 2.0}
    return np.array(
        [
            factor.get(item.label, 1.0) * (1.5 if item.source == OWN else 1.0) * 300 / cells[item.source, item.label]
            for item in items
        ]
    )


def used(side: Sided, columns: int) -> list[int]:
    """The columns that tell a side: all for `rebuts`, those of `NEAR_NAMES` for `reports`."""
    return [at for at in range(columns) if side == "rebuts" or (at < len(NAMES) and NAMES[at] in NEAR_NAMES)]


def fit(x: Matrix, y: NDArray[np.str_], weight: Matrix) -> Models:
    return {
        side: LogisticRegression(C=1.0, max_iter=3000).fit(
            x[:, used(side, x.shape[1])], y == side, sample_weight=weight
        )
        for side in SIDES
    }


def chances(models: Models, x: Matrix) -> Matrix:
    """Columns in the order of `SIDES`."""
    return np.column_stack([models[side].predict_proba(x[:, used(side, x.shape[1])])[:, 1] for side in SIDES])


def decided(chance: Matrix, sure: dict[str, float]) -> NDArray[np.str_]:
    """As `Guard.judge` decides."""
    best, highest = chance.argmax(axis=1), chance.max(axis=1)
    said = np.where(highest < 0.5, "repeats", "unclear")
    return np.where(highest >= np.array([sure[side] for side in SIDES])[best], np.array(SIDES)[best], said)


def thresholds(items: list[Item], y: NDArray[np.str_], chance: Matrix) -> dict[str, float]:
    """The lowest probabilities at which few repeats are lowered; for `rebuts` first, which must also be precise."""
    sure = {"rebuts": 0.99, "reports": 1.01}
    for side in ("rebuts", "reports"):
        for least in np.arange(0.5, 0.99, 0.01):
            tried = sure | {side: round(float(least), 2)}
            said = decided(chance, tried)
            lowered = float(np.mean(list(lowered_share(items, y, said).values())))
            if lowered <= MOST_LOWERED[side] and precision(items, y, said, side) >= LEAST_PRECISION[side]:
                sure = tried
                break
    return sure


def lowered_share(items: list[Item], y: NDArray[np.str_], said: NDArray[np.str_]) -> dict[str, float]:
    shares = {}
    for source in sorted({item.source for item in items}):
        mask = np.array([item.source == source for item in items]) & (y == "repeats")
        if mask.any():
            shares[source] = float(np.isin(said[mask], ("rebuts", "reports")).mean())
    return shares


def precision(items: list[Item], y: NDArray[np.str_], said: NDArray[np.str_], side: str) -> float:
    weight = weights(items)
    chosen = said == side
    return float(weight[chosen & (y == side)].sum() / max(1e-9, weight[chosen].sum()))


def crossed(items: list[Item], x: Matrix, y: NDArray[np.str_]) -> tuple[NDArray[np.str_], list[dict[str, float]]]:
    """What each half is judged to be by the other half's weights and threshold."""
    half = np.array([hashlib.sha256(item.card.id.encode()).digest()[0] % 2 for item in items])
    sure: list[dict[str, float]] = []
    said = np.full(len(items), "unclear", dtype="<U8")
    for side in (0, 1):
        train, test = np.flatnonzero(half != side), np.flatnonzero(half == side)
        sure.append(inner_thresholds([items[i] for i in train], x[train], y[train]))
        model = fit(x[train], y[train], weights([items[i] for i in train]))
        said[test] = decided(chances(model, x[test]), sure[-1])
    return said, sure


def inner_thresholds(items: list[Item], x: Matrix, y: NDArray[np.str_]) -> dict[str, float]:
    """From judgements of cards that the weights were not fitted on."""
    chance, weight = np.zeros((len(items), len(SIDES))), weights(items)
    for train, test in GroupKFold(5).split(x, y, [item.card.id for item in items]):
        chance[test] = chances(fit(x[train], y[train], weight[train]), x[test])
    return thresholds(items, y, chance)


def show(console: Console, items: list[Item], y: NDArray[np.str_], results: dict[str, NDArray[np.str_]]) -> None:
    table = Table("Method", "Stance", "Precision", "Recall", "Repeats lowered", title="Each source weighs the same")
    weight = weights(items)
    for name, said in results.items():
        for side in LABELS:
            recall = weight[(y == side) & (said == side)].sum() / weight[y == side].sum()
            low = f"{np.mean(list(lowered_share(items, y, said).values())):.3f}" if side == "repeats" else ""
            table.add_row(name, side, f"{precision(items, y, said, side):.3f}", f"{recall:.3f}", low)
        table.add_section()
    console.print(table)


def show_groups(console: Console, items: list[Item], y: NDArray[np.str_], said: NDArray[np.str_]) -> None:
    groups: dict[str, Callable[[Item], str]] = {
        "Source": lambda item: item.source,
        "Language": lambda item: item.language,
    }
    for heading, of in groups.items():
        table = Table(heading, "repeats", "lowered", "rebuts", "found", "reports", "found", title="Narrawatch")
        for name in sorted({of(item) for item in items}):
            cells = []
            for side in ("repeats", "rebuts", "reports"):
                mask = np.array([of(item) == name for item in items]) & (y == side)
                hit = np.isin(said, ("rebuts", "reports")) if side == "repeats" else said == side
                cells += [str(mask.sum()), f"{hit[mask].mean():.2f}" if mask.any() else ""]
            table.add_row(name, *cells)
        console.print(table)


def entry(encoder: str | None, names: list[str], items: list[Item], x: Matrix, y: NDArray[np.str_]) -> dict[str, Any]:
    model, sure = fit(x, y, weights(items)), inner_thresholds(items, x, y)
    rows = {}
    for side, one in model.items():
        named = zip([names[at] for at in used(side, len(names))], one.coef_[0], strict=True)
        rows[side] = {"intercept": round(float(one.intercept_[0]), 3)} | {k: round(float(v), 3) for k, v in named}
    counted = Counter(item.source for item in items)
    fitted = ", ".join(f"{count} of {name}" for name, count in sorted(counted.items()))
    return {"encoder": encoder, "weights": rows, "sure": sure, "fitted_on": fitted}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the evaluation data's folder")
    parser.add_argument("--write", action="store_true", help="replace the entries in stance.json")
    arguments = parser.parse_args()
    console, encoder = Console(), load_encoder(settings.load().encoder)
    wanted = [*ours(Path("tests/fixtures/stance.jsonl")), *sampled(list(recorded(arguments.data / "narratives")))]
    reads, cost = read(wanted, encoder, console)
    items = [one.item for one in reads]
    y = np.array([item.label for item in items])
    words = np.array([[one.numbers[name] for name in NAMES] for one in reads])
    refuted = np.array(
        [one.numbers["untrue_near"] + one.numbers["fake_near"] + one.numbers["title"] > 0 for one in reads]
    )
    near = nearness(reads, encoder, console)
    both = np.column_stack([words, near])
    said, sure = crossed(items, both, y)
    results = {
        "nearer to the response": np.where(near > 0, "rebuts", "repeats"),
        "any word of refutation near": np.where(refuted, "rebuts", "repeats"),
        "Narrawatch without encoder": crossed(items, words, y)[0],
        "Narrawatch": said,
    }
    show(console, items, y, results)
    show_groups(console, items, y, said)
    console.print(f"{len(items)} texts; sure at {sure}; {cost:.2f} ms a passage without encoding")
    if arguments.write:
        path = Path("processing/match/stance.json")
        entries = [
            entry(None, list(NAMES), items, words, y),
            entry(encoder.name, [*NAMES, NEARER], items, both, y),
        ]
        kept = [row for row in json.loads(path.read_text()) if row["encoder"] not in {None, encoder.name}]
        path.write_text(json.dumps([*entries, *kept], indent=1) + "\n")


if __name__ == "__main__":
    main()

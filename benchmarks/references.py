"""Measure `processing/encoders/e5-small.npz`: the means that are taken off vectors, and the directions tokens are kept in.

    python benchmarks/references.py --data DIR [--write]

Passages: three of each SemEval article, four of each news page, all VoxCheck passages (25 languages, everyday and political).
Claims: the titles of the cards of EUvsDisinfo, CheckThat! 2022 2A and VoxCheck, the last in all their languages.
No text is kept, only means over thousands and the principal axes of their tokens. Whoever changes the file must change the
encoder's name too: vectors already stored belong to the old one.
"""

import argparse
import random
from pathlib import Path

import numpy as np
from labelled import rows, windows
from rich.console import Console
from rich.progress import track

from processing.encoder import Role
from processing.encoders.e5 import E5Small
from processing.narrative import without_ellipsis

OUT = Path("processing/encoders/e5-small.npz")
TOKEN_TEXTS = 1_000
CHUNK = 64


def passages(data: Path) -> list[str]:
    chosen = random.Random(1)
    texts = []
    for path, most in (("narratives/semeval2025_t10/articles", 3), ("articles/fundus/truth", 4)):
        for row in rows(data / f"{path}.jsonl.gz"):
            found = [passage.text for passage in windows(row["title"], row["text"], row["language"])]
            texts += chosen.sample(found, min(most, len(found)))
    return texts + [row["text"] for row in rows(data / "narratives" / "voxcheck" / "queries.jsonl.gz")]


def claims(data: Path) -> list[str]:
    texts = []
    for name in ("euvsdisinfo", "checkthat2022_2a", "voxcheck"):
        for card in rows(data / "narratives" / name / "cards.jsonl.gz"):
            texts += [without_ellipsis(title) for title in (card.get("titles") or {"en": card["title"]}).values()]
    return texts


def raw(encoder: E5Small, texts: list[str], role: Role, console: Console) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the texts' vectors, and the tokens' states of some of them."""
    means, states = [], []
    for first in track(range(0, len(texts), CHUNK), f"{role}s", console=console):
        for _, mean, inner, _ in encoder.raw(texts[first : first + CHUNK], role):
            means.append(mean / np.linalg.norm(mean))
            if len(states) < TOKEN_TEXTS:
                states.append(inner)
    return np.mean(means, axis=0), np.concatenate(states)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the evaluation data's folder")
    parser.add_argument("--write", action="store_true", help=f"replace {OUT}")
    arguments = parser.parse_args()
    console, encoder, chosen = Console(), E5Small(), random.Random(2)
    found = {}
    for role, texts in (("passage", passages(arguments.data)), ("claim", claims(arguments.data))):
        chosen.shuffle(texts)
        found[f"{role}s"], states = raw(encoder, texts[:6_000], role, console)
        found[f"{role}_tokens"] = states.mean(axis=0)
        if role == "passage":
            centred = states - states.mean(axis=0)
            values, axes = np.linalg.eigh(centred.T @ centred)
            kept = values[-E5Small.token_dimensions :].sum() / values.sum()
            found["directions"] = axes[:, : -E5Small.token_dimensions - 1 : -1]
            console.print(f"{kept:.1%} of the tokens' variance is in the directions kept")
    if arguments.write:
        np.savez_compressed(OUT, **{name: values.astype(np.float16) for name, values in found.items()})
        console.print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()

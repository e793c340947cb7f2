"""Measure `processing/encoders/usual.npz`: what passages that tell no narrative are like, as mean vectors of groups of them.

    NARRAWATCH_ENCODER=… python benchmarks/usual.py --data DIR [--write]

Passages: those of the background texts that are not topic-safe, so that levels can still be measured on the others. They
are grouped by k-means; no text is kept, and no vector of one, only means of several.
"""

import argparse
from pathlib import Path

import numpy as np
from labelled import background, windows
from remembered import Remembering
from rich.console import Console
from rich.progress import track
from sklearn.cluster import MiniBatchKMeans

from narrawatch import settings
from processing.encoder import Encoder, Floats, load_encoder, unit_rows
from processing.match.matcher import READ
from processing.match.usual import FILE

GROUPS = 250
SMALLEST = 3
"""Passages below which a group's mean would be nearly one of them."""
OUT = Path("processing/encoders") / FILE


def passages(data: Path, encoder: Encoder, console: Console) -> Floats:
    texts = [row for row in background(data) if not row["topic_safe"]]
    return np.concatenate(
        [
            encoder.encode([one.text for one in windows(row["title"], row["text"], row["language"])[: READ[-1]]])
            for row in track(texts, "background", console=console)
        ]
    )


def groups(vectors: Floats) -> Floats:
    model = MiniBatchKMeans(GROUPS, random_state=0, n_init=1, batch_size=2048).fit(vectors)
    sizes = np.bincount(model.labels_, minlength=GROUPS)
    return unit_rows(model.cluster_centers_[sizes >= SMALLEST])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the evaluation data's folder")
    parser.add_argument("--write", action="store_true", help=f"replace the encoder's part of {OUT}")
    parser.add_argument("--cache", type=Path, default=Path("var/benchmarks"), help="where vectors are remembered")
    arguments = parser.parse_args()
    console = Console()
    encoder = Remembering(load_encoder(settings.load().encoder), arguments.cache)
    vectors = passages(arguments.data, encoder, console)
    found = groups(vectors)
    console.print(f"{encoder.name}: {len(vectors)} passages, {len(found)} groups")
    if arguments.write:
        kept = dict(np.load(OUT)) if OUT.exists() else {}
        np.savez_compressed(OUT, **kept | {encoder.name: found.astype(np.float16)})
        console.print(f"{OUT}: {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()

"""What is always written: vectors of groups of passages that tell no documented narrative, by encoder.

Some cards are near to everything on their topic. How near a card is to its nearest usual passages tells how little it means
that a text is near to it, too. `benchmarks/usual.py` measures the vectors.
"""

from functools import cache
from importlib import resources

import numpy as np

from processing.encoder import Floats

NEAREST = 10
"""Usual passages that count for a card: those on its topic."""
FILE = "usual.npz"


@cache
def usual_passages(encoder: str) -> Floats:
    """Unit vectors, one a row; no rows for an encoder that nothing was measured with."""
    with resources.files("processing.encoders").joinpath(FILE).open("rb") as file, np.load(file) as stored:
        found: Floats = stored[encoder].astype(np.float32) if encoder in stored else np.zeros((0, 0), np.float32)
    return found

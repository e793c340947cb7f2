"""Fusion: both channels' scores become one probability, and the probability a level.

Weights and thresholds are fitted on labelled data, per encoder, by `benchmarks/calibrate.py`; cosines of different encoders
are on different scales, so an encoder without a calibration is refused rather than guessed at.
"""

import json
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from narrawatch.errors import NarrawatchError

Level = Literal["flag", "suggest", "none"]


class NoCalibration(NarrawatchError):
    """The encoder's scores have not been calibrated."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Logistic regression on cosine and lexical overlap, and the two levels' thresholds on its probability."""

    encoder: str
    intercept: float
    semantic: float
    lexical: float
    suggest: tuple[float, float]
    flag: tuple[float, float]
    """Thresholds: where the lexical channel is silent, and where the text's language meets the cards'.

    They differ because the second opinion lifts unrelated texts too; one threshold would be too high for the first.
    """
    shortest: int
    """Characters of an article's text below which it never gets more than `suggest`."""
    fitted_on: str

    def probability(self, cosine: NDArray[np.float32], overlap: NDArray[np.float32]) -> NDArray[np.float32]:
        """Element by element, any common shape."""
        logit = self.intercept + self.semantic * cosine + self.lexical * overlap
        return (1 / (1 + np.exp(-logit))).astype(np.float32)

    def level(self, probability: float, characters: int, *, met: bool) -> Level:
        """The level of a text's best probability; `met`: the lexical channel found something in this text."""
        if probability < self.suggest[met]:
            return "none"
        return "flag" if probability >= self.flag[met] and characters >= self.shortest else "suggest"


def load_calibration(encoder: str) -> Calibration:
    """The calibration that comes with Narrawatch.

    Raises:
        NoCalibration: there is none for this encoder.
    """
    rows = json.loads(resources.files("processing.match").joinpath("calibration.json").read_text())
    for row in rows:
        if row["encoder"] == encoder:
            return Calibration(**row | {name: tuple(row[name]) for name in ("suggest", "flag")})
    raise NoCalibration(
        f"encoder {encoder!r} has no calibration; calibrated are: {', '.join(row['encoder'] for row in rows)}"
    )

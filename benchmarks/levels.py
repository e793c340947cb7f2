"""Levels' thresholds from texts that match no card, and what the levels give: shares with their intervals.

The best of many cards' scores follows a Gumbel distribution, of which mean and scale are estimated for a whole group of
languages. A language with `FEWEST` texts or more has a mean of its own, drawn towards the group's the more, the fewer its texts
and the less languages differ beyond chance (partial pooling, with DerSimonian and Laird's variance between languages).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from processing.match.stated import Share

FEWEST = 20
"""Texts of a language below which nothing is said of it."""
PREVALENCE = 0.05
"""The share of articles that tell a documented narrative, assumed where precision is stated: nobody has labelled a crawl."""


@dataclass(frozen=True)
class Bulk:
    """The best scores of unrelated texts: their mean and the scale of their Gumbel distribution.

    `shifts`: how far the mean of each language with enough texts lies above the group's, in units of score.
    """

    mean: float
    scale: float
    shifts: Mapping[str, float]

    def exceeded(self, share: float) -> float:
        """What this share of such scores exceeds.

        A quantile would be one text's luck: a few hundred texts have no 1-in-200 of their own.
        """
        return float(self.mean - self.scale * (np.euler_gamma + np.log(-np.log(1 - share))))


def bulk(scores: Sequence[float], languages: Sequence[str | None]) -> Bulk:
    values, mean = np.array(scores), float(np.mean(scores))
    parts = {
        name: part
        for name in sorted({language for language in languages if language})
        if len(part := values[[language == name for language in languages]]) >= 2
    }
    shares = kept(list(parts.values())) if len(parts) > 1 else np.zeros(len(parts))
    shifts = {
        name: float(share * (part.mean() - mean))
        for (name, part), share in zip(parts.items(), shares, strict=True)
        if len(part) >= FEWEST
    }
    return Bulk(mean, float(np.std(scores)) * np.sqrt(6) / np.pi, shifts)


def kept(parts: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """How much of each language's distance from the group's mean is believed."""
    counts, means = np.array([len(part) for part in parts]), np.array([part.mean() for part in parts])
    within = sum(float(((part - part.mean()) ** 2).sum()) for part in parts) / (counts.sum() - len(parts))
    chance = within / counts
    weights = 1 / chance
    excess = float((weights * (means - np.average(means, weights=weights)) ** 2).sum()) - (len(parts) - 1)
    between = max(0.0, excess / (weights.sum() - (weights**2).sum() / weights.sum()))
    return between / (between + chance)


def share(hits: Sequence[bool]) -> Share | None:
    """None of too few texts to tell."""
    if len(hits) < FEWEST:
        return None
    test = binomtest(sum(map(bool, hits)), len(hits))
    ends = test.proportion_ci(method="exact")
    return Share(
        share=round(float(test.statistic), 4),
        texts=len(hits),
        low=round(float(ends.low), 4),
        high=round(float(ends.high), 4),
    )


def precision(reached: float, false_alarms: float) -> float | None:
    """Of what reaches a level, how much tells a narrative, if `PREVALENCE` of all does."""
    told = PREVALENCE * reached
    said = told + (1 - PREVALENCE) * false_alarms
    return round(told / said, 3) if said else None

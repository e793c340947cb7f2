"""How likely a count is: the negative binomial distribution in closed form, and allowing for many tests."""

import math
from collections.abc import Sequence
from itertools import accumulate


def two_sided(count: int, mean: float, variance: float) -> float:
    """Twice the chance of a count at least so far out, on its side, with this mean and a variance not below it."""
    below = math.fsum(_probability(number, mean, variance) for number in range(count + 1))
    return min(1.0, 2 * below, 2 * _above(count, mean, variance))


def _above(count: int, mean: float, variance: float) -> float:
    """The chance of `count` or more, summed outwards: one minus the rest would lose small chances to rounding."""
    total, number = 0.0, count
    while (term := _probability(number, mean, variance)) > 1e-12 * total or number <= mean:
        total, number = total + term, number + 1
    return total


def usual_range(mean: float, variance: float, share: float = 0.95) -> tuple[int, int]:
    """The counts between which lies that share of what is likely."""
    most = math.ceil(mean + 20 * math.sqrt(variance)) + 20
    reached = list(accumulate(_probability(number, mean, variance) for number in range(most)))
    low = sum(chance < (1 - share) / 2 for chance in reached)
    high = sum(chance < (1 + share) / 2 for chance in reached)
    return low, high


def _probability(count: int, mean: float, variance: float) -> float:
    """The negative binomial distribution with this mean and variance; Poisson's where the two are the same."""
    if variance - mean <= 1e-9 * mean:
        return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))
    size = mean * mean / (variance - mean)
    ways = math.lgamma(count + size) - math.lgamma(size) - math.lgamma(count + 1)
    return math.exp(ways + size * math.log(mean / variance) + count * math.log1p(-mean / variance))


def benjamini_hochberg(values: Sequence[float]) -> list[float]:
    """P-values adjusted for being several, in the order given: the share of chance findings if one stops there."""
    order = sorted(range(len(values)), key=lambda index: values[index], reverse=True)
    adjusted, least = [1.0] * len(values), 1.0
    for place, index in enumerate(order):
        least = min(least, values[index] * len(values) / (len(values) - place))
        adjusted[index] = least
    return adjusted

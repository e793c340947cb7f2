"""How many new articles are normal for an outlet, by its own past: robust against single odd days and against weekends."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

WEEKS = 8
"""Of history that count."""
ENOUGH_OF_A_WEEKDAY = 3
ENOUGH_DAYS = 7
"""Fewer days on which it was crawled, and the outlet's own file says what is normal."""
SPREADS = 3.0
"""How many standard deviations (estimated by the MAD) below the median is too few."""
_MAD_TO_DEVIATION = 1.4826  # of normally distributed values
WINDOWS = (1, 2, 3, 7, 14)
"""Days looked back: who publishes twice a week cannot be missed after one."""


@dataclass(frozen=True)
class Normal:
    """New articles a day: the middle, and the spread around it as a standard deviation."""

    middle: float
    spread: float


@dataclass(frozen=True)
class Shortfall:
    """So few articles in the last `days` days, where `usual` a day are normal, or `promised` by the outlet's file."""

    days: int
    found: int
    usual: float
    promised: bool = False


def normal(days: Mapping[dt.date, int], weekday: int) -> Normal | None:
    """What is normal on a weekday: its own days, else all days; None while there are too few.

    `days` are the days on which the outlet was crawled, with their new articles; today is none of them.
    """
    if len(days) < ENOUGH_DAYS:
        return None
    same = [count for day, count in days.items() if day.weekday() == weekday]
    counts = same if len(same) >= ENOUGH_OF_A_WEEKDAY else list(days.values())
    middle = median(counts)
    mad = median(abs(count - middle) for count in counts)
    # Articles come at random times, so that even a steady outlet scatters like the square root of what it publishes.
    return Normal(middle, max(_MAD_TO_DEVIATION * mad, math.sqrt(middle)))


def usual(days: Mapping[dt.date, int]) -> float | None:
    """New articles on a day like any; None while too few days are known."""
    return float(median(days.values())) if len(days) >= ENOUGH_DAYS else None


def shortfall(
    days: Mapping[dt.date, int], arrivals: Sequence[tuple[dt.datetime, int]], now: dt.datetime, least: int
) -> Shortfall | None:
    """Whether too few articles came lately.

    Args:
        days: as `normal` takes them.
        arrivals: when new articles came in, and how many.
        now: in the zone in which days are counted.
        least: a day, by the outlet's file.
    """
    per_day = usual(days)
    if per_day is None:
        return _below(least, arrivals, now, window=1)
    # The first window in which nothing at all would be too little decides: in longer ones old troubles would show.
    telling = next(((window, bound) for window in WINDOWS if (bound := _bound(days, now, window)) > 0), None)
    if telling and (found := _since(arrivals, now, telling[0])) < telling[1]:
        return Shortfall(telling[0], found, per_day)
    # Who has been ill for weeks has got used to it; the file has not. Over a week, for many publish less on some days.
    return _below(least, arrivals, now, window=7)


def _below(
    least: int, arrivals: Sequence[tuple[dt.datetime, int]], now: dt.datetime, *, window: int
) -> Shortfall | None:
    found = _since(arrivals, now, window)
    return Shortfall(window, found, float(least), promised=True) if found < least * window else None


def _since(arrivals: Sequence[tuple[dt.datetime, int]], now: dt.datetime, window: int) -> int:
    return sum(count for at, count in arrivals if now - dt.timedelta(days=window) < at <= now)


def _bound(days: Mapping[dt.date, int], now: dt.datetime, window: int) -> float:
    """The fewest articles that are still normal in the last `window` times 24 hours."""
    middle = variance = 0.0
    passed = (now.hour * 60 + now.minute) / (24 * 60)  # of today; the window begins as late in its first day
    for back in range(window + 1):
        share = passed if back == 0 else 1 - passed if back == window else 1.0
        if expected := normal(days, (now.date() - dt.timedelta(days=back)).weekday()):
            middle += share * expected.middle
            variance += share * expected.spread**2
    return middle - SPREADS * math.sqrt(variance)

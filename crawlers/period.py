"""Days: the range a backfill is asked for, and the days an address names (/2026/01/15/, sitemap-2026-01.xml)."""

import datetime as dt
import re
from dataclasses import dataclass

from narrawatch.errors import NarrawatchError

LONGEST = dt.timedelta(days=366)
EARLIEST = dt.date(1994, 1, 1)
"""Before the first newspaper sites; years below are numbers of something else."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = rf"(?P<month>0?[1-9]|1[0-2]|{'|'.join(_MONTHS)})"
_YEAR = r"(?<![0-9])(?P<year>(?:19|20)[0-9]{2})"
_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"{_YEAR}(?P<mark>[/_.-]){_MONTH}(?P=mark)(?P<day>0?[1-9]|[12][0-9]|3[01])(?![0-9])",
        rf"{_YEAR}(?P<month>0[1-9]|1[0-2])(?P<day>0[1-9]|[12][0-9]|3[01])(?![0-9])",
        r"(?<![0-9])(?P<day>0[1-9]|[12][0-9]|3[01])(?P<mark>[/_.-])(?P<month>0[1-9]|1[0-2])(?P=mark)(?P<year>(?:19|20)[0-9]{2})(?![0-9])",
        rf"{_YEAR}[/_.-]{_MONTH}(?![0-9a-z])",
        r"(?<![0-9])(?P<year>(?:19|20)[0-9]{2})(?P<month>0[1-9]|1[0-2])(?![0-9])",
        r"(?:yy|year|y)[=_-]?(?P<year>(?:19|20)[0-9]{2})\D{1,12}?(?:mm|month|m)[=_-]?(?P<month>0?[1-9]|1[0-2])(?![0-9])",
    )
)


class PeriodError(NarrawatchError):
    """A range of days nobody can mean; the message says which."""


@dataclass(frozen=True)
class Period:
    """From `since` up to, and without, `until`."""

    since: dt.datetime
    until: dt.datetime

    def overlaps(self, other: "Period") -> bool:
        return self.since < other.until and other.since < self.until

    def __contains__(self, moment: dt.datetime) -> bool:
        return self.since <= moment < self.until

    def __str__(self) -> str:
        return f"{self.since:%Y-%m-%d} to {self.until - dt.timedelta(days=1):%Y-%m-%d}"


def period(first: dt.date, last: dt.date, today: dt.date) -> Period:
    """The days from `first` to `last`, both whole, in UTC.

    Raises:
        PeriodError: the wrong way round, in the future, before there was news on the web, or more than a year.
    """
    if last < first:
        raise PeriodError(f"--from {first} lies after --to {last}; swap them")
    if last > today:
        raise PeriodError(f"{last} is still to come; today is {today} in UTC")
    if first < EARLIEST:
        raise PeriodError(f"{first} lies before the first news sites; begin at {EARLIEST} or later")
    if last - first >= LONGEST:
        raise PeriodError(
            f"{first} to {last} are {(last - first).days + 1} days; {LONGEST.days} is the limit, so fetch them in parts"
        )
    return _days(first, last)


def named_in(url: str) -> Period | None:
    """The day or the month an address names, finest first; None when it names none that can be meant."""
    address = url.partition("://")[2].partition("/")[2][:2048]
    for pattern in _DATES:
        for match in pattern.finditer(address):
            if found := _named(match):
                return found
    return None


def _named(match: re.Match[str]) -> Period | None:
    part = match.groupdict()
    name = part["month"].lower()
    month = _MONTHS.index(name) + 1 if name in _MONTHS else int(name)
    try:
        first = dt.date(int(part["year"]), month, int(part.get("day") or 1))
    except ValueError:  # 31 February
        return None
    if first < EARLIEST:
        return None
    if part.get("day"):
        return _days(first, first)
    return _days(first, (first.replace(day=28) + dt.timedelta(days=4)).replace(day=1) - dt.timedelta(days=1))


def _days(first: dt.date, last: dt.date) -> Period:
    start, end = (dt.datetime.combine(day, dt.time(), dt.UTC) for day in (first, last))
    return Period(start, end + dt.timedelta(days=1))

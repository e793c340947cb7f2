"""ISO weeks in a time zone: `2026-W47` in, Monday to Monday out."""

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from narrawatch.errors import NarrawatchError


class WeekError(NarrawatchError):
    """A week is misspelt, does not exist or is not over; the message names it and what to write instead."""


@dataclass(frozen=True, order=True)
class Week:
    """One ISO week: it begins on Monday, and its year is that of its Thursday."""

    monday: dt.date

    @classmethod
    def of(cls, day: dt.date) -> "Week":
        """The week a day lies in."""
        return cls(day - dt.timedelta(days=day.weekday()))

    @classmethod
    def at(cls, milliseconds: float, zone: ZoneInfo) -> "Week":
        """The week of a moment as Elasticsearch gives it, in milliseconds since 1970."""
        return cls.of(dt.datetime.fromtimestamp(milliseconds / 1000, zone).date())

    def __str__(self) -> str:
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def number(self) -> int:
        return self.monday.isocalendar().week

    @property
    def year(self) -> int:
        return self.monday.isocalendar().year

    @property
    def sunday(self) -> dt.date:
        return self.monday + dt.timedelta(days=6)

    def back(self, weeks: int) -> "Week":
        """The week so many weeks earlier."""
        return Week(self.monday - dt.timedelta(weeks=weeks))

    def bounds(self, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
        """The first moment of the week and of the next one. Such a week can have 167 or 169 hours."""
        first = dt.datetime.combine(self.monday, dt.time(), zone)
        return first, dt.datetime.combine(self.back(-1).monday, dt.time(), zone)


def parse_week(text: str) -> Week:
    """Read `2026-W47`.

    Raises:
        WeekError: it is no week, or its year has none of that number.
    """
    match = re.fullmatch(r"(\d{4})-?W(\d{1,2})", text.strip(), re.ASCII | re.IGNORECASE)
    if not match:
        raise WeekError(f"{text[:80]!r} is no week; write year and ISO week like 2026-W47")
    year, number = int(match[1]), int(match[2])
    try:
        return Week(dt.date.fromisocalendar(year, number, 1))
    except ValueError as error:
        raise WeekError(f"there is no week {text!r}; {_weeks_of(year)}") from error


def _weeks_of(year: int) -> str:
    if not dt.MINYEAR <= year < dt.MAXYEAR:
        return "write year and ISO week like 2026-W47"
    last = dt.date(year, 12, 28).isocalendar().week  # the 28th is always in the last week
    return f"{year} has the weeks {year}-W01 to {year}-W{last}"


def last_complete(now: dt.datetime, zone: ZoneInfo) -> Week:
    """The newest week that is over."""
    return Week.of(now.astimezone(zone).date()).back(1)


def complete(week: Week, now: dt.datetime, zone: ZoneInfo) -> Week:
    """Hand the week back when it is over.

    Raises:
        WeekError: it is not.
    """
    end = week.bounds(zone)[1]
    if now < end:
        begun = "is not over" if now >= week.bounds(zone)[0] else "is still to come"
        raise WeekError(f"the week {week} {begun}; the last complete one is {last_complete(now, zone)}")
    return week

"""What an outlet's `politeness` may ask for: hours like `22-06`, the zone they are told in, and a slower pace."""

import datetime as dt
import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

LEAST_DELAY = 1.0
"""Seconds between two requests to a domain. An outlet may ask for more, never for less."""
MOST_DELAY = 60.0
"""Slower than this, an outlet could not be watched at all."""


@dataclass(frozen=True)
class Hours:
    """From `start` up to but not including `end`, times of day; across midnight when the end is the earlier one."""

    start: dt.time
    end: dt.time

    def hold(self, moment: dt.time) -> bool:
        """Whether this time of day is within."""
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


def asked_hours(value: object) -> Hours:
    """Read `22-06` or `22:30-06:15`.

    Raises:
        ValueError: it is neither, or lasts no time; the message says what to write.
    """
    like = "write the first hour and the one after the last, like hours: 22-06 or hours: 22:30-06:15"
    found = re.fullmatch(r"(\d{1,2})(?::(\d\d))?-(\d{1,2})(?::(\d\d))?", str(value), re.ASCII)
    if not found:
        raise ValueError(f"{str(value)[:80]!r} are no hours; {like}")
    try:
        start, end = _time(found[1], found[2]), _time(found[3], found[4])
    except ValueError as error:
        raise ValueError(f"{value!r} are no hours ({error}); {like}") from error
    if start == end:
        raise ValueError(f"{value!r} lasts no time; leave it out if the outlet may be crawled at any hour")
    return Hours(start, end)


def _time(hour: str, minute: str | None) -> dt.time:
    """A time of day; 24:00 is the midnight that ends it."""
    if hour == "24" and not int(minute or 0):
        return dt.time(0)
    return dt.time(int(hour), int(minute or 0))


def asked_zone(value: object) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError) as error:  # an unknown name is a KeyError, a folder's name an OSError
        raise ValueError(f"{str(value)[:80]!r} is no time zone; write a name like Europe/Kyiv") from error


def asked_delay(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and LEAST_DELAY <= value <= MOST_DELAY:
        return float(value)
    raise ValueError(
        f"{str(value)[:80]!r} is no pace; write the seconds between two requests, {LEAST_DELAY:g} to {MOST_DELAY:g}"
        " (an outlet may ask for a slower pace than the default, not for a faster one)"
    )

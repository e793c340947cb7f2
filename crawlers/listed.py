"""What a feed, a sitemap or a section page lists: addresses with their times, and what was left out of it, counted."""

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urljoin

_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)


class LeftOut(StrEnum):
    """Why something listed was not asked for. The list is closed: `starts.left_out` of `crawls.json` has these counters."""

    OUTSIDE = "outside"
    """Older than what a crawl of news looks for, or outside the days a backfill was asked for."""
    UNDATED = "undated"
    """Nothing says whether it belongs to the days of a backfill."""
    OVER_LIMIT = "over_limit"
    """More than we take from one document, or sitemaps nested too deep or too many."""
    OFF_SITE = "off_site"
    """On another site than the outlet's; a sitemap speaks for its own only."""
    REPEATED = "repeated"
    """A sitemap that was read already in this run: an index that lists itself, for one."""
    NO_LINK = "no_link"
    """An item without an address of a page (a podcast's file, a note), or a sitemap's address that is none."""


class Unreadable(ValueError):
    """A document that is not what it was taken for, or too broken to list anything; the message says why, in a line."""


@dataclass(frozen=True)
class Entry:
    """One listed address, absolute unless it cannot be one, and its time in UTC when the document gives a possible one."""

    url: str
    time: dt.datetime | None = None


@dataclass(frozen=True)
class Listed:
    """What one document lists: pages, further sitemaps, and how many of its entries were left out, by reason."""

    pages: tuple[Entry, ...] = ()
    sitemaps: tuple[Entry, ...] = ()
    left_out: Counter[LeftOut] = field(default_factory=Counter)


def newest(entries: Sequence[Entry], limit: int) -> list[Entry]:
    """At most `limit` entries, still in their order. The undated count as new: most lists begin with what is new."""
    now = dt.datetime.max.replace(tzinfo=dt.UTC)
    order = sorted(range(len(entries)), key=lambda index: entries[index].time or now, reverse=True)
    return [entries[index] for index in sorted(order[:limit])]


def joined(base: str, address: str) -> str:
    """The address, made absolute; what cannot be one stays as it is, and gets its outcome when it is asked for."""
    try:
        return address if _ABSOLUTE.match(address) else urljoin(base, address)
    except ValueError:  # half an IPv6 address
        return address


def utc(moment: dt.datetime) -> dt.datetime | None:
    """The moment in UTC, which it is taken to be in when it names no zone; None at the ends of the calendar."""
    try:
        return moment.astimezone(dt.UTC) if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except OverflowError:
        return None

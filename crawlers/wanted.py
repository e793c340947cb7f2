"""Which entries of a sitemap a crawl wants, how many of them, and why not the others."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from crawlers.listed import Entry, LeftOut, Listed, joined, newest
from crawlers.period import Period, named_in

MAX_ENTRIES = 50_000
"""What the protocol allows; what follows is only counted."""


@dataclass(frozen=True)
class Wanted:
    """Which entries are wanted: what is not older than `since`, or, for a backfill, what was published in `period`."""

    since: dt.datetime
    period: Period | None = None


@dataclass(frozen=True)
class Item:
    """One `<url>` or `<sitemap>`: its address, and its times when it says them."""

    kind: Literal["page", "sitemap"]
    url: str
    published: dt.datetime | None = None
    modified: dt.datetime | None = None

    @property
    def time(self) -> dt.datetime | None:
        return self.published or self.modified


class Choice:
    """Takes items one by one, keeps those that are wanted, and counts the others."""

    def __init__(self, url: str, wanted: Wanted, limits: dict[Literal["page", "sitemap"], int]) -> None:
        self.url, self.wanted, self.limits = url, wanted, limits
        self.days = named_in(url)
        self.kept: dict[str, list[Entry]] = {"page": [], "sitemap": []}
        self.left_out = Counter[LeftOut]()
        self.seen = 0

    def add(self, item: Item) -> None:
        self.seen += 1
        if self.seen > MAX_ENTRIES:
            self.left_out[LeftOut.OVER_LIMIT] += 1
            return
        item = replace(item, url=joined(self.url, item.url))
        if reason := (self._missed(item) if self.wanted.period is None else self._outside(item, self.wanted.period)):
            self.left_out[reason] += 1
        else:
            self.kept[item.kind].append(Entry(item.url, item.time))

    def listed(self) -> Listed:
        for kind, limit in self.limits.items():
            self.left_out[LeftOut.OVER_LIMIT] += max(len(self.kept[kind]) - limit, 0)
        pages = newest(self.kept["page"], self.limits["page"])
        sitemaps = self._in_order(self.kept["sitemap"])[: self.limits["sitemap"]]
        return Listed(tuple(pages), tuple(sitemaps), +self.left_out)

    def _in_order(self, sitemaps: list[Entry]) -> list[Entry]:
        """Newest first for news; for a backfill those first that closed soonest after its days began."""
        never = dt.datetime.max.replace(tzinfo=dt.UTC)
        if self.wanted.period is None:
            return sorted(sitemaps, key=lambda entry: entry.time or self.wanted.since, reverse=True)
        return sorted(sitemaps, key=lambda entry: (named_in(entry.url) is None, entry.time or never))

    def _missed(self, item: Item) -> LeftOut | None:
        since, days = self.wanted.since, None if item.time else named_in(item.url)
        old = item.time < since if item.time else days is not None and days.until <= since
        return LeftOut.OUTSIDE if old else None

    def _outside(self, item: Item, period: Period) -> LeftOut | None:
        if item.published:
            return None if item.published in period else LeftOut.OUTSIDE
        days = named_in(item.url) or (self.days if item.kind == "page" else None)
        if days:
            return None if days.overlaps(period) else LeftOut.OUTSIDE
        if item.kind == "sitemap":  # what changed after the period may hold it; what did not change since cannot
            return LeftOut.OUTSIDE if item.modified and item.modified < period.since else None
        if not item.modified:
            return LeftOut.UNDATED
        return None if item.modified in period else LeftOut.OUTSIDE

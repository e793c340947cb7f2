"""Start points that were tried: what they list, whether that is of use, and which few of them bring all of it."""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from crawlers.address import AddressError, url_id
from crawlers.listed import Entry
from crawlers.record.look import READ
from crawlers.site import site

Kind = Literal["feed", "sitemap", "section"]

MOST_CHOSEN = 5
_STALE = dt.timedelta(days=30)
_UNDATED = 200
"""Entries without any date that may still be news; a sitemap with more is the archive."""
_WORTH = 0.1
"""Share of all that is listed that a further start point must add."""
_SHORTEST = dt.timedelta(hours=6)


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One start point: `found_by` says where its address is from, `note` why it was taken or left."""

    kind: Kind
    url: str
    found_by: str
    outcome: str
    pages: tuple[Entry, ...] = ()
    links: str | None = None
    """Of a section page: the selector of its links."""
    note: str = ""
    chosen: bool = False

    @property
    def key(self) -> tuple[str, str | None]:
        return self.url, self.links

    @property
    def newest(self) -> dt.datetime | None:
        return max((page.time for page in self.pages if page.time), default=None)


def judged(tried: Tried, home: str, now: dt.datetime) -> Tried:
    """With the reason in `note` when it is of no use, and without times that are still to come: they hide how old it is."""
    pages = tuple(replace(page, time=None) if page.time and page.time > now else page for page in tried.pages)
    dated = replace(tried, pages=pages)
    return replace(dated, note=_fault(dated, home, now) or "")


def _fault(tried: Tried, home: str, now: dt.datetime) -> str | None:
    pages = tried.pages
    if tried.outcome != READ:
        return tried.outcome
    if not pages:
        return "lists nothing new"
    off_site = [page for page in pages if site(page.url) != site(home)]
    if len(off_site) > len(pages) / 2:
        return f"its links lead to other sites, like {site(off_site[0].url)}"
    if tried.newest and tried.newest < now - _STALE:
        return f"stale: its newest is of {tried.newest:%Y-%m-%d}"
    if tried.kind == "sitemap" and not tried.newest and len(pages) > _UNDATED:
        return "without dates, so that its news cannot be told from its archive"
    return None


def choose(tried: Sequence[Tried]) -> list[Tried]:
    """The same in order, the few chosen that list nearly all the others do; section pages only where nothing else is."""
    useful = [one for one in tried if not one.note]
    useful = [one for one in useful if one.kind != "section"] or useful[:1]
    listed = {one.key: _ids(one) for one in useful}
    everything = set().union(*listed.values())
    chosen: dict[tuple[str, str | None], int] = {}
    covered: set[str] = set()
    while len(chosen) < MOST_CHOSEN:
        rest = [one for one in useful if one.key not in chosen]
        best = max(rest, key=lambda one: len(listed[one.key] - covered), default=None)  # of equals the first
        added = len(listed[best.key] - covered) if best else 0
        if best is None or added < (max(3, _WORTH * len(everything)) if chosen else 1):
            break
        chosen[best.key] = added
        covered |= listed[best.key]
    return [_with_verdict(one, chosen) for one in tried]


def _with_verdict(one: Tried, chosen: Mapping[tuple[str, str | None], int]) -> Tried:
    if one.note:
        return one
    if one.key in chosen:
        return replace(one, chosen=True, note=f"taken for {chosen[one.key]} of its links")
    return replace(one, note="works, but not needed: the others list the same")


def _ids(one: Tried) -> set[str]:
    found = set()
    for page in one.pages:
        try:
            found.add(url_id(page.url))
        except AddressError:
            continue
    return found


def per_day(chosen: Iterable[Tried], now: dt.datetime) -> tuple[float | None, tuple[int, int]]:
    """Articles a day as far as the dates tell (None: they do not), and wide bounds for it.

    Counted over the time that all dated start points cover, since each lists its last entries only. Weekends and quiet
    days have a quarter of what is usual, great news four times as much.
    """
    dated = [[page for page in one.pages if page.time and page.time <= now] for one in chosen]
    covered = [min(page.time for page in pages if page.time) for pages in dated if len(pages) >= 3]
    if not covered:
        return None, (0, 1000)
    since = min(max(covered), now - _SHORTEST)
    seen = {page.url for pages in dated for page in pages if page.time and page.time >= since}
    rate = len(seen) / ((now - since) / dt.timedelta(days=1))
    return rate, (math.floor(rate / 4), max(10, math.ceil(rate * 4)))


def schedule(rate: float | None) -> str:
    """How often to look, so that little scrolls out of a feed unseen."""
    if rate is None:
        return "*/30 * * * *"
    return "*/15 * * * *" if rate >= 100 else "*/30 * * * *" if rate >= 20 else "0 * * * *"

"""News sitemaps and indexes of them; for a backfill, all sitemaps a site has."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import scrapy
from scrapy.http import Response

from crawlers import sitemaps
from crawlers.address import AddressError, fetchable, split, url_id
from crawlers.ledger import OutletRun
from crawlers.listed import Entry, LeftOut
from crawlers.outcomes import FetchOutcome
from crawlers.site import site
from crawlers.spiders.base import BaseSpider, Found
from crawlers.wanted import Wanted

FRESH = dt.timedelta(days=7)
"""News sitemaps hold two days; a general sitemap holds an outlet's whole past, which is not what a crawl of news is for."""


@dataclass(frozen=True)
class Limits:
    """How much is taken: pages of one sitemap, sitemaps of an outlet in one run, and how deep they nest."""

    pages: int
    sitemaps: int
    depth: int


NEWS = Limits(pages=1000, sitemaps=50, depth=3)
ARCHIVE = Limits(pages=50_000, sitemaps=500, depth=4)


class SitemapSpider(BaseSpider):
    """Asks for the wanted entries of sitemaps, and for the sitemaps an index lists."""

    name = "sitemap"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        period = self.crawl.period
        self.limits = ARCHIVE if period else NEWS
        self.wanted = Wanted(self.crawl.clock() - FRESH, period)
        self._read: defaultdict[str, set[str]] = defaultdict(set)
        """By outlet: ids of the sitemaps asked for in this run."""

    def starts(self, run: OutletRun) -> Iterator[scrapy.Request]:
        yield from super().starts(run)
        sites = frozenset(map(site, run.outlet.start.urls))
        if self.crawl.period:
            for origin in dict.fromkeys(urljoin(url, "/") for url in run.outlet.start.urls):
                yield self.start_request(run, urljoin(origin, "robots.txt"), "robots", sites=sites)
                yield from self._follow(run, [Entry(urljoin(origin, "sitemap.xml"))], Counter(), 1, sites)
        yield from self._follow(run, map(Entry, run.outlet.start.news_sitemaps), Counter(), 1, sites)

    async def read_robots(self, run: OutletRun, response: Response, sites: frozenset[str]) -> Found:
        """The sitemaps robots.txt names, wherever they are: the site vouches for them."""
        named = await self.reader.read(sitemaps.named_by_robots, response.body, response.url)
        left_out: Counter[LeftOut] = Counter()
        return Found(starts=self._follow(run, map(Entry, named), left_out, 1, sites), left_out=left_out)

    async def read_sitemap(self, run: OutletRun, response: Response, depth: int, sites: frozenset[str]) -> Found:
        """Pages and sitemaps on the outlet's own sites; a page elsewhere ends at once, as `off_site`."""
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        limits = {"pages": self.limits.pages, "sitemaps": self.limits.sitemaps}
        listed = await self.reader.read(sitemaps.read, response.body, response.url, content_type, self.wanted, **limits)
        if depth == 1:  # what the outlet's file or its robots.txt names may stand, or redirect to, somewhere else
            sites |= {site(response.url)}
        left_out = Counter(listed.left_out)
        pages = [entry for entry in listed.pages if not self._off_site(run, entry, sites, left_out)]
        own = [entry for entry in listed.sitemaps if site(entry.url) in sites]
        left_out[LeftOut.OFF_SITE] += len(listed.sitemaps) - len(own)
        return Found(pages, self._follow(run, own, left_out, depth + 1, sites), +left_out)

    def _follow(
        self, run: OutletRun, entries: Iterable[Entry], left_out: Counter[LeftOut], depth: int, sites: frozenset[str]
    ) -> list[scrapy.Request]:
        """Requests for sitemaps not asked for in this run; the others are counted."""
        asked, requests = self._read[run.outlet.id], []
        for entry in entries:
            try:
                key, url = url_id(entry.url), fetchable(entry.url)
            except AddressError:
                left_out[LeftOut.NO_LINK] += 1
                continue
            if key in asked:
                left_out[LeftOut.REPEATED] += 1
            elif depth > self.limits.depth or len(asked) >= self.limits.sitemaps:
                left_out[LeftOut.OVER_LIMIT] += 1
            else:
                asked.add(key)
                request = self.start_request(run, url, "sitemap", depth=depth, sites=sites)
                requests.append(request.replace(meta={**request.meta, "download_maxsize": sitemaps.MAX_SITEMAP}))
        return requests

    def _off_site(self, run: OutletRun, entry: Entry, sites: frozenset[str], left_out: Counter[LeftOut]) -> bool:
        """Whether the page is on another publisher's site (sitemaps.org: a sitemap lists its own); it then ends as that."""
        try:
            split(entry.url)
            key = url_id(entry.url)
        except AddressError:
            return False  # no address at all; it gets its outcome where all links do
        if site(entry.url) in sites:
            return False
        left_out[LeftOut.OFF_SITE] += 1
        if run.discover(key):
            run.settle(key, FetchOutcome.OFF_SITE)
        return True

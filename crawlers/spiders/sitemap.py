"""News sitemaps, and indexes of them (sitemaps.org protocol 0.9 with Google's news extension)."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import scrapy
from lxml import etree
from scrapy.http import Response

from crawlers.ledger import OutletRun
from crawlers.settings import MAX_BODY
from crawlers.spiders.base import BaseSpider
from crawlers.unpack import gunzip

FRESH = dt.timedelta(days=7)
"""News sitemaps hold two days; a general sitemap holds an outlet's whole past, which is not what a crawl of news is for."""
MAX_ENTRIES = 1000
MAX_CHILDREN = 50
MAX_DEPTH = 3


@dataclass(frozen=True)
class Entry:
    """One `<url>` or `<sitemap>`: its address and, when it says, its time."""

    kind: str
    loc: str
    time: dt.datetime | None


class SitemapSpider(BaseSpider):
    """Asks for the fresh entries of sitemaps, and for the sitemaps an index lists."""

    name = "sitemap"

    def starts(self, run: OutletRun) -> Iterator[scrapy.Request]:
        yield from super().starts(run)
        for url in run.outlet.start.news_sitemaps:
            yield self.start_request(run, url, "sitemap", depth=1)

    def read_sitemap(self, run: OutletRun, response: Response, depth: int) -> Iterator[str | scrapy.Request]:
        body = gunzip(response.body, MAX_BODY) if response.body[:2] == b"\x1f\x8b" else response.body
        since = self.crawl.clock() - FRESH
        fresh = [entry for entry in entries(body) if entry.time is None or entry.time >= since]
        newest_first = sorted(fresh, key=lambda entry: entry.time or since, reverse=True)
        yield from [response.urljoin(entry.loc) for entry in fresh if entry.kind == "url"][:MAX_ENTRIES]
        if depth < MAX_DEPTH:
            for entry in [entry for entry in newest_first if entry.kind == "sitemap"][:MAX_CHILDREN]:
                yield self.start_request(run, response.urljoin(entry.loc), "sitemap", depth=depth + 1)


def entries(body: bytes) -> list[Entry]:
    """What a sitemap or sitemap index lists.

    Raises:
        ValueError: it is neither, or not even nearly XML.
    """
    # Entities stay unresolved and nothing is fetched: a sitemap is untrusted input.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=False)
    root = etree.fromstring(body, parser)
    if root is None or etree.QName(root).localname not in {"urlset", "sitemapindex"}:
        raise ValueError("no sitemap")
    found = []
    for item in root.iterchildren("{*}url", "{*}sitemap"):
        loc = (item.findtext("{*}loc") or "").strip()
        if loc:
            stamp = item.findtext("{*}news/{*}publication_date") or item.findtext("{*}lastmod")
            found.append(Entry(etree.QName(item).localname, loc, _time(stamp)))
    return found


def _time(text: str | None) -> dt.datetime | None:
    """W3C date-time; an unreadable one counts as none, so that its entry is taken rather than lost."""
    try:
        moment = dt.datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)

"""RSS, RDF and Atom feeds."""

import io
from collections.abc import Iterator
from urllib.parse import urljoin

import feedparser
import scrapy
from scrapy.http import Response

from crawlers.ledger import OutletRun
from crawlers.spiders.base import BaseSpider

MAX_ITEMS = 1000


class FeedSpider(BaseSpider):
    """Asks for the links of feed items."""

    name = "feed"

    def starts(self, run: OutletRun) -> Iterator[scrapy.Request]:
        yield from super().starts(run)
        for url in run.outlet.start.feeds:
            yield self.start_request(run, url, "feed")

    def read_feed(self, run: OutletRun, response: Response) -> list[str]:  # noqa: ARG002 - the platforms' common shape
        return feed_links(response.body, response.url, (response.headers.get("Content-Type") or b"").decode("latin-1"))


def feed_links(body: bytes, url: str, content_type: str = "") -> list[str]:
    """Addresses of a feed's items in order, absolute; at most `MAX_ITEMS`.

    Raises:
        ValueError: it is no feed, or so broken that nothing can be read from it.
    """
    # A plain bytes argument would be opened as a file when it happens to be a file's name.
    headers = {"content-location": url, "content-type": content_type}
    feed = feedparser.parse(io.BytesIO(body), response_headers=headers, sanitize_html=False)
    links = [link for entry in feed.entries[:MAX_ITEMS] if (link := entry.get("link", "").strip())]
    if not links and feed.bozo:
        raise ValueError(feed.bozo_exception)
    if not feed.get("version") and not links:
        raise ValueError("no feed")
    return [urljoin(url, link) for link in links]

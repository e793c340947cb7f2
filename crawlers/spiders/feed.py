"""RSS, RDF, Atom and JSON feeds."""

from collections.abc import Iterator

import scrapy
from scrapy.http import Response

from crawlers import feeds
from crawlers.ledger import OutletRun
from crawlers.spiders.base import BaseSpider, Found


class FeedSpider(BaseSpider):
    """Asks for the pages that feed items are about."""

    name = "feed"

    def starts(self, run: OutletRun) -> Iterator[scrapy.Request]:
        yield from super().starts(run)
        if self.crawl.period is None:  # a feed holds the last days only
            for url in run.outlet.start.feeds:
                yield self.start_request(run, url, "feed")

    async def read_feed(self, run: OutletRun, response: Response) -> Found:  # noqa: ARG002 - the platforms' common shape
        content_type = (response.headers.get("Content-Type") or b"").decode("latin-1")
        listed = await self.reader.read(feeds.read, response.body, response.url, content_type)
        return Found(listed.pages, left_out=listed.left_out)

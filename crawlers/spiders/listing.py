"""Section pages: a CSS selector in the outlet's file says which links are articles."""

from collections.abc import Iterator

import scrapy
from scrapy.http import HtmlResponse, Response

from crawlers import sections
from crawlers.ledger import OutletRun
from crawlers.listed import Unreadable
from crawlers.spiders.base import BaseSpider, Found


class ListingSpider(BaseSpider):
    """Asks for the links a section page shows."""

    name = "listing"

    def starts(self, run: OutletRun) -> Iterator[scrapy.Request]:
        yield from super().starts(run)
        if self.crawl.period is None:
            for section in run.outlet.start.sections:
                yield self.start_request(run, section.url, "listing", links=section.links)

    async def read_listing(self, run: OutletRun, response: Response, links: str) -> Found:  # noqa: ARG002 - common shape
        if not isinstance(response, HtmlResponse):
            raise Unreadable("no HTML page")
        listed = await self.reader.read(sections.read, response.body, response.url, response.encoding, links)
        return Found(listed.pages, left_out=listed.left_out)

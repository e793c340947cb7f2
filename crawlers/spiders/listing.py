"""Section pages: a CSS selector in the outlet's file says which links are articles."""

from collections.abc import Iterator

import scrapy
from scrapy.http import HtmlResponse, Response

from crawlers.ledger import OutletRun
from crawlers.spiders.base import BaseSpider

MAX_LINKS = 1000


class ListingSpider(BaseSpider):
    """Asks for the links a section page shows."""

    name = "listing"

    def starts(self, run: OutletRun) -> Iterator[scrapy.Request]:
        yield from super().starts(run)
        for section in run.outlet.start.sections:
            yield self.start_request(run, section.url, "listing", links=section.links)

    def read_listing(self, run: OutletRun, response: Response, links: str) -> list[str]:  # noqa: ARG002 - common shape
        if not isinstance(response, HtmlResponse):
            raise ValueError("no HTML page")  # noqa: TRY004 - a fault of the page, not of the caller
        hrefs = [link.attrib.get("href", "").strip() for link in response.css(links)[:MAX_LINKS]]
        return [
            response.urljoin(href) for href in hrefs if href and not href.startswith(("#", "javascript:", "mailto:"))
        ]

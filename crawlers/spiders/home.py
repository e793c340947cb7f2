"""Home pages of outlets that have gone quiet: whether they show articles that no start point lists any more."""

from collections.abc import Iterator
from urllib.parse import urljoin

import scrapy
from scrapy.http import HtmlResponse, Response

from crawlers.address import AddressError, url_id
from crawlers.health_history import HOME
from crawlers.ledger import OutletRun, StartOutcome
from crawlers.listed import Unreadable
from crawlers.outcomes import of_status
from crawlers.outlet import Outlet
from crawlers.record import home
from crawlers.spiders.base import BaseSpider

_LAST = -10
"""Priority: what the start points list is to be known before."""


def home_of(outlet: Outlet) -> str:
    """The outlet's home page: as its file says, else the root of its first start point's host."""
    return outlet.home or urljoin(outlet.start.urls[0], "/")


class HomeSpider(BaseSpider):
    """Counts links to articles that are not known, and asks for none of them."""

    name = "home"

    def starts(self, run: OutletRun) -> Iterator[scrapy.Request]:
        yield from super().starts(run)
        if run.outlet.id in self.crawl.homes:
            run.open += 1
            yield scrapy.Request(
                home_of(run.outlet),
                callback=self.read_home,
                errback=self.start_failed,
                dont_filter=True,
                priority=_LAST,
                meta={"outlet": run.outlet.id, "role": "start", "platform": HOME},
            )

    async def read_home(self, response: Response) -> None:
        run = self.crawl.runs[response.meta["outlet"]]
        start = StartOutcome(response.url, HOME, "read")
        run.starts.append(start)
        if response.status != 200:
            start.outcome = of_status(response.status).value
        elif not isinstance(response, HtmlResponse):
            start.outcome = "unreadable"
        else:
            try:
                listed = await self.reader.read(home.articles, response.body, response.url, response.encoding)
                start.found = await self._unknown(run, [entry.url for entry in listed.pages])
            except Unreadable as error:
                start.outcome, start.reason = "unreadable", str(error)
        await self._answered(run)

    async def _unknown(self, run: OutletRun, links: list[str]) -> int:
        """How many of them nobody has listed, in this run or before; start points are no articles."""
        ids = set()
        for link in links:
            try:
                ids.add(url_id(link))
            except AddressError:
                continue
        ids -= run.urls.keys() | {url_id(url) for url in (*run.outlet.start.urls, home_of(run.outlet))}
        return len(ids - (await self._ask(self.crawl.known.look_up, sorted(ids))).keys())

"""429 and 503: a domain that asks for a pause gets it, from all requests of all outlets."""

import asyncio
import datetime as dt
import logging
import random
from time import monotonic
from typing import TYPE_CHECKING, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.retry import get_retry_request
from scrapy.exceptions import DownloadConnectionRefusedError, DownloadFailedError, DownloadTimeoutError
from scrapy.http import Response

from crawlers.failures import Refusal
from crawlers.known import timestamp
from crawlers.ledger import OutletRun, Pause
from crawlers.outcomes import FetchOutcome
from crawlers.standing import Standing, retry_after, server_time
from crawlers.throttle import downloader_of

if TYPE_CHECKING:
    from crawlers.run import Crawl

log = logging.getLogger(__name__)


class StayAway(Refusal):
    """The domain asked us to stay away, or does not answer; the request was not sent."""

    outcome = FetchOutcome.DEFERRED

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class OutsideHours(Refusal):
    """The hours the outlet asks for ended while the crawl went on; the request was not sent."""

    outcome = FetchOutcome.NOT_FETCHED


class BackOffMiddleware:
    """Stands next to the downloader: nothing is sent to a domain before the time it gave, not even for robots.txt."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self._standings: dict[str, Standing] = {}

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> Request | None:
        """Let it go at its domain's time; if that is not soon, back into the queue with it, where it is in nobody's way.

        Raises:
            StayAway: the time is not in this run, or the crawl is being stopped.
            OutsideHours: the outlet does not want to be crawled now.
        """
        domain, standing = self._standing(request)
        downloader, outlet = downloader_of(self.crawler), self._run(request).outlet
        if slower := outlet.politeness.delay:
            downloader.slow_down(request.url, slower)
        # robots.txt is asked for on behalf of a request that has left the queue, and cannot go into it
        queued = request.meta["role"] != "robots"
        while True:
            if outlet.politeness.hours and not outlet.politeness.open_at(
                self._crawl.clock(), self._crawl.settings.timezone
            ):
                raise OutsideHours(f"{outlet.id}: outside its hours")
            wait = standing.wakes - monotonic()
            if wait > 0 and (standing.closed or self._ending()):
                self._note(request, domain, standing)
                raise StayAway(f"{domain} is left alone for another {wait:.0f} seconds", wait)
            if queued and not downloader.due(domain):
                return request.copy()
            if wait <= 0:
                standing.closed = False
                downloader.closed.discard(domain)
                return None
            # in short steps, since a crawl that is being stopped waits for us
            await asyncio.sleep(min(wait, 1.0) + 0.001)

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Take what a response says about its domain; a page that was refused for the moment is tried again."""
        domain, standing = self._standing(request)
        if response.status not in {429, 503}:
            standing.answered()
            return response
        asked = retry_after(_header(response, "Retry-After"), server_time(_header(response, "Date")))
        standing.strike(monotonic(), response.status, asked, random.uniform(1.0, 1.5))  # noqa: S311 - no secret
        log.info("%s: %d, asked to wait for %s seconds", domain, response.status, asked)
        self._heed(request, domain, standing)
        if response.status == 429 and standing.times > 1:
            pace = downloader_of(self.crawler)
            pace.slow_down(request.url, pace.delay(domain) + self.crawler.settings.getfloat("DOWNLOAD_DELAY"))
        assert self.crawler.spider
        again = None if standing.closed else get_retry_request(request, spider=self.crawler.spider, reason="back-off")
        return again or response

    def process_exception(self, request: Request, exception: Exception) -> None:
        if isinstance(exception, DownloadTimeoutError | DownloadConnectionRefusedError | DownloadFailedError):
            domain, standing = self._standing(request)
            standing.no_answer(monotonic())
            if standing.closed:
                self._heed(request, domain, standing)

    @property
    def _crawl(self) -> "Crawl":
        crawl: Crawl = self.crawler.spider.crawl  # type: ignore[union-attr]  # a BaseSpider's
        return crawl

    def _run(self, request: Request) -> OutletRun:
        return self._crawl.runs[request.meta["outlet"]]

    def _ending(self) -> bool:
        assert self.crawler.engine
        return not self.crawler.engine.running or self._crawl.failure is not None

    def _standing(self, request: Request) -> tuple[str, Standing]:
        """The domain of a request and how it stands; what it told an earlier run still holds."""
        domain = downloader_of(self.crawler).get_slot_key(request)
        if domain not in self._standings:
            standing = self._standings[domain] = Standing()
            if pause := self._crawl.resting.get(domain):
                left = dt.datetime.fromisoformat(pause.until) - self._crawl.clock()
                standing.times, standing.reason = pause.times, pause.reason
                standing.rest(monotonic(), max(left.total_seconds(), 0.0))
                self._heed(request, domain, standing)
        return domain, self._standings[domain]

    def _heed(self, request: Request, domain: str, standing: Standing) -> None:
        """Tell the queue, which then keeps back what waits for this domain, or lets it all go to be turned away."""
        self._note(request, domain, standing)
        downloader = downloader_of(self.crawler)
        downloader.wakes[domain] = standing.wakes
        if standing.closed:
            downloader.closed.add(domain)

    def _note(self, request: Request, domain: str, standing: Standing) -> None:
        """Enter the pause into the account of the outlet that met it."""
        until = self._crawl.clock() + dt.timedelta(seconds=standing.wakes - monotonic())
        pause = Pause(domain, standing.reason, standing.times, timestamp(until))
        self._run(request).pauses[domain] = pause


def _header(response: Response, name: str) -> str:
    return (response.headers.get(name) or b"").decode("latin-1")

"""What all platforms share: from a start point's listed links to captured pages, each with one outcome."""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import scrapy
from scrapy.exceptions import (
    CannotResolveHostError,
    CloseSpider,
    DownloadCancelledError,
    DownloadTimeoutError,
    IgnoreRequest,
)
from scrapy.http import HtmlResponse, Response
from scrapy.utils.httpobj import urlparse_cached
from twisted.python.failure import Failure

from crawlers.address import AddressError, fetchable, url_id
from crawlers.guard import GuardedResolver, PrivateAddress
from crawlers.known import DONE, UrlRecord
from crawlers.ledger import OutletRun, Platform, StartOutcome
from crawlers.outcomes import FetchOutcome, of_status
from crawlers.robots import RobotsForbidden
from crawlers.unpack import BadEncoding, TooBig
from narrawatch.errors import NarrawatchError

if TYPE_CHECKING:
    from crawlers.run import Crawl

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

_FAILURES: tuple[tuple[type[Exception], FetchOutcome], ...] = (
    (PrivateAddress, FetchOutcome.PRIVATE_ADDRESS),
    (RobotsForbidden, FetchOutcome.ROBOTS),
    (TooBig, FetchOutcome.TOO_BIG),
    (DownloadCancelledError, FetchOutcome.TOO_BIG),
    (BadEncoding, FetchOutcome.BAD_ENCODING),
    (DownloadTimeoutError, FetchOutcome.TIMEOUT),
    (CannotResolveHostError, FetchOutcome.DNS),
    (IgnoreRequest, FetchOutcome.REDIRECT_LOOP),  # what is left: "max redirections reached"
)


def request_of(failure: Failure) -> scrapy.Request:
    """The request that failed; Scrapy hangs it on the failure."""
    request: scrapy.Request = failure.request  # type: ignore[attr-defined]
    return request


def outcome_of(failure: Failure) -> FetchOutcome:
    """The outcome of a request that brought no response."""
    error, host = failure.value, urlparse_cached(request_of(failure)).hostname
    if isinstance(error, CannotResolveHostError) and host in GuardedResolver.refused:
        return FetchOutcome.PRIVATE_ADDRESS
    return next((outcome for kind, outcome in _FAILURES if isinstance(error, kind)), FetchOutcome.CONNECTION)


class BaseSpider(scrapy.Spider):
    """Visits the start points of many outlets in one engine, so that a domain has one slot whoever shares it."""

    name = "base"

    def __init__(self, *, crawl: "Crawl", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.crawl = crawl

    def starts(self, run: OutletRun) -> Iterator[scrapy.Request]:  # noqa: ARG002 - each platform adds its own
        """The start points of an outlet that this spider knows how to read."""
        yield from ()

    async def start(self) -> AsyncIterator[scrapy.Request]:
        for run in self.crawl.runs.values():
            run.open += 1
            for request in self.starts(run):
                yield request
            left_over = await self._ask(self.crawl.known.left_over, run.outlet.id, self.crawl.now())
            for request in self._pursue(run, [record for record in left_over if run.discover(record.id)]):
                yield request
            await self._answered(run)

    def start_request(self, run: OutletRun, url: str, platform: Platform, **cb_kwargs: Any) -> scrapy.Request:
        """A request for a feed, sitemap or section page; `read_<platform>` gets the answer and `cb_kwargs`."""
        run.open += 1
        return scrapy.Request(
            url,
            callback=self.read_start,
            errback=self.start_failed,
            dont_filter=True,
            priority=10,
            meta={"outlet": run.outlet.id, "role": "start", "platform": platform},
            cb_kwargs=cb_kwargs,
        )

    async def read_start(self, response: Response, **cb_kwargs: Any) -> AsyncIterator[scrapy.Request]:
        """Read a feed, sitemap or section page, and ask for what it lists and we do not know."""
        run = self.crawl.runs[response.meta["outlet"]]
        start = StartOutcome(response.url, response.meta["platform"], "read")
        run.starts.append(start)
        links: list[str] = []
        if response.status == 200:
            links, requests = self._listed(run, start, response, cb_kwargs)
            for request in requests:
                yield request
        else:
            start.outcome = of_status(response.status).value
        for request in self._pursue(run, await self._recall(run, links)):
            yield request
        await self._answered(run)

    async def start_failed(self, failure: Failure) -> None:
        meta, url = request_of(failure).meta, request_of(failure).url
        run = self.crawl.runs[meta["outlet"]]
        run.starts.append(StartOutcome(url, meta["platform"], outcome_of(failure).value))
        log.warning("%s: %s: %s", run.outlet.id, url, failure.value)
        await self._answered(run)

    async def read_page(self, response: Response) -> None:
        """Write an article page to WARC before anything else happens to it."""
        run, record = self.crawl.runs[response.meta["outlet"]], response.meta["record"]
        if not 200 <= response.status < 300:
            self.crawl.ended(run, record, of_status(response.status))
        elif not isinstance(response, HtmlResponse) or not response.body.strip():
            self.crawl.ended(run, record, FetchOutcome.NOT_HTML)
        else:
            await self._ask(self.crawl.store, run, record, response)
        await self._answered(run)

    async def page_failed(self, failure: Failure) -> None:
        run, record = self.crawl.runs[request_of(failure).meta["outlet"]], request_of(failure).meta["record"]
        log.info("%s: %s: %s", run.outlet.id, record.url, failure.value)
        self.crawl.ended(run, record, outcome_of(failure))
        await self._answered(run)

    def _listed(
        self, run: OutletRun, start: StartOutcome, response: Response, cb_kwargs: dict[str, Any]
    ) -> tuple[list[str], list[scrapy.Request]]:
        """Links and further start points that a document lists; a document that cannot be read lists none."""
        try:
            found = list(getattr(self, f"read_{start.platform}")(run, response, **cb_kwargs))
        except Exception as error:  # noqa: BLE001 - whatever a hostile document does to its parser
            log.warning("%s: %s: cannot be read: %r", run.outlet.id, start.url, error)
            start.outcome = "unreadable"
            return [], []
        links = [link for link in found if isinstance(link, str)]
        start.found = len(links)
        if not found:
            start.outcome = "empty"
        return links, [link for link in found if not isinstance(link, str)]

    async def _recall(self, run: OutletRun, links: Iterable[str]) -> list[UrlRecord]:
        """Records of the links this run had not met; addresses new to `urls` are entered there, so no crash forgets them."""
        fresh: dict[str, str] = {}
        for link in links:
            try:
                key = url_id(link)
            except AddressError:
                key = f"invalid:{link[:200]}"
                if run.discover(key):
                    run.settle(key, FetchOutcome.INVALID_URL)
                continue
            if run.discover(key):
                fresh[key] = fetchable(link)
        known = await self._ask(self.crawl.known.look_up, list(fresh))
        new = {
            key: UrlRecord(url=url, outlet=run.outlet.id, state="discovered", discovered=self.crawl.now(), run=run.run)
            for key, url in fresh.items()
            if key not in known
        }
        await self._ask(self.crawl.known.remember, new.values())
        return [new.get(key) or known[key] for key in fresh]

    def _pursue(self, run: OutletRun, records: Iterable[UrlRecord]) -> Iterator[scrapy.Request]:
        """Requests for the records that are due; the others are settled at once."""
        now = self.crawl.now()
        for record in records:
            if not record.due(now):
                run.settle(record.id, FetchOutcome.KNOWN if record.state in DONE else FetchOutcome.NOT_DUE)
                continue
            run.open += 1
            yield scrapy.Request(
                record.url,
                callback=self.read_page,
                errback=self.page_failed,
                dont_filter=True,  # the account and `urls` know better what was asked for
                meta={"outlet": run.outlet.id, "role": "article", "record": record},
            )

    async def _answered(self, run: OutletRun) -> None:
        """One request less to wait for; the outlet's last one ends its run."""
        run.open -= 1
        self.crawl.progress(run)
        if run.open == 0:
            await self._ask(self.crawl.finish, run)
        elif self.crawl.has_much_to_save():
            await self._ask(self.crawl.save)

    async def _ask(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Let the crawl's one writer thread wait for disk and Elasticsearch. What a user must mend first ends the crawl."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.crawl.writer, functools.partial(function, *args, **kwargs))
        except NarrawatchError as error:
            self.crawl.failure = self.crawl.failure or error
            raise CloseSpider("failure") from error

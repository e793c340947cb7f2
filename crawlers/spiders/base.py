"""What all platforms share: from a start point's listed links to captured pages, each with one outcome."""

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import scrapy
from scrapy.exceptions import CloseSpider
from scrapy.http import Response
from twisted.python.failure import Failure

from crawlers import failures
from crawlers.address import AddressError, fetchable, url_id
from crawlers.capture import hash_of
from crawlers.conditional import validators
from crawlers.known import DONE, UrlRecord, timestamp
from crawlers.ledger import OutletRun, Platform, StartOutcome
from crawlers.listed import Entry, LeftOut
from crawlers.outcomes import FetchOutcome, of_status
from crawlers.pages import conditions_of
from crawlers.reader import Reader
from crawlers.starts import StartMemory, recalled
from narrawatch.errors import NarrawatchError

if TYPE_CHECKING:
    from crawlers.run import Crawl

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

MAX_PAGES = 10_000
"""Pages asked for in one run of an outlet: each waits in memory for its turn, and politeness lets no more through in hours."""
_AT_ONCE = 1000
"""Addresses looked up in one request to Elasticsearch."""
_PACKING = {FetchOutcome.TOO_BIG, FetchOutcome.BAD_ENCODING}


def request_of(failure: Failure) -> scrapy.Request:
    """The request that failed; Scrapy hangs it on the failure."""
    request: scrapy.Request = failure.request  # type: ignore[attr-defined]
    return request


def outcome_of(failure: Failure) -> FetchOutcome:
    """The outcome of a request that brought no response."""
    return failures.outcome_of(failure.value)


@dataclass(frozen=True)
class Found:
    """What `read_<platform>` makes of a document: pages, start points to read next, and what it left out."""

    pages: Sequence[Entry] = ()
    starts: Sequence[scrapy.Request] = ()
    left_out: Mapping[LeftOut, int] = field(default_factory=dict)


class BaseSpider(scrapy.Spider):
    """Visits the start points of many outlets in one engine, so that a domain has one slot whoever shares it."""

    name = "base"

    def __init__(self, *, crawl: "Crawl", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.crawl = crawl
        self.reader = Reader()

    def closed(self, reason: str) -> None:  # noqa: ARG002 - Scrapy's signature
        self.reader.close()

    def starts(self, run: OutletRun) -> Iterator[scrapy.Request]:  # noqa: ARG002 - each platform adds its own
        """The start points of an outlet that this spider knows how to read."""
        yield from ()

    async def start(self) -> AsyncIterator[scrapy.Request]:
        for run in self.crawl.runs.values():
            if not run.outlet.politeness.open_at(self.crawl.clock(), self.crawl.settings.timezone):
                await self._ask(functools.partial(self.crawl.finish, run, outside_hours=True))
                continue
            run.open += 1
            if not self.crawl.period:  # a backfill reads all it is given
                run.memories = await self._ask(self.crawl.pages.starts.of, run.outlet.id)
            for request in self.starts(run):
                yield request
            left_over = await self._ask(self.crawl.known.left_over, run.outlet.id, self.crawl.now())
            for request in self._pursue(run, [record for record in left_over if run.discover(record.id)]):
                yield request
            await self._answered(run)

    def start_request(self, run: OutletRun, url: str, platform: Platform, **cb_kwargs: Any) -> scrapy.Request:
        """A request for a feed, sitemap or section page; `read_<platform>` gets the answer and `cb_kwargs`."""
        run.open += 1
        new = StartMemory(outlet=run.outlet.id, platform=platform, url=url, links=cb_kwargs.get("links"))
        memory = recalled(new, run.memories)
        return scrapy.Request(
            url,
            headers=memory.conditions(run.started),
            callback=self.read_start,
            errback=self.start_failed,
            dont_filter=True,
            priority=10,
            meta={"outlet": run.outlet.id, "role": "start", "platform": platform, "memory": memory},
            cb_kwargs=cb_kwargs,
        )

    async def read_start(self, response: Response, **cb_kwargs: Any) -> AsyncIterator[scrapy.Request]:
        """Read a feed, sitemap or section page, and ask for what it lists and we do not know."""
        run, memory = self.crawl.runs[response.meta["outlet"]], response.meta["memory"]
        start = StartOutcome(response.url, response.meta["platform"], "read")
        run.starts.append(start)
        links: list[str] = []
        requests: list[scrapy.Request] = []
        if memory.same(response.status, hash_of(response.body), run.started):
            start.outcome = FetchOutcome.UNCHANGED.value
        elif response.status == 200:
            links, requests = await self._listed(run, start, response, cb_kwargs)
        else:
            start.outcome = of_status(response.status).value
        for request in requests:
            yield request
        new = 0
        for first in range(0, len(links), _AT_ONCE):
            records = await self._recall(run, links[first : first + _AT_ONCE])
            new += sum(record.state == "discovered" and record.run == run.run for record in records)
            for request in self._pursue(run, records):
                yield request
        # Not an index: its sitemaps are asked each time. Nor a backfill: it reads all it is given.
        if start.outcome == "read" and not requests and not self.crawl.period:
            self._remember(run, start, response, new)
        await self._answered(run)

    def _remember(self, run: OutletRun, start: StartOutcome, response: Response, new: int) -> None:
        """Keep what a document was, now that all it lists is in `urls`; `new` of that nobody had told us of."""
        before: StartMemory = response.meta["memory"]
        memory = before.read(validators(response), hash_of(response.body), run.started, new=new)
        start.lied = memory.lied != before.lied
        if start.lied:
            log.warning("%s: %s: %d new pages under the ETag of what was read before", run.outlet.id, start.url, new)
        self.crawl.pages.remember_start(memory)

    async def start_failed(self, failure: Failure) -> None:
        meta, url = request_of(failure).meta, request_of(failure).url
        run = self.crawl.runs[meta["outlet"]]
        run.starts.append(StartOutcome(url, meta["platform"], outcome_of(failure).value))
        log.warning("%s: %s: %s", run.outlet.id, url, failure.value)
        await self._answered(run)

    async def read_page(self, response: Response) -> None:
        """Write an article page to WARC before anything else happens to it."""
        run, record = self.crawl.runs[response.meta["outlet"]], response.meta["record"]
        await self._ask(self.crawl.pages.answered, run, record, response)
        self.crawl.flight.ended(record.id)
        await self._answered(run)

    async def page_failed(self, failure: Failure) -> None:
        run, record = self.crawl.runs[request_of(failure).meta["outlet"]], request_of(failure).meta["record"]
        log.info("%s: %s: %s", run.outlet.id, record.url, failure.value)
        wait = getattr(failure.value, "seconds", None)
        await self._ask(self.crawl.pages.ended, run, record, outcome_of(failure), wait)
        self.crawl.flight.ended(record.id)
        await self._answered(run)

    async def _listed(
        self, run: OutletRun, start: StartOutcome, response: Response, cb_kwargs: dict[str, Any]
    ) -> tuple[list[str], list[scrapy.Request]]:
        """Links and further start points that a document lists; a document that cannot be read lists none."""
        try:
            found: Found = await getattr(self, f"read_{start.platform}")(run, response, **cb_kwargs)
        except Exception as error:  # noqa: BLE001 - whatever a hostile document does to its parser
            log.warning("%s: %s: cannot be read: %s", run.outlet.id, start.url, error)
            outcome = failures.outcome_of(error)
            start.outcome = outcome.value if outcome in _PACKING else "unreadable"
            start.reason = " ".join(str(error).split())[:200]
            return [], []
        links = [entry.url for entry in found.pages]
        start.found, start.left_out = len(links), {reason.value: count for reason, count in found.left_out.items()}
        times = [entry.time for entry in found.pages if entry.time and entry.time <= self.crawl.clock()]
        start.newest = timestamp(max(times)) if times else None
        if not links and not found.starts:
            start.outcome = "empty"
        return links, list(found.starts)

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
            if run.pursued >= MAX_PAGES:  # a backfill of a year, say; what stays `discovered` is the next run's
                run.settle(record.id, FetchOutcome.NOT_FETCHED)
                continue
            run.pursued += 1
            run.open += 1
            yield scrapy.Request(
                record.url,
                headers=conditions_of(record),
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
        elif self.crawl.pages.has_much_to_save():
            await self._ask(self.crawl.pages.save)

    async def _ask(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Let the crawl's one writer thread wait for disk and Elasticsearch. What a user must mend first ends the crawl."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self.crawl.writer, functools.partial(function, *args, **kwargs))
        except NarrawatchError as error:
            self.crawl.failure = self.crawl.failure or error
            raise CloseSpider("failure") from error

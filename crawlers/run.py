"""One crawl: many outlets in one process, each page in WARC first, each outlet's account in `crawls`."""

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from scrapy import Request, signals
from scrapy.crawler import AsyncCrawlerProcess

from crawlers.flight import Flight, flight_file
from crawlers.guard import is_private
from crawlers.health import overdue
from crawlers.known import Known, timestamp
from crawlers.ledger import OutletRun, Pause
from crawlers.locks import running
from crawlers.outcomes import FetchOutcome
from crawlers.outlet import Outlet
from crawlers.pages import Pages
from crawlers.period import Period
from crawlers.salvage import salvage
from crawlers.settings import scrapy_settings
from crawlers.spiders.base import BaseSpider
from crawlers.spiders.outlets import OutletsSpider
from crawlers.starts import Starts
from index_config import bulk
from index_config.cluster import Cluster
from narrawatch.errors import NarrawatchError
from narrawatch.settings import Settings

log = logging.getLogger(__name__)

UNHURRIED = {"DOWNLOAD_DELAY": 0, "AUTOTHROTTLE_ENABLED": False, "CONCURRENT_REQUESTS_PER_DOMAIN": 4}
"""For a crawl of nothing but loopback and private hosts (demo, tests), where there is nobody to be polite to."""


class CrawlStopped(NarrawatchError):
    """Somebody ended the crawl (Ctrl-C, SIGTERM)."""


@dataclass
class Crawl:
    """What the spider works with, and the only place that writes for it. Times come from `clock`."""

    settings: Settings
    cluster: Cluster
    runs: dict[str, OutletRun]
    progress: Callable[[OutletRun], None]
    clock: Callable[[], dt.datetime]
    resting: Mapping[str, Pause] = field(default_factory=dict)
    """Domains that asked an earlier run to stay away, and whose time is not over."""
    homes: Set[str] = frozenset()
    """Outlets that are quiet beyond what is normal for them, whose home pages are to be looked at."""
    period: Period | None = None
    """The days of a backfill: of sitemaps only, what was published then."""
    failure: NarrawatchError | None = None
    interrupted: bool = False
    writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))
    """One thread, so that pages of one outlet that come together are written one after another."""
    pages: Pages = field(init=False)
    flight: Flight = field(init=False)

    def __post_init__(self) -> None:
        self.pages = Pages(self.settings, self.known, Starts(self.cluster), self.clock)
        self.flight = Flight(flight_file(self.settings.home, next((run.run for run in self.runs.values()), "none")))

    @property
    def known(self) -> Known:
        return Known(self.cluster)

    def now(self) -> str:
        return timestamp(self.clock())

    def finish(self, run: OutletRun, *, interrupted: bool = False, outside_hours: bool = False) -> None:
        """End an outlet's run: pages, then its account."""
        run.in_flight = self.flight.under_way(run.outlet.id)
        if run.in_flight:
            log.warning("%s: cut short while these were fetched: %s", run.outlet.id, " ".join(run.in_flight))
        run.close(self.now(), interrupted=interrupted)
        if outside_hours or {start.outcome for start in run.starts} == {FetchOutcome.NOT_FETCHED.value}:
            run.status = "outside_hours"
        run.memories.clear()
        self.pages.close(run.outlet.id)
        write_accounts(self.cluster, [run])
        self.progress(run)

    def closed(self, reason: str) -> None:
        self.interrupted = reason != "finished"

    def took_off(self, request: Request) -> None:
        """A request is in the downloader's hands."""
        if record := request.meta.get("record"):
            self.flight.began(record.id, request.meta["outlet"], request.url)

    def count(self, request: Request) -> None:
        """Count a request that went out, retries, redirects and robots.txt among them."""
        run = self.runs[request.meta["outlet"]]
        run.requests["total"] += 1
        run.requests[request.meta["role"]] += 1
        run.requests["retries"] += bool(request.meta.get("retry_times"))


def write_accounts(cluster: Cluster, runs: Iterable[OutletRun]) -> None:
    """Enter runs into `crawls`, beside what processing may have counted there already.

    Raises:
        ClusterError: a document was refused.
    """
    bulk.write_all(
        cluster, (bulk.Action("crawls", run.id, run.to_document(), "update", doc_as_upsert=True) for run in runs)
    )


def pauses(cluster: Cluster, now: str) -> dict[str, Pause]:
    """What domains told earlier runs that holds beyond now, by domain; the longest of each."""
    answer = cluster.client.search(
        index=cluster.name("crawls"),
        size=1000,
        query={"range": {"pauses.until": {"gt": now}}},
        source_includes="pauses",
        sort=[{"started": "desc"}],
    )
    told = [Pause(**pause) for hit in answer["hits"]["hits"] for pause in hit["_source"]["pauses"]]
    return {pause.domain: pause for pause in sorted(told, key=lambda pause: pause.until) if pause.until > now}


def crawl(
    settings: Settings,
    cluster: Cluster,
    outlets: Sequence[Outlet],
    run_id: str,
    *,
    progress: Callable[[OutletRun], None],
    clock: Callable[[], dt.datetime],
    period: Period | None = None,
) -> list[OutletRun]:
    """Crawl outlets once, or backfill a period through their sitemaps; returns their accounts.

    Scrapy's reactor starts once in a process, so call this once.

    Raises:
        RunLocked: another process has this run id.
        CrawlStopped: somebody stopped it; accounts are written.
        NarrawatchError: disk or Elasticsearch failed; accounts are written as far as that goes.
    """
    private = _all_private(outlets)
    scrapy = scrapy_settings(settings, private=private)
    salvage(settings, cluster)
    with running(settings.home, run_id):
        cluster.client.indices.refresh(index=[cluster.name("urls"), cluster.name("crawls")])
        days = str(period) if period else None
        runs = {outlet.id: OutletRun(outlet, run_id, timestamp(clock()), days) for outlet in outlets}
        homes: Set[str] = frozenset() if period else overdue(cluster, outlets, clock(), settings.timezone)
        work = Crawl(settings, cluster, runs, progress, clock, pauses(cluster, timestamp(clock())), homes, period)
        write_accounts(cluster, runs.values())
        scrape(work, {**scrapy, **(UNHURRIED if private else {})})
        _finish_rest(work)
        if work.failure:
            raise work.failure
        if work.interrupted:
            raise CrawlStopped(_what_is_left(runs.values()))
        return list(runs.values())


def scrape(work: Crawl, options: dict[str, Any], spider: type[BaseSpider] = OutletsSpider, **arguments: Any) -> None:
    """Run one spider to its end; Scrapy's reactor starts once in a process."""
    if proxies := sorted({name for name in getproxies() if name in {"http", "https", "all"}}):
        log.warning("a proxy for %s is set and not used: it would connect where nobody has looked", ", ".join(proxies))
    process = AsyncCrawlerProcess(options)
    logging.getLogger("scrapy").setLevel(logging.INFO)  # Scrapy has just set it to DEBUG, a line a page
    crawler = process.create_crawler(spider)
    crawler.signals.connect(work.closed, signals.spider_closed)
    crawler.signals.connect(work.took_off, signals.request_reached_downloader)
    crawler.signals.connect(work.count, signals.request_left_downloader)
    process.crawl(crawler, crawl=work, **arguments)
    process.start()
    work.flight.close()


def _finish_rest(work: Crawl) -> None:
    """Outlets that were not done when the crawl was stopped, or never will be, after a fault of ours."""
    work.writer.shutdown()
    for run in work.runs.values():
        if not run.finished:
            try:
                work.finish(run, interrupted=work.interrupted)
            except NarrawatchError as error:
                work.failure = work.failure or error
                log.error("%s: %s", run.outlet.id, error)  # noqa: TRY400 - expected, one line


def _what_is_left(runs: Iterable[OutletRun]) -> str:
    left = sum(run.outcomes[FetchOutcome.NOT_FETCHED] for run in runs)
    under_way = sum(len(run.in_flight) for run in runs)
    lost = f"{under_way} of them under way and named in its log" if under_way else "none of them under way"
    return (
        f"the crawl was stopped; what it captured is safe, and the next run takes up the {left} pages it left, {lost}"
    )


def _all_private(outlets: Sequence[Outlet]) -> bool:
    return all(is_private(urlsplit(url).hostname or "") for outlet in outlets for url in outlet.start.urls)

"""One crawl: many outlets in one process, each page in WARC first, each outlet's account in `crawls`."""

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.http import Response

from crawlers.capture import Capture
from crawlers.guard import permitted
from crawlers.known import Known, UrlRecord, timestamp
from crawlers.ledger import OutletRun
from crawlers.locks import running
from crawlers.outcomes import FetchOutcome
from crawlers.outlet import Outlet
from crawlers.salvage import salvage
from crawlers.settings import VERSION, scrapy_settings
from crawlers.spiders.base import BaseSpider
from crawlers.spiders.outlets import OutletsSpider
from crawlers.warc import WarcError, WarcFile
from index_config import bulk
from index_config.cluster import Cluster
from narrawatch.errors import NarrawatchError
from narrawatch.settings import Settings

log = logging.getLogger(__name__)

_SAVE_EVERY = 50
"""URL records held back between writes; after a crash they are read from the WARC files again."""
_UNHURRIED = {"DOWNLOAD_DELAY": 0, "AUTOTHROTTLE_ENABLED": False, "CONCURRENT_REQUESTS_PER_DOMAIN": 4}
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
    failure: NarrawatchError | None = None
    interrupted: bool = False
    writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(max_workers=1))
    """One thread, so that pages of one outlet that come together are written one after another."""
    _warcs: dict[str, WarcFile] = field(default_factory=dict)
    _unsaved: list[UrlRecord] = field(default_factory=list)
    _robots_asked_for: dict[str, str] = field(default_factory=dict)

    @property
    def known(self) -> Known:
        return Known(self.cluster)

    def now(self) -> str:
        return timestamp(self.clock())

    def store(self, run: OutletRun, record: UrlRecord, response: Response) -> None:
        """Write a page to WARC, then settle its URL.

        Raises:
            WarcError: it cannot be written; the URL stays to be fetched by the next run.
        """
        capture = Capture(
            outlet=run.outlet.id,
            run=run.run,
            url=response.url,
            requested_url=record.url,
            fetched=self.now(),
            status=response.status,
            content_type=(response.headers.get("Content-Type") or b"").decode("latin-1") or None,
            body=response.body,
        )
        warc = self._warcs.setdefault(
            run.outlet.id, WarcFile(self.settings.warc / run.outlet.id, run.run, f"Narrawatch/{VERSION}")
        )
        address = str(response.ip_address) if response.ip_address else None
        try:
            file, offset = warc.write(capture, _headers(response), address)
        except WarcError:
            run.settle(record.id, FetchOutcome.WARC_FAILED)
            raise
        run.settle(record.id, FetchOutcome.CAPTURED)
        stored = replace(capture, file=file, offset=offset)
        self._unsaved.append(record.captured(stored))
        if capture.id != record.id:
            self._unsaved.append(replace(record, url=capture.url, attempts=0).captured(stored))

    def ended(self, run: OutletRun, record: UrlRecord, outcome: FetchOutcome) -> None:
        """Settle a URL that brought no page."""
        run.settle(record.id, outcome)
        self._unsaved.append(record.ended(outcome, self.clock(), run.run))

    def has_much_to_save(self) -> bool:
        return len(self._unsaved) >= _SAVE_EVERY

    def save(self) -> None:
        records, self._unsaved = self._unsaved, []
        self.known.remember(records)

    def finish(self, run: OutletRun, *, interrupted: bool = False) -> None:
        """End an outlet's run. `urls` is told before the WARC file is closed: an open one is read again after a crash."""
        run.close(self.now(), interrupted=interrupted)
        self.save()
        warc = self._warcs.pop(run.outlet.id, None)
        if warc:
            warc.close()
        write_accounts(self.cluster, [run])
        self.progress(run)

    def closed(self, reason: str) -> None:
        self.interrupted = reason != "finished"

    def note_host(self, request: Request) -> None:
        """Remember for whom a host's robots.txt will be asked: the first outlet that wants something there."""
        self._robots_asked_for.setdefault(urlsplit(request.url).netloc, request.meta["outlet"])

    def count(self, request: Request) -> None:
        """Count a request that went out, retries, redirects and robots.txt among them."""
        run = self.runs[request.meta.get("outlet") or self._robots_asked_for[urlsplit(request.url).netloc]]
        run.requests["total"] += 1
        run.requests[request.meta.get("role", "robots")] += 1
        run.requests["retries"] += bool(request.meta.get("retry_times"))


def _headers(response: Response) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    ]


def write_accounts(cluster: Cluster, runs: Iterable[OutletRun]) -> None:
    """Enter runs into `crawls`, beside what processing may have counted there already.

    Raises:
        ClusterError: a document was refused.
    """
    bulk.write_all(
        cluster, (bulk.Action("crawls", run.id, run.to_document(), "update", doc_as_upsert=True) for run in runs)
    )


def crawl(
    settings: Settings,
    cluster: Cluster,
    outlets: Sequence[Outlet],
    run_id: str,
    *,
    progress: Callable[[OutletRun], None],
    clock: Callable[[], dt.datetime],
) -> list[OutletRun]:
    """Crawl outlets once; returns their accounts. Scrapy's reactor starts once in a process, so call this once.

    Raises:
        RunLocked: another process has this run id.
        CrawlStopped: somebody stopped it; accounts are written.
        NarrawatchError: disk or Elasticsearch failed; accounts are written as far as that goes.
    """
    scrapy = scrapy_settings(settings)
    salvage(settings, cluster)
    with running(settings.home, run_id):
        cluster.client.indices.refresh(index=cluster.name("urls"))
        runs = {outlet.id: OutletRun(outlet, run_id, timestamp(clock())) for outlet in outlets}
        work = Crawl(settings, cluster, runs, progress, clock)
        write_accounts(cluster, runs.values())
        scrape(work, {**scrapy, **(_UNHURRIED if _all_private(outlets) else {})})
        _finish_rest(work)
        if work.failure:
            raise work.failure
        if work.interrupted:
            raise CrawlStopped(
                "the crawl was stopped; what it captured is safe, and the next run takes up what it left"
            )
        return list(runs.values())


def scrape(work: Crawl, options: dict[str, Any], spider: type[BaseSpider] = OutletsSpider, **arguments: Any) -> None:
    """Run one spider to its end; Scrapy's reactor starts once in a process."""
    process = AsyncCrawlerProcess(options)
    logging.getLogger("scrapy").setLevel(logging.INFO)  # Scrapy has just set it to DEBUG, a line a page
    crawler = process.create_crawler(spider)
    crawler.signals.connect(work.closed, signals.spider_closed)
    crawler.signals.connect(work.note_host, signals.request_scheduled)
    crawler.signals.connect(work.count, signals.request_left_downloader)
    process.crawl(crawler, crawl=work, **arguments)
    process.start()


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


def _all_private(outlets: Sequence[Outlet]) -> bool:
    return all(_is_private(urlsplit(url).hostname or "") for outlet in outlets for url in outlet.start.urls)


def _is_private(host: str) -> bool:
    try:
        return not permitted(host.strip("[]"), allow_loopback=False)
    except ValueError:
        return host == "localhost"

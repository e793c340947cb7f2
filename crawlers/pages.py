"""What becomes of each page asked for: written to WARC before anything else, then settled in the account and in `urls`."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import urlsplit

from scrapy.http import HtmlResponse, Response

from crawlers.address import AddressError, url_id
from crawlers.capture import GONE, MOVED, Capture, hash_of
from crawlers.conditional import conditions, validators
from crawlers.known import Known, UrlRecord, gone
from crawlers.ledger import OutletRun
from crawlers.outcomes import FetchOutcome, of_status
from crawlers.outlet import Outlet
from crawlers.settings import VERSION
from crawlers.starts import StartMemory, Starts
from crawlers.visits import timestamp
from crawlers.warc import WarcError, WarcFile
from crawlers.warc_records import Headers
from narrawatch.settings import Settings

SAVE_EVERY = 50
"""URL records held back between writes; after a crash they are read from the WARC files again."""
_HOME = {"", "/", "/index.html", "/index.php"}


@dataclass
class Pages:
    """Writes for one crawl, from one thread: WARC files, and what is to be remembered. Times come from `clock`."""

    settings: Settings
    known: Known
    starts: Starts
    clock: Callable[[], dt.datetime]
    _warcs: dict[str, WarcFile] = field(default_factory=dict)
    _unsaved: list[UrlRecord] = field(default_factory=list)
    _unsaved_starts: list[StartMemory] = field(default_factory=list)

    def answered(self, run: OutletRun, record: UrlRecord, response: Response) -> None:
        """Settle a URL by the answer to its request.

        Raises:
            WarcError: what came cannot be written; the URL stays to be fetched by the next run.
            ClusterError: what is known of the address that a redirect led to cannot be read.
        """
        if not is_address(response.url):
            self.ended(run, record, FetchOutcome.INVALID_URL)
        elif record.seen and _as_it_was(record, response):
            self._repeated(run, record, response)
        elif record.seen and (status := _gone(run.outlet, record, response)):
            self._vanished(run, record, response, status)
        elif not 200 <= response.status < 300:
            self.ended(run, record, of_status(response.status))
        elif not isinstance(response, HtmlResponse) or not response.body.strip():
            self.ended(run, record, FetchOutcome.NOT_HTML)
        else:
            self.store(run, record, response)

    def store(self, run: OutletRun, record: UrlRecord, response: Response) -> None:
        """Write a page to WARC, then settle its URL."""
        capture = self._capture(run, record, response)
        file, offset = self._written(
            run, record, lambda warc: warc.write(capture, _headers(response), _address(response))
        )
        run.settle(record.id, FetchOutcome.CAPTURED)
        stored = replace(capture, file=file, offset=offset)
        self._unsaved.append(record.captured(stored))
        if capture.id != record.id:
            new = UrlRecord(
                url=capture.url, outlet=record.outlet, state="", discovered=record.discovered, run=record.run
            )
            self._unsaved.append(self.known.look_up([capture.id]).get(capture.id, new).captured(stored))

    def ended(self, run: OutletRun, record: UrlRecord, outcome: FetchOutcome, wait: float | None = None) -> None:
        """Settle a URL that brought no page; `wait` is how many seconds its domain wants to be left alone."""
        run.settle(record.id, outcome)
        self._unsaved.append(record.ended(outcome, self.clock(), run.run, wait))

    def remember_start(self, memory: StartMemory) -> None:
        """What a feed, sitemap or section page was when all it lists had been entered into `urls`."""
        self._unsaved_starts.append(memory)

    def has_much_to_save(self) -> bool:
        return len(self._unsaved) >= SAVE_EVERY

    def save(self) -> None:
        records, self._unsaved = self._unsaved, []
        memories, self._unsaved_starts = self._unsaved_starts, []
        self.known.remember(records)
        self.starts.remember(memories)

    def close(self, outlet: str) -> None:
        """An outlet's run is over: remember what was learnt, then close its file. An open one is read again after a crash."""
        self.save()
        if warc := self._warcs.pop(outlet, None):
            warc.close()

    def _repeated(self, run: OutletRun, record: UrlRecord, response: Response) -> None:
        """The page is as it was: noted in the WARC file without its body."""
        capture = self._capture(run, record, response)
        since = record.fetched or capture.fetched
        self._written(
            run,
            record,
            lambda warc: warc.write_revisit(capture, _headers(response), _address(response), since=since),
        )
        run.settle(record.id, FetchOutcome.UNCHANGED)
        self._unsaved.append(record.unchanged(capture.fetched, run.run, validators(response)))

    def _vanished(self, run: OutletRun, record: UrlRecord, response: Response, status: int) -> None:
        """The page is gone: that it vanished is evidence, so the answer is kept, and processing marks the article."""
        capture = replace(self._capture(run, record, response), url=record.url, status=status)
        headers: Headers = _headers(response)
        if status not in GONE:  # the answers on the way to the home page are not kept; their status and target are
            hops = [*response.meta.get("redirect_urls", [])[1:], response.url]
            capture, headers = replace(capture, body=b"", content_type=None), [("Location", hops[0])]
        self._written(run, record, lambda warc: warc.write(capture, headers, _address(response)))
        run.settle(record.id, gone(status))
        self._unsaved.append(record.vanished(capture.fetched, gone(status), run.run))

    def _capture(self, run: OutletRun, record: UrlRecord, response: Response) -> Capture:
        etag, modified = validators(response)
        return Capture(
            outlet=run.outlet.id,
            run=run.run,
            url=response.url,
            requested_url=record.url,
            fetched=timestamp(self.clock()),
            status=response.status,
            content_type=(response.headers.get("Content-Type") or b"").decode("latin-1") or None,
            body=response.body,
            etag=etag,
            last_modified=modified,
            body_hash=hash_of(response.body),
        )

    def _written(
        self, run: OutletRun, record: UrlRecord, write: Callable[[WarcFile], tuple[str, int]]
    ) -> tuple[str, int]:
        folder = self.settings.warc / run.outlet.id
        warc = self._warcs.setdefault(run.outlet.id, WarcFile(folder, run.run, f"Narrawatch/{VERSION}"))
        try:
            return write(warc)
        except WarcError:
            run.settle(record.id, FetchOutcome.WARC_FAILED)
            raise


def conditions_of(record: UrlRecord) -> dict[str, str]:
    """Request headers for a page we know. One that had vanished is wanted whole: that it came back is evidence too."""
    return conditions((record.etag, record.last_modified)) if record.seen and not record.withdrawn_at else {}


def _as_it_was(record: UrlRecord, response: Response) -> bool:
    if record.withdrawn_at:
        return False
    if response.status == HTTPStatus.NOT_MODIFIED:
        return bool(conditions_of(record))
    return (
        response.status == HTTPStatus.OK
        and record.body_hash == hash_of(response.body)
        and url_id(response.url) == record.id
    )


def _gone(outlet: Outlet, record: UrlRecord, response: Response) -> int | None:
    """The status that tells that a page we had is gone, or None: 404, 410, or a redirect to the home page or a section."""
    if response.status in GONE:
        return response.status
    if not 200 <= response.status < 300 or url_id(response.url) == record.id:
        return None
    lists = {url_id(url) for url in outlet.start.urls}
    parts = urlsplit(response.url)
    if (parts.path not in _HOME or parts.query) and url_id(response.url) not in lists:
        return None
    reason = next(iter(response.meta.get("redirect_reasons", [])), None)
    return reason if reason in MOVED else HTTPStatus.FOUND


def is_address(url: str) -> bool:
    """Whether a page can have it; a redirect may lead anywhere."""
    try:
        url_id(url)
    except AddressError:
        return False
    return True


def _address(response: Response) -> str | None:
    return str(response.ip_address) if response.ip_address else None


def _headers(response: Response) -> list[tuple[str, str]]:
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    ]

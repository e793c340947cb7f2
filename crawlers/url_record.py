"""One address in the crawl's memory: what is known of it, and what each kind of answer makes of that."""

import datetime as dt
from dataclasses import asdict, dataclass, replace
from typing import Any

from crawlers.address import normalise, url_id
from crawlers.capture import Capture
from crawlers.outcomes import FetchOutcome
from crawlers.visits import CONFIRM, STEPS, later, next_visit, retry, timestamp

DONE = frozenset({"captured", "indexed", "dead_letter"})
"""Fetched, and safe in a WARC file; visited again at `next_visit` only."""

_RETRY = dt.timedelta(minutes=15)
_LONGEST_RETRY = dt.timedelta(days=3)
_GONE = dt.timedelta(days=30)
_NOT_ASKED = {FetchOutcome.DEFERRED, FetchOutcome.ROBOTS_UNAVAILABLE, FetchOutcome.NOT_FETCHED}
_STATES = {
    FetchOutcome.HTTP_404: ("gone", _GONE),
    FetchOutcome.HTTP_410: ("gone", _GONE),
    FetchOutcome.ROBOTS: ("refused", _LONGEST_RETRY),
    FetchOutcome.PRIVATE_ADDRESS: ("refused", _LONGEST_RETRY),
    FetchOutcome.NOT_HTML: ("refused", _LONGEST_RETRY),
    FetchOutcome.TOO_BIG: ("refused", _LONGEST_RETRY),
}


@dataclass(frozen=True, kw_only=True)
class UrlRecord:
    """One page's document of `urls`. States: discovered, captured, failed, gone, refused, then processing's own.

    `fetched` is when it was captured last, `visited` when it last answered, `quiet` how many visits in a row have found
    it unchanged, `failures` how many tries in a row have failed, `withdrawn_at` when it was first found to have vanished.
    """

    url: str
    outlet: str
    state: str
    discovered: str
    run: str
    outcome: str | None = None
    attempts: int = 0
    failures: int = 0
    first_captured: str | None = None
    fetched: str | None = None
    visited: str | None = None
    quiet: int = 0
    next_visit: str | None = None
    withdrawn_at: str | None = None
    article: str | None = None
    redirected_to: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    warc: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        return url_id(self.url)

    @property
    def seen(self) -> bool:
        """Whether it was captured before, so that fetching it now is a visit to a page we know."""
        return self.state in DONE and self.first_captured is not None

    def to_document(self) -> dict[str, Any]:
        filled = {name: value for name, value in asdict(self).items() if value is not None}
        withdrawn = {"withdrawn": True} if self.withdrawn_at else {}
        return {**filled, **withdrawn, "normalised": normalise(self.url)}

    def due(self, now: str) -> bool:
        """Whether it may be fetched (again); times are ISO 8601 in UTC, which compare as text."""
        if self.state in DONE:
            return self.next_visit is not None and self.next_visit <= now
        return self.next_visit is None or self.next_visit <= now

    def captured(self, capture: Capture) -> "UrlRecord":
        """Its page is in a WARC file; whether the text is a new one is for processing to say, which corrects `quiet`."""
        # A page that had no text before is new, whenever its first capture was.
        first = min(self.first_captured or capture.fetched, capture.fetched) if self.seen else capture.fetched
        return replace(
            self,
            state="captured",
            outcome=FetchOutcome.CAPTURED.value,
            attempts=self.attempts + (url_id(capture.requested_url) == self.id),
            failures=0,
            first_captured=first,
            fetched=capture.fetched,
            visited=capture.fetched,
            quiet=self.quiet if self.seen else 0,
            # A page that another address leads to is visited at its own.
            next_visit=next_visit(first, capture.fetched, 0) if capture.id == self.id else None,
            withdrawn_at=None,
            article=capture.id,
            redirected_to=capture.url if capture.url != self.url else None,
            etag=capture.etag,
            last_modified=capture.last_modified,
            body_hash=capture.body_hash or None,
            warc={"file": capture.file, "offset": capture.offset},
            run=capture.run,
        )

    def processed(self, capture: Capture, state: str, again: str | None, *, changed: bool) -> "UrlRecord":
        """After processing its last capture; saying so twice changes nothing.

        Args:
            state: how that ended; `again` is then the next visit of a page that gave no article.
            changed: whether the text is a new one.
        """
        if state not in DONE:
            return replace(self, state=state, next_visit=again)
        if self.state != "captured":
            return replace(self, state=state)
        first, visited = self.first_captured or capture.fetched, self.visited or capture.fetched
        # Captured again before its first visit is due, it was met under two addresses: that is no visit.
        quiet = 0 if changed or capture.fetched < later(first, STEPS[0]) else self.quiet + 1
        if (
            self.withdrawn_at or self.failures or capture.id != self.id
        ):  # it has an appointment of another kind, or none
            return replace(self, state=state, quiet=quiet)
        return replace(self, state=state, quiet=quiet, next_visit=next_visit(first, visited, quiet))

    def unchanged(self, now: str, run: str, validators: tuple[str | None, str | None]) -> "UrlRecord":
        """A visit found the page as it was; `validators` are its ETag and Last-Modified now, where the server gave them."""
        quiet = self.quiet + 1
        etag, modified = validators
        return replace(
            self,
            outcome=FetchOutcome.UNCHANGED.value,
            attempts=self.attempts + 1,
            failures=0,
            visited=now,
            quiet=quiet,
            next_visit=next_visit(self.first_captured or now, now, quiet),
            etag=etag or self.etag,
            last_modified=modified or self.last_modified,
            run=run,
        )

    def vanished(self, at: str, outcome: FetchOutcome, run: str) -> "UrlRecord":
        """A visit found the page gone: the first such visit is followed by one more, the second is the last."""
        if self.visited == at and self.withdrawn_at:  # read again from the WARC file
            return self
        return replace(
            self,
            state=self.state or "gone",
            outcome=outcome.value,
            attempts=self.attempts + 1,
            failures=0,
            visited=at,
            next_visit=None if self.withdrawn_at else later(at, CONFIRM),
            withdrawn_at=self.withdrawn_at or at,
            run=run,
        )

    def ended(self, outcome: FetchOutcome, now: dt.datetime, run: str, wait: float | None = None) -> "UrlRecord":
        """After a fetch that brought no page: when to come back, and in which state until then.

        What was captured before stays so, whatever becomes of later visits. `wait` is for how many seconds the page's
        domain wants to be left alone.
        """
        failures = self.failures + 1
        state, pause = _STATES.get(outcome, ("failed", min(_RETRY * 2 ** min(failures - 1, 12), _LONGEST_RETRY)))
        if outcome in _NOT_ASKED:
            failures, pause = self.failures, _RETRY if wait is None else dt.timedelta(seconds=wait)
        again: str | None = timestamp(now + pause)
        if self.seen:
            state, again = self.state, retry(self.first_captured or timestamp(now), timestamp(now), pause)
        return replace(
            self,
            state=state,
            outcome=outcome.value,
            attempts=self.attempts + (outcome not in _NOT_ASKED),
            failures=failures,
            next_visit=again,
            run=run,
        )

"""The account of one outlet's run: every discovered URL, its one outcome, and every request, counted apart."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from crawlers.outcomes import FetchOutcome
from crawlers.outlet import Outlet

Platform = Literal["feed", "sitemap", "listing", "robots", "home"]


@dataclass
class StartOutcome:
    """How one start point answered: an outcome, and how many addresses it listed."""

    url: str
    platform: Platform
    outcome: str
    found: int = 0
    left_out: dict[str, int] = field(default_factory=dict)
    """What else it listed, by reason: the members of `crawlers.listed.LeftOut`."""
    newest: str | None = None
    """The latest time among what it listed that is not in the future."""
    reason: str | None = None
    """Why it could not be read."""
    lied: bool = False
    """It listed something new under the ETag or Last-Modified by which it had called what was read before."""


@dataclass(frozen=True)
class RobotsAnswer:
    """What a host's robots.txt answered: an outcome, and the pause between requests it asks for, in seconds."""

    host: str
    outcome: str
    crawl_delay: float | None = None


@dataclass(frozen=True)
class Pause:
    """A domain that asked us to stay away, or stopped answering: why, how often in this run, until when."""

    domain: str
    reason: str
    times: int
    until: str


@dataclass
class OutletRun:
    """Filled while the outlet is crawled. `open` counts the requests still to be answered; at zero the outlet is done."""

    outlet: Outlet
    run: str
    started: str
    backfill: str | None = None
    """The days it was asked for; None when it looked for news."""
    requests: Counter[str] = field(default_factory=Counter)
    starts: list[StartOutcome] = field(default_factory=list)
    robots: dict[str, RobotsAnswer] = field(default_factory=dict)
    pauses: dict[str, Pause] = field(default_factory=dict)
    urls: dict[str, FetchOutcome | None] = field(default_factory=dict)
    """Forgotten when the run is closed: a thousand outlets may list a million."""
    discovered: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    """Of the settled ones, counted as they are settled."""
    in_flight: list[str] = field(default_factory=list)
    """Pages that had been asked for when the run was cut short, and whose answers are lost."""
    memories: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What was remembered of the outlet's start points when the run began, by id."""
    open: int = 0
    pursued: int = 0
    finished: str | None = None
    status: str = "running"

    @property
    def id(self) -> str:
        return document_id(self.outlet.id, self.run)

    def discover(self, url_id: str) -> bool:
        """Note a listed URL; False when this run has it already."""
        if url_id in self.urls:
            return False
        self.urls[url_id] = None
        self.discovered += 1
        return True

    def settle(self, url_id: str, outcome: FetchOutcome) -> None:
        """Give a discovered URL its outcome.

        Raises:
            ValueError: it was never discovered or has one already; the account would be wrong.
        """
        if self.urls.get(url_id, outcome) is not None:
            raise ValueError(
                f"{self.outlet.id}: {url_id} cannot end as {outcome}: it is {self.urls.get(url_id, 'unknown')}"
            )
        self.urls[url_id] = outcome
        self.outcomes[outcome.value] += 1

    def close(self, now: str, *, interrupted: bool) -> None:
        """End the run; what is unsettled was not fetched, or, in an undisturbed run, was lost to a fault of ours."""
        rest = FetchOutcome.NOT_FETCHED if interrupted else FetchOutcome.ERROR
        if unsettled := self.discovered - self.outcomes.total():
            self.outcomes[rest.value] += unsettled
        self.urls = {}
        self.finished, self.status = now, "interrupted" if interrupted else "complete"

    def to_document(self) -> dict[str, Any]:
        """The document of `crawls`, without the processing outcomes that `process` adds."""
        requests = {name: self.requests[name] for name in ("total", "robots", "start", "article", "retries")}
        document: dict[str, Any] = {
            "outlet": self.outlet.id,
            "run": self.run,
            "status": self.status,
            "started": self.started,
            "discovered": self.discovered,
            "requests": requests,
            # All of them: an update of an earlier attempt's document must overwrite its counts.
            "fetch": {outcome.value: self.outcomes[outcome.value] for outcome in FetchOutcome},
            "in_flight": self.in_flight,
            "starts": [vars(start) for start in self.starts],
            "robots": [vars(answer) for answer in self.robots.values()],
            "pauses": [vars(pause) for pause in self.pauses.values()],
        }
        if self.backfill:
            document["backfill"] = self.backfill
        if self.finished:
            document["finished"] = self.finished
        return document


def document_id(outlet: str, run: str) -> str:
    return f"{outlet}:{run}"

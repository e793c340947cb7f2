"""The account of one outlet's run: every discovered URL, its one outcome, and every request, counted apart."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from crawlers.outcomes import FetchOutcome
from crawlers.outlet import Outlet

Platform = Literal["feed", "sitemap", "listing"]


@dataclass
class StartOutcome:
    """How one start point answered: an outcome, and how many addresses it listed."""

    url: str
    platform: Platform
    outcome: str
    found: int = 0


@dataclass
class OutletRun:
    """Filled while the outlet is crawled. `open` counts the requests still to be answered; at zero the outlet is done."""

    outlet: Outlet
    run: str
    started: str
    requests: Counter[str] = field(default_factory=Counter)
    starts: list[StartOutcome] = field(default_factory=list)
    urls: dict[str, FetchOutcome | None] = field(default_factory=dict)
    open: int = 0
    finished: str | None = None
    status: str = "running"

    @property
    def id(self) -> str:
        return document_id(self.outlet.id, self.run)

    @property
    def outcomes(self) -> Counter[str]:
        return Counter(outcome.value for outcome in self.urls.values() if outcome)

    def discover(self, url_id: str) -> bool:
        """Note a listed URL; False when this run has it already."""
        if url_id in self.urls:
            return False
        self.urls[url_id] = None
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

    def close(self, now: str, *, interrupted: bool) -> None:
        """End the run; what is unsettled was not fetched, or, in an undisturbed run, was lost to a fault of ours."""
        rest = FetchOutcome.NOT_FETCHED if interrupted else FetchOutcome.ERROR
        self.urls = {key: outcome or rest for key, outcome in self.urls.items()}
        self.finished, self.status = now, "interrupted" if interrupted else "complete"

    def to_document(self) -> dict[str, Any]:
        """The document of `crawls`, without the processing outcomes that `process` adds."""
        requests = {name: self.requests[name] for name in ("total", "robots", "start", "article", "retries")}
        document: dict[str, Any] = {
            "outlet": self.outlet.id,
            "run": self.run,
            "status": self.status,
            "started": self.started,
            "discovered": len(self.urls),
            "requests": requests,
            # All of them: an update of an earlier attempt's document must overwrite its counts.
            "fetch": {outcome.value: self.outcomes[outcome.value] for outcome in FetchOutcome},
            "starts": [vars(start) for start in self.starts],
        }
        if self.finished:
            document["finished"] = self.finished
        return document


def document_id(outlet: str, run: str) -> str:
    return f"{outlet}:{run}"

"""The crawl's memory: the `urls` index. What is known is not fetched again before its time, on whatever machine."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from crawlers.address import normalise, url_id
from crawlers.capture import Capture
from crawlers.outcomes import FetchOutcome
from index_config import bulk
from index_config.cluster import Cluster

DONE = frozenset({"captured", "indexed", "dead_letter"})
"""States that are final until re-visits come: fetched, and safe in a WARC file."""

_RETRY = dt.timedelta(minutes=15)
_LONGEST_RETRY = dt.timedelta(days=3)
_GONE = dt.timedelta(days=30)
NO_TEXT = dt.timedelta(days=7)
"""A page without text may get one: live blogs and videos do, within days."""


@dataclass(frozen=True, kw_only=True)
class UrlRecord:
    """One document of `urls`. States: discovered, captured, failed, gone, refused, then processing's own."""

    url: str
    outlet: str
    state: str
    discovered: str
    run: str
    outcome: str | None = None
    attempts: int = 0
    fetched: str | None = None
    next_visit: str | None = None
    article: str | None = None
    redirected_to: str | None = None
    warc: dict[str, Any] | None = None

    @property
    def id(self) -> str:
        return url_id(self.url)

    def to_document(self) -> dict[str, Any]:
        filled = {name: value for name, value in asdict(self).items() if value is not None}
        return {**filled, "normalised": normalise(self.url)}

    def due(self, now: str) -> bool:
        """Whether it may be fetched (again); times are ISO 8601 in UTC, which compare as text."""
        if self.state in DONE:
            return False
        return self.next_visit is None or self.next_visit <= now

    def captured(self, capture: Capture) -> "UrlRecord":
        return replace(
            self,
            state="captured",
            outcome=FetchOutcome.CAPTURED.value,
            attempts=self.attempts + 1,
            fetched=capture.fetched,
            next_visit=None,
            article=capture.id,
            redirected_to=capture.url if capture.url != self.url else None,
            warc={"file": capture.file, "offset": capture.offset},
            run=capture.run,
        )

    def ended(self, outcome: FetchOutcome, now: dt.datetime, run: str) -> "UrlRecord":
        """After a fetch that brought no page: when to come back, and in which state until then."""
        attempts = self.attempts + 1
        if outcome in {FetchOutcome.HTTP_404, FetchOutcome.HTTP_410}:
            state, pause = "gone", _GONE
        elif outcome in {
            FetchOutcome.ROBOTS,
            FetchOutcome.PRIVATE_ADDRESS,
            FetchOutcome.NOT_HTML,
            FetchOutcome.TOO_BIG,
        }:
            state, pause = "refused", _LONGEST_RETRY
        else:
            state, pause = "failed", min(_RETRY * 2 ** min(attempts - 1, 12), _LONGEST_RETRY)
        return replace(
            self, state=state, outcome=outcome.value, attempts=attempts, next_visit=timestamp(now + pause), run=run
        )


def timestamp(moment: dt.datetime) -> str:
    """ISO 8601 in UTC to the second, as WARC-Date and our documents write it."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _record(source: dict[str, Any]) -> UrlRecord:
    return UrlRecord(**{name: value for name, value in source.items() if name in UrlRecord.__dataclass_fields__})


@dataclass(frozen=True)
class Known:
    """Reads and writes `urls`."""

    cluster: Cluster

    def look_up(self, ids: Sequence[str]) -> dict[str, UrlRecord]:
        """What is known of these URL ids; reads what was written a moment ago, too."""
        if not ids:
            return {}
        answer = self.cluster.client.mget(index=self.cluster.name("urls"), ids=list(ids))
        return {item["_id"]: _record(item["_source"]) for item in answer["docs"] if item.get("found")}

    def left_over(self, outlet: str, now: str, limit: int = 1000) -> list[UrlRecord]:
        """URLs of an outlet that an earlier run discovered and never finished, or that are to be tried again now."""
        answer = self.cluster.client.search(
            index=self.cluster.name("urls"),
            size=limit,
            query={
                "bool": {
                    "filter": [{"term": {"outlet": outlet}}, {"terms": {"state": ["discovered", "failed"]}}],
                    "must_not": [{"range": {"next_visit": {"gt": now}}}],
                }
            },
            sort=[{"discovered": "asc"}],
        )
        return [_record(hit["_source"]) for hit in answer["hits"]["hits"]]

    def remember(self, records: Iterable[UrlRecord]) -> None:
        """Write records whole.

        Raises:
            ClusterError: one of them was refused; nothing is lost, since WARC files are read again when salvaged.
        """
        bulk.write_all(self.cluster, (bulk.Action("urls", record.id, record.to_document()) for record in records))

    def remember_captures(
        self, captures: Iterable[Capture], ends: Mapping[str, tuple[str, str | None]] | None = None
    ) -> None:
        """Record pages that are in a WARC file, both under the address asked for and the one that answered.

        Args:
            captures: the pages; their bodies are not looked at.
            ends: how processing ended, as (state, next visit) by the capture's id; without it, they wait for processing.
        """
        by_id = {url_id(url): (url, capture) for capture in captures for url in (capture.requested_url, capture.url)}
        known = self.look_up(list(by_id))
        records = []
        for key, (url, capture) in by_id.items():
            first = UrlRecord(url=url, outlet=capture.outlet, state="", discovered=capture.fetched, run=capture.run)
            record = known.get(key, first).captured(capture)
            state, next_visit = (ends or {}).get(capture.id, ("captured", None))
            records.append(
                replace(record, state=state, next_visit=next_visit, attempts=known.get(key, record).attempts)
            )
        self.remember(records)

    def set_state(self, url: str, state: str) -> None:
        """Change the state of one known URL."""
        self.remember(replace(record, state=state) for record in self.look_up([url_id(url)]).values())

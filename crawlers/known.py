"""The crawl's memory: the `urls` index. What is known is not fetched again before its time, on whatever machine."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crawlers.address import url_id
from crawlers.capture import MOVED, Capture
from crawlers.outcomes import FetchOutcome, of_status
from crawlers.url_record import DONE, UrlRecord
from crawlers.visits import timestamp
from index_config import bulk
from index_config.cluster import Cluster

__all__ = ["DONE", "NO_TEXT", "End", "Known", "UrlRecord", "timestamp"]

NO_TEXT = dt.timedelta(days=7)
"""A page without text may get one: live blogs and videos do, within days."""


@dataclass(frozen=True)
class End:
    """How processing ended for a capture: the URL's new state, the next visit if it gave no article, and whether it is news."""

    state: str
    again: str | None = None
    changed: bool = False


def _record(source: dict[str, Any]) -> UrlRecord:
    return UrlRecord(**{name: value for name, value in source.items() if name in UrlRecord.__dataclass_fields__})


@dataclass(frozen=True)
class Known:
    """Reads and writes the pages in `urls`."""

    cluster: Cluster

    def look_up(self, ids: Sequence[str]) -> dict[str, UrlRecord]:
        """What is known of these URL ids; reads what was written a moment ago, too."""
        if not ids:
            return {}
        answer = self.cluster.client.mget(index=self.cluster.name("urls"), ids=list(ids))
        return {item["_id"]: _record(item["_source"]) for item in answer["docs"] if item.get("found")}

    def left_over(self, outlet: str, now: str, limit: int = 1000) -> list[UrlRecord]:
        """URLs of an outlet that an earlier run left, that are to be tried again, or that are due for another visit.

        The one that has waited longest comes first, one that was never asked for before all.
        """
        unfinished = {"terms": {"state": ["discovered", "failed"]}}
        due = {"bool": {"filter": [{"terms": {"state": sorted(DONE)}}, {"exists": {"field": "next_visit"}}]}}
        answer = self.cluster.client.search(
            index=self.cluster.name("urls"),
            size=limit,
            query={
                "bool": {
                    "filter": [{"term": {"outlet": outlet}}, {"bool": {"should": [unfinished, due]}}],
                    "must_not": [{"range": {"next_visit": {"gt": now}}}],
                }
            },
            sort=[{"next_visit": {"order": "asc", "missing": "_first"}}, {"discovered": "asc"}],
        )
        return [_record(hit["_source"]) for hit in answer["hits"]["hits"]]

    def remember(self, records: Iterable[UrlRecord]) -> None:
        """Write records whole; of several for one address the last.

        Raises:
            ClusterError: one of them was refused; nothing is lost, since WARC files are read again when salvaged.
        """
        by_id = {record.id: record for record in records}
        bulk.write_all(self.cluster, (bulk.Action("urls", key, record.to_document()) for key, record in by_id.items()))

    def remember_captures(self, captures: Iterable[Capture], ends: Mapping[str, End] | None = None) -> None:
        """Record pages that are in a WARC file, both under the address asked for and the one that answered.

        In whatever order, and however often: what is known of a later capture stays.

        Args:
            captures: the pages; their bodies are not looked at.
            ends: how processing ended, by the capture's id; without it, they wait for processing.
        """
        captures = list(captures)
        records = self.look_up(list({url_id(url) for one in captures for url in (one.requested_url, one.url)}))
        for capture in captures:
            for key, url in {url_id(url): url for url in (capture.requested_url, capture.url)}.items():
                new = UrlRecord(url=url, outlet=capture.outlet, state="", discovered=capture.fetched, run=capture.run)
                records[key] = _after(records.get(key, new), capture, (ends or {}).get(capture.id))
        self.remember(records.values())

    def set_state(self, url: str, state: str) -> None:
        """Change the state of one known URL."""
        known = self.look_up([url_id(url)]).values()
        self.remember(replace(record, state=state) for record in known)


def _after(record: UrlRecord, capture: Capture, end: End | None) -> UrlRecord:
    """What a capture, and the end of its processing, make of a record that may know it already, or a later one."""
    if capture.vanished:
        known = max(record.visited or "", record.fetched or "")
        return (
            record if known > capture.fetched else record.vanished(capture.fetched, gone(capture.status), capture.run)
        )
    if (record.fetched or "") > capture.fetched:
        return record
    if record.fetched != capture.fetched:
        record = record.captured(capture)
    return record.processed(capture, end.state, end.again, changed=end.changed) if end else record


def gone(status: int) -> FetchOutcome:
    """The outcome of a visit that found a page gone, by what answered: 404, 410, or a redirect to the home page."""
    return FetchOutcome.REDIRECTED_HOME if status in MOVED else of_status(status)

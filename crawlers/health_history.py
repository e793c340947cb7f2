"""What `crawls` knows of an outlet's past, as its health is judged from."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from elasticsearch import ApiError, TransportError

from crawlers.health_baseline import WEEKS, WINDOWS
from index_config.cluster import Cluster, ClusterError
from index_config.failures import cluster_error, describe

ATTEMPTS = 150
"""The latest runs that are looked at one by one: a day and a half, at one every quarter of an hour."""
WELL = ("read", "unchanged", "empty")
"""Outcomes of a start point that answered as it should."""
HOME: Final = "home"
"""The platform of a home page that was looked at because the outlet was quiet."""
_BATCH = 50


@dataclass(frozen=True)
class Attempt:
    """One run of an outlet. `processing` is None until its pages have been processed."""

    run: str
    status: str
    started: dt.datetime
    fetch: Mapping[str, int] = field(default_factory=dict)
    processing: Mapping[str, int] | None = None
    starts: Sequence[Mapping[str, Any]] = ()
    robots: Sequence[Mapping[str, Any]] = ()
    pauses: Sequence[Mapping[str, Any]] = ()

    @property
    def done(self) -> bool:
        """It went to its end and asked the outlet's start points: only such a run says something about the outlet."""
        return self.status == "complete" and bool(self.asked)

    @property
    def new(self) -> int:
        return (self.processing or {}).get("indexed", 0)

    @property
    def asked(self) -> list[Mapping[str, Any]]:
        """Start points, without the home page that is no start point of the outlet."""
        return [start for start in self.starts if start["platform"] != HOME]

    @property
    def answered(self) -> bool:
        return any(start["outcome"] in WELL for start in self.asked)


@dataclass(frozen=True)
class History:
    """Attempts, the latest first; new articles by day before today, and by hour lately; and when things last were well."""

    attempts: Sequence[Attempt] = ()
    days: Mapping[dt.date, int] = field(default_factory=dict)
    arrivals: Sequence[tuple[dt.datetime, int]] = ()
    first: dt.datetime | None = None
    last_success: dt.datetime | None = None
    last_new: dt.datetime | None = None
    last_home: dt.datetime | None = None


def load_histories(
    cluster: Cluster, outlets: Sequence[str], now: dt.datetime, zone: ZoneInfo, *, attempts: int = ATTEMPTS
) -> Iterator[tuple[str, History]]:
    """Each of these outlets with its history, empty for one that was never crawled.

    A few at a time, and for whoever looks at one after another: the attempts of a thousand outlets take a gigabyte.

    Args:
        cluster: where the accounts are.
        outlets: ids.
        now: what was begun later is left out.
        zone: in which days are counted.
        attempts: how many of the latest are wanted one by one.

    Raises:
        ClusterError: Elasticsearch does not answer, or has no `crawls`.
    """
    try:
        for first in range(0, len(outlets), _BATCH):
            batch = outlets[first : first + _BATCH]
            searches = [part for outlet in batch for part in ({}, _question(outlet, now, zone, attempts))]
            answers = cluster.client.msearch(index=cluster.name("crawls"), searches=searches)["responses"]
            if refused := next((answer["error"] for answer in answers if "error" in answer), None):
                raise ClusterError(f"Elasticsearch refused while reading the accounts of crawls: {describe(refused)}")
            yield from ((outlet, _history(answer, zone)) for outlet, answer in zip(batch, answers, strict=True))
    except (ApiError, TransportError) as error:
        raise cluster_error(error, "reading the accounts of crawls") from error


def _question(outlet: str, now: dt.datetime, zone: ZoneInfo, attempts: int) -> dict[str, Any]:
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    weeks = {"gte": (midnight - dt.timedelta(weeks=WEEKS)).isoformat(), "lt": midnight.isoformat()}
    complete, last = {"term": {"status": "complete"}}, {"last": {"max": {"field": "started"}}}
    per_day = {
        "date_histogram": {"field": "started", "calendar_interval": "day", "time_zone": zone.key, "min_doc_count": 1},
        "aggs": {"new": {"sum": {"field": "processing.indexed"}}},
    }
    lately = {"gt": (now - dt.timedelta(days=max(WINDOWS))).isoformat()}
    per_hour = {
        "date_histogram": {"field": "started", "fixed_interval": "1h", "min_doc_count": 1},
        "aggs": {"new": {"sum": {"field": "processing.indexed"}}},
    }
    # What a backfill finds is not new, and half of what it asks for is guessed; so it says nothing about the outlet.
    ours = {"filter": [{"term": {"outlet": outlet}}, {"range": {"started": {"lte": now.isoformat()}}}]}
    success = {"bool": {"filter": [complete, {"terms": {"starts.outcome": list(WELL)}}]}}
    return {
        "size": attempts,
        "query": {"bool": {**ours, "must_not": {"exists": {"field": "backfill"}}}},
        "sort": [{"started": "desc"}, {"run": "desc"}],
        "aggs": {
            "first": {"min": {"field": "started"}},
            "weeks": {
                "filter": {"bool": {"filter": [complete, {"range": {"started": weeks}}]}},
                "aggs": {"days": per_day},
            },
            "lately": {"filter": {"range": {"started": lately}}, "aggs": {"hours": per_hour}},
            "success": {"filter": success, "aggs": last},
            "new": {"filter": {"range": {"processing.indexed": {"gt": 0}}}, "aggs": last},
            "home": {"filter": {"term": {"starts.platform": HOME}}, "aggs": last},
        },
    }


def _history(answer: Mapping[str, Any], zone: ZoneInfo) -> History:
    aggs = answer["aggregations"]
    days = {
        dt.datetime.fromisoformat(bucket["key_as_string"]).astimezone(zone).date(): int(bucket["new"]["value"])
        for bucket in aggs["weeks"]["days"]["buckets"]
    }
    hours = [
        (dt.datetime.fromtimestamp(bucket["key"] / 1000, dt.UTC), int(bucket["new"]["value"]))
        for bucket in aggs["lately"]["hours"]["buckets"]
    ]
    return History(
        attempts=tuple(attempt(hit["_source"]) for hit in answer["hits"]["hits"]),
        days=days,
        arrivals=tuple((hour, count) for hour, count in hours if count),
        first=_moment(aggs["first"]),
        last_success=_moment(aggs["success"]["last"]),
        last_new=_moment(aggs["new"]["last"]),
        last_home=_moment(aggs["home"]["last"]),
    )


def attempt(source: Mapping[str, Any]) -> Attempt:
    """One document of `crawls`; an old one may lack what was added since."""
    return Attempt(
        run=source["run"],
        status=source.get("status", "running"),
        started=dt.datetime.fromisoformat(source["started"]),
        fetch=source.get("fetch", {}),
        processing=source.get("processing"),
        starts=source.get("starts", []),
        robots=source.get("robots", []),
        pauses=source.get("pauses", []),
    )


def _moment(answer: Mapping[str, Any]) -> dt.datetime | None:
    return dt.datetime.fromtimestamp(answer["value"] / 1000, dt.UTC) if answer["value"] is not None else None

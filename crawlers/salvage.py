"""After a crash: what a dead run left open is cut to its last whole record, remembered, and closed."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from elasticsearch import helpers

from crawlers.flight import flight_file, lost
from crawlers.known import Known
from crawlers.locks import dead_runs, forget, is_running
from crawlers.outcomes import FetchOutcome
from crawlers.warc import OPEN, SUFFIX, cut_to_whole_records, holds_visits, read
from index_config import bulk
from index_config.cluster import Cluster
from narrawatch.settings import Settings

log = logging.getLogger(__name__)


def salvage(settings: Settings, cluster: Cluster) -> list[Path]:
    """Close the WARC files of runs that died; returns the files that hold pages.

    Pages are remembered before a file gets its final name, so dying here and starting again ends the same.
    """
    runs = dead_runs(settings.home)
    files = [
        path for path in sorted(settings.warc.glob(f"*/*{SUFFIX}{OPEN}")) if not is_running(settings.home, run_of(path))
    ]
    saved = [saved for path in files if (saved := _salvage_file(path, cluster))]
    _close_accounts(cluster, settings.home, runs)
    for run in runs:
        flight_file(settings.home, run).unlink(missing_ok=True)
        forget(settings.home, run)
    return saved


def run_of(path: Path) -> str:
    """The run id in a WARC file's name, `<run>-<attempt>.warc.gz`."""
    return path.name.removesuffix(OPEN).removesuffix(SUFFIX).rpartition("-")[0]


def _salvage_file(path: Path, cluster: Cluster) -> Path | None:
    dropped = cut_to_whole_records(path)
    if not path.stat().st_size or not holds_visits(path):
        path.unlink()
        return None
    captures = [replace(capture, body=b"") for capture in read(path)]
    Known(cluster).remember_captures(captures)
    log.warning("%s: salvaged %d pages, dropped %d bytes of an unfinished record", path, len(captures), dropped)
    return path.rename(path.with_name(path.name.removesuffix(OPEN)))


def _close_accounts(cluster: Cluster, home: Path, runs: list[str]) -> None:
    """Close what the runs' accounts left open: with the pages under way when they died, and what `urls` knows of the rest.

    Pages that were known, or not due, left no trace and are not counted; `urls` names those not fetched, by run and state.
    """
    if not runs:
        return
    cluster.client.indices.refresh(index=[cluster.name("urls"), cluster.name("crawls")])
    query = {"bool": {"filter": [{"terms": {"run": runs}}, {"term": {"status": "running"}}]}}
    lost_pages = {run: lost(flight_file(home, run)) for run in runs}
    actions = []
    for key, account in _open_accounts(cluster, query):
        in_flight = lost_pages[account["run"]].get(account["outlet"], [])
        if in_flight:
            log.warning("%s: %s died fetching: %s", account["outlet"], account["run"], " ".join(in_flight))
        fetch = _counts(cluster, account["outlet"], account["run"])
        ended = {"status": "died", "fetch": fetch, "discovered": sum(fetch.values()), "in_flight": in_flight}
        actions.append(bulk.Action("crawls", key, ended, "update"))
    bulk.write_all(cluster, actions, refresh=True)


def _open_accounts(cluster: Cluster, query: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The accounts that a query finds, however many."""
    hits = helpers.scan(
        cluster.client, index=cluster.name("crawls"), query={"query": query, "_source": ["outlet", "run"]}
    )
    return ((hit["_id"], hit["_source"]) for hit in hits)


def _counts(cluster: Cluster, outlet: str, run: str) -> dict[str, int]:
    """What `urls` says of one outlet's dead run; a page it discovered and did not get to was not fetched.

    An address that was not asked for, and only answered for another, counts for that.
    """
    answer = cluster.client.search(
        index=cluster.name("urls"),
        size=0,
        query={
            "bool": {
                "filter": [{"term": {"outlet": outlet}}, {"term": {"run": run}}, {"exists": {"field": "discovered"}}],
                "must_not": {"bool": {"filter": [{"term": {"outcome": "captured"}}, {"term": {"attempts": 0}}]}},
            }
        },
        aggs={
            "left": {"filter": {"term": {"state": "discovered"}}},
            "ended": {"terms": {"field": "outcome", "size": len(FetchOutcome)}},
        },
    )["aggregations"]
    counts = {outcome.value: 0 for outcome in FetchOutcome} | {
        bucket["key"]: bucket["doc_count"] for bucket in answer["ended"]["buckets"]
    }
    counts[FetchOutcome.NOT_FETCHED.value] += answer["left"]["doc_count"]
    return counts

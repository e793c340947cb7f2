"""All that a weekly report is made of, out of Elasticsearch: flagged articles, collected articles, crawls."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from elasticsearch import ApiError, TransportError
from elasticsearch.helpers import ScanError

from index_config.cluster import Cluster, ClusterError
from index_config.failures import cluster_error
from review.sightings import ELSEWHERE, Progress, Sightings, full_flags, read_sightings
from review.trends import BEFORE, History
from review.weeks import Week, WeekError

READ = ("read", "unchanged")
"""How a start point answers when nothing is wrong; an empty one is as good as broken."""
_PAGE = 1000


@dataclass(frozen=True)
class Runs:
    """An outlet's crawls of one week: begun, completed, and of these the ones in which no start point could be read.

    `outcomes` says how start points ended otherwise, most frequent first.
    """

    begun: int = 0
    complete: int = 0
    blind: int = 0
    outcomes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counts:
    """`history` for the trends; `unmatched` are articles of these weeks that were never matched with any card."""

    history: History
    sightings: Sightings
    runs: Mapping[tuple[Week, str], Runs]
    unmatched: int

    @property
    def collected(self) -> int:
        """Articles first seen in the week reported."""
        return sum(number for (week, _), number in self.history.articles.items() if week == self.history.week)


def read_counts(cluster: Cluster, week: Week, zone: ZoneInfo, progress: Progress) -> Counts:
    """Count a week and those it is compared with.

    Raises:
        WeekError: there is neither an article nor a crawl of that week.
        ClusterError: Elasticsearch cannot be reached, or refuses.
    """
    weeks = tuple(week.back(number) for number in range(BEFORE, -1, -1))
    try:
        names = [cluster.name(alias) for alias in ("articles", "flags", "crawls")]
        cluster.client.indices.refresh(index=names)
        runs, articles = dict(_runs(cluster, weeks, zone)), dict(_articles(cluster, weeks, zone))
        if week not in {key[0] for key in (*runs, *articles)}:
            raise WeekError(_no_data(cluster, week, zone))
        sightings = read_sightings(cluster, weeks, zone, progress)
        unmatched = _unmatched(cluster, weeks, zone)
    except ScanError as error:
        raise ClusterError(f"Elasticsearch lost its place while reading flags ({error}); run this again") from error
    except (ApiError, TransportError) as error:
        raise cluster_error(error, "counting for the report") from error
    observed = frozenset(week for (week, _), counted in runs.items() if counted.complete > counted.blind)
    return Counts(History(weeks, observed, articles, sightings.flags), sightings, runs, unmatched)


def read_examples(cluster: Cluster, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The whole flags that a report shows, by id.

    Raises:
        ClusterError: Elasticsearch cannot be reached, or refuses.
    """
    try:
        return full_flags(cluster, ids)
    except (ApiError, TransportError) as error:
        raise cluster_error(error, "reading examples for the report") from error


def _no_data(cluster: Cluster, week: Week, zone: ZoneInfo) -> str:
    ends = {name: {name: {"field": "first_seen"}} for name in ("min", "max")}
    answer = cluster.client.search(index=cluster.name("articles"), size=0, aggs=ends)["aggregations"]
    if answer["min"]["value"] is None:
        return (
            f"there is nothing to report of {week}: no article has been collected yet; `narrawatch run` collects them"
        )
    first, last = (Week.at(answer[name]["value"], zone) for name in ("min", "max"))
    return f"there is nothing to report of {week}: nothing was crawled then; there are articles from {first} to {last}"


def _within(name: str, weeks: Sequence[Week], zone: ZoneInfo, *without: dict[str, Any]) -> dict[str, Any]:
    first, last = weeks[0].bounds(zone)[0], weeks[-1].bounds(zone)[1]
    when = {"range": {name: {"gte": first.isoformat(), "lt": last.isoformat()}}}
    return {"bool": {"filter": [when], "must_not": [{"term": {"outlet": ELSEWHERE}}, *without]}}


def _articles(cluster: Cluster, weeks: Sequence[Week], zone: ZoneInfo) -> Iterator[tuple[tuple[Week, str], int]]:
    query = _within("first_seen", weeks, zone)
    for key, bucket in _pages(cluster, "articles", "first_seen", {}, query=query, zone=zone):
        yield key, bucket["doc_count"]


def _runs(cluster: Cluster, weeks: Sequence[Week], zone: ZoneInfo) -> Iterator[tuple[tuple[Week, str], Runs]]:
    complete: dict[str, Any] = {"term": {"status": "complete"}}
    # What an analyst added is a run of one page, with no start point to be read or not.
    added = {"bool": {"filter": [complete], "must_not": [{"exists": {"field": "starts.outcome"}}]}}
    blind = {"bool": {"filter": [complete], "must_not": [{"terms": {"starts.outcome": READ}}]}}
    aggs = {
        "complete": {"filter": complete},
        "blind": {"filter": blind},
        "outcomes": {"terms": {"field": "starts.outcome", "exclude": list(READ)}},
    }
    query = _within("started", weeks, zone, added)
    for key, bucket in _pages(cluster, "crawls", "started", aggs, query=query, zone=zone):
        outcomes = tuple(item["key"] for item in bucket["outcomes"]["buckets"])
        yield key, Runs(bucket["doc_count"], bucket["complete"]["doc_count"], bucket["blind"]["doc_count"], outcomes)


def _pages(
    cluster: Cluster, alias: str, when: str, aggs: dict[str, Any], *, query: dict[str, Any], zone: ZoneInfo
) -> Iterator[tuple[tuple[Week, str], dict[str, Any]]]:
    """Buckets by week and outlet, all of them: a terms aggregation would drop small ones. Weeks begin on Monday there, too."""
    weekly = {"date_histogram": {"field": when, "calendar_interval": "week", "time_zone": zone.key}}
    composite: dict[str, Any] = {
        "size": _PAGE,
        "sources": [{"week": weekly}, {"outlet": {"terms": {"field": "outlet"}}}],
    }
    while True:
        page: dict[str, Any] = {"composite": composite}
        if aggs:
            page["aggs"] = aggs
        answer = cluster.client.search(index=cluster.name(alias), size=0, query=query, aggs={"page": page})
        answer = answer["aggregations"]["page"]
        for bucket in answer["buckets"]:
            yield (Week.at(bucket["key"]["week"], zone), bucket["key"]["outlet"]), bucket
        if "after_key" not in answer:
            return
        composite["after"] = answer["after_key"]


def _unmatched(cluster: Cluster, weeks: Sequence[Week], zone: ZoneInfo) -> int:
    query = _within("first_seen", weeks, zone, {"exists": {"field": "matched"}})
    return int(cluster.client.count(index=cluster.name("articles"), query=query)["count"])

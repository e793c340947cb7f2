"""Flagged articles out of Elasticsearch, by narrative, week, language and outlet.

A flag counts in the week its *article* was first seen in, which only `articles` knows: a flag's own dates move when an
article is edited or matched anew. So flags are read one by one, which is cheap: they are few.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from elasticsearch.helpers import scan

from index_config.cluster import Cluster
from narrawatch.batches import batches
from processing.matching import ANALYST
from review.trends import Sighting
from review.weeks import Week

LEVEL = "flag"
REJECTED, CONFIRMED = "rejected", "confirmed"
NOT_COUNTED = "fact-checker"
"""Outlets whose trade is to refute narratives do not spread them."""
ELSEWHERE = "added"
"""The outlet of pages that analysts brought in from where nobody crawls."""

Progress = Callable[[str, int, int], None]  # what, done, in all

_PAGE = 1000
_FIELDS = [
    "article",
    "narrative",
    "narrative_title",
    "narrative_url",
    "language",
    "outlet",
    "score",
    "verdict",
    "text_hash",
    "matched",
]


@dataclass(frozen=True)
class Card:
    """What a narrative is called, where it is documented, and as of when we know that."""

    title: str
    url: str | None
    matched: str


@dataclass(frozen=True)
class Seen:
    """A flag of the week reported, as far as examples are chosen by it."""

    id: str
    narrative: str
    outlet: str
    score: float
    confirmed: bool
    text_hash: str


@dataclass
class Sightings:
    """The flags of some weeks: counted, how many were reviewed, and those of the last week one by one, surest first."""

    weeks: tuple[Week, ...]
    flags: Counter[Sighting] = field(default_factory=Counter)
    reviewed: Counter[Week] = field(default_factory=Counter)
    cards: dict[str, Card] = field(default_factory=dict)
    latest: list[Seen] = field(default_factory=list)

    @property
    def articles(self) -> int:
        """Articles of the last week that were flagged, however many narratives each was flagged with."""
        return len({seen.id.partition(":")[0] for seen in self.latest})

    def add(self, identifier: str, flag: dict[str, Any], week: Week) -> None:
        narrative = flag["narrative"]
        self.flags[Sighting(narrative, week, flag["language"], flag["outlet"])] += 1
        self.reviewed[week] += bool(flag.get("verdict"))
        known = self.cards.get(narrative)
        if known is None or known.matched < flag["matched"]:  # a card's title may have been edited between two flags
            self.cards[narrative] = Card(flag["narrative_title"], flag.get("narrative_url"), flag["matched"])
        if week == self.weeks[-1]:
            confirmed = flag.get("verdict") == CONFIRMED
            self.latest.append(Seen(identifier, narrative, flag["outlet"], flag["score"], confirmed, flag["text_hash"]))


def counted(since: str) -> dict[str, Any]:
    """The query for the flags that count, of articles fetched since then; an article is never fetched before it is seen."""
    sure = {"bool": {"should": [{"term": {"still_matched": True}}, {"term": {"verdict": CONFIRMED}}]}}
    filters = [{"term": {"level": LEVEL}}, {"range": {"fetched": {"gte": since}}}, sure]
    without = [
        {"term": {"verdict": REJECTED}},
        {"term": {"kind": NOT_COUNTED}},
        {"term": {"matcher": ANALYST}},  # tells what was looked for, not what there is
        {"term": {"outlet": ELSEWHERE}},
    ]
    return {"bool": {"filter": filters, "must_not": without}}


def read_sightings(cluster: Cluster, weeks: tuple[Week, ...], zone: ZoneInfo, progress: Progress) -> Sightings:
    """Count the flags of these weeks; `weeks` are oldest first."""
    query = counted(weeks[0].bounds(zone)[0].isoformat())
    total, done = int(cluster.client.count(index=cluster.name("flags"), query=query)["count"]), 0
    result = Sightings(weeks)
    body = {"query": query, "_source": _FIELDS}
    for batch in batches(scan(cluster.client, index=cluster.name("flags"), query=body, size=_PAGE), _PAGE):
        seen = _first_seen(cluster, sorted({hit["_source"]["article"] for hit in batch}), zone)
        for hit in batch:
            week = seen.get(hit["_source"]["article"])
            if week in weeks:
                result.add(hit["_id"], hit["_source"], week)
        done += len(batch)
        progress("flags counted", done, total)
    result.latest.sort(key=lambda seen: (not seen.confirmed, -seen.score, seen.id))
    return result


def full_flags(cluster: Cluster, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """These flags, whole, by id."""
    if not ids:
        return {}
    answer = cluster.client.mget(index=cluster.name("flags"), ids=list(ids))
    return {item["_id"]: item["_source"] for item in answer["docs"] if item.get("found")}


def _first_seen(cluster: Cluster, articles: list[str], zone: ZoneInfo) -> dict[str, Week]:
    answer = cluster.client.search(
        index=cluster.name("articles"),
        size=len(articles),
        query={"ids": {"values": articles}},
        source=False,
        docvalue_fields=[{"field": "first_seen", "format": "epoch_millis"}],
    )
    return {hit["_id"]: Week.at(float(hit["fields"]["first_seen"][0]), zone) for hit in answer["hits"]["hits"]}

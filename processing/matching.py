"""The sweep: articles not yet matched against the present cards are matched, flags written, articles stamped.

Flags are written by partial update: the fields of a reviewer's verdict are never touched.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch.helpers import scan

from crawlers.known import timestamp
from index_config import bulk
from index_config.cluster import Cluster
from narrawatch.errors import NarrawatchError
from processing.cards import StoredCard, card_generation, load_cards, load_vectors
from processing.encoder import Encoder
from processing.match.fuse import load_calibration
from processing.match.lexical import LexicalChannel
from processing.match.matcher import Match, Matcher, Text
from processing.match.semantic import SemanticChannel

MOST_FLAGS = 10
"""Narratives per article: sibling cards repeat each other, and an analyst needs the best, not all."""
ANALYST = "analyst"
"""The matcher of a flag that stands on an analyst's word; no sweep takes it away."""
_BATCH = 50


class NothingToMatch(NarrawatchError):
    """There are no cards, or not the one asked for."""


@dataclass(frozen=True)
class Deck:
    """The cards in force, and a matcher over them."""

    cards: dict[str, StoredCard]
    matcher: Matcher
    generation: int


@dataclass(frozen=True)
class Matched:
    """One article of a sweep and what was found in it."""

    article: str
    outlet: str
    language: str
    matches: tuple[Match, ...]


def load_deck(cluster: Cluster, encoder: Encoder, only: str | None = None) -> Deck:
    """All cards that are not retired, or the one asked for.

    Raises:
        NothingToMatch: there is none.
        NarrawatchError: vectors are missing, or the encoder is not calibrated.
    """
    generation = card_generation(cluster)
    cards = {card.narrative.id: card for card in load_cards(cluster) if not card.retired}
    if only is not None and only not in cards:
        raise NothingToMatch(f"there is no narrative {only!r}; see `narrawatch narratives list`")
    if not cards:
        raise NothingToMatch("there are no narratives yet; bring some in with `narrawatch narratives import FILE`")
    ids, claims = load_vectors(cluster, encoder)
    rows = [row for row, name in enumerate(ids) if name in cards and only in {None, name}]
    missing = len(cards) - len(set(ids) & cards.keys())
    if missing:
        raise NarrawatchError(
            f"{missing} cards have no vector of {encoder.name}; import them again with `narrawatch narratives import`"
        )
    lexical = LexicalChannel(cluster.client, cluster.name("narratives"))
    matcher = Matcher(
        tuple(ids[row] for row in rows), SemanticChannel(encoder, claims[rows]), lexical, load_calibration(encoder.name)
    )
    return Deck(cards, matcher, generation)


def unmatched(cluster: Cluster, generation: int, since: str | None = None) -> list[str]:
    """Ids of articles that were not matched against this generation of cards, in the order of ids."""
    cluster.client.indices.refresh(index=cluster.name("articles"))
    query: dict[str, Any] = {"bool": {"must_not": [{"term": {"matched_generation": generation}}], "filter": []}}
    return _ids(cluster, query, since)


def all_articles(cluster: Cluster, since: str | None = None) -> list[str]:
    """Ids of all articles fetched since a date (all when None), in the order of ids."""
    cluster.client.indices.refresh(index=cluster.name("articles"))
    return _ids(cluster, {"bool": {"filter": []}}, since)


def _ids(cluster: Cluster, query: dict[str, Any], since: str | None) -> list[str]:
    if since:
        query["bool"]["filter"].append({"range": {"fetched": {"gte": since}}})
    hits = scan(cluster.client, index=cluster.name("articles"), query={"query": query, "_source": False}, size=5000)
    return sorted(hit["_id"] for hit in hits)


def sweep(
    cluster: Cluster,
    deck: Deck,
    articles: Sequence[str],
    *,
    clock: Callable[[], dt.datetime],
    only: str | None = None,
) -> Iterator[Matched]:
    """Match articles and write their flags, a batch at a time; an article is stamped after its flags are written.

    Args:
        only: match against this narrative alone; flags of others and the articles' stamps stay as they are.

    Raises:
        ClusterError: Elasticsearch cannot be reached or refused a flag; the next sweep goes on where this one ended.
    """
    cluster.client.indices.refresh(index=cluster.name("flags"))
    for first in range(0, len(articles), _BATCH):
        answer = cluster.client.mget(index=cluster.name("articles"), ids=list(articles[first : first + _BATCH]))
        documents = {item["_id"]: item["_source"] for item in answer["docs"] if item.get("found")}
        found = {name: _match(deck, document) for name, document in documents.items()}
        _write(cluster, deck, documents, found, now=timestamp(clock()), only=only)
        for name, matches in found.items():
            yield Matched(name, documents[name]["outlet"], documents[name]["language"], tuple(matches))


def _match(deck: Deck, document: dict[str, Any]) -> list[Match]:
    (text,) = document["text"].values()
    return deck.matcher.rank(Text(document.get("title"), text, document["language"]), MOST_FLAGS, at_least="suggest")


def _write(
    cluster: Cluster,
    deck: Deck,
    documents: dict[str, dict[str, Any]],
    found: dict[str, list[Match]],
    *,
    now: str,
    only: str | None,
) -> None:
    existing = _existing_flags(cluster, list(documents), only)
    actions = []
    for name, matches in found.items():
        for match in matches:
            flag = f"{name}:{match.narrative}"
            first_seen = existing.pop(flag, {}).get("first_seen", now)
            actions.append(
                bulk.Action(
                    "flags",
                    flag,
                    _flag(name, documents[name], deck, match, now=now, first_seen=first_seen),
                    "update",
                    doc_as_upsert=True,
                )
            )
    reviewed = [flag for flag, source in existing.items() if source.get("verdict")]
    actions += [bulk.Action("flags", flag, {"still_matched": False}, "update") for flag in reviewed]
    bulk.write_all(cluster, actions)
    _drop(cluster, sorted(existing.keys() - set(reviewed)))
    if only is None:
        stamp = {"matched_generation": deck.generation, "matched": now}
        bulk.write_all(cluster, [bulk.Action("articles", name, stamp, "update") for name in found])


def _drop(cluster: Cluster, flags: list[str]) -> None:
    """Delete flags that are no longer found, but for those on which somebody decides at this very moment."""
    if flags:
        query = {"bool": {"filter": {"ids": {"values": flags}}, "must_not": {"exists": {"field": "verdict"}}}}
        cluster.client.delete_by_query(index=cluster.name("flags"), query=query, conflicts="proceed")


def _existing_flags(cluster: Cluster, articles: list[str], only: str | None) -> dict[str, dict[str, Any]]:
    filters: list[dict[str, Any]] = [{"terms": {"article": articles}}]
    if only is not None:
        filters.append({"term": {"narrative": only}})
    on_an_analysts_word = {"term": {"matcher": ANALYST}}
    query = {
        "query": {"bool": {"filter": filters, "must_not": on_an_analysts_word}},
        "_source": ["verdict", "first_seen"],
    }
    return {
        hit["_id"]: hit["_source"] for hit in scan(cluster.client, index=cluster.name("flags"), query=query, size=1000)
    }


def _flag(
    article: str, document: dict[str, Any], deck: Deck, match: Match, *, now: str, first_seen: str
) -> dict[str, Any]:
    """The matcher's half of a flag: flat, so that Kibana can aggregate it, and with all a reviewer must see."""
    card = deck.cards[match.narrative]
    copied = {
        name: document.get(name)
        for name in ("title", "url", "outlet", "country", "kind", "language", "published", "fetched")
    }
    return {
        **copied,
        "article": article,
        "narrative": match.narrative,
        "narrative_title": card.narrative.title,
        "narrative_url": card.narrative.url,
        "narrative_version": card.version,
        "rebuttal": card.narrative.response,
        "rebuttal_documented": bool(card.narrative.response),
        "score": round(match.score, 4),
        "semantic": round(match.semantic, 4),
        "lexical": round(match.lexical, 4),
        "level": match.level,
        "passage": match.passage.text,
        "passage_kind": match.passage.kind,
        "passage_start": match.passage.start,
        "passage_end": match.passage.end,
        "sentence_start": match.sentence[0],
        "sentence_end": match.sentence[1],
        "matched_words": list(match.words),
        "text_hash": document["text_hash"],
        "matcher": deck.matcher.name,
        "generation": deck.generation,
        "matched": now,
        "first_seen": first_seen,
        "still_matched": True,
    }

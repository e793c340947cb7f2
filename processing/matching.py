"""The sweep: articles not yet matched against the present cards are matched, flags written, articles stamped.

Flags are written by partial update: the fields of a reviewer's verdict are never touched.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from elasticsearch.helpers import scan
from threadpoolctl import threadpool_limits

from crawlers.known import timestamp
from index_config import bulk
from index_config.cluster import Cluster
from narrawatch.batches import batches
from narrawatch.errors import NarrawatchError
from processing.archive import Archive
from processing.cards import StoredCard, card_generation, load_cards, load_vectors
from processing.duplicates_clusters import follow_moved
from processing.encoder import Encoder
from processing.kin import narrower
from processing.match.fuse import Calibration, Level, fingerprint, load_calibration
from processing.match.judged import judged
from processing.match.lexical import LexicalChannel
from processing.match.matcher import CANDIDATES, Matcher, Reading, Text
from processing.match.rules import RuleBook, rules_of
from processing.match.semantic import SemanticChannel
from processing.match.siblings import Shown, one_a_family
from processing.match.stance import Guard

MOST_FLAGS = 10
"""Families per article: an analyst needs the best, not all."""
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

    @cached_property
    def by(self) -> str:
        """Names the encoder, the code and the calibration that decide; what was matched by others is matched again."""
        return f"{self.matcher.name} {fingerprint(self.matcher.calibration)}"

    @cached_property
    def guard(self) -> Guard:
        return Guard(self.matcher.semantic.encoder)

    def check(self, narrative: str) -> None:
        """Make sure that a card is in force.

        Raises:
            NothingToMatch: it is not.
        """
        if narrative not in self.cards:
            raise NothingToMatch(f"there is no narrative {narrative!r}; see `narrawatch narratives list`")

    def title(self, narrative: str) -> str:
        """A card's title; the id of one that is no longer in force."""
        card = self.cards.get(narrative)
        return card.narrative.title if card else narrative

    @property
    def narrower(self) -> Mapping[str, Sequence[str]]:
        """The ids of the cards below each wider one, by its id."""
        return self.matcher.lexical.narrower

    @cached_property
    def families(self) -> dict[str, str]:
        """The family of each card, by id."""
        return {name: card.family or name for name, card in self.cards.items()}


@dataclass(frozen=True)
class Matched:
    """One article of a sweep and what was found in it.

    `levels` are those of its flags, by narrative, best first. `narratives` are all cards found, those under "see also", too;
    `gained` and `lost` those whose flag is new or gone.
    """

    article: str
    outlet: str
    language: str
    levels: dict[str, Level]
    narratives: frozenset[str]
    gained: tuple[str, ...]
    lost: tuple[str, ...]


def load_deck(
    cluster: Cluster, encoder: Encoder, only: str | None = None, *, calibration: Calibration | None = None
) -> Deck:
    """All cards that are not retired, or the one asked for; `calibration` instead of the one that comes with Narrawatch.

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
    vectors = load_vectors(cluster, encoder)
    missing = len(cards) - len(set(vectors.ids) & cards.keys())
    if missing:
        raise NarrawatchError(
            f"{missing} cards have no vector of {encoder.name}; import them again with `narrawatch narratives import`"
        )
    # More threads wait by spinning for the next product: a second core, and nothing gained.
    threadpool_limits(1, user_api="blas")
    below = narrower(card.narrative for card in cards.values())
    lexical = LexicalChannel(cluster.client, cluster.name("narratives"), below)
    whole = SemanticChannel(encoder, vectors.only(cards).gathering(below))
    semantic = whole if only is None else whole.only([only])
    rules = RuleBook(rules_of(card.narrative for card in cards.values()))
    matcher = Matcher(semantic, lexical, calibration or load_calibration(encoder.name), rules, whole)
    return Deck(cards, matcher, generation)


def sweep(
    cluster: Cluster,
    deck: Deck,
    articles: Sequence[str],
    *,
    clock: Callable[[], dt.datetime],
    only: str | None = None,
    archive: Archive | None = None,
) -> Iterator[Matched]:
    """Match articles and write their flags, a batch at a time; an article is stamped after its flags are written.

    Args:
        only: match against this narrative alone, whatever its family; flags of others and the articles' stamps stay as they
            are.
        archive: where to keep what was read, so that cards that change later are looked for there; without it, the next
            match has these articles matched again.

    Raises:
        ClusterError: Elasticsearch cannot be reached or refused a flag; the next sweep goes on where this one ended.
    """
    cluster.client.indices.refresh(index=cluster.name("flags"))
    for some in batches(articles, _BATCH):
        documents = load_articles(cluster, some)
        texts = map(text_of, documents.values())
        readings = dict(zip(documents, deck.matcher.read_all(texts), strict=True))
        if archive and only is None:
            archive.keep({name: (documents[name]["text_hash"], reading.seen) for name, reading in readings.items()})
        now = timestamp(clock())
        done = _write(cluster, deck, documents, readings, now=now, only=only)
        if only is None:
            by = deck.by if archive else None
            stamp = {"matched_generation": deck.generation, "matched": now, "matched_by": by}
            bulk.write_all(cluster, [bulk.Action("articles", name, stamp, "update") for name in documents])
        yield from done


def load_articles(cluster: Cluster, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The documents of those articles that are there, by id, in the order asked for."""
    answer = cluster.client.mget(index=cluster.name("articles"), ids=list(ids))
    return {item["_id"]: item["_source"] for item in answer["docs"] if item.get("found")}


def show(deck: Deck, reading: Reading, decided: Set[str] = frozenset()) -> tuple[list[Shown], frozenset[str]]:
    """The matches of a text that become flags, with their sentences, and the ids of all cards found.

    `decided` are cards that have a verdict for it already.
    """
    found = deck.matcher.matches(reading, CANDIDATES, at_least="suggest")
    shown = one_a_family(found, deck.families, deck.narrower, decided, MOST_FLAGS)
    exact = [replace(one, match=deck.matcher.exact(reading, one.match)) for one in shown]
    return exact, frozenset(match.narrative for match in found)


def text_of(document: Mapping[str, Any]) -> Text:
    """What is matched of an article's document."""
    (text,) = document["text"].values()
    return Text(document.get("title"), text, document["language"])


def _write(
    cluster: Cluster,
    deck: Deck,
    documents: dict[str, dict[str, Any]],
    readings: dict[str, Reading],
    *,
    now: str,
    only: str | None,
) -> list[Matched]:
    existing = _existing_flags(cluster, list(documents), only)
    decided = {flag for flag, source in existing.items() if source.get("verdict")}
    actions, done = [], []
    for name, reading in readings.items():
        before = {flag.partition(":")[2] for flag in existing if flag.partition(":")[0] == name}
        reviewed = {card for card in before if f"{name}:{card}" in decided}
        shown, narratives = show(deck, reading, reviewed)
        levels: dict[str, Level] = {}
        for one in shown:
            card = one.match.narrative
            first_seen = existing.get(f"{name}:{card}", {}).get("first_seen", now)
            document = _flag(name, documents[name], deck, one, now=now, first_seen=first_seen)
            actions.append(bulk.Action("flags", f"{name}:{card}", document, "update", doc_as_upsert=True))
            levels[card] = document["level"]
        gained, lost = tuple(sorted(levels.keys() - before)), tuple(sorted(before - levels.keys()))
        about = documents[name]
        done.append(Matched(name, about["outlet"], about["language"], levels, narratives, gained, lost))
    gone = {f"{one.article}:{card}" for one in done for card in one.lost}
    actions += [bulk.Action("flags", flag, {"still_matched": False}, "update") for flag in sorted(gone & decided)]
    bulk.write_all(cluster, actions)
    follow_moved(cluster, {one.article: documents[one.article].get("cluster_id") for one in done if one.levels})
    _drop(cluster, sorted(gone - decided))
    return done


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
    article: str, document: dict[str, Any], deck: Deck, one: Shown, *, now: str, first_seen: str
) -> dict[str, Any]:
    """The matcher's half of a flag: flat, so that Kibana can aggregate it, and with all a reviewer must see."""
    match = one.match
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
        "whole": round(match.whole, 4),
        "coverage": round(match.coverage, 4),
        "lexical": round(match.lexical, 4),
        "usual": round(match.usual, 4),
        **judged(deck.guard, text_of(document), match, card.narrative, document.get("kind")).to_document(),
        "calibration": fingerprint(deck.matcher.calibration),
        "passage": match.passage.text,
        "passage_kind": match.passage.kind,
        "passage_start": match.passage.start,
        "passage_end": match.passage.end,
        "sentence_start": match.sentence[0],
        "sentence_end": match.sentence[1],
        "matched_words": list(match.words),
        "phrase": match.phrase,
        "family": one.family,
        "see_also": list(one.see_also),
        "text_hash": document["text_hash"],
        "cluster": document.get("cluster_id"),
        "matcher": deck.matcher.name,
        "generation": deck.generation,
        "matched": now,
        "first_seen": first_seen,
        "still_matched": True,
    }

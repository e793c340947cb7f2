"""After cards have changed: articles that could carry one of them are matched again, all others are only stamped.

With another encoder or calibration every article is matched again.

Those that could are found, not guessed: articles that have a flag of the card, articles in which a phrase of it may stand,
then those with the nearest passages, among all and among the ones with most of its words, until none of the next three
hundred texts carries it; all of them where no more can be asked for before that. Where too many other cards are nearer,
nothing is asked; else a passage is encoded again and compared with that card alone. An article that one speaks for is
matched with all cards, as a new article is.
"""

import datetime as dt
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from itertools import compress
from typing import Any, Generic, Protocol, TypeVar

from index_config.cluster import Cluster
from index_config.languages import text_field
from narrawatch.batches import batches
from processing.archive import Archive, Kept, Sought
from processing.match.matcher import Before, Matcher, Text
from processing.match.rules import stems
from processing.matching import Deck, Matched, load_articles, sweep, text_of
from processing.narrative import ANY, Narrative
from processing.passages import Kind, Passage
from processing.scan import scan

DRY = 300
"""So many texts in a row that do not carry a card end the search for it; copies of one count once."""
_BATCH = 50
_BATCH_ASKED = 20
_WORTH_IT = 200
"""Articles a card must save us; below that all are matched again."""
_LEXICAL = 200
"""Articles that have so much of a card's words that less near passages may tell it, too."""


class Looked(Protocol):
    """An article that was matched, and all narratives found in it."""

    @property
    def article(self) -> str: ...

    @property
    def narratives(self) -> frozenset[str]: ...


L = TypeVar("L", bound=Looked)


@dataclass(frozen=True)
class _Asked:
    """What is known of a card by now.

    `passages`: by what `Matcher.may_tell` was asked, its answer, so that the same passage of a copy is not encoded again.
    `passed_over`: articles in which the card would not be looked for, with the words it shared with them. `silent`: texts
    that were matched and do not carry it.
    """

    passages: dict[tuple[Passage, str, bool], bool] = field(default_factory=dict)
    passed_over: dict[str, float] = field(default_factory=dict)
    silent: set[Text] = field(default_factory=set)


@dataclass(frozen=True)
class Plan:
    """What a match has to do: articles to match in any case, and cards to look for in the archive.

    `settled` is the number of articles that are looked at only where they may carry one of the cards, `among` says which.
    `whole`: when it is carried out, these are matched with all present cards.
    """

    articles: list[str]
    cards: tuple[str, ...]
    settled: int
    among: list[dict[str, Any]]
    whole: bool


def plan(cluster: Cluster, deck: Deck, archive: Archive, since: str | None = None) -> Plan:
    """What is left to do until every article (fetched since a day) is matched with the present cards.

    Raises:
        ClusterError: Elasticsearch cannot be reached.
    """
    among = [*_settled(deck, archive), *_fetched(since)]
    count, oldest = _count(cluster, among)
    cards = tuple(name for name, card in deck.cards.items() if card.new_since > oldest) if count else ()
    present = [{"term": {"matched_generation": deck.generation}}, {"term": {"matched_by": deck.by}}]
    left_out: list[dict[str, Any]] = [{"bool": {"filter": present}}]
    if worth_it := count > _WORTH_IT * len(cards):
        left_out.append({"bool": {"filter": among}})
    articles = _ids(cluster, "articles", {"bool": {"filter": _fetched(since), "must_not": left_out}})
    return Plan(articles, cards, count, among, True) if worth_it else Plan(articles, (), 0, among, True)


def plan_one(cluster: Cluster, card: str, since: str | None = None) -> Plan:
    """What is to do to look for one card, whatever was matched before.

    Raises:
        ClusterError: Elasticsearch cannot be reached.
    """
    among = _fetched(since)
    count, _ = _count(cluster, among)
    if count > _WORTH_IT:
        return Plan([], (card,), count, among, False)
    return Plan(_ids(cluster, "articles", {"bool": {"filter": among}}), (), 0, among, False)


def _fetched(since: str | None) -> list[dict[str, Any]]:
    return [{"range": {"fetched": {"gte": since}}}] if since else []


def _count(cluster: Cluster, filters: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How many articles there are, and the oldest generation of cards they were matched with."""
    cluster.client.indices.refresh(index=cluster.name("articles"))
    answer = cluster.client.search(
        index=cluster.name("articles"),
        size=0,
        track_total_hits=True,
        query={"bool": {"filter": filters}},
        aggregations={"oldest": {"min": {"field": "matched_generation"}}},
    )
    return answer["hits"]["total"]["value"], int(answer["aggregations"]["oldest"]["value"] or 0)


def _settled(deck: Deck, archive: Archive) -> list[dict[str, Any]]:
    """Articles that were matched as they would be now, but for cards that have changed since."""
    return [
        {"term": {"matched_by": deck.by}},
        {"range": {"matched": {"gte": archive.since}}},
        {"range": {"matched_generation": {"gte": 1, "lt": deck.generation}}},
    ]


def carry_out(
    cluster: Cluster, deck: Deck, archive: Archive, work: Plan, *, clock: Callable[[], dt.datetime]
) -> Iterator[Matched]:
    """Do what a plan says; yields articles as they are matched. Cut short, a new plan holds what is left.

    Raises:
        ClusterError: Elasticsearch cannot be reached or refused a flag.
    """
    matching = partial(sweep, cluster, deck, clock=clock, archive=archive)
    yield from matching(work.articles)
    search = Search(cluster, deck, archive, matching, work.among)
    if work.cards:
        yield from search.moved()
    for card in work.cards:
        yield from search.carriers(card)
    if work.whole and work.settled:
        _stamp(cluster, deck, work.among)


def _stamp(cluster: Cluster, deck: Deck, among: Sequence[Mapping[str, Any]]) -> None:
    """Say of these articles that they are matched with the present cards."""
    cluster.client.indices.refresh(index=cluster.name("articles"))
    cluster.client.options(request_timeout=600).update_by_query(
        index=cluster.name("articles"),
        query={"bool": {"filter": among}},
        script={"source": "ctx._source.matched_generation = params.now", "params": {"now": deck.generation}},
        conflicts="proceed",
    )


@dataclass(frozen=True)
class Search(Generic[L]):
    """Looks for articles that carry some cards; no article is matched twice.

    Args:
        look: matches articles (ids) with all cards.
        among: clauses that articles must fulfil; all may be looked at without.
    """

    cluster: Cluster
    deck: Deck
    archive: Archive
    look: Callable[[Sequence[str]], Iterable[L]]
    among: Sequence[Mapping[str, Any]] = ()
    _seen: dict[str, frozenset[str]] = field(default_factory=dict)

    def moved(self) -> Iterator[L]:
        """Articles with a flag that names another family than its card has now."""
        families = self.deck.families
        sources = [{name: {"terms": {"field": name}}} for name in ("narrative", "family")]
        after: dict[str, Any] = {}
        moved = []
        while True:
            pairs = {"composite": {"size": 5_000, "sources": sources, **after}}
            found = self.cluster.client.search(index=self.cluster.name("flags"), size=0, aggregations={"pairs": pairs})[
                "aggregations"
            ]["pairs"]
            keys = [bucket["key"] for bucket in found["buckets"]]
            moved += [
                key["narrative"] for key in keys if families.get(key["narrative"], key["family"]) != key["family"]
            ]
            if "after_key" not in found:
                break
            after = {"after": found["after_key"]}
        if moved:
            yield from self._all(self._flagged(sorted(set(moved))))

    def carriers(self, card: str) -> Iterator[L]:
        """Articles that may carry a card, as they are matched, those that do among them."""
        narrative = self.deck.cards[card].narrative
        told = [narrative, *(self.deck.cards[name].narrative for name in self.deck.narrower.get(card, ()))]
        yield from self._all(self._flagged([card]))
        yield from self._all(self._phrased(narrative))
        sought, asked = sought_by(self.deck.matcher, card), _Asked()
        if not (yield from self._until_dry(card, self.archive.nearest(sought), asked)):
            yield from self._all(_ids(self.cluster, "articles", {"bool": {"filter": self.among}}))
        elif worded := list(dict.fromkeys(name for one in told for name in self._worded(one))):
            yield from self._until_dry(card, self.archive.nearest(sought, worded), asked)

    def _all(self, articles: Iterable[str]) -> Iterator[L]:
        for batch in batches(articles, _BATCH):
            yield from self._looked_at(batch)

    def _until_dry(self, card: str, passages: Iterable[Kept], asked: _Asked) -> Generator[L, None, bool]:
        """Whether it ended because so many in a row did not carry the card, or because there were no more.

        If there may be more than can be asked for, it did not end.
        """
        dry, count = set[str](), 0
        for batch in batches(passages, _BATCH_ASKED):
            count += len(batch)
            new = [kept for kept in batch if kept.article not in self._seen]
            told = self._may_tell(card, new, asked)
            yield from self._looked_at(list(told))
            asked.silent.update(text for name, text in told.items() if card not in self._seen.get(name, {card}))
            for kept in batch:
                if card in self._seen.get(kept.article, ()):
                    dry.clear()
                else:
                    dry.add(kept.text_hash)
            if len(dry) >= DRY:
                return True
        return count < self.archive.most

    def _may_tell(self, card: str, passages: Sequence[Kept], asked: _Asked) -> dict[str, Text]:
        """Articles worth matching for one of these passages; none whose text is no longer that of the passage."""
        articles = sorted({kept.article for kept in passages})
        if not articles:
            return {}
        documents = load_articles(self.cluster, articles)
        texts = {name: text_of(document) for name, document in documents.items()}
        read: dict[Kept, tuple[Passage, str]] = {}
        for kept in passages:
            text = texts.get(kept.article)
            if text and documents[kept.article]["text_hash"] == kept.text_hash and text not in asked.silent:
                read[kept] = (kept.passage(text.title, text.text), text.language)
        befores = self._before(card, read, asked.passed_over)
        matcher = self.deck.matcher
        chosen = set(compress(befores, matcher.may_choose(card, list(befores.values())) if befores else ()))
        asked.passed_over.update({name: one.overlap for name, one in befores.items() if name not in chosen})
        ask = {
            kept: (*one, befores[kept.article].stage is not None)
            for kept, one in read.items()
            if kept.article in chosen
        }
        if new := [one for one in dict.fromkeys(ask.values()) if one not in asked.passages]:
            asked.passages.update(zip(new, matcher.may_tell(new, card), strict=True))
        told = sorted({kept.article for kept, one in ask.items() if asked.passages[one]})
        return {name: texts[name] for name in told}

    def _before(
        self, card: str, read: Mapping[Kept, tuple[Passage, str]], passed_over: Mapping[str, float]
    ) -> dict[str, Before]:
        """What is known of the articles of these passages, but for those passed over though they shared as many words."""
        overlap: dict[str, float] = {}
        for kept, found in zip(read, self.deck.matcher.overlap(card, list(read.values())), strict=True):
            overlap[kept.article] = max(found, overlap.get(kept.article, 0.0))
        languages = {
            kept.article: language
            for kept, (_, language) in read.items()
            if overlap[kept.article] > passed_over.get(kept.article, -1.0)
        }
        return {
            article: Before(vectors, languages[article], overlap[article], _stage(kinds))
            for article, (vectors, kinds) in self.archive.read(list(languages)).items()
        }

    def _looked_at(self, batch: Sequence[str]) -> Iterator[L]:
        new = [article for article in batch if article not in self._seen]
        if new and self.among:
            query = {"bool": {"filter": [{"ids": {"values": new}}, *self.among]}}
            new = sorted(_ids(self.cluster, "articles", query))
        for found in self.look(new) if new else ():
            self._seen[found.article] = found.narratives
            yield found

    def _flagged(self, cards: Sequence[str]) -> list[str]:
        named = [{"terms": {"narrative": cards}}, {"terms": {"see_also": cards}}]
        found = scan(self.cluster, "flags", ("article",), query={"bool": {"should": named}})
        return sorted({flag["article"] for _, flag in found})

    def _phrased(self, card: Narrative) -> list[str]:
        """Articles that have all words of a phrase somewhere; whether the phrase stands there is for the rules to say."""
        should = [
            {"bool": {"filter": [_word(word, begins, _fields(language)) for word, begins in stems(phrase)]}}
            for language, phrases in card.phrases.items()
            for phrase in phrases
        ]
        query = {"bool": {"should": should, "minimum_should_match": 1}}
        return sorted(_ids(self.cluster, "articles", query)) if should else []

    def _worded(self, card: Narrative) -> Iterator[str]:
        """Articles in the card's languages that have most of its words."""
        for name, claim in card.claims_by_field.items():
            query = {"multi_match": {"query": claim, "fields": [f"text.{name}", "title"], "type": "most_fields"}}
            answer = self.cluster.client.search(
                index=self.cluster.name("articles"), query=query, size=_LEXICAL, source=False
            )
            yield from (hit["_id"] for hit in answer["hits"]["hits"])


def _stage(kinds: Set[Kind]) -> int | None:
    """As far as which stage of `READ` an article was read, of which there are passages of these kinds."""
    if "body" in kinds:
        return None
    return 0 if kinds == {"opening"} else 1


def sought_by(matcher: Matcher, card: str) -> list[Sought]:
    """What passages are compared with: for each wording the weighted sum whose dot product is that of the channels."""
    channel = matcher.semantic.only([card])
    found: dict[bytes, Sought] = {}
    for met in (False, True):
        fusion = matcher.calibration.fusion(met=met)
        least = matcher.calibration.least(met=met, cards=len(matcher.deck.cards.ids))
        if least is not None:
            least += fusion.usual * float(channel.usual[0])
        for vector in channel.weighed(fusion.weights):
            before = found.get(vector.tobytes(), Sought(vector, least)).least
            lower = None if least is None or before is None else min(least, before)
            found[vector.tobytes()] = Sought(vector, lower)
    return list(found.values())


def _fields(language: str) -> list[str]:
    return ["title", "text.*" if language == ANY else f"text.{text_field(language)}"]


def _word(word: str, begins: bool, fields: list[str]) -> dict[str, Any]:
    """Articles with this word, or one that begins so, in any of these fields, by the fields' own analyzers."""
    kind = {"type": "bool_prefix"} if begins else {"zero_terms_query": "all"}  # a stop word is not in the index
    return {"multi_match": {"query": word, "fields": fields, "operator": "and", **kind}}


def _ids(cluster: Cluster, alias: str, query: Mapping[str, Any]) -> list[str]:
    return sorted(name for name, _ in scan(cluster, alias, False, query=query, page=5_000))

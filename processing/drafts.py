"""A card that nobody has saved yet: what analysts add to one, and what it would flag in the archive."""

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal
from uuid import uuid4

from index_config.cluster import Cluster
from index_config.mappings import load
from narrawatch.batches import batches
from processing.archive import Archive
from processing.card_vectors import load_vectors, vectors_of
from processing.cards import CardError
from processing.importers.fields import read_fields
from processing.importers.problem import Located
from processing.kin import narrower
from processing.language import detect
from processing.match.judged import Judged, judged
from processing.match.matcher import Match, Matcher, Reading, Text
from processing.match.rules import RuleBook, rules_of
from processing.match.semantic import SemanticChannel
from processing.matching import Deck, load_articles, show, text_of
from processing.narrative import Narrative
from processing.rematch import Search, plan_one
from processing.scan import scan
from processing.stored_card import StoredCard

LISTS = ("examples", "counter_examples")
BY_LANGUAGE = ("phrases", "required", "excluded")
EDITABLE = (*BY_LANGUAGE, "translations", *LISTS)
"""The fields of a card that are analysts' own; the others are its source's."""
_ABANDONED = dt.timedelta(days=1)
News = Literal["new", "still", "gone"]


@dataclass(frozen=True)
class Additions:
    """What an analyst says of a card: fields to empty first, words and titles by language, texts."""

    clear: tuple[str, ...] = ()
    words: Mapping[str, Mapping[str, Sequence[str]]] | None = None
    translations: Mapping[str, str] | None = None
    texts: Mapping[str, Sequence[str]] | None = None

    def __bool__(self) -> bool:
        return bool(self.clear or self.words or self.translations or self.texts)


def edited(card: Narrative, additions: Additions) -> Narrative:
    """The card with these additions; what it has already is not added twice.

    Raises:
        CardError: a value is not what a card may hold; the message names it.
    """
    values: dict[str, Any] = {name: value for name, value in asdict(card).items() if name not in additions.clear}
    for name, languages in (additions.words or {}).items():
        values[name] = dict(values.get(name) or {})
        for language, words in languages.items():
            values[name][language] = [*dict.fromkeys((*values[name].get(language, ()), *words))]
    values["translations"] = {**(values.get("translations") or {}), **(additions.translations or {})}
    for name, texts in (additions.texts or {}).items():
        values[name] = [*dict.fromkeys((*(values.get(name) or ()), *texts))]
    for read in read_fields(json.loads(json.dumps(values)), card.id, 0):
        if isinstance(read, Located):
            return read.narrative
        raise CardError(f"{card.id}: {read.message}")
    raise AssertionError("a record is a card or has a problem")


@dataclass(frozen=True)
class Example:
    """An example or counter-example, and what the card makes of it: `judgement` is None where it does not find it."""

    text: str
    language: str
    wanted: bool
    judgement: Judged | None

    @property
    def right(self) -> bool:
        return self.wanted == (self.judgement is not None)


@dataclass(frozen=True)
class Article:
    """An article that the card is found in, or was until now.

    `news` is None where the card would get no flag and has none. `instead`: the card of its family that is flagged in its
    place. `match` and `judgement` are those of the flag, None without one.
    """

    article: str
    narratives: frozenset[str]
    document: Mapping[str, Any]
    news: News | None
    match: Match | None = None
    judgement: Judged | None = None
    instead: str | None = None


@contextmanager
def drafted(cluster: Cluster, deck: Deck, card: Narrative) -> Iterator[Deck]:
    """The deck as it would be with this card; nothing is saved.

    Where the card's words are new, the lexical channel searches a copy of the cards that lives as long as this does.
    """
    before = deck.cards.get(card.id)
    cards = {**deck.cards, card.id: _stored(card, before, deck.generation + 1)}
    encoder = deck.matcher.semantic.encoder
    below = narrower(stored.narrative for stored in cards.values())
    vectors = deck.matcher.semantic.cards
    if below or deck.narrower:  # those of the deck hold more than each card's own
        vectors = load_vectors(cluster, encoder).only(deck.cards)
    vectors = vectors.replacing(vectors_of([card], encoder)).gathering(below)
    semantic = SemanticChannel(encoder, vectors)
    rules = RuleBook(rules_of(stored.narrative for stored in cards.values()))
    lexical = replace(deck.matcher.lexical, narrower=below)
    matcher = Matcher(semantic, lexical, deck.matcher.calibration, rules)
    draft = Deck(cards, matcher, deck.generation)
    if before and before.narrative.claims_by_field == card.claims_by_field:
        yield draft
        return
    with _copy(cluster, cards[card.id]) as index:
        copied = replace(lexical, index=index)
        yield replace(draft, matcher=replace(matcher, lexical=copied))


def _stored(card: Narrative, before: StoredCard | None, generation: int) -> StoredCard:
    if before:
        return replace(before, narrative=card, version=before.version + 1)
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return StoredCard(narrative=card, version=1, generation=generation, updated=now, author="", reason="")


@contextmanager
def _copy(cluster: Cluster, card: StoredCard) -> Iterator[str]:
    client, name = cluster.client, cluster.name("narratives")
    _remove_abandoned(cluster, f"{name}-draft-*")
    index, wanted = f"{name}-draft-{uuid4().hex[:12]}", load("narratives")
    client.indices.create(index=index, mappings=wanted.mappings, settings=wanted.settings)
    try:
        client.options(request_timeout=600).reindex(source={"index": name}, dest={"index": index})
        client.index(index=index, id=card.narrative.id, document=card.to_document(), refresh=True)
        yield index
    finally:
        client.indices.delete(index=index, ignore_unavailable=True)


def _remove_abandoned(cluster: Cluster, pattern: str) -> None:
    """Delete copies whose owner was killed."""
    oldest = (dt.datetime.now(dt.UTC) - _ABANDONED).timestamp() * 1000
    for index, body in cluster.client.indices.get(index=pattern).items():
        if int(body["settings"]["index"]["creation_date"]) < oldest:
            cluster.client.indices.delete(index=index, ignore_unavailable=True)


def examples(draft: Deck, card: Narrative) -> Iterator[Example]:
    """How a card of the deck does on its own examples and counter-examples."""
    for wanted, texts in ((True, card.examples), (False, card.counter_examples)):
        for text in texts:
            language = detect(text).code
            found = _find(draft, Text(None, text, language), card.id)
            judgement = judged(draft.guard, Text(None, text, language), found, card) if found else None
            yield Example(text, language, wanted, judgement)


def _find(draft: Deck, text: Text, card: str) -> Match | None:
    reading = draft.matcher.read(text, also=[card])
    found = draft.matcher.matches(reading, len(draft.cards), at_least="suggest")
    return next((draft.matcher.exact(reading, match) for match in found if match.narrative == card), None)


def in_archive(cluster: Cluster, draft: Deck, archive: Archive, card: str) -> Iterator[Article]:
    """Articles that a card of the deck would be found in, and those whose flag it would lose. Nothing is written.

    Raises:
        ClusterError: Elasticsearch cannot be reached.
    """
    flagged = {
        flag["article"]: flag.get("verdict")
        for _, flag in scan(cluster, "flags", ("article", "verdict"), query={"term": {"narrative": card}})
    }

    def look(ids: Sequence[str]) -> Iterator[Article]:
        for some in batches(ids, 50):
            documents = load_articles(cluster, some)
            readings = draft.matcher.read_all(map(text_of, documents.values()), also=[card])
            for one, reading in zip(documents.items(), readings, strict=True):
                yield _article(draft, one, reading, card, flagged)

    work = plan_one(cluster, card)
    found: Iterable[Article] = look(work.articles)
    if work.cards:
        found = Search(cluster, draft, archive, look).carriers(card)
    yield from (article for article in found if article.news or article.instead)


def _article(
    draft: Deck, found: tuple[str, Mapping[str, Any]], reading: Reading, card: str, flagged: Mapping[str, str | None]
) -> Article:
    name, document = found
    shown, narratives = show(draft, reading, frozenset({card} if flagged.get(name) else ()))
    if card not in narratives:
        return Article(name, narratives, document, "gone" if name in flagged else None)
    news: News = "still" if name in flagged else "new"
    for one in shown:
        if one.match.narrative == card:
            stance = judged(draft.guard, reading.text, one.match, draft.cards[card].narrative, document.get("kind"))
            return Article(name, narratives, document, news, one.match, stance)
    instead = next((one.match.narrative for one in shown if card in one.see_also), None)
    return Article(name, narratives, document, "gone" if name in flagged else None, instead=instead)

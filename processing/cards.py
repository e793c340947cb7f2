"""The store of cards: `narratives` holds each card's current version, `narratives-history` every version there was.

An import writes in the order history, vectors, current version, links. Killed anywhere and repeated, it ends as if it had
run once: until a card's current version is written, the repeat sees the card as changed and does all of it again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from elasticsearch import ApiError, NotFoundError, TransportError

from index_config.bulk import Action, write
from index_config.cluster import Cluster
from narrawatch.errors import NarrawatchError
from processing.card_vectors import Progress, complete_vectors, load_vectors
from processing.encoder import Encoder
from processing.narrative import Narrative, title_key
from processing.scan import failure, scan
from processing.stored_card import SOURCE, StoredCard, from_document

__all__ = [
    "CardError",
    "ImportResult",
    "StoredCard",
    "card_generation",
    "history",
    "import_cards",
    "load_card",
    "load_cards",
    "load_vectors",
]

BATCH = 500


class CardError(NarrawatchError):
    """There is no such card; the message says what to look for instead."""


@dataclass(frozen=True)
class ImportResult:
    """How many cards were new, changed, unchanged; `problems` has a line for each that could not be stored."""

    new: int
    changed: int
    unchanged: int
    problems: tuple[str, ...]


def _quiet(step: str, done: int, total: int) -> None:
    """Tell nobody."""


def import_cards(
    cluster: Cluster,
    cards: Iterable[Narrative],
    encoder: Encoder,
    *,
    author: str,
    reason: str,
    progress: Progress = _quiet,
) -> ImportResult:
    """Store new and changed cards as a new version each, all with one new generation; complete vectors and links.

    A card stored with the same content stays untouched. Of cards with one id the first counts.

    Raises:
        ClusterError: an index is missing, or Elasticsearch does not answer.
    """
    _refresh(cluster, "narratives", "narratives-history", "narrative-vectors")
    stored = {card.narrative.id: card for card in load_cards(cluster)}
    given: dict[str, Narrative] = {}
    twice = [card.id for card in cards if given.setdefault(card.id, card) is not card]
    problems = [f"{name}: was given twice; the first was kept" for name in twice]
    fresh = _new_versions(given, stored, author, reason)
    refused = _write(cluster, "narratives-history", {_version_id(card): card.to_history() for card in fresh}, progress)
    problems += refused.values()
    fresh = [card for card in fresh if _version_id(card) not in refused]  # no version without its history
    current = {**stored, **{card.narrative.id: card for card in fresh}}
    problems += complete_vectors(cluster, [card.narrative for card in current.values()], encoder, progress)
    links = find_links(card.narrative for card in current.values())
    documents = {i: replace(current[i], linked=links.get(i, ())).to_document() for i in _ids(fresh)}
    refused = _write(cluster, "narratives", documents, progress)
    problems += refused.values()
    problems += _update_links(cluster, links, [card for i, card in stored.items() if card is current[i]])
    _refresh(cluster, "narratives", "narratives-history", "narrative-vectors")
    stored_now = [card for card in fresh if card.narrative.id not in refused]
    changed = sum(card.version > 1 for card in stored_now)
    unchanged = sum(i in stored and current[i] is stored[i] for i in given)
    return ImportResult(len(stored_now) - changed, changed, unchanged, tuple(problems))


def _version_id(card: StoredCard) -> str:
    return f"{card.narrative.id}:{card.version}"


def _ids(cards: Iterable[StoredCard]) -> list[str]:
    return [card.narrative.id for card in cards]


def _new_versions(
    given: Mapping[str, Narrative], stored: Mapping[str, StoredCard], author: str, reason: str
) -> list[StoredCard]:
    generation = max((card.generation for card in stored.values()), default=0) + 1
    updated = datetime.now(UTC).isoformat(timespec="seconds")
    fresh = []
    for card in given.values():
        before = stored.get(card.id)
        if before and before.narrative.content_hash == card.content_hash:
            continue
        fresh.append(
            StoredCard(
                narrative=card,
                version=before.version + 1 if before else 1,
                generation=generation,
                updated=updated,
                author=author,
                reason=reason,
                retired=bool(before and before.retired),
            )
        )
    return fresh


def find_links(cards: Iterable[Narrative]) -> dict[str, tuple[str, ...]]:
    """For each card that quotes claims: the ids of the cards that have one of them as title, but for case and punctuation."""
    by_title: dict[str, list[str]] = {}
    quoting: list[Narrative] = []
    for card in cards:
        by_title.setdefault(title_key(card.title), []).append(card.id)
        if card.related_claims:
            quoting.append(card)
    links = {}
    for card in quoting:
        found = {other for claim in card.related_claims for other in by_title.get(title_key(claim), ())}
        links[card.id] = tuple(sorted(found - {card.id}))
    return links


def load_cards(cluster: Cluster) -> list[StoredCard]:
    """The current version of every card, retired ones too, in the order of their ids.

    Raises:
        ClusterError: the index is missing, or Elasticsearch does not answer.
    """
    cards = [from_document(source) for _, source in scan(cluster, "narratives", SOURCE, page=5_000)]
    return sorted(cards, key=lambda card: card.narrative.id)


def load_card(cluster: Cluster, identifier: str) -> StoredCard:
    """The current version of one card.

    Raises:
        CardError: there is no card with that id.
        ClusterError: the index is missing, or Elasticsearch does not answer.
    """
    try:
        answer = cluster.client.get(index=cluster.name("narratives"), id=identifier, source_includes=list(SOURCE))
    except NotFoundError as error:
        if "_id" not in error.body:  # it is the index that is missing
            raise failure(cluster, "narratives", error) from error
        raise CardError(f"there is no card {identifier!r}; see `narrawatch narratives list`") from error
    except (ApiError, TransportError) as error:
        raise failure(cluster, "narratives", error) from error
    return from_document(answer["_source"])


def history(cluster: Cluster, identifier: str) -> list[StoredCard]:
    """Every version of a card, the oldest first. One that an interrupted import prepared but never made current is left out.

    Raises:
        CardError: there is no card with that id.
        ClusterError: the index is missing, or Elasticsearch does not answer.
    """
    current = load_card(cluster, identifier)
    query = {"term": {"narrative": identifier}}
    versions = [from_document(source) for _, source in scan(cluster, "narratives-history", SOURCE, query=query)]
    return sorted((card for card in versions if card.version <= current.version), key=lambda card: card.version)


def card_generation(cluster: Cluster) -> int:
    """The newest generation of which every card can be found, 0 without cards: what an article matched now is stamped with.

    While an import writes its cards, or after one was killed, some of its generation are in place and some are not. Its
    cards are all in the history first, so unequal counts show it, and the generation before is the answer. Ask before
    `load_cards`: cards that arrive in between are then matched once too often, never once too seldom.

    Raises:
        ClusterError: an index is missing, or Elasticsearch does not answer.
    """
    try:
        answer = cluster.client.search(
            index=cluster.name("narratives"), size=0, aggregations={"newest": {"max": {"field": "generation"}}}
        )
        newest = int(answer["aggregations"]["newest"]["value"] or 0)
        query = {"term": {"generation": newest}}
        counts = [
            cluster.client.count(index=cluster.name(a), query=query)["count"]
            for a in ("narratives", "narratives-history")
        ]
    except (ApiError, TransportError) as error:
        raise failure(cluster, "narratives", error) from error
    return newest if counts[0] == counts[1] else newest - 1


def _write(cluster: Cluster, alias: str, documents: Mapping[str, dict[str, Any]], progress: Progress) -> dict[str, str]:
    """Write documents by id; return a line for each that was refused, by id."""
    actions = [Action(alias=alias, id=id_, document=document) for id_, document in documents.items()]
    refused: dict[str, str] = {}
    for start in range(0, len(actions), BATCH):
        progress(f"writing {alias}", start, len(actions))
        failed = write(cluster, actions[start : start + BATCH]).failed
        refused |= {failure.id: f"{failure.id}: {failure.reason}" for failure in failed}
    progress(f"writing {alias}", len(actions), len(actions))
    return refused


def _update_links(cluster: Cluster, links: Mapping[str, tuple[str, ...]], cards: Iterable[StoredCard]) -> list[str]:
    actions = [
        Action(alias="narratives", id=card.narrative.id, operation="update", document={"linked": list(found)})
        for card in cards
        if (found := links.get(card.narrative.id, ())) != card.linked
    ]
    return [f"{refused.id}: {refused.reason}" for refused in write(cluster, actions).failed]


def _refresh(cluster: Cluster, *aliases: str) -> None:
    try:
        cluster.client.indices.refresh(index=[cluster.name(alias) for alias in aliases])
    except (ApiError, TransportError) as error:
        raise failure(cluster, aliases[0], error) from error

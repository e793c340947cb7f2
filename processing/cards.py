"""The store of cards: `narratives` holds each card's current version, `narratives-history` every version there was.

An import writes in the order history, vectors, what is found of other cards, current version. Killed anywhere and repeated, it ends as if it had
run once: until a card's current version is written, the repeat sees the card as changed and does all of it again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from elasticsearch import ApiError, NotFoundError, TransportError

from index_config.bulk import Action, write
from index_config.cluster import Cluster
from narrawatch.errors import NarrawatchError
from processing.card_vectors import Progress, complete_vectors, load_vectors
from processing.encoder import Encoder
from processing.kin import relate
from processing.narrative import Narrative
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
    "set_retired",
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
    stored = _stored(cluster)
    given: dict[str, Narrative] = {}
    twice = [card.id for card in cards if given.setdefault(card.id, card) is not card]
    problems = [f"{name}: was given twice; the first was kept" for name in twice]
    fresh = _new_versions(given, stored, author, reason)
    written, refused = _store(cluster, fresh, stored, encoder, progress)
    changed = sum(card.version > 1 for card in written)
    unchanged = len(given.keys() & stored.keys() - {card.narrative.id for card in fresh})
    return ImportResult(len(written) - changed, changed, unchanged, (*problems, *refused))


def set_retired(
    cluster: Cluster, identifier: str, encoder: Encoder, *, retired: bool, author: str, reason: str
) -> StoredCard | None:
    """Take a card out of matching, or back into it, as a new version; None when it is so already.

    Raises:
        CardError: there is no card with that id, or Elasticsearch refused the new version.
        ClusterError: an index is missing, or Elasticsearch does not answer.
    """
    stored = _stored(cluster)
    card = stored.get(identifier) or load_card(cluster, identifier)
    if card.retired == retired:
        return None
    fresh = replace(_next_version(card.narrative, card, stored, author, reason), retired=retired)
    written, refused = _store(cluster, [fresh], stored, encoder, _quiet)
    if not written:
        raise CardError("; ".join(refused))
    return fresh


def _stored(cluster: Cluster) -> dict[str, StoredCard]:
    _refresh(cluster, "narratives", "narratives-history", "narrative-vectors")
    return {card.narrative.id: card for card in load_cards(cluster)}


def _store(
    cluster: Cluster,
    fresh: Sequence[StoredCard],
    stored: Mapping[str, StoredCard],
    encoder: Encoder,
    progress: Progress,
) -> tuple[list[StoredCard], list[str]]:
    """Write new versions; returns those that are in place, and a line for each thing that was refused.

    What other cards have to say of the new ones (families, links) is written before these are current: killed in between,
    the repeat finds the same cards to be new and does it all again.
    """
    refused = _write(cluster, "narratives-history", {_version_id(card): card.to_history() for card in fresh}, progress)
    problems = list(refused.values())
    fresh = [card for card in fresh if _version_id(card) not in refused]  # no version without its history
    current = {**stored, **{card.narrative.id: card for card in fresh}}
    problems += complete_vectors(cluster, [card.narrative for card in current.values()], encoder, progress)
    _refresh(cluster, "narrative-vectors")
    current = relate(current, cluster, encoder, changed={card.narrative.id for card in fresh})
    problems += _update_found(cluster, [card for name, card in current.items() if name in stored], stored)
    documents = {card.narrative.id: current[card.narrative.id].to_document() for card in fresh}
    refused = _write(cluster, "narratives", documents, progress)
    _refresh(cluster, "narratives", "narratives-history")
    return [card for card in fresh if card.narrative.id not in refused], [*problems, *refused.values()]


def _version_id(card: StoredCard) -> str:
    return f"{card.narrative.id}:{card.version}"


def _new_versions(
    given: Mapping[str, Narrative], stored: Mapping[str, StoredCard], author: str, reason: str
) -> list[StoredCard]:
    return [
        _next_version(card, stored.get(card.id), stored, author, reason)
        for card in given.values()
        if card.id not in stored or stored[card.id].narrative.content_hash != card.content_hash
    ]


def _next_version(
    card: Narrative, before: StoredCard | None, stored: Mapping[str, StoredCard], author: str, reason: str
) -> StoredCard:
    return StoredCard(
        narrative=card,
        version=before.version + 1 if before else 1,
        generation=max((other.generation for other in stored.values()), default=0) + 1,
        updated=datetime.now(UTC).isoformat(timespec="seconds"),
        author=author,
        reason=reason,
        retired=bool(before and before.retired),
    )


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


def _update_found(cluster: Cluster, cards: Iterable[StoredCard], stored: Mapping[str, StoredCard]) -> list[str]:
    """Tell stored cards what is now found of them; a card with a new version is told when that is written."""
    actions = [
        Action(alias="narratives", id=card.narrative.id, operation="update", document=card.found())
        for card in cards
        if card.version == stored[card.narrative.id].version and card.found() != stored[card.narrative.id].found()
    ]
    return [f"{refused.id}: {refused.reason}" for refused in write(cluster, actions).failed]


def _refresh(cluster: Cluster, *aliases: str) -> None:
    try:
        cluster.client.indices.refresh(index=[cluster.name(alias) for alias in aliases])
    except (ApiError, TransportError) as error:
        raise failure(cluster, aliases[0], error) from error

"""What is found of a card among the others: cards it quotes, its narrower cards, cards with the same claim, its family."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import replace

import numpy as np

from index_config.cluster import Cluster
from processing.card_vectors import load_vectors
from processing.encoder import Encoder
from processing.families import families, levels_of
from processing.narrative import Narrative, title_key
from processing.stored_card import StoredCard


def relate(
    cards: Mapping[str, StoredCard], cluster: Cluster, encoder: Encoder, *, changed: Set[str]
) -> dict[str, StoredCard]:
    """All cards, with what is found of each; vectors are read from the index and must be there.

    Args:
        changed: ids whose wording or date is new, so that what they were found to be no longer counts.

    Raises:
        ClusterError: the index of vectors is missing, or Elasticsearch does not answer.
    """
    narratives = [card.narrative for card in cards.values()]
    links = find_links(narratives)
    named = {card.id: (*card.related, *filter(None, [card.broader]), *links.get(card.id, ())) for card in narratives}
    below = narrower(card.narrative for card in cards.values() if not card.retired)
    same = {
        name: below.get(name, ()) == card.narrower and changed.isdisjoint(card.narrower) for name, card in cards.items()
    }
    newest = max((card.generation for card in cards.values()), default=0)
    stored = load_vectors(cluster, encoder)
    place = {name: row for row, name in enumerate(stored.ids)}
    vectors = np.zeros((len(narratives), encoder.dimensions), dtype=np.float32)
    known = [number for number, card in enumerate(narratives) if card.id in place]
    vectors[known] = stored.whole[[place[narratives[number].id] for number in known]]
    settled = {name: card.family for name, card in cards.items() if card.kin_by == encoder.name and name not in changed}
    kin = families(narratives, vectors, named, levels_of(encoder.name), settled)
    return {
        name: replace(
            card,
            linked=links.get(name, ()),
            family=kin[name].family,
            retold=kin[name].retold,
            kin_by=encoder.name,
            narrower=below.get(name, ()),
            gathered=card.gathered if same[name] else newest,
        )
        for name, card in cards.items()
    }


def narrower(cards: Iterable[Narrative]) -> dict[str, tuple[str, ...]]:
    """The ids of all cards below a wider one, at whatever depth, by its id. In a circle each card is below the others."""
    broader = {card.id: card.broader for card in cards}
    below: dict[str, list[str]] = {}
    for name in sorted(broader):
        passed, wider = {name}, broader[name]
        while wider in broader and wider not in passed:
            below.setdefault(wider, []).append(name)
            passed.add(wider)
            wider = broader[wider]
    return {wider: tuple(names) for wider, names in below.items()}


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

"""Families: cards that tell the same or nearly the same story, so that a reviewer sees one of them and the others beside it.

A family is a star, not a chain: each card is near its family's head, so that no family wanders off from what began it. (On
11,446 cards of EUvsDisinfo, joining whatever is near anything put 1,725 cards into one family at the level used here, the
star's largest has 30.) Cards are never merged: that a claim was told again is a fact about it.
"""

import itertools
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processing.narrative import Narrative, title_key


@dataclass(frozen=True)
class Levels:
    """Cosines of one encoder from which on two claims are one story, are so if a card names the other, are the same claim."""

    family: float
    named: float
    retold: float


_LEVELS = {"multilingual-e5-small-int8": Levels(family=0.72, named=0.42, retold=0.92)}
_TITLES_ALONE = Levels(family=2, named=2, retold=2)


def levels_of(encoder: str) -> Levels:
    """The levels of an encoder; one that has none tells no families, but cards of one title are still the same claim.

    Cards that name each other have a median cosine of .38 with the default encoder, any two cards 0; at `family`, pairs read
    by eye were one story, at .65 no longer all.
    """
    return _LEVELS.get(encoder, _TITLES_ALONE)


@dataclass(frozen=True)
class Kin:
    """`family`: id of the card that heads it, its own for a card alone. `retold`: ids of cards with the same claim."""

    family: str
    retold: tuple[str, ...] = ()


def families(
    cards: Sequence[Narrative],
    vectors: NDArray[np.float32],
    named: Mapping[str, Sequence[str]],
    levels: Levels,
    settled: Mapping[str, str] | None = None,
) -> dict[str, Kin]:
    """The family of every card, whatever the order in which they are given: the oldest card of a story heads it.

    Args:
        cards: all cards, ids unique.
        vectors: their claims, [cards, dimensions], L2-normalised; a row of zeros is near to nothing.
        named: ids that a card names as related, by id; unknown ones do not matter.
        settled: families by id as they were, without the cards that changed since. Cards older than all of those keep
            theirs: only what is older than a card decides on its family, so an import of today's cards costs little.
    """
    order = sorted(range(len(cards)), key=lambda row: (cards[row].date or "9999", cards[row].id))
    stars = _Stars(vectors, levels)
    row_of = {card.id: row for row, card in enumerate(cards)}
    relatives = _both_ways(named, row_of)
    older = itertools.takewhile(lambda row: cards[row].id in (settled or {}), order)
    for row in order[: sum(1 for _ in older)]:
        stars.put(row, row_of[(settled or {})[cards[row].id]])
    first_with: dict[str, int] = {}
    for row in order:
        same = first_with.setdefault(title_key(cards[row].title) or cards[row].id, row)
        if row in stars.head_of:
            continue
        if same != row:
            stars.put(row, stars.head_of[same])
        else:
            stars.place(row, relatives.get(row, set()))
    retold = _retold(cards, vectors, stars.head_of, levels.retold)
    return {card.id: Kin(cards[stars.head_of[row]].id, retold[row]) for row, card in enumerate(cards)}


class _Stars:
    """Heads so far, their vectors in one array that grows in place, and the head of every card placed."""

    def __init__(self, vectors: NDArray[np.float32], levels: Levels) -> None:
        self.head_of: dict[int, int] = {}
        self._vectors, self._levels = vectors, levels
        self._heads: list[int] = []
        self._leading = np.empty_like(vectors)

    def put(self, row: int, head: int) -> None:
        if row == head:
            self._leading[len(self._heads)] = self._vectors[row]
            self._heads.append(row)
        self.head_of[row] = head

    def place(self, row: int, relatives: Set[int]) -> None:
        near = self._leading[: len(self._heads)] @ self._vectors[row]
        best = int(near.argmax()) if len(near) else 0
        if len(near) and near[best] >= self._levels.family:
            self.put(row, self._heads[best])
            return
        theirs = {self.head_of[other] for other in relatives if other in self.head_of}
        close = {head: near[place] for place, head in enumerate(self._heads) if head in theirs}
        head = max(close, key=lambda head: close[head], default=row)
        self.put(row, head if close and close[head] >= self._levels.named else row)


def _both_ways(named: Mapping[str, Sequence[str]], row_of: Mapping[str, int]) -> dict[int, set[int]]:
    pairs: dict[int, set[int]] = {}
    for name, others in named.items():
        for other in others:
            if name in row_of and other in row_of:
                pairs.setdefault(row_of[name], set()).add(row_of[other])
                pairs.setdefault(row_of[other], set()).add(row_of[name])
    return pairs


def _retold(
    cards: Sequence[Narrative], vectors: NDArray[np.float32], head_of: Mapping[int, int], level: float
) -> list[tuple[str, ...]]:
    """Per card the others with its title, and those of its family that are near enough to be the same words."""
    found: list[set[int]] = [set() for _ in cards]
    titles: dict[str, list[int]] = {}
    members: dict[int, list[int]] = {}
    for row, card in enumerate(cards):
        if key := title_key(card.title):
            titles.setdefault(key, []).append(row)
        members.setdefault(head_of[row], []).append(row)
    for rows in titles.values():
        for row in rows:
            found[row].update(rows)
    for rows in members.values():
        near = vectors[rows] @ vectors[rows].T >= level
        for row, close in zip(rows, near, strict=True):
            found[row].update(np.array(rows)[close].tolist())
    return [tuple(sorted(cards[other].id for other in others - {row})) for row, others in enumerate(found)]

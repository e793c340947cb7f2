"""The semantic channel: passages and claims as vectors, all with all; then how much of a near claim's words a passage has."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from processing.card_vectors import CardVectors
from processing.encoder import Encoder, Floats, Tokens
from processing.match.fuse import Channels, Fusion, Weights
from processing.match.usual import NEAREST, usual_passages


@dataclass(frozen=True)
class SemanticChannel:
    """An encoder and its vectors of all cards."""

    encoder: Encoder
    cards: CardVectors

    def only(self, ids: Iterable[str]) -> "SemanticChannel":
        """The channel of some of the cards."""
        return SemanticChannel(self.encoder, self.cards.only(ids))

    def near(self, passages: Floats) -> tuple[Floats, Floats]:
        """Cosine of each passage with each card's nearest wording, and with all it says; both of shape [passages, cards]."""
        return self.nearest(passages, self.cards.wordings), passages @ self.cards.whole.T

    def nearest(self, passages: Floats, wordings: Floats) -> Floats:
        """Of each passage and card the highest dot product with one of the vectors of the card's wordings, [passages, cards]."""
        found: Floats = passages @ wordings.T
        if len(wordings) > len(self.cards.ids):
            found = np.maximum.reduceat(found, self.cards.first_wording, axis=1)
        return found

    def weighed(self, weights: Weights) -> Floats:
        """For each wording the vector whose dot product with a passage is the weighted sum of both cosines."""
        counts = np.diff(self.cards.first_wording, append=len(self.cards.wordings))
        whole = np.repeat(self.cards.whole, counts, axis=0)
        return np.asarray(weights.wording * self.cards.wordings + weights.whole * whole, dtype=np.float32)

    @cached_property
    def usual(self) -> Floats:
        """How near each card is to what is always written: the mean sum of both cosines with the nearest usual passages.

        Zeros with an encoder that no usual passages are known of; of shape [cards].
        """
        passages = usual_passages(self.encoder.name)
        if not len(passages):
            return np.zeros(len(self.cards.ids), dtype=np.float32)
        sums: Floats = np.sort(np.add(*self.near(passages)), axis=0)[-NEAREST:]
        near: Floats = sums.mean(axis=0)
        return near

    def usually(self, fusion: Fusion) -> float | None:
        """How near what is always written is to some card: the median of usual passages' best; None where none are known."""
        passages = usual_passages(self.encoder.name)
        if not len(passages) or not self.cards.ids:
            return None
        wording, whole = self.near(passages)
        nothing = np.zeros_like(wording)
        near = fusion.near(Channels(wording, whole, nothing, nothing, np.broadcast_to(self.usual, wording.shape)))
        return float(np.median(near.max(axis=1)))

    def coverage(self, passages: Sequence[Tokens], chosen: NDArray[np.intp]) -> Floats:
        """How much of each chosen card's claim is found in each passage, word by word in whatever language.

        For each token of the claim the nearest one of the passage counts, weighed by how much the token says; of a card's
        wordings the best counts. Shape [passages, chosen].
        """
        if not len(chosen) or not self.encoder.token_dimensions:
            return np.zeros((len(passages), len(chosen)), dtype=np.float32)
        wordings, first_wording = _gather(self.cards.first_wording, len(self.cards.wordings), chosen)
        tokens, first_token = _gather(self.cards.first_token, len(self.cards.tokens), wordings)
        claims = self.cards.tokens[tokens].astype(np.float32) / 127
        weights = self.cards.weights[tokens]
        total = np.add.reduceat(weights, first_token)
        found = np.zeros((len(passages), len(chosen)), dtype=np.float32)
        for row, passage in enumerate(passages):
            if len(passage.weights):
                nearest = (passage.vectors @ claims.T).max(axis=0)
                shares = np.add.reduceat(nearest * weights, first_token) / total
                found[row] = np.maximum.reduceat(shares, first_wording)
        return found

    def sentence(self, passage: Tokens, lengths: Sequence[int], card: int) -> int:
        """Which sentence of a passage has most of a card's claim; `lengths` are the sentences' numbers of tokens."""
        wordings, _ = _gather(self.cards.first_wording, len(self.cards.wordings), np.array([card]))
        tokens, _ = _gather(self.cards.first_token, len(self.cards.tokens), wordings)
        claims = self.cards.tokens[tokens].astype(np.float32) / 127
        nearest = (passage.vectors @ claims.T) * self.cards.weights[tokens]
        ends = np.minimum(np.cumsum(lengths), len(nearest))
        starts = np.append(0, ends[:-1])
        found = [
            nearest[start:end].max(axis=0).sum() if end > start else -np.inf
            for start, end in zip(starts, ends, strict=True)
        ]
        return int(np.argmax(found))


def _gather(first: NDArray[np.intp], total: int, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The positions of all parts of these rows, and where each row's parts begin among them."""
    begins = first[rows]
    lengths = np.append(first[1:], total)[rows] - begins
    starts = np.append(0, np.cumsum(lengths)[:-1])
    positions = np.arange(lengths.sum()) + np.repeat(begins - starts, lengths)
    return positions, starts

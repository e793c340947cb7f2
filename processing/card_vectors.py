"""Vectors of cards: made by an encoder, kept in `narrative-vectors` by encoder and card, never mixed between encoders."""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index_config.bulk import Action, write
from index_config.cluster import Cluster
from processing.encoder import Encoder, Floats, Tokens
from processing.narrative import Narrative, without_ellipsis
from processing.scan import scan

ALIAS = "narrative-vectors"
BATCH = 256  # encoded and written together; what an interruption loses
Progress = Callable[[str, int, int], None]  # step, done, total
_FINEST = 127  # tokens' vectors are kept as whole numbers from -127 to 127
_LONGEST = 1_000  # characters of the whole text: a long summary adds time, not meaning


@dataclass(frozen=True)
class CardVectors:
    """All cards of one encoder, as they are stored in the order of their ids.

    A card has one vector of all it says (`whole`, [cards, d]) and one for each wording of its title, the translations
    (`wordings`, [wordings, d], those of card i from `first_wording[i]` on). Each wording has tokens (`tokens`, [tokens, k],
    as whole numbers, those of wording j from `first_token[j]` on), and a weight for each. Nothing is empty: a wording
    without tokens has one that is near to nothing.
    """

    ids: tuple[str, ...]
    whole: Floats
    wordings: Floats
    first_wording: NDArray[np.intp]
    tokens: NDArray[np.int8]
    weights: Floats
    first_token: NDArray[np.intp]

    def only(self, ids: Iterable[str]) -> "CardVectors":
        """The vectors of some cards."""
        wanted = set(ids)
        if wanted >= set(self.ids):
            return self
        return self._of({name: [row] for row, name in enumerate(self.ids) if name in wanted})

    def gathering(self, narrower: Mapping[str, Sequence[str]]) -> "CardVectors":
        """The vectors with each wider card saying what those below it say, too.

        It has their wordings, and its `whole` is the mean of theirs and its own: so its cosine with a passage is the mean of
        those with all of them (Rocchio's centroid, for cards instead of relevant documents).
        """
        row_of = {name: row for row, name in enumerate(self.ids)}
        below = {name: [row_of[other] for other in narrower.get(name, ()) if other in row_of] for name in self.ids}
        if not any(below.values()):
            return self
        return self._of({name: [row_of[name], *below[name]] for name in self.ids})

    def _of(self, rows: Mapping[str, Sequence[int]]) -> "CardVectors":
        """The vectors of cards, each made of those in some rows."""
        flat = np.array([row for some in rows.values() for row in some], dtype=np.intp)
        first = _starts(map(len, rows.values()))
        wordings = _ranges(self.first_wording, len(self.wordings), flat)
        kept = np.concatenate([*wordings, np.zeros(0, np.intp)])
        tokens = _ranges(self.first_token, len(self.tokens), kept)
        kept_tokens = np.concatenate([*tokens, np.zeros(0, np.intp)])
        return CardVectors(
            tuple(rows),
            _means(self.whole[flat], first),
            self.wordings[kept],
            _starts(map(len, wordings))[first],
            self.tokens[kept_tokens],
            self.weights[kept_tokens],
            _starts(map(len, tokens)),
        )

    def replacing(self, others: "CardVectors") -> "CardVectors":
        """These vectors with those of other cards, which take the place of cards with the same id; they come last."""
        kept = self.only(set(self.ids) - set(others.ids))
        return CardVectors(
            kept.ids + others.ids,
            np.concatenate([kept.whole, others.whole]),
            np.concatenate([kept.wordings, others.wordings]),
            np.concatenate([kept.first_wording, others.first_wording + len(kept.wordings)]),
            np.concatenate([kept.tokens, others.tokens]),
            np.concatenate([kept.weights, others.weights]),
            np.concatenate([kept.first_token, others.first_token + len(kept.tokens)]),
        )


def _ranges(first: NDArray[np.intp], total: int, rows: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    ends = np.append(first[1:], total)
    return [np.arange(first[row], ends[row]) for row in rows]


def _means(rows: Floats, first: NDArray[np.intp]) -> Floats:
    lengths = np.diff(first, append=len(rows))
    return np.asarray(np.add.reduceat(rows, first) / lengths[:, None], dtype=np.float32)


def _starts(lengths: Iterable[int]) -> NDArray[np.intp]:
    ends = np.cumsum([0, *lengths])
    return ends[:-1].astype(np.intp)


def complete_vectors(cluster: Cluster, cards: Iterable[Narrative], encoder: Encoder, progress: Progress) -> list[str]:
    """Encode and store what is missing: cards without vectors of this encoder, or with those of an earlier wording.

    Returns a line for each card whose vectors Elasticsearch refused.
    """
    query = {"term": {"encoder": encoder.name}}
    there = {
        source["narrative"]: source["content_hash"]
        for _, source in scan(cluster, ALIAS, ("narrative", "content_hash"), query=query, page=10_000)
    }
    missing = [card for card in cards if there.get(card.id) != vectors_hash(card)]
    problems: list[str] = []
    for start in range(0, len(missing), BATCH):
        progress("encoding", start, len(missing))
        actions = _actions(encoder, missing[start : start + BATCH])
        problems += [f"{card.id}: {card.reason}" for card in write(cluster, actions).failed]
    progress("encoding", len(missing), len(missing))
    return problems


def load_vectors(cluster: Cluster, encoder: Encoder) -> CardVectors:
    """What is stored of this encoder.

    Vectors may be here shortly before their card is, or not yet for a card written by hand; join by id.

    Raises:
        ClusterError: the index is missing, or Elasticsearch does not answer.
    """
    fields = ("narrative", "vectors", "tokens", "token_weights", "token_counts")
    stored = scan(cluster, ALIAS, fields, query={"term": {"encoder": encoder.name}}, page=1_000)
    return _read(sorted((source for _, source in stored), key=lambda source: str(source["narrative"])), encoder)


def vectors_of(cards: Sequence[Narrative], encoder: Encoder) -> CardVectors:
    """Vectors of cards that are not stored, as they would be read back."""
    return _read([action.document for action in _actions(encoder, cards)], encoder)


def _read(rows: Sequence[Mapping[str, Any]], encoder: Encoder) -> CardVectors:
    vectors = [_array(row["vectors"], "<f2").reshape(-1, encoder.dimensions) for row in rows]
    empty = np.zeros((0, encoder.dimensions), dtype=np.float32)
    return CardVectors(
        tuple(row["narrative"] for row in rows),
        np.concatenate([empty, *(found[:1] for found in vectors)], dtype=np.float32),
        np.concatenate([empty, *(found[1:] for found in vectors)], dtype=np.float32),
        _starts(len(found) - 1 for found in vectors),
        _joined([_array(row["tokens"], "i1") for row in rows])
        .astype(np.int8)
        .reshape(-1, encoder.token_dimensions or 1),
        _joined([_array(row["token_weights"], "<f2") for row in rows]).astype(np.float32),
        _starts(count for row in rows for count in row["token_counts"]),
    )


def vectors_hash(card: Narrative) -> str:
    """Names what a card's vectors are made of."""
    return hashlib.sha256("\0".join(_texts(card)).encode()).hexdigest()[:32]


def _texts(card: Narrative) -> list[str]:
    """All that a card says (title, summary, keywords), then each wording of its title."""
    words = f" ({', '.join(card.keywords)})" if card.keywords else ""
    titles = (
        without_ellipsis(title) for title in (card.title, *(title for _, title in sorted(card.translations.items())))
    )
    return [card.claim[:_LONGEST] + words, *dict.fromkeys(titles)]


def _actions(encoder: Encoder, cards: Sequence[Narrative]) -> list[Action]:
    texts = [_texts(card) for card in cards]
    wholes = iter(encoder.encode([parts[0] for parts in texts if parts[0] != parts[1]], "claim"))
    wordings = encoder.encode_with_tokens([title for parts in texts for title in parts[1:]], "claim")
    actions, at = [], 0
    for card, parts in zip(cards, texts, strict=True):
        until = at + len(parts) - 1
        tokens = [_something(found, encoder) for found in wordings.tokens[at:until]]
        whole = next(wholes) if parts[0] != parts[1] else wordings.vectors[at]
        actions.append(_action(encoder.name, card, np.vstack((whole, wordings.vectors[at:until])), tokens))
        at = until
    return actions


def _something(tokens: Tokens, encoder: Encoder) -> Tokens:
    if len(tokens.weights):
        return tokens
    return Tokens(np.zeros((1, max(encoder.token_dimensions, 1)), np.float32), np.ones(1, np.float32))


def _action(encoder: str, card: Narrative, vectors: Floats, tokens: Sequence[Tokens]) -> Action:
    whole_numbers = np.rint(np.concatenate([found.vectors for found in tokens]) * _FINEST).astype(np.int8)
    document = {
        "encoder": encoder,
        "narrative": card.id,
        "content_hash": vectors_hash(card),
        "vectors": _text(vectors.astype("<f2")),
        "tokens": _text(whole_numbers),
        "token_weights": _text(np.concatenate([found.weights for found in tokens]).astype("<f2")),
        "token_counts": [len(found.weights) for found in tokens],
    }
    return Action(alias=ALIAS, id=f"{encoder}:{card.id}", operation="index", document=document)


def _text(values: NDArray[Any]) -> str:
    return base64.b64encode(values.tobytes()).decode()


def _array(text: str, kind: str) -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(text), dtype=kind)


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.zeros(0)

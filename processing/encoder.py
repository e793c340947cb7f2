"""Sentence encoders behind one small interface: texts in, one unit vector each out, and one for each token if asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from narrawatch.errors import NarrawatchError

DEFAULT = "multilingual-e5-small-int8"
SENTENCE_TRANSFORMERS = "sentence-transformers:"
MAX_CHARACTERS = 4_000
"""No real claim or passage comes near this; it bounds what hostile text can cost."""

Floats = NDArray[np.float32]
Role = Literal["claim", "passage"]
"""What a text is: some models encode what is looked for in another way than what is searched."""


class EncoderError(NarrawatchError):
    """No encoder has that name, or it cannot be used here; the message says what can."""


@dataclass(frozen=True)
class Tokens:
    """A text's tokens in their context: unit vectors, one a row, and how much each one says."""

    vectors: Floats
    weights: Floats

    @classmethod
    def none(cls, dimensions: int) -> "Tokens":
        return cls(np.zeros((0, dimensions), dtype=np.float32), np.zeros(0, dtype=np.float32))


@dataclass(frozen=True)
class Encoded:
    """One row of `vectors` and one entry of `tokens` a text."""

    vectors: Floats
    tokens: tuple[Tokens, ...]


class Encoder(Protocol):
    """Turns texts into vectors whose dot products can be compared, but only among vectors of the same `name`.

    `token_dimensions` is 0 for an encoder that has no vectors of tokens.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def token_dimensions(self) -> int: ...

    def encode(self, texts: Sequence[str], role: Role = "passage") -> Floats:
        """One row a text, L2-normalised; a text without any visible character gives zeros, which are near to nothing."""
        ...

    def encode_with_tokens(self, texts: Sequence[str], role: Role) -> Encoded:
        """The same vectors, and those of the tokens."""
        ...

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each text has. Texts joined by spaces have as many as they have apart."""
        ...


def load_encoder(name: str = DEFAULT) -> Encoder:
    """The encoder of that name; `sentence-transformers:NAME` is any model that library can load.

    Raises:
        EncoderError: there is none, or the library is not installed.
    """
    if name == DEFAULT:
        from processing.encoders.e5 import E5Small  # noqa: PLC0415 - only the one that is used

        return E5Small()
    if name.startswith(SENTENCE_TRANSFORMERS):
        from processing.encoders.transformers import SentenceTransformer  # noqa: PLC0415 - an optional extra

        return SentenceTransformer(name)
    raise EncoderError(f"there is no encoder {name!r}; use {DEFAULT} or {SENTENCE_TRANSFORMERS}NAME")


def encodable(text: str) -> str:
    """Cut, and without the lone surrogates that damaged input has and UTF-8 cannot write."""
    return text[:MAX_CHARACTERS].encode(errors="replace").decode().strip()


def unit_rows(vectors: Floats) -> Floats:
    """Each row at length one; zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    lengths[lengths == 0] = 1
    scaled: Floats = (vectors / lengths).astype(np.float32)
    return scaled

"""An encoder that remembers, so that a benchmark run again encodes only what it has not seen."""

import pickle
import sqlite3
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from processing.encoder import Encoded, Encoder, Floats, Role, Tokens


class Remembering:
    """`encoder`, with what it made kept in a file of its name below `folder`."""

    def __init__(self, encoder: Encoder, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._encoder = encoder
        self._file = sqlite3.connect(folder / f"{encoder.name.replace('/', '_')}.sqlite")
        self._file.execute("create table if not exists texts (key blob primary key, value blob)")
        self.name, self.dimensions, self.token_dimensions = encoder.name, encoder.dimensions, encoder.token_dimensions

    def encode(self, texts: Sequence[str], role: Role = "passage") -> Floats:
        return self.encode_with_tokens(texts, role).vectors

    def encode_with_tokens(self, texts: Sequence[str], role: Role) -> Encoded:
        keys = [sha256(f"{role}\0{text}".encode(errors="replace")).digest() for text in texts]
        found = [self._file.execute("select value from texts where key = ?", (key,)).fetchone() for key in keys]
        new = [number for number, row in enumerate(found) if row is None]
        if new:
            made = self._encoder.encode_with_tokens([texts[number] for number in new], role)
            for number, vector, tokens in zip(new, made.vectors, made.tokens, strict=True):
                self.remember(texts[number], role, vector, tokens)
            self._file.commit()
            found = [self._file.execute("select value from texts where key = ?", (key,)).fetchone() for key in keys]
        values = [pickle.loads(row[0]) for row in found]
        vectors = np.array([vector for vector, _, _ in values], dtype=np.float32).reshape(-1, self.dimensions)
        return Encoded(vectors, tuple(Tokens(kept.astype(np.float32), weights) for _, kept, weights in values))

    def remember(self, text: str, role: Role, vector: Floats, tokens: Tokens) -> None:
        key = sha256(f"{role}\0{text}".encode(errors="replace")).digest()
        value = pickle.dumps((vector, tokens.vectors.astype(np.float16), tokens.weights))
        self._file.execute("insert or replace into texts values (?, ?)", (key, value))

    def lengths(self, texts: Sequence[str]) -> list[int]:
        return self._encoder.lengths(texts)

"""Splits text into the pieces of a unigram vocabulary, as SentencePiece does: the most probable split of each word."""

import re
from functools import lru_cache

from processing.encoders.packed import Vocabulary

_SPACE = (
    "\u2581"  # stands before each word; no piece has it anywhere but at its start, so words can be split one by one
)
_REMEMBERED, _LONGEST_REMEMBERED = 1 << 16, 40
_SPACES = re.compile(" +")


class Tokenizer:
    """`tokens(text)` gives piece ids; words seen before come from memory."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        scores = vocabulary.scores.tolist()
        special = {vocabulary.begin, vocabulary.end, vocabulary.unknown}
        self._pieces = {
            piece: (number, scores[number])
            for number, piece in enumerate(vocabulary.pieces)
            if number not in special and piece != "<pad>"
        }
        self._longest = max(map(len, self._pieces))
        self._unknown = vocabulary.unknown
        self._unknown_score = min(scores) - 10
        self._normal = vocabulary.normal
        self._remembered = lru_cache(_REMEMBERED)(self._split)

    def tokens(self, text: str, most: int) -> list[int]:
        """At most `most` ids; the rest of the text is not looked at."""
        found: list[int] = []
        normal = text.translate(self._normal).strip(" ")
        for word in _SPACES.split(normal) if normal else ():
            piece = _SPACE + word
            found += self._remembered(piece) if len(piece) <= _LONGEST_REMEMBERED else self._split(piece)
            if len(found) >= most:
                break
        return found[:most]

    def _split(self, word: str) -> tuple[int, ...]:
        """Viterbi: `best[i]` is the score of the best split of the first i characters, `back[i]` its last piece."""
        best = [0.0] + [-1e30] * len(word)
        back = [(0, 0)] * (len(word) + 1)
        for first in range(len(word)):
            score = best[first]
            for last in range(first + 1, min(len(word), first + self._longest) + 1):
                piece = self._pieces.get(word[first:last])
                if piece and score + piece[1] > best[last]:
                    best[last], back[last] = score + piece[1], (first, piece[0])
            if score + self._unknown_score > best[first + 1]:
                best[first + 1], back[first + 1] = score + self._unknown_score, (first, self._unknown)
        found, at = [], len(word)
        while at:
            at, number = back[at]
            found.append(number)
        return tuple(reversed(found))

"""What of a real page is still in the page made from it."""

import re
import unicodedata
from collections.abc import Iterable

_WORD = re.compile(r"[^\W_]+")
_HOST = re.compile(r"^\s*(?:https?:)?//[^/]*")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]+")
WORDS, CHARACTERS = 4, 12


def grams(text: str) -> set[tuple[str, ...]]:
    """Every run of four words of a text or an address, and every run of twelve characters of writing without spaces."""
    text = _HOST.sub("", _folded(text))
    words = folded_words(text)
    runs = {tuple(words[start : start + WORDS]) for start in range(len(words) - WORDS + 1)}
    runs = {run for run in runs if sum(map(str.isalpha, run)) >= WORDS - 1}  # times of day are no text
    for piece in _CJK.findall(text):
        runs |= {(piece[start : start + CHARACTERS],) for start in range(len(piece) - CHARACTERS + 1)}
    return runs


def folded_words(text: str) -> list[str]:
    return _WORD.findall(_folded(text))


def words(text: str) -> set[str]:
    return set(folded_words(text))


def _folded(text: str) -> str:
    """Small letters without accents: addresses have none."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))


def leaks(made: Iterable[str], original: Iterable[str], names: Iterable[str]) -> list[str]:
    """What the made page's texts still have of the original's runs and of real names, each with the text it is in."""
    real = set[tuple[str, ...]]().union(*map(grams, original))
    people = {word for name in names for word in words(name) if len(word) > 3}
    found = dict[str, str]()
    for text in made:
        for run in [" ".join(run) for run in grams(text) & real] + sorted(people & words(text)):
            found.setdefault(run, f"{run!r} in {text[:200]!r}")
    return sorted(found.values())

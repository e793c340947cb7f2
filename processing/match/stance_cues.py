"""Words that show how a text stands to what it says: of which kind, and where. The words are in `cues.yml`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, get_args

import yaml

from narrawatch.errors import NarrawatchError
from processing.match.rules import Rules
from processing.narrative import ANY, Words

Kind = Literal["untrue", "fake", "correct", "deny", "say", "doubt", "check", "spread", "not"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class CuesError(NarrawatchError):
    """`cues.yml` has a kind or a phrase that is none."""


@dataclass(frozen=True)
class Cue:
    """Words found in a text, of one kind, and where they stand (code points)."""

    kind: Kind
    words: str
    start: int
    end: int


def cues_in(text: str, language: str) -> Iterator[Cue]:
    """All cues in a text, kind by kind. A text in a language without cues has only those that count in all languages."""
    for kind, rules in _rules().items():
        for found in rules.find(text, language):
            yield Cue(kind, found.phrase, found.start, found.end)


def has_cues(language: str) -> bool:
    """Whether the language has words of its own."""
    return language in languages()


@cache
def languages() -> frozenset[str]:
    """The languages that have words of their own."""
    return frozenset(_words()) - {ANY}


@cache
def _rules() -> dict[Kind, Rules]:
    def of(kind: Kind) -> Words:
        return {language: kinds[kind] for language, kinds in _words().items() if kind in kinds}

    return {kind: Rules(phrases=of(kind), required={}, excluded={}) for kind in KINDS}


@cache
def _words() -> dict[str, dict[Kind, tuple[str, ...]]]:
    listed = yaml.safe_load(resources.files("processing.match").joinpath("cues.yml").read_text(encoding="utf-8"))
    for language, kinds in listed.items():
        for kind, phrases in kinds.items():
            # YAML reads an unquoted `no` or `false` as something else than a word.
            if kind not in KINDS or not all(isinstance(phrase, str) and phrase.strip() for phrase in phrases):
                raise CuesError(f"cues.yml: {language}, {kind}: kinds are {', '.join(KINDS)}, each a list of phrases")
    return {
        str(language): {kind: tuple(phrases) for kind, phrases in kinds.items()} for language, kinds in listed.items()
    }

"""Analysts' rules on a card: phrases that tell the story, words an article must have, words it must not have.

They are read as written, without a stemmer, so that whoever writes one can say what it finds: letters' case does not count,
any white space or punctuation stands between two words, and `*` at a word's end stands for any ending (`порт* продан*`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from processing.narrative import ANY, Narrative, Words

_BETWEEN = r"[\W_]+"
_APOSTROPHES = re.compile("[ʼ’‘`´]")
_FEWEST, _ENDING = 2, 3


@dataclass(frozen=True)
class Found:
    """Where a phrase stands in a text: code points from `start` to `end`."""

    phrase: str
    start: int
    end: int


@dataclass(frozen=True)
class Rules:
    """The rules of one card. A card without any allows everything and finds nothing."""

    phrases: Words
    required: Words
    excluded: Words

    @cached_property
    def _patterns(self) -> dict[tuple[str, str], "_Pattern"]:
        parts = {"phrases": self.phrases, "required": self.required, "excluded": self.excluded}
        return {
            (name, code): pattern
            for name, words in parts.items()
            for code, listed in words.items()
            if (pattern := _pattern(listed))
        }

    def allow(self, text: str, language: str) -> bool:
        """Whether a text may be matched: it has one of the required words for its language, if any, and none excluded."""
        return self.allows(Plain(text), language)

    def allows(self, text: "Plain", language: str) -> bool:
        """The same of a text made plain once for many cards."""
        if any(pattern.stands_in(text) for pattern in self._of("excluded", language)):
            return False
        required = list(self._of("required", language))
        return not required or any(pattern.stands_in(text) for pattern in required)

    def find(self, text: str, language: str) -> Iterator[Found]:
        """The phrases for a text's language that stand in it, in the order of the text."""
        return self.found_in(Plain(text), language)

    def found_in(self, text: "Plain", language: str) -> Iterator[Found]:
        """The same of a text made plain once for many cards."""
        hits = [hit for pattern in self._of("phrases", language) for hit in pattern.find(text)]
        for hit in sorted(hits, key=lambda hit: hit.span()):
            yield Found(text.text[hit.start() : hit.end()], hit.start(), hit.end())

    def _of(self, name: str, language: str) -> Iterator["_Pattern"]:
        return (pattern for code in (language, ANY) if (pattern := self._patterns.get((name, code))))


class Plain:
    """A text as rules read it: `plain` keeps every position and has one kind of apostrophe, `small` has small letters only."""

    def __init__(self, text: str) -> None:
        lower = _APOSTROPHES.sub("'", text.lower())
        self.text, self.small = text, lower
        self.plain = lower if len(lower) == len(text) else _APOSTROPHES.sub("'", text)


@dataclass(frozen=True)
class _Pattern:
    """One expression for many phrases, and a word of each without which it cannot stand there: words are found faster."""

    expression: re.Pattern[str]
    anchors: tuple[str, ...]

    def stands_in(self, text: Plain) -> bool:
        return self._may(text) and bool(self.expression.search(text.plain))

    def find(self, text: Plain) -> Iterator[re.Match[str]]:
        return self.expression.finditer(text.plain) if self._may(text) else iter(())

    def _may(self, text: Plain) -> bool:
        return any(anchor in text.small for anchor in self.anchors)


@dataclass(frozen=True)
class Witness:
    """A card's first phrase in an article: in its title, or in its text."""

    found: Found
    in_title: bool


@dataclass(frozen=True)
class Ruled:
    """What the cards' rules say of one article: cards it may not be matched with, and cards of which a phrase stands in it."""

    barred: frozenset[str]
    witnesses: Mapping[str, Witness]


@dataclass(frozen=True)
class RuleBook:
    """The rules of all cards that have any, by card id."""

    rules: Mapping[str, Rules]

    def read(self, title: str | None, text: str, language: str) -> Ruled:
        """Title and text are one when words are required or excluded; a phrase stands in either."""
        if not self.rules:
            return Ruled(frozenset(), {})
        head, body, whole = Plain(title or ""), Plain(text), Plain(f"{title or ''}\n{text}")
        barred = frozenset(card for card, rules in self.rules.items() if not rules.allows(whole, language))
        witnesses = {}
        for card, rules in self.rules.items():
            if card in barred:
                continue
            if found := next(rules.found_in(head, language), None):
                witnesses[card] = Witness(found, in_title=True)
            elif found := next(rules.found_in(body, language), None):
                witnesses[card] = Witness(found, in_title=False)
        return Ruled(barred, witnesses)


def rules_of(cards: Iterable[Narrative]) -> Mapping[str, Rules]:
    """Rules by card id, of those cards that have any: few do."""
    return {
        card.id: Rules(card.phrases, card.required, card.excluded)
        for card in cards
        if card.phrases or card.required or card.excluded
    }


def _pattern(listed: tuple[str, ...]) -> _Pattern | None:
    parts = [words for phrase in listed if (words := re.findall(r"[\w']+\*?", Plain(phrase).plain))]
    if not parts:
        return None
    # The longest first, so that of two that begin alike the fuller one is shown as evidence.
    phrases = "|".join(sorted(map(_one, parts), key=len, reverse=True))
    anchors = {max((word.removesuffix("*").lower() for word in words), key=len) for words in parts}
    return _Pattern(re.compile(rf"(?<!\w)(?:{phrases})(?!\w)", re.IGNORECASE), tuple(sorted(anchors)))


def _one(words: list[str]) -> str:
    return _BETWEEN.join(re.escape(word.removesuffix("*")) + (r"\w*" if word.endswith("*") else "") for word in words)


def stems(phrase: str) -> list[tuple[str, bool]]:
    """Words that stand in an index wherever the phrase stands in a text, each with whether it is but a word's beginning.

    Of a word with any ending so much is left that its stem in the index begins with it: stemmers take off some letters. A
    word with an apostrophe is left out, since analyzers cut there or not.
    """
    words = re.findall(r"[\w']+\*?", Plain(phrase).small)
    return [
        (word[: max(_FEWEST, len(word) - 1 - _ENDING)].rstrip("*"), True) if word.endswith("*") else (word, False)
        for word in words
        if "'" not in word
    ]

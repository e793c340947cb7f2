"""What an importer says about input it cannot use."""

import reprlib
from dataclasses import dataclass

from processing.narrative import Narrative

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 60
_SHORT.maxlevel = 2
_SHORT.maxlist = _SHORT.maxdict = 3


@dataclass(frozen=True)
class CardProblem:
    """One thing wrong with a file. `warning`: the card was read all the same, without the part the message names.

    `line` is 0 when the whole file is meant.
    """

    file: str
    line: int
    message: str
    warning: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {'warning: ' if self.warning else ''}{self.message}"


@dataclass(frozen=True)
class Located:
    """A card and the line it starts on, so that a later card with the same id can name both places."""

    narrative: Narrative
    file: str
    line: int


class BadField(Exception):
    """A value that makes its card unusable; the message names field, value and remedy."""


def shown(value: object) -> str:
    """A value as messages quote it: short, on one line, whatever it holds."""
    return _SHORT.repr(value)

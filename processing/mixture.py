"""Articles in more than one language: which share of the text is in which, from the places where CLD2 sees it change."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace

from processing.article import Language
from processing.detectors import Stretch

_FEWEST = 40  # letters: shorter foreign pieces are names and titles, and too little to tell a language by
_CLOSE = (
    {"bs", "hr", "sr"},
    {"id", "ms"},
    {"da", "no", "sv"},
    {"cs", "sk"},
    {"bg", "mk"},
    {"es", "gl", "ca", "pt"},
    {"hi", "mr", "ne"},
)
"""Languages that CLD2 takes for each other in the middle of a text; a short piece of one in the other is not believed."""


def mixed(main: Language, stretches: Iterable[Stretch], detect: Callable[[str], Language]) -> Language:
    """`main` with the languages of the text and their shares of its letters, largest first; the largest is the main one.

    `detect` names the language of a piece: what CLD2 says of one is only where to look. What is too short, unclear, or
    in a language hardly different from the main one counts as the main language.
    """
    pieces: dict[str, list[str]] = {}
    for stretch in stretches:
        pieces.setdefault(stretch.code, []).append(stretch.text)
    if set(pieces) <= {main.code, "und"}:
        return replace(main, shares=((main.code, 1.0),))
    found = {main.code: main}
    sizes = Counter({main.code: 0})
    for code, texts in pieces.items():
        text = " ".join(texts)
        size = sum(map(str.isalpha, text))
        foreign = _foreign(code, text, main, detect) if size >= _FEWEST else None
        sizes[code if foreign else main.code] += size
        if foreign:
            found[code] = foreign
    rounded = {code: round(size / max(1, sizes.total()), 2) for code, size in sizes.items()}
    shares = sorted(((code, share) for code, share in rounded.items() if share), key=lambda pair: (-pair[1], pair[0]))
    return replace(found[shares[0][0]], shares=tuple(shares)) if shares else main


def _foreign(code: str, text: str, main: Language, detect: Callable[[str], Language]) -> Language | None:
    if code in {main.code, "und"} or any({code, main.code} <= group for group in _CLOSE):
        return None
    found = detect(text)
    return found if found.code == code else None

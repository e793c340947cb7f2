"""When two articles are copies of one text: what is compared, and the decision, which depends on the two texts alone.

A copy shares long runs of words. MinHash makes candidates cheap to find; whether they are copies is then decided on
the texts themselves, so the answer is the same whoever asks, and whatever came first.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rensa import RMinHash

_WORDS, _SIGNS = 4, 8  # in a row: words, or signs of a script that puts no spaces between words
_FEWEST = 20  # runs: a shorter text is a headline or a caption, and says too little to be called a copy
VALUES, _ROWS = 48, 2  # numbers in a signature, and how many of them make a band
_SEED = 20_171
SCHEME = f"r{RMinHash.ALGORITHM_VERSION}-{VALUES}-{_ROWS}-{_WORDS}-{_SIGNS}"
"""Names everything a signature depends on: signatures of different schemes cannot be compared."""
_PLAUSIBLE = 8 / VALUES  # estimated likeness below which a candidate is not worth reading: two errors below _COPY
_COPY = 0.3
"""Shared runs of all runs. A text of which half is new shares a third with the first one."""
_SAME_OUTLET, _OTHER_OUTLET = 0.8, 0.45
"""The same, from which it does not matter that the openings are different ones."""
_LEAD, _LEAD_PART = 60, 3  # words, and no more than one part in so many: what stands under a short text is no opening
_BOTH_LEADS, _ONE_LEAD = 0.3, 0.2
"""Shared runs of an opening: of both texts' within one outlet, of either's between outlets, where new leads are written."""

_FIRST_SIGN = 0x0E00  # Thai; below it, all scripts put spaces between words
_TOKEN = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
    r"|[^\W_\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)


@dataclass(frozen=True)
class Wording:
    """A text as it is compared: its runs of words, and those of its opening."""

    outlet: str
    runs: frozenset[str]
    lead: frozenset[str]


@dataclass(frozen=True)
class Fingerprint:
    """What finds candidates: two texts that share a band are worth comparing, and signatures estimate how alike they are."""

    signature: bytes
    bands: tuple[str, ...]


def wording(outlet: str, text: str) -> Wording:
    """A text ready to be compared with others. Case, punctuation and forms of the same letter do not count."""
    words = _TOKEN.findall(unicodedata.normalize("NFKC", text).lower())
    signs = sum(len(word) == 1 and ord(word) >= _FIRST_SIGN for word in words)
    size = _SIGNS if 2 * signs > len(words) else _WORDS
    return Wording(outlet, _runs(words, size), _runs(words[: min(_LEAD, len(words) // _LEAD_PART)], size))


def _runs(words: Sequence[str], size: int) -> frozenset[str]:
    return frozenset(map(" ".join, zip(*(words[start:] for start in range(size)), strict=False)))


def fingerprint(text: Wording) -> Fingerprint | None:
    """None for a text that is too short to be a copy of anything."""
    if len(text.runs) < _FEWEST:
        return None
    sketch = RMinHash(VALUES, _SEED)
    sketch.update(sorted(text.runs))
    return from_values(np.array(sketch.digest(), dtype=np.uint32))


def from_values(values: "np.ndarray[tuple[int], np.dtype[np.uint32]]") -> Fingerprint:
    """The fingerprint of a MinHash sketch's values."""
    digits = values.astype(">u4").tobytes().hex()
    width = 8 * _ROWS
    bands = (f"{place:x}-{digits[place : place + width]}" for place in range(0, len(digits), width))
    return Fingerprint(values.astype("<u4").tobytes(), tuple(bands))


def from_signature(signature: bytes) -> Fingerprint:
    """The fingerprint again of which only the signature was kept."""
    return from_values(np.frombuffer(signature, dtype="<u4").astype(np.uint32))


def plausible(one: bytes, other: bytes) -> bool:
    """Whether two signatures are alike enough for their texts to be compared."""
    first, second = (np.frombuffer(signature, dtype="<u4") for signature in (one, other))
    return len(first) == len(second) and float(np.mean(first == second)) >= _PLAUSIBLE


def copies(one: Wording, other: Wording) -> bool:
    """Whether one text is a copy of the other, lightly edited: it does not matter which is which.

    Articles of one outlet, and of one publisher's, also share what stands under all of them. So what has little else
    in common must begin alike, too.
    """
    if min(len(one.runs), len(other.runs)) < _FEWEST:
        return False
    shared = len(one.runs & other.runs)
    alike = shared / (len(one.runs) + len(other.runs) - shared)
    if alike < _COPY:
        return False
    leads = _leads_shared(one, other)
    if one.outlet == other.outlet:
        return alike >= _SAME_OUTLET or min(leads) >= _BOTH_LEADS
    return alike >= _OTHER_OUTLET or max(leads) >= _ONE_LEAD


def _leads_shared(one: Wording, other: Wording) -> tuple[float, float]:
    """How much of the opening of each stands in the other, wherever it does."""
    smaller = max(1, min(len(one.lead), len(other.lead)))
    return len(one.lead & other.runs) / smaller, len(other.lead & one.runs) / smaller

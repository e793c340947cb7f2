"""Dates and language names as cards write them, to ISO dates and to the codes of `languages.yml`."""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache, partial

import pycountry

from index_config.languages import languages, map_code

_DATE_FORMATS = ("%d %B %Y", "%d %b %Y", "%B %d %Y", "%b %d %Y", "%d.%m.%Y", "%Y/%m/%d")
_ORDINAL = re.compile(r"(\d)(?:st|nd|rd|th)\b")
_PARENTHESES = re.compile(r"\s*\([^)]*\)")
# names in use that ISO 639 does not list, or lists only as part of another
_NAMES = {
    "castilian": "es",
    "español": "es",
    "farsi": "fa",
    "flemish": "nl",
    "kirgiz": "ky",
    "kyrgyz": "ky",
    "mandarin": "zh",
    "moldavian": "ro",
    "moldovan": "ro",
    "português": "pt",
    "slovene": "sl",
}


def iso_date(raw: str) -> str | None:
    """`2015-05-26`, also with a time, `26 May 2015`, `May 26, 2015`, `26.05.2015` → `2015-05-26`; else `None`."""
    text = " ".join(_ORDINAL.sub(r"\1", raw).replace(",", " ").split())
    readers: list[Callable[[str], datetime]] = [datetime.fromisoformat]
    readers += [partial(_strptime, layout=layout) for layout in _DATE_FORMATS]
    for read in readers:
        with suppress(ValueError):  # written in another way: the next reader may know it
            return read(text).date().isoformat()
    return None


def _strptime(text: str, layout: str) -> datetime:
    return datetime.strptime(text, layout)  # noqa: DTZ007 - a day, no moment


def language_code(raw: str) -> str | None:
    """`Russian`, `ru`, `ru-RU`, `rus`, `Português (Brazil)` → the code of `languages.yml`; `None` for what is no language."""
    name = " ".join(_PARENTHESES.sub("", raw).casefold().split())
    # codes first: "en" is also the name of a language of Vietnam
    return map_code(_NAMES.get(name) or raw[:20]) or map_code(_iso_names().get(name))


@cache
def _iso_names() -> Mapping[str, str]:
    """English language names to codes. `Modern Greek (1453-)`, `Panjabi; Punjabi` also count as Greek and Punjabi."""
    table: dict[str, str] = {}
    for language in pycountry.languages:
        two = getattr(language, "alpha_2", None)
        code = two or language.alpha_3
        for name in _PARENTHESES.sub("", language.name).casefold().split(";"):
            for form in {name.strip(), name.strip().removeprefix("modern ")}:
                if two or form not in table:
                    table[form] = code
    return {**{line.name.casefold(): line.code for line in languages().values()}, **table}

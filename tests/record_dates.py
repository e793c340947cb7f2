"""Dates in texts, moved by a number of days, in the form they have."""

import datetime as dt
import importlib
import re
from functools import cache

# fmt: off
_MONTHS = [
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
]
# fmt: on
_PARTS = re.compile(r"\d+|[^\W\d_]+")
_NUMBERS = (
    r"20\d\d(?:[-/.]|\. | ?年 ?)\d{1,2}(?:[-/.]|\. | ?月 ?)\d{1,2}(?!\d)"
    r"|(?<!\d)\d{1,2}[-/.] ?\d{1,2}[-/.] ?20\d\d(?!\d)"
    r"|(?<!\d)20\d\d[01]\d[0-3]\d(?=T?\d{4,6}|\b)"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d [\d:]{8} [A-Z]{3,4} 20\d\d"  # as Java and C write it, in any language's page
)


@cache
def months(language: str) -> dict[str, tuple[int, int]]:
    """The months' names in small letters, with month and the name's place among the names of that month."""
    name = {"no": "nb"}.get(language, language)
    info = importlib.import_module(f"dateparser.data.date_translation_data.{name}").info
    return {
        found.casefold(): (number, place)
        for number, month in enumerate(_MONTHS, 1)
        for place, found in enumerate(info[month])
    }


@cache
def pattern(language: str) -> re.Pattern[str]:
    """Finds every date that `moved` can move."""
    names = "|".join(sorted(map(re.escape, months(language)), key=len, reverse=True))
    day = r"[0-3]?\d(?:\.|er|st|nd|rd|th|º)?"
    return re.compile(
        rf"{_NUMBERS}|(?<!\d){day} (?:de )?(?:{names})\.?(?:,? (?:de )?20\d\d)?(?!\w)"
        rf"|(?<!\w)(?:{names})\.? {day},? 20\d\d(?!\d)",
        re.IGNORECASE,
    )


def moved(text: str, days: int, language: str, year: int) -> str:
    """The text with its dates that many days later; `year` is that of dates that name none."""
    return pattern(language).sub(lambda match: _rewritten(match[0], days, language, year), text)


def _rewritten(text: str, days: int, language: str, year: int) -> str:
    if re.fullmatch(r"\d{8}", text):
        return _later(int(text[:4]), int(text[4:6]), int(text[6:]), days).strftime("%Y%m%d")
    if re.match(r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d\d ", text):
        old = dt.datetime.strptime(f"{text[4:10]} {text[-4:]}", "%b %d %Y")
        new = _later(old.year, old.month, old.day, days)
        return f"{new:%a %b %d}{text[10:-4]}{new:%Y}"
    known = months(language)
    # The parts of the date in their order, each with what it says: letters that name no month are left alone.
    parts = [part for part in _PARTS.finditer(text) if part[0].isdigit() or part[0].casefold() in known]
    said = _meanings([part[0] for part in parts], known)
    number = {kind: known[word.casefold()][0] if word.casefold() in known else int(word) for kind, word in said}
    wide = all(word.isdigit() and len(word) > 1 for _, word in said)
    new = _later(number.get("year", year), number["month"], number["day"], days)
    for part, (kind, word) in reversed(list(zip(parts, said, strict=True))):
        text = text[: part.start()] + _written(getattr(new, kind), word, known, wide=wide) + text[part.end() :]
    return text


def _meanings(words: list[str], known: dict[str, tuple[int, int]]) -> list[tuple[str, str]]:
    if any(word.casefold() in known for word in words):
        kinds = ["month" if word.casefold() in known else "year" if len(word) == 4 else "day" for word in words]
    elif len(words[0]) == 4:
        kinds = ["year", "month", "day"]
    else:
        kinds = ["month", "day", "year"] if int(words[1]) > 12 else ["day", "month", "year"]
    return list(zip(kinds, words, strict=True))


def _written(value: int, word: str, known: dict[str, tuple[int, int]], *, wide: bool) -> str:
    if word.isdigit():
        return f"{value:0{2 if wide or word[0] == '0' else 1}d}"
    names = [name for name, (month, _) in known.items() if month == value]
    name = next((name for name in names if known[name][1] == known[word.casefold()][1]), names[0])
    return name.upper() if word.isupper() else name.capitalize() if word[0].isupper() else name


def _later(year: int, month: int, day: int, days: int) -> dt.date:
    try:
        return dt.date(year, month, day) + dt.timedelta(days=days)
    except ValueError:  # a number that only looks like a date
        return dt.date(2001, 1, 1)

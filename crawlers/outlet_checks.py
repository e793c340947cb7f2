"""Checks of single values in an outlet file: value in, value out, or a ValueError that says what to write instead."""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Literal, get_args

import pycountry
from cssselect import SelectorError, parse
from parsel.csstranslator import HTMLTranslator

from crawlers import address
from index_config.languages import map_code

Kind = Literal["news", "state-controlled", "fact-checker", "aggregator", "blog"]
KINDS: tuple[str, ...] = get_args(Kind)
# Not in ISO 3166-1, but assigned for use beside it; xx stands for "unknown or international".
EXTRA_COUNTRIES = {"eu", "xk", "xx"}
_SCHEDULE = "five fields: minute hour day month weekday, like '*/15 * * * *'"
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NAMES = {
    "month": {month: number for number, month in enumerate(_MONTHS, 1)},
    "weekday": {weekday: number for number, weekday in enumerate(_WEEKDAYS)},
}


def quote(text: str) -> str:
    """A value as messages show it: one line, never longer than a line."""
    return repr(text if len(text) <= 80 else text[:77] + "...")


def close_match(word: str, words: Sequence[str]) -> str:
    """Ask `; did you mean 'bbc'?`, or nothing."""
    close = get_close_matches(word[:80], words, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def identifier(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9_]{1,64}", text):
        raise ValueError(f"{quote(text)} is no id; use up to 64 of a-z, 0-9 and _")
    return text


def name(text: str) -> str:
    if not text.strip() or len(text) > 200 or not text.isprintable():
        raise ValueError(f"{quote(text)} is no name; write the outlet's own, in one line")
    return text


def country(text: str) -> str:
    """A lower-case ISO 3166-1 alpha-2 code."""
    if text in EXTRA_COUNTRIES or (text.islower() and pycountry.countries.get(alpha_2=text)):
        return text
    raise ValueError(
        f"{quote(text)} is no lower-case code of ISO 3166-1; write {_country_code(text) or 'two small letters, like kz'}"
    )


def _country_code(text: str) -> str | None:
    if text.lower() == "uk":
        return "gb"
    if text.lower() in EXTRA_COUNTRIES:
        return text.lower()
    try:
        code: str = pycountry.countries.lookup(text).alpha_2
    except LookupError:
        return None
    return code.lower()


def language(text: str) -> str:
    """A code of `languages.yml`, or another of ISO 639 (two letters where it has them)."""
    ours = map_code(text)
    if ours == text:
        return text
    if not ours and (place := pycountry.countries.get(alpha_2=text)):
        raise ValueError(
            f"{quote(text)} is no language but the country {place.name}; write a language's code, like uk for Ukrainian"
        )
    raise ValueError(
        f"{quote(text)} is no code of ISO 639 that we use; write {ours or 'two small letters, like uk for Ukrainian'}"
    )


def languages_listed(codes: tuple[str, ...]) -> tuple[str, ...]:
    if not codes or len(set(codes)) < len(codes):
        raise ValueError("name one language at least, and each once, like languages: [ru, kk]")
    return codes


def url(text: str) -> str:
    try:
        address.normalise(text)
    except address.AddressError as error:
        raise ValueError(f"{error}; write it like https://example.org/rss") from error
    if text != text.strip() or re.search(r"\s", text):
        raise ValueError(f"{quote(text)} holds white space; write it like https://example.org/rss")
    return text


def selector(text: str) -> str:
    """A CSS selector of elements."""
    try:
        if len(text) > 500:
            raise ValueError(f"{quote(text)} is longer than 500 characters; write a simpler one")
        HTMLTranslator().css_to_xpath(text)
        if any(part.pseudo_element for part in parse(text)):
            raise ValueError(
                f"{quote(text)} selects text or an attribute; select the a elements, like a[href*='/story/']"
            )
    except (SelectorError, RecursionError) as error:
        raise ValueError(f"{quote(text)} is no CSS selector ({error}); write one like a[href*='/story/']") from error
    return text


def schedule(text: str) -> str:
    """A cron expression of five fields."""
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise ValueError(f"{quote(text)} is no schedule; write {_SCHEDULE}")
    for written, (part, low, high) in zip(fields, _FIELDS, strict=True):
        if not all(_in_range(item, part, low, high) for item in written.lower().split(",")):
            raise ValueError(f"{quote(written)} is no {part} ({low} to {high}); write {_SCHEDULE}")
    return text


def _in_range(item: str, part: str, low: int, high: int) -> bool:
    match = re.fullmatch(r"(?:\*|(\w{1,3})(?:-(\w{1,3}))?)(?:/(\d{1,2}))?", item, re.ASCII)
    if not match or match[3] in {"0", "00"}:
        return False
    first, last = (_number(match[group], part) for group in (1, 2))
    if match[1] is None:
        return True
    last = first if match[2] is None else last
    return low <= first <= last <= high


def _number(text: str | None, part: str) -> int:
    if text is None or not text.isdigit():
        return _NAMES.get(part, {}).get(text or "", -1)
    return int(text)


def per_day(value: object) -> tuple[int, int]:
    """Two whole numbers, lowest and highest."""
    match value:
        case (int(low), int(high)) if not isinstance(low, bool) and not isinstance(high, bool) and 0 <= low <= high:
            return low, high
    raise ValueError("is no volume of articles; write [lowest, highest] in whole numbers, like per_day: [5, 400]")

"""What a wrong outlet file is told: one sentence that says what is wrong at a key and what to write instead."""

from typing import Any

from pydantic_core import ErrorDetails

from crawlers.outlet_checks import KINDS, close_match, quote
from crawlers.outlet_yaml import Key

WRITE_LIKE = {
    "id": "id: example_daily",
    "name": "name: Example Daily",
    "country": "country: kz",
    "languages": "languages: [ru, kk]",
    "kind": "kind: news",
    "start": "start: {feeds: [https://example.org/rss]}",
    "feeds": "feeds: [https://example.org/rss]",
    "news_sitemaps": "news_sitemaps: [https://example.org/news-sitemap.xml]",
    "sections": "sections: [{url: https://example.org/politics, links: \"a[href*='/story/']\"}]",
    "schedule": 'schedule: "*/15 * * * *"',
    "expect": "expect: {per_day: [5, 400]}",
    "per_day": "per_day: [5, 400]",
    "politeness": "politeness: {hours: 22-06, delay: 5}",
    "extract": 'extract: {text: "div.story", drop: ["div.read-also"]}',
    "title": "title: h1.headline",
    "text": "text: div.story-text",
    "authors": "authors: span.author-name",
    "published": "published: time.published",
    "drop": 'drop: ["div.read-also", "p.subscribe"]',
    "home": "home: https://example.org/",
    "url": "url: https://example.org/politics",
    "links": "links: \"a[href*='/story/']\"",
}
_KEYS = {
    "": ("id", "name", "country", "languages", "kind", "start", "schedule", "expect", "politeness", "extract", "home"),
    "start": ("feeds", "news_sitemaps", "sections"),
    "sections": ("url", "links"),
    "expect": ("per_day",),
    "politeness": ("hours", "timezone", "delay"),
    "extract": ("title", "text", "authors", "published", "drop"),
}


def dotted(key: Key) -> str:
    """Write a key as people do: `start.sections[0].url`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{quote(part)[1:-1]}" for part in key)
    return "".join(parts).removeprefix(".")


def explain(details: ErrorDetails, source: str) -> str:
    """One error of the model in our words; `source` is what stands in the file before YAML gave it a type."""
    value, last = details["input"], _name(details["loc"])
    match details["type"]:
        case "missing":
            message = f"is missing; add a line like {WRITE_LIKE[last]}"
        case "extra_forbidden":
            message = _unknown_key(details["loc"])
        case "value_error":
            message = str(details["ctx"]["error"])
        case "literal_error" if isinstance(value, str):
            message = f"{quote(value)} is no kind; write one of {', '.join(KINDS)}{close_match(value, KINDS)}"
        case "string_type" | "literal_error":
            message = _not_text(value, source, last)
        case "tuple_type":
            message = f"wants a list in square brackets{_like(last)}"
        case _:  # a text or a list where keys belong
            message = f"wants keys under it{_like(last)}"
    return message


def _name(key: Key) -> str:
    """The innermost key that is a word: an item of a list is spoken of by the list's name."""
    return next((str(part) for part in reversed(key) if isinstance(part, str)), "")


def _like(name: str) -> str:
    return f", like {WRITE_LIKE[name]}" if name in WRITE_LIKE else ""


def _unknown_key(key: Key) -> str:
    known = _KEYS[_name(key[:-1])]
    return f"is no key we know{close_match(str(key[-1]), known) or '; here belong ' + ', '.join(known)}"


def _not_text(value: Any, source: str, name: str) -> str:
    if isinstance(value, bool):
        return f"YAML reads an unquoted {source} as {str(value).lower()}; write '{source}' in quotes"
    if value is None:
        return f"has no value{_like(name).replace(',', '; write one', 1)}"
    if isinstance(value, dict | tuple):
        return f"wants one text{_like(name)}"
    return f"YAML reads an unquoted {quote(source)[1:-1]} as a {'number' if isinstance(value, int | float) else 'date'}; write it in quotes"

"""Feeds: RSS 0.9 to 2.0, RDF and Atom through feedparser; JSON Feed 1.0 and 1.1 by the reader below.

feedparser does not read JSON Feed, and the one library that does (jsonfeed-util) only maps keys to attributes and gives
up a whole feed for one odd item; `json.loads` and a look at three keys is less code and forgives more.
"""

import calendar
import datetime as dt
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import feedparser
from feedparser.exceptions import CharacterEncodingOverride, CharacterEncodingUnknown, NonXMLContentType

from crawlers.listed import Entry, LeftOut, Listed, Unreadable, joined, newest, utc

MAX_ITEMS = 1000
MAX_FEED = 10 * 1024 * 1024
"""Bytes. The largest feeds of news outlets, with whole articles in them, have two million."""
_MANY = 50_000
"""Items nobody publishes in one feed."""
_HARMLESS = (NonXMLContentType, CharacterEncodingOverride, CharacterEncodingUnknown)
"""What feedparser calls ill-formed and is not: the server's header says something else than the feed does."""
_PAGE = {"text/html", "application/xhtml+xml", "", None}
_ABSOLUTE = re.compile(r"\s*https?://", re.IGNORECASE)


def read(body: bytes, url: str, content_type: str = "") -> Listed:
    """The items of a feed in order, each with its page's address; of more than `MAX_ITEMS`, the newest.

    Args:
        body: what came from `url`, unpacked; untrusted.
        url: where the feed stands, after redirects. Relative links are joined to it, or to `xml:base`.
        content_type: the header's value; its charset counts.

    Raises:
        Unreadable: it is no feed, or so broken that nothing can be read from it.
    """
    if len(body) > MAX_FEED:
        raise Unreadable(f"a feed of {len(body):,} bytes; {MAX_FEED:,} is the limit")
    opening = body[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if opening.startswith(b"{"):
        return _listed(_json_items(body), url)
    # A plain bytes argument would be opened as a file when it happens to be a file's name. It is not told where the feed
    # stands, so that an id like "1234" stays one and is not taken for a page beside the feed.
    headers = {"content-type": content_type}
    feed = feedparser.parse(
        io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )
    broken = feed.bozo and not isinstance(feed.bozo_exception, _HARMLESS)
    if not feed.entries and (broken or not feed.get("version")):
        raise Unreadable(
            _other_than_feed(opening) or (_line(f"no whole feed: {feed.bozo_exception}") if broken else "no feed")
        )
    return _listed(((_page_of(entry), _time(entry)) for entry in feed.entries), url)


def _listed(items: Iterable[tuple[str | None, dt.datetime | None]], url: str) -> Listed:
    entries, left_out = [], Counter[LeftOut]()
    for link, time in items:
        if link and (absolute := joined(url, link)):
            entries.append(Entry(absolute, time))
        else:
            left_out[LeftOut.NO_LINK] += 1
    if len(entries) > MAX_ITEMS:
        left_out[LeftOut.OVER_LIMIT] = len(entries) - MAX_ITEMS
        entries = newest(entries, MAX_ITEMS)
    return Listed(tuple(entries), left_out=left_out)


def _page_of(entry: Mapping[str, Any]) -> str | None:
    """The address of the page an item is about: what a reader would be sent to."""
    original = entry.get("feedburner_origlink", "")
    if _ABSOLUTE.match(original):
        return str(original).strip()
    for link in entry.get("links", ()):
        if link.get("rel") == "alternate" and link.get("type") in _PAGE and link.get("href", "").strip():
            return str(link["href"]).strip()
    # What is left is an id: of RSS (`guid`, a permalink unless it denies it) or of Atom. Many are no addresses.
    for name in ("link", "id"):
        if _ABSOLUTE.match(entry.get(name, "")) and entry.get("guidislink", True):
            return str(entry[name]).strip()
    return None


def _time(entry: dict[str, Any]) -> dt.datetime | None:
    # Not entry.get: it would answer for a date that is missing with another, and warn of it.
    parsed = dict.get(entry, "published_parsed") or dict.get(entry, "updated_parsed")
    try:
        return dt.datetime.fromtimestamp(calendar.timegm(parsed), dt.UTC) if parsed else None
    except (ValueError, OverflowError, OSError):
        return None


def _json_items(body: bytes) -> list[tuple[str | None, dt.datetime | None]]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable(_line(f"no JSON: {error}")) from error
    if not isinstance(document, dict) or "jsonfeed.org/version/" not in str(document.get("version")):
        raise Unreadable("JSON, but no JSON Feed")
    items = document.get("items")
    if not isinstance(items, list):
        raise Unreadable("a JSON Feed without items")
    if len(items) > _MANY:
        raise Unreadable(f"a JSON Feed of {len(items):,} items")
    return [(_json_page(item), _json_time(item)) if isinstance(item, dict) else (None, None) for item in items]


def _json_page(item: Mapping[str, Any]) -> str | None:
    """`url` is the item's own page; `external_url` is what a link blog writes about; an id may be the address, too."""
    candidates = (item.get("url"), item.get("external_url"), item.get("id"))
    texts = [value if isinstance(value, str) else "" for value in candidates]
    if texts[2] and not _ABSOLUTE.match(texts[2]):
        texts[2] = ""
    return next((text.strip() for text in texts if text.strip()), None)


def _json_time(item: Mapping[str, Any]) -> dt.datetime | None:
    text = item.get("date_published") or item.get("date_modified")
    try:
        return utc(dt.datetime.fromisoformat(text)) if isinstance(text, str) else None
    except ValueError:
        return None


def _other_than_feed(opening: bytes) -> str | None:
    start = opening.lower()
    if b"<urlset" in start or b"<sitemapindex" in start:
        return "no feed but a sitemap; name it under news_sitemaps"
    if b"<html" in start or b"<!doctype html" in start:
        return "no feed but an HTML page"
    return None if opening else "an empty answer"


def _line(text: str) -> str:
    return " ".join(text.split())[:200]

"""Sitemaps (sitemaps.org 0.9 with Google's news extension), their indexes, and the other forms a sitemap may have.

XML is read as a stream, without entities or anything from outside; a file of 50 MB and 200,000 entries takes a second.
"""

import datetime as dt
import io
import re
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from typing import Literal

from lxml import etree
from protego import Protego

from crawlers import feeds
from crawlers.listed import Listed, Unreadable, joined, utc
from crawlers.unpack import gunzip
from crawlers.wanted import Choice, Item, Wanted

MAX_SITEMAP = 50 * 1024 * 1024
"""Bytes, unpacked: what the protocol allows."""
_FEED_ROOTS = {"rss", "RDF", "feed"}
_SITEMAP_ROOTS = {"urlset", "sitemapindex"}
# What a careless template writes into addresses. Everything but XML's own five is text here: no entity is ever expanded.
_STRAY_AMPERSAND = re.compile(
    rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);)", re.DOTALL
)
_LINE = re.compile(r"https?://\S+", re.IGNORECASE)


def read(body: bytes, url: str, content_type: str, wanted: Wanted, *, pages: int, sitemaps: int) -> Listed:
    """The wanted entries of a sitemap, at most `pages` and `sitemaps` of them, the newest; the others are counted.

    An entry without a time is wanted by a crawl of news (many sitemaps have none), unless its address names older days.
    Of a backfill an entry is wanted if its news date, else the day in its address or its sitemap's, else its last
    change lies in the period; without any of them it is not.

    Args:
        body: as it came from `url`: XML, plain text, RSS or Atom, gzip-packed or not; untrusted.
        url: where it stands; relative addresses are joined to it.
        content_type: the header's value.
        wanted: which entries.
        pages: how many pages to take at most.
        sitemaps: how many further sitemaps to take at most.

    Raises:
        Unreadable: it is none of these, or so broken that nothing can be read from it.
        TooBig: it unpacks to more than `MAX_SITEMAP`.
        BadEncoding: its gzip packing is damaged.
    """
    for _ in range(2):  # a packed file that the server packs once more
        if body[:2] == b"\x1f\x8b":
            body = gunzip(body, MAX_SITEMAP)
    chosen = Choice(url, wanted, limits={"page": pages, "sitemap": sitemaps})
    for item in _items(body, url, content_type):
        chosen.add(item)
    return chosen.listed()


def named_by_robots(body: bytes, url: str) -> list[str]:
    """The addresses in the `Sitemap:` lines of a robots.txt, absolute, each once."""
    text = body[: 500 * 1024].decode("utf-8-sig", errors="replace")  # RFC 9309, 2.5: at least so much is to be read
    return list(dict.fromkeys(joined(url, line) for line in Protego.parse(text).sitemaps if line.strip()))


def _items(body: bytes, url: str, content_type: str) -> Iterator[Item]:
    root = _root(body)
    if root in _SITEMAP_ROOTS:
        yield from _xml_items(body)
    elif root in _FEED_ROOTS:
        for entry in feeds.read(body, url, content_type).pages:
            yield Item("page", entry.url, published=entry.time)
    elif root is None:
        yield from _text_items(body)
    else:
        raise Unreadable(f"no sitemap but a document of <{root[:50]}>")


def _root(body: bytes) -> str | None:
    """The name of the first element; None when there is none, as in plain text."""
    try:
        for _, element in etree.iterparse(
            io.BytesIO(body[:65536]), events=("start",), recover=True, resolve_entities=False, no_network=True
        ):
            return str(etree.QName(element).localname)
    except (etree.XMLSyntaxError, ValueError):
        return None
    return None


def _xml_items(body: bytes) -> Iterator[Item]:
    plain = b"\0" not in body[:4]  # UTF-16 and UTF-32 have zeros there; lxml knows them by that
    whole = _without_cut_address(body) if plain else body
    source = _STRAY_AMPERSAND.sub(lambda match: match[0] if len(match[0]) > 1 else b"&amp;", whole) if plain else whole
    items = etree.iterparse(
        io.BytesIO(source),
        events=("end",),
        tag=("{*}url", "{*}sitemap"),
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    for _, element in items:
        parent = element.getparent()
        if parent is None or etree.QName(parent).localname not in _SITEMAP_ROOTS:
            continue
        if item := _item(element):
            yield item
        element.clear()
        while element.getprevious() is not None:
            del parent[0]


def _without_cut_address(body: bytes) -> bytes:
    """Without what follows the last whole address, should the file break off inside one."""
    start, end = body.rfind(b"<loc"), body.rfind(b"</loc")
    return body[:start] if 0 <= end < start else body


def _item(element: "etree._Element") -> Item | None:
    loc = (element.findtext("{*}loc") or "").strip()
    if not loc:
        return None
    kind: Literal["page", "sitemap"] = "sitemap" if etree.QName(element).localname == "sitemap" else "page"
    published = element.findtext("{*}news/{*}publication_date")
    return Item(kind, loc, _time(published), _time(element.findtext("{*}lastmod")))


def _text_items(body: bytes) -> Iterator[Item]:
    """One address a line, in UTF-8. Prose is no sitemap, even if an address stands in it."""
    lines = [line.strip() for line in body.decode("utf-8-sig", errors="replace").splitlines() if line.strip()]
    if not lines or not _LINE.fullmatch(lines[0]):
        raise Unreadable("no sitemap" if lines else "an empty answer")
    for line in lines:
        if _LINE.fullmatch(line):
            yield Item("page", line)


def _time(text: str | None) -> dt.datetime | None:
    """A W3C date-time, of whatever precision, or that of a mail; an unreadable one counts as none."""
    text = (text or "").strip()[:64]
    if re.fullmatch(r"[0-9]{4}(-[0-9]{2})?", text):
        text += "-01" if "-" in text else "-01-01"
    try:
        return utc(dt.datetime.fromisoformat(re.sub(r"\s+(?=[+-][0-9])", "", text)))
    except ValueError:
        pass
    try:
        return utc(parsedate_to_datetime(text))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None

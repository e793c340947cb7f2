"""What a home page says of its outlet: its name, its language, its feeds, and which of its links lead to articles."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement
from parsel import Selector
from w3lib.html import get_base_url

from crawlers.listed import Entry, Listed, Unreadable
from crawlers.site import site

MOST_LINKS = 2000
_FEED_TYPES = re.compile(r"application/((rss|atom|rdf)\+xml|feed\+json)|text/(rss|atom)\+?xml", re.IGNORECASE)
_FEED_PATH = re.compile(r"(^|[/._-])(rss|feeds?|atom|rdf)([/._-]|$|\d)", re.IGNORECASE)
_NO_ARTICLES = re.compile(r"comments?[/_-]|/comments|podcast|oembed|wp-json|alt=rss&", re.IGNORECASE)
_ARTICLE_PATH = re.compile(r"/\d{4}/\d{1,2}/|\d{4,}|(?:[^/-]+-){3,}[^/-]+/?$|\.s?html?$")
_SITE_PART = re.compile(r"\s+[-–—|•·»:]\s+|\s*[|｜]\s*")
_WORD = re.compile(r"[\w-]{1,40}")
_TAGS = {"article", "main", "section", "ul", "ol", "li", "h1", "h2", "h3", "h4"}


@dataclass(frozen=True, kw_only=True)
class Home:
    """A home page, as far as an outlet file needs it. `feeds` are the declared ones, then links that look like feeds."""

    url: str
    name: str | None
    language: str | None
    locale: str | None
    feeds: tuple[str, ...]
    selectors: tuple[str, ...]
    """CSS selectors of links to articles, the best first."""


def read(body: bytes, url: str, encoding: str) -> Home:
    """Read the home page that came from `url`.

    Raises:
        Unreadable: there is no HTML in it.
    """
    text = body.decode(encoding, errors="replace")
    if not text.strip():
        raise Unreadable("an empty page")
    page = Selector(text=text, type="html")
    base = get_base_url(text, url)
    return Home(
        url=url,
        name=_name(page),
        language=_first(page, "/html/@lang", "/html/@xml:lang", "//meta[@http-equiv='content-language']/@content"),
        locale=_first(page, "//meta[@property='og:locale']/@content"),
        feeds=tuple(dict.fromkeys(_feeds(page, base))),
        selectors=tuple(_selectors(page, base)),
    )


def articles(body: bytes, url: str, encoding: str) -> Listed:
    """The links of a page that lead to articles of its own site, each once.

    Raises:
        Unreadable: there is no HTML in it.
    """
    text = body.decode(encoding, errors="replace")
    if not text.strip():
        raise Unreadable("an empty page")
    base = get_base_url(text, url)
    links = [link.root for link in Selector(text=text, type="html").css("a[href]")[:MOST_LINKS]]
    addresses = (_address(base, link.get("href")) for link in links if _leads_to_article(link, base))
    return Listed(tuple(Entry(address) for address in dict.fromkeys(chain.from_iterable(addresses))))


def _first(page: Selector, *paths: str) -> str | None:
    values = (" ".join(value.split())[:200] for path in paths for value in page.xpath(path).getall())
    return next((value for value in values if value and value.isprintable()), None)


def _name(page: Selector) -> str | None:
    """The site's name; else the part of the title that is not the slogan: the shorter one."""
    stated = _first(page, "//meta[@property='og:site_name']/@content", "//meta[@name='application-name']/@content")
    title = stated or _first(page, "//title/text()")
    if title is None or stated:
        return title
    parts = [part.strip() for part in _SITE_PART.split(title) if part.strip()]
    return min(parts, key=len) if parts else title


def _feeds(page: Selector, base: str) -> Iterator[str]:
    declared = page.xpath("//link[contains(concat(' ', normalize-space(@rel), ' '), ' alternate ')][@type]")
    for link in declared:
        if _FEED_TYPES.fullmatch(link.attrib["type"].partition(";")[0].strip()):
            yield from _address(base, link.attrib.get("href", ""))
    for href in page.xpath("//a/@href").getall()[:MOST_LINKS]:
        for address in _address(base, href):
            if site(address) == site(base) and _FEED_PATH.search(urlsplit(address).path):
                yield address


def _address(base: str, href: str) -> Iterator[str]:
    """The absolute address, unless it is none, or lists no articles."""
    try:
        address = urljoin(base, href.strip()).partition("#")[0]
        if href.strip() and urlsplit(address).scheme in {"http", "https"} and not _NO_ARTICLES.search(address):
            yield address
    except ValueError:
        pass


def _selectors(page: Selector, base: str) -> list[str]:
    """Selectors that find the links to articles and few others, best first; at most three."""
    links = [link.root for link in page.css("a[href]")[:MOST_LINKS]]
    wanted = {link for link in links if _leads_to_article(link, base)}
    if len(wanted) < 3:
        return []
    candidates = Counter(selector for link in wanted for selector in set(_candidates(link, base)))
    scored = []
    for selector, _ in candidates.most_common(40):
        found = {link.root for link in page.css(selector)}
        hits = len(found & wanted)
        # of what it finds, and of what it should find: the harmonic mean; then the shorter one
        scored.append((-2 * hits / (len(found) + len(wanted)), len(selector), selector))
    return [selector for score, _, selector in sorted(scored)[:3] if score < -0.5]


def _leads_to_article(link: HtmlElement, base: str) -> bool:
    """A link on this site with a headline's length of text, or with an address like an article's and some text."""
    try:
        address = urlsplit(urljoin(base, link.get("href", "").strip()))
    except ValueError:
        return False
    if address.scheme not in {"http", "https"} or site(address.geturl()) != site(base) or not address.path.strip("/"):
        return False
    words = len(" ".join(link.itertext()).split())
    return words >= 5 or (words >= 2 and bool(_ARTICLE_PATH.search(address.path)))


def _candidates(link: HtmlElement, base: str) -> Iterator[str]:
    path = urlsplit(urljoin(base, link.get("href", "").strip())).path
    first = path.split("/")[1] if path.count("/") > 1 else ""
    if _WORD.fullmatch(first) and not first.isdigit():
        yield f'a[href*="/{first}/"]'
    if re.search(r"/\d{4}/\d{1,2}/", path):
        yield f'a[href*="/{path.split("/")[1]}/"]'
    yield from (f"a.{name}" for name in _classes(link))
    for ancestor in list(link.iterancestors())[:4]:
        if ancestor.tag in _TAGS:
            yield f"{ancestor.tag} a"
        yield from (f".{name} a" for name in _classes(ancestor))


def _classes(element: HtmlElement) -> list[str]:
    """Class names that look written by hand: those of build tools change with every release."""
    names = (element.get("class") or "").split()[:4]
    return [name for name in names if re.fullmatch(r"[a-z][a-z_-]{2,30}", name, re.IGNORECASE)]

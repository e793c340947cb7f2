"""Who wrote it, under which headline: JSON-LD first, then `<meta>`, then the page's own marks, trafilatura last."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from lxml.html import HtmlElement
from trafilatura.metadata import extract_author

from processing import structured
from processing.markup import line, web_address

_AUTHOR = (
    "author",
    "article:author",
    "og:article:author",
    "parsely-author",
    "sailthru.author",
    "byl",
    "dc.creator",
    "citation_author",
    "cxenseparse:author",
)
_SUFFIX = re.compile(r"\s*(?: [-–—|•·»:]|[|｜])\s*(?P<site>[^|｜]{2,60})$")
_SITE_BEHIND = re.compile(r"\s*(?:[-–—|•·»｜]|(?<=\s):).{2,80}")
_BYLINE = re.compile(
    r"^(?:by|von|par|por|di|av|af|door|autor(?:in)?|author|text|автор|автори?|записал[аи]?)[:\s]\s*", re.IGNORECASE
)
_BETWEEN = re.compile(r"\s*[;|]\s*")
_AND = re.compile(r"\s*,\s+(?:and |und |y |et |e |og |och |и |та |і )?|\s+(?:and|und|y|et|e|og|och|и|та|і|&)\s+")
_PERSON = re.compile(r"[^\W\d_a-z]\S*(?: \S+){1,3}")
_NO_NAME = re.compile(r"//|www\.|\S@\S|^[a-z0-9]+(?:[-_.][a-z0-9]+)+$")
_TITLE, _NAME, _TAG, _MOST = 1000, 200, 200, 100


@dataclass(frozen=True)
class Markup:
    """A page's statements about itself, gathered once."""

    tree: HtmlElement
    url: str
    canonical: str | None
    meta: dict[str, list[str]]
    node: structured.Node
    known: dict[str, structured.Node]
    named_types: frozenset[str]

    @property
    def is_marked_article(self) -> bool:
        return (
            bool(self.node)
            or "article" in self.meta.get("og:type", [""])[0]
            or bool(self.meta.get("article:published_time"))
        )


def gather(tree: HtmlElement, url: str) -> Markup:
    """Read `<meta>`, `<link rel=canonical>` and JSON-LD of a page fetched from `url`."""
    meta: dict[str, list[str]] = {}
    for element in tree.iterfind(".//meta[@content]"):
        for attribute in ("property", "name", "itemprop"):
            if name := element.get(attribute):
                meta.setdefault(name.lower(), []).append(element.get("content", ""))
    links = tree.xpath('.//link[@rel="canonical"]/@href')
    canonical = web_address(links[0], url) if links else None
    found = structured.nodes(tree)
    node = structured.article(found, filter(None, (canonical, url)))
    named = frozenset(name for item in found for name in structured.types(item))
    return Markup(
        tree,
        url,
        canonical or web_address(_first(meta, ("og:url",)), url),
        meta,
        node or {},
        structured.by_id(found),
        named,
    )


def _first(meta: dict[str, list[str]], names: tuple[str, ...]) -> str | None:
    return next((value for name in names for value in meta.get(name, []) if value.strip()), None)


def title(page: Markup) -> str | None:
    """The headline: what two of `<h1>`, og:title and JSON-LD agree on, else JSON-LD, og:title, `<h1>`, `<title>` in this order."""
    headings = [text for h1 in page.tree.iterfind(".//h1") if (text := line(" ".join(h1.itertext()), _TITLE))]
    shared = line(_first(page.meta, ("og:title", "twitter:title")), _TITLE)
    stated = next(
        (line(text, _TITLE) for text in structured.texts(page.node.get("headline") or page.node.get("name"))), None
    )
    document = line(page.tree.findtext(".//title"), _TITLE)
    for candidate in (shared, stated):
        if candidate and (agreed := _without_site(candidate, headings)) in headings:
            return agreed
    names = _site_names(page)
    best = stated or shared or (headings[0] if headings else document)
    return _strip_site(best, names) if best else None


def _without_site(candidate: str, headings: list[str]) -> str:
    """The heading, where the candidate is that heading with the site's name behind it."""
    for heading in headings:
        rest = candidate[len(heading) :]
        if len(heading) > 10 and candidate.startswith(heading) and _SITE_BEHIND.fullmatch(rest):
            return heading
    return candidate


def _site_names(page: Markup) -> set[str]:
    names = page.meta.get("og:site_name", []) + page.meta.get("application-name", [])
    publisher = page.node.get("publisher")
    names += structured.texts(publisher.get("name")) if isinstance(publisher, dict) else []
    return {name.strip().casefold() for name in names if name.strip()}


def _strip_site(text: str, names: set[str]) -> str:
    match = _SUFFIX.search(text)
    return text[: match.start()] if match and match["site"].strip().casefold() in names else text


def authors(page: Markup) -> tuple[str, ...]:
    """Names as the page gives them, without "By", mail and web addresses, each once.

    A person named in a byline is preferred to a site that names itself as the author of all it publishes.
    """
    stated = _tidy(_names(page.node.get("author"), page.known)) or _tidy(_names(page.node.get("creator"), page.known))
    given = _tidy(part for key in _AUTHOR for value in page.meta.get(key, []) for part in _BETWEEN.split(value))
    sites = _site_names(page)
    for names in (stated, given):
        if names and not sites.issuperset(map(str.casefold, names)):
            return names
    return _tidy((extract_author(page.tree) or "").split(";")) or stated or given


def _names(value: Any, known: dict[str, structured.Node], depth: int = 0) -> Iterator[str]:
    if isinstance(value, list) and depth < 3:
        for item in value[:_MOST]:
            yield from _names(item, known, depth + 1)
    elif isinstance(value, dict):
        name = value.get("name") or known.get(str(value.get("@id")), {}).get("name")
        for text in structured.texts(name):
            yield from _BETWEEN.split(text)
    else:
        for text in structured.texts(value):
            yield from _BETWEEN.split(text)


def _tidy(names: Iterable[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for name in names:
        for part in _persons(_BYLINE.sub("", line(name, _NAME) or "")):
            plain = part.strip(" ,;:|")
            if len(plain) > 1 and not _NO_NAME.search(plain) and any(letter.isalpha() for letter in plain):
                found.setdefault(plain.casefold(), plain)
    return tuple(list(found.values())[:_MOST])


def _persons(text: str) -> list[str]:
    """Cut `Ann Lee, Bo Ek and Cy Fox` into three; `AFP, MANILA` and `Le Figaro et AFP` stay as they are."""
    parts = _AND.split(text)
    return parts if all(_PERSON.fullmatch(part) for part in parts) else [text]


def declared_language(page: Markup) -> str | None:
    """The raw code of `<html lang>`, else of og:locale or JSON-LD, in lower case; it may be wrong, and often is."""
    root = page.tree if page.tree.tag == "html" else page.tree.find(".//html")
    lang = (
        None
        if root is None
        else root.get("lang") or root.get("xml:lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang")
    )
    stated = next(iter(structured.texts(page.node.get("inLanguage"))), None)
    code = line(lang or _first(page.meta, ("og:locale", "content-language")) or stated, 35)
    return code.lower().replace("_", "-") if code else None


def image(page: Markup) -> str | None:
    value = page.node.get("image")
    value = value[0] if isinstance(value, list) and value else value
    value = value.get("url") or value.get("contentUrl") if isinstance(value, dict) else value
    return web_address(_first(page.meta, ("og:image", "og:image:url", "twitter:image")) or value, page.url)


def section(page: Markup) -> str | None:
    stated = structured.texts(page.node.get("articleSection"))
    return line(stated[0] if stated else _first(page.meta, ("article:section", "section")), _TAG)


def tags(page: Markup) -> tuple[str, ...]:
    """Keywords; a list stays a list, a single string is cut at its commas."""
    stated = (
        structured.texts(page.node.get("keywords"))
        or page.meta.get("article:tag")
        or page.meta.get("news_keywords")
        or page.meta.get("keywords")
        or []
    )
    parts = [part for value in stated for part in (value.split(",") if len(stated) == 1 else [value])]
    return tuple(dict.fromkeys(tag for part in parts if (tag := line(part, _TAG))))[:_MOST]

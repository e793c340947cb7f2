"""What a page states about itself for machines, gathered once; and the values that need no weighing of one against another."""

from dataclasses import dataclass

from lxml.html import HtmlElement

from processing import structured
from processing.markup import line, web_address

_TAG, _MOST = 200, 100


@dataclass(frozen=True)
class Markup:
    """A page's statements about itself, gathered once."""

    tree: HtmlElement
    url: str
    canonical: str | None
    amp: str | None
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
    amp = tree.xpath('.//link[@rel="amphtml"]/@href')
    found = structured.nodes(tree)
    node = structured.article(found, filter(None, (canonical, url)))
    named = frozenset(name for item in found for name in structured.types(item))
    return Markup(
        tree,
        url,
        canonical or web_address(_first(meta, ("og:url",)), url),
        web_address(amp[0], url) if amp else None,
        meta,
        node or {},
        structured.by_id(found),
        named,
    )


def _first(meta: dict[str, list[str]], names: tuple[str, ...]) -> str | None:
    return next((value for name in names for value in meta.get(name, []) if value.strip()), None)


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
    return web_address(
        _first(page.meta, ("og:image", "og:image:url", "twitter:image")) or value or _pictured(page), page.url
    )


def _pictured(page: Markup) -> str | None:
    """The picture that is marked as the article's in microdata, be it a `<meta>`, an `<img>`, or an object with an address."""
    marked = './/*[@itemprop="image" or @itemprop="thumbnailUrl"]'
    found = page.tree.xpath(f'({marked}/@content | {marked}/@src | {marked}//*[@itemprop="url"]/@content)[1]')
    return str(found[0]) if found else None


def section(page: Markup) -> str | None:
    stated = structured.texts(page.node.get("articleSection"))
    return line(stated[0] if stated else _first(page.meta, ("article:section", "section", "articlesection")), _TAG)


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

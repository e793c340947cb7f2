"""A page's markup: what of it is taken over, its lines, and all it says."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any
from urllib.parse import unquote

from lxml import etree
from lxml.html import HtmlElement
from record_text import plain

# fmt: off
INLINE = {
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "del", "em", "font", "i", "img", "ins", "mark", "q", "s", "small", "span",
    "strong", "sub", "sup", "svg", "time", "u", "wbr",
}
# fmt: on
TEXTS = {"alt", "title", "aria-label", "placeholder", "label"}
TECHNICAL = re.compile(
    r"viewport|generator|robots|bot$|charset|og:type|og:locale|twitter:card|theme-color|content-type|compatible|referrer"
    r"|format-detection|language|content_type|max-image",
    re.IGNORECASE,
)
_EMPTIED = {"svg", "noscript", "iframe", "video", "audio", "object", "canvas", "select", "textarea"}
_GONE = {"style", "template", "base"}
_LINKS = {"canonical", "amphtml", "shortlink", "author"}
_KINDS = ("name", "property", "itemprop", "http-equiv")
_SECRETS = re.compile(
    r"verif|app-|appid|app_id|app:|csrf|token|admins|fb:|al:|msapplication|ms\.|adobe|sailthru|api", re.IGNORECASE
)
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_LONGEST_CONTENT = 2000  # of a <meta>; longer ones are a program's memory, not the page's words
Block = list[tuple[HtmlElement, str]]


def strip(tree: HtmlElement) -> None:
    """Take out what is neither markup of the page nor its data: scripts, styles, comments, drawings, trackers."""
    for node in list(tree.iter(etree.Comment, etree.ProcessingInstruction)):
        drop(node)
    for element in list(tree.iter()):
        if element.tag in _EMPTIED:
            tail = element.tail
            attributes = {
                name: value for name, value in element.attrib.items() if name in {"class", "itemprop", "type"}
            }
            element.clear()
            element.attrib.update(attributes)
            element.tail = tail
        elif _is_unwanted(element):
            drop(element)


def _is_unwanted(element: HtmlElement) -> bool:
    if element.tag == "script":
        return "ld+json" not in element.get("type", "")
    if element.tag == "link":
        return not set(element.get("rel", "").lower().split()) & _LINKS
    if element.tag == "meta":
        kind = "".join(element.get(name, "") for name in ("name", "property", "itemprop"))
        return len(element.get("content", "")) > _LONGEST_CONTENT or bool(_SECRETS.search(kind))
    return element.tag in _GONE


def drop(node: Any) -> None:
    parent = node.getparent()
    if parent is not None:
        before = node.getprevious()
        if node.tail and before is not None:
            before.tail = (before.tail or "") + node.tail
        elif node.tail:
            parent.text = (parent.text or "") + node.tail
        parent.remove(node)


def blocks(root: HtmlElement) -> list[Block]:
    """The page's lines in order: text nodes with nothing but inline markup between them."""
    found: list[Block] = []
    current: Block = []

    def flush() -> None:
        if any(plain(getattr(element, place)) for element, place in current):
            found.append(current[:])
        current.clear()

    def walk(element: HtmlElement) -> None:
        inline = element.tag in INLINE
        if not inline:
            flush()
        if element.text and element.tag not in {"script", "style", "template", "title"}:
            current.append((element, "text"))
        for child in element:
            walk(child)
            if child.tail:
                current.append((child, "tail"))
        if not inline:
            flush()

    walk(root)
    flush()
    return found


def line(block: Block) -> str:
    return plain("".join(getattr(element, place) for element, place in block))


def prune(tree: HtmlElement, position: Callable[[Block], int | None], siblings: int, paragraphs: int) -> None:
    """Leave so many of each row of like elements, and so many paragraphs of the article, the last one among them."""
    weight = Counter[HtmlElement]()
    body = Counter[HtmlElement]()
    for block in blocks(tree):
        text = line(block)
        element = block[0][0] if block[0][1] == "text" else block[0][0].getparent()
        for holder in (element, *element.iterancestors()):
            weight[holder] += len(text)
            body[holder] += len(text) * (position(block) is not None)
    for parent in list(tree.iter()):
        if parent.getparent() is None and parent is not tree:
            continue
        rows: dict[tuple[str, ...], list[HtmlElement]] = {}
        article: list[HtmlElement] = []
        for child in parent:
            if child.tag in INLINE - {"a", "span"} or child.tag in {
                "meta",
                "link",
                "script",
                "br",
                "head",
                "body",
                "main",
            }:
                continue
            if weight[child] and body[child] > weight[child] / 2:
                article.append(child)
            elif not body[child] and next(child.iter("script"), None) is None:
                rows.setdefault((child.tag, *child.get("class", "").split()[:1]), []).append(child)
        for element in [child for row in rows.values() for child in row[siblings:]] + article[paragraphs:-1]:
            _drop_whole(element)


def _drop_whole(element: HtmlElement) -> None:
    element.tail = None
    element.getparent().remove(element)


def texts(tree: HtmlElement, *, prose: bool = False) -> Iterator[str]:
    """Everything of a page that says something, piece by piece; of `prose` only what people read or search engines show."""
    yield from map(line, blocks(tree))
    for element in tree.iter():
        if element.tag == "title":
            yield element.text or ""
        elif element.tag == "script" and "json" in element.get("type", ""):
            strings = (unescape(text) for text in _STRING.findall(element.text or ""))
            yield from (text for text in strings if " " in text or not prose)
        technical = element.tag == "meta" and TECHNICAL.search("".join(element.attrib.get(name, "") for name in _KINDS))
        for name, value in element.attrib.items():
            said = name in TEXTS | {"content"} if prose else name != "class"
            if said and not (prose and technical and name == "content"):
                yield unquote(value)

"""A page as its reader sees it: runs of text between block elements, in reading order, with the element each stands in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree
from lxml.html import HtmlElement

MOST = 10_000  # blocks of a page that are looked at; the longest live blogs have some 3,000

_BLOCK = frozenset(
    [
        "html",
        "body",
        "address",
        "article",
        "aside",
        "blockquote",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "legend",
        "li",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "search",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_UNREAD = etree.XPath(
    "//title | //script | //style | //noscript[not(.//p)] | //svg | //iframe | //template | //button | //object | //embed | //picture | //video"
    " | //audio | //dialog | //input | //select | //textarea | //map | //canvas | //nav"
)
_SPACE = re.compile(r"\s+")
_NOT_WORD = re.compile(r"\W+")
_WORD = re.compile(r"\w+")
_DENSE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_DENSE_WEIGHT = 3  # a Han, kana or Hangul character says about as much as three letters of an alphabet


@dataclass(slots=True, eq=False)
class Block:
    """Text that stands together in `element`, its innermost block element; `linked` of its characters are in links."""

    element: HtmlElement
    text: str
    linked: int
    weight: int = field(init=False)
    """Its length, made comparable between scripts."""
    plain: str = field(init=False)
    """Its letters and digits alone, for comparing."""

    def __post_init__(self) -> None:
        self.weight = len(self.text) + (_DENSE_WEIGHT - 1) * len(_DENSE.findall(self.text))
        self.plain = plain(self.text)

    @property
    def is_heading(self) -> bool:
        return self.element.tag in {"h2", "h3", "h4", "h5", "h6"}


def plain(text: str) -> str:
    """The letters and digits of a text, so that two renderings of one sentence compare equal."""
    return _NOT_WORD.sub("", text)


def words(text: str) -> set[str]:
    """The different words of a text, in lower case."""
    return set(_WORD.findall(text.lower()))


def drop_unread(tree: HtmlElement) -> None:
    """Take out, in place, what no reader sees as text: scripts, styles, controls, media, navigation, comments."""
    for element in matches(_UNREAD, tree):
        if element.getparent() is not None:
            element.drop_tree()


def matches(path: etree.XPath, tree: HtmlElement) -> list[HtmlElement]:
    """The elements a compiled path finds below `tree`."""
    found = path(tree)
    return [element for element in found if isinstance(element, HtmlElement)] if isinstance(found, list) else []


def read(root: HtmlElement) -> list[Block]:
    """The first `MOST` blocks below `root`, which `drop_unread` has been through."""
    found: list[Block] = []
    for block in _runs(root):
        found.append(block)
        if len(found) == MOST:
            break
    return found


def _runs(root: HtmlElement) -> Iterator[Block]:
    owners, parts, linked, anchors = [root], list[str](), 0, 0
    for event, element in etree.iterwalk(root, events=("start", "end", "comment", "pi")):
        if event in {"comment", "pi"}:
            parts.append(element.tail or "")
            continue
        tag = element.tag
        starts = event == "start"
        if tag in _BLOCK or (tag == "br" and starts and parts and parts[-1] == "\n"):
            if text := _SPACE.sub(" ", "".join(parts)).strip():
                yield Block(owners[-1], text, min(linked, len(text)))
            parts, linked = [], 0
        if tag in _BLOCK:
            if starts:
                owners.append(element)
            else:
                owners.pop()
        elif tag == "a":
            anchors += 1 if starts else -1
        elif tag == "br" and starts:
            parts.append("\n")
        if piece := element.text if starts else element.tail:
            parts.append(piece)
            linked += len(piece) if anchors else 0

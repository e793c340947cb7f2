"""What an outlet's file says about its pages: a few CSS selectors that stand in for the general rules."""

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from cssselect import HTMLTranslator
from lxml import etree
from lxml.html import HtmlElement

from processing import blocks
from processing.dates import read_time

if TYPE_CHECKING:
    from crawlers.outlet import Selectors


@lru_cache(maxsize=1000)
def _compiled(selector: str) -> etree.XPath:
    return etree.XPath(HTMLTranslator().css_to_xpath(selector, prefix="descendant-or-self::"))


def _matches(tree: HtmlElement, selector: str | None) -> list[HtmlElement]:
    return blocks.matches(_compiled(selector), tree) if selector else []


def drop(tree: HtmlElement, selectors: "Selectors") -> None:
    """Take the elements out, in place, that the outlet's file says are no part of its articles."""
    for selector in selectors.drop:
        for element in _matches(tree, selector):
            if element.getparent() is not None:
                element.drop_tree()


def title(tree: HtmlElement, selectors: "Selectors") -> str | None:
    return next(_texts(tree, selectors.title), None)


def authors(tree: HtmlElement, selectors: "Selectors") -> list[str]:
    """One text an element, as the page has it."""
    return list(_texts(tree, selectors.authors))


def published(tree: HtmlElement, selectors: "Selectors") -> str | None:
    """From the first element that has a time: in `datetime` or `content`, else as its text."""
    for element in _matches(tree, selectors.published):
        for value in (element.get("datetime"), element.get("content"), " ".join(element.itertext())):
            if value and (moment := read_time(value)):
                return moment
    return None


def text(tree: HtmlElement, selectors: "Selectors") -> str:
    """The blocks of every element that matches, one a line. Changes the tree."""
    elements = _matches(tree, selectors.text)
    outer = [element for element in elements if not any(above in elements for above in element.iterancestors())]
    if outer:
        blocks.drop_unread(tree)
    return "\n".join(block.text for element in outer for block in blocks.read(element))


def _texts(tree: HtmlElement, selector: str | None) -> Iterator[str]:
    for element in _matches(tree, selector):
        if found := " ".join(" ".join(element.itertext()).split()):
            yield found

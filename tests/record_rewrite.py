"""Everything in a page that a reader or a machine could read as content, replaced; the markup stays."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

from lxml.html import HtmlElement
from record_markup import TECHNICAL, TEXTS, Block, blocks, drop, line
from record_text import LONGEST_IN_PARTS, Rewriter, plain

# fmt: off
_STRUCTURE = {
    "class", "id", "role", "itemprop", "itemscope", "itemtype", "itemref", "property", "name", "rel", "type", "lang", "dir",
    "charset", "http-equiv", "media", "colspan", "rowspan", "width", "height", "hidden", "hreflang", "prefix", "typeof", "vocab",
    "datatype", "for", "aria-hidden", "aria-modal", "open", "start", "amp", "⚡", "layout",
}
_VALUES = {
    "@type", "@context", "@vocab", "additionalType", "inLanguage", "cssSelector", "xpath", "priceCurrency", "availability",
    "isAccessibleForFree", "addressCountry", "encodingFormat", "contentRating", "ratingValue",
}
# fmt: on
"""Attributes, and names in a page's data, whose values are words of a standard."""
_ADDRESSES = {"href", "src", "poster", "action", "cite", "data-src", "content-url", "resource", "about"}
_WORD = re.compile(r"[A-Za-z]{1,20}([_-][A-Za-z]{1,20})?")
_LONG = re.compile(r"//|[^\W\d_]{4,}\W[^\W\d_]+\W[^\W\d_]+\W[^\W\d_]{4,}")
"""Prose or an address, whatever the property is called."""


def rewrite(tree: HtmlElement, new: Rewriter, position: Callable[[Block], int | None]) -> tuple[list[str], list[str]]:
    """Replace every text and every telling attribute; gives the new lines of the article, in its order, and the others.

    Args:
        tree: the page.
        new: what replaces.
        position: where in the article a line of the page stands, None when it is not of it.
    """
    lines = [(block, position(block)) for block in blocks(tree)]
    article = sorted(((at, block) for block, at in lines if at is not None), key=lambda pair: pair[0])
    for _, block in article:
        if (text := line(block)) not in new.memory and len(text) <= 32:
            new.memory[text] = new.words.headline()  # a menu's word in the middle of an article would tell nothing
        _rewrite_block(block, new)
    body = list(dict.fromkeys(line(block) for _, block in article))
    new.memory["articleBody"] = "\n\n".join(body)  # before the page's data, which repeats it
    for block, at in lines:
        if at is None:
            _rewrite_block(block, new)
    for element in list(tree.iter()):
        if element.tag == "title" and element.text:
            element.text = new.text(element.text)
        elif element.tag == "script":
            _rewrite_data(element, new)
        _rewrite_attributes(element, new)
    return body, list(dict.fromkeys(line(block) for block, at in lines if at is None))


def _rewrite_block(block: Block, new: Rewriter) -> None:
    whole = line(block)
    nodes = [node for node in block if plain(getattr(*node))]
    if len(nodes) == 1 or (len(whole) <= LONGEST_IN_PARTS and whole not in new.memory):
        for element, place in nodes:
            setattr(element, place, new.text(getattr(element, place)))
        new.memory.setdefault(whole, line(block))
        return
    text = new.text(whole)
    pieces = text.split(" ") if new.words.joint else list(text)
    length, start, done = sum(len(getattr(*node)) for node in nodes), 0, 0
    for number, (element, place) in enumerate(nodes):
        old = getattr(element, place)
        done += len(old)
        end = len(pieces) if number == len(nodes) - 1 else max(start + 1, round(len(pieces) * done / length))
        words = new.words.joint and " "
        setattr(element, place, (words if start else "") + (" " if new.words.joint else "").join(pieces[start:end]))
        start = end
    new.memory[whole] = line(block)


def _rewrite_attributes(element: HtmlElement, new: Rewriter) -> None:
    for name, value in list(element.attrib.items()):
        if (changed := _attribute(element, name, value, new)) is None:
            del element.attrib[name]
        elif changed != value:
            element.set(name, changed)


def _attribute(element: HtmlElement, name: str, value: str, new: Rewriter) -> str | None:
    """What an attribute is to say; None when it is to go."""
    if name in _STRUCTURE:
        # An anchor is often named after its heading; a long number names the one article.
        short = re.sub(r"\d{4,}", lambda match: "7" * len(match[0]), " ".join(value.split()[:12]))
        taken = name != "class" and new.words.is_taken(value)
        return None if taken else short if name in {"class", "id", "for"} else value
    if name == "content":
        return _content(element, value, new)
    if name in _ADDRESSES:
        return "" if value.startswith("data:") else new.url(value)
    if name in TEXTS:
        return new.text(value)
    if name == "style":
        return "display:none" if re.search(r"display:\s*none|visibility:\s*hidden", value) else None
    return _other_attribute(name, value, new)


def _other_attribute(name: str, value: str, new: Rewriter) -> str | None:
    if name == "datetime":
        return new.date(value)
    return value if name.startswith("data-") and _WORD.fullmatch(value) else None


def _content(element: HtmlElement, value: str, new: Rewriter) -> str:
    kind = element.get("property") or element.get("name") or element.get("itemprop") or element.get("http-equiv") or ""
    if (TECHNICAL.search(kind) and not _LONG.search(value)) or re.fullmatch(r"\d{1,4}|true|false", value):
        return value
    if re.match(r"(https?:)?//|/\w", value):
        return new.url(value)
    if new.is_date(value):
        return new.date(value)
    if re.search("author|creator|byl", kind, re.IGNORECASE) and len(value) < 80 and any(map(str.isalpha, value)):
        return _person(value, new)
    if "keywords" in kind or kind.endswith("tags"):
        return ", ".join(new.text(word) for word in value.split(",")[:5])
    return new.text(value)


def _rewrite_data(element: HtmlElement, new: Rewriter) -> None:
    try:
        data = json.loads(element.text or "", strict=False)
    except ValueError:
        drop(element)
        return
    element.text = json.dumps(_data(data, "", new), ensure_ascii=False, indent=1)


def _data(value: Any, key: str, new: Rewriter, parent: str = "") -> Any:
    if isinstance(value, dict):
        if isinstance(given := value.get("givenName"), str) and isinstance(family := value.get("familyName"), str):
            first, _, last = new.name(f"{given} {family}").partition(" ")
            value = value | {"givenName": first, "familyName": last}
            return {
                name: item if name in {"givenName", "familyName"} else _data(item, name, new, key)
                for name, item in value.items()
            }
        return {name: _data(item, name, new, key if key != "@graph" else parent) for name, item in value.items()}
    if isinstance(value, list):
        return [_data(item, key, new, parent) for item in value[:3]]
    if isinstance(value, str):
        return _string(value, key, new, parent)
    return int("4" * len(str(value))) if type(value) is int and value > 9999 else value


def _string(value: str, key: str, new: Rewriter, parent: str) -> str:
    if key in _VALUES or "schema.org" in value:
        return value
    if re.match(r"(https?:)?//|/\w", value) or key in {"@id", "url", "contentUrl"}:
        name = value.partition("#")[2]
        return new.url(value) + (f"#{name}" if re.fullmatch(r"[a-zA-Z/_-]{1,24}", name) else "")
    return new.date(value) if new.is_date(value) else _words(unescape(value), key, new, parent)


def _words(text: str, key: str, new: Rewriter, parent: str) -> str:
    if (key == "name" and parent in {"author", "creator", "editor", "contributor"}) or key in {"author", "creator"}:
        return _person(text, new)
    if key == "articleBody" and parent != "liveBlogUpdate":
        return new.memory.get("articleBody", "")
    if key == "keywords":
        return ",".join(new.text(word) for word in text.split(",")[:5])
    return new.text(re.sub(r"<[^>]+>", " ", text))


def _person(text: str, new: Rewriter) -> str:
    known = any(name in text for name in (*new.facts.authors, *new.facts.outlet))
    return new.text(text) if known else new.name(text)

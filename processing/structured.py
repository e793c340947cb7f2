"""What a page says about itself in JSON-LD: the article's node, liberally read.

A library (extruct) would bring RDF, microformats and a second parse of the page; news pages need none of the three.
"""

import html
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from lxml.html import HtmlElement

Node = dict[str, Any]

_SCRIPTS = './/script[contains(@type, "ld+json")]'
_WRAPPING = re.compile(r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[)|(?:-->|//\s*\]\]>|\]\]>)?[\s;]*$")
_LONGEST, _MOST = 2_000_000, 20_000  # characters a script, nodes a page
_ARTICLE = re.compile(r"(?:Article|Posting|Review|Gallery|^Report)$")


def nodes(tree: HtmlElement) -> list[Node]:
    """Every JSON-LD object of the page, outer ones before those inside them; broken scripts are skipped."""
    return list(_walk(value for script in tree.xpath(_SCRIPTS) if (value := _load(script.text)) is not None))


def walk(values: Iterable[Any]) -> list[Node]:
    """Every object inside JSON values, outer ones first; bounded in number."""
    return list(_walk(values))


def article(found: list[Node], addresses: Iterable[str]) -> Node | None:
    """The node that describes this article: one that names one of the page's addresses, else the first with a headline."""
    articles = [node for node in found if any(_ARTICLE.search(name) for name in types(node)) and _is_whole(node)]
    wanted = {address.partition("#")[0].rstrip("/") for address in addresses}
    for node in articles:
        if wanted & {text.partition("#")[0].rstrip("/") for text in _addresses(node)}:
            return node
    return articles[0] if articles else None


def types(node: Node) -> list[str]:
    value = node.get("@type")
    return [name for name in (value if isinstance(value, list) else [value]) if isinstance(name, str)]


def by_id(found: list[Node]) -> dict[str, Node]:
    """Nodes by `@id`, so that `"author": {"@id": …}` can be followed; a bare reference never hides its target."""
    table: dict[str, Node] = {}
    for node in found:
        name = node.get("@id")
        if isinstance(name, str) and len(node) > len(table.get(name, {})):
            table[name] = node
    return table


def texts(value: Any) -> list[str]:
    """The strings in a value that may be one string or a list, entities resolved."""
    values = value if isinstance(value, list) else [value]
    return [html.unescape(html.unescape(text)) for text in values if isinstance(text, str)]


def _is_whole(node: Node) -> bool:
    return bool(node.get("headline") or node.get("name") or node.get("datePublished") or node.get("articleBody"))


def _addresses(node: Node) -> Iterator[str]:
    for key in ("url", "@id", "mainEntityOfPage"):
        value = node.get(key)
        value = value.get("@id") or value.get("url") if isinstance(value, dict) else value
        if isinstance(value, str):
            yield value


def _load(script: str | None) -> Any:
    if not script or len(script) > _LONGEST:
        return None
    try:
        return json.loads(_WRAPPING.sub("", script), strict=False)
    except (ValueError, RecursionError):
        return None


def _walk(values: Iterable[Any]) -> Iterator[Node]:
    level, count = list(values), 0
    while level and count < _MOST:
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                count += 1
                yield value
                inner += [item for item in value.values() if isinstance(item, dict | list)]
            elif isinstance(value, list):
                inner += [item for item in value if isinstance(item, dict | list)]
        level = inner

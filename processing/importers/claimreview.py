"""schema.org ClaimReview in: fact-checkers' JSON-LD, alone, in a list, in a data feed, or inside a saved page.

Fields: https://schema.org/ClaimReview and Google's fact check guidelines, as of 2026.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from processing.importers.fields import read_fields
from processing.importers.problem import CardProblem, Located, shown
from processing.narrative import slug
from processing.structured import by_id, texts, types

Node = dict[str, Any]

_TRUE = frozenset({"true", "correct", "accurate", "mostly true", "verdadero", "vrai", "wahr", "richtig", "правда"})


def is_review(value: object) -> bool:
    """Whether a JSON value is a ClaimReview."""
    return isinstance(value, dict) and any(name.rpartition("/")[2] == "ClaimReview" for name in types(value))


def reviews(values: list[Node]) -> list[Node]:
    """The ClaimReviews among JSON-LD objects, each once: a page may repeat one in several scripts."""
    return list({repr(node): node for node in values if is_review(node)}.values())


def read_review(node: Node, file: str, line: int, nodes: list[Node]) -> Iterator[Located | CardProblem]:
    """The card of one ClaimReview; a problem when it finds the claim true, since then there is no narrative to watch.

    Args:
        nodes: all objects of the same document, for references by `@id`.
    """
    table = by_id(nodes)
    rating = _node(node.get("reviewRating"), table)
    if _is_true(rating):
        claim = _first(node.get("claimReviewed"))
        yield CardProblem(file, line, f"{shown(claim)} was found true by its review; left out, it is no disinformation")
        return
    yield from read_fields(_fields(node, rating, table), file, line)


def _fields(node: Node, rating: Node, table: Mapping[str, Node]) -> dict[str, object]:
    item = _node(node.get("itemReviewed"), table)
    title = _first(node.get("claimReviewed")) or _first(item.get("name"))
    url = _first(node.get("url")) or _first(node.get("mainEntityOfPage"))
    return {
        "id": _id(title, url),
        "title": title,
        "response": _response(node, rating, table),
        "date": (_first(item.get("datePublished")) or _first(node.get("datePublished")) or "")[:10] or None,
        "language": _first(node.get("inLanguage")),
        "outlets": list(_outlets(item, table)),
        "keywords": _words(node.get("keywords")),
        "url": url,
    }


def _id(title: str | None, url: str | None) -> str | None:
    """Two fact-checkers may review one claim, so the id names both; without an address the title alone."""
    host = _host(url)
    return f"{host}:{slug(title)}" if title and host else None


def _response(node: Node, rating: Node, table: Mapping[str, Node]) -> str | None:
    """What the review says; at least its verdict, which says less but is not nothing."""
    said = _first(node.get("reviewBody")) or _first(rating.get("ratingExplanation")) or _first(node.get("description"))
    verdict = _first(rating.get("alternateName"))
    if said or not verdict:
        return said
    author = _first(_node(node.get("author"), table).get("name"))
    return f"{author or 'The review'} rates this claim: {verdict}."


def _outlets(item: Node, table: Mapping[str, Node]) -> Iterator[str]:
    """Where the claim appeared, and the organisation that made it; a person is no outlet."""
    for name in ("appearance", "firstAppearance"):
        value = item.get(name)
        for place in value if isinstance(value, list) else [value]:
            if host := _host(place if isinstance(place, str) else _first(_node(place, table).get("url"))):
                yield host
    author = _node(item.get("author"), table)
    if "Organization" in types(author) and (organisation := _first(author.get("name"))):
        yield organisation


def _is_true(rating: Node) -> bool:
    if (_first(rating.get("alternateName")) or "").strip().casefold().rstrip(".!") in _TRUE:
        return True
    value, best, worst = (_number(rating.get(name)) for name in ("ratingValue", "bestRating", "worstRating"))
    return value is not None and best is not None and value == best > (worst if worst is not None else value - 1)


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _node(value: object, table: Mapping[str, Node]) -> Node:
    """The object itself, the first of a list, or what a reference points to; empty when there is none."""
    value = next(iter(value), None) if isinstance(value, list) else value
    if not isinstance(value, dict):
        return {}
    name = value.get("@id")
    return table.get(name, value) if isinstance(name, str) and len(value) == 1 else value


def _first(value: object) -> str | None:
    if isinstance(value, dict):
        value = value.get("name") or value.get("url") or value.get("@id") or value.get("@value")
    return next((text.strip() for text in texts(value) if text.strip()), None)


def _words(value: object) -> list[str]:
    return [word for text in texts(value) for word in text.split(",")]


def _host(address: str | None) -> str | None:
    try:
        return (urlsplit(address or "").hostname or "").removeprefix("www.") or None
    except ValueError:
        return None

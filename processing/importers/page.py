"""Saved web pages in: EUvsDisinfo report pages, in the layouts until and since about 2023, and pages with ClaimReview."""

import re
from collections.abc import Iterator
from pathlib import Path

from lxml import etree, html
from lxml.html import HtmlElement

from processing import structured
from processing.importers.claimreview import read_review, reviews
from processing.importers.euvsdisinfo import split_closing
from processing.importers.fields import read_fields
from processing.importers.problem import CardProblem, Located
from processing.importers.source import whole

_NO_CARD = (
    "holds neither an EUvsDisinfo report nor ClaimReview data; save the report's own page, or write the card as JSON"
)
_SUMMARY = ("b-report__summary-text", "b-report__summary")
_RESPONSE = ("b-report__disproof-text", "b-report__response")
_LABELS = {
    "outlet": "outlets",
    "date of publication": "date",
    "article language": "languages",
    "language/target audience": "languages",
    "reported in": "languages",
    "countries / regions discussed": "countries",
    "countries and/or regions discussed in the disinformation": "countries",
    "country": "countries",
    "keywords": "keywords",
    "tags": "keywords",
}
_PREFIX = re.compile(r"^\s*DISINFO\s*:\s*", re.IGNORECASE)
_HEADING = re.compile(r"^\s*(?:summary|response|disproof)\s*:?\s*$", re.IGNORECASE)
_BLOCKS = frozenset({"p", "li", "blockquote", "div", "h2", "h3", "h4", "br"})


def read_page(path: Path) -> Iterator[Located | CardProblem]:
    """The cards of one saved page: of an EUvsDisinfo report one, else one for each ClaimReview."""
    text = whole(path)
    if isinstance(text, CardProblem):
        yield text
        return
    tree = _tree(text)
    if tree is None:
        yield CardProblem(str(path), 0, "is no HTML that can be read; save the page again")
        return
    nodes = structured.nodes(tree)
    summary = _section(tree, _SUMMARY)
    if summary or tree.xpath('//*[contains(@class, "b-report__")]'):
        yield from read_fields(_report(tree, summary), str(path), 1)
        return
    found = reviews(nodes)
    for node in found:
        yield from read_review(node, str(path), 1, nodes)
    if not found:
        yield CardProblem(str(path), 0, _NO_CARD)


def _tree(text: str) -> HtmlElement | None:
    try:
        # As bytes: lxml refuses text that declares an encoding of its own.
        return html.document_fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.LxmlError, ValueError):
        return None


def _report(tree: HtmlElement, summary: str | None) -> dict[str, object]:
    response, claims = split_closing(_section(tree, _RESPONSE) or "")
    heading = next((node.text_content() for node in tree.iter("h1")), "")
    url = _attribute(tree, '//link[@rel="canonical"]/@href') or _attribute(tree, '//meta[@property="og:url"]/@content')
    return {
        "id": _id(url),
        "title": _PREFIX.sub("", " ".join(heading.split())) or None,
        "summary": summary,
        "response": response,
        "related_claims": list(claims),
        "url": url,
        **_details(tree),
    }


def _id(url: str | None) -> str | None:
    """EUvsDisinfo names a report by the last part of its address, and so do lists of its cases."""
    found = re.search(r"euvsdisinfo\.eu/(?:[a-z]{2}/)?report/([^/?#]+)", url or "")
    return f"euvs:{found[1]}" if found else None


def _details(tree: HtmlElement) -> dict[str, object]:
    """`Label: value` lines of the list of details; a part in brackets (`(Archived)`) belongs to a link, not to the value."""
    found: dict[str, object] = {}
    for item in tree.xpath('//*[contains(@class, "b-report__details") or contains(@class, "b-report__keywords")]//li'):
        label, colon, value = " ".join(item.text_content().split()).partition(":")
        name = _LABELS.get(label.strip().casefold().replace("(s)", "").strip())
        text = re.sub(r"\(\s*(?:archived?|opens? in[^)]*)\s*\)", "", value, flags=re.IGNORECASE).strip(" ,")
        if colon and name and text:
            parts = [part for part in re.split(r"\s*[,;]\s*", text) if part]
            # The site writes days first; elsewhere 02/03/2020 could be either, so it is no date that all cards may have.
            found[name] = re.sub(r"^(\d\d)/(\d\d)/(\d{4})$", r"\3-\2-\1", text) if name == "date" else parts
    return found


def _section(tree: HtmlElement, classes: tuple[str, ...]) -> str | None:
    """The text under the first of these classes, a line a paragraph, without its heading."""
    for name in classes:
        for node in tree.xpath(f'//*[contains(concat(" ", normalize-space(@class), " "), " {name} ")]'):
            lines = [" ".join(line.split()) for line in "".join(_lines(node)).split("\n")]
            text = "\n".join(line for line in lines if line and not _HEADING.match(line))
            if text:
                return text
    return None


def _lines(node: HtmlElement) -> Iterator[str]:
    """Text with a line break where a block begins or ends; breaks inside the source are blanks."""
    for event, element in etree.iterwalk(node, events=("start", "end")):
        block = element.tag in _BLOCKS
        if event == "start":
            yield "\n" if block else ""
            if isinstance(element.tag, str) and element.tag not in {"script", "style"}:
                yield (element.text or "").replace("\n", " ")
        else:
            yield "\n" if block else ""
            if element is not node:
                yield (element.tail or "").replace("\n", " ")


def _attribute(tree: HtmlElement, path: str) -> str | None:
    return next((str(value).strip() for value in tree.xpath(path) if str(value).strip()), None)

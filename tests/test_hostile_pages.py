"""Pages made to keep extraction busy for ever, or to fill the memory: each ends, counted, and the others go on."""

import pytest

from processing.pool import MEMORY, MOST_ATTRIBUTES, MOST_TAGS, Page, Processed, extract_many, process_page

PARAGRAPHS = "".join(
    f"<p>On day {day} the harbour office said that the ferry to the outer islands will run until the storm comes.</p>"
    for day in range(9)
)


def page(extra: str = "", head: str = "") -> bytes:
    text = f"<article><h1>Ferries</h1>{PARAGRAPHS}{extra}</article>"
    return f"<!doctype html><html lang=en><head><title>Ferries</title>{head}</head><body>{text}</body></html>".encode()


def json_ld(text: str) -> str:
    return f'<script type="application/ld+json">{text}</script>'


READ = {
    "plain": page(),
    "colspan": page("<table><tr><td colspan=1000000 rowspan=1000000>a<td>b</tr></table>" * 50),
    "nested": page("<div>" * 50_000),
    "nested of all kinds": page("<div><ul><li><table><tr><td><b><i><blockquote>" * 6_000),
    "nested lists": page("<ul><li>" * 25_000),
    "never closed": page("<b " * 20_000),
    "base64": page('<img src="data:image/png;base64,' + "A" * 9_000_000 + '">'),
    "entities": page("<p>" + "&amp;&#x1F600;&nbsp;" * 100_000),
    "one word": page("<p>" + "x" * 5_000_000),
    "combining letters": page("<p>a" + "\u0301" * 500_000),
    "bait for dates": page("<p>" + "2026-01-" * 200_000 + "Updated: Jan 1" + " " * 200_000 + "2</p>"),
    "date in a meta tag": page(head=f'<meta property="article:published_time" content="{"2026-" * 200_000}">'),
    "nested JSON-LD": page(head=json_ld('{"a":' * 100_000 + "1" + "}" * 100_000)),
    "nested arrays": page(head=json_ld("[" * 1_000_000 + "]" * 1_000_000)),
    "long number": page(head=json_ld('{"a":' + "9" * 2_000_000 + "}")),
    "many things": page(head=json_ld('{"@graph":[' + ",".join(['{"@type":"NewsArticle"}'] * 100_000) + "]}")),
}
"""What only looks dangerous is read all the same."""


@pytest.mark.parametrize("html", READ.values(), ids=READ)
def test_read(html: bytes) -> None:
    result = process_page(html, "https://example.org/a", "text/html")
    assert isinstance(result, Processed), result
    assert "ferry" in result.page.text


REFUSED = {
    "tags": page("<i>x" * MOST_TAGS),
    "attributes": page("<p " + " ".join(f"a{n}=1" for n in range(MOST_ATTRIBUTES * 2)) + ">"),
    "50 MB": page("<p>" + "word " * 10_000_000),
    "unclosed angles": page("<" * 1_000_000),
}


@pytest.mark.parametrize("html", REFUSED.values(), ids=REFUSED)
def test_refused_at_a_glance(html: bytes) -> None:
    assert process_page(html, "https://example.org/a", "text/html").outcome == "extract_failed"


LARGE = page(head=("<meta " + " ".join(f"a{n}=1" for n in range(60)) + ">") * 30_000)
"""Takes half a gigabyte when it is parsed: a node for every attribute, and one for its value."""


def test_stopped_and_the_others_go_on() -> None:
    """One takes quadratic time, one more memory than a worker may have; each between pages that are to be read."""
    slow = page("<p>" + "<span>a </span>" * (MOST_TAGS // 2 - 100))
    bodies = [page(), slow, page(), LARGE, page(), page()]
    results = dict(
        extract_many((Page(n, body, f"https://example.org/{n}") for n, body in enumerate(bodies)), workers=2, timeout=4)
    )
    assert list(results) == list(range(len(bodies)))
    assert results[1].outcome == "extract_timeout"
    assert results[3].outcome in {"extract_failed", "extract_timeout"}
    assert all(isinstance(results[n], Processed) for n in (0, 2, 4, 5)), results


def test_memory() -> None:
    ((_, result), (_, other)) = extract_many(
        [Page(0, LARGE, "https://example.org/a"), Page(1, page(), "https://example.org/b")], workers=1, timeout=60
    )
    assert (result.outcome, result.detail) == ("extract_failed", f"it needed more than {MEMORY >> 20} MB")
    assert isinstance(other, Processed)

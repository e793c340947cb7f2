"""Selectors in an outlet's file: what they find goes before the general rules, and what they miss is left to them."""

import pytest

from crawlers.outlet import Selectors, load_outlets
from processing.article import Extracted
from processing.extract import extract
from processing.pool import Page, Processed, extract_many

S = "The harbour was closed on Monday because of a storm that had reached the coast overnight, the port authority said. "
HTML = f"""<html><head><title>Daily</title><meta name="author" content="Daily"><meta name="date" content="2026-01-01"></head><body>
<div class=kicker>Weather</div><div class=head>A storm closes the harbour</div>
<span class=who>By Ann Lee</span><span class=who>Bo Ek</span><span class=when>2026-02-03T10:00+01:00</span>
<div class=story><p>{S}One.</p><div class=also><p>{S}Also.</p></div><p>{S}Two.</p></div>
<div class=second><p>{S}Three.</p></div></body></html>""".encode()


def read(**selectors):
    found = extract(HTML, url="https://daily.example/a", selectors=Selectors(**selectors))
    assert isinstance(found, Extracted), found
    return found


def test_values():
    found = read(title="div.head", authors="span.who", published=".when", text=".story, .second", drop=(".also",))
    assert found.title == "A storm closes the harbour"
    assert found.authors == ("Ann Lee", "Bo Ek")
    assert found.published == "2026-02-03T10:00:00+01:00"
    assert [line[-6:].strip(" .").split()[-1] for line in found.text.split("\n")] == ["One", "Two", "Three"]


def test_what_selectors_miss_is_left_to_the_rules():
    plain = extract(HTML, url="https://daily.example/a")
    assert read(title="h7", authors=".nobody", published=".kicker", text="#none") == plain


def test_a_match_inside_a_match_is_read_once():
    assert read(text=".story, .story p").text.count("One.") == 1


def test_drop_alone():
    assert "Also." not in read(drop=(".also",)).text


def test_they_reach_the_worker_processes():
    page = Page("key", HTML, "https://daily.example/a", selectors=Selectors(title="div.head"))
    ((_, found),) = extract_many([page], workers=1, timeout=30)
    assert isinstance(found, Processed)
    assert found.page.title == "A storm closes the harbour"


OUTLET = """\
id: daily
name: Daily
country: gb
languages: [en]
kind: news
start: {feeds: [https://daily.example/rss]}
schedule: "*/15 * * * *"
expect: {per_day: [1, 50]}
extract:
"""


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("  title: h1[\n", "extract.title"),
        ("  body: article\n", "extract.body"),
        ("  drop: .also\n", "extract.drop"),
        ("  drop: [p, 'a[']\n", "extract.drop[1]"),
        ("  text: 7\n", "extract.text"),
    ],
)
def test_a_wrong_selector_is_named(tmp_path, lines, message):
    (tmp_path / "daily.yml").write_text(OUTLET + lines)
    (problem,) = load_outlets(tmp_path).problems
    assert "daily.yml:10" in problem
    assert message in problem


def test_an_outlet_with_selectors(tmp_path):
    (tmp_path / "daily.yml").write_text(OUTLET + "  text: div.story\n  drop: [.also, p.ad]\n")
    (outlet,) = load_outlets(tmp_path).outlets
    assert outlet.extract == Selectors(text="div.story", drop=(".also", "p.ad"))

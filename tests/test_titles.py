"""Which of a page's headlines is its title, and what is kept of the others."""

import json

import pytest

from processing import metadata
from processing.markup import parse
from processing.titles import titles

LONG = "A storm closes the harbour for two days"
OTHER = "Ferries stay in port as the wind grows"


def page(
    h1=None, shared=None, stated=None, document=None, site="Daily News", url="https://www.daily.example/a", **node
):
    node = {"@type": "NewsArticle", "headline": stated, **node} if stated else {}
    meta = {"og:title": shared, "og:site_name": site}
    head = "".join(f"<meta property='{name}' content=\"{value}\">" for name, value in meta.items() if value)
    head += f"<title>{document}</title>" if document else ""
    head += f'<script type="application/ld+json">{json.dumps(node)}</script>'
    heading = f"<h1>{h1}</h1>" if h1 else ""
    return metadata.gather(parse(f"<html><head>{head}</head><body>{heading}<p>Text</p></body></html>"), url)


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ({"h1": LONG}, LONG),
        ({"document": f"{LONG} | Daily News"}, LONG),
        ({"document": f"{LONG} - daily.example"}, LONG),
        ({"document": f"{LONG} - a matter of time"}, f"{LONG} - a matter of time"),
        ({"shared": f"{LONG} – Daily News"}, LONG),
        ({"shared": f"{LONG} | by Ann Lee", "stated": LONG}, LONG),
        ({"shared": f"{LONG} - news", "stated": f"{LONG} - news", "h1": LONG}, f"{LONG} - news"),
        ({"shared": LONG[:25] + "…", "stated": LONG}, LONG),
        ({"shared": LONG, "stated": LONG.upper(), "h1": LONG}, LONG),
        ({"h1": "Daily News", "document": LONG}, LONG),
        ({"stated": "&quot;Storm&quot; closes the harbour"}, '"Storm" closes the harbour'),
        ({}, None),
    ],
)
def test_title(given, title):
    assert titles(page(**given))[0] == title


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ({"shared": OTHER, "stated": LONG, "h1": LONG, "document": f"{LONG} | Daily News"}, OTHER),
        ({"shared": OTHER, "stated": LONG, "h1": LONG, "document": OTHER}, LONG),
        ({"shared": OTHER, "stated": LONG, "h1": OTHER, "document": OTHER}, LONG),
        ({"shared": OTHER, "stated": LONG}, LONG),
    ],
    ids=["only og differs", "title is og", "only JSON-LD differs", "nothing shown"],
)
def test_disagreement(given, title):
    chosen, others = titles(page(**given))
    assert chosen == title
    assert {chosen, *others} == {LONG, OTHER}


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ({"shared": f"Weather: {LONG}", "stated": LONG, "h1": LONG, "document": f"Weather: {LONG}"}, LONG),
        ({"shared": LONG, "stated": f"Weather: {LONG}", "h1": LONG, "document": f"Weather: {LONG}"}, LONG),
        ({"shared": LONG, "stated": LONG[:25], "h1": LONG, "document": LONG[:25]}, LONG),
        ({"shared": LONG[:25], "stated": f"{LONG} ...", "h1": LONG, "document": LONG}, f"{LONG} ..."),
        ({"shared": LONG, "stated": f"Weather: {LONG}", "h1": f"Weather: {LONG}"}, f"Weather: {LONG}"),
        ({"shared": OTHER, "stated": "Weather", "h1": "Weather", "document": "Weather"}, OTHER),
    ],
    ids=["kicker in og", "kicker in JSON-LD", "JSON-LD cut", "og cut without a sign", "kicker shown", "section"],
)
def test_where_one_headline_begins_or_ends_the_other_the_one_shown_is_taken(given, title):
    assert titles(page(**given))[0] == title


def test_a_shorter_headline_is_no_cut_of_one_that_ends_in_dots():
    chosen, others = titles(page(shared=LONG, stated=f"{LONG} and two nights ...", h1=f"{LONG} and two nights"))
    assert {chosen, *others} == {LONG, f"{LONG} and two nights ..."}


def test_the_other_titles():
    chosen, others = titles(page(shared=LONG, stated=LONG, h1=f"  {LONG} ", alternativeHeadline=[OTHER, LONG.upper()]))
    assert (chosen, others) == (LONG, (OTHER,))

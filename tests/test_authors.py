"""Whose names a page gives, in JSON-LD, `<meta>` and bylines."""

import json

import pytest

from processing import metadata
from processing.authors import authors, tidy
from processing.markup import parse

PARAGRAPH = (
    "<p>The harbour was closed on Monday because of a storm that had reached the coast overnight, they said there.</p>"
)


def page(stated=None, body="", graph=(), url="https://www.daily.example/a", **meta):
    node = [{"@type": "NewsArticle", "headline": "A storm", **({"author": stated} if stated else {})}, *graph]
    head = "".join(f'<meta name="{name.replace("__", ":")}" content="{value}">' for name, value in meta.items())
    head += '<meta property="og:site_name" content="Daily News">'
    head += f'<script type="application/ld+json">{json.dumps(node)}</script>'
    html = f"<html><head>{head}</head><body>{body}</body></html>"
    return metadata.gather(parse(html), url)


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("Ann Lee", ("Ann Lee",)),
        ("By Ann Lee", ("Ann Lee",)),
        ("Von Ann Lee und Bo Ek", ("Ann Lee", "Bo Ek")),
        ("Ann Lee, Bo Ek and Cy Fox", ("Ann Lee", "Bo Ek", "Cy Fox")),
        ("Ann Lee/Bo Ek", ("Ann Lee", "Bo Ek")),
        ("Ann Lee/AFP", ("Ann Lee", "AFP")),
        ("Ann Lee, Moscow correspondent", ("Ann Lee",)),
        ("Michael L. Anderson, PhD", ("Michael L. Anderson",)),
        ("Ursula von der Leyen", ("Ursula von der Leyen",)),
        ("Di Marco", ("Di Marco",)),
        ("AFP, MANILA", ("AFP, MANILA",)),
        ("Автор: Ольга Петрова", ("Ольга Петрова",)),
        ("Ann Lee (Reuters)", ("Ann Lee",)),
        ("Ann Lee ann@daily.example @annlee", ("Ann Lee",)),
        ("<a href='/x'>Ann Lee</a>", ("Ann Lee",)),
        ("ANN LEE; Ann Lee; ", ("ANN LEE", )),
        ("https://facebook.com/daily", ()),
        ("105092", ()),
        ("daily-admin_2", ()),
    ],
)  # fmt: skip
def test_names(given, names):
    assert tidy(given.split(";")) == names


@pytest.mark.parametrize(
    ("author", "names"),
    [
        ({"@type": "Person", "name": "Ann Lee", "jobTitle": "Editor"}, ("Ann Lee",)),
        ([{"name": "Ann Lee"}, {"name": "Bo Ek"}, {"name": "ann lee"}], ("Ann Lee", "Bo Ek")),
        ({"@type": "Person", "givenName": "Ann", "familyName": "Lee"}, ("Ann Lee",)),
        ({"@id": "#p"}, ("Cy Fox",)),
        ([{"name": "Ann Lee"}, {"@type": "Organization", "name": "Daily News"}], ("Ann Lee",)),
        ({"name": ["Ann Lee", "Bo Ek"]}, ("Ann Lee", "Bo Ek")),
        ({"@type": "Organization", "name": "Daily News"}, ("Daily News",)),
        ({"@type": "Organization", "name": "daily.is"}, ("daily.is",)),
        (7, ()),
    ],
    ids=str,
)
def test_json_ld(author, names):
    assert authors(page(author, graph=[{"@type": "Person", "@id": "#p", "name": "Cy Fox"}])) == names


def test_meta_where_json_ld_names_the_site():
    assert authors(page({"name": "Daily News"}, author="Ann Lee")) == ("Ann Lee",)
    assert authors(page(author="Daily (www.daily.example)", body="<p><b>Author</b> Ann Lee</p>")) == ("Ann Lee",)


def test_a_saved_page_is_of_the_site_it_names_as_its_own():
    saved = {"url": "http://unknown.invalid/page", "og__url": "https://www.daily.example/a"}
    assert authors(page({"name": "daily.example"}, author="Ann Lee", **saved)) == ("Ann Lee",)


@pytest.mark.parametrize(
    "body",
    [
        '<a rel="author" href="/ann">Ann Lee</a>',
        '<span itemprop="author">Ann Lee</span>',
        '<div class="article__byline">By Ann Lee</div>',
        '<ul id="authors"><li>Ann Lee</li></ul>',
        f"<p>Von Ann Lee</p>{PARAGRAPH}",
        f"<p>Storm at the coast. <i>Von Ann Lee </i></p>{PARAGRAPH}",
        f"<p>&nbsp;</p><p><strong>Ann Lee</strong></p>{PARAGRAPH}",
        "<ul><li><strong>Autorin/Autor</strong> Ann Lee</li></ul>",
    ],
    ids=lambda body: body[:30],
)
def test_bylines_where_only_the_site_is_named(body):
    assert authors(page({"name": "Daily News"}, body)) == ("Ann Lee",)


@pytest.mark.parametrize(
    "body",
    [
        '<aside><a rel="author" href="/ann">Ann Lee</a></aside>',
        '<div class="author">Twitter Facebook</div>',
        f"<p>Storm at the coast.</p>{PARAGRAPH}",
        f"<p>By far the worst storm in years</p>{PARAGRAPH}",
    ],
)
def test_what_is_no_byline(body):
    assert authors(page({"name": "Daily News"}, body)) == ("Daily News",)


def test_one_word_is_a_name_where_it_is_marked():
    assert authors(page(body='<a rel="author" href="/x">harbourmaster</a>')) == ("harbourmaster",)


def test_what_wordpress_says():
    labels = {"twitter__label1": "Verfasst von", "twitter__data1": "Ann Lee"}
    assert authors(page(author="a.lee@daily.example", **labels)) == ("Ann Lee",)

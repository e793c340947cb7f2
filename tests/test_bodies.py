"""Which parts of a page are its article: small pages, each in a structure that real outlets use."""

import pytest

from processing import bodies, metadata
from processing.blocks import MOST, drop_unread, read
from processing.extract import extract
from processing.markup import parse

P = [
    "The harbour was closed on Monday because of a storm that had reached the coast overnight, the port authority said.",
    "Ferries to the islands will not sail before Wednesday, and two hundred lorries are waiting at the gates since noon.",
    "Nobody was hurt, although the wind tore the roof off a warehouse in which fishermen keep their nets and their boats.",
    "The mayor asked people to stay at home until the morning and promised that the schools would open again on Thursday.",
]
LEAD = "Two hundred lorries wait at the gates while ferries stay in port, and the wind is not expected to drop soon."


def page(body, head=""):
    return f"<html><head><title>A storm | Daily</title>{head}</head><body>{body}</body></html>"


def text(body, head=""):
    tree = parse(page(body, head))
    return bodies.body(metadata.gather(tree, "https://daily.example/a"), "A storm closes the harbour")


def paragraphs(lines=P):
    return "".join(f"<p>{line}</p>" for line in lines)


def test_paragraphs_one_a_line():
    assert text(f"<nav><a href=/>Home</a></nav><article><h1>A storm</h1>{paragraphs()}</article>") == "\n".join(P)


@pytest.mark.parametrize(
    "addition",
    [
        f"<figure><img src=a.jpg><figcaption>{LEAD}</figcaption></figure>",
        f"<aside><p>{LEAD}</p></aside>",
        f'<div class="newsletter-signup"><p>{LEAD}</p></div>',
        f'<div class="article__related"><p>{LEAD}</p></div>',
        f'<p class="wp-caption-text">{LEAD}</p>',
        f"<p hidden>{LEAD}</p>",
        f'<div style="display: none"><p>{LEAD}</p></div>',
        "<p>Read also: <a href=/b>The storm that closed every harbour of the coast ten years ago</a></p>",
        "<ul><li><a href=/b>Storms of the past that nobody forgets</a></li><li><a href=/c>More about the port</a></li></ul>",
        '<div class="share">Share this article with your friends and family on all the networks that you like to use</div>',
        "<div><span>Photo: Ann Lee / Daily Pictures, the harbour on Monday morning before the storm came</span></div>",
        "<table><tr><td>Wind</td><td>32 knots</td></tr></table>",
        "<p>https://daily.example/some/very/long/address/that/nobody/reads/as/a/sentence/of/the/article</p>",
        "<h3>Most read</h3><ul><li><a href=/b>Storms of the past that nobody forgets</a></li></ul>",
    ],
    ids=lambda html: html[:25],
)
def test_additions_are_left_out(addition):
    body = f"<article>{paragraphs(P[:2])}{addition}{paragraphs(P[2:])}</article>"
    assert text(body).split("\n") == P


@pytest.mark.parametrize(
    ("addition", "line"),
    [
        ("<h2>Ferries stay in port</h2>", "Ferries stay in port"),
        (f"<blockquote><p>{LEAD}</p></blockquote>", LEAD),
        ("<ul><li>Ferries stay in port until Wednesday.</li></ul>", "Ferries stay in port until Wednesday."),
        (f'<p class="print:hidden hover:widget">{LEAD}</p>', LEAD),
        (f"<p><a href=/b>The report</a> of the authority says more. {LEAD}</p>", f"The report of the authority says more. {LEAD}"),
    ],
    ids=["heading", "quotation", "list", "utility classes", "link in a sentence"],
)  # fmt: skip
def test_what_belongs_to_it_is_kept(addition, line):
    lines = text(f"<article>{paragraphs(P[:2])}{addition}{paragraphs(P[2:])}</article>").split("\n")
    assert lines == [*P[:2], line, *P[2:]]


@pytest.mark.parametrize(
    ("header", "head"),
    [
        (f"<div class=x>{LEAD}</div>", f'<meta name="description" content="{LEAD}">'),
        (f"<div class=x>{LEAD}</div>", f'<meta property="og:description" content="{LEAD[:80]}…">'),
        (f"<div class=x>Coast. {LEAD}</div>", f'<meta name="description" content="{LEAD}">'),
        (f'<p class="article__standfirst">{LEAD}</p>', ""),
        (f'<h2 class="subtitle">{LEAD}</h2>', ""),
    ],
    ids=["described", "cut", "with a place", "named", "heading"],
)
def test_the_standfirst_comes_first(header, head):
    body = f"<header><h1>A storm closes the harbour</h1>{header}</header><div><div>{paragraphs()}</div></div>"
    first, *rest = text(body, head).split("\n")
    assert first.endswith(LEAD)
    assert rest == P


def test_a_caption_is_no_standfirst():
    body = f"<h1>A storm</h1><figure><figcaption class=lead>{LEAD}</figcaption></figure><div>{paragraphs()}</div>"
    assert text(body).split("\n") == P


def test_a_standfirst_is_not_repeated():
    head = f'<meta name="description" content="{P[0]}">'
    assert text(f"<h1>A storm</h1><div>{paragraphs()}</div>", head).split("\n") == P


def test_chunks_with_advertisements_between_are_one_text():
    chunk = '<div class="grid"><div class="body">{}</div></div><div class="ad"><p>Advertisement</p></div>'
    body = "".join(chunk.format(f"<p>{line}</p><p>{line[::-1]}</p>") for line in P)
    assert [line for line in text(f"<main>{body}</main>").split("\n") if line in P] == P


def test_the_title_in_the_body_is_left_out():
    assert text(f"<article><h2>A storm closes the harbour</h2>{paragraphs()}</article>").split("\n") == P


def test_the_text_in_one_piece_behind_itself_is_left_out():
    lines = [f"{number}. {line}" for number in range(3) for line in P]
    assert text(f"<article>{paragraphs(lines)}<div>{' '.join(lines)}</div></article>").split("\n") == lines


def test_a_layout_table_is_read():
    assert text(f"<table><tr><td>Menu</td><td>{paragraphs()}</td></tr></table>").split("\n") == P


def test_line_breaks_make_paragraphs():
    lines = text(f"<article><div>{'<br><br>'.join(P)}</div></article>").split("\n")
    assert lines == P


def test_what_a_page_states_helps_out():
    stated = "\\n".join(P * 3)
    head = (
        f'<script type="application/ld+json">{{"@type":"NewsArticle","headline":"x","articleBody":"{stated}"}}</script>'
    )
    assert P[3] in text(f"<div><p>{P[0]}</p></div>", head)


def test_a_page_without_text():
    assert text("<p>Nothing</p>").strip() in {"", "Nothing"}


def test_pages_of_any_size_are_read_without_trafilatura(monkeypatch):
    monkeypatch.setattr(bodies, "MOST_ELEMENTS", 3)
    assert text(f"<article>{paragraphs()}</article>").split("\n") == P


def test_blocks():
    tree = parse(
        "<html><body><div>One <b>two</b><p>Three <a href=x>four</a></p>five<!-- six --> seven<br>eight</div></body></html>"
    )
    drop_unread(tree)
    assert [(block.text, block.linked) for block in read(tree)] == [
        ("One two", 0),
        ("Three four", 4),
        ("five seven eight", 0),
    ]


def test_the_number_of_blocks_is_bounded():
    tree = parse("<html><body>" + "<p>x</p>" * (MOST + 500))
    assert len(read(tree)) == MOST


@pytest.mark.parametrize(
    "body",
    [
        "<p>Ann Lee</p>" * 20_000 + f"<p>{P[0] * 3}</p>",
        "".join(f"<p>By {number} {P[0]}</p>" for number in range(15_000)),
        "<div class=a>" * 200 + f"<p>{P[0] * 3}</p>" + "</div>" * 200,
    ],
    ids=["names", "bylines", "depth"],
)
def test_odd_pages_have_an_answer(body):
    assert extract(page(body).encode(), url="https://daily.example/a")

"""Pages we wrote in the structure of real ones, each with what must be found in it, and bytes that are no pages at all."""

import gzip
import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from processing.article import Extracted
from processing.dates import read_time
from processing.extract import LARGEST_PAGE, LONGEST_TEXT, Rejected, extract
from processing.markup import decode, web_address
from processing.outcomes import ProcessingOutcome

PAGES = Path(__file__).parent / "fixtures" / "pages"
EXPECTED = json.loads((PAGES / "expected.json").read_text(encoding="utf-8"))
ARTICLES = sorted(name for name, case in EXPECTED.items() if "expected" in case)
SHARED = Path(__file__).parents[2] / "shared" / "data" / "articles" / "fundus"

SENTENCE = "The harbour was closed on Monday because of a storm that had reached the coast overnight. "


def read(name, **options):
    return extract((PAGES / f"{name}.html").read_bytes(), url=EXPECTED[name]["url"], **options)


def page(body, head=""):
    return f"<!DOCTYPE html><html><head><meta charset='utf-8'>{head}</head><body>{body}</body></html>".encode(
        "utf-8", "surrogatepass"
    )


def test_every_page_has_an_expectation():
    assert {path.stem for path in PAGES.glob("*.html")} == set(EXPECTED)


@pytest.mark.parametrize("name", ARTICLES)
def test_article(name):
    case, found = EXPECTED[name], read(name)
    assert isinstance(found, Extracted), found
    for key, value in case["expected"].items():
        actual = getattr(found, key)
        assert (list(actual) if isinstance(actual, tuple) else actual) == value, key
    assert found.text.startswith(case["begins"])
    assert found.text.endswith(case["ends"])
    assert not [words for words in case["without"] if words in found.text]


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - set(ARTICLES)))
def test_page_without_article(name):
    found = read(name)
    assert isinstance(found, Rejected), found
    assert found.outcome == EXPECTED[name]["outcome"]
    assert found.detail


def test_values_fit_the_index():
    found = read("hostile")
    assert len(found.tags) <= 100
    assert len(found.section) <= 200
    assert found.published is None or found.published < "2030"
    json.dumps(found.__dict__).encode()


@pytest.mark.parametrize(
    "image",
    [
        '<img itemprop="image" src="/storm.jpg">',
        '<meta itemprop="image" content="https://a.example/storm.jpg">',
        '<div itemprop="image" itemscope><img src="/small.jpg"><meta itemprop="url" content="/storm.jpg"></div>',
    ],
)
def test_what_only_microdata_say(image):
    body = (
        '<article itemscope itemtype="https://schema.org/NewsArticle"><h1 itemprop="headline">Storm closes the harbour</h1>'
        '<meta itemprop="articleSection" content="Local"><span itemprop="author">Ann Lee</span>'
        '<time itemprop="datePublished" datetime="2026-03-02T08:00:00+01:00">2 March</time>'
        f'<time itemprop="dateModified" datetime="2026-03-02T09:30:00+01:00">today</time>{image}'
        f"<p>{SENTENCE * 2}</p><p>{SENTENCE * 3}</p></article>"
    )
    found = extract(page(body), url="https://a.example/x")
    assert isinstance(found, Extracted)
    assert (found.title, found.section, found.authors) == ("Storm closes the harbour", "Local", ("Ann Lee",))
    assert (found.published, found.updated) == ("2026-03-02T08:00:00+01:00", "2026-03-02T09:30:00+01:00")
    assert found.image == "https://a.example/storm.jpg"


@pytest.mark.parametrize(
    ("other", "published"),
    [
        ('<ol class="comment-list"><li><article id="comment-7"><time datetime="2026-05-01T09:00:00Z">', "2026-03-02"),
        ('<ul class="related-posts"><li><article><time datetime="2020-12-03 07:32:49">', "2026-03-02"),
        ('<div class="post-meta"><time datetime="2026-02-01T09:00:00Z">', "2026-02-01T09:00:00+00:00"),
    ],
    ids=["comment", "related", "its own"],
)
def test_the_time_of_a_comment_or_of_another_article_is_not_taken(other, published):
    closing = "</time></article></li></ol>" if "<li>" in other else "</time></div>"
    body = f"<main>{other}x{closing}<article><p class='date'>Published on 2 March 2026</p><p>{SENTENCE * 3}</p></article></main>"
    found = extract(page(body), url="https://a.example/x")
    assert isinstance(found, Extracted)
    assert found.published == published


@pytest.mark.parametrize(
    "html",
    [
        b"",
        b"\0" * 5000,
        b"%PDF-1.7\n" + bytes(range(256)) * 20,
        gzip.compress(b"<html><body><p>packed</p></body></html>" * 50),
        b'{"json": "data"}',
        b"plain words without any markup",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50,
    ],
    ids=["empty", "zeros", "pdf", "gzip", "json", "words", "png"],
)
def test_not_html(html):
    assert extract(html, url="https://a.example/x").outcome == ProcessingOutcome.NOT_HTML


def test_the_type_in_the_header_counts():
    assert read("graph", content_type="application/pdf").outcome == ProcessingOutcome.NOT_HTML
    assert isinstance(read("graph", content_type="text/html; charset=utf-8"), Extracted)


@pytest.mark.parametrize("seed", range(30))
def test_random_bytes_never_raise(seed):
    draw = random.Random(seed)
    noise = draw.randbytes(draw.randrange(1, 20_000))
    assert isinstance(extract(noise, url="https://a.example/x"), Rejected)
    assert isinstance(extract(b"<html><body><p>" + noise + b"</p>", url="https://a.example/x"), Rejected | Extracted)


@pytest.mark.parametrize("seed", range(30))
def test_damaged_pages_never_raise(seed):
    draw = random.Random(seed)
    html = bytearray((PAGES / f"{draw.choice(sorted(EXPECTED))}.html").read_bytes())
    for _ in range(draw.randrange(1, 60)):
        place = draw.randrange(len(html))
        html[place : place + draw.randrange(5)] = draw.randbytes(draw.randrange(5))
    found = extract(bytes(html), url="https://a.example/x")
    json.dumps(found.__dict__, ensure_ascii=False).encode()


@pytest.mark.parametrize("tag", ["div", "b", "table", "blockquote", "ul><li", "span"])
def test_deep_nesting(tag):
    opening = f"<{tag}>" * 200_000
    found = extract(page(opening + SENTENCE * 5), url="https://a.example/x")
    assert isinstance(found, Rejected | Extracted)


def test_deep_json():
    head = f'<script type="application/ld+json">{"[" * 100_000}</script>'
    found = extract(page(f"<article><p>{SENTENCE * 5}</p></article>", head), url="https://a.example/x")
    assert isinstance(found, Extracted)
    assert found.text.startswith("The harbour was closed")


def test_characters_no_index_takes_are_gone():
    text = SENTENCE.replace("harbour", "har\u00adbour") + "\x00\x07\ud800\ufffe\ufeff" + SENTENCE
    found = extract(
        page(f"<article><h1>A\x01 title</h1><p>{text}</p><p>&#55296; &#0; &#xFFFF; end</p></article>"),
        url="https://a.example/x",
    )
    assert isinstance(found, Extracted)
    assert found.title == "A title"
    assert "harbour" in found.text
    assert not set("\x00\x01\x07\ud800\ufffe\uffff\ufeff\u00ad") & set(found.text)
    found.text.encode("utf-8")


def test_sizes_are_bounded():
    long = f"<article><p>{'</p><p>'.join(str(number) + ' ' + SENTENCE for number in range(13_000))}</p></article>"
    found = extract(page(long, f"<title>{'t' * 5000}</title>"), url="https://a.example/x")
    assert isinstance(found, Extracted)
    assert len(found.text) <= LONGEST_TEXT
    assert len(found.title) == 1000
    assert (
        extract(b"<html>" + b"x" * LARGEST_PAGE, url="https://a.example/x").outcome == ProcessingOutcome.EXTRACT_FAILED
    )


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("koi8-r", "Привет, мир. Сегодня в городе открыли мост."),
        ("shift_jis", "今日は天気がいいですね"),
        ("iso-2022-jp", "今日は天気がいいですね"),
        ("utf-16", "Ünïcode 今日"),
        ("utf-8-sig", "Grüße"),
    ],
)
def test_declared_encodings(encoding, text):
    name = encoding.removesuffix("-sig")
    html = f'<html><head><meta charset="{name}"></head><body>{text}</body></html>'.encode(encoding)
    assert text in decode(html)
    assert text in decode(html, f"text/html; charset={name}")


def test_utf8_is_believed_before_any_declaration():
    html = '<html><head><meta charset="iso-8859-1"></head><body>Grüße aus Köln, schöne Straße</body></html>'.encode()
    assert "Grüße aus Köln" in decode(html, "text/html; charset=windows-1251")
    cut = html + "й".encode()[:1]
    assert "Grüße aus Köln" in decode(cut)


def test_windows_1251_is_recognised_undeclared_and_declared_as_utf8():
    words = "Сегодня в городе открыли новый мост через реку, и жители очень этому рады. " * 5
    for head in ("", '<meta charset="utf-8">'):
        assert words in decode(
            f"<html><head>{head}</head><body><p>{words}</p></body></html>".encode("windows-1251"), None
        )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-05-03T15:47:42Z", "2024-05-03T15:47:42+00:00"),
        ("2024-05-03 15:47:42 +0200", "2024-05-03T15:47:42+02:00"),
        ("2024-05-03T15:47+02:00", "2024-05-03T15:47:00+02:00"),
        ("2024-05-03T15:47:42.389Z[UTC]", "2024-05-03T15:47:42+00:00"),
        ("2024-05-03", "2024-05-03"),
        ("Fri, 03 May 2024 15:47:42 +0200", "2024-05-03T15:47:42+02:00"),
        ("yesterday", None),
        ("2024-02-30", None),
        ("0001-01-01T00:00:00Z", None),
        ("", None),
    ],
)
def test_read_time(text, expected):
    assert read_time(text) == expected


def test_no_time_from_the_future():
    now = datetime.now(UTC)
    assert read_time((now + timedelta(days=30)).isoformat()) is None
    assert read_time(now.isoformat()) is not None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/a/b?c=d#e", "https://site.example/a/b?c=d"),
        ("//cdn.example/x.jpg", "https://cdn.example/x.jpg"),
        ("javascript:alert(1)", None),
        ("https://user:word@site.example/", None),
        ("http://[broken/", None),
        ("https://a.example:99999/", None),
        ("https://a.example/" + "x" * 3000, None),
        (["https://a.example/"], None),
        (None, None),
    ],
)
def test_web_address(value, expected):
    assert web_address(value, "https://site.example/news/") == expected


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the evaluation data is not beside this checkout")
def test_no_real_article_is_rejected():
    with gzip.open(SHARED / "truth.jsonl.gz", "rt", encoding="utf-8") as lines:
        truths = [json.loads(line) for line in lines]
    for truth in truths:
        html = gzip.decompress((SHARED / "pages" / f"{truth['id']}.html.gz").read_bytes())
        found = extract(html, url=truth["url"])
        assert isinstance(found, Extracted), (truth["id"], found)
        assert found.title, truth["id"]
        assert found.published or not truth["published"], truth["id"]

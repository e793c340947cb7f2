"""Each golden page gives what a person read on it: the outlets' and, in `fixtures/pages`, other odd structures.

The single files in `fixtures/pages` are read in test_extract.py.
"""

import datetime as dt
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from golden import OUTLETS, Golden, golden_pages

from crawlers.outlet import Selectors, load_outlets
from processing.article import Extracted
from processing.language import detect

HERE = Path(__file__).parent
GOLDEN = {page.name: page for page in golden_pages()}
SELECTORS = {outlet.id: outlet.extract for outlet in load_outlets(HERE.parent / "crawlers" / "outlets").outlets}
FIELDS = (
    "title",
    "authors",
    "published",
    "updated",
    "canonical_url",
    "amp_url",
    "image",
    "section",
    "declared_language",
    "live_blog",
    "paywall",
)

# What our extraction still gets wrong on these pages; most of it was seen on the real ones they were made from, too.
FAULTS = {
    ("aftonbladet", "without"): "the line with the times of publication is taken for text",
    ("dw_de", "published"): "the day in a picture's caption is taken before that in the page's title",
    ("faz", "without"): "a caption that ends in `Bild: …` is taken for text",
    ("live-blog-entries", "text"): "an entry's heading that its data repeat is left out",
    ("orf", "title"): "the section before the headline's colon, in og:title and JSON-LD, is not taken off",
    ("paywall-zeit", "without"): "an agency's copyright line is taken for text",
    ("peoples_daily", "without"): "a share button's label is taken for text",
    ("politifact", "published"): "another day than that of the byline is taken",
    ("politifact", "text"): "subheadings in a `div` are left out",
    ("rzeczpospolita", "text"): "the paragraph below the paywall's edge is left out",
    ("rzeczpospolita", "without"): "leads of teasers are taken for text",
    ("snopes", "text"): "the rating of a fact check is left out",
}


def cases() -> list[Any]:
    named = [
        (name, field)
        for name, page in GOLDEN.items()
        for field in (*FIELDS, "text", "without", "language")
        if field in page.expected
    ]
    return [
        pytest.param(
            *case,
            id="-".join(case),
            marks=[pytest.mark.xfail(strict=True, reason=FAULTS[case])] if case in FAULTS else [],
        )
        for case in named
    ]


@cache
def found(name: str) -> Extracted:
    page = GOLDEN[name].read(SELECTORS.get(name))
    assert isinstance(page, Extracted), page
    return page


def test_there_are_enough_of_them_in_many_languages() -> None:
    alone = json.loads((HERE / "fixtures" / "pages" / "expected.json").read_text(encoding="utf-8"))
    assert len(GOLDEN) + len(alone) >= 34
    assert len({page.expected["language"] for page in GOLDEN.values()}) >= 17


@pytest.mark.parametrize("name", GOLDEN)
def test_a_person_has_read_it(name: str) -> None:
    page = GOLDEN[name]
    assert page.expected["read"], f"{page.folder}: read expected.json beside page.html, then put the day into `read`"
    assert dt.date.fromisoformat(page.expected["read"])
    assert (page.folder / "page.html").stat().st_size < 64_000, "nobody reads so long a page; make a shorter one"


@pytest.mark.parametrize(("name", "field"), cases())
def test_field(name: str, field: str) -> None:
    expected, page = GOLDEN[name].expected[field], found(name)
    if field == "text":
        assert missing(expected, page.text) == []
    elif field == "without":
        assert [words for words in expected if words in flat(page.text)] == []
    elif field == "language":
        assert detect(page.text, declared=page.declared_language).code == expected
    elif field in {"published", "updated"}:
        assert same_time(getattr(page, field), expected), (getattr(page, field), expected)
    else:
        value = getattr(page, field)
        assert (list(value) if isinstance(value, tuple) else value) == expected


def missing(paragraphs: list[str], text: str) -> list[str]:
    """The paragraphs that the text has not, or not in their order."""
    rest, left_out = flat(text), []
    for paragraph in map(flat, paragraphs):
        before, there, after = rest.partition(paragraph)
        left_out += [] if there else [paragraph]
        rest = after if there else before
    return left_out


def flat(text: str) -> str:
    return " ".join(text.split())


def same_time(one: str | None, other: str | None) -> bool:
    """The same moment; where one of them names no zone, the same on the clock."""
    if one is None or other is None:
        return one is other
    times = [dt.datetime.fromisoformat(text) for text in (one, other)]
    if any(time.tzinfo is None for time in times):
        times = [time.replace(tzinfo=None) for time in times]
    return (times[0] == times[1] and len(one) > 10) or one == other


def test_no_fault_is_listed_that_has_no_case() -> None:
    assert FAULTS.keys() <= {(name, field) for name, page in GOLDEN.items() for field in page.expected}


PAGE = """<!DOCTYPE html><html lang="en"><head><title>Mayor Wilhelmina Ostrander opens clock museum – Tidewater Post</title>
<meta property="og:title" content="Mayor Wilhelmina Ostrander opens clock museum"><meta property="og:site_name" content="Tidewater Post">
<link rel="canonical" href="https://tidewater.example/local/mayor-wilhelmina-ostrander-opens-clock-museum-48213">
<script type="application/ld+json">{"@type":"NewsArticle","headline":"Mayor Wilhelmina Ostrander opens clock museum",
"datePublished":"2024-05-03T15:47:42+02:00","author":{"@type":"Person","name":"Barnaby Quillfeather"}}</script>
<script>var secret = "tracked";</script></head><body><nav><a href="/local">Local</a></nav>
<article class="story" id="mayor-wilhelmina-ostrander-opens-clock-museum"><h1>Mayor Wilhelmina Ostrander opens clock museum</h1>
<p class="byline">By <a href="/staff/barnaby-quillfeather">Barnaby Quillfeather</a>, May 3, 2024</p>
<p>The town has never had so many clocks under one roof as it has since Friday afternoon.</p>
<p>“They all strike at once,” said <b>Wilhelmina Ostrander</b>, who opened the door with a golden key.</p></article>
<aside name="why the bakers of Plumstead"><p class="teaser">Read next: why the bakers of Plumstead refuse to sell their famous seven-cornered loaf</p></aside></body></html>"""
TRUTH = {
    "title": "Mayor Wilhelmina Ostrander opens clock museum",
    "authors": ["Barnaby Quillfeather"],
    "published": "2024-05-03T15:47:42+02:00",
    "language": "en",
    "text": "The town has never had so many clocks under one roof as it has since Friday afternoon.\n"
    "“They all strike at once,” said Wilhelmina Ostrander, who opened the door with a golden key.",
}


def record(folder: Path, page: str, truth: dict[str, Any]) -> "subprocess.CompletedProcess[str]":
    (folder / "saved.html").write_text(page, encoding="utf-8")
    (folder / "truth.json").write_text(json.dumps(truth), encoding="utf-8")
    url = "https://tidewater.example/local/mayor-wilhelmina-ostrander-opens-clock-museum-48213"
    command = [sys.executable, HERE / "record_page.py", folder / "saved.html", url, "--outlet", "tidewater"]
    options = ["--truth", folder / "truth.json", "--into", folder / "made"]
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False)


def test_recording_keeps_structure_and_no_word(tmp_path: Path) -> None:
    done = record(tmp_path, PAGE, TRUTH)
    assert done.returncode == 0, done.stderr
    first = (tmp_path / "made" / "page.html").read_bytes()
    record(tmp_path, PAGE, TRUTH)
    assert (tmp_path / "made" / "page.html").read_bytes() == first  # always the same inventions
    made = Golden(tmp_path / "made")
    html = (made.folder / "page.html").read_text(encoding="utf-8")
    for kept in (
        'class="story"',
        'class="byline"',
        'class="teaser"',
        '"@type": "NewsArticle"',
        "Tidewater Post",
        "By ",
    ):
        assert kept in html
    for gone in (
        "Wilhelmina",
        "wilhelmina",
        "Ostrander",
        "Quillfeather",
        "quillfeather",
        "clock",
        "2024",
        "tracked",
        "loaf",
        "Plumstead",
    ):
        assert gone not in html
    page = made.read()
    assert isinstance(page, Extracted)
    assert page.title == made.expected["title"]
    assert html.count(made.expected["title"]) == 4  # <title>, og:title, JSON-LD and <h1> said the same, and do
    assert list(page.authors) == made.expected["authors"]
    assert page.published == made.expected["published"]
    assert len(made.expected["text"]) == 2
    assert missing(made.expected["text"], page.text) == []
    assert made.expected["read"] is None


@pytest.mark.parametrize(
    ("hidden", "named"),
    [
        ('<p role="barnaby">', "'barnaby' in 'barnaby'"),
        ('<meta name="generator" content="of the bakers of plumstead">', "'the bakers of plumstead'"),
    ],
)
def test_recording_refuses_what_still_has_the_original(tmp_path: Path, hidden: str, named: str) -> None:
    done = record(tmp_path, PAGE.replace("<aside", f"{hidden}<aside"), TRUTH)
    assert done.returncode == 1
    assert "the original is still in it; nothing was written" in done.stderr
    assert named in done.stderr
    assert not (tmp_path / "made").exists()


def test_pages_of_outlets_stand_beside_those_of_structures() -> None:
    assert {page.name for page in GOLDEN.values() if page.folder.parent == OUTLETS} <= SELECTORS.keys()
    assert all(isinstance(value, Selectors | None) for value in SELECTORS.values())

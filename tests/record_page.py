"""Make a golden page from a real one: its structure stays, every word, name, date and address in it is invented.

    python tests/record_page.py page.html https://outlet.example/news/1 --outlet ID --truth truth.json

page.html (or .html.gz) is the page as it was saved. truth.json says what stands on it, as a person read it:
{"title": ..., "text": "paragraph\\nparagraph", "authors": [...], "published": "2024-05-03T15:47:42+02:00", "language": "de"}.
Writes `page.html` and `expected.json` to tests/fixtures/outlets/ID (or --into FOLDER). The expectation is what became of
the truth's title, names, date and paragraphs; nothing of it comes from our own extraction. Then read both by eye, correct
expected.json where the truth was wrong, and write the day you did so into "read": until then the tests refuse the page.

Refuses to write a page in which four words in a row, or twelve Chinese or Japanese characters, of the original are left.
"""

import argparse
import datetime as dt
import gzip
import hashlib
import json
import random
import re
from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from functools import reduce
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import lxml.html
import tldextract
import yaml
from lxml.html import HtmlElement
from record_leaks import grams, leaks, words
from record_markup import Block, line, prune, strip, texts
from record_rewrite import rewrite
from record_text import Facts, Rewriter, plain
from record_words import Words
from w3lib.encoding import html_body_declared_encoding

from processing.markup import decode, is_html

FIXTURES = Path(__file__).parent / "fixtures"
OUTLETS = Path(__file__).parents[1] / "crawlers" / "outlets"
LARGEST = 40_000  # characters: what a person can still read
SIZES = [(4, 12), (3, 10), (2, 9), (2, 7), (1, 7), (1, 5), (1, 4), (1, 3)]
"""Siblings and paragraphs left, tried in this order until the page is small enough."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("url")
    parser.add_argument("--outlet", required=True, help="id of a shipped outlet, or any name together with --into")
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--into", type=Path, help="folder for page.html and expected.json")
    parser.add_argument(
        "--language", help="of the invented text, for another edition of the same site; otherwise that of the truth"
    )
    arguments = parser.parse_args()
    raw = arguments.page.read_bytes()
    html = gzip.decompress(raw) if arguments.page.suffix == ".gz" else raw
    truth = json.loads(arguments.truth.read_text(encoding="utf-8"))
    if arguments.language:
        html = html.replace(*(f'lang="{code}'.encode() for code in (truth["language"], arguments.language)))
        truth["language"] = arguments.language
    page, expected = record(html, arguments.url, arguments.outlet, truth)
    folder = arguments.into or FIXTURES / "outlets" / arguments.outlet
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page.html").write_bytes(page)
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(f"{folder}: {len(page):,} bytes, {len(expected['text'])} paragraphs. Now read both files.")


def record(html: bytes, url: str, outlet: str, truth: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    """The made page and what is to be found in it."""
    if not is_html(html, None):
        raise SystemExit("the file is no HTML page")
    text = decode(html)
    tree = lxml.html.document_fromstring(
        text.encode("utf-8", "replace"), parser=lxml.html.HTMLParser(encoding="utf-8", huge_tree=True)
    )
    original = [*texts(tree, prose=True), truth["title"] or "", *truth["text"].split("\n")]
    strip(tree)
    forbidden = set[tuple[str, ...]]().union(*map(grams, original))
    facts = own = _own_names(tree, outlet) | set(truth.get("site_names", ()))
    facts = _facts(url, outlet, truth, own)
    for siblings, paragraphs in SIZES:
        copy = deepcopy(tree)
        prune(copy, _position(truth["text"]), siblings, paragraphs)
        new = Rewriter(Words(truth["language"], outlet, forbidden), facts)
        expected = _expected(copy, url, truth, new)
        made = _serialised(copy, text)
        if len(made) <= LARGEST:
            break
    names = [name for name in truth["authors"] or () if plain(name) not in facts.outlet]
    if found := leaks(_without(own, texts(copy)), original, names):
        raise SystemExit("the original is still in it; nothing was written:\n  " + "\n  ".join(found))
    _show_shared(copy, original, new)
    return made.encode(_charset(html), "xmlcharrefreplace"), expected


def _own_names(tree: HtmlElement, outlet: str) -> set[str]:
    """What the outlet calls itself: in its file and in its pages."""
    names = {meta.get("content", "") for meta in tree.iter("meta") if meta.get("property") == "og:site_name"}
    path = OUTLETS / f"{outlet}.yml"
    if path.exists():
        name = yaml.safe_load(path.read_text(encoding="utf-8"))["name"]
        names |= {name, name.partition(" (")[0]}
    return {plain(name) for name in names if 0 < len(name) <= 40}


def _without(names: set[str], said: Iterable[str]) -> Iterator[str]:
    for text in said:
        yield reduce(lambda left, name: left.replace(name, ""), names, text)


def _facts(url: str, outlet: str, truth: dict[str, Any], own: set[str]) -> Facts:
    published = dt.datetime.fromisoformat(truth["published"] or "2024-01-01")
    chance = random.Random(hashlib.sha256(url.encode()).digest())
    invented = dt.date(2021, 1, 1) + dt.timedelta(days=chance.randrange(1000))
    site = tldextract.TLDExtract(suffix_list_urls=())(url).top_domain_under_public_suffix or urlsplit(url).netloc
    return Facts(
        truth["title"] or "",
        tuple(truth["authors"] or ()),
        tuple(sorted(own)),
        site,
        tuple(urlsplit(url).path.split("/")[:-1]),
        published.year,
        (invented - published.date()).days,
    )


def _position(text: str) -> Callable[[Block], int | None]:
    """Where a line of the page stands in the article; spaces do not count, for pages and truths place them differently.

    What is but a small part of a paragraph is something else: a tag, a quotation put in large letters. (Some truths are
    all one line, though.)
    """
    starts = dict[str, int]()
    for paragraph in text.split("\n"):
        starts.setdefault(_dense(paragraph), sum(map(len, starts)))

    def position(block: Block) -> int | None:
        said = _dense(line(block))
        if not said or (len(said) < 60 and all(node[0].tag == "a" for node in block if plain(getattr(*node)))):
            return None
        if said in starts:
            return starts[said]
        for paragraph, start in starts.items():
            least = 8 if len(paragraph) > 2000 else min(60, max(20, len(paragraph) / 4))
            if len(said) >= least and said in paragraph:
                return start + paragraph.index(said)
        return None

    return position


def _dense(text: str) -> str:
    return re.sub(r"\s+", "", plain(text))


def _expected(tree: HtmlElement, url: str, truth: dict[str, Any], new: Rewriter) -> dict[str, Any]:
    """Replace the page's texts; what the truth's became is expected."""
    body, others = rewrite(tree, new, _position(truth["text"]))
    return {
        "read": None,
        "url": new.url(url),
        "title": new.memory.get(plain(truth["title"] or "")),
        "authors": [new.memory[plain(name)] for name in truth["authors"] or ()],
        "published": _time(new.date(truth["published"])) if truth["published"] else None,
        "updated": _time(_updated(tree)),
        "canonical_url": next((link.get("href") for link in tree.iter("link") if link.get("rel") == "canonical"), None),
        "image": next((meta.get("content") for meta in tree.iter("meta") if meta.get("property") == "og:image"), None),
        "language": truth["language"],
        "text": body,
        "without": [text for text in others if len(text) >= 40 and text not in body][:20],
    }


def _updated(tree: HtmlElement) -> str | None:
    said = [re.search(r'"dateModified": "([^"]+)"', script.text or "") for script in tree.iter("script")]
    metas = [meta.get("content") for meta in tree.iter("meta") if meta.get("property") == "article:modified_time"]
    return next((found[1] for found in said if found), next(iter(metas), None))


def _time(said: str | None) -> str | None:
    """To the second; a day alone where there is no time, and what is no time as it is, for a person to mend."""
    try:
        time = dt.datetime.fromisoformat(re.sub(r" (?=[+-]\d\d:)", "", said or "")).replace(microsecond=0)
    except ValueError:
        return said
    return time.date().isoformat() if time.time() == dt.time() and time.tzinfo is None else time.isoformat()


def _serialised(tree: HtmlElement, original: str) -> str:
    page = lxml.html.tostring(
        tree,
        encoding="unicode",
        include_meta_content_type=True,
        doctype="<!DOCTYPE html>" if "<!doctype" in original[:500].lower() else None,
    )
    return re.sub(r"[ \t]*\n\s*", "\n", page) + "\n"


def _charset(html: bytes) -> str:
    """That of the page, when what it declares is what it is."""
    declared = html_body_declared_encoding(html[:4096]) or "utf-8"
    try:
        html.decode(declared)
    except (LookupError, UnicodeDecodeError):
        return "utf-8"
    return declared


def _show_shared(made: HtmlElement, original: list[str], new: Rewriter) -> None:
    """Single words that both pages have and that neither markup nor our stock explains, for the person who looks."""
    ours = words(" ".join(new.memory.values())) | words(" ".join((*new.facts.outlet, new.facts.site)))
    shared = {
        word
        for word in words(" ".join(texts(made))) & words(" ".join(original)) - ours
        if len(word) > 4 and not word.isdigit()
    }
    print("words of both pages:", " ".join(sorted(shared)))


if __name__ == "__main__":
    main()

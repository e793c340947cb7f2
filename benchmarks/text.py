"""Text, title, date and authors of real pages: ours beside trafilatura's default and newspaper4k, in the same run.

    python benchmarks/text.py --data DIR [--workers N] [--only NAME] [--worst N] [--misses FIELD] [--no-peers]

DIR holds `fundus/`, `scrapinghub/` and `trafilatura/`, each with `truth.jsonl.gz` and `pages/<id>.html.gz`; those that are
not there are left out. Text is scored by 4-grams of words (the measure of the article-extraction-benchmark), averaged over
pages, with a 95 % interval by bootstrap; on `trafilatura`, whose truth are snippets, by whether they are found or left out,
over all snippets, as trafilatura's own evaluation does. Titles must be equal but for white space; dates are compared as days in
the truth's own time zone; authors as sets of names, upper and lower case alike. `half 0` and `half 1` split the pages by a hash
of their id: a rule that was chosen on one must hold on the other. Where a truth can be argued with: `benchmarks/notes_text.md`.
"""

import argparse
import gzip
import hashlib
import json
import random
import re
import time
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table
from trafilatura import bare_extraction

from processing.article import Extracted
from processing.extract import Rejected, extract
from processing.markup import decode

CORPORA = ("fundus", "scrapinghub", "trafilatura")
_WORD = re.compile(r"\w+")
_DRAWS = 1000  # of the bootstrap
_WRONG = 0.98  # F1 below which a page is listed as missed


@dataclass(frozen=True)
class Page:
    """One page's findings, whichever extractor made them."""

    title: str | None
    text: str
    authors: tuple[str, ...]
    published: str | None


def ours(html: bytes, url: str) -> Page | Rejected:
    found = extract(html, url=url)
    if isinstance(found, Extracted):
        return Page(found.title, found.text, found.authors, found.published)
    return found


def trafilatura_default(html: bytes, url: str) -> Page | Rejected:
    document = bare_extraction(html, url=url, with_metadata=True, include_comments=False)
    if document is None:
        return Rejected("no_text", "trafilatura found nothing")
    authors = tuple(name.strip() for name in (document.author or "").split(";") if name.strip())
    return Page(document.title, document.text or "", authors, document.date)


def newspaper4k(html: bytes, url: str) -> Page | Rejected:
    """With the language the page declares; as English where newspaper4k would want another package or its data."""
    warnings.simplefilter("ignore")  # about packages it could use
    try:
        return _newspaper4k(html, url)
    except (ImportError, LookupError):  # a tokeniser that is not installed, or one without its data
        return _newspaper4k(html, url, language="en")


def _newspaper4k(html: bytes, url: str, **options: Any) -> Page | Rejected:
    from newspaper import Article  # noqa: PLC0415 - a peer that only this benchmark needs

    article = Article(url, fetch_images=False, **options)
    article.download(input_html=decode(html))
    try:
        article.parse()
    except (ValueError, AttributeError, TypeError) as error:
        return Rejected("extract_failed", str(error))
    when = article.publish_date
    return Page(article.title, article.text, tuple(article.authors), when.isoformat() if when else None)


EXTRACTORS: dict[str, Callable[[bytes, str], Page | Rejected]] = {
    "narrawatch": ours,
    "trafilatura": trafilatura_default,
    "newspaper4k": newspaper4k,
}


def four_grams(text: str) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(unicodedata.normalize("NFC", text))
    size = min(4, len(words)) or 1
    return Counter(tuple(words[i : i + size]) for i in range(len(words) - size + 1))


def f1(shared: float, found: float, true: float) -> float:
    return 2 * shared / (found + true) if found + true else 1.0


def text_f1(found: str, true: str) -> float:
    mine, theirs = four_grams(found), four_grams(true)
    return f1((mine & theirs).total(), mine.total(), theirs.total())


def title_right(found: str | None, true: str) -> float:
    plain = [" ".join(unicodedata.normalize("NFC", title).split()) for title in (found or "", true)]
    return float(plain[0] == plain[1])


def date_right(found: str | None, true: str) -> float:
    if not found:
        return 0.0
    wanted, day = datetime.fromisoformat(true), datetime.fromisoformat(found)
    if day.tzinfo and wanted.tzinfo:
        day = day.astimezone(wanted.tzinfo)
    return float(day.date() == wanted.date())


def authors_f1(found: tuple[str, ...], true: list[str]) -> float:
    mine, theirs = ({" ".join(name.split()).casefold() for name in names} for names in (found, true))
    return f1(len(mine & theirs), len(mine), len(theirs))


def true_authors(truth: dict[str, Any]) -> list[str] | None:
    """The names, each by itself; the snippet corpus has some in one string, and none where it did not look."""
    if truth["authors"] is None or (not truth["authors"] and "must_include" in truth):
        return None
    flat = [part for name in truth["authors"] for part in (name if isinstance(name, list) else [name])]
    return [name.strip() for part in flat for name in part.split(";")]


def score(extractor: str, folder: Path, truth: dict[str, Any]) -> dict[str, Any]:
    """The scores of one page, with what was found for the ones that are wrong."""
    html = gzip.decompress((folder / "pages" / f"{truth['id']}.html.gz").read_bytes())
    began = time.process_time()
    page = EXTRACTORS[extractor](html, truth["url"])
    row: dict[str, Any] = {"id": truth["id"], "seconds": time.process_time() - began, "found": page}
    rejected = isinstance(page, Rejected)
    seen = Page(None, "", (), None) if rejected else page
    row["rejected"] = float(rejected)
    if truth["text"]:
        row["text"] = text_f1(seen.text, truth["text"]) if seen.text else 0.0
    else:
        row["in"] = [snippet in seen.text for snippet in truth["must_include"] or []]
        row["out"] = [snippet not in seen.text for snippet in truth["must_exclude"] or []]
    if truth["title"]:
        row["title"] = title_right(seen.title, truth["title"])
    if _is_date(truth["published"]):
        row["date"] = date_right(seen.published, truth["published"])
    if (names := true_authors(truth)) is not None:
        row["authors"] = 0.0 if rejected else authors_f1(seen.authors, names)
    return row


def _is_date(text: str | None) -> bool:
    try:
        return bool(text and date.fromisoformat(text[:10]))
    except ValueError:
        return False


def read_truth(folder: Path) -> list[dict[str, Any]]:
    with gzip.open(folder / "truth.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def measure(extractor: str, folder: Path, workers: int) -> list[dict[str, Any]]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(partial(score, extractor, folder), read_truth(folder), chunksize=8))


def half(row: dict[str, Any]) -> int:
    return hashlib.sha256(row["id"].encode()).digest()[0] & 1


def interval(values: list[float]) -> tuple[float, float]:
    """Between which the mean lies in 95 of 100 samples of as many pages drawn from these."""
    draw = random.Random(0)
    means = sorted(fmean(draw.choices(values, k=len(values))) for _ in range(_DRAWS))
    return means[_DRAWS // 40], means[-_DRAWS // 40]


def text_figure(rows: list[dict[str, Any]]) -> str:
    if values := [row["text"] for row in rows if "text" in row]:
        low, high = interval(values)
        return f"{fmean(values):.3f} ({low:.3f}–{high:.3f})"
    kept = [found for row in rows for found in row["in"]]
    left_out = [right for row in rows for right in row["out"]]
    accuracy = (sum(kept) + sum(left_out)) / (len(kept) + len(left_out))
    return (
        f"{f1(sum(kept), sum(kept) + len(left_out) - sum(left_out), len(kept)):.3f} (snippets; accuracy {accuracy:.3f})"
    )


def figures(rows: list[dict[str, Any]]) -> Iterator[str]:
    yield text_figure(rows)
    for name in ("title", "date", "authors", "rejected"):
        values = [row[name] for row in rows if name in row]
        yield f"{fmean(values):.3f}" if values else "–"
    seconds = sorted(row["seconds"] for row in rows)
    yield f"{len(rows) / sum(seconds):.1f}"
    yield f"{seconds[-1]:.2f}"


def print_misses(rows: list[dict[str, Any]], folder: Path, field: str) -> None:
    truths = {truth["id"]: truth for truth in read_truth(folder)}
    attribute = {"date": "published"}.get(field, field)
    for row in sorted(rows, key=lambda row: row.get(field, 1.0)):
        if row.get(field, 1.0) < _WRONG:
            found = row["found"] if isinstance(row["found"], Rejected) else getattr(row["found"], attribute)
            shown = (found, truths[row["id"]][attribute]) if field != "text" else ""
            print(f"{row['id']} {row[field]:.3f} {shown}")


def print_worst(rows: list[dict[str, Any]], folder: Path, number: int) -> None:
    """The pages with the lowest F1, with the lines that are missing (-) and those that should not be there (+)."""
    truths = {truth["id"]: truth for truth in read_truth(folder)}
    for row in sorted((row for row in rows if "text" in row), key=lambda row: row["text"])[:number]:
        found = "" if isinstance(row["found"], Rejected) else row["found"].text
        true = truths[row["id"]]["text"]
        print(f"\n{row['id']} {row['text']:.3f}, {len(found)} characters of {len(true)}")
        for sign, text, other in (("-", true, found), ("+", found, true)):
            grams = four_grams(other)
            for line in [line for line in text.split("\n") if line.strip()]:
                mine = four_grams(line)
                if mine and (mine & grams).total() < 0.6 * mine.total():
                    print(f"   {sign} {len(line):5} {line[:120]}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with fundus/, scrapinghub/ and trafilatura/")
    parser.add_argument("--workers", type=int, default=1, help="processes; pages a second are per core either way")
    parser.add_argument("--only", choices=CORPORA, help="one corpus alone")
    parser.add_argument("--worst", type=int, metavar="N", help="also print what is wrong on our N worst pages of each")
    parser.add_argument("--misses", choices=["text", "title", "date", "authors"], help="also print our wrong answers")
    parser.add_argument("--no-peers", action="store_true", help="measure ours alone")
    arguments = parser.parse_args()
    table = Table(
        "extractor", "pages", "text F1 (95 %)", "title", "date", "authors", "rejected", "pages/s/core", "slowest s"
    )
    corpora = [name for name in CORPORA if (arguments.data / name).is_dir() and arguments.only in {None, name}]
    for name in [name for name in EXTRACTORS if name == "narrawatch" or not arguments.no_peers]:
        if name == "newspaper4k" and find_spec("newspaper") is None:
            print("newspaper4k is not installed (pip install newspaper4k), so it is not in the table.")
            continue
        full: list[dict[str, Any]] = []
        for corpus in corpora:
            rows = measure(name, arguments.data / corpus, arguments.workers)
            if name == "narrawatch" and arguments.misses:
                print_misses(rows, arguments.data / corpus, arguments.misses)
            if name == "narrawatch" and arguments.worst:
                print_worst(rows, arguments.data / corpus, arguments.worst)
            table.add_row(name, f"{corpus} {len(rows)}", *figures(rows))
            full += rows if corpus != "trafilatura" else []
        for label, part in (
            ("both", full),
            *((f"  half {n}", [row for row in full if half(row) == n]) for n in (0, 1)),
        ):
            if part and (name == "narrawatch" or label == "both"):
                table.add_row(name, f"{label} {len(part)}", *figures(part))
        table.add_section()
    Console(width=150).print(table)


if __name__ == "__main__":
    main()

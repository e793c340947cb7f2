"""Text, title, date and authors of real pages: ours beside trafilatura's default, in the same run.

    python benchmarks/text.py --data DIR [--workers N] [--misses FIELD]

DIR holds `fundus/` and `scrapinghub/`, each with `truth.jsonl.gz` and `pages/<id>.html.gz`. Text is scored by 4-grams of
words (the measure of the article-extraction-benchmark), averaged over pages; titles must be equal but for white space;
dates are compared as days in the truth's own time zone; authors as sets of names, upper and lower case alike.
"""

import argparse
import gzip
import json
import re
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table
from trafilatura import bare_extraction

from processing.article import Extracted
from processing.extract import Rejected, extract

_WORD = re.compile(r"\w+")


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


EXTRACTORS: dict[str, Callable[[bytes, str], Page | Rejected]] = {
    "narrawatch": ours,
    "trafilatura default": trafilatura_default,
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


def score(extractor: str, folder: Path, truth: dict[str, Any]) -> dict[str, Any]:
    """The scores of one page, with what was found for the ones that are wrong."""
    html = gzip.decompress((folder / "pages" / f"{truth['id']}.html.gz").read_bytes())
    began = time.process_time()
    page = EXTRACTORS[extractor](html, truth["url"])
    row: dict[str, Any] = {"id": truth["id"], "seconds": time.process_time() - began, "found": page}
    rejected = isinstance(page, Rejected)
    row["rejected"] = float(rejected)
    row["text"] = 0.0 if rejected else text_f1(page.text, truth["text"])
    if truth["title"]:
        row["title"] = 0.0 if rejected else title_right(page.title, truth["title"])
    if truth["published"]:
        row["date"] = 0.0 if rejected else date_right(page.published, truth["published"])
    if truth["authors"] is not None:
        row["authors"] = 0.0 if rejected else authors_f1(page.authors, truth["authors"])
    return row


def read_truth(folder: Path) -> list[dict[str, Any]]:
    with gzip.open(folder / "truth.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def measure(extractor: str, folder: Path, workers: int) -> list[dict[str, Any]]:
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(partial(score, extractor, folder), read_truth(folder), chunksize=8))


def figures(rows: list[dict[str, Any]]) -> Iterator[str]:
    for name in ("text", "title", "date", "authors", "rejected"):
        values = [row[name] for row in rows if name in row]
        yield f"{fmean(values):.3f}" if values else "–"
    yield f"{len(rows) / sum(row['seconds'] for row in rows):.1f}"


def print_misses(rows: list[dict[str, Any]], folder: Path, field: str) -> None:
    truths = {truth["id"]: truth for truth in read_truth(folder)}
    attribute = {"date": "published"}.get(field, field)
    for row in sorted(rows, key=lambda row: row.get(field, 1.0)):
        if row.get(field, 1.0) < 0.98:
            found = row["found"] if isinstance(row["found"], Rejected) else getattr(row["found"], attribute)
            shown = (found, truths[row["id"]][attribute]) if field != "text" else ""
            print(f"{row['id']} {row[field]:.3f} {shown}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with fundus/ and scrapinghub/")
    parser.add_argument("--workers", type=int, default=1, help="processes; pages a second are per core either way")
    parser.add_argument("--misses", choices=["text", "title", "date", "authors"], help="also print our wrong answers")
    arguments = parser.parse_args()
    table = Table("extractor", "pages", "text F1", "title", "date", "authors F1", "rejected", "pages/s/core")
    for name in EXTRACTORS:
        together: list[dict[str, Any]] = []
        for corpus in ("fundus", "scrapinghub"):
            rows = measure(name, arguments.data / corpus, arguments.workers)
            if arguments.misses and name == "narrawatch":
                print_misses(rows, arguments.data / corpus, arguments.misses)
            table.add_row(name, f"{corpus} {len(rows)}", *figures(rows))
            together += rows
        table.add_row(name, f"both {len(together)}", *figures(together), end_section=True)
    Console().print(table)


if __name__ == "__main__":
    main()

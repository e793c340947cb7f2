"""Odd and hostile feeds and sitemaps, read as a crawl reads them: what came of each, in what time and memory.

    python benchmarks/feeds.py --data DIR [--list]

DIR holds `manifest.jsonl.gz` (file, category, http_headers, what it tests, expected outcome) and the files. Each is read
in a process of its own that may take `TIME` seconds and `MEMORY` bytes; its peak includes the loaded parsers.

What the original parsers' tests assert is translated to what a crawl wants of a feed, the addresses of its items:

* a title, a text, a date or an encoding that must come out right: the document is read, and the item it stands in is
  seen, whether it has an address or is counted as having none;
* a link of an item, or an id that is its only address: exactly that address is listed;
* an ill-formed document, a bomb, a loop, an external entity: it is read, or ends as a counted error.

What is otherwise is a deviation and needs a line in `RIGHT` that says why ours is right. The exit code is 1 when one has
none, when a file ends in an exception, or when it takes more than it may.
"""

import argparse
import datetime as dt
import gzip
import json
import multiprocessing
import re
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from crawlers import feeds, sitemaps
from crawlers.limits import TooBig
from crawlers.listed import LeftOut, Listed, Unreadable
from crawlers.unpack import BadEncoding
from crawlers.wanted import Wanted

TIME = 2.0
MEMORY = 200 * 1024 * 1024
URL = "http://127.0.0.1:8097/feed.xml"
_SITEMAP = re.compile(r"sitemap|usp-(index|cycle|truncated)")
_LINK = re.compile(r"""entries\[0\](?:\.link|\['(?:link|id|guid)'\]) == ['"](.*)['"]$""")

# What the manifest says in words: the addresses that must be listed, or how many; None where no crash is all it asks.
IN_WORDS: dict[str, set[str] | int | None] = {
    "tf-feed1": {"http://example.org/2003/12/13/atom03"},
    "tf-sitemap2": {"http://www.example.com/sitemap1.xml.gz", "http://www.example.com/sitemap2.xml.gz"},
    "tf-sitemap-hreflang": {"http://www.example.com/english/page.html"},
    "tf-sitemap.xml": 84,
    "tf-exotic_tags": None,
    "tf-inline-1": 0,
    "tf-inline-2": 0,
    "tf-inline-4": {"http://example.org/article1/"},
    "tf-inline-5": 1,
    "tf-inline-7": 0,
    "np4k-sample_rss": 3,
    "usp-news-sitemap-cut": 2,
    "usp-truncated-no-close": 50,
    "usp-index-to-robots": None,  # that the loop ends is shown by tests/test_backfill.py
    "usp-cycle-1": None,
    "usp-cycle-2": None,
    "usp-rss-empty": 0,
    "usp-atom03-empty": 0,
    "sk-billion-laughs-rss": None,
    "syn-quadratic-blowup": None,
    "syn-deep-nesting": None,
    "syn-xxe-remote-dtd": None,
    "syn-links-ssrf": {"https://example.org/ok"},  # the others end as private_address or invalid_url when asked for
    "syn-dates": 9,
}
DATED = {"syn-dates": 3}
"""How many entries have a date that can be meant; the others must have none, and not today's."""
_NO_ITEM = "ends in the middle and has no item: an error tells an operator more than an empty feed"
_NO_FEED = "a single <link> is no feed; nothing says that it leads to an article"
RIGHT = {
    "fp-entities-160": _NO_ITEM,
    "fp-entities-attr_amp": _NO_ITEM,
    "fp-entities-doesnotexist": _NO_ITEM,
    "fp-entities-query_variable_feed": _NO_ITEM,
    "fp-wellformed-cdf-channel_abstract_map_description": "CDF died with Internet Explorer's channels; this one has no item",
    "tf-inline-4": _NO_FEED,
    "tf-inline-5": _NO_FEED,
    "usp-news-sitemap-cut": "the third entry is cut behind its address, which is whole, so it is kept",
}


@dataclass(frozen=True)
class Result:
    """What came of one file: addresses and items seen, or an error that a crawl counts, or a crash."""

    row: dict[str, Any]
    listed: frozenset[str]
    items: int
    dated: int
    error: str | None
    crash: str | None
    seconds: float
    megabytes: float

    @property
    def within_limits(self) -> bool:
        return self.seconds <= TIME and self.megabytes <= MEMORY / 2**20


def as_expected(result: Result) -> bool:
    """Whether it is what the original test asserts, in the translation above."""
    if result.crash or result.dated != DATED.get(result.row["id"], result.dated):
        return False
    if result.row["id"] in IN_WORDS:
        expected = IN_WORDS[result.row["id"]]
        if expected is None:
            return True
        return result.items == expected if isinstance(expected, int) else expected <= result.listed
    asserted = result.row["expected"]
    if link := _LINK.search(asserted):
        return link[1] in result.listed
    if re.search(r"(?<!not )\bbozo\b", asserted) or asserted == "1":
        return True
    return not result.error and (result.items > 0 or "entries[0]" not in asserted)


def read(row: dict[str, Any], folder: Path) -> Listed:
    """One file, as a crawl reads what an outlet's file names as a feed or as a sitemap."""
    body = (folder / row["file"]).read_bytes()
    content_type = next((value for name, value in row["http_headers"].items() if name.lower() == "content-type"), "")
    if not _SITEMAP.search(row["id"]):
        return feeds.read(body, URL, content_type)
    wanted = Wanted(dt.datetime(1970, 1, 1, tzinfo=dt.UTC))
    return sitemaps.read(body, URL, content_type, wanted, pages=50_000, sitemaps=500)


def _child(row: dict[str, Any], folder: Path, answer: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (2 * MEMORY, 2 * MEMORY))
    listed, error, crash = Listed(), None, None
    start = time.perf_counter()
    try:
        listed = read(row, folder)
    except (Unreadable, TooBig, BadEncoding) as refusal:
        error = str(refusal)
    except Exception as failure:  # noqa: BLE001 - what must not happen is what we look for
        crash = repr(failure)
    seconds = time.perf_counter() - start
    found = listed.pages + listed.sitemaps
    items = len(found) + listed.left_out[LeftOut.NO_LINK]
    dated = sum(entry.time is not None for entry in found)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answer.send((frozenset(entry.url for entry in found), items, dated, error, crash, seconds, megabytes))


def measure(row: dict[str, Any], folder: Path) -> Result:
    """Read one file in a process of its own; one that dies or has to be stopped has crashed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["crawlers.feeds", "crawlers.sitemaps"])
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(row, folder, theirs))
    child.start()
    theirs.close()
    try:
        found = ours.recv() if ours.poll(10 * TIME) else (frozenset(), 0, 0, None, "stopped", 10 * TIME, 0.0)
    except EOFError:
        found = (frozenset(), 0, 0, None, "died", 0.0, 0.0)
    child.kill()
    child.join()
    ours.close()
    return Result(row, *found)


def results(folder: Path) -> Iterator[Result]:
    with gzip.open(folder / "manifest.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield measure(json.loads(line), folder)


def deviations(found: list[Result]) -> dict[str, str | None]:
    """Why ours is right, by file that is not as expected; None where nobody has said so."""
    return {result.row["id"]: RIGHT.get(result.row["id"]) for result in found if not as_expected(result)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--list", action="store_true", help="print what came of every file")
    options = parser.parse_args()
    console, found = Console(), list(results(options.data))
    if options.list:
        for result in found:
            came = result.crash or result.error or f"{len(result.listed)} addresses of {result.items} items"
            console.print(f"{result.row['id']}: {came}", markup=False, highlight=False, soft_wrap=True)
    by_category = defaultdict[str, list[Result]](list)
    for result in found:
        by_category[result.row["category"]].append(result)
    table = Table("Category", "Files", "As expected", "of them errors", "Deviations", "Slowest, s", "Peak, MB")
    for category, rows in [*sorted(by_category.items()), ("all", found)]:
        fine = [result for result in rows if as_expected(result)]
        errors = sum(result.error is not None for result in fine)
        slowest, peak = max(result.seconds for result in rows), max(result.megabytes for result in rows)
        table.add_row(
            category, *map(str, (len(rows), len(fine), errors, len(rows) - len(fine))), f"{slowest:.2f}", f"{peak:.0f}"
        )
    console.print(table)
    for name, why in deviations(found).items():
        console.print(f"{name}: {why or 'NOT EXPLAINED'}", markup=False, highlight=False, soft_wrap=True)
    bad = [result.row["id"] for result in found if result.crash or not result.within_limits]
    for name in bad:
        console.print(f"{name}: crashed, or over {TIME:g} s or {MEMORY >> 20} MB", markup=False, soft_wrap=True)
    return 1 if bad or None in deviations(found).values() else 0


if __name__ == "__main__":
    sys.exit(main())

"""Commands on plain files, without any service: how quality is measured, and how one looks at a single page."""

import gzip
import json
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from narrawatch.json_lines import FileProblem, lines, write, writer
from narrawatch.progress import counting
from processing.extract import LARGEST_PAGE, Rejected
from processing.language import detect as detect_language
from processing.pool import Page, Processed, extract_many

_SUFFIXES = (".html.gz", ".htm.gz", ".html", ".htm")
_UNKNOWN_URL = (
    "http://unknown.invalid/page"  # a page without address: relative links then lead nowhere, and that is right
)


@click.command(epilog="Example: narrawatch extract pages/ --out articles.jsonl")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", "out", required=True, metavar="FILE", help="Where the JSON lines go; - is standard output.")
@click.option(
    "--urls",
    "urls",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON lines {id, url}: the pages' addresses.",
)
@click.option("--workers", default=os.cpu_count() or 1, show_default=True, type=click.IntRange(1), help="Processes.")
@click.option(
    "--timeout",
    default=30.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds one page may take.",
)
def extract(folder: Path, out: str, urls: Path | None, workers: int, timeout: float) -> None:
    """Read the HTML files (.html, .html.gz) below DIR, write one JSON object a line.

    \b
    Keys: id (the file's name), title, text, authors, published, updated, language, canonical_url, amp_url, image, section,
    tags, declared_language; for a page without article: id, outcome, detail.
    """
    files = _pages(folder)
    addresses = _addresses(urls) if urls else {}
    outcomes: Counter[str] = Counter()
    with counting(Console(stderr=True), "extracting", len(files)) as advance, writer(out) as stream:
        for name, found in _extracted(files, addresses, workers=workers, timeout=timeout):
            outcomes[found.outcome if isinstance(found, Rejected) else "extracted"] += 1
            write(stream, _page_line(name, found))
            advance()
    click.echo(_summary(f"{len(files)} pages", outcomes), err=True)


@click.command(
    epilog='Example: echo \'{"id": 1, "text": "Сьогодні у Києві відкрили новий міст."}\' | narrawatch detect - --out -'
)
@click.argument("source", metavar="FILE")
@click.option("--out", "out", required=True, metavar="FILE", help="Where the JSON lines go; - is standard output.")
@click.pass_context
def detect(ctx: click.Context, source: str, out: str) -> None:
    """Tell the language of each text in FILE (- is standard input).

    \b
    In:  JSON lines {id, text} and, if known, declared (the code the page itself gives).
    Out: JSON lines {id, language, confidence}; `und` where there is too little text.
    A line that cannot be read is reported and left out; the exit code is then 1.
    """
    languages: Counter[str] = Counter()
    bad = 0
    with counting(Console(stderr=True), "detecting", None) as advance, writer(out) as stream:
        for number, line in lines(source):
            try:
                record = _record(line)
            except ValueError as error:
                click.echo(f"{source}:{number}: {error}", err=True)
                bad += 1
                continue
            found = detect_language(record["text"], declared=record.get("declared"))
            languages[found.code] += 1
            write(stream, {"id": record["id"], "language": found.code, "confidence": found.confidence})
            advance()
    click.echo(_summary(f"{languages.total()} texts", languages) + (f"; {bad} bad lines" if bad else ""), err=True)
    ctx.exit(1 if bad else 0)


def _pages(folder: Path) -> list[tuple[str, Path]]:
    files = sorted(path for path in folder.rglob("*") if path.name.lower().endswith(_SUFFIXES) and path.is_file())
    if not files:
        raise FileProblem(f"{folder}: no .html or .html.gz files in this folder")
    return [(_stem(path.name), path) for path in files]


def _stem(name: str) -> str:
    suffix = next(suffix for suffix in _SUFFIXES if name.lower().endswith(suffix))
    return name[: -len(suffix)]


def _addresses(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in lines(str(path)):
        try:
            record = json.loads(line)
            found[str(record["id"])] = str(record["url"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise FileProblem(
                f'{path}:{number}: not a JSON object with id and url; write {{"id": …, "url": …}}'
            ) from error
    return found


def _extracted(
    files: list[tuple[str, Path]], addresses: dict[str, str], *, workers: int, timeout: float
) -> Iterator[tuple[str, Processed | Rejected]]:
    pages = (Page(name, _read(path), addresses.get(name, _UNKNOWN_URL)) for name, path in files)
    yield from extract_many(pages, workers=min(workers, len(files)), timeout=timeout)


def _read(path: Path) -> bytes:
    """The page; of one that is too large, one byte more than is allowed, so that it is rejected and nothing else happens."""
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
            return stream.read(LARGEST_PAGE + 1)
    except (OSError, EOFError, zlib.error) as error:
        click.echo(f"{path}: cannot be read ({error})", err=True)
        return b""


def _page_line(name: str, found: Processed | Rejected) -> dict[str, Any]:
    if isinstance(found, Rejected):
        return {"id": name, "outcome": str(found.outcome), "detail": found.detail}
    page = asdict(found.page)
    return {"id": name, **page, "language": found.language.code}


def _record(line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({error}); each line is one object") from error
    if not isinstance(record, dict) or "id" not in record or not isinstance(record.get("text"), str):
        raise ValueError('expected an object with "id" and "text" (a string)')
    if not isinstance(record.get("declared"), str | None):
        raise ValueError(  # noqa: TRY004 - a fault of the file, not of the program
            f'"declared" is {record["declared"]!r}; give a language code or leave it out'
        )
    return record


def _summary(what: str, counts: Counter[str]) -> str:
    return f"{what}: " + ", ".join(f"{name} {count}" for name, count in counts.most_common())

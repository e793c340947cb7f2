"""From WARC files to articles: the steps in order, and the one place that counts how each capture ended."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crawlers.capture import Capture
from crawlers.outlet import Outlet
from crawlers.warc import SUFFIX, WarcError, final_name, read
from narrawatch.settings import Settings
from processing import changes
from processing.article import NOWHERE, Article
from processing.extract import Rejected
from processing.outcomes import ProcessingOutcome
from processing.pool import Page, Processed, extract_many
from processing.store import ArticleStore, Result, Vanished

_BATCH = 100
"""Articles per bulk request: large enough to be quick …"""
_BATCH_LETTERS = 4_000_000
"""… and letters, so that a batch of the longest texts fits in memory."""
PAGE_SECONDS = 10.0
"""For extraction; of 96 recorded pages none took longer than a third of a second."""
OUTCOMES = ".outcomes.json"


@dataclass(frozen=True)
class FileResult:
    """How the captures of one WARC file ended, per (outlet, run)."""

    path: Path
    outcomes: Mapping[tuple[str, str], Counter[str]]
    problem: str | None = None
    """Why it could not be read to its end."""


def pending(settings: Settings) -> list[Path]:
    """Closed WARC files that have not been processed, the one that was closed first before all."""
    files = [path for path in settings.warc.glob(f"*/*{SUFFIX}") if not sidecar(path).exists()]
    return sorted(files, key=lambda path: (path.stat().st_mtime, path))


def sidecar(path: Path) -> Path:
    """The file beside a WARC file that says it was processed, and how its captures ended."""
    return path.with_name(path.name + OUTCOMES)


def process_files(
    paths: Sequence[Path],
    store: ArticleStore,
    outlets: Mapping[str, Outlet],
    *,
    workers: int,
    progress: Callable[[str, ProcessingOutcome, Article | None], None],
) -> Iterator[FileResult]:
    """Process WARC files one after another. A file counts as processed once everything in it is in Elasticsearch.

    Yields:
        one result a file; of a damaged file, what could be read, with the problem.

    Raises:
        ClusterError: Elasticsearch cannot be reached; files not yet yielded stay pending.
    """
    counts: dict[Path, dict[tuple[str, str], Counter[str]]] = {path: {} for path in paths}
    news: dict[str, list[changes.Change]] = {}
    batch: list[tuple[Path, Capture, Result]] = []

    def full() -> bool:
        letters = sum(len(result.page.text) for _, _, result in batch if isinstance(result, Article))
        return len(batch) >= _BATCH or letters >= _BATCH_LETTERS

    def settle() -> None:
        pairs = [(capture, result) for _, capture, result in batch]
        written = store.write(pairs, lambda capture, change: news.setdefault(capture.file, []).append(change))
        for (path, capture, result), outcome in zip(batch, written, strict=True):
            counts[path].setdefault((capture.outlet, capture.run), Counter())[outcome.value] += 1
            progress(capture.outlet, outcome, result if isinstance(result, Article) else None)
        batch.clear()

    problems: dict[Path, str] = {}

    def finish(path: Path) -> FileResult:
        changes.write(path, news.pop(final_name(path), []))
        return _finish(path, counts.pop(path), problems.get(path))

    pages = _pages(paths, outlets, problems)
    for (path, capture), result in extract_many(pages, workers=workers, timeout=PAGE_SECONDS):
        if full():
            settle()
            for finished in list(counts):
                if finished == path:
                    break
                yield finish(finished)
        batch.append((path, capture, _result(capture, result, outlets)))
    settle()
    for path in list(counts):
        yield finish(path)


def _pages(
    paths: Sequence[Path], outlets: Mapping[str, Outlet], problems: dict[Path, str]
) -> Iterator[Page[tuple[Path, Capture]]]:
    for path in paths:
        try:
            for capture in read(path):
                outlet = outlets.get(capture.outlet)
                key = (path, replace(capture, body=b""))
                body = b"" if capture.vanished else capture.body  # there is nothing to read in "not found"
                languages, selectors = (outlet.languages, outlet.extract) if outlet else ((), None)
                yield Page(key, body, capture.url, capture.content_type, languages, selectors)
        except WarcError as error:
            problems[path] = str(error)


def _result(capture: Capture, found: Processed | Rejected, outlets: Mapping[str, Outlet]) -> Result:
    if capture.vanished:
        return Vanished()
    return _article(capture, found, outlets) if isinstance(found, Processed) else found


def _article(capture: Capture, processed: Processed, outlets: Mapping[str, Outlet]) -> Article:
    outlet = outlets.get(capture.outlet)
    return Article(
        id=capture.id,
        url=capture.url,
        urls=tuple(dict.fromkeys((capture.requested_url, capture.url))),
        outlet=capture.outlet,
        country=outlet.country if outlet else NOWHERE,
        kind=outlet.kind if outlet else "news",
        page=processed.page,
        language=processed.language,
        fetched=capture.fetched,
        run=capture.run,
        warc=capture.file,
        offset=capture.offset,
    )


def _finish(path: Path, outcomes: dict[tuple[str, str], Counter[str]], problem: str | None) -> FileResult:
    rows = [{"outlet": outlet, "run": run, "outcomes": dict(counts)} for (outlet, run), counts in outcomes.items()]
    temporary = sidecar(path).with_suffix(".tmp")
    temporary.write_text(json.dumps(rows))
    temporary.replace(sidecar(path))
    return FileResult(path, outcomes, problem)


def account(path: Path) -> dict[tuple[str, str], Counter[str]]:
    """The outcomes a processed file's sidecar holds; empty when it has not been processed."""
    if not sidecar(path).exists():
        return {}
    return {(row["outlet"], row["run"]): Counter(row["outcomes"]) for row in json.loads(sidecar(path).read_text())}

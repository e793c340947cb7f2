"""Extraction in processes that can be stopped: no page, however made, costs more than its share of time and memory."""

import logging
import multiprocessing
import os
import re
import resource
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import TimeoutError as StoppedLate
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from typing import TYPE_CHECKING, Generic, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from processing.article import Extracted, Language
from processing.extract import Rejected, extract
from processing.language import detect
from processing.outcomes import ProcessingOutcome

if TYPE_CHECKING:
    from crawlers.outlet import Selectors

K = TypeVar("K")
AHEAD = 4  # pages per worker held in memory beside the one being worked on …
BYTES_AHEAD = 32 * 1024 * 1024  # … and no more than these, however many pages they are
MOST_TAGS = 60_000
"""The fullest of our recorded pages has 20,000. Much of what extraction does takes time with the square of this number."""
MOST_ATTRIBUTES = 10_000
"""Of one tag; here it is the parser whose time grows with the square."""
MEMORY = 384 * 1024 * 1024
"""Bytes a worker may come to occupy with one page; recorded pages stay below 150 MB."""
_NEVER_MORE = 2 * MEMORY
"""What the kernel gives a worker at most. Beyond `MEMORY`, so that the page, not a parser's odd answer, is the outcome."""
_PAGES_A_WORKER = 500
"""Then it is replaced: memory that libraries keep must not be counted against a page."""
_TOO_MUCH = 77  # exit code of a worker
_TAG = re.compile(rb"<[a-zA-Z][^<>]*")


@dataclass(frozen=True)
class Page(Generic[K]):
    """One page to work on: whatever `key` its result is to be known by, and what was fetched, from where."""

    key: K
    html: bytes
    url: str
    content_type: str | None = None
    expected: tuple[str, ...] = ()
    """The languages its outlet publishes in."""
    selectors: "Selectors | None" = None
    """What its outlet's file says about its pages."""


@dataclass(frozen=True)
class Processed:
    """An extracted page and the language of its text."""

    page: Extracted
    language: Language


def process_page(
    html: bytes,
    url: str,
    content_type: str | None = None,
    expected: tuple[str, ...] = (),
    selectors: "Selectors | None" = None,
) -> Processed | Rejected:
    """Extract one page and detect its language, in this process; `expected` and `selectors` are the outlet's."""
    if reason := _too_costly(html):
        return Rejected(ProcessingOutcome.EXTRACT_FAILED, reason)
    page = extract(html, url=url, content_type=content_type, selectors=selectors)
    if isinstance(page, Rejected):
        return page
    opening = f"{page.title}\n" if page.title else ""
    return Processed(page, detect(opening + page.text, declared=page.declared_language, expected=expected))


def _too_costly(html: bytes) -> str | None:
    """Why no parser should be given these bytes; found in a glance, where a stopped worker costs its whole time."""
    if (tags := html.count(b"<")) > MOST_TAGS:
        return f"{tags} tags, more than {MOST_TAGS}"
    attributes = max((tag[0].count(b"=") for tag in _TAG.finditer(html)), default=0)
    return f"a tag with {attributes} attributes, more than {MOST_ATTRIBUTES}" if attributes > MOST_ATTRIBUTES else None


def extract_many(pages: Iterable[Page[K]], *, workers: int, timeout: float) -> Iterator[tuple[K, Processed | Rejected]]:
    """Work on pages in `workers` processes; yield (key, result) in their order.

    A page that takes longer than `timeout` seconds is `extract_timeout`, one that takes more than `MEMORY` or kills its
    process `extract_failed`. No more than `workers * (AHEAD + 1)` pages and `BYTES_AHEAD` are taken ahead of what was
    yielded, so memory does not grow with their number. Leaving the iterator early stops the processes.
    """
    waiting: deque[tuple[Page[K], ProcessFuture[Processed | Rejected]]] = deque()
    held = 0

    def schedule(page: Page[K]) -> "ProcessFuture[Processed | Rejected]":
        work = (page.html, page.url, page.content_type, page.expected, page.selectors)
        return pool.schedule(_measured, args=work, timeout=timeout)

    def oldest() -> tuple[K, Processed | Rejected]:
        nonlocal held
        page, future = waiting.popleft()
        if isinstance(future.exception(), ProcessExpired):  # perhaps for what an earlier page had left there
            future = schedule(page)
        held -= len(page.html)
        return page.key, _result(future, timeout)

    with ProcessPool(workers, _PAGES_A_WORKER, initializer=_prepare, context=_context()) as pool:
        try:
            for page in pages:
                waiting.append((page, schedule(page)))
                held += len(page.html)
                while len(waiting) >= workers * (AHEAD + 1) or held > BYTES_AHEAD:
                    yield oldest()
            while waiting:
                yield oldest()
        except BaseException:
            pool.stop()  # type: ignore[no-untyped-call]
            raise


def _context() -> BaseContext:
    # forking a process that has threads can deadlock; a server that has the libraries loaded replaces stopped workers at once
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context


def _prepare() -> None:
    """In each new worker, before its clock starts: load the language models, and keep the parsers' complaints to themselves."""
    resource.setrlimit(resource.RLIMIT_DATA, (_NEVER_MORE, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    logging.disable(logging.CRITICAL)  # every malformed page would be reported several times; it has an outcome instead
    detect("The models are loaded before the first page's time is counted.")


def _measured(
    html: bytes, url: str, content_type: str | None, expected: tuple[str, ...], selectors: "Selectors | None"
) -> Processed | Rejected:
    """`process_page` in a worker. One that has needed too much memory ends with the page, and gives all of it back."""
    result = process_page(html, url, content_type, expected, selectors)
    if _occupied() > MEMORY:
        os._exit(_TOO_MUCH)
    return result


def _occupied() -> int:
    """Bytes this process has had in memory at most."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _result(future: "ProcessFuture[Processed | Rejected]", timeout: float) -> Processed | Rejected:
    try:
        return future.result()
    except StoppedLate:
        return Rejected(ProcessingOutcome.EXTRACT_TIMEOUT, f"stopped after {timeout:g} s")
    except Exception as error:  # noqa: BLE001 - the worker died (memory, a crash in a C library); the others go on
        why = f"its process died: {type(error).__name__}: {error}"[:300]
        if isinstance(error, ProcessExpired) and error.exitcode == _TOO_MUCH:
            why = f"it needed more than {MEMORY >> 20} MB"
        return Rejected(ProcessingOutcome.EXTRACT_FAILED, why)

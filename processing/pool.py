"""Extraction in processes that can be stopped: no page, however made, costs more than its time or takes the run down."""

import logging
import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import TimeoutError as StoppedLate
from dataclasses import dataclass
from multiprocessing.context import BaseContext
from typing import Generic, TypeVar

from pebble import ProcessFuture, ProcessPool

from processing.article import Extracted, Language
from processing.extract import Rejected, extract
from processing.language import detect
from processing.outcomes import ProcessingOutcome

K = TypeVar("K")
AHEAD = 4  # pages per worker held in memory beside the one being worked on


@dataclass(frozen=True)
class Page(Generic[K]):
    """One page to work on: whatever `key` its result is to be known by, and what was fetched, from where."""

    key: K
    html: bytes
    url: str
    content_type: str | None = None
    expected: tuple[str, ...] = ()
    """The languages its outlet publishes in."""


@dataclass(frozen=True)
class Processed:
    """An extracted page and the language of its text."""

    page: Extracted
    language: Language


def process_page(
    html: bytes, url: str, content_type: str | None = None, expected: tuple[str, ...] = ()
) -> Processed | Rejected:
    """Extract one page and detect its language, in this process; `expected` are the outlet's languages."""
    page = extract(html, url=url, content_type=content_type)
    if isinstance(page, Rejected):
        return page
    opening = f"{page.title}\n" if page.title else ""
    return Processed(page, detect(opening + page.text, declared=page.declared_language, expected=expected))


def extract_many(pages: Iterable[Page[K]], *, workers: int, timeout: float) -> Iterator[tuple[K, Processed | Rejected]]:
    """Work on pages in `workers` processes; yield (key, result) in their order.

    A page that takes longer than `timeout` seconds is `extract_timeout`, one whose process died is `extract_failed`. No more than
    `workers * (AHEAD + 1)` pages are taken ahead of what was yielded, so memory does not grow with their number.
    Leaving the iterator early stops the processes.
    """
    waiting: deque[tuple[K, ProcessFuture[Processed | Rejected]]] = deque()
    with ProcessPool(max_workers=workers, initializer=_prepare, context=_context()) as pool:
        try:
            for page in pages:
                work = (page.html, page.url, page.content_type, page.expected)
                waiting.append((page.key, pool.schedule(process_page, args=work, timeout=timeout)))
                if len(waiting) >= workers * (AHEAD + 1):
                    yield _result(*waiting.popleft(), timeout)
            while waiting:
                yield _result(*waiting.popleft(), timeout)
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
    logging.disable(logging.CRITICAL)  # every malformed page would be reported several times; it has an outcome instead
    detect("The models are loaded before the first page's time is counted.")


def _result(key: K, future: "ProcessFuture[Processed | Rejected]", timeout: float) -> tuple[K, Processed | Rejected]:
    try:
        return key, future.result()
    except StoppedLate:
        return key, Rejected(ProcessingOutcome.EXTRACT_TIMEOUT, f"stopped after {timeout:g} s")
    except Exception as error:  # noqa: BLE001 - the worker died (memory, a crash in a C library); the others go on
        return key, Rejected(
            ProcessingOutcome.EXTRACT_FAILED, f"its process died: {type(error).__name__}: {error}"[:300]
        )

"""Reading documents where it can be stopped: whatever a hostile one does to its parser, it costs its time and nothing else."""

import asyncio
import logging
import multiprocessing
import os
import resource
from collections.abc import Callable
from concurrent.futures import TimeoutError as StoppedLate
from concurrent.futures.process import BrokenProcessPool
from typing import Any, ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from crawlers.limits import TooBig
from crawlers.listed import Unreadable
from crawlers.unpack import BadEncoding

P = ParamSpec("P")
R = TypeVar("R")

SECONDS = 20.0
"""The largest real documents take one or two, on a machine that has nothing else to do."""
MEMORY = 400 * 1024 * 1024
"""Bytes a document may take; a sitemap of 50 MB takes half of it."""


class Reader:
    """A process beside the crawl that reads one document after another, and is replaced when it must be stopped."""

    def __init__(self) -> None:
        self._pool: ProcessPool | None = None
        self._turn = asyncio.Lock()
        """One document at a time, so that none is lost with another's."""

    async def read(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a function of this package in the process.

        Raises:
            Unreadable: it took too much time or memory, or the process died; or whatever else the function raises.
        """
        async with self._turn:
            try:
                return await self._ask(function, args, kwargs)
            except BrokenProcessPool:  # it died before it took the document, of what the one before had left behind
                self.close()
            try:
                return await self._ask(function, args, kwargs)
            except BrokenProcessPool as error:
                self.close()
                raise Unreadable("the process that reads documents died, for want of memory maybe") from error

    async def _ask(self, function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
        if self._pool is None:
            # Not forked: this process has threads. No fork server either: processing has the one there can be.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPool(max_workers=1, initializer=_prepare, context=context)
        future = self._pool.schedule(_call, args=[function, args, kwargs], timeout=SECONDS)
        try:
            return await asyncio.wrap_future(future)
        except StoppedLate as error:
            raise Unreadable(f"reading it took more than {SECONDS:g} s") from error
        except (ProcessExpired, MemoryError) as error:
            raise Unreadable("reading it took too much memory, or crashed the parser") from error

    def close(self) -> None:
        """Stop the process; what it was at is lost."""
        if self._pool is not None:
            self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool.join()
            self._pool = None


def _call(function: Callable[..., R], args: tuple[Any, ...], kwargs: dict[str, Any]) -> R:
    """In the process: what a parser raises (not all of it can be sent back) becomes what the crawl knows."""
    try:
        return function(*args, **kwargs)
    except (Unreadable, BadEncoding, TooBig, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - a parser met what it was not made for
        raise Unreadable(f"{type(error).__name__}: {error}") from None


def _prepare() -> None:
    """In the new process, before the first document's time counts."""
    from crawlers import feeds, sections, sitemaps  # noqa: F401, PLC0415 - loaded here, not in the first document's time

    logging.disable(logging.CRITICAL)  # a document that cannot be read has an outcome instead
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # the same for what Python says when it runs out of memory
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.getrlimit(resource.RLIMIT_DATA)[1]))

"""Asking a site for a few things, one after another, by the rules of every crawl: guard, robots.txt, pace, user agent."""

import datetime as dt
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import scrapy
from scrapy.crawler import AsyncCrawlerProcess
from scrapy.exceptions import CloseSpider
from scrapy.http import HtmlResponse, Response

from crawlers.failures import outcome_of
from crawlers.guard import is_private
from crawlers.known import timestamp
from crawlers.ledger import OutletRun, Pause
from crawlers.outcomes import of_status
from crawlers.outlet import Expect, Outlet, Politeness, Start
from crawlers.reader import Reader
from crawlers.run import UNHURRIED
from crawlers.settings import scrapy_settings
from narrawatch.errors import NarrawatchError
from narrawatch.settings import Settings

R = TypeVar("R")

READ = "read"


class RecordError(NarrawatchError):
    """An outlet that cannot be recorded; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of one request: `outcome` is "read", or a fetch outcome, with the body empty. `url` is where it came from."""

    asked: str
    url: str
    outcome: str
    body: bytes = b""
    content_type: str = ""
    encoding: str = "utf-8"
    html: bool = False


@dataclass
class Site:
    """A site to be asked. Its requests go out one by one, so the caller's order is the order on the wire."""

    engine: Callable[[scrapy.Request], Awaitable[Response]]
    reader: Reader

    async def fetch(self, url: str) -> Answer:
        """Ask for one address; never raises for what the site does."""
        try:
            response = await self.engine(
                scrapy.Request(url, dont_filter=True, meta={"outlet": _NAME, "role": "start", "platform": "record"})
            )
        except Exception as error:  # noqa: BLE001 - whatever kept the answer away is the outcome
            return Answer(asked=url, url=url, outcome=outcome_of(error).value)
        if response.status != 200:
            return Answer(asked=url, url=response.url, outcome=of_status(response.status).value)
        return Answer(
            asked=url,
            url=response.url,
            outcome=READ,
            body=response.body,
            content_type=(response.headers.get("Content-Type") or b"").decode("latin-1"),
            encoding=response.encoding if isinstance(response, HtmlResponse) else "utf-8",
            html=isinstance(response, HtmlResponse),
        )


_NAME = "record"
Explore = Callable[[Site], Awaitable[R]]


@dataclass
class _Look(Generic[R]):
    """Stands where the middlewares look for the crawl they serve."""

    explore: Explore[R]
    clock: Callable[[], dt.datetime]
    runs: dict[str, OutletRun]
    resting: dict[str, Pause] = field(default_factory=dict)
    failure: NarrawatchError | None = None
    broken: Exception | None = None
    result: R | None = None


class _Spider(scrapy.Spider):
    name = _NAME

    def __init__(self, *, crawl: _Look[Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.crawl = crawl

    async def start(self) -> AsyncIterator[scrapy.Request]:
        assert self.crawler.engine
        reader = Reader()
        try:
            self.crawl.result = await self.crawl.explore(Site(self.crawler.engine.download_async, reader))
        except NarrawatchError as error:
            self.crawl.failure = error
        except Exception as error:  # noqa: BLE001 - Scrapy would log it and end as if all were well
            self.crawl.broken = error
        finally:
            reader.close()
        nothing: tuple[scrapy.Request, ...] = ()
        for request in nothing:
            yield request
        raise CloseSpider("finished")  # or the engine would find out only at its next look, in five seconds


def look(settings: Settings, url: str, explore: Explore[R], *, clock: Callable[[], dt.datetime]) -> R:
    """Let `explore` ask the site at `url`; returns what it returns. Once in a process, as every crawl.

    Raises:
        RecordError: it was stopped.
        NarrawatchError: what `explore` raises, or a missing contact.
    """
    private = is_private(urlsplit(url).hostname or "")
    options = {**scrapy_settings(settings, private=private), **(UNHURRIED if private else {})}
    work = _Look(explore, clock, {_NAME: OutletRun(_outlet(), _NAME, timestamp(clock()))})
    process = AsyncCrawlerProcess(options)
    logging.getLogger("scrapy").setLevel(logging.INFO)  # Scrapy has just set it to DEBUG
    process.crawl(process.create_crawler(_Spider), crawl=work)
    process.start()
    if error := work.failure or work.broken:
        raise error
    if work.result is None:
        raise RecordError(f"{url}: stopped before it was done; nothing was written")
    return work.result


def _outlet() -> Outlet:
    """Whose requests these are, as far as pace and account want to know."""
    return Outlet.model_construct(
        id=_NAME,
        name="",
        country="xx",
        languages=(),
        kind="news",
        start=Start.model_construct(),
        schedule="",
        expect=Expect.model_construct(per_day=(0, 0)),
        politeness=Politeness(),
    )

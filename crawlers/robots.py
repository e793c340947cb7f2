"""robots.txt (RFC 9309): what a host lets us fetch, how slowly, and what follows when it does not say."""

import asyncio
import codecs
import hashlib
import json
import logging
import math
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

from protego import Protego
from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.utils.httpobj import urlparse_cached

from crawlers.failures import Refusal, outcome_of
from crawlers.hours import MOST_DELAY
from crawlers.ledger import RobotsAnswer
from crawlers.outcomes import FetchOutcome, of_status
from crawlers.throttle import downloader_of

if TYPE_CHECKING:
    from crawlers.ledger import OutletRun

log = logging.getLogger(__name__)

MAX_SIZE = 500 * 1024
"""Bytes that are read of one robots.txt; RFC 9309 asks for as many at least."""
MAX_AGE = 6 * 3600
"""Seconds an answer is remembered across runs. The RFC allows a day; who closes a site should not wait for so long."""
MAX_REDIRECTS = 5
_NAMED = {FetchOutcome.DNS, FetchOutcome.PRIVATE_ADDRESS, FetchOutcome.CONNECTION}
"""Failures that say more about a page of the host than "no robots.txt" would."""


class RobotsForbidden(Refusal):
    """robots.txt does not allow us to fetch this."""

    outcome = FetchOutcome.ROBOTS


class RobotsUnavailable(Refusal):
    """Nobody could say what robots.txt allows, so nothing is fetched there now."""

    def __init__(self, message: str, cause: FetchOutcome) -> None:
        super().__init__(message)
        self.outcome = cause if cause in _NAMED else FetchOutcome.ROBOTS_UNAVAILABLE


@dataclass(frozen=True)
class Rules:
    """One host's answer: how it went, whether we may crawl at all, and the text with the rules ("" allows everything)."""

    outcome: str
    usable: bool
    text: str = ""

    @cached_property
    def _parsed(self) -> Protego:
        return Protego.parse(self.text)

    def allows(self, url: str, agent: str) -> bool:
        return self._parsed.can_fetch(url, agent)

    def delay(self, agent: str) -> float | None:
        """Seconds that Crawl-delay asks for, nonsense left out; may be absurdly many."""
        asked = self._parsed.crawl_delay(agent)
        return asked if asked is not None and math.isfinite(asked) and asked > 0 else None


def read(status: int, body: bytes) -> Rules:
    """What follows from an answer (redirects have been followed): 4xx and pages of HTML hold no rules, 5xx forbid all."""
    if status == 429 or status >= 500:
        return Rules(of_status(status).value, usable=False)
    if not 200 <= status < 300:
        return Rules(of_status(status).value, usable=True)
    if len(body) > MAX_SIZE:
        body = body[:MAX_SIZE].rpartition(b"\n")[0]
    utf16 = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    text = body.decode("utf-16" if utf16 else "utf-8-sig", errors="replace")
    if text.lstrip()[:1] == "<":  # the site's "not found" page, sent as a success
        return Rules("html", usable=True)
    return Rules("read", usable=True, text=text)


@dataclass(frozen=True)
class Cache:
    """Answers of earlier runs, one file a host, so that a crawl every quarter of an hour does not ask every time."""

    folder: Path

    def get(self, origin: str, now: float) -> Rules | None:
        try:
            found = json.loads(self._file(origin).read_text(encoding="utf-8"))
            age = now - found.pop("fetched")
            return Rules(**found) if 0 <= age < MAX_AGE else None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):  # none yet, or not written by us
            return None

    def put(self, origin: str, rules: Rules, now: float) -> None:
        """Failures are not kept: the next run asks again."""
        if not rules.usable:
            return
        file = self._file(origin)
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".open")
        draft.write_text(json.dumps({**asdict(rules), "fetched": now}), encoding="utf-8")
        draft.replace(file)

    def _file(self, origin: str) -> Path:
        return self.folder / f"{hashlib.sha256(origin.encode()).hexdigest()[:32]}.json"


class RobotsMiddleware:
    """Asks each host once a run, lets pass what it allows, and slows its domain down to its Crawl-delay.

    Scrapy's own takes an error page for rules and lets everything pass when there is no answer; and of the requests
    that wait for one answer, only the first gets it on the asyncio reactor (2.19). Here they wait one after another.
    """

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler
        self.agent: str = crawler.settings["ROBOTSTXT_USER_AGENT"]
        self.cache = Cache(Path(crawler.settings["ROBOTS_CACHE"]))
        self._rules: dict[str, Rules] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Let it pass, or raise.

        Raises:
            RobotsForbidden: by the host's rules.
            RobotsUnavailable: the host's rules cannot be known now.
            Refusal: of another kind, since robots.txt itself may not be asked for now.
        """
        if request.meta.get("role") == "robots":
            return
        parts = urlparse_cached(request)
        origin = f"{parts.scheme}://{parts.netloc}"
        async with self._turns[origin]:
            if origin not in self._rules:
                self._rules[origin] = await self._ask(origin, request)
        rules = self._rules[origin]
        self._note(request, origin, rules)
        if not rules.usable:
            raise RobotsUnavailable(f"{origin}/robots.txt: {rules.outcome}", FetchOutcome(rules.outcome))
        if not rules.allows(request.url, self.agent):
            raise RobotsForbidden(request.url)

    async def _ask(self, origin: str, request: Request) -> Rules:
        """The host's rules, remembered or fetched; makes its domain's slot as slow as they want it."""
        rules = self.cache.get(origin, time.time())
        if rules is None:
            rules = await self._fetch(origin, request)
            self.cache.put(origin, rules, time.time())
        if (asked := rules.delay(self.agent)) is not None:
            if asked > MOST_DELAY:
                log.warning("%s/robots.txt: Crawl-delay %s is taken for %s seconds", origin, asked, MOST_DELAY)
            downloader_of(self.crawler).slow_down(origin, asked)
        return rules

    async def _fetch(self, origin: str, request: Request) -> Rules:
        meta = {"role": "robots", "outlet": request.meta["outlet"], "redirect_ttl": MAX_REDIRECTS}
        question = Request(f"{origin}/robots.txt", callback=NO_CALLBACK, dont_filter=True, meta=meta)
        assert self.crawler.engine
        try:
            response: Response = await self.crawler.engine.download_async(question)
        except Refusal:  # not the host's answer, and maybe not that of the next outlet that asks
            raise
        except Exception as error:  # noqa: BLE001 - whatever kept the answer away
            outcome = outcome_of(error)
            log.warning("%s/robots.txt: %s: %s", origin, outcome, error)
            # "more than five redirects" is no robots.txt (RFC 9309, 2.3.1.2); no answer is a refusal (2.3.1.4)
            return Rules(outcome.value, usable=outcome is FetchOutcome.REDIRECT_LOOP)
        return read(response.status, response.body)

    def _note(self, request: Request, origin: str, rules: Rules) -> None:
        """Enter the answer into the account of the outlet that asks."""
        run: OutletRun = self.crawler.spider.crawl.runs[request.meta["outlet"]]  # type: ignore[union-attr]  # a BaseSpider's
        if origin not in run.robots:
            run.robots[origin] = RobotsAnswer(origin, rules.outcome, rules.delay(self.agent))

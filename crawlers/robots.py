"""robots.txt (RFC 9309), with a refusal that can be told from other ignored requests."""

import asyncio
from collections import defaultdict

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.robotstxt import RobotParser
from scrapy.utils.httpobj import urlparse_cached


class RobotsForbidden(IgnoreRequest):
    """robots.txt does not allow us to fetch this."""


class RobotsMiddleware(RobotsTxtMiddleware):
    """Scrapy's, which raises a plain IgnoreRequest, and lets some requests pass that came before robots.txt did.

    In Scrapy 2.19 requests that wait for the same robots.txt share one Deferred; on the asyncio reactor only the first
    of them gets its result, and the others None, which means "everything is allowed". Here they wait one after another.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def robot_parser(self, request: Request) -> RobotParser | None:
        async with self._turns[urlparse_cached(request).netloc]:
            return await super().robot_parser(request)

    def process_request_2(self, rp: RobotParser | None, request: Request) -> None:
        try:
            super().process_request_2(rp, request)
        except IgnoreRequest as error:
            raise RobotsForbidden(request.url) from error

"""robots.txt (RFC 9309), with a refusal that can be told from other ignored requests."""

from scrapy import Request
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.robotstxt import RobotParser


class RobotsForbidden(IgnoreRequest):
    """robots.txt does not allow us to fetch this."""


class RobotsMiddleware(RobotsTxtMiddleware):
    """Scrapy's, which raises a plain IgnoreRequest."""

    def process_request_2(self, rp: RobotParser | None, request: Request) -> None:
        try:
            super().process_request_2(rp, request)
        except IgnoreRequest as error:
            raise RobotsForbidden(request.url) from error

"""Scrapy's HTTP/1.1 handler with limits it lacks: on the head of an answer, and on the time of all hops of an address."""

import resource
from time import monotonic
from typing import Any

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
    _LenientHTTPClientParser,
)
from scrapy.crawler import Crawler
from scrapy.exceptions import CannotResolveHostError, DownloadFailedError, DownloadTimeoutError
from scrapy.http import Response
from scrapy.utils.httpobj import urlparse_cached
from twisted.internet.defer import Deferred
from twisted.web.client import ResponseFailed

from crawlers.guard import GuardedResolver, PrivateAddress
from crawlers.limits import IDLE_SECONDS, MAX_HEAD, MAX_HEADERS, MAX_IDLE, TooBig

_SPENT = "page_seconds_spent"


class LimitedHandler(HTTP11DownloadHandler):
    """Stops answers whose head never ends, and addresses whose hops and retries take too long together."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._pool._factory = _Factory  # noqa: SLF001 - as Scrapy does it; Twisted has no public way
        self._pool.cachedConnectionTimeout = IDLE_SECONDS
        self._most_idle = min(MAX_IDLE, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)
        self._hop_seconds = crawler.settings.getfloat("DOWNLOAD_TIMEOUT")
        self._page_seconds = crawler.settings.getfloat("PAGE_SECONDS")

    async def download_request(self, request: Request) -> Response:
        left = self._page_seconds - request.meta.get(_SPENT, 0.0)
        if left <= 0:
            raise DownloadTimeoutError(f"{request.url}: all hops took more than {self._page_seconds:g} seconds")
        request.meta["download_timeout"] = min(self._hop_seconds, left)
        if sum(map(len, self._pool._connections.values())) >= self._most_idle:  # noqa: SLF001
            self._pool.closeCachedConnections()  # type: ignore[no-untyped-call]
        began = monotonic()
        try:
            return await super().download_request(request)
        except DownloadFailedError as error:
            raise _cause(error) or error from error
        except CannotResolveHostError as error:
            host = urlparse_cached(request).hostname or ""
            if host in GuardedResolver.refused:
                raise PrivateAddress(f"{host} is not on the open internet") from error
            raise
        finally:  # redirects and retries are copies of this request with the same meta
            request.meta[_SPENT] = request.meta.get(_SPENT, 0.0) + monotonic() - began


def _cause(error: DownloadFailedError) -> TooBig | None:
    """Twisted wraps what ended a response into a list of failures."""
    reasons = error.__cause__.reasons if isinstance(error.__cause__, ResponseFailed) else []
    return next((reason.value for reason in reasons if isinstance(reason.value, TooBig)), None)


class _Parser(_LenientHTTPClientParser):
    """Counts from the status line on; interim answers (1xx) reset Twisted's parser, but not this count."""

    MAX_LENGTH = MAX_HEAD
    head_bytes = 0
    head_lines = 0

    def lineReceived(self, line: bytes) -> None:  # noqa: N802 - Twisted's name
        self.head_bytes += len(line) + 1
        self.head_lines += 1
        if self.head_bytes > MAX_HEAD or self.head_lines > MAX_HEADERS:
            raise TooBig(f"the head has more than {MAX_HEAD} bytes or {MAX_HEADERS} lines")
        super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802, ARG002
        raise TooBig(f"a header has more than {MAX_HEAD} bytes")


class _Protocol(_LenientHTTP11ClientProtocol):
    def request(self, request: Any) -> "Deferred[Any]":
        answer = super().request(request)
        self._parser.__class__ = _Parser  # as Scrapy does: Twisted names the parser's class in the middle of a method
        return answer


class _Factory(_LenientHTTP11ClientFactory):
    def buildProtocol(self, addr: Any) -> _Protocol:  # noqa: ARG002, N802
        return _Protocol(self._quiescentCallback)  # type: ignore[no-untyped-call]

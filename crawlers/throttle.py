"""Pace: a domain has one slow slot, whichever outlets and host names lead to it, and its requests wait in the scheduler."""

from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.core.downloader import Downloader
from scrapy.core.downloader import Slot as DownloaderSlot
from scrapy.crawler import Crawler
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Response
from scrapy.pqueues import DownloaderAwarePriorityQueue, DownloaderInterface
from scrapy.utils.httpobj import urlparse_cached
from tldextract import TLDExtract

from crawlers.hours import MOST_DELAY

SOON = 5.0
"""Seconds before its time that a request is handed to the downloader; Scrapy looks for such requests as often."""

# The public suffix list of the package, never the network's. Without its private part: who hosts a thousand blogs
# below blogspot.com counts our requests together.
_SUFFIXES = TLDExtract(suffix_list_urls=(), cache_dir=None)


@lru_cache(maxsize=20_000)
def domain_of(host: str) -> str:
    """The registrable domain of a host: www.example.org, m.example.org and example.org are served, and counted, as one."""
    return _SUFFIXES(host).top_domain_under_public_suffix or host


class PoliteDownloader(Downloader):
    """Scrapy's, with a slot for each registrable domain, and the least delay that somebody asked for there."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.least: dict[str, float] = {}
        self.wakes: dict[str, float] = {}
        """When a domain that rests may be asked again, on the monotonic clock."""
        self.closed: set[str] = set()
        """Domains whose requests are turned away, for they rest too long to wait for."""

    def get_slot_key(self, request: Request) -> str:
        # Not request.meta["download_slot"]: a redirect carries that of the host it comes from.
        return domain_of(urlparse_cached(request).hostname or "")

    def slow_down(self, url: str, delay: float) -> None:
        """From now on, at least so many seconds between requests to the domain of this address; never less than before."""
        key = domain_of(urlsplit(url).hostname or "")
        least = min(max(delay, self.delay(key)), MOST_DELAY)
        self.least[key] = least
        self.per_slot_settings[key] = {"delay": least}  # for slots made anew: idle ones are dropped after a minute
        if slot := self.slots.get(key):
            slot.delay = max(slot.delay, least)

    def delay(self, key: str) -> float:
        """Seconds between two requests to this domain, at least."""
        return max(self.least.get(key, 0.0), self.settings.getfloat("DOWNLOAD_DELAY"))

    def due(self, key: str) -> bool:
        """Whether a request to this domain would leave soon."""
        slot = self.slots.get(key)
        when = max(self.wakes.get(key, 0.0), slot.lastseen + slot.delay if slot else 0.0)
        return when - monotonic() <= SOON


def downloader_of(crawler: Crawler) -> PoliteDownloader:
    """The running crawl's downloader."""
    assert crawler.engine
    assert isinstance(crawler.engine.downloader, PoliteDownloader)
    return crawler.engine.downloader


class Throttle(AutoThrottle):
    """Scrapy's AutoThrottle, which adapts to a server's latency, kept from going below what was asked of a domain."""

    def _response_downloaded(self, response: Response, request: Request, spider: Spider) -> None:
        super()._response_downloaded(response, request, spider)
        downloader = downloader_of(self.crawler)
        key = downloader.get_slot_key(request)
        slot: DownloaderSlot | None = downloader.slots.get(key)
        if slot:
            slot.delay = max(slot.delay, downloader.least.get(key, 0.0))


class _FreeDomains(DownloaderInterface):
    """Which domains may hand out a request: those that would send it soon, and those that turn all away."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self.crawler = crawler
        self.room = crawler.settings.getint("CONCURRENT_REQUESTS_PER_DOMAIN")

    def stats(self, possible_slots: Iterable[str]) -> list[tuple[int, str]]:
        busy, downloader = Counter(map(self.get_slot_key, self.downloader.active)), downloader_of(self.crawler)
        return [
            (busy[slot], slot)
            for slot in possible_slots
            if slot in downloader.closed or (busy[slot] < self.room and downloader.due(slot))
        ]


class DomainQueue(DownloaderAwarePriorityQueue):
    """Keeps requests until their domain has room.

    Scrapy hands out as many as the downloader takes in all: a few slow domains would fill it and hold up the others, and
    what already waits there for its turn is sent, whatever the server has said in the meantime.
    """

    def __init__(self, crawler: Crawler, *args: Any, **options: Any) -> None:
        super().__init__(crawler, *args, **options)
        self._downloader_interface = _FreeDomains(crawler)

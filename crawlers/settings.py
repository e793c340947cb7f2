"""What Scrapy is told. The list of middlewares with their numbers is the picture of a request's way."""

from typing import Any

from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadConnectionRefusedError,
    DownloadFailedError,
    ResponseDataLossError,
)
from twisted.internet.error import ConnectError

from crawlers.hours import LEAST_DELAY, MOST_DELAY
from crawlers.limits import HOPS_TIME, MAX_BODY, MAX_REDIRECTS
from narrawatch.errors import NarrawatchError
from narrawatch.settings import Settings

VERSION = "0.1"


class ContactMissing(NarrawatchError):
    """Outlets must be able to reach whoever crawls them."""


def user_agent(settings: Settings, *, private: bool = False) -> str:
    """An honest name with a contact; `private` says that only loopback and private hosts are to be crawled.

    Raises:
        ContactMissing: the open internet is to be crawled without one.
    """
    contact = settings.user_agent_contact
    if not contact and not (private and settings.allow_loopback):
        raise ContactMissing(
            "NARRAWATCH_USER_AGENT_CONTACT is not set; set it to a web or mail address outlets can write to"
        )
    return f"Narrawatch/{VERSION} (+{contact or 'loopback only'})"


def scrapy_settings(settings: Settings, *, private: bool = False) -> dict[str, Any]:
    """Polite by default; nothing here is for an outlet to switch off.

    Raises:
        ContactMissing: as `user_agent` does.
    """
    return {
        "USER_AGENT": user_agent(settings, private=private),
        "ALLOW_LOOPBACK": settings.allow_loopback,
        "ROBOTSTXT_USER_AGENT": "Narrawatch",
        "ROBOTS_CACHE": str(settings.home / "robots"),
        "DOWNLOADER": "crawlers.throttle.PoliteDownloader",
        "SCHEDULER_PRIORITY_QUEUE": "crawlers.throttle.DomainQueue",
        "EXTENSIONS": {"scrapy.extensions.throttle.AutoThrottle": None, "crawlers.throttle.Throttle": 0},
        "AUTOTHROTTLE_ENABLED": True,
        "AUTOTHROTTLE_START_DELAY": LEAST_DELAY,
        "AUTOTHROTTLE_MAX_DELAY": MOST_DELAY,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": 1.0,
        "DOWNLOAD_DELAY": LEAST_DELAY,
        "DOWNLOAD_DELAY_JITTER": 0.0,  # it would go below what robots.txt asks for, and we have nothing to disguise
        "CONCURRENT_REQUESTS": 64,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_TIMEOUT": settings.page_seconds,  # from the first byte we send to the last of the body
        "PAGE_SECONDS": HOPS_TIME * settings.page_seconds,
        "DNS_TIMEOUT": 15,
        "DOWNLOAD_MAXSIZE": MAX_BODY,
        "DOWNLOAD_WARNSIZE": 0,
        "REDIRECT_MAX_TIMES": MAX_REDIRECTS,
        "RETRY_TIMES": 2,
        "RETRY_HTTP_CODES": [408, 500, 502, 504, 522, 524],  # 429 and 503 are BackOffMiddleware's
        "RETRY_EXCEPTIONS": [  # not timeouts: the next run is soon enough for a server that takes this long
            CannotResolveHostError,
            DownloadConnectionRefusedError,
            DownloadFailedError,
            ResponseDataLossError,
            ConnectError,
        ],
        "HTTPERROR_ALLOW_ALL": True,  # every status is an outcome, judged in one place
        "METAREFRESH_ENABLED": False,
        "COOKIES_ENABLED": False,
        "REFERRER_POLICY": "no-referrer",
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "TWISTED_DNS_RESOLVER": "crawlers.guard.GuardedResolver",
        "REACTOR_THREADPOOL_MAXSIZE": 30,  # names are looked up in threads, and some name servers are slow
        # A proxy would open the connections in our place, to addresses that nobody has checked.
        "HTTPPROXY_ENABLED": False,
        "DOWNLOAD_HANDLERS": {
            "http": "crawlers.downloader.LimitedHandler",
            "https": "crawlers.downloader.LimitedHandler",
            **dict.fromkeys(("data", "file", "ftp", "s3")),
        },
        "DOWNLOADER_MIDDLEWARES": {
            "crawlers.guard.GuardMiddleware": 50,
            "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
            "crawlers.robots.RobotsMiddleware": 100,
            "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
            "crawlers.unpack.UnpackMiddleware": 590,
            "crawlers.backoff.BackOffMiddleware": 610,  # behind redirects and retries, which are requests, too
        },
        "MEMUSAGE_ENABLED": False,
        "LOG_ENABLED": False,  # narrawatch.logs has set the handlers
        "LOG_INSTALL_ROOT_HANDLER": False,
        "LOG_LEVEL": "INFO",
        "STATS_DUMP": False,
    }

"""What Scrapy is told. The list of middlewares with their numbers is the picture of a request's way."""

from typing import Any

from narrawatch.errors import NarrawatchError
from narrawatch.settings import Settings

VERSION = "0.1"
MAX_BODY = 10 * 1024 * 1024
"""Bytes of one page, packed or unpacked. The largest of our recorded news pages is 2 MB."""


class ContactMissing(NarrawatchError):
    """Outlets must be able to reach whoever crawls them."""


def user_agent(settings: Settings) -> str:
    """An honest name with a contact.

    Raises:
        ContactMissing: the open internet is to be crawled without one.
    """
    contact = settings.user_agent_contact
    if not contact and not settings.allow_loopback:
        raise ContactMissing(
            "NARRAWATCH_USER_AGENT_CONTACT is not set; set it to a web or mail address outlets can write to"
        )
    return f"Narrawatch/{VERSION} (+{contact or 'loopback only'})"


def scrapy_settings(settings: Settings) -> dict[str, Any]:
    """Polite by default; nothing here is for an outlet to switch off."""
    return {
        "USER_AGENT": user_agent(settings),
        "ALLOW_LOOPBACK": settings.allow_loopback,
        "ROBOTSTXT_OBEY": True,
        "ROBOTSTXT_USER_AGENT": "Narrawatch",
        "AUTOTHROTTLE_ENABLED": True,
        "AUTOTHROTTLE_START_DELAY": 1.0,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": 1.0,
        "DOWNLOAD_DELAY": 1.0,
        "CONCURRENT_REQUESTS": 64,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "DOWNLOAD_TIMEOUT": 30,
        "DNS_TIMEOUT": 15,
        "DOWNLOAD_MAXSIZE": MAX_BODY,
        "DOWNLOAD_WARNSIZE": 0,
        "REDIRECT_MAX_TIMES": 8,
        "RETRY_TIMES": 2,
        "HTTPERROR_ALLOW_ALL": True,  # every status is an outcome, judged in one place
        "METAREFRESH_ENABLED": False,
        "COOKIES_ENABLED": False,
        "REFERRER_POLICY": "no-referrer",
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "TWISTED_DNS_RESOLVER": "crawlers.guard.GuardedResolver",
        "DOWNLOADER_MIDDLEWARES": {
            "crawlers.guard.GuardMiddleware": 50,
            "scrapy.downloadermiddlewares.robotstxt.RobotsTxtMiddleware": None,
            "crawlers.robots.RobotsMiddleware": 100,
            "scrapy.downloadermiddlewares.httpcompression.HttpCompressionMiddleware": None,
            "crawlers.unpack.UnpackMiddleware": 590,
        },
        "MEMUSAGE_ENABLED": False,
        "LOG_ENABLED": False,  # narrawatch.logs has set the handlers
        "LOG_INSTALL_ROOT_HANDLER": False,
        "LOG_LEVEL": "INFO",
        "STATS_DUMP": False,
    }

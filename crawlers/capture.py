"""What came over the wire: one page as fetched, before anybody understands it."""

import hashlib
from dataclasses import dataclass

from crawlers.address import url_id

GONE = frozenset({404, 410})
"""Statuses of a page that is not there any more."""
MOVED = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, kw_only=True)
class Capture:
    """One fetched page. `url` is where the body came from, `requested_url` where the crawl began; a redirect parts them.

    `status` is that of a page that is there, or tells that one we knew has gone; `etag` and `last_modified` are the
    validators the server gave it, `body_hash` is ours (`hash_of`).
    """

    outlet: str
    run: str
    url: str
    requested_url: str
    fetched: str
    status: int
    content_type: str | None
    body: bytes
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str = ""
    file: str = ""
    offset: int = -1

    @property
    def id(self) -> str:
        """The article's id: from the address the page was fetched at."""
        return url_id(self.url)

    @property
    def vanished(self) -> bool:
        """Whether it says that a page is gone, or now leads to nothing but the home page."""
        return self.status in GONE or self.status in MOVED


def hash_of(body: bytes) -> str:
    """Names one body: the same bytes always give the same 32 hexadecimal digits."""
    return hashlib.sha256(body).hexdigest()[:32]

"""What one answer may cost us. Every limit here ends as a counted outcome; none of our recorded news pages is near one."""

from scrapy.exceptions import IgnoreRequest

MAX_BODY = 10 * 1024 * 1024
"""Bytes of one page, packed or unpacked. The largest of our recorded news pages is 2 MB."""
MAX_RATIO = 250
"""Unpacked bytes for each packed one; news pages and sitemaps have up to 50, deflate's bombs 1,000, brotli's millions."""
RATIO_FREE = 1024 * 1024
"""Up to here the ratio does not count: a short page may be mostly blanks."""
MAX_PARTS = 300
"""Members of a gzip body, frames of a zstd one: each costs time, even when it is empty."""
MAX_STACKED = 3
"""Codings one upon the other."""
MAX_HEAD = 64 * 1024
"""Bytes of status line and headers, with all interim (1xx) answers before them."""
MAX_HEADERS = 256
MAX_IDLE = 200
"""Connections kept open for a next request, if a process may have four times as many open files: usually it is 1,024."""
IDLE_SECONDS = 60
"""As long, at most: politeness may leave as many between two requests to a domain."""
MAX_REDIRECTS = 8
HOPS_TIME = 2
"""All hops and retries of an address may take so many times what one answer may; waiting for our turn does not count."""


class TooBig(IgnoreRequest):
    """Head or body, packed or unpacked, is over its limit."""

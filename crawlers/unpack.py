"""Unpacks bodies (gzip, deflate, br, zstd) within a limit, and whole or not at all.

Scrapy keeps what it could unpack of a damaged gzip body; half an article that looks like a whole one is worse than none.
"""

import zlib

from scrapy import Request
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response


class TooBig(IgnoreRequest):
    """The unpacked body is over the limit."""


class BadEncoding(IgnoreRequest):
    """The body is not what its Content-Encoding says, or is cut short."""


class UnpackMiddleware(HttpCompressionMiddleware):
    """Scrapy's, with strict gzip and two exceptions that can be told apart."""

    def process_response(  # type: ignore[override]  # its `spider` is deprecated, and passing it warns
        self, request: Request, response: Response
    ) -> Request | Response:
        try:
            return super().process_response(request, response)
        except (TooBig, BadEncoding):
            raise
        except IgnoreRequest as error:
            raise TooBig(str(error)) from error
        except Exception as error:  # each codec has exceptions of its own
            raise BadEncoding(f"{response.url}: {error}") from error

    @staticmethod
    def _decode(body: bytes, encoding: bytes, max_size: int) -> bytes:
        if encoding in {b"gzip", b"x-gzip"}:
            return gunzip(body, max_size)
        return bytes(HttpCompressionMiddleware._decode(body, encoding, max_size))  # noqa: SLF001 - its one extension point


def gunzip(body: bytes, max_size: int) -> bytes:
    """Unpack all members of a gzip body (RFC 1952).

    Raises:
        TooBig: more than `max_size` bytes come out.
        BadEncoding: damaged or cut short.
    """
    parts: list[bytes] = []
    room = max_size
    while body:
        unpack = zlib.decompressobj(wbits=31)
        try:
            part = unpack.decompress(body, room + 1)
        except zlib.error as error:
            raise BadEncoding(str(error)) from error
        room -= len(part)
        if room < 0:
            raise TooBig(f"more than {max_size} bytes unpacked")
        if not unpack.eof:
            raise BadEncoding("gzip body is cut short")
        parts.append(part)
        body = unpack.unused_data.lstrip(b"\0")  # padding behind the last member is allowed by gzip(1)
    return b"".join(parts)

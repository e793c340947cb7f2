"""Unpacks bodies (gzip, deflate, br, zstd) within limits, and whole or not at all.

Scrapy keeps what it could unpack of a damaged body; half an article that looks like a whole one is worse than none.
"""

import sys
import zlib
from collections.abc import Callable, Sequence

import brotli
from scrapy import Request
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from crawlers.limits import MAX_BODY, MAX_PARTS, MAX_RATIO, MAX_STACKED, RATIO_FREE, TooBig

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_ZSTD_WINDOW = 23  # RFC 9659: 8 MB is all that a content coding may ask for
_ZSTD_MAGIC = (b"\x28\xb5\x2f\xfd", *(bytes((low, 0x2A, 0x4D, 0x18)) for low in range(0x50, 0x60)))
_GZIP_MAGIC = b"\x1f\x8b"
_NO_CODING = {"", "identity", "none", "utf-8"}
"""Written by servers that mean "not packed"."""


class BadEncoding(IgnoreRequest):
    """The body is not what its Content-Encoding says, or is cut short."""


class UnpackMiddleware(HttpCompressionMiddleware):
    """Scrapy's, with our limits, and with exceptions that can be told apart. It asks for what `unpack` knows, no more."""

    def process_response(  # type: ignore[override]  # its `spider` is deprecated, and passing it warns
        self, request: Request, response: Response
    ) -> Request | Response:
        try:
            return super().process_response(request, response)
        except (TooBig, BadEncoding) as error:
            refusal = type(error)(f"{response.url}: {error}")
        # Not while the first is handled: its traceback holds all that was unpacked, until the last who was told forgets it.
        raise refusal

    def _handle_encoding(self, body: bytes, content_encoding: list[bytes], max_size: int) -> tuple[bytes, list[bytes]]:
        return unpack(body, [value.decode("latin-1") for value in content_encoding], max_size), []


def unpack(body: bytes, headers: Sequence[str], max_size: int = MAX_BODY) -> bytes:
    """Undo what the values of Content-Encoding headers name, the last first.

    Raises:
        TooBig: more comes out than `max_size`, or than any honest page packs into this many bytes.
        BadEncoding: a coding we did not ask for, too many of them, or a body that is damaged or cut short.
    """
    codings = (coding for value in headers for coding in value.split(","))
    named = [name for coding in codings if (name := coding.strip().lower()) not in _NO_CODING]
    if len(named) > MAX_STACKED:
        raise BadEncoding(f"{len(named)} codings stacked")
    room = min(max_size, max(RATIO_FREE, MAX_RATIO * len(body)))
    for name in reversed(named):
        if name not in _CODECS:
            raise BadEncoding(f"unknown coding {name[:40]!r}")
        if body:  # a server that has nothing to send packs nothing
            body = _CODECS[name](body, room)
    return body


def gunzip(body: bytes, max_size: int) -> bytes:
    """Unpack all members of a gzip body (RFC 1952); what follows the last one and is no member is ignored.

    Raises:
        TooBig: more than `max_size` bytes come out.
        BadEncoding: damaged or cut short.
    """
    parts: list[bytes] = []
    rest = body
    while not parts or rest.startswith(_GZIP_MAGIC):
        part, rest = _inflate(rest, 31, max_size - sum(map(len, parts)))
        parts.append(part)
        if len(parts) > MAX_PARTS:
            raise BadEncoding(f"more than {MAX_PARTS} gzip members")
    return b"".join(parts)


def _deflate(body: bytes, max_size: int) -> bytes:
    """RFC 9110 means zlib's format; some servers send the bare one."""
    try:
        return _inflate(body, 15, max_size)[0]
    except BadEncoding:
        return _inflate(body, -15, max_size)[0]


def _inflate(body: bytes, wbits: int, max_size: int) -> tuple[bytes, bytes]:
    """One stream, and what follows it."""
    stream = zlib.decompressobj(wbits=wbits)
    try:
        part = stream.decompress(body, max_size + 1)
    except zlib.error as error:
        raise BadEncoding(str(error)) from error
    _check(len(part), max_size, whole=stream.eof)
    return part, stream.unused_data


def _unbrotli(body: bytes, max_size: int) -> bytes:
    stream = brotli.Decompressor()
    try:
        part = stream.process(body, output_buffer_limit=max_size + 1)
    except brotli.error as error:
        raise BadEncoding(f"brotli: {error}") from error
    _check(len(part), max_size, whole=stream.is_finished())
    return bytes(part)


def _unzstd(body: bytes, max_size: int) -> bytes:
    parts: list[bytes] = []
    rest = body
    while not parts or rest.startswith(_ZSTD_MAGIC):
        stream = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: _ZSTD_WINDOW})
        left = max_size - sum(map(len, parts))
        try:
            part = stream.decompress(rest, max_length=left + 1)
        except zstd.ZstdError as error:
            raise BadEncoding(f"zstd: {error}") from error
        _check(len(part), left, whole=stream.eof)
        parts.append(part)
        if len(parts) > MAX_PARTS:
            raise BadEncoding(f"more than {MAX_PARTS} zstd frames")
        rest = stream.unused_data
    return b"".join(parts)


def _check(size: int, max_size: int, *, whole: bool) -> None:
    if size > max_size:
        raise TooBig(f"more than {max_size} bytes unpacked")
    if not whole:
        raise BadEncoding("the body is cut short")


_CODECS: dict[str, Callable[[bytes, int], bytes]] = {
    "gzip": gunzip,
    "x-gzip": gunzip,
    "deflate": _deflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}

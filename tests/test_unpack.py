"""Packed bodies come out whole, within the limits, or not at all."""

import gzip
import random
import sys
import traceback
import zlib

import brotli
import pytest
from scrapy import Request
from scrapy.downloadermiddlewares.httpcompression import ACCEPTED_ENCODINGS
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from crawlers import unpack as module
from crawlers.limits import MAX_PARTS, MAX_RATIO, RATIO_FREE, TooBig
from crawlers.unpack import BadEncoding, UnpackMiddleware, gunzip, unpack

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b"<p>" + bytes(range(256)) * 200


def bare_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACK = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "bare deflate": bare_deflate,
    "br": brotli.compress,
    "zstd": zstd.compress,
}


def undo(name: str, body: bytes, max_size: int = 10**6) -> bytes:
    return unpack(body, [name.removeprefix("bare ")], max_size)


def test_we_ask_for_what_we_can_unpack() -> None:
    assert {coding.decode() for coding in ACCEPTED_ENCODINGS} == set(module._CODECS) - {"x-gzip"}


@pytest.mark.parametrize("name", PACK)
def test_whole(name: str) -> None:
    assert undo(name, PACK[name](TEXT)) == TEXT
    assert undo(name, b"") == b"", "a server that has nothing to send packs nothing"


@pytest.mark.parametrize("cut", [1, 4, 20, 100])
@pytest.mark.parametrize("name", PACK)
def test_cut_short(name: str, cut: int) -> None:
    noise = random.Random(7).randbytes(3000)
    with pytest.raises(BadEncoding):
        undo(name, PACK[name](noise)[:-cut])


@pytest.mark.parametrize("name", PACK)
def test_not_what_it_says(name: str) -> None:
    for body in (b"<html><p>A plain page.</p></html>", b"\x1f\x8b", b"\0" * 50, PACK[name](TEXT)[:40] + b"x" * 50):
        with pytest.raises(BadEncoding):
            undo(name, body)


@pytest.mark.parametrize("name", PACK)
def test_limit_is_exact(name: str) -> None:
    noise = random.Random(7).randbytes(50_000)
    assert undo(name, PACK[name](noise), 50_000) == noise
    with pytest.raises(TooBig):
        undo(name, PACK[name](noise), 49_999)


@pytest.mark.parametrize("name", PACK)
def test_bomb(name: str) -> None:
    with pytest.raises(TooBig):
        undo(name, PACK[name](bytes(50_000_000)))


def test_what_came_out_of_a_bomb_is_not_kept_with_the_refusal() -> None:
    """Many refusals wait to be settled at once; ten megabytes with each would be more than the whole crawl takes."""
    middleware = UnpackMiddleware.from_crawler(get_crawler())
    request, headers = Request("https://example.org/"), {"Content-Encoding": "gzip"}
    bomb = gzip.compress(bytes(50_000_000))
    with pytest.raises(TooBig, match=r"example\.org") as caught:
        middleware.process_response(request, Response(request.url, headers=headers, body=bomb))
    assert caught.value.__cause__ is caught.value.__context__ is None
    values = [value for frame, _ in traceback.walk_tb(caught.tb) for value in frame.f_locals.values()]
    assert max(len(value) for value in values if isinstance(value, bytes)) == len(bomb)


@pytest.mark.parametrize("name", ["br", "zstd", "gzip"])
def test_ratio(name: str) -> None:
    """Far below the limit for its size, yet no honest page packs so well."""
    packed = PACK[name](bytes(3 * RATIO_FREE))
    assert len(packed) * MAX_RATIO < 3 * RATIO_FREE
    with pytest.raises(TooBig):
        undo(name, packed, 10 * RATIO_FREE)
    assert undo(name, PACK[name](bytes(RATIO_FREE)), 10 * RATIO_FREE) == bytes(RATIO_FREE), "a short page may be blank"


@pytest.mark.parametrize(
    ("codings", "body"),
    [
        (["gzip, br"], brotli.compress(gzip.compress(TEXT))),
        (["deflate", "gzip"], gzip.compress(zlib.compress(TEXT))),
        (["gzip,gzip,gzip"], gzip.compress(gzip.compress(gzip.compress(TEXT)))),
        (["identity"], TEXT),
        (["UTF-8"], TEXT),
        ([" GZip ,"], gzip.compress(TEXT)),
        (["zstd"], zstd.compress(TEXT[:1000]) + b"\x50\x2a\x4d\x18\x04\0\0\0skip" + zstd.compress(TEXT[1000:])),
        (["gzip"], gzip.compress(TEXT) + b"\0" * 8),
        (["gzip"], gzip.compress(TEXT) + b"<!-- served by cache 7 -->"),
        (["zstd"], zstd.compress(TEXT) + b"<!-- served by cache 7 -->"),
        (["deflate"], zlib.compress(TEXT) + b"<!-- served by cache 7 -->"),
    ],
)
def test_odd_but_whole(codings: list[str], body: bytes) -> None:
    assert unpack(body, codings, 10**6) == TEXT


@pytest.mark.parametrize("codings", [["gzip"] * 4, ["gzip," * 1000], ["compress"], ["aes128gcm"], ["\xff\0"]])
def test_codings_nobody_asked_for(codings: list[str]) -> None:
    with pytest.raises(BadEncoding):
        unpack(gzip.compress(TEXT), codings)


def test_stacked_bomb() -> None:
    bomb = gzip.compress(gzip.compress(bytes(40_000_000)))
    with pytest.raises(TooBig):
        unpack(bomb, ["gzip", "gzip"])


def test_zstd_window() -> None:
    """A frame may ask for 2 GB of memory to unpack a few bytes."""
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    with pytest.raises(BadEncoding):
        unpack(packer.compress(TEXT) + packer.flush(), ["zstd"])


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_endless_parts(name: str) -> None:
    with pytest.raises(BadEncoding):
        undo(name, PACK[name](b"") * (MAX_PARTS + 1))


def test_all_members() -> None:
    assert gunzip(gzip.compress(TEXT) + gzip.compress(b"more") + b"\0" * 8, 10**6) == TEXT + b"more"

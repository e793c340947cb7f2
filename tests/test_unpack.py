"""Packed bodies come out whole, within the limit, or not at all."""

import gzip
import zlib

import pytest

from crawlers.unpack import BadEncoding, TooBig, gunzip

TEXT = b"<p>" + bytes(range(256)) * 200


def test_all_members_and_padding() -> None:
    assert gunzip(gzip.compress(TEXT) + gzip.compress(b"more") + b"\0" * 8, 10**6) == TEXT + b"more"


@pytest.mark.parametrize(
    "body",
    [gzip.compress(TEXT)[:-20], gzip.compress(TEXT)[:-200] + b"x" * 50, b"plain", b"\x1f\x8b", zlib.compress(TEXT)],
    ids=["cut", "damaged", "not packed", "two bytes", "deflate"],
)
def test_damaged(body: bytes) -> None:
    with pytest.raises(BadEncoding):
        gunzip(body, 10**6)


def test_bomb() -> None:
    with pytest.raises(TooBig):
        gunzip(gzip.compress(bytes(50_000_000)), 10**6)
    assert len(gunzip(gzip.compress(bytes(10**6)), 10**6)) == 10**6

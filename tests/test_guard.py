"""Which addresses a crawl may connect to."""

import pytest
from scrapy import Request

from crawlers.guard import GuardMiddleware, PrivateAddress, permitted

NEVER = [
    "169.254.169.254",
    "fe80::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",
    "::",
    "255.255.255.255",
    "100.64.0.1",
]
AT_HOME = ["127.0.0.1", "127.8.8.8", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "fd00::1", "::ffff:127.0.0.1"]
OPEN = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]


@pytest.mark.parametrize("address", NEVER)
def test_never(address: str) -> None:
    assert not permitted(address, allow_loopback=False)
    assert not permitted(address, allow_loopback=True)


@pytest.mark.parametrize("address", AT_HOME)
def test_only_when_allowed(address: str) -> None:
    assert not permitted(address, allow_loopback=False)
    assert permitted(address, allow_loopback=True)


@pytest.mark.parametrize("address", OPEN)
def test_open_internet(address: str) -> None:
    assert permitted(address, allow_loopback=False)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9200/", "http://[::1]/", "http://169.254.169.254/latest/"])
def test_literal_addresses_are_refused(url: str) -> None:
    with pytest.raises(PrivateAddress):
        GuardMiddleware(allow_loopback=False).process_request(Request(url))


def test_names_are_left_to_the_resolver() -> None:
    GuardMiddleware(allow_loopback=False).process_request(Request("http://example.org/"))

"""Keeps the crawl on the open internet: every hop is checked against the address it really connects to.

A listed name can resolve to a private address, and to another one a second later (DNS rebinding), so names are judged
by the addresses that the resolver hands to the connection, not by a look-up of our own beforehand.
"""

import ipaddress
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.resolver import CachingThreadedResolver
from scrapy.utils.httpobj import urlparse_cached
from twisted.internet.base import ReactorBase
from twisted.internet.defer import Deferred
from twisted.internet.error import DNSLookupError

_BROADCAST = ipaddress.ip_address("255.255.255.255")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last four bytes are an IPv4 address


class PrivateAddress(IgnoreRequest):
    """A hop leads to an address that is not on the open internet."""


def permitted(address: str, *, allow_loopback: bool) -> bool:
    """Whether a connection to this IP address may be opened.

    With `allow_loopback`, loopback and private networks (RFC 1918, RFC 4193) are permitted too; link-local addresses,
    where clouds keep their metadata service, multicast, shared (RFC 6598) and unspecified ones never are.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return permitted(str(inner), allow_loopback=allow_loopback)
    if ip.is_multicast or ip.is_link_local or ip.is_unspecified or ip == _BROADCAST:
        return False
    if ip.is_loopback or ip.is_private:
        return allow_loopback
    return ip.is_global


class GuardMiddleware:
    """Refuses requests whose host is a literal address that is not permitted; those never meet the resolver."""

    def __init__(self, *, allow_loopback: bool) -> None:
        self.allow_loopback = allow_loopback

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(allow_loopback=crawler.settings.getbool("ALLOW_LOOPBACK"))

    def process_request(self, request: Request) -> None:
        host = (urlparse_cached(request).hostname or "").strip("[]")
        try:
            allowed = permitted(host, allow_loopback=self.allow_loopback)
        except ValueError:
            return  # a name: GuardedResolver decides
        if not allowed:
            raise PrivateAddress(host)


class GuardedResolver(CachingThreadedResolver):
    """Scrapy's resolver, handing out permitted addresses only. `refused` remembers the names it turned away."""

    refused: set[str] = set()  # noqa: RUF012 - one reactor a process, one resolver a reactor

    def __init__(self, reactor: ReactorBase, cache_size: int, timeout: float, *, allow_loopback: bool) -> None:
        super().__init__(reactor, cache_size, timeout)
        self.allow_loopback = allow_loopback

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> Self:
        settings = crawler.settings
        return cls(
            reactor,
            settings.getint("DNSCACHE_SIZE"),
            settings.getfloat("DNS_TIMEOUT"),
            allow_loopback=settings.getbool("ALLOW_LOOPBACK"),
        )

    def getHostByName(self, name: str, timeout: Any = ()) -> "Deferred[str]":  # noqa: N802 - Twisted's name
        answer: Deferred[str] = super().getHostByName(name, timeout)
        return answer.addCallback(self._check, name)

    def _check(self, address: str, name: str) -> str:
        if permitted(address, allow_loopback=self.allow_loopback):
            return address
        self.refused.add(name)
        raise DNSLookupError(f"{name} resolves to {address}, which is not on the open internet")

"""Keeps the crawl on the open internet: what is judged is the very address that a connection is opened to.

A listed name can resolve to a private address, and to another one a second later (DNS rebinding), and an address has
many spellings (0x7f.1, 2130706433, fullwidth digits). So nothing is judged by how it is written: the resolver hands out
permitted addresses only, for names and literal addresses alike, and a connection is opened to nothing else.
"""

import ipaddress
import logging
import socket
from collections.abc import Callable, Sequence
from typing import Any, Self

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.resolver import HostResolution
from scrapy.utils.datatypes import LocalCache
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.base import ReactorBase
from twisted.internet.interfaces import IHostnameResolver
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure
from zope.interface import implementer

from crawlers.address import AddressError, split

log = logging.getLogger(__name__)

MOST_ADDRESSES = 8
"""Of one name; they are tried one after another, and nobody needs more."""
_WEB_PORTS = frozenset({80, 443, *range(81, 90)})
"""Below 1024, where other services have their ports: a news page on port 25 is a trap for a mail server."""

# IANA's special-purpose registries, written out because `ipaddress.is_global` differs between versions of Python.
_SPECIAL = [
    ipaddress.ip_network(text)
    for text in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        # Inside 2000::/3: protocol assignments with Teredo, documentation, 6to4. Tunnels carry a hidden IPv4 address.
        *("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
]
_GLOBAL6 = ipaddress.ip_network("2000::/3")
"""All of IPv6 that is in use for hosts on the internet; mapped, compatible, link-local, ULA … lie outside."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: the last four bytes are an IPv4 address


class PrivateAddress(IgnoreRequest):
    """A hop leads to an address that is not on the open internet."""


class BadAddress(IgnoreRequest):
    """A hop leads to something that is no web address."""


def permitted(address: str, *, allow_loopback: bool) -> bool:
    """Whether a connection to this IP address may be opened: it is on the open internet or, if allowed, on loopback.

    Raises:
        ValueError: it is no IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else ip.ipv4_mapped
        if inner is not None:
            return permitted(str(inner), allow_loopback=allow_loopback)
    if ip.is_loopback:
        return allow_loopback
    return (ip.version == 4 or ip in _GLOBAL6) and not any(ip in network for network in _SPECIAL)


def is_private(host: str) -> bool:
    """Whether a host is, as written, certainly not on the open internet."""
    try:
        return not permitted(host.strip("[]"), allow_loopback=False)
    except ValueError:
        return host == "localhost"


class GuardMiddleware:
    """Refuses requests, redirects among them, to what is no web address or is written as a forbidden IP address.

    The resolver would refuse the latter, too; here it happens before robots.txt is asked for.
    """

    def __init__(self, *, allow_loopback: bool) -> None:
        self.allow_loopback = allow_loopback

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        return cls(allow_loopback=crawler.settings.getbool("ALLOW_LOOPBACK"))

    def process_request(self, request: Request) -> None:
        try:
            parts = split(request.url)
        except AddressError as error:
            raise BadAddress(str(error)) from error
        if parts.port and parts.port < 1024 and parts.port not in _WEB_PORTS:
            raise BadAddress(f"{request.url}: port {parts.port} is not the web's")
        host = (parts.hostname or "").strip("[]")
        try:
            allowed = permitted(host, allow_loopback=self.allow_loopback)
        except ValueError:
            return  # a name, or an odd spelling: GuardedResolver decides
        if not allowed:
            raise PrivateAddress(host)


@implementer(IHostnameResolver)
class GuardedResolver:
    """The reactor's resolver: every outgoing connection asks it, and gets permitted addresses or none.

    `refused` holds the names whose last answer had addresses, but none that is permitted.
    """

    refused: set[str] = set()  # noqa: RUF012 - one reactor a process, one resolver a reactor

    def __init__(
        self,
        reactor: Any,
        *,
        allow_loopback: bool,
        timeout: float,
        cache_size: int = 10_000,
        look_up: Callable[..., Sequence[Any]] = socket.getaddrinfo,
    ) -> None:
        self.reactor = reactor
        self.allow_loopback = allow_loopback
        self.timeout = timeout
        self.look_up = look_up
        self._cache: LocalCache[str, list[str]] = LocalCache(cache_size)

    @classmethod
    def from_crawler(cls, crawler: Crawler, reactor: ReactorBase) -> Self:
        settings = crawler.settings
        return cls(
            reactor,
            allow_loopback=settings.getbool("ALLOW_LOOPBACK"),
            timeout=settings.getfloat("DNS_TIMEOUT"),
            cache_size=settings.getint("DNSCACHE_SIZE"),
        )

    def install_on_reactor(self) -> None:
        self.reactor.installNameResolver(self)

    def resolveHostName(  # noqa: N802 - Twisted's names
        self,
        resolutionReceiver: Any,  # noqa: N803
        hostName: str,  # noqa: N803
        portNumber: int = 0,  # noqa: N803
        addressTypes: Any = None,  # noqa: N803, ARG002 - IPv4 and IPv6 both; nobody asks for one
        transportSemantics: str = "TCP",  # noqa: N803, ARG002
    ) -> HostResolution:
        resolution = HostResolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)

        def hand_out(addresses: list[str]) -> None:
            for address in addresses:
                kind = IPv6Address if ":" in address else IPv4Address
                resolutionReceiver.addressResolved(kind("TCP", address, portNumber))
            resolutionReceiver.resolutionComplete()

        if hostName in self._cache:
            hand_out(self._cache[hostName])
            return resolution
        answer = deferToThreadPool(self.reactor, self.reactor.getThreadPool(), self._ask, hostName)
        answer.addTimeout(self.timeout, self.reactor)
        answer.addCallback(self.admit, hostName)
        answer.addErrback(self._failed, hostName)
        answer.addCallback(hand_out)
        return resolution

    def admit(self, answers: Sequence[str], name: str) -> list[str]:
        """The permitted ones of the addresses a name resolved to, remembered for the whole crawl."""
        allowed = [address for address in answers if permitted(address, allow_loopback=self.allow_loopback)]
        self.refused.discard(name)
        if allowed:
            self._cache[name] = allowed[:MOST_ADDRESSES]
        elif answers:
            log.warning("%s resolves to %s, which is not on the open internet", name, ", ".join(answers[:4]))
            self.refused.add(name)
        return allowed[:MOST_ADDRESSES]

    def _ask(self, name: str) -> list[str]:
        """In a thread of the reactor's pool."""
        found = self.look_up(name, 0, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(entry[4][0]) for entry in found))

    def _failed(self, failure: Failure, name: str) -> list[str]:
        """No such name, no answer in time, or no name at all (a label of 64 letters): there is nothing to connect to."""
        log.info("%s: %s", name, failure.value)
        self.refused.discard(name)
        return []

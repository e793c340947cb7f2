"""Addresses: the one normal form that ids come from.

**Frozen.** The ids of `urls`, `articles` and `flags` are hashes of what `normalise` returns, so any change in its
output, by us or by a new w3lib, makes the pages concerned new ones: fetched once more, under another id.
`tests/test_address.py` pins it; a change counts `NORMAL_FORM` up and needs a migration of these indices.

Only what never parts two articles is folded here. Trailing slash, `www.`, `m.`, `/amp`, `/print`, `index.html` and
unknown parameters are left as they are: whether such an address is another one of a known article, only the pages can
say (`processing.joining`).
"""

import hashlib
import re
from urllib.parse import SplitResult, urlsplit, urlunsplit

from w3lib.url import canonicalize_url

from crawlers import parameters

NORMAL_FORM = 2
"""Version of what `normalise` returns; 1 was never released."""
MAX_LENGTH = 2048  # no browser or sitemap promises more
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_BLANKS = "".join(map(chr, range(33)))  # control characters and space: what browsers cut off
_BLANK = re.compile(r"[\x00-\x20]")
_LINE_BREAK = re.compile(r"[\t\r\n]")  # feeds wrap long addresses
_STRAY_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_PATH_SESSION = re.compile(
    r";(?:(?:jsessionid|phpsessid)=[^/;?#]*|sid=[0-9a-f]{32}(?=[/;]|$))"
    r"|/\((?:[a-z]\([0-9a-z]{24}\))+\)(?=/)",  # ASP.NET without cookies: /(S(…))/page.aspx
    re.IGNORECASE,
)
_SLASHES = re.compile(r"/{2,}")
_AMP_CACHE = re.compile(  # the caches serve a publisher's page under an address that holds the publisher's own
    r"https?://(?:(?:[\w-]+\.)?cdn\.ampproject\.org/(?:c|v|wp)|(?:[\w-]+\.)?bing-amp\.com/c|(?:www\.)?google\.[a-z.]{2,6}/amp)/(s/)?"
    r"(?=[\w-]+(?:\.[\w-]+)+(?:[:/?]|$))",
    re.IGNORECASE,
)


class AddressError(ValueError):
    """An address that cannot be crawled; the message says what is wrong with it."""


def split(url: str) -> SplitResult:
    """The parts of an absolute http(s) address, without fragment and the white space around it, and out of an AMP cache.

    Raises:
        AddressError: another scheme, no host, a user name, a bad port, a bad character, or too long.
    """
    url = _BLANK.sub(lambda blank: f"%{ord(blank[0]):02X}", _LINE_BREAK.sub("", url).partition("#")[0].strip(_BLANKS))
    while cache := _AMP_CACHE.match(url):
        url = f"http{'s' if cache[1] else ''}://{url[cache.end() :]}"
    if len(url) > MAX_LENGTH:
        raise AddressError(f"the address has {len(url)} characters; {MAX_LENGTH} is the limit")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise AddressError(f"{url!r} is no address: {error}") from error
    if parts.scheme not in _PORTS:
        raise AddressError(f"{url!r} is no http or https address")
    if not parts.hostname:
        raise AddressError(f"{url!r} names no host")
    if "@" in parts.netloc:
        raise AddressError(f"{url!r} carries a user name")
    # urlsplit and browsers disagree on where the host ends when one of these stands in it
    if re.search(r"[\\%<>^|]", parts.netloc) or port == 0:
        raise AddressError(f"{url!r} has a malformed host or port")
    return parts


def normalise(url: str) -> str:
    """The address as an identity: same page, same string. Frozen, see above; idempotent.

    Host in lower-case ASCII, default port and fragment dropped (also `#!`: it never reaches the server, so what is
    fetched is the same), http with the default port folded into https, dot segments resolved, repeated slashes made one,
    percent-encoding made uniform, parameters sorted, those that track a reader or a session dropped.

    Raises:
        AddressError: it is no address we could crawl.
    """
    parts = split(url)
    path = _STRAY_PERCENT.sub("%25", _PATH_SESSION.sub("", parts.path.replace("\\", "/")))
    safe = parts._replace(netloc=_netloc(parts), path=path)
    try:
        parts = urlsplit(canonicalize_url(urlunsplit(safe)))
    except ValueError as error:
        raise AddressError(f"{url!r} is no address: {error}") from error
    scheme = parts.scheme if parts.port else "https"
    path = _SLASHES.sub("/", parts.path)
    result = urlunsplit((scheme, parts.netloc, path, parameters.without_reader(parts.query), ""))
    if len(result) > MAX_LENGTH:
        raise AddressError(f"the encoded address has {len(result)} characters; {MAX_LENGTH} is the limit")
    return normalise(result) if _AMP_CACHE.match(result) else result


def url_id(url: str) -> str:
    """The id of the page at this address: 32 hexadecimal digits. Frozen.

    Raises:
        AddressError: as `normalise` does.
    """
    return hashlib.sha256(normalise(url).encode()).hexdigest()[:32]


def fetchable(url: str) -> str:
    """The address to request: as given, only without fragment and tracking parameters.

    Raises:
        AddressError: it is no address we could crawl.
    """
    parts = split(url)
    return urlunsplit(parts._replace(query=parameters.without_tracking(parts.query)))


def _netloc(parts: SplitResult) -> str:
    """Host and port. The standard library's IDNA is that of 2003, as Scrapy's is, and will not change any more."""
    host = (parts.hostname or "").removesuffix(".")
    try:
        host = f"[{host}]" if ":" in host else host.encode("idna").decode().lower()
    except UnicodeError as error:
        raise AddressError(f"{host!r} is no host name: {error}") from error
    if not _HOST.fullmatch(host):
        raise AddressError(f"{host!r} is no host name")
    return host if parts.port in {None, _PORTS[parts.scheme]} else f"{host}:{parts.port}"

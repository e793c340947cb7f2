"""Addresses: the one normal form that ids come from.

**Frozen.** The ids of `urls`, `articles` and `flags` are hashes of what `normalise` returns, so any change in its
output, by us or by a new w3lib, makes every known page a new one. `tests/test_address.py` pins it; a change needs a
migration of these indices.
"""

import hashlib
import re
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from w3lib.url import canonicalize_url

MAX_LENGTH = 2048  # no browser or sitemap promises more
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_BLANKS = "".join(map(chr, range(33)))  # control characters and space: what browsers cut off
_BLANK = re.compile(r"[\x00-\x20]")
_LINE_BREAK = re.compile(r"[\t\r\n]")  # feeds wrap long addresses
_STRAY_PERCENT = re.compile(r"%(?![0-9a-fA-F]{2})")
_PATH_SESSION = re.compile(r";(jsessionid|phpsessid)=[^/;?#]*", re.IGNORECASE)

# Parameters that say where a reader came from. `sid`, `cid`, `from`, `amp` and the like select the article on some
# sites (article.php?sid=7), so they stay: two addresses of one text are a smaller harm than two texts at one address.
_TRACKING = re.compile(
    r"utm_\w+|mtm_\w+|pk_(campaign|kwd|source|medium|content)|hsa_\w+|at_(medium|campaign|custom\d*|link_\w+|bbc_team|ptr_name|format)"
    r"|ns_(mchannel|source|campaign|linkname|fee)|__cf_chl_\w+|fb_(action_ids|action_types|source|ref)|oly_(enc|anon)_id"
    r"|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|twclid|ttclid|li_fat_id|yclid|ysclid|_openstat|igsh|igshid|mc_cid|mc_eid"
    r"|mkt_tok|_hsenc|_hsmi|vero_id|wt_z?mc|xtor|xtref|cmp|cmpid|icid|ncid|smid|s_cid|s_kwcid|ef_id|_ga|_gl|_branch_match_id"
    r"|ref_src|ref_url|hc_ref|fref|__tn__|__xts__(\[\d*\])?|__twitter_impression|guccounter|guce_referrer(_sig)?"
)
_SESSION = re.compile(r"phpsessid|jsessionid|aspsessionid\w*|sessionid|session_id|cfid|cftoken")
_TRACKING_VALUES = {
    "ref": {"rss", "feed", "facebook", "twitter", "telegram", "share"},
    "source": {"rss", "feed"},
    "from": {"rss", "feed"},
    "partner": {"rss", "feed"},
    "emc": {"rss"},
}


class AddressError(ValueError):
    """An address that cannot be crawled; the message says what is wrong with it."""


def split(url: str) -> SplitResult:
    """The parts of an absolute http(s) address, without fragment and the white space around it.

    Raises:
        AddressError: another scheme, no host, a user name, a bad port, a bad character, or too long.
    """
    url = _BLANK.sub(lambda blank: f"%{ord(blank[0]):02X}", _LINE_BREAK.sub("", url).partition("#")[0].strip(_BLANKS))
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

    Host in lower-case ASCII, default port and fragment dropped, http with the default port folded into https,
    parameters sorted, those that track a reader or a session dropped.

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
    query = "&".join(item for item in parts.query.split("&") if item and not _droppable(item, sessions=True))
    result = urlunsplit((scheme, parts.netloc, parts.path, query, ""))
    if len(result) > MAX_LENGTH:
        raise AddressError(f"the encoded address has {len(result)} characters; {MAX_LENGTH} is the limit")
    return result


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
    query = "&".join(item for item in parts.query.split("&") if not _droppable(item, sessions=False))
    return urlunsplit(parts._replace(query=query))


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


def _droppable(item: str, *, sessions: bool) -> bool:
    name, _, value = item.partition("=")
    name = unquote(name).lower()
    while name.startswith("amp;"):  # feeds that escape "&" twice
        name = name[4:]
    if _TRACKING.fullmatch(name) or (sessions and _SESSION.fullmatch(name)):
        return True
    return unquote(value).lower() in _TRACKING_VALUES.get(name, ())

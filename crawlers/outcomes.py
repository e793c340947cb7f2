"""How a discovered URL can end a run. The list is closed: `index_config/crawls.json` has one counter for each member."""

from enum import StrEnum


class FetchOutcome(StrEnum):
    """Every URL discovered in a run ends it with exactly one of these."""

    CAPTURED = "captured"
    """The page is in a WARC file."""
    KNOWN = "known"
    """Captured in an earlier run; not asked for again."""
    UNCHANGED = "unchanged"
    """Captured in an earlier run and visited again: the server says, or the body shows, that nothing has changed."""
    NOT_DUE = "not_due"
    """It failed, was gone or had no text, and its next visit is still to come."""
    ROBOTS = "robots"
    """robots.txt does not allow us."""
    ROBOTS_UNAVAILABLE = "robots_unavailable"
    """What robots.txt allows could not be found out (server error, no answer); a later run tries again."""
    DEFERRED = "deferred"
    """Its domain asked us to stay away (429, 503) or stopped answering; a later run tries again."""
    HTTP_401 = "http_401"
    HTTP_403 = "http_403"
    HTTP_404 = "http_404"
    HTTP_410 = "http_410"
    HTTP_429 = "http_429"
    HTTP_4XX = "http_4xx"
    """Any other client error."""
    HTTP_5XX = "http_5xx"
    REDIRECTED_HOME = "redirected_home"
    """An article that was captured before and now leads to the home page or a section: gone without saying so."""
    REDIRECT_LOOP = "redirect_loop"
    """More redirects than a browser follows."""
    PRIVATE_ADDRESS = "private_address"
    """It leads to an address that is not on the open internet."""
    TOO_BIG = "too_big"
    """Head or body, packed or unpacked, is over its limit."""
    BAD_ENCODING = "bad_encoding"
    """The body cannot be unpacked."""
    NOT_HTML = "not_html"
    """A picture, a document, an empty answer …"""
    TIMEOUT = "timeout"
    DNS = "dns"
    """The host has no address."""
    CONNECTION = "connection"
    """Refused, reset, cut short, or no valid TLS."""
    OFF_SITE = "off_site"
    """A sitemap lists it, but it is on another publisher's site."""
    INVALID_URL = "invalid_url"
    """What was listed, or what it redirects to, is no address a page can have."""
    WARC_FAILED = "warc_failed"
    """The page came, but could not be written (disk full)."""
    NOT_FETCHED = "not_fetched"
    """The run was stopped, or the outlet's hours were over, first; a later run takes it up."""
    ERROR = "error"
    """A fault of ours; the log has it."""


def of_status(status: int) -> FetchOutcome:
    """The outcome of an HTTP status that is not a success (redirects have been followed by then)."""
    if 300 <= status < 400:  # a redirect that nobody can follow: to ftp:, to a file, to nowhere
        return FetchOutcome.INVALID_URL
    try:
        return FetchOutcome(f"http_{status}")
    except ValueError:
        return FetchOutcome.HTTP_5XX if status >= 500 else FetchOutcome.HTTP_4XX

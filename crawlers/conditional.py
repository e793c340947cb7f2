"""Conditional requests (RFC 9110, 13): recognising a document by what the server called it, and asking by that."""

import re

from scrapy.http import Response

_LONGEST = 500
_USABLE = re.compile(r"[\x21-\x7e][\x20-\x7e]*")

Validators = tuple[str | None, str | None]
"""ETag and Last-Modified."""


def validators(response: Response) -> Validators:
    """What the server calls this version of the document; what no server should send is left out."""
    return _header(response, "ETag"), _header(response, "Last-Modified")


def conditions(validators: Validators) -> dict[str, str]:
    """Request headers that ask for the document only if it is another version than this."""
    etag, modified = validators
    headers = {"If-None-Match": etag, "If-Modified-Since": modified}
    return {name: value for name, value in headers.items() if value}


def _header(response: Response, name: str) -> str | None:
    value = (response.headers.get(name) or b"").decode("latin-1").strip()
    return value if len(value) <= _LONGEST and _USABLE.fullmatch(value) else None

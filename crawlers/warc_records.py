"""Single WARC records (ISO 28500, version 1.1): a page as it came, and the news that a page is as it was."""

import base64
import hashlib
import io
from collections.abc import Sequence
from http import HTTPStatus

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from crawlers.capture import Capture

Headers = Sequence[tuple[str, str]]
_PROFILES = "http://netpreserve.org/warc/1.1/revisit/"
_REWRITTEN = {"content-encoding", "transfer-encoding", "content-length", "connection", "keep-alive"}


def write_response(stream: io.BufferedIOBase, capture: Capture, headers: Headers, address: str | None) -> None:
    writer = WARCWriter(stream, gzip=True, warc_version="1.1")
    record = writer.create_warc_record(
        capture.url,
        "response",
        payload=io.BytesIO(capture.body),
        length=len(capture.body),
        http_headers=_http(capture, headers, [("Content-Length", str(len(capture.body)))]),
        warc_headers_dict=_named(capture, address),
    )
    writer.write_record(record)


def write_revisit(
    stream: io.BufferedIOBase, capture: Capture, headers: Headers, address: str | None, since: str
) -> None:
    """WARC 1.1, 6.7: without a body; a same body is named by its digest, as the response record it repeats names it."""
    writer = WARCWriter(stream, gzip=True, warc_version="1.1")
    repeats = {
        "WARC-Profile": _PROFILES
        + ("server-not-modified" if capture.status == HTTPStatus.NOT_MODIFIED else "identical-payload-digest"),
        "WARC-Refers-To-Target-URI": capture.url,
        "WARC-Refers-To-Date": since,
    }
    if capture.status != HTTPStatus.NOT_MODIFIED:
        digest = base64.b32encode(hashlib.sha1(capture.body, usedforsecurity=False).digest()).decode()
        repeats["WARC-Payload-Digest"] = f"sha1:{digest}"
    record = writer.create_warc_record(
        capture.url,
        "revisit",
        http_headers=_http(capture, headers),
        warc_headers_dict=_named(capture, address) | repeats,
    )
    writer.write_record(record)


def _http(capture: Capture, headers: Headers, own: Headers = ()) -> StatusAndHeaders:
    kept = [(name, value) for name, value in headers if name.lower() not in _REWRITTEN]
    return StatusAndHeaders(f"{capture.status} {_phrase(capture.status)}", [*kept, *own], protocol="HTTP/1.1")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "OK"


def _named(capture: Capture, address: str | None) -> dict[str, str]:
    named = {
        "WARC-Date": capture.fetched,
        "Narrawatch-Outlet": capture.outlet,
        "Narrawatch-Run": capture.run,
        "Narrawatch-Requested-URI": capture.requested_url,
    }
    return named | ({"WARC-IP-Address": address} if address else {})

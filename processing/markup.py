"""Bytes of unknown encoding in, a clean string or a parsed page out."""

import re
import unicodedata
from urllib.parse import urljoin, urlsplit

import trafilatura
from charset_normalizer import from_bytes
from lxml.html import HtmlElement
from w3lib.encoding import html_body_declared_encoding, html_to_unicode, http_content_type_encoding, read_bom

_HTML_TYPES = (
    "text/html",
    "application/xhtml+xml",
    "text/plain",
    "application/octet-stream",
    "text/xml",
    "application/xml",
)
_NO_ASCII = [
    "utf_16",
    "utf_16_be",
    "utf_16_le",
    "utf_32",
    "utf_32_be",
    "utf_32_le",
    "utf_7",
    "cp037",
    "cp500",
    "cp1026",
    "cp1140",
]
_TAG = re.compile(r"<\s*(?:!doctype\s+html|html|head|body|div|p|article|meta|title|h1)\b", re.IGNORECASE)
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\ud800-\udfff\ufdd0-\ufdef\ufeff\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(x[0-9a-f]{1,20}|[0-9]{1,20});?", re.IGNORECASE)
_SPACE = re.compile(r"\s+")


def is_html(html: bytes, content_type: str | None) -> bool:
    """Whether type and first bytes allow these to be a page; servers call many things `text/html` that are not."""
    media = (content_type or "").split(";")[0].strip().lower()
    if media and media not in _HTML_TYPES:
        return False
    if read_bom(html)[0] is None and html[:2048].count(0) > len(html[:2048]) // 100:
        return False
    return bool(_TAG.search(html[:100_000].replace(b"\0", b"").decode("latin-1")))


def decode(html: bytes, content_type: str | None = None) -> str:
    """The page as text. Bytes that are UTF-8 are read as UTF-8, whatever header and `<meta>` claim: by chance no other encoding looks so."""
    if read_bom(html)[0] is None and b"\x1b$" not in html:  # ISO-2022-JP is all 7 bit, so it looks like UTF-8 too
        try:
            return html.decode("utf-8")
        except UnicodeDecodeError:
            if _nearly_utf8(html):
                return html.decode("utf-8", "replace")
    if _claims_utf8(html, content_type):  # it is not, or the lines above had read it
        content_type, html = None, re.sub(rb"(?i)charset\s*=\s*[\"']?utf-?8", b"", html[:4096]) + html[4096:]
    return html_to_unicode(content_type, html, default_encoding="windows-1252", auto_detect_fun=_guess)[1]


def _nearly_utf8(html: bytes) -> bool:
    """A page cut in the middle of a letter, or with a broken advertisement, is UTF-8 all the same.

    In other encodings hardly any two bytes happen to make a letter of UTF-8.
    """
    text = html.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    whole = len(text) - len(text.encode("ascii", "ignore")) - broken
    return broken <= 3 or whole >= 2 * broken


def _claims_utf8(html: bytes, content_type: str | None) -> bool:
    return "utf-8" in {http_content_type_encoding(content_type), html_body_declared_encoding(html[:4096])}


def _guess(html: bytes) -> str | None:
    # tags are ASCII and say nothing about the encoding; a few thousand other bytes are enough
    best = from_bytes(re.sub(rb"<[^>]*>|[\x00-\x40]+", b" ", html)[:20_000], cp_exclusion=_NO_ASCII).best()
    return best.encoding if best else None


def parse(text: str) -> HtmlElement | None:
    """The page's tree, or None where there is none to be had."""
    tree = trafilatura.load_html(_REFERENCE.sub(_allowed, _UNWANTED.sub("", text)))
    for cell in () if tree is None else tree.iter("td", "th"):
        for span in ("colspan", "rowspan"):  # trafilatura makes as many cells as they say, be it a million
            cell.attrib.pop(span, None)
    return tree


def _allowed(reference: re.Match[str]) -> str:
    """Drop `&#1;` and the like: the parser makes characters of them that XML forbids, and on these trafilatura gives up."""
    number = reference[1].lower()
    code = int(number[1:], 16) if number[0] == "x" else int(number)
    return "" if code > 0x10FFFF or _UNWANTED.match(chr(code)) else reference[0]


def clean(text: str) -> str:
    """Without what JSON and Elasticsearch refuse (lone surrogates, controls), soft hyphens and byte order marks; NFC."""
    return unicodedata.normalize("NFC", _UNWANTED.sub("", text))


def line(value: object, limit: int) -> str | None:
    """A page's value as one clean line of at most `limit` characters; None when it is no string or empty."""
    if not isinstance(value, str):
        return None
    return _SPACE.sub(" ", clean(value[: 10 * limit])).strip()[:limit].rstrip() or None


def web_address(value: object, base: str) -> str | None:
    """An absolute http(s) address without fragment, or None."""
    text = line(value, 2001)
    if text is None or len(text) > 2000 or " " in text:
        return None
    try:
        address = urljoin(base, text).partition("#")[0]
        parts = urlsplit(address)
        usable = (
            parts.scheme in {"http", "https"} and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        )
    except ValueError:
        return None
    return address if usable else None

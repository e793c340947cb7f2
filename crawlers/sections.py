"""Section pages: the links that a CSS selector finds."""

from collections import Counter
from urllib.parse import urljoin, urlsplit

from parsel import Selector
from w3lib.html import get_base_url

from crawlers.listed import Entry, LeftOut, Listed, Unreadable

MAX_LINKS = 1000


def read(body: bytes, url: str, encoding: str, links: str) -> Listed:
    """The addresses of the selected links in order, joined to the page's `<base>` or to `url`, each once.

    Links to no page (`#top`, `mailto:`, `javascript:`) are left out and counted; what looks like an address and is none
    is listed, for it to have an outcome.

    Raises:
        Unreadable: there is no HTML in it.
    """
    text = body.decode(encoding, errors="replace")
    if not text.strip():
        raise Unreadable("an empty page")
    base = get_base_url(text, url)
    found, left_out = dict[str, None](), Counter[LeftOut]()
    for link in Selector(text=text, type="html").css(links):
        href = link.attrib.get("href", "").strip()
        if (address := _joined(base, href)) is None:
            left_out[LeftOut.NO_LINK] += 1
        elif address not in found and len(found) >= MAX_LINKS:
            left_out[LeftOut.OVER_LIMIT] += 1
        else:
            found[address] = None
    return Listed(tuple(Entry(address) for address in found), left_out=left_out)


def _joined(base: str, href: str) -> str | None:
    if not href or href.startswith("#"):
        return None
    try:
        address = urljoin(base, href)
        scheme = urlsplit(address).scheme
    except ValueError:
        return href
    return address if scheme in {"http", "https"} else None

"""When a page says it was published and changed: JSON-LD, then `<meta>`, then `<time>`; htmldate's guess last."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from htmldate import find_date
from lxml.html import HtmlElement

from processing import structured
from processing.metadata import Markup

_PUBLISHED = (
    "article:published_time", "og:article:published_time", "datepublished", "article:published", "parsely-pub-date", "sailthru.date",
    "cxenseparse:recs:publishtime", "cxenseparse:publishtime", "pubdate", "publishdate", "publish-date", "publish_date", "dc.date.issued",
    "dcterms.created", "dc.date", "dcterms.date", "date", "citation_publication_date", "last-published",
)  # fmt: skip
_UPDATED = (
    "article:modified_time",
    "og:article:modified_time",
    "og:updated_time",
    "datemodified",
    "dcterms.modified",
    "last-modified",
)
_OTHERS = re.compile(r"(?:^|[\s_-])(?:comments?|related|recommended|popular|teasers?)(?:$|[\s_-])")
_TIMES = 20  # the first of a page are looked at
_THOROUGH = 10_000  # elements of a page
_ISO = re.compile(
    r"^(\d{4}-\d\d-\d\d)(?:[T ]+(\d\d:\d\d(?::\d\d)?)(?:[.,]\d+)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?)?(?:\[.*\])?$",
    re.IGNORECASE,
)


def published(page: Markup) -> str | None:
    """When it first appeared, with offset where the page has one; htmldate's guess (a day) only when no mark is there."""
    return next(filter(None, map(read_time, _stated(page))), None) or _guessed(page)


def _stated(page: Markup) -> Iterator[str]:
    yield from structured.texts(page.node.get("datePublished"))
    yield from structured.texts(page.node.get("dateCreated"))
    for name in _PUBLISHED:
        yield from page.meta.get(name, [])
    yield from page.tree.xpath(
        './/*[@itemprop="datePublished"]/@datetime | .//*[@itemprop="datePublished"]/@content | .//time[@pubdate]/@datetime'
    )
    times = page.tree.xpath(".//article//time[@datetime] | .//main//time[@datetime]")[:_TIMES]
    yield from [time.get("datetime", "") for time in times if not _is_of_another(time)][:1]


def _is_of_another(time: HtmlElement) -> bool:
    """Whether it dates a comment, or an article that this one is not."""
    names = (
        f"{element.get('class', '')} {element.get('id', '')}"
        for element in time.iterancestors("li", "ul", "ol", "div", "section", "article")
    )
    return any(_OTHERS.search(name.lower()) for name in names)


def _guessed(page: Markup) -> str | None:
    """Htmldate's quick look, and its thorough one, which takes twenty times as long, on pages of ordinary size."""
    for thorough in (False, True):
        if thorough and sum(1 for _ in page.tree.iter()) > _THOROUGH:
            return None
        try:
            guess = find_date(page.tree, original_date=True, url=page.url, extensive_search=thorough)
        except (ValueError, TypeError, AttributeError, OverflowError):  # htmldate trips over some malformed dates
            return None
        if guess:
            return read_time(guess)
    return None


def updated(page: Markup) -> str | None:
    values = structured.texts(page.node.get("dateModified")) + [
        value for name in _UPDATED for value in page.meta.get(name, [])
    ]
    values += page.tree.xpath('(.//*[@itemprop="dateModified"]/@datetime)[1]')
    return next(filter(None, map(read_time, values)), None)


def read_time(text: str) -> str | None:
    """ISO 8601 from ISO 8601 as pages write it, or from a mail date; None for anything else, and for years no web page is from."""
    text = text.strip()[:60]
    try:
        if match := _ISO.match(text):
            day, clock, zone = match.groups()
            zone = {"utc": "+00:00", "gmt": "+00:00", "z": "+00:00"}.get((zone or "").lower(), zone or "")
            moment = datetime.fromisoformat(f"{day}T{clock or '00:00'}{zone}")
        else:
            clock, moment = "", parsedate_to_datetime(text)
            clock = moment.isoformat()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    latest = datetime.now(UTC) + timedelta(days=2)
    if not 1990 <= moment.year <= latest.year or (moment.replace(tzinfo=moment.tzinfo or UTC) > latest):
        return None
    return moment.isoformat() if clock else moment.date().isoformat()

"""When a page says it was published and changed: JSON-LD, then `<meta>`, then `<time>`; htmldate's guess last."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from htmldate import find_date

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
_ISO = re.compile(
    r"^(\d{4}-\d\d-\d\d)(?:[T ]+(\d\d:\d\d(?::\d\d)?)(?:[.,]\d+)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?)?(?:\[.*\])?$",
    re.IGNORECASE,
)


def published(page: Markup) -> str | None:
    """When it first appeared, with offset where the page has one; htmldate's guess (a day) only when no mark is there."""
    marked = page.tree.xpath(
        './/*[@itemprop="datePublished"]/@datetime | .//*[@itemprop="datePublished"]/@content | .//time[@pubdate]/@datetime'
    )
    within = page.tree.xpath("(.//article//time/@datetime | .//main//time/@datetime)[1]")
    stated = structured.texts(page.node.get("datePublished")) + structured.texts(page.node.get("dateCreated"))
    given = [value for name in _PUBLISHED for value in page.meta.get(name, [])]
    for value in (*stated, *given, *marked, *within):
        if moment := read_time(value):
            return moment
    try:
        guess = find_date(page.tree, original_date=True, url=page.url)
    except (ValueError, TypeError, AttributeError, OverflowError):  # htmldate trips over some malformed dates
        return None
    return read_time(guess) if guess else None


def updated(page: Markup) -> str | None:
    values = structured.texts(page.node.get("dateModified")) + [
        value for name in _UPDATED for value in page.meta.get(name, [])
    ]
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

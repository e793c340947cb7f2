"""What kind of page it is, as far as it says so itself: behind a paywall, or a live blog that goes on changing."""

from typing import Any

from processing import structured
from processing.metadata import Markup

_TRUE, _FALSE = {"true", "1", "yes"}, {"false", "0", "no"}
_PAYWALL_NAMES = ("paywall", "article:paywall", "is_paywalled", "is-paywalled", "premium", "is-premium", "ispremium")
_LIVE = "LiveBlogPosting"


def paywall(page: Markup) -> bool | None:
    """Whether the article, or a part of it, is for subscribers only; None where the page does not say."""
    parts = page.node.get("hasPart")
    stated = [page.node.get("isAccessibleForFree")]
    stated += [
        part.get("isAccessibleForFree")
        for part in (parts if isinstance(parts, list) else [parts])
        if isinstance(part, dict)
    ]
    free = [answer for value in stated if (answer := _truth(value)) is not None]
    free = free or [answer for value in _in_microdata(page) if (answer := _truth(value)) is not None]
    if free:
        return not all(free)
    tiers = {tier.strip().lower() for tier in page.meta.get("article:content_tier", [])}
    if tiers & {"free", "metered", "locked"}:
        return "locked" in tiers
    return next(
        (
            answer
            for name in _PAYWALL_NAMES
            for value in page.meta.get(name, [])
            if (answer := _truth(value)) is not None
        ),
        None,
    )


def _in_microdata(page: Markup) -> list[str]:
    """What the article's own microdata say; further down, teasers of other articles may have the same mark."""
    return page.meta.get("isaccessibleforfree", [])[:1]


def live_blog(page: Markup) -> bool:
    """Whether it is marked as a live blog: its text is many short reports, and grows while it is read."""
    if _LIVE in structured.types(page.node) or _LIVE in page.named_types:
        return True
    return bool(page.tree.xpath('.//*[contains(@itemtype, "schema.org/LiveBlogPosting")][1]'))


def _truth(value: Any) -> bool | None:
    """JSON-LD has `false`, `"False"`, `"http://schema.org/False"` and lists of them."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, bool) or value is None:
        return value
    word = str(value).strip().lower().removeprefix("https://").removeprefix("http://").removeprefix("schema.org/")
    return True if word in _TRUE else False if word in _FALSE else None

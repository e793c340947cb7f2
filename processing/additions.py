"""What pages put between and around an article's paragraphs: captions, read-also links, newsletter boxes, bylines."""

import re

from lxml.html import HtmlElement

from processing.blocks import Block

APART = frozenset({"figure", "figcaption", "aside", "footer", "form", "table", "menu"})
"""Elements whose text stands beside the article, unless most of the article stands in them."""

_WORDS = frozenset(
    [
        "advert",
        "advertisement",
        "advertising",
        "affiliate",
        "author",
        "authors",
        "banner",
        "breadcrumb",
        "breadcrumbs",
        "byline",
        "caption",
        "captions",
        "comments",
        "consent",
        "cookie",
        "cookies",
        "copyright",
        "correction",
        "credit",
        "credits",
        "disclaimer",
        "donate",
        "donation",
        "embed",
        "factbox",
        "gallery",
        "infobox",
        "menu",
        "mostread",
        "newsletter",
        "outbrain",
        "partner",
        "paywall",
        "popular",
        "promo",
        "promotion",
        "rating",
        "readmore",
        "recommend",
        "recommendation",
        "recommendations",
        "recommended",
        "related",
        "seealso",
        "share",
        "sharing",
        "sidebar",
        "signup",
        "social",
        "subscribe",
        "subscription",
        "taboola",
        "taglist",
        "tags",
        "teasers",
        "timestamp",
        "toolbar",
        "trending",
        "widget",
    ]
)
_PARTS = re.compile(
    r"read-?(?:more|also|next)|most-?read|see-?also|more-(?:on|from|stories|news)|article-?(?:tags|list|meta|info|footer)"
    r"|(?:post|entry)-?meta|sign-?up|info-?box|sr-only|screen-reader|visually-?hidden|tag-?list|widget|newsletter|related"
    r"|recommend|comment-|caption|author-(?:box|bio|info)|taboola|outbrain|addtoany|sharedaddy",
    re.IGNORECASE,
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NAMES = ("class", "id", "data-component", "data-testid", "role")
_LONGEST_NAME = 400
_NO_PROSE = re.compile(r"https?://\S+|\d{4}-\d\d-\d\dT\S+|[\W\d_]+")
_CREDIT = re.compile(
    r"(?:foto|photo|image|bild|picture|credit)s?(?: credit)?\s?:|©|\bgetty images|\((?:ap|afp|reuters|dpa)(?: photo)?/",
    re.IGNORECASE,
)


def is_named(element: HtmlElement) -> bool:
    """Whether an element is hidden, or its class or id says that it is no part of the text."""
    if element.get("hidden") is not None or "display:none" in element.get("style", "").replace(" ", ""):
        return True
    names = " ".join(filter(None, map(element.get, _NAMES)))[:_LONGEST_NAME]
    if ":" in names:  # utility classes for one medium or state: `print:hidden`, `hover:widget`
        names = " ".join(name for name in names.split() if ":" not in name)
    return bool(names) and (
        bool(_PARTS.search(names)) or not _WORDS.isdisjoint(word.lower() for word in _WORD.findall(names))
    )


def is_links(block: Block) -> bool:
    """Whether it is there to be clicked: most of it is link, and little stands beside the link."""
    return block.linked > len(block.text) / 2


def is_no_prose(text: str) -> bool:
    """An address, a machine's time, a number or a row of signs, which nobody reads as a sentence."""
    return bool(_NO_PROSE.fullmatch(text))


def is_credit(block: Block) -> bool:
    """Whether a block says whose picture it stands below, in one of the few forms used around the world."""
    return block.weight < 400 and bool(_CREDIT.search(block.text))

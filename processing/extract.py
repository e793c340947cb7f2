"""One captured page in, what it says out. Pages are hostile: any bytes give an answer, never an exception."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from processing import authors, bodies, dates, declared, hints, metadata
from processing.article import Extracted
from processing.markup import clean, decode, is_html, line, parse
from processing.outcomes import ProcessingOutcome
from processing.titles import LONGEST, titles

if TYPE_CHECKING:
    from crawlers.outlet import Selectors

LONGEST_TEXT = 1_000_000  # characters; the longest live blogs have some 300,000
LARGEST_PAGE = 20_000_000  # bytes
FEWEST_LETTERS = (
    100  # some 15 words: less is a caption or a consent notice, and neither language nor claim can be told from it
)
_HOME = {"", "/", "/index.html", "/index.php"}
_LISTS = {"CollectionPage", "SearchResultsPage", "ItemListPage"}


@dataclass(frozen=True)
class Rejected:
    """Why a page gave no article: a value of `ProcessingOutcome`, and one line of detail."""

    outcome: str
    detail: str


def extract(
    html: bytes, *, url: str, content_type: str | None = None, selectors: "Selectors | None" = None
) -> Extracted | Rejected:
    """Text and metadata of the page fetched from `url`. Never raises.

    Args:
        html: the page's bytes.
        url: where it was fetched.
        content_type: the HTTP header, if known.
        selectors: what the outlet's file says about its pages; where they find nothing, the general rules do.
    """
    if len(html) > LARGEST_PAGE:
        return Rejected(ProcessingOutcome.EXTRACT_FAILED, f"{len(html)} bytes, more than {LARGEST_PAGE}")
    try:
        if not is_html(html, content_type):
            return Rejected(ProcessingOutcome.NOT_HTML, f"no HTML page (type {content_type or 'not given'})")
        tree = parse(decode(html, content_type))
        if tree is None:
            return Rejected(ProcessingOutcome.NOT_HTML, "the parser found no page")
        return _read(tree, url, selectors)
    except Exception as error:  # noqa: BLE001 - parsers fail in ways nobody can list; the page is counted, the others go on
        return Rejected(ProcessingOutcome.EXTRACT_FAILED, f"{type(error).__name__}: {clean(str(error))[:200]}")


def _read(tree: HtmlElement, url: str, selectors: "Selectors | None") -> Extracted | Rejected:
    page = metadata.gather(tree, url)
    if (reason := _no_article(page)) is not None:
        return Rejected(ProcessingOutcome.NOT_ARTICLE, reason)
    if selectors:
        declared.drop(tree, selectors)
    title, others = titles(page)
    title = (line(declared.title(tree, selectors), LONGEST) if selectors else None) or title
    written_by = authors.tidy(declared.authors(tree, selectors)) if selectors else ()
    published = declared.published(tree, selectors) if selectors else None
    found = Extracted(
        title=title,
        other_titles=tuple(name for name in others if name != title),
        text="",
        authors=written_by or authors.authors(page),
        published=published or dates.published(page),
        updated=dates.updated(page),
        canonical_url=page.canonical,
        amp_url=page.amp,
        declared_language=metadata.declared_language(page),
        image=metadata.image(page),
        section=metadata.section(page),
        tags=metadata.tags(page),
        paywall=hints.paywall(page),
        live_blog=hints.live_blog(page),
    )
    text = (declared.text(tree, selectors) if selectors else "") or bodies.body(page, title)  # both take the tree apart
    return _with_text(found, clean(text[:LONGEST_TEXT]).strip())


def _with_text(found: Extracted, text: str) -> Extracted | Rejected:
    letters = sum(map(str.isalpha, text[: 100 * FEWEST_LETTERS]))
    if letters == 0:
        return Rejected(ProcessingOutcome.NO_TEXT, "no body text")
    if letters < FEWEST_LETTERS:
        return Rejected(ProcessingOutcome.TOO_SHORT, f"{letters} letters, fewer than {FEWEST_LETTERS}")
    return replace(found, text=text)


def _no_article(page: metadata.Markup) -> str | None:
    """The reason, for a page that certainly lists articles. One mark of an article anywhere, and it is one.

    The share of text in links tells nothing: short articles below a large menu have the same as section pages.
    """
    if page.is_marked_article:
        return None
    address = urlsplit(page.url)
    if address.path in _HOME and not address.query:
        return "a site's home page"
    listing = page.named_types & _LISTS
    return f"its JSON-LD calls it {min(listing)}" if listing else None

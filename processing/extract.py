"""One captured page in, what it says out. Pages are hostile: any bytes give an answer, never an exception."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from lxml.html import HtmlElement
from trafilatura import bare_extraction
from trafilatura.settings import Document, Extractor

from processing import dates, metadata, structured
from processing.article import Extracted
from processing.markup import clean, decode, is_html, parse
from processing.outcomes import ProcessingOutcome

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


def extract(html: bytes, *, url: str, content_type: str | None = None) -> Extracted | Rejected:
    """Text and metadata of the page fetched from `url`; `content_type` is the HTTP header, if known. Never raises."""
    if len(html) > LARGEST_PAGE:
        return Rejected(ProcessingOutcome.EXTRACT_FAILED, f"{len(html)} bytes, more than {LARGEST_PAGE}")
    try:
        if not is_html(html, content_type):
            return Rejected(ProcessingOutcome.NOT_HTML, f"no HTML page (type {content_type or 'not given'})")
        tree = parse(decode(html, content_type))
        if tree is None:
            return Rejected(ProcessingOutcome.NOT_HTML, "the parser found no page")
        return _read(tree, url)
    except Exception as error:  # noqa: BLE001 - parsers fail in ways nobody can list; the page is counted, the others go on
        return Rejected(ProcessingOutcome.EXTRACT_FAILED, f"{type(error).__name__}: {clean(str(error))[:200]}")


def _read(tree: HtmlElement, url: str) -> Extracted | Rejected:
    page = metadata.gather(tree, url)
    if (reason := _no_article(page)) is not None:
        return Rejected(ProcessingOutcome.NOT_ARTICLE, reason)
    headline = metadata.title(page)
    text = _without_headline(_body(page), headline)
    letters = sum(map(str.isalpha, text[: 100 * FEWEST_LETTERS]))
    if letters == 0:
        return Rejected(ProcessingOutcome.NO_TEXT, "no body text")
    if letters < FEWEST_LETTERS:
        return Rejected(ProcessingOutcome.TOO_SHORT, f"{letters} letters, fewer than {FEWEST_LETTERS}")
    return Extracted(
        title=headline,
        text=text,
        authors=metadata.authors(page),
        published=dates.published(page),
        updated=dates.updated(page),
        canonical_url=page.canonical,
        declared_language=metadata.declared_language(page),
        image=metadata.image(page),
        section=metadata.section(page),
        tags=metadata.tags(page),
    )


def _text(tree: HtmlElement, url: str) -> str:
    document = bare_extraction(tree, options=Extractor(output_format="python", comments=False, url=url))
    return document.text or "" if isinstance(document, Document) else ""


def _body(page: metadata.Markup) -> str:
    """What trafilatura finds. JSON-LD's articleBody is cleaner on a third of pages and worse on another, so it only helps out."""
    found = _text(page.tree, page.url)
    stated = next(iter(structured.texts(page.node.get("articleBody"))), "")
    if len(found) < len(stated) / 2 and "<" not in stated:
        found = stated
    return clean(found[:LONGEST_TEXT]).strip()


def _without_headline(text: str, headline: str | None) -> str:
    """The title is stored, searched and compared by itself; some layouts put it into the body too."""
    first, _, rest = text.partition("\n")
    return rest.lstrip() if headline and first.strip() == headline else text


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

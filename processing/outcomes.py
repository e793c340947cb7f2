"""What became of a capture: each ends in exactly one of these, and `crawls` counts them."""

from enum import StrEnum


class ProcessingOutcome(StrEnum):
    """The closed list; a page that was rejected carries the reason beside it."""

    INDEXED = "indexed"
    """A new article, or a new version of one, is in `articles`."""
    UNCHANGED = "unchanged"
    """The article is stored already, with this very title and text."""
    WITHDRAWN = "withdrawn"
    """A visit to a captured page found it gone; the article is marked so, and stays."""
    JOINED = "joined"
    """Another address of an article that is stored: an AMP, mobile or print version, or one with an unknown parameter."""
    NO_TEXT = "no_text"
    """An HTML page in which no body text was found."""
    TOO_SHORT = "too_short"
    """Fewer letters than any statement about language or narrative could rest on."""
    NOT_ARTICLE = "not_article"
    """A page that lists articles: a home page, a section, a search result."""
    NOT_HTML = "not_html"
    """A picture, a PDF, an archive, plain data."""
    EXTRACT_FAILED = "extract_failed"
    """Extraction broke on this page, or took its process down with it."""
    EXTRACT_TIMEOUT = "extract_timeout"
    """Extraction was stopped after the time one page may cost."""
    DEAD_LETTER = "dead_letter"
    """Elasticsearch refused the document; it waits in the dead-letter file."""

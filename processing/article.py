"""An article as we understood it: what extraction and language detection yield, and what `articles` stores."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

from processing.joining import canonical_id

NOWHERE = "xx"
"""The country of an outlet that no file describes."""


@dataclass(frozen=True, kw_only=True)
class Extracted:
    """What one page says. Times are ISO 8601, with offset where the page gives one, a date alone where it gives no time."""

    title: str | None
    text: str
    other_titles: tuple[str, ...] = ()
    """Headlines the page gives elsewhere: to readers, search engines or those who share it."""
    authors: tuple[str, ...] = ()
    published: str | None = None
    updated: str | None = None
    canonical_url: str | None = None
    amp_url: str | None = None
    declared_language: str | None = None
    image: str | None = None
    section: str | None = None
    tags: tuple[str, ...] = ()
    paywall: bool | None = None
    """Whether it says that it, or a part of it, is for subscribers."""
    live_blog: bool = False


@dataclass(frozen=True)
class Language:
    """A language code of `languages.yml` (`und`: cannot be told) and the confidence in it, 0 to 1."""

    code: str
    confidence: float
    script: str = "Zyyy"
    """ISO 15924; Zyyy when undetermined."""
    shares: tuple[tuple[str, float], ...] = ()
    """The languages of a text with their shares of it, largest first."""


@dataclass(frozen=True, kw_only=True)
class Article:
    """One article, its current version. `id` comes from the address it was fetched at, never from what the page claims."""

    id: str
    url: str
    urls: tuple[str, ...]
    outlet: str
    country: str
    kind: str
    page: Extracted
    language: Language
    fetched: str
    run: str
    warc: str
    offset: int

    @property
    def text_hash(self) -> str:
        return text_hash(self.page.title, self.page.text)

    @property
    def canonical_id(self) -> str | None:
        """What the page calls its own address, when that is on its site; see `processing.joining`."""
        return canonical_id(self.url, self.page.canonical_url)

    def to_document(self, text_field: str) -> dict[str, Any]:
        """The document `articles` stores; `text_field` is the one language property of `text` that is filled."""
        page = {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self.page).items()}
        return {
            **page,
            "text": {text_field: self.page.text},
            "text_hash": self.text_hash,
            "canonical_id": self.canonical_id,
            "characters": len(self.page.text),
            "url": self.url,
            "urls": list(self.urls),
            "outlet": self.outlet,
            "country": self.country,
            "kind": self.kind,
            "language": self.language.code,
            "language_confidence": self.language.confidence,
            "script": self.language.script,
            "languages": [code for code, _ in self.language.shares],
            "language_shares": [{"language": code, "share": share} for code, share in self.language.shares],
            "fetched": self.fetched,
            "run": self.run,
            "warc": {"file": self.warc, "offset": self.offset},
        }


def text_hash(title: str | None, text: str) -> str:
    """Names one wording of an article: the same title and text always give the same 32 hexadecimal digits."""
    return hashlib.sha256(f"{title or ''}\n{text}".encode()).hexdigest()[:32]

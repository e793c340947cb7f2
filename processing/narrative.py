"""A narrative: what one card documents. Pure data; importers make it, `cards.py` stores it, matching reads it."""

import hashlib
import json
import re
import unicodedata
from dataclasses import asdict, dataclass, field

from index_config.languages import text_field

MAX_SLUG_BYTES = 96  # an id becomes part of other ids, and Elasticsearch takes 512 bytes
ANY = "*"
"""The language of words that count in every language."""
Words = dict[str, tuple[str, ...]]
_ELLIPSIS = re.compile(r"\s*(?:…|\.{3,})[\s.…]*$")
_WORD = re.compile(r"[^\W_]+")
_APOSTROPHES = re.compile(r"(?<=\w)['’ʼ](?=\w)")
_SENTENCE_END = (".", "!", "?", "…", ":", ";")


@dataclass(frozen=True, kw_only=True)
class Narrative:
    """A known false or misleading story. What a card does not say is `None` or empty, never guessed.

    `language` is the language the card itself is written in, `languages` those in which the story was spread.
    `related` are ids of other cards, `related_claims` are claims quoted without an id. `broader` is the id of the wider
    narrative that this card's claim is a part of (SKOS: `skos:broader`).
    `translations` holds the title in other languages.

    The last five fields are analysts' own. `phrases`, `required` and `excluded` hold words by language (`ANY` for all), as
    `match/rules.py` reads them. `examples` are texts the card should be found in,
    `counter_examples` such that only look like it.
    """

    id: str
    title: str
    summary: str | None = None
    response: str | None = None
    date: str | None = None
    language: str = "en"
    languages: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    outlets: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    related: tuple[str, ...] = ()
    related_claims: tuple[str, ...] = ()
    broader: str | None = None
    url: str | None = None
    translations: dict[str, str] = field(default_factory=dict)
    phrases: Words = field(default_factory=dict)
    required: Words = field(default_factory=dict)
    excluded: Words = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()

    @property
    def claim(self) -> str:
        """The text that matching compares: title, then summary. The ellipsis of a title cut short is no part of it."""
        title = without_ellipsis(self.title)
        if not self.summary:
            return title
        return f"{title}{' ' if title.endswith(_SENTENCE_END) else '. '}{self.summary}"

    @property
    def claims_by_field(self) -> dict[str, str]:
        """The claim in every language there is, by the language property of the index (`en`, `uk`, …, `other`)."""
        claims: dict[str, str] = {text_field(self.language): self.claim}
        for code, title in sorted(self.translations.items()):
            name, text = text_field(code), without_ellipsis(title)
            claims[name] = f"{claims[name]}\n{text}" if name in claims else text
        return claims

    @property
    def content_hash(self) -> str:
        """Names this wording of the card. Empty fields do not count, so a field added to cards later changes no hash."""
        content = {name: value for name, value in asdict(self).items() if value and name != "id"}
        if self.language == "en":
            del content["language"]
        canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:32]


def without_ellipsis(title: str) -> str:
    """The title without a trailing `…` or `...`; a title of nothing else stays as it is."""
    return _ELLIPSIS.sub("", title) or title


def title_key(title: str) -> str:
    """The same for titles that differ only in case, punctuation and spaces; empty when there is no word in it."""
    plain = _APOSTROPHES.sub("", unicodedata.normalize("NFKC", title)).casefold()
    return " ".join(_WORD.findall(plain))


def slug(title: str) -> str:
    """An id from a title: lower-case words with hyphens; a long one is cut at a word and ends in a hash of the whole.

    Letters of other scripts stay, accents of Latin letters go. A title without any word gives a hash alone.
    """
    key = title_key(title)
    words = "".join(_plain(letter) for letter in key).split()
    whole = "-".join(words)
    if whole and len(whole.encode()) <= MAX_SLUG_BYTES:
        return whole
    digest = hashlib.sha256((key or title).encode()).hexdigest()[:8]
    cut = whole.encode()[: MAX_SLUG_BYTES - 9].decode(errors="ignore")
    return f"{cut.rpartition('-')[0] or cut}-{digest}".lstrip("-")


def _plain(letter: str) -> str:
    parts = unicodedata.normalize("NFKD", letter)
    return parts[0] if parts[0].isascii() and parts[0].isalpha() else letter

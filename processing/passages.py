"""Title and text in, overlapping windows of whole sentences out: what is compared with narratives, and quoted as evidence."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from processing.sentences import Span, sentences, trim, weight

__all__ = ["LONG", "MOST", "SHORT", "Passage", "Span", "sentences", "split"]

SHORT, LONG = 400, 700  # characters: some 60 to 120 words, what sentence encoders read without truncation
MOST = 60  # passages an article; news puts its claim first, and a live blog of 500 entries must not cost 500 articles


@dataclass(frozen=True)
class Passage:
    """`text` is what stands at `start:end` (code points) of the article's text, or of its title for the kind `title`."""

    number: int
    kind: Literal["title", "lead", "body"]
    start: int
    end: int
    text: str


def split(title: str | None, text: str, *, language: str | None = None) -> list[Passage]:
    """The title, then windows of sentences, each overlapping the one before by a sentence; at most `MOST` in all.

    `language` (a code of `languages.yml`) tells abbreviations from ends of sentences; without it English rules hold.
    Numbers count from 0 in reading order. The same input always gives the same passages.
    """
    passages: list[Passage] = []
    if title and title.strip():
        start, end = trim(title, 0, len(title))
        passages.append(Passage(0, "title", start, end, title[start:end]))
    spans = sentences(text, language)
    for count, (first, last) in enumerate(_windows(text, spans)):
        if len(passages) >= MOST:
            break
        start, end = spans[first][0], spans[last][1]
        passages.append(Passage(len(passages), "body" if count else "lead", start, end, text[start:end]))
    return passages


def _windows(text: str, spans: list[Span]) -> Iterator[Span]:
    """First and last sentence of each window. A window is closed before it grows too long, its last sentence begins the next."""
    weights = [weight(text[start:end]) for start, end in spans]
    first = 0
    while first < len(spans):
        last, size = first, weights[first]
        while last + 1 < len(spans) and (size < SHORT or size + weights[last + 1] <= LONG):
            if size + weights[last + 1] > LONG and size >= SHORT // 2:
                break
            last += 1
            size += weights[last]
        yield first, last
        if last + 1 == len(spans):
            return
        overlap = last > first and weights[last] + weights[last + 1] <= LONG
        first = last if overlap else last + 1

"""Title and text in, passages out: an opening to skim, then overlapping windows of whole sentences to read and quote."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from processing.sentences import Span, sentences, trim, weight

__all__ = ["LONG", "MOST", "OPENING", "SHORT", "Kind", "Passage", "Span", "sentences", "split"]

OPENING = 420
"""Characters, those of the title among them: some 100 tokens, which tell what an article is about as well as more do."""
SHORT, LONG = 400, 700  # characters: some 60 to 120 words, what sentence encoders read without truncation
MOST = 60  # passages an article; news puts its claim first, and a live blog of 500 entries must not cost 500 articles


Kind = Literal["opening", "title", "lead", "body"]


@dataclass(frozen=True)
class Passage:
    """`text` is what stands at `start:end` (code points) of the article's text, or of its title for the kind `title`.

    An `opening` is read with the title before it, for which it may have no text of its own.
    """

    number: int
    kind: Kind
    start: int
    end: int
    text: str
    title: str = ""

    @property
    def read(self) -> str:
        """What is compared with cards."""
        return f"{self.title}\n{self.text}" if self.title else self.text


def split(title: str | None, text: str, *, language: str | None = None) -> list[Passage]:
    """The opening, the title, then windows of sentences, each overlapping the one before by a sentence; at most `MOST` in all.

    A text without a title that is no longer than an opening has none, nor has a title without a text. `language` (a code of
    `languages.yml`) tells abbreviations from ends of sentences; without it English rules hold. Numbers count from 0 in reading order. The same input always gives the same passages.
    """
    passages = list(_opening(title or "", text))
    if title and title.strip():
        start, end = trim(title, 0, len(title))
        passages.append(Passage(len(passages), "title", start, end, title[start:end]))
    spans = sentences(text, language)
    for count, (first, last) in enumerate(_windows(text, spans)):
        if len(passages) >= MOST:
            break
        start, end = spans[first][0], spans[last][1]
        passages.append(Passage(len(passages), "body" if count else "lead", start, end, text[start:end]))
    return passages


def _opening(title: str, text: str) -> Iterator[Passage]:
    heading = title.strip()
    start, end = trim(text, 0, len(text))
    if not heading and weight(text[start : start + OPENING + 1]) <= OPENING:
        return
    start, cut = trim(text, start, _cut(text, start, end, OPENING - weight(heading)))
    if cut > start:
        yield Passage(0, "opening", start, cut, text[start:cut], heading)


def _cut(text: str, start: int, end: int, most: int) -> int:
    """The end of the last word that fits, or of the last letter where words are long or not written apart."""
    last = min(end, start + max(most, 0))
    while (size := weight(text[start:last])) > most > 0:
        last = start + (last - start) * most // size
    space = text.rfind(" ", start, last)
    return last if last == end or space <= start + (last - start) // 2 else space


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

"""Title and text in, overlapping windows of whole sentences out: what is compared with narratives, and quoted as evidence."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from sentencex import get_sentence_boundaries

SHORT, LONG = 400, 700  # characters: some 60 to 120 words, what sentence encoders read without truncation
LONGEST_SENTENCE = 600  # more than that is a list, a table or text without full stops, and is cut between words
MOST = 60  # passages an article; news puts its claim first, and a live blog of 500 entries must not cost 500 articles

_READ = MOST * 2 * LONG  # more text than the passages can hold is not segmented
_PARAGRAPH = re.compile(r"[^\n]{1,5000}")  # the segmenter's time grows with the square where there are no spaces
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, as JSON may hold; the segmenter takes whole ones only
_HAN_KANA = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_HAN_KANA_WEIGHT = 3  # one such character says about as much as three letters of an alphabet

Span = tuple[int, int]


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
        start, end = _trim(title, 0, len(title))
        passages.append(Passage(0, "title", start, end, title[start:end]))
    spans = sentences(text, language)
    for count, (first, last) in enumerate(_windows(text, spans)):
        if len(passages) >= MOST:
            break
        start, end = spans[first][0], spans[last][1]
        passages.append(Passage(len(passages), "body" if count else "lead", start, end, text[start:end]))
    return passages


def sentences(text: str, language: str | None = None) -> list[Span]:
    """Where each sentence of a text stands (code points); endless ones come in pieces."""
    return list(_sentences(text, language or "en"))


def _sentences(text: str, language: str) -> Iterator[Span]:
    for paragraph in _PARAGRAPH.finditer(text, 0, _READ):
        for boundary in get_sentence_boundaries(language, _SURROGATE.sub("\ufffd", paragraph[0])):
            start = paragraph.start() + boundary["start_index"]
            start, end = _trim(text, start, paragraph.start() + boundary["end_index"])
            if start < end:
                yield from _pieces(text, start, end)


def _trim(text: str, start: int, end: int) -> Span:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), max(start, end - len(piece) + len(piece.rstrip()))


def _weight(text: str) -> int:
    return len(text) + (_HAN_KANA_WEIGHT - 1) * len(_HAN_KANA.findall(text))


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    """Cut an endless sentence between words where there are any."""
    while end - start > LONGEST_SENTENCE or _weight(text[start:end]) > LONGEST_SENTENCE:
        reach = start + LONGEST_SENTENCE // (1 if _weight(text[start : start + 60]) < 90 else _HAN_KANA_WEIGHT)
        if reach >= end:
            break
        space = text.rfind(" ", start + (reach - start) // 2, reach)
        cut = space if space > 0 else reach
        yield _trim(text, start, cut)
        start = _trim(text, cut, end)[0]
    if start < end:
        yield start, end


def _windows(text: str, spans: list[Span]) -> Iterator[Span]:
    """First and last sentence of each window. A window is closed before it grows too long, its last sentence begins the next."""
    weights = [_weight(text[start:end]) for start, end in spans]
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

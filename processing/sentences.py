"""Where sentences begin and end, in every script we meet, as offsets into the text.

sentencex knows the full stops of most scripts and the abbreviations of some languages. What it leaves is mended by rules that need
no dictionary: nothing ends before a small letter, an initial or a dash of dialogue, and marks it does not know end sentences too.
"""

import re
from collections.abc import Iterator

from sentencex import get_sentence_boundaries

LONGEST = 600  # characters; more than that is a list, a table or text without full stops, and is cut between words
READ = 84_000  # characters; the passages of an article do not hold more

_PARAGRAPH = re.compile(r"[^\n]{1,5000}")  # the segmenter's time grows with the square where there are no spaces
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, as JSON may hold; the segmenter takes whole ones only
_HAN_KANA = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_HAN_KANA_WEIGHT = 3  # one such character says about as much as three letters of an alphabet
_STOPS = re.compile(r"[។៕။።፧։。！？।॥؟۔]+[»”’\"」』）)]*+(?=\s*\S)")
_DASH = re.compile(r"^[—–-]\s+")
_SHORT = re.compile(r"(?:^|[\s(«„“\"'’])[^\W\d_]{1,4}\.$")
_ALONE = re.compile(r"[^\W\d_]\S{0,4}\.")
_INITIAL = re.compile(r"(?:^|\s)[^\W\d_]\.$")
_QUOTED = re.compile(r"[。！？]?[」』”]$")
_GEORGIAN = re.compile(r"[\u10d0-\u10ff]")  # small letters to Unicode, but no sentence begins with others
_KANA = re.compile(r"[\u3040-\u30ff]")

Span = tuple[int, int]


def sentences(text: str, language: str | None = None) -> list[Span]:
    """Where each sentence of a text stands (code points), no space around it; endless ones come in pieces.

    Every line of the text is read by itself, and of all lines the first `READ` characters. `language` (a code of
    `languages.yml`) tells abbreviations from ends of sentences; without it English rules hold.
    """
    found: list[Span] = []
    for paragraph in _PARAGRAPH.finditer(text, 0, READ):
        for start, end in _joined(text, list(_raw(text, paragraph, language or "en"))):
            found += _pieces(text, start, end)
    return found


def weight(text: str) -> int:
    """A text's length, made comparable between scripts."""
    return len(text) + (_HAN_KANA_WEIGHT - 1) * len(_HAN_KANA.findall(text))


def _raw(text: str, paragraph: re.Match[str], language: str) -> Iterator[Span]:
    for boundary in get_sentence_boundaries(language, _SURROGATE.sub("\ufffd", paragraph[0])):
        start, end = paragraph.start() + boundary["start_index"], paragraph.start() + boundary["end_index"]
        for stop in _STOPS.finditer(text, start, end):
            span = trim(text, start, stop.end())
            if span[0] < span[1]:
                yield span
            start = stop.end()
        span = trim(text, start, end)
        if span[0] < span[1]:
            yield span


def _joined(text: str, spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in spans:
        if joined and _goes_on(text[joined[-1][0] : joined[-1][1]], text[start:end]):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _goes_on(before: str, after: str) -> bool:
    """Whether the segmenter has cut one sentence in two."""
    if len(before) + len(after) > LONGEST:
        return False
    begins = _DASH.sub("", after)
    if begins[:1].islower() and not _GEORGIAN.match(begins):
        return True
    if before[-1] == "." and (_ALONE.fullmatch(before) or _INITIAL.search(before)):
        return True
    if begins[:1].isdigit() and _SHORT.search(before):
        return True
    return bool(_QUOTED.search(before) and _KANA.match(after))


def trim(text: str, start: int, end: int) -> Span:
    """The same place without the white space at its ends."""
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), max(start, end - len(piece) + len(piece.rstrip()))


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    """Cut an endless sentence between words where there are any."""
    while end - start > LONGEST or weight(text[start:end]) > LONGEST:
        reach = start + LONGEST // (1 if weight(text[start : start + 60]) < 90 else _HAN_KANA_WEIGHT)
        if reach >= end:
            break
        space = text.rfind(" ", start + (reach - start) // 2, reach)
        cut = space if space > 0 else reach
        yield trim(text, start, cut)
        start = trim(text, cut, end)[0]
    if start < end:
        yield start, end

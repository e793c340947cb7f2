"""EUvsDisinfo text cards in: `DISINFO: title`, then the sections SUMMARY and RESPONSE, each heading on its own line."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from processing.importers.fields import read_fields
from processing.importers.problem import CardProblem, Located, shown
from processing.importers.source import whole

_TITLE = re.compile(r"\s*DISINFO\s*:\s*(.*)", re.IGNORECASE)
_HEADING = re.compile(r"\s*(SUMMARY|RESPONSE|DISPROOF)\s*(?::\s*(.*\S)?)?\s*", re.IGNORECASE)
_SECTIONS = {"summary": "summary", "response": "response", "disproof": "response"}  # the heading until 2021

_CLAIM = r"(?:claims?|claimed|claiming|alleg(?:es?|ed|ing|ations?)|assert(?:s|ing|ions?)|accus(?:ing|ations?)|stor(?:y|ies)|narratives?)"
_INSIDE = r"(?:(?!\bthat\b|[.!?]\s).)"
_CLOSING = re.compile(
    r"(?:^|(?<=[.!?…”\"’)]\s)|(?<=\n))(?:You\s+can\s+|Please\s+)?(?:See|Read|Find|Check|For|Other|Similar)\b"
    r"(?=[^.]{0,120}\b(?:other|similar|earlier|previous|past|more|further|related|also|examples?)\b)"
    rf"{_INSIDE}{{0,240}}?\b(?:examples?|narratives?|cases?|claims?|disinformation|messages|allegations?|stories)\b"
    rf"{_INSIDE}{{0,160}}?\bthat\s",
    re.IGNORECASE | re.DOTALL,
)
# between two claims: ", that", "or that", ", as well as claims that"; a bare "that" inside a claim separates nothing
_BETWEEN = re.compile(
    rf"\s*[,;]\s*(?:(?:and|or|as\s+well\s+as|plus)\s+)?(?:the\s+)?(?:{_CLAIM}\s+)?that\s+"
    rf"|\s+(?:and|or|as\s+well\s+as)\s+(?:the\s+)?(?:{_CLAIM}\s+)?that\s+",
    re.IGNORECASE,
)
# a full stop, then a new sentence; not the one of "U.S. troops", "No. 5" or "e.g. Poland"
_SENTENCE = re.compile(
    r"(?<!\b[A-Za-z])(?<!\b(?:Mr|Dr|St|No|vs))(?<!\b(?:Mrs|Gen|Col))[.!?]+[”\"’)]*\s+(?=[A-ZА-ЯЁЄІЇҐ“\"(])|\s*\n\s*\n\s*"
)
MAX_CLOSING = 5_000
MAX_AFTER = 300  # a line such as "Read our analysis here." may follow


def read_text_cards(path: Path, id: str | None = None) -> Iterator[Located | CardProblem]:  # noqa: A002
    """The cards of one text file, usually one; each begins at a line `DISINFO: …`. `id` instead of the title's slug."""
    text = whole(path)
    if isinstance(text, CardProblem):
        yield text
        return
    rows = text.split("\n")
    starts = [number for number, row in enumerate(rows) if _TITLE.fullmatch(row)]
    first = next((number for number, row in enumerate(rows) if row.strip()), None)
    if first is None:
        yield CardProblem(str(path), 0, "the file is empty; a card begins with `DISINFO: ` and its title")
    elif not starts or first < starts[0]:
        message = f"{shown(rows[first])} comes before any title; begin the card with `DISINFO: ` and its title"
        yield CardProblem(str(path), first + 1, message)
    for start, end in pairwise([*starts, len(rows)]):
        yield from _card(rows[start:end], str(path), start + 1, id)


def _card(rows: list[str], file: str, line: int, identifier: str | None) -> Iterator[Located | CardProblem]:
    sections: dict[str, list[str]] = {}
    current: list[str] | None = None
    for number, row in enumerate(rows[1:], line + 1):
        heading = _HEADING.fullmatch(row)
        if heading:
            name = _SECTIONS[heading[1].lower()]
            if name in sections:
                yield CardProblem(
                    file, number, f"a second {name.upper()} in one card; join them, or begin a new `DISINFO:`"
                )
                return
            current = sections[name] = [heading[2]] if heading[2] else []
        elif current is not None:
            current.append(row)
        elif row.strip():
            yield CardProblem(
                file, number, f"{shown(row)} is in no section; put SUMMARY or RESPONSE on a line above it"
            )
            return
    yield from read_fields(_fields(rows[0], sections, identifier), file, line)


def _fields(first: str, sections: dict[str, list[str]], identifier: str | None) -> dict[str, object]:
    title = _TITLE.fullmatch(first)
    assert title is not None
    texts = {name: "\n".join(rows).strip() for name, rows in sections.items()}
    response, claims = split_closing(texts.get("response", ""))
    return {
        "id": identifier,
        "title": title[1],
        "summary": texts.get("summary"),
        "response": response,
        "related_claims": list(claims),
    }


def split_closing(response: str) -> tuple[str, tuple[str, ...]]:
    """Take the closing sentence ("See other examples …, such as claims that A, that B or that C") off a response.

    Returns the rest, and the claims quoted there; the response as it is and no claims when it does not end so.
    """
    tail = max(0, len(response) - MAX_CLOSING)
    for found in reversed(list(_CLOSING.finditer(response, tail))):
        rest = response[found.end() :]
        end = _SENTENCE.search(rest)
        sentence, after = (rest[: end.start()], rest[end.end() :].strip()) if end else (rest, "")
        claims = tuple(dict.fromkeys(claim for part in _BETWEEN.split(sentence) if (claim := _claim(part))))
        if len(after) > MAX_AFTER or not claims:  # a reference in the middle of the argument, no closing sentence
            break
        return f"{response[: found.start()].rstrip()}\n{after}".strip(), claims
    return response, ()


def _claim(part: str) -> str:
    return " ".join(part.split()).strip(" .,;:")

"""Files of cards in, narratives out. Everything read here is untrusted: bad input becomes a `CardProblem`, never an error."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from processing.importers.euvsdisinfo import read_text_cards
from processing.importers.page import read_page
from processing.importers.problem import CardProblem, Located
from processing.importers.source import beginning
from processing.importers.table import Columns, is_json, read_csv, read_json, read_json_lines
from processing.narrative import Narrative

__all__ = ["CardProblem", "Reading", "read", "read_all"]

_UNKNOWN = "is neither a text card (DISINFO: …), nor JSON, JSON lines, CSV or a saved page; convert it to one of these"
_Reader = Callable[[Path], Iterator[Located | CardProblem]]


@dataclass(frozen=True)
class Reading:
    """What the caller says about the files.

    `id` is that of a text card; files of other kinds name the ids of their cards themselves. `columns` says in which
    column (CSV) or under which key (JSON) a field stands, where it has not the field's own name.
    """

    id: str | None = None
    columns: Columns = field(default_factory=dict)


def read(path: Path, reading: Reading = Reading()) -> Iterator[Narrative | CardProblem]:
    """The cards of one file, with a problem for each that is lost and a warning for each part that is."""
    return read_all([path], reading)


def read_all(paths: Iterable[Path], reading: Reading = Reading()) -> Iterator[Narrative | CardProblem]:
    """The cards of all files. Of cards with the same id the first is kept, and the others are problems."""
    places: dict[str, str] = {}
    for path in paths:
        for item in _items(path, reading):
            if isinstance(item, CardProblem):
                yield item
                continue
            here = f"{item.file}:{item.line}"
            first = places.setdefault(item.narrative.id, here)
            if first == here:
                yield item.narrative
                continue
            message = f"id '{item.narrative.id}' is taken by the card at {first}; remove one, or give it another id"
            yield CardProblem(item.file, item.line, message)


def _items(path: Path, reading: Reading) -> Iterator[Located | CardProblem]:
    head = beginning(path)
    if isinstance(head, CardProblem):
        return iter([head])
    if not head:
        return iter([CardProblem(str(path), 0, "is empty; check that it was written")])
    kind = _kind(path, head)
    if kind is None:
        return iter([CardProblem(str(path), 0, _UNKNOWN)])
    if reading.id is not None and kind != "text":
        return iter([CardProblem(str(path), 0, "an id can be given to a text card only; write an `id` into each card")])
    readers: dict[str, _Reader] = {
        "text": partial(read_text_cards, id=reading.id),
        "csv": partial(read_csv, columns=reading.columns),
        "json": partial(read_json, columns=reading.columns),
        "jsonl": partial(read_json_lines, columns=reading.columns),
        "page": read_page,
    }
    return readers[kind](path)


def _kind(path: Path, head: bytes) -> str | None:
    """By extension where only one kind has it, else by how the content begins."""
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".csv", ".tsv")):
        return "csv"
    if name.endswith((".jsonl", ".ndjson")) or (head.startswith(b"{") and is_json(head.split(b"\n", 1)[0])):
        return "jsonl"
    if head.startswith((b"[", b"{")):
        return "json"
    if name.endswith((".html", ".htm")) or head.startswith(b"<"):
        return "page"
    if name.endswith(".txt") or head[:7].upper() == b"DISINFO":
        return "text"
    return None

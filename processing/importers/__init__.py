"""Files of cards in, narratives out. Everything read here is untrusted: bad input becomes a `CardProblem`, never an error."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from processing.importers.euvsdisinfo import read_text_cards
from processing.importers.problem import CardProblem, Located
from processing.importers.source import beginning
from processing.importers.table import is_json, read_csv, read_json, read_json_lines
from processing.narrative import Narrative

__all__ = ["CardProblem", "read", "read_all"]

_UNKNOWN = "is neither a text card (DISINFO: …), nor JSON, JSON lines or CSV; convert it to one of these"
_Reader = Callable[[Path], Iterator[Located | CardProblem]]


def read(path: Path, id: str | None = None) -> Iterator[Narrative | CardProblem]:  # noqa: A002
    """The cards of one file, with a problem for each that is lost and a warning for each part that is."""
    return read_all([path], id)


def read_all(paths: Iterable[Path], id: str | None = None) -> Iterator[Narrative | CardProblem]:  # noqa: A002
    """The cards of all files. Of cards with the same id the first is kept, and the others are problems.

    `id` is the id of a text card; files of any other kind name the ids of their cards themselves.
    """
    places: dict[str, str] = {}
    for path in paths:
        for item in _items(path, id):
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


def _items(path: Path, identifier: str | None) -> Iterator[Located | CardProblem]:
    head = beginning(path)
    if isinstance(head, CardProblem):
        return iter([head])
    if not head:
        return iter([CardProblem(str(path), 0, "is empty; check that it was written")])
    reader = _reader(path, head, identifier)
    if reader is None:
        return iter([CardProblem(str(path), 0, _UNKNOWN)])
    if identifier is not None and not isinstance(reader, partial):
        return iter([CardProblem(str(path), 0, "an id can be given to a text card only; write an `id` into each card")])
    return reader(path)


def _reader(path: Path, head: bytes, identifier: str | None) -> _Reader | None:
    """By extension where only one kind has it, else by how the content begins."""
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".csv", ".tsv")):
        return read_csv
    if name.endswith((".jsonl", ".ndjson")) or (head.startswith(b"{") and is_json(head.split(b"\n", 1)[0])):
        return read_json_lines
    if head.startswith((b"[", b"{")):
        return read_json
    if name.endswith(".txt") or head[:7].upper() == b"DISINFO":
        return partial(read_text_cards, id=identifier)
    return None

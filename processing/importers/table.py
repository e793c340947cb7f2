"""Tables of cards in: JSON lines, a JSON list, CSV with a header. Column and key names are the fields of a card, or mapped to them."""

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from index_config.languages import map_code
from processing import structured
from processing.importers.claimreview import is_review, read_review, reviews
from processing.importers.fields import read_fields
from processing.importers.problem import CardProblem, Located, shown
from processing.importers.source import UTF8_BOM, lines, not_utf8, whole

_SEPARATORS = {"\t": "tabs", ",": "commas", ";": "semicolons"}
_MEND_HEADER = "begin with a row of field names, or say `--column title=NAME`"
_MEND_JSON = "mend it, or write the cards as JSON lines, where one bad card loses no other"


Columns = Mapping[str, str]
"""Which column or key holds a card's field: field to name. Fields not in it have their own name."""


def read_json_lines(path: Path, columns: Columns) -> Iterator[Located | CardProblem]:
    """One JSON object a line; empty lines do not count."""
    for item in lines(path):
        if isinstance(item, CardProblem):
            yield item
            continue
        number, raw = item
        if not raw.strip():
            continue
        try:
            value = json.loads(raw.decode())
        except UnicodeDecodeError as error:
            yield CardProblem(str(path), number, not_utf8(error))
        except (ValueError, RecursionError) as error:
            yield CardProblem(
                str(path), number, f"{shown(raw[:60])} is no JSON ({_why(error)}); write one object a line"
            )
        else:
            yield from _record(value, str(path), number, columns)


def read_json(path: Path, columns: Columns) -> Iterator[Located | CardProblem]:
    """A JSON list of objects, or one object, over any number of lines. Nothing can be read behind a syntax error."""
    text = whole(path)
    if isinstance(text, CardProblem):
        yield text
        return
    decoder = json.JSONDecoder()
    position, line, counted = _next(text, 0, "["), 1, 0
    while position < len(text) and text[position] != "]":
        line, counted = line + text.count("\n", counted, position), position
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            place = line + text.count("\n", counted, getattr(error, "pos", counted))
            yield CardProblem(str(path), place, f"no JSON from here on ({_why(error)}); {_MEND_JSON}")
            return
        yield from _record(value, str(path), line, columns)
        position = _next(text, position, ",")


def _next(text: str, position: int, skipped: str) -> int:
    while position < len(text) and (text[position].isspace() or text[position] in skipped):
        position += 1
    return position


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg}, column {error.colno}"
    return "nested too deeply" if isinstance(error, RecursionError) else "a number is too long"


def _record(value: object, file: str, line: int, columns: Columns) -> Iterator[Located | CardProblem]:
    if isinstance(value, dict) and not is_review(value) and "title" not in value and "title" not in columns:
        nodes = structured.walk([value])
        if found := reviews(nodes):  # a data feed or graph, with reviews somewhere inside
            for node in found:
                yield from read_review(node, file, line, nodes)
            return
    if is_review(value):
        assert isinstance(value, dict)
        yield from read_review(value, file, line, structured.walk([value]))
    elif isinstance(value, dict):
        yield from read_fields(_renamed(value, columns), file, line)
    else:
        yield CardProblem(file, line, f"{shown(value)} is no card; write an object with at least a `title`")


def _renamed(values: Mapping[str, object], columns: Columns) -> dict[str, object]:
    """The record with mapped names in place of the fields' own; what is mapped away no longer counts as a field."""
    kept = {name: value for name, value in values.items() if name not in columns.values() or name in columns}
    return kept | {field: values.get(name) for field, name in columns.items()}


@dataclass
class _Rows:
    """Lines for the CSV reader that remember where they stand, so that reading can begin again behind a bad row."""

    lines: list[str]
    at: int = 0

    def __iter__(self) -> Iterator[str]:
        while self.at < len(self.lines):
            self.at += 1
            yield self.lines[self.at - 1]


def read_csv(path: Path, columns: Columns) -> Iterator[Located | CardProblem]:
    """Rows under a header with the fields' names; lists have `;` between items, `title_uk` is the title in Ukrainian.

    Commas, tabs or semicolons separate cells, whichever the header has. Quotes are `"`, doubled inside a cell.
    """
    texts: list[str] = []
    for item in lines(path):
        if isinstance(item, CardProblem):
            yield item
            texts.append("")  # keeps the numbers of the lines after it
        else:
            texts.append(item[1].decode("utf-8", "surrogateescape") + "\n")
    rows = _Rows(texts)
    header: list[str] | None = None
    while rows.at < len(texts):
        line = rows.at + 1
        try:
            cells = next(csv.reader(iter(rows), delimiter=_separator(texts), strict=True), [])
        except csv.Error as error:
            rows.at = line
            yield CardProblem(
                str(path), line, f"the row cannot be read ({error}); close its quotes, double those inside"
            )
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if header is None:
            header = _header(cells, columns)
            if "title" not in header:
                message = f"no column `{columns.get('title', 'title')}` among {shown(header)}; {_MEND_HEADER}"
                yield CardProblem(str(path), line, message)
                return
        elif len(cells) == len(header):
            yield from read_fields(_cells(dict(zip(header, cells, strict=True))), str(path), line)
        else:
            message = f"the row has {len(cells)} cells, the header {len(header)}; quote cells that hold a separator"
            yield CardProblem(str(path), line, message)


def _header(cells: list[str], columns: Columns) -> list[str]:
    """Field names in place of the columns mapped to them; a column that only has a mapped field's name is set aside."""
    fields = {name.strip().lower(): field for field, name in columns.items()}
    names = [cell.strip().lower() for cell in cells]
    return [fields.get(name, f"({name})" if name in columns else name) for name in names]


def _separator(texts: list[str]) -> str:
    header = next((text for text in texts if text.strip()), "")
    return max(_SEPARATORS, key=header.count)


def _cells(row: dict[str, str]) -> dict[str, object]:
    """An empty cell says nothing; columns `title_xx` together are the translations."""
    filled = {name: cell for name, cell in row.items() if cell.strip()}
    titles = {name[6:]: filled.pop(name) for name in list(filled) if name.startswith("title_") and map_code(name[6:])}
    return {**filled, "titles": titles}


def is_json(raw: bytes) -> bool:
    """Whether the bytes are one whole JSON value."""
    try:
        json.loads(raw.removeprefix(UTF8_BOM))
    except (ValueError, RecursionError):
        return False
    return True

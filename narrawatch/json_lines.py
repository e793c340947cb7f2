"""Files of JSON lines, in and out; `-` is standard input or output."""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import click

from narrawatch.errors import NarrawatchError


class FileProblem(NarrawatchError):
    """A file cannot be used; the message names file, line, value and remedy."""


def lines(source: str | Path) -> Iterator[tuple[int, str]]:
    """The lines of a file (.gz too) that are not empty, with their numbers; bytes that are not UTF-8 become question marks."""
    try:
        with _open(str(source)) as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        raise FileProblem(f"{source}: cannot be read ({error})") from error


def _open(source: str) -> IO[str]:
    if source.endswith(".gz"):
        return gzip.open(source, "rt", encoding="utf-8", errors="replace")
    return click.open_file(source, "r", encoding="utf-8", errors="replace")


@contextmanager
def writer(out: str | Path) -> Iterator[IO[str]]:
    """Standard output, or a file that appears under its name only when it is whole."""
    if str(out) == "-":
        with click.open_file("-", "w", encoding="utf-8", errors="replace") as stream:
            yield stream
        return
    path = Path(out)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", errors="replace") as stream:
            yield stream
        part.replace(path)
    except OSError as error:
        raise FileProblem(
            f"{out}: cannot be written ({error.strerror}); give a file in a folder that exists"
        ) from error


def write(stream: IO[str], record: dict[str, Any]) -> None:
    """One record, one line."""
    stream.write(json.dumps(record, ensure_ascii=False) + "\n")

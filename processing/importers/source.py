"""Bytes of an import file, plain or gzip, within limits: the file may be damaged, huge or hostile."""

import gzip
import zlib
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from processing.importers.problem import CardProblem

MAX_LINE = 4 << 20  # the longest real card has 6 kB
MAX_FILE = 1 << 30  # unpacked; 100,000 cards with long responses have 300 MB
MAX_WHOLE = 256 << 20  # of a file that must be read as a whole: a JSON list, a text card
UTF8_BOM = b"\xef\xbb\xbf"


def lines(path: Path) -> Iterator[tuple[int, bytes] | CardProblem]:
    """Number and bytes of each line, its end and a byte order mark taken off; a problem for each that cannot be had."""
    number, total = 0, 0
    try:
        with _open(path) as file:
            while raw := file.readline(MAX_LINE):
                number += 1
                total += len(raw)
                if len(raw) == MAX_LINE and not raw.endswith(b"\n"):
                    total += _skip_line(file)
                    yield CardProblem(
                        str(path), number, f"line is longer than {MAX_LINE >> 20} MB; split or shorten the card"
                    )
                elif total <= MAX_FILE:
                    yield number, _bare(raw, first=number == 1)
                if total > MAX_FILE:
                    yield CardProblem(str(path), number, f"file has more than {MAX_FILE >> 30} GB; import it in parts")
                    return
    except (OSError, EOFError, zlib.error) as error:
        yield CardProblem(str(path), number + 1, _unreadable(error))


def whole(path: Path) -> str | CardProblem:
    """The text of a file, whatever its line ends with newlines alone."""
    try:
        with _open(path) as file:
            raw = file.read(MAX_WHOLE + 1)
    except (OSError, EOFError, zlib.error) as error:
        return CardProblem(str(path), 0, _unreadable(error))
    if len(raw) > MAX_WHOLE:
        return CardProblem(
            str(path), 0, f"file has more than {MAX_WHOLE >> 20} MB; write it as JSON lines, one card a line"
        )
    try:
        return raw.removeprefix(UTF8_BOM).decode().replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        return CardProblem(str(path), raw[: error.start].count(b"\n") + 1, not_utf8(error))


def beginning(path: Path) -> bytes | CardProblem:
    """The first 64 kB, without byte order mark and leading white space."""
    try:
        with _open(path) as file:
            return file.read(1 << 16).removeprefix(UTF8_BOM).lstrip()
    except (OSError, EOFError, zlib.error) as error:
        return CardProblem(str(path), 0, _unreadable(error))


def not_utf8(error: UnicodeDecodeError) -> str:
    return f"byte 0x{error.object[error.start]:02x} is not UTF-8; save the file as UTF-8"


def _open(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")


def _skip_line(file: gzip.GzipFile | BufferedReader) -> int:
    skipped = 0
    while raw := file.readline(MAX_LINE):
        skipped += len(raw)
        if raw.endswith(b"\n") or skipped > MAX_FILE:
            break
    return skipped


def _bare(raw: bytes, *, first: bool) -> bytes:
    return (raw.removeprefix(UTF8_BOM) if first else raw).rstrip(b"\r\n")


def _unreadable(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read ({error.strerror}); check path and permissions"
    return f"cannot be unpacked ({error}); fetch or pack the file again"

"""WARC files (ISO 28500): a new one per outlet and attempt, `.open` until it is closed, salvaged after a crash.

Bodies are stored decoded: what reads the files later never meets a compression bomb that the crawl did not see.
"""

import contextlib
import io
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator
from warcio.exceptions import ArchiveLoadFailed
from warcio.recordloader import ArcWarcRecord
from warcio.warcwriter import WARCWriter

from crawlers.capture import Capture, hash_of
from crawlers.warc_records import Headers, write_response, write_revisit
from narrawatch.errors import NarrawatchError

OPEN = ".open"
SUFFIX = ".warc.gz"


class WarcError(NarrawatchError):
    """A WARC file cannot be written or read; the message names it."""


@dataclass
class WarcFile:
    """One outlet's file of one attempt, created with its first page.

    A record that cannot be written whole is cut off again, so that the file is always readable to its end.
    """

    folder: Path
    run: str
    software: str
    path: Path | None = None

    def write(self, capture: Capture, headers: Headers, address: str | None) -> tuple[str, int]:
        """Append one response record; returns the file's final name below the WARC folder, and the record's offset.

        Raises:
            WarcError: the disk is full or not writable; nothing of this record is left behind.
        """
        return self._append(lambda stream: write_response(stream, capture, headers, address))

    def write_revisit(self, capture: Capture, headers: Headers, address: str | None, *, since: str) -> tuple[str, int]:
        """Append a record that the page is as it was at `since`: not modified (304), or the same body, not stored again.

        Raises:
            WarcError: as `write` does.
        """
        return self._append(lambda stream: write_revisit(stream, capture, headers, address, since))

    def _append(self, write: Callable[[io.BufferedIOBase], None]) -> tuple[str, int]:
        try:
            path = self.path or self._create()
            offset = path.stat().st_size
            try:
                with path.open("ab") as stream:
                    write(stream)
            except OSError:
                with contextlib.suppress(OSError):  # the first error is the one to tell
                    os.truncate(path, offset)
                raise
        except OSError as error:
            place = self.path or self.folder
            raise WarcError(f"{place}: cannot write ({error.strerror}); free space or set NARRAWATCH_HOME") from error
        return final_name(path), offset

    def close(self) -> Path | None:
        """Make the file final; returns its path, or None when no page came."""
        if self.path is None:
            return None
        final = self.path.with_name(self.path.name.removesuffix(OPEN))
        _sync(self.path)
        self.path.rename(final)
        self.path = None
        return final

    def _create(self) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        attempt = 1
        while any((self.folder / f"{self.run}-{attempt}{SUFFIX}{end}").exists() for end in ("", OPEN)):
            attempt += 1
        path = self.folder / f"{self.run}-{attempt}{SUFFIX}{OPEN}"
        with path.open("xb") as stream:
            writer = WARCWriter(stream, gzip=True)
            writer.write_record(
                writer.create_warcinfo_record(path.name.removesuffix(OPEN), {"software": self.software})
            )
        self.path = path
        return path


def final_name(path: Path) -> str:
    """`<outlet>/<file>`: how documents name a WARC file wherever the WARC folder is."""
    return f"{path.parent.name}/{path.name.removesuffix(OPEN)}"


def _sync(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def read(path: Path) -> Iterator[Capture]:
    """The pages of one WARC file in order; of visits that found nothing new there is nothing to read.

    Raises:
        WarcError: the file is no WARC file, or damaged; the pages before the damage have been yielded.
    """
    try:
        with path.open("rb") as stream:
            records, end = ArchiveIterator(stream), 0
            for record in records:
                if record.rec_type == "response":
                    body = record.content_stream().read()
                    _check_whole(record, body)
                    yield _capture(record, body, final_name(path), records.get_record_offset())
                end = records.get_record_offset() + records.get_record_length()
        _check_end(path, end)
    except (ArchiveLoadFailed, OSError, EOFError, ValueError) as error:
        raise WarcError(f"{path}: damaged or no WARC file ({error}); the pages before the damage were read") from error


def _check_end(path: Path, end: int) -> None:
    """The library ends at a damaged record as it does at the end of the file."""
    if end < path.stat().st_size:
        raise ArchiveLoadFailed(f"no record begins at byte {end}")


def _check_whole(record: ArcWarcRecord, body: bytes) -> None:
    """The library ends a damaged record early without a word; half a page must not pass for a whole one."""
    said = record.http_headers.get_header("Content-Length")
    if said is not None and said.isdecimal() and int(said) != len(body):
        raise ArchiveLoadFailed(f"a record holds {len(body)} of {said} bytes")


def _capture(record: ArcWarcRecord, body: bytes, file: str, offset: int) -> Capture:
    headers, url = record.rec_headers, record.rec_headers.get_header("WARC-Target-URI")
    return Capture(
        outlet=headers.get_header("Narrawatch-Outlet") or file.partition("/")[0],
        run=headers.get_header("Narrawatch-Run") or "",
        url=url,
        requested_url=headers.get_header("Narrawatch-Requested-URI") or url,
        fetched=headers.get_header("WARC-Date"),
        status=int(record.http_headers.get_statuscode()),
        content_type=record.http_headers.get_header("Content-Type"),
        body=body,
        etag=record.http_headers.get_header("ETag"),
        last_modified=record.http_headers.get_header("Last-Modified"),
        body_hash=hash_of(body),
        file=file,
        offset=offset,
    )


def holds_visits(path: Path) -> bool:
    """Whether anything was fetched into this file, if only the news that nothing is new.

    Raises:
        WarcError: it cannot be read.
    """
    try:
        with path.open("rb") as stream:
            return any(record.rec_type != "warcinfo" for record in ArchiveIterator(stream))
    except (ArchiveLoadFailed, OSError, EOFError, ValueError) as error:
        raise WarcError(f"{path}: damaged or no WARC file ({error})") from error


def whole_length(path: Path) -> int:
    """How many bytes of a gzipped WARC file are whole records: up to the end of the last complete gzip member."""
    end = 0
    with path.open("rb") as stream:
        while True:
            stream.seek(end)
            length = _member_length(stream)
            if length is None:
                return end
            end += length


def _member_length(stream: io.BufferedReader) -> int | None:
    """Bytes of the gzip member that begins here; None when it is cut short or damaged."""
    unpack, read_bytes = zlib.decompressobj(wbits=31), 0
    while block := stream.read(1 << 16):
        read_bytes += len(block)
        try:
            unpack.decompress(block)
        except zlib.error:
            return None
        if unpack.eof:
            return read_bytes - len(unpack.unused_data)
    return None


def cut_to_whole_records(path: Path) -> int:
    """Drop what a crash left unfinished at the end of an open file; returns how many bytes were dropped."""
    whole, size = whole_length(path), path.stat().st_size
    if whole < size:
        os.truncate(path, whole)
    return size - whole

"""WARC files: written whole or not at all, salvaged to their last whole record, readable to the end."""

import random
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from warcio.archiveiterator import ArchiveIterator

from crawlers.capture import Capture
from crawlers.warc import WarcError, WarcFile, cut_to_whole_records, read, whole_length

HEADERS = [("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked")]


def capture(number: int, size: int = 2000) -> Capture:
    noise = random.Random(number).randbytes(size).hex().encode()
    return Capture(
        outlet="daily",
        run="r1",
        url=f"https://example.org/{number}?ä=1",
        requested_url=f"https://example.org/r/{number}",
        fetched="2026-11-23T06:00:00Z",
        status=200,
        content_type="text/html; charset=utf-8",
        body=b"<p>" + noise,
    )


def written(folder: Path, count: int = 3) -> Path:
    warc = WarcFile(folder / "daily", "r1", "Narrawatch/test")
    for number in range(count):
        warc.write(capture(number), HEADERS, "192.0.2.1")
    path = warc.path
    assert path is not None
    return path


def test_round_trip(tmp_path: Path) -> None:
    warc = WarcFile(tmp_path / "daily", "r1", "Narrawatch/test")
    places = [warc.write(capture(number), HEADERS, "192.0.2.1") for number in range(3)]
    assert [file for file, _ in places] == ["daily/r1-1.warc.gz"] * 3
    assert warc.path is not None
    assert warc.path.name.endswith(".open")
    final = warc.close()
    assert final == tmp_path / "daily" / "r1-1.warc.gz"
    found = list(read(final))
    assert [(page.url, page.requested_url, page.body, page.offset) for page in found] == [
        (capture(n).url, capture(n).requested_url, capture(n).body, places[n][1]) for n in range(3)
    ]
    assert found[0].content_type == "text/html; charset=utf-8"


def test_other_tools_read_it(tmp_path: Path) -> None:
    """Body decoded, its old encoding not claimed; warcinfo first; digests check."""
    with written(tmp_path).open("rb") as stream:
        records = [
            (record.rec_type, record.http_headers, record.content_stream().read())
            for record in ArchiveIterator(stream, check_digests="raise")
        ]
    assert [kind for kind, _, _ in records] == ["warcinfo", "response", "response", "response"]
    headers = records[1][1]
    assert headers.get_header("Content-Encoding") is None
    assert int(headers.get_header("Content-Length")) == len(records[1][2])


def test_a_file_per_attempt(tmp_path: Path) -> None:
    written(tmp_path)
    assert written(tmp_path).name == "r1-2.warc.gz.open"


def test_no_page_no_file(tmp_path: Path) -> None:
    assert WarcFile(tmp_path / "daily", "r1", "x").close() is None
    assert not list(tmp_path.iterdir())


def test_salvage_at_every_kind_of_cut(tmp_path: Path) -> None:
    """Wherever a crash cuts the file, what is left are the whole records before the cut."""
    path = written(tmp_path, 4)
    whole = path.read_bytes()
    ends = [*[page.offset for page in read(path)][1:], len(whole)]
    cuts = sorted(
        {*ends, *(end + step for end in ends for step in (-9, -8, -1, 1, 2, 9, 10, 11, 18) if end + step <= len(whole))}
    )
    for cut in cuts:
        path.write_bytes(whole[:cut])
        dropped = cut_to_whole_records(path)
        assert path.stat().st_size + dropped == cut
        assert len(list(read(path))) == sum(end <= cut for end in ends), cut


def test_salvage_of_noise_behind_the_last_record(tmp_path: Path) -> None:
    path = written(tmp_path)
    size = path.stat().st_size
    for noise in (b"\0" * 4096, b"\x1f\x8b\x08" + b"\xff" * 500, b"noise"):
        path.write_bytes(path.read_bytes()[:size] + noise)
        assert whole_length(path) == size


def test_damage_inside_names_the_file(tmp_path: Path) -> None:
    path = written(tmp_path)
    offset = list(read(path))[1].offset
    body = bytearray(path.read_bytes())
    body[offset : offset + 40] = b"#" * 40
    path.write_bytes(body)
    pages = []
    with pytest.raises(WarcError, match=str(path)):
        pages.extend(page.url for page in read(path))


def test_full_disk_leaves_no_half_record(tmp_path: Path) -> None:
    """A real limit of the kernel on the size of files, as a full disk would end the write."""
    script = textwrap.dedent(
        f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from crawlers.warc import WarcError, WarcFile
        from test_warc import HEADERS, capture
        warc = WarcFile(Path({str(tmp_path)!r}) / "daily", "r1", "x")
        for number in range(100):
            try:
                warc.write(capture(number, 20_000), HEADERS, None)
            except WarcError as error:
                print(number, error)
                break
        """
    )
    limit = 200_000
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    number, _, message = done.stdout.partition(" ")
    assert "NARRAWATCH_HOME" in message
    (path,) = (tmp_path / "daily").glob("*.open")
    assert str(path) in message
    assert whole_length(path) == path.stat().st_size
    assert len(list(read(path))) == int(number) > 3

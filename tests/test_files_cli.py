"""`narrawatch extract` and `detect` as one types them, and the pool of processes behind the first."""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from narrawatch.cli import files
from processing.pool import AHEAD, Page, Processed, extract_many

PAGES = Path(__file__).parent / "fixtures" / "pages"
EXPECTED = json.loads((PAGES / "expected.json").read_text(encoding="utf-8"))
KEYS = {
    "id",
    "title",
    "text",
    "authors",
    "published",
    "updated",
    "language",
    "canonical_url",
    "amp_url",
    "image",
    "section",
    "tags",
    "declared_language",
    "paywall",
    "live_blog",
    "other_titles",
}


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "in"
    (target / "deep").mkdir(parents=True)
    for page in PAGES.glob("*.html"):
        shutil.copy(page, target / "deep")
    plain = (target / "deep" / "plain.html").read_bytes()
    (target / "deep" / "plain.html").unlink()
    (target / "plain.html.gz").write_bytes(gzip.compress(plain))
    return target


def run(command, *arguments, **options):
    return CliRunner().invoke(command, [str(argument) for argument in arguments], **options)


def records(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def slow_page():
    """A page within all limits that takes trafilatura seconds: elements that have thousands of siblings."""
    return b"<html><body><article><p>" + b"<span>a </span>" * 20_000


def test_extract_writes_one_line_a_page(folder, tmp_path):
    out, urls = tmp_path / "out.jsonl", tmp_path / "urls.jsonl"
    urls.write_text("".join(json.dumps({"id": name, "url": case["url"]}) + "\n" for name, case in EXPECTED.items()))
    result = run(files.extract, folder, "--out", out, "--urls", urls, "--workers", 2)
    assert result.exit_code == 0, result.output
    found = {record["id"]: record for record in records(out)}
    assert set(found) == set(EXPECTED)
    for name, case in EXPECTED.items():
        if "outcome" in case:
            assert set(found[name]) == {"id", "outcome", "detail"}
            assert found[name]["outcome"] == case["outcome"]
        else:
            assert set(found[name]) == KEYS
            assert found[name]["language"] == case["language"]
            assert {key: found[name][key] for key in case["expected"]} == case["expected"]
    assert f"{len(EXPECTED)} pages: extracted {sum('expected' in case for case in EXPECTED.values())}" in result.stderr
    assert not list(tmp_path.glob("*.part"))


def test_extract_to_standard_output_is_sorted(folder):
    result = run(files.extract, folder / "deep", "--out", "-")
    names = [json.loads(line)["id"] for line in result.stdout.splitlines()]
    assert names == sorted(names)


def test_extract_survives_files_that_cannot_be_read(folder, tmp_path):
    (folder / "cut.html.gz").write_bytes(gzip.compress(b"<html>" * 1000)[:-20])
    (folder / "fake.html.gz").write_bytes(b"not packed")
    result = run(files.extract, folder, "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 0
    outcomes = {record["id"]: record.get("outcome") for record in records(tmp_path / "out.jsonl")}
    assert outcomes["cut"] == outcomes["fake"] == "not_html"
    assert "fake.html.gz: cannot be read" in result.stderr


def test_extract_without_pages_or_addresses(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(files.FileProblem, match=r"no \.html"):
        run(files.extract, empty, "--out", "-", catch_exceptions=False)
    (empty / "a.html").write_text("<html>")
    (tmp_path / "urls").write_text('{"id": "a", "url": "https://a.example/"}\n{"id": "b"}\n')
    with pytest.raises(files.FileProblem, match="urls:2: not a JSON object with id and url"):
        run(files.extract, empty, "--out", "-", "--urls", tmp_path / "urls", catch_exceptions=False)
    assert run(files.extract, tmp_path / "absent", "--out", "-").exit_code == 2


def test_one_slow_page_is_stopped_and_the_rest_is_not_lost(folder, tmp_path):
    (folder / "slow.html").write_bytes(slow_page())
    result = run(files.extract, folder, "--out", tmp_path / "out.jsonl", "--workers", 2, "--timeout", 1)
    assert result.exit_code == 0
    outcomes = {record["id"]: record.get("outcome") for record in records(tmp_path / "out.jsonl")}
    assert outcomes.pop("slow") == "extract_timeout"
    assert outcomes == {
        name: case.get("outcome") if name != "home" else outcomes["home"] for name, case in EXPECTED.items()
    }


def test_detect(tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text(
        '{"id": 1, "text": "Сьогодні у Києві відкрили новий міст через річку."}\n\n'
        '{"id": "zwei", "text": "Die neue Brücke wurde heute eröffnet.", "declared": "de-AT"}\n'
        '{"id": 3, "text": ""}\n',
        encoding="utf-8",
    )
    result = run(files.detect, source, "--out", out)
    assert result.exit_code == 0
    found = records(out)
    assert [(record["id"], record["language"]) for record in found] == [(1, "uk"), ("zwei", "de"), (3, "und")]
    assert all(set(record) == {"id", "language", "confidence"} for record in found)
    assert "3 texts: " in result.stderr


def test_detect_reports_bad_lines_and_goes_on(tmp_path):
    source = tmp_path / "in.jsonl"
    lines = [
        b"not json",
        b'{"id": 1}',
        b'{"text": "no id"}',
        b'["a list"]',
        b'{"id": 2, "text": 5}',
        b'{"id": 3, "text": "x", "declared": 7}',
        b"[" * 50_000,
        b'{"id": 4, "text": "\\ud800 The bridge was opened this morning in the rain. \xff"}',
    ]
    source.write_bytes(b"\n".join(lines))
    result = run(files.detect, source, "--out", tmp_path / "out.jsonl")
    assert result.exit_code == 1
    assert [record["id"] for record in records(tmp_path / "out.jsonl")] == [4]
    for number in range(1, 8):
        assert f"{source}:{number}: " in result.stderr
    assert "7 bad lines" in result.stderr


def test_detect_in_a_pipe():
    line = json.dumps({"id": "a", "text": "Вчора ввечері горів склад у порту."})
    command = [sys.executable, "-c", "from narrawatch.cli import main; main()", "detect", "-", "--out", "-"]
    done = subprocess.run(command, input=line.encode(), capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["language"] == "uk"


def test_detect_names_what_is_missing(tmp_path):
    with pytest.raises(files.FileProblem, match="cannot be read"):
        run(files.detect, tmp_path / "absent", "--out", "-", catch_exceptions=False)
    (tmp_path / "in").write_text("")
    with pytest.raises(files.FileProblem, match="cannot be written"):
        run(files.detect, tmp_path / "in", "--out", tmp_path / "no" / "folder", catch_exceptions=False)


def test_results_come_in_order_and_input_is_taken_as_needed():
    taken = []

    def items():
        for number in range(40):
            taken.append(number)
            yield Page(number, (PAGES / "plain.html").read_bytes(), "https://a.example/x", "text/html")

    found = []
    for key, result in extract_many(items(), workers=2, timeout=60):
        assert isinstance(result, Processed)
        assert len(taken) - len(found) <= 2 * (AHEAD + 1)
        found.append(key)
    assert found == list(range(40))


def test_a_worker_that_dies_takes_nothing_along():
    """Its page gets a second chance: the memory it was killed for may have been another's."""
    pages = [(0, slow_page()), *((number, (PAGES / "plain.html").read_bytes()) for number in range(1, 6))]
    killed = []
    me, before = psutil.Process(), {child.pid for child in psutil.Process().children(recursive=True)}

    def kill_the_busy_one():
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            for child in me.children(recursive=True):
                if child.pid not in before and seconds_worked(child) > 1.5:
                    os.kill(child.pid, signal.SIGKILL)
                    killed.append(child.pid)
                    return
            time.sleep(0.05)

    killer = threading.Thread(target=kill_the_busy_one)
    killer.start()
    results = dict(
        extract_many((Page(key, html, "https://a.example/x") for key, html in pages), workers=1, timeout=120)
    )
    killer.join()
    assert killed
    assert all(isinstance(result, Processed) for result in results.values())


def seconds_worked(process):
    """Of a worker or the server that forks them; 0 for any other process, or one that ended."""
    try:
        return process.cpu_times().user if "forkserver" in " ".join(process.cmdline()) else 0
    except psutil.NoSuchProcess:
        return 0


def workers_of(process):
    children = [child for child in process.children(recursive=True) if seconds_worked(child)]
    servers = {child.pid for child in children}
    return [child for child in children if child.ppid() in servers]


def test_leaving_early_stops_the_processes():
    def endless():
        while True:
            yield Page("key", (PAGES / "plain.html").read_bytes(), "https://a.example/x")

    results = extract_many(endless(), workers=2, timeout=60)
    next(results)
    assert workers_of(psutil.Process())
    results.close()
    assert not workers_of(psutil.Process())
    assert threading.active_count() < 10

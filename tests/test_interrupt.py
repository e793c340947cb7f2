"""A crawl is stopped or killed: everything is accounted for, and the next run takes up what was left."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from crawlers.flight import Flight, lost
from index_config.cluster import Cluster

PAGES = 150
TEXT = "The council decided on Monday to mend the road along the river before winter, after years of complaints. " * 5


class _Slow(BaseHTTPRequestHandler):
    """A site that takes its time: 150 articles at a tenth of a second each."""

    def do_GET(self) -> None:
        base = f"http://127.0.0.1:{self.server.server_address[1]}"
        if self.path == "/feed.xml":
            items = "".join(f"<item><link>{base}/{n}</link></item>" for n in range(PAGES))
            body = f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'
        elif self.path == "/robots.txt":
            body = ""
        else:
            time.sleep(0.1)
            number = self.path[1:]
            body = f"<html lang=en><title>Story {number}</title><article><h1>Story {number}</h1><p>{TEXT}{number}</p></article></html>"
        self.send_response(200)
        self.send_header("Content-Type", "text/xml" if self.path == "/feed.xml" else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # who asked is dead
            self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def outlets(tmp_path: Path) -> Iterator[Path]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Slow)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    folder = tmp_path / "outlets"
    folder.mkdir()
    outlet = {
        "id": "slow",
        "name": "Slow",
        "country": "gb",
        "languages": ["en"],
        "kind": "news",
        "start": {"feeds": [f"http://127.0.0.1:{server.server_address[1]}/feed.xml"]},
        "schedule": "0 * * * *",
        "expect": {"per_day": [0, 100]},
    }
    (folder / "slow.yml").write_text(yaml.safe_dump(outlet))
    yield folder
    server.shutdown()
    thread.join()
    server.server_close()


def account(cluster: Cluster, run: str) -> dict:
    return cluster.client.get(index=cluster.name("crawls"), id=f"slow:{run}")["_source"]


def test_ctrl_c(outlets, cluster, environ, narrawatch) -> None:
    command = [Path(sys.executable).with_name("narrawatch"), "run", "--outlets", outlets, "--run-id", "first"]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while not list(Path(environ["NARRAWATCH_HOME"]).glob("warc/slow/*.open")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = errors.splitlines()
    assert "stopped" in line
    assert "none of them under way" in line
    stopped = account(cluster, "first")
    assert f"the {stopped['fetch']['not_fetched']} pages it left" in line
    assert stopped["in_flight"] == []
    assert stopped["status"] == "interrupted"
    assert sum(stopped["fetch"].values()) == stopped["discovered"] == PAGES
    assert stopped["fetch"]["captured"] >= 1
    assert stopped["fetch"]["not_fetched"] >= 1
    narrawatch("run", "--outlets", outlets, "--run-id", "second")
    rest = Counter({name: count for name, count in account(cluster, "second")["fetch"].items() if count})
    assert rest == {"captured": stopped["fetch"]["not_fetched"]}, "what its unchanged feed lists it was told before"
    cluster.client.indices.refresh(index=cluster.name("articles"))
    assert cluster.client.count(index=cluster.name("articles"))["count"] == PAGES


def test_kill_9_names_the_pages_that_were_under_way(outlets, cluster, environ, narrawatch) -> None:
    command = ["crawl", "--outlets", str(outlets), "--run-id", "first"]
    die = [sys.executable, Path(__file__).with_name("die.py"), "crawlers.pages:Pages.store", "20", "before", *command]
    died = subprocess.run(die, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert died.returncode == -9, died.stdout + died.stderr
    assert account(cluster, "first")["status"] == "running"
    narrawatch("crawl", "--outlets", outlets, "--run-id", "second")
    first = account(cluster, "first")
    counts = {name: count for name, count in first["fetch"].items() if count}
    assert first["status"] == "died"
    assert counts == {"captured": 19, "not_fetched": PAGES - 19}
    assert first["discovered"] == PAGES
    assert 1 <= len(first["in_flight"]) <= 64
    assert len({url.rpartition("/")[2] for url in first["in_flight"]} & set(map(str, range(PAGES)))) == len(
        first["in_flight"]
    )
    (log,) = Path(environ["NARRAWATCH_HOME"]).glob("logs/run-second.log")
    assert all(url in log.read_text() for url in first["in_flight"])
    second = {name: count for name, count in account(cluster, "second")["fetch"].items() if count}
    assert second == {"captured": PAGES - 19, "known": 19}
    assert not list((Path(environ["NARRAWATCH_HOME"]) / "runs").iterdir())


def test_what_was_under_way_can_be_read_from_a_file_that_was_cut(tmp_path: Path) -> None:
    flight = Flight(tmp_path / "runs" / "r1.flight")
    for number in range(3):
        flight.began(f"p{number}", "daily", f"https://example.org/{number}")
    flight.ended("p1")
    flight.ended("p7")
    assert flight.under_way("daily") == ["https://example.org/0", "https://example.org/2"]
    assert lost(flight.path) == {"daily": ["https://example.org/0", "https://example.org/2"]}
    whole = flight.path.read_bytes()
    flight.path.write_bytes(whole[:-3])
    assert lost(flight.path) == {"daily": [f"https://example.org/{number}" for number in range(3)]}
    flight.close()
    assert lost(flight.path) == {}


def test_the_file_of_what_is_under_way_stays_short(tmp_path: Path) -> None:
    flight = Flight(tmp_path / "r1.flight")
    for number in range(1000):
        flight.began(str(number), "daily", f"https://example.org/{number}")
        flight.ended(str(number))
    assert flight.path.stat().st_size == 0
    flight.close()

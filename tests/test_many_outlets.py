"""A run over many outlets needs no more open files than a run over a few."""

import resource
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from index_config.cluster import Cluster

OUTLETS, PAGES, FILES = 80, 2, 160
TEXT = "The council decided on Monday to mend the road along the river before winter, after years of complaints. " * 5


class _Site(BaseHTTPRequestHandler):
    """Every outlet, each at an address of its own; keeps connections open, as servers do."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        host, port = self.connection.getsockname()
        body = f"<html lang=en><title>Story {self.path}</title><article><p>{TEXT}</article>"
        if self.path == "/feed.xml":
            items = "".join(f"<item><link>http://{host}:{port}/{n}</link></item>" for n in range(PAGES))
            body = f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'
        self.send_response(404 if self.path == "/robots.txt" else 200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256


@pytest.fixture
def outlets(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "outlets"
    folder.mkdir()
    with _Server(("0.0.0.0", 0), _Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for number in range(OUTLETS):
            outlet = {
                "id": f"o{number}",
                "name": f"Outlet {number}",
                "country": "gb",
                "languages": ["en"],
                "kind": "news",
                "start": {"feeds": [f"http://127.0.7.{number + 1}:{server.server_address[1]}/feed.xml"]},
                "schedule": "0 * * * *",
                "expect": {"per_day": [0, 100]},
            }
            (folder / f"o{number}.yml").write_text(yaml.safe_dump(outlet))
        yield folder
        server.shutdown()


def test_few_open_files(outlets: Path, cluster: Cluster, narrawatch) -> None:
    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))

    narrawatch("crawl", "--outlets", outlets, preexec_fn=few_files)
    cluster.client.indices.refresh(index=cluster.name("crawls"))
    hits = cluster.client.search(index=cluster.name("crawls"), size=OUTLETS + 1)["hits"]["hits"]
    accounts = [hit["_source"] for hit in hits]
    assert len(accounts) == OUTLETS
    assert {account["fetch"]["captured"] for account in accounts} == {PAGES}
    assert {account["status"] for account in accounts} == {"complete"}

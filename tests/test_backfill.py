"""Backfills, the real command against a real site: days of the past through robots.txt and its sitemaps, stopped and resumed."""

import gzip
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from index_config.cluster import Cluster

TEXT = "The council decided on Monday to mend the road along the river before winter, after years of complaints. " * 5
JANUARY = ("--from", "2026-01-01", "--to", "2026-01-31")


class Site(ThreadingHTTPServer):
    """An outlet with an archive: robots.txt names an index, which lists a packed month, older ones, itself and worse."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self.asked: Counter[str] = Counter()
        self.daemon_threads = True

    def document(self, path: str) -> bytes | None:
        if path.startswith("/2026/") or path in {"/dated", "/feed.xml"}:
            return f"<html lang=en><title>{path}</title><article><h1>Story {path}</h1><p>{TEXT}</p></article></html>".encode()
        january = [f"/2026/01/{day:02d}/story" for day in range(1, 32)]
        return {
            "/robots.txt": b"User-agent: *\nDisallow: /private/\nSitemap: /index.xml\n",
            "/index.xml": self._list(
                "sitemap",
                "/index.xml",
                "/archive-2025-12.xml",
                "/archive-2026-01.xml.gz",
                "/current.xml",
                "http://169.254.169.254/sitemap.xml",
                "file:///etc/passwd",
            ),
            "/archive-2025-12.xml": self._list("url", "/2025/12/24/story"),
            "/archive-2026-01.xml.gz": gzip.compress(
                self._list("url", *january, "/private/x", "/2026/01/05/story#again")
            ),
            "/current.xml": self._list(
                "url", "/2026/02/01/story", "/undated", "http://169.254.169.254/2026/01/01/"
            ).replace(
                b"</urlset>", f"<url><loc>{self.base}/dated</loc><lastmod>2026-01-20</lastmod></url></urlset>".encode()
            ),
        }.get(path)

    def _list(self, kind: str, *addresses: str) -> bytes:
        root = {"url": "urlset", "sitemap": "sitemapindex"}[kind]
        full = [address if ":" in address else self.base + address for address in addresses]
        rows = "".join(f"<{kind}><loc>{address}</loc></{kind}>" for address in full)
        return f'<{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</{root}>'.encode()


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        body = self.server.document(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html" if body and body.startswith(b"<html") else "application/xml")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield site
        site.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def outlets(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outlets")
    outlet = {
        "id": "daily",
        "name": "The Daily",
        "country": "gb",
        "languages": ["en"],
        "kind": "news",
        "start": {"feeds": [f"{site.base}/feed.xml"]},
        "schedule": "*/15 * * * *",
        "expect": {"per_day": [0, 100]},
    }
    (folder / "daily.yml").write_text(yaml.safe_dump(outlet))
    return folder


@pytest.fixture(scope="module")
def first(outlets: Path, shared_environ: dict[str, str], shared_cluster: Cluster) -> "subprocess.CompletedProcess[str]":
    """A run that may take 20 pages and no more."""
    code = "from crawlers.spiders import base; base.MAX_PAGES = 20; from narrawatch.cli import main; raise SystemExit(main())"
    command = [sys.executable, "-c", code, "crawl", "daily", *JANUARY, "--outlets", str(outlets), "--run-id", "first"]
    return subprocess.run(command, env=shared_environ, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def second(first, outlets: Path, shared_narrawatch) -> str:
    """The same command once more."""
    return str(shared_narrawatch("crawl", "daily", *JANUARY, "--outlets", outlets, "--run-id", "second").stdout)


def account(cluster: Cluster, run: str) -> dict:
    cluster.client.indices.refresh(index=cluster.name("crawls"))
    return dict(cluster.client.get(index=cluster.name("crawls"), id=f"daily:{run}")["_source"])


def outcomes(cluster: Cluster, run: str) -> dict[str, int]:
    return {name: count for name, count in account(cluster, run)["fetch"].items() if count}


def test_a_run_takes_so_many_pages_and_says_how_many_are_left(first, shared_cluster: Cluster) -> None:
    fetch = outcomes(shared_cluster, "first")
    assert fetch.get("captured", 0) + fetch.get("robots", 0) == 20, first.stderr
    assert fetch["not_fetched"] == 13
    assert "daily: 13 pages are left" in first.stderr


def test_the_days_asked_for_are_fetched_each_page_once_and_nothing_else(second, site, shared_cluster) -> None:
    pages = {
        path: count
        for path, count in site.asked.items()
        if path.startswith(("/2026/", "/private/")) or path == "/dated"
    }
    assert pages == dict.fromkeys([*(f"/2026/01/{day:02d}/story" for day in range(1, 32)), "/dated"], 1)
    both = Counter(outcomes(shared_cluster, "first")) + Counter(outcomes(shared_cluster, "second"))
    assert both["captured"] == 32
    assert account(shared_cluster, "second")["discovered"] == 34
    assert outcomes(shared_cluster, "second")["off_site"] == 1
    assert not site.asked["/feed.xml"], "a feed has nothing to say of January"


def test_each_start_point_says_what_it_listed_and_left_out(first, site: Site, shared_cluster: Cluster) -> None:
    starts = {start["url"].removeprefix(site.base): start for start in account(shared_cluster, "first")["starts"]}
    assert starts["/sitemap.xml"]["outcome"] == "http_404"
    assert starts["/robots.txt"]["outcome"] == "read"
    assert starts["/index.xml"]["left_out"] == {"outside": 1, "repeated": 1, "off_site": 2}
    assert starts["/archive-2026-01.xml.gz"]["found"] == 33
    assert starts["/current.xml"]["left_out"] == {"outside": 1, "undated": 1, "off_site": 1}
    assert starts["/current.xml"]["newest"] == "2026-01-20T00:00:00Z"
    assert "/archive-2025-12.xml" not in starts, "its name says that it is of another month"
    assert [start["url"] for start in account(shared_cluster, "first")["starts"]].count(f"{site.base}/index.xml") == 1


def test_the_command_says_what_came_of_it(second: str) -> None:
    assert "Backfill 2026-01-01 to 2026-01-31" in second
    assert "captured" in second


@pytest.mark.usefixtures("second")
def test_health_looks_at_no_backfill(outlets: Path, shared_cluster: Cluster, shared_narrawatch) -> None:
    """Old pages are no news, and that the place where many have a sitemap is empty is no illness."""
    assert account(shared_cluster, "second")["backfill"] == "2026-01-01 to 2026-01-31"
    said = json.loads(shared_narrawatch("health", "--outlets", outlets, "--json", check=False).stdout)
    assert [(one["kind"], one["new_in_a_day"]) for one in said["outlets"]] == [("never", 0)]


@pytest.mark.parametrize(
    ("days", "code", "message"),
    [
        (["--to", "2026-01-31"], 2, "--to needs --from"),
        (["--from", "2026-02-30"], 2, "2026-02-30"),
        (["--from", "2026-02-01", "--to", "2026-01-01"], 1, "swap them"),
        (["--from", "2999-01-01", "--to", "2999-01-02"], 1, "still to come"),
        (["--from", "2020-01-01", "--to", "2026-01-01"], 1, "in parts"),
    ],
)
def test_silly_ranges(outlets, narrawatch, days, code, message) -> None:
    done = narrawatch("crawl", "daily", *days, "--outlets", outlets, check=False)
    assert done.returncode == code
    assert message in done.stderr
    assert "Traceback" not in done.stderr

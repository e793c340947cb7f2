"""How the crawler spaces its requests, and how it heeds 429 and 503, by the request log of servers on loopback.

    python benchmarks/politeness.py [--pages N]

Each row is one domain (an address of its own on loopback) that two outlets share. Needs an Elasticsearch at
ELASTICSEARCH_URL; it works on indices of its own and deletes them. Takes about four minutes, for it does wait.
"""

import argparse
import datetime as dt
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from crawlers import run
from crawlers.outlet import Outlet
from index_config.apply import apply
from index_config.cluster import connect
from narrawatch import settings

PREFIX = "bench-politeness-"


@dataclass
class Domain:
    """One server: what it asks for, how it answers, and when it was asked for what."""

    name: str
    asked: str
    least: float
    robots: str = ""
    delay: float | None = None
    latency: float = 0.0
    refuse: tuple[int, str | None, int] | None = None
    """Status, Retry-After, and how many page requests get it."""
    log: list[tuple[float, str, int]] = field(default_factory=list)
    base: str = ""

    def answer(self, path: str, pages: int) -> tuple[int, dict[str, str], bytes]:
        time.sleep(self.latency)
        if path == "/robots.txt":
            return 200, {"Content-Type": "text/plain"}, self.robots.encode()
        if path.startswith("/feed"):
            items = "".join(f"<item><link>{self.base}/{path[5:]}/{n}</link></item>" for n in range(pages))
            return (
                200,
                {"Content-Type": "application/rss+xml"},
                f'<rss version="2.0"><channel>{items}</channel></rss>'.encode(),
            )
        refused = sum(status in {429, 503} for _, _, status in self.log)
        if self.refuse and refused < self.refuse[2]:
            status, after, _ = self.refuse
            return status, {"Retry-After": after} if after else {}, b""
        return 200, {"Content-Type": "text/html"}, b"<html><p>page"


DOMAINS = [
    Domain("nothing asked", "1 s (default)", 1.0),
    Domain("Crawl-delay: 3", "3 s", 3.0, robots="User-agent: *\nCrawl-delay: 3\n"),
    Domain("outlet file: delay 2", "2 s", 2.0, delay=2.0),
    Domain("answers in 2 s", "2 s (AutoThrottle)", 2.0, latency=2.0),
    Domain("429, Retry-After: 10", "10 s", 1.0, refuse=(429, "10", 1)),
    Domain("503, Retry-After: 10", "10 s", 1.0, refuse=(503, "10", 1)),
    Domain("429 without, once", "5 s or more", 1.0, refuse=(429, None, 1)),
    Domain("429, Retry-After: 3600", "not in this run", 1.0, refuse=(429, "3600", 10**6)),
    Domain("429 to everything, 2 s", "ever longer", 1.0, refuse=(429, "2", 10**6)),
]


def serve(domain: Domain, number: int, pages: int) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            began = time.monotonic()
            status, headers, body = domain.answer(self.path, pages)
            domain.log.append((began, self.path, status))
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer((f"127.0.3.{number}", 0), Handler)
    domain.base = f"http://127.0.3.{number}:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def outlets(domains: Sequence[Domain]) -> list[Outlet]:
    """Two for each domain."""
    common = {
        "country": "xx",
        "languages": ("en",),
        "kind": "news",
        "schedule": "0 * * * *",
        "expect": {"per_day": (0, 9)},
    }
    return [
        Outlet.model_validate(
            common
            | {"id": f"d{number}_{which}", "name": domain.name, "start": {"feeds": (f"{domain.base}/feed{which}",)}}
            | ({"politeness": {"delay": domain.delay}} if domain.delay else {})
        )
        for number, domain in enumerate(domains)
        for which in "ab"
    ]


def row(domain: Domain) -> tuple[list[str], bool]:
    """A line of the table, and whether the domain got what it asked for; a request may take 50 ms longer to come than the next."""
    log = sorted(domain.log)
    gaps = [later[0] - earlier[0] for earlier, later in pairwise(log)]
    refused = [index for index, (_, _, status) in enumerate(log) if status in {429, 503}]
    waits = [gaps[index] for index in refused if index < len(gaps)]
    fine = not gaps or min(gaps) >= domain.least - 0.05
    if domain.refuse and domain.refuse[1] and waits:
        fine &= min(waits) >= float(domain.refuse[1])
    if domain.refuse and domain.refuse[2] > 1:
        fine &= len(refused) < 8
    cells = [domain.name, domain.asked, str(len(log)), f"{min(gaps):.2f}", f"{median(gaps):.2f}"]
    return [*cells, ", ".join(f"{wait:.1f}" for wait in waits) or "-", str(len(refused)), "yes" if fine else "NO"], fine


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=6, help="pages of each of a domain's two outlets")
    pages = parser.parse_args().pages
    servers = [serve(domain, number, pages) for number, domain in enumerate(DOMAINS, 1)]
    run.UNHURRIED.clear()  # loopback is otherwise crawled without delay
    with tempfile.TemporaryDirectory() as home:
        ours = settings.load(home=Path(home), index_prefix=PREFIX, allow_loopback=True)
        cluster = connect(ours)
        try:
            apply(cluster)
            began = time.monotonic()
            clock = lambda: dt.datetime.now(dt.UTC)  # noqa: E731
            accounts = run.crawl(ours, cluster, outlets(DOMAINS), "bench", progress=lambda _run: None, clock=clock)
        finally:
            cluster.client.indices.delete(
                index=list(cluster.client.indices.get(index=f"{PREFIX}*", expand_wildcards="all"))
            )
    seconds = time.monotonic() - began
    heads = (
        "Domain (two outlets)",
        "Asked for",
        "Requests",
        "Least gap, s",
        "Median",
        "After 429/503, s",
        "Refused",
        "Obeyed",
    )
    table = Table(*heads, title=f"{len(DOMAINS)} domains, {len(accounts)} outlets, {pages} pages each, {seconds:.0f} s")
    obeyed = []
    for domain in DOMAINS:
        cells, fine = row(domain)
        table.add_row(*cells)
        obeyed.append(fine)
    console = Console()
    console.print(table)
    deferred = sum(account.outcomes["deferred"] for account in accounts)
    console.print(
        f"{deferred} pages were left to a later run; {sum(a.requests['total'] for a in accounts)} requests in all"
    )
    for server in servers:
        server.shutdown()
    return 0 if all(obeyed) else 1


if __name__ == "__main__":
    sys.exit(main())

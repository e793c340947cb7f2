"""One crawl over very many outlets: how long, how much memory, how many open files, and did every page come?

    python benchmarks/many_outlets.py [--outlets 1000] [--pages 5] [--stuck 20] [--past 100]

One server process plays all outlets, each at a loopback address of its own; `--stuck` of them never answer. They have a
past of so many runs each, since a crawl and `narrawatch health` look into it. The crawl is the real `narrawatch crawl`, in
a process that may have 1,024 files open, as is usual. Needs an Elasticsearch at ELASTICSEARCH_URL, where it works on
indices of its own and deletes them. Exit code 1 when a page is missing, or when one of both took more than 600 MB.
"""

import argparse
import asyncio
import datetime as dt
import itertools
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import yaml
from rich.console import Console

from crawlers.ledger import OutletRun, StartOutcome
from crawlers.outlet import Outlet, load_outlets
from crawlers.visits import timestamp
from index_config import bulk
from index_config.apply import apply
from index_config.cluster import Cluster, connect
from narrawatch import settings

MOST_MEMORY = 600 << 20
_SENTENCE = "On day {} the council of place {} spoke about the road, the harbour and the price of bread in winter. "


def address(number: int) -> str:
    return f"127.10.{number // 250}.{number % 250 + 1}"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pages: int, stuck: int) -> None:
    """One connection; keeps it open, as servers do."""
    host, port = writer.get_extra_info("sockname")[:2]
    third, fourth = map(int, host.split(".")[2:])
    number = third * 250 + fourth - 1
    try:
        while line := await reader.readline():
            while (await reader.readline()).strip():
                """The headers say nothing new."""
            path = line.split()[1].decode()
            if number < stuck:
                await asyncio.sleep(3600)
            kind, body = page(f"http://{host}:{port}", path, number, pages)
            writer.write(
                f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            )
            await writer.drain()
    except (ConnectionError, IndexError):
        pass
    finally:
        writer.close()


def page(base: str, path: str, number: int, pages: int) -> tuple[str, bytes]:
    if path == "/robots.txt":
        return "text/plain", b"User-agent: *\nDisallow: /private/\n"
    if path == "/feed.xml":
        items = "".join(f"<item><link>{base}/{n}</link><title>{n}</title></item>" for n in range(pages))
        return "application/rss+xml", f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'.encode()
    text = "".join(f"<p>{_SENTENCE.format(day, number)}</p>" for day in range(200))
    return "text/html", f"<html lang=en><title>{path} of {number}</title><article>{text}</article></html>".encode()


async def serve(pages: int, stuck: int) -> None:
    server = await asyncio.start_server(lambda r, w: answer(r, w, pages, stuck), "0.0.0.0", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def write_outlets(folder: Path, count: int, port: int) -> None:
    folder.mkdir()
    for number in range(count):
        outlet = {
            "id": f"o{number:04}",
            "name": f"Outlet {number}",
            "country": "gb",
            "languages": ["en"],
            "kind": "news",
            "start": {"feeds": [f"http://{address(number)}:{port}/feed.xml"]},
            "schedule": "0 * * * *",
            "expect": {"per_day": [0, 100]},
        }
        (folder / f"o{number:04}.yml").write_text(yaml.safe_dump(outlet))


def past(outlets: tuple[Outlet, ...], runs: int) -> Iterator[bulk.Action]:
    """Runs that went well, a quarter of an hour apart."""
    now = dt.datetime.now(dt.UTC)
    for outlet, back in itertools.product(outlets, range(1, runs + 1)):
        began = timestamp(now - back * dt.timedelta(minutes=15))
        run = OutletRun(outlet, f"past-{back}", began)
        run.starts.append(StartOutcome(outlet.start.feeds[0], "feed", "read", found=2))
        run.discovered, run.outcomes = 2, Counter(captured=2)
        run.close(began, interrupted=False)
        yield bulk.Action("crawls", run.id, {**run.to_document(), "processing": {"indexed": 2}})


def measure(environ: dict[str, str], *arguments: object) -> tuple[int, float, float, int, int]:
    """Run a command; returns exit code, seconds, seconds of processor time, the most memory, and the most open files.

    Memory is that of all its processes together; what they share counts once (PSS).
    """
    command = [Path(sys.executable).with_name("narrawatch"), *map(str, arguments)]
    began = time.monotonic()

    def as_usual() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

    child = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, preexec_fn=as_usual)  # noqa: PLW1509
    process, worked, memory, files = psutil.Process(child.pid), 0.0, 0, 0
    try:
        while child.poll() is None:
            time.sleep(0.2)
            try:
                worked = sum(process.cpu_times()[:2])
                family = (process, *process.children(recursive=True))
                memory = max(memory, sum(one.memory_full_info().pss for one in family))
                files = max(files, process.num_fds())
            except psutil.Error:  # one of them has just ended
                continue
    except BaseException:
        child.terminate()
        raise
    return child.wait(), time.monotonic() - began, worked, memory, files


def accounts(cluster: Cluster) -> tuple[Counter[str], int, Counter[str]]:
    """All outlets' outcomes, requests, and outcomes of start points."""
    cluster.client.indices.refresh(index=cluster.name("crawls"))
    query = {"term": {"run": "bench"}}
    hits = cluster.client.search(index=cluster.name("crawls"), size=10_000, query=query)["hits"]["hits"]
    rows: list[dict[str, Any]] = [hit["_source"] for hit in hits]
    fetch: Counter[str] = sum((Counter(row["fetch"]) for row in rows), Counter())
    starts = Counter(start["outcome"] for row in rows for start in row["starts"])
    return +fetch, sum(row["requests"]["total"] for row in rows), starts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outlets", type=int, default=1000)
    parser.add_argument("--pages", type=int, default=5, help="of each outlet")
    parser.add_argument("--stuck", type=int, default=20, help="outlets that never answer")
    parser.add_argument("--past", type=int, default=100, help="earlier runs of each outlet")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        asyncio.run(serve(given.pages, given.stuck))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what is to be deleted is
    size = ["--outlets", str(given.outlets), "--pages", str(given.pages), "--stuck", str(given.stuck)]
    server = subprocess.Popen([sys.executable, __file__, "--serve", *size], stdout=subprocess.PIPE, text=True)
    assert server.stdout
    prefix = f"bench-outlets-{os.getpid()}-"
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, "NARRAWATCH_HOME": home, "NARRAWATCH_INDEX_PREFIX": prefix}
        environ["NARRAWATCH_ALLOW_LOOPBACK"] = "1"
        cluster = connect(settings.load(environ))
        try:
            folder = Path(home) / "outlets"
            write_outlets(folder, given.outlets, int(server.stdout.readline()))
            apply(cluster)
            bulk.write_all(cluster, past(load_outlets(folder).outlets, given.past), refresh=True)
            code, seconds, worked, memory, files = measure(environ, "crawl", "--outlets", folder, "--run-id", "bench")
            fetch, requests, starts = accounts(cluster)
            _, looking, _, looked_at, _ = measure(environ, "health", "--outlets", folder)
        finally:
            server.terminate()
            server.wait()
            names = list(cluster.client.indices.get(index=f"{prefix}*", expand_wildcards="all"))
            cluster.client.indices.delete(index=names)
    wanted = (given.outlets - given.stuck) * given.pages
    console = Console()
    console.print(f"{given.outlets} outlets, {given.stuck} of them stuck, {given.pages} pages each: exit code {code}")
    console.print(
        f"{seconds:.0f} s, {worked:.0f} s of them working, {memory >> 20} MB at most, {files} files open at most, {requests} requests"
    )
    console.print(f"pages: {dict(fetch)}; start points: {dict(starts)}")
    console.print(f"then `narrawatch health`: {looking:.0f} s, {looked_at >> 20} MB at most")
    fine = fetch["captured"] == wanted == sum(fetch.values()) and max(memory, looked_at) <= MOST_MEMORY
    console.print("as expected" if fine else f"NOT as expected: {wanted} pages, at most {MOST_MEMORY >> 20} MB")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

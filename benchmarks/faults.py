"""Every fault a site can have, one by one and all at once: does every URL end as it should, and do healthy outlets notice?

    python benchmarks/faults.py --data ../shared/data [--fault NAME]... [--outlets 12] [--copies 14]

For each fault, `outlet_sites.py` (beside the data) serves recorded pages with it, a second one serves other outlets
without any, and the real `narrawatch run` crawls both in one run of its own, after a fortnight of runs that went well
(copied from a first run without faults). Compared are, for each listed URL: the outcome of its fetch, and the state that
processing left it in. Exit code 1 when anything ended otherwise. Needs an Elasticsearch at ELASTICSEARCH_URL, where it
works on indices of its own and deletes them; takes about half a minute a fault.
"""

import argparse
import datetime as dt
import importlib.util
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.table import Table

from index_config.apply import apply
from index_config.cluster import Cluster, connect
from narrawatch import settings

HEALTHY = 4
MOST_MEMORY = 600 << 20
MOST_SECONDS = 300
FETCHED = {
    "error500": "http_5xx",
    "hang": "timeout",
    "truncated": "connection",
    "badgzip": "bad_encoding",
    "bomb": "too_big",
    "huge": "too_big",
    "private": "private_address",
    "loop": "redirect_loop",
}
"""How the fetch of a page with this fault ends; the other faults leave it readable."""
SICK = {"blocked": {"blocked"}, "quiet": {"quiet"}}
"""What `narrawatch health` calls all outlets with this fault; those of the feed concern only outlets that have one."""
SICK_FEEDS = {"feedbomb": {"unreadable"}, "feedxxe": {"quiet", "home_newer"}}


@dataclass(frozen=True)
class Site:
    """An outlet of the tool's: its place among them, its name, and its articles in the order of its section page."""

    number: int
    name: str
    rows: Sequence[Mapping[str, Any]]

    @property
    def has_feed(self) -> bool:
        return self.number % 3 == 0


@dataclass
class Result:
    """What one run came to."""

    fault: str
    fetch: Counter[str] = field(default_factory=Counter)
    processing: Counter[str] = field(default_factory=Counter)
    healthy: str = ""
    requests: str = ""
    health: Counter[str] = field(default_factory=Counter)
    peak: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def load_tool(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("outlet_sites", path)
    assert spec
    assert spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.1.1", 0))
        return int(probe.getsockname()[1])


class Bench:
    """The tool, the outlets, and what a run without faults made of each page."""

    def __init__(self, data: Path, outlets: int, copies: int) -> None:
        self.script = data.resolve().parent / "tools" / "outlet_sites.py"
        self.tool = load_tool(self.script)
        self.data, self.copies, self.count = data / "articles" / "fundus", copies, outlets
        found = itertools.islice(self.tool.load(self.data, copies).items(), outlets + HEALTHY)
        self.sites = [Site(number, name, rows) for number, (name, rows) in enumerate(found, 1)]
        self.normal: dict[str, str] = {}
        self.accounts: list[dict[str, Any]] = []

    @contextmanager
    def serving(self, faults: Sequence[str], folder: Path) -> Iterator[tuple[int, int]]:
        """Both tools, and the outlet files of both in one folder; yields their ports."""
        ports, children = (free_port(), free_port()), []
        try:
            for port, limit, with_faults in zip(ports, (self.count, self.count + HEALTHY), (faults, ()), strict=True):
                common = ["--data", self.data, "--port", str(port), "--limit", str(limit), "--copies", str(self.copies)]
                named = [argument for fault in with_faults for argument in ("--fault", fault)]
                command = [sys.executable, self.script]
                subprocess.run([*command, "outlets", "--out", folder, *common], check=True, stdout=subprocess.DEVNULL)
                if port == ports[0]:
                    kept = {site.name: (folder / f"{site.name}.yml").read_text() for site in self.sites[: self.count]}
                children.append(subprocess.Popen([*command, "serve", *common, *named], stdout=subprocess.PIPE))
                assert children[-1].stdout
                children[-1].stdout.readline()
            for name, text in kept.items():  # the second tool knows the first one's outlets, too
                (folder / f"{name}.yml").write_text(text)
            yield ports
        finally:
            for child in children:
                child.terminate()
                child.wait()

    def expected(self, site: Site, faults: Sequence[str]) -> dict[str, str]:
        """Key of each article the outlet lists → outcome of its fetch, by the tool's rules."""
        if "blocked" in faults:
            return {}
        if site.has_feed and "feedxxe" in faults:
            return {"x": "http_404"}
        if "quiet" in faults or (site.has_feed and "feedbomb" in faults):
            return {}
        return {row["key"]: self.outcome(site, position, faults) for position, row in enumerate(site.rows)}

    def outcome(self, site: Site, position: int, faults: Sequence[str]) -> str:
        if not (self.data / "pages" / f"{site.rows[position]['id']}.html.gz").exists():
            return "http_404"
        pages = sorted(name for name in faults if not name.startswith("feed") and name not in {"quiet", "blocked"})
        here = [name for i, name in enumerate(pages) if position % max(10, len(pages) + 2) == i]
        return FETCHED.get(here[0], "captured") if here else "captured"

    def run(self, name: str, faults: Sequence[str]) -> Result:
        prefix = f"bench-faults-{os.getpid()}-{name}-"
        with tempfile.TemporaryDirectory() as home:
            environ = {**os.environ, "NARRAWATCH_HOME": home, "NARRAWATCH_INDEX_PREFIX": prefix}
            environ["NARRAWATCH_ALLOW_LOOPBACK"] = "1"
            cluster = connect(settings.load(environ))
            folder = Path(home) / "outlets"
            try:
                apply(cluster)
                self.write_past(cluster)
                with self.serving(faults, folder) as ports:
                    result = Result(name)
                    run_measured(environ, folder, result)
                    self.judge(cluster, faults, ports, result)
                    self.look_at_health(environ, folder, faults, result)
            finally:
                names = list(cluster.client.indices.get(index=f"{prefix}*", expand_wildcards="all"))
                cluster.client.indices.delete(index=names)
                cluster.client.close()
        return result

    def write_past(self, cluster: Cluster) -> None:
        """A fortnight of runs like the one without faults, one a day."""
        for account, day in itertools.product(self.accounts, range(1, 15)):
            moved = {**account, "run": f"day-{day}"}
            for key in ("started", "finished"):
                moment = dt.datetime.fromisoformat(account[key]) - dt.timedelta(days=day)
                moved[key] = moment.isoformat()
            cluster.client.index(index=cluster.name("crawls"), id=f"{account['outlet']}:day-{day}", document=moved)

    def judge(self, cluster: Cluster, faults: Sequence[str], ports: tuple[int, int], result: Result) -> None:
        """Compare what `urls` and `crawls` say with what the tool's rules say."""
        for alias in ("urls", "crawls"):
            cluster.client.indices.refresh(index=cluster.name(alias))
        found: dict[str, dict[str, dict[str, Any]]] = {site.name: {} for site in self.sites}
        for record in everything(cluster, "urls"):
            if "/a/" in record["url"]:
                found[record["outlet"]][urlsplit(record["url"]).path.removeprefix("/a/")] = record
        accounts = {row["outlet"]: row for row in everything(cluster, "crawls") if row["run"] == "bench"}
        complete = asked = counted = 0
        for site in self.sites:
            ill = site.number <= self.count
            wanted = self.expected(site, faults if ill else ())
            account = accounts[site.name]
            if ill and site.has_feed and "feedbroken" in faults and len(found[site.name]) > len(site.rows) // 2:
                wanted = {
                    key: outcome for key, outcome in wanted.items() if key in found[site.name]
                }  # it lacks its end
            wrong = list(self.compare(site, wanted, found[site.name]))
            if sum(account["fetch"].values()) != account["discovered"] or account["discovered"] != len(
                found[site.name]
            ):
                wrong.append(f"{site.name}: {account['discovered']} discovered, {account['fetch']}")
            result.wrong += wrong
            if ill:
                result.fetch.update({key: count for key, count in account["fetch"].items() if count})
                result.processing.update(
                    {key: count for key, count in (account.get("processing") or {}).items() if count}
                )
            complete += not ill and not wrong
            asked += sum(asked_of(site, ports[0] if ill else ports[1]).values())
            counted += account["requests"]["total"]
        result.healthy, result.requests = f"{complete} of {HEALTHY}", f"{counted} / {asked}"
        if not self.normal:
            self.normal = {
                f"{site.name} {key}": row["state"] for site in self.sites for key, row in found[site.name].items()
            }
            self.accounts = [account for account in accounts.values() if account.get("finished")]

    def compare(self, site: Site, wanted: dict[str, str], found: dict[str, dict[str, Any]]) -> Iterator[str]:
        for key in wanted.keys() | found.keys():
            record = found.get(key, {})
            fetched, state = record.get("outcome", "not discovered"), record.get("state", "")
            normal = self.normal.get(f"{site.name} {key}", state)
            if fetched != wanted.get(key, "not to be discovered"):
                yield f"{site.name} {key}: {fetched}, and not {wanted.get(key, 'discovered')}"
            elif fetched == "captured" and (state in {"captured", "discovered"} or state != normal):
                yield f"{site.name} {key}: {state}, and not {normal}"

    def look_at_health(self, environ: dict[str, str], folder: Path, faults: Sequence[str], result: Result) -> None:
        """What `narrawatch health` says of the outlets with faults; and that it leaves the others alone."""
        said = json.loads(narrawatch(environ, "health", "--json", "--outlets", folder).stdout)
        for outlet in said["outlets"]:
            site = next(site for site in self.sites if site.name == outlet["outlet"])
            if site.number > self.count:
                if outlet["level"] == "sick":
                    result.wrong.append(f"{site.name} is in good health, and said to be sick: {outlet['reason']}")
                continue
            result.health[f"{outlet['level']}: {outlet['kind']}"] += 1
            kinds = SICK.get(faults[0]) if len(faults) == 1 else None
            if len(faults) == 1 and site.has_feed:
                kinds = kinds or SICK_FEEDS.get(faults[0])
            if kinds and outlet["kind"] not in kinds:
                result.wrong.append(f"health of {site.name}: {outlet['reason']} ({outlet['kind']})")


def everything(cluster: Cluster, alias: str) -> Iterator[dict[str, Any]]:
    answer = cluster.client.search(index=cluster.name(alias), size=10_000)
    return (hit["_source"] for hit in answer["hits"]["hits"])


def asked_of(site: Site, port: int) -> dict[str, int]:
    """What the tool's server was asked, without this question."""
    with urllib.request.urlopen(f"http://127.0.1.{site.number}:{port}/log") as answer:
        asked: dict[str, int] = json.load(answer)
    asked.pop("/log", None)
    return asked


def narrawatch(environ: dict[str, str], *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [Path(sys.executable).with_name("narrawatch"), *map(str, arguments)]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def run_measured(environ: dict[str, str], folder: Path, result: Result) -> None:
    """`narrawatch run` over all outlets, its time, and the most memory that its processes had together."""
    command = [Path(sys.executable).with_name("narrawatch"), "run", "--outlets", folder, "--run-id", "bench"]
    began = time.monotonic()
    child = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    watcher = threading.Thread(target=watch, args=(psutil.Process(child.pid), result))
    watcher.start()
    try:
        _, said = child.communicate(timeout=MOST_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        _, said = child.communicate()
        result.wrong.append(f"did not end within {MOST_SECONDS} seconds")
    watcher.join()
    result.seconds = time.monotonic() - began
    if child.returncode not in {0, 3}:
        result.wrong.append(f"exit code {child.returncode}: {said.strip()[-300:]}")
    if result.peak > MOST_MEMORY:
        result.wrong.append(f"{result.peak >> 20} MB, more than {MOST_MEMORY >> 20}")


def watch(process: psutil.Process, result: Result) -> None:
    """Shared pages count once: each process for its part (PSS)."""
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        total = 0
        for one in (process, *process.children(recursive=True)):
            try:
                total += one.memory_full_info().pss
            except psutil.Error:
                continue
        result.peak = max(result.peak, total)
        time.sleep(0.2)


def show(console: Console, results: Sequence[Result]) -> None:
    table = Table(
        "Fault", "URLs", "Fetch", "Processing", "Healthy", "Requests, ours / theirs", "Health", "MB", "s", "As expected"
    )
    for result in results:
        table.add_row(
            result.fault,
            str(result.fetch.total()),
            ", ".join(f"{count} {name}" for name, count in result.fetch.most_common()),
            ", ".join(f"{count} {name}" for name, count in result.processing.most_common()),
            result.healthy,
            result.requests,
            ", ".join(f"{count} {name}" for name, count in result.health.most_common()),
            str(result.peak >> 20),
            f"{result.seconds:.0f}",
            "yes" if not result.wrong else f"NO ({len(result.wrong)})",
        )
    console.print(table)
    for result in results:
        for line in result.wrong[:20]:
            console.print(f"{result.fault}: {line}", markup=False, soft_wrap=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with articles/; the tool is in ../tools")
    parser.add_argument("--fault", action="append", default=[], help="only these, and not all at once")
    parser.add_argument("--outlets", type=int, default=12)
    parser.add_argument(
        "--copies", type=int, default=14, help="of each recorded page; fewer, and not every fault meets one"
    )
    arguments = parser.parse_args()
    bench, console = Bench(arguments.data, arguments.outlets, arguments.copies), Console()
    faults = bench.tool.FAULTS
    plan = {"none": [], **{name: [name] for name in arguments.fault or faults}}
    if not arguments.fault:
        plan["all pages"] = [name for name in faults if name not in {"quiet", "blocked", "feedxxe", "feedbomb"}]
        plan["all"] = list(faults)
    results = []
    for name, chosen in plan.items():
        results.append(bench.run(name.replace(" ", "-"), chosen))
        console.print(f"{name}: {results[-1].seconds:.0f} s, {len(results[-1].wrong)} otherwise than expected")
    show(console, results)
    return 1 if any(result.wrong for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())

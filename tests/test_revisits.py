"""A fortnight of visits on a clock that tests move: pages that stay, change, vanish and come back; feeds that lie."""

import datetime as dt
import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from warcio.archiveiterator import ArchiveIterator

from crawlers.address import url_id
from crawlers.known import Known, UrlRecord
from index_config.cluster import Cluster

START = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(days=4)
HOUR = dt.timedelta(hours=1)
TEXT = "The council decided on Monday to mend the road along the river before winter, after years of complaints. "
PAGES = ("steady", "plain", "nonce", "edited", "gone", "back", "moved")


class Site(ThreadingHTTPServer):
    """Its pages depend on `hour`; `asked` is what was asked for, with what was sent along, since the last look."""

    hour = 0.0
    asked: list[tuple[str, str | None]]

    def page(self, path: str) -> tuple[int, str, dict[str, str]]:
        """Status, body and headers of a path."""
        name = path.strip("/")
        if name in {"", "list"}:
            links = "".join(f'<a class=story href="/{one}">{one}</a>' for one in ("plain", "nonce"))
            return 200, f"<html><title>Home</title>{links}</html>", {}
        if name in {"feed", "liar"}:
            return self.feed(name)
        if (name == "gone" and self.hour >= 1) or (name == "back" and 1 <= self.hour < 20):
            return 404, "<html>no such page</html>", {}
        if name == "moved" and self.hour >= 1:
            return 302, "", {"Location": "/"}
        version = sum(self.hour >= hour for hour in (1, 25, 72)) if name == "edited" else 0
        said = f"Edition {version}: the work will cost {version + 2} million. " if name == "edited" else ""
        nonce = f"<script>var nonce = {self.hour};</script>" if name == "nonce" else ""
        body = f"<html lang=en><head><title>Story {name}</title>{nonce}</head><article><h1>Story {name}</h1><p>{TEXT * 3}{said}Readers of all ages wrote letters to the editor about {name}, and most of them agreed with the council.</p></article></html>"
        return 200, body, {} if name in {"plain", "nonce", "edited"} else {"ETag": f'"{name}-{version}"'}

    def feed(self, name: str) -> tuple[int, str, dict[str, str]]:
        pages = PAGES if name == "feed" else ("old",) if self.hour < 0.4 else ("old", "new")
        items = "".join(f"<item><link>{self.base}/{page}</link></item>" for page in pages)
        body = f'<rss version="2.0"><channel><title>t</title>{items}</channel></rss>'
        return 200, body, {"ETag": f'W/"{name}"', "Content-Type": "text/xml"}

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        if self.path == "/robots.txt":
            status, body, headers = 404, "", {}
        else:
            status, body, headers = self.server.page(self.path)
            self.server.asked.append((self.path[1:], self.headers.get("If-None-Match")))
            if headers.get("ETag") and headers["ETag"] == self.headers.get("If-None-Match"):
                status, body = 304, ""
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
            self.send_header(name, value)
        if status != 304:
            self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    server = Site(("127.0.0.1", 0), _Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def outlets(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("outlets")
    common = {"country": "gb", "languages": ["en"], "kind": "news", "schedule": "0 * * * *"}
    starts: dict[str, dict[str, Any]] = {
        "daily": {"feeds": [f"{site.base}/feed"], "sections": [{"url": f"{site.base}/list", "links": "a.story"}]},
        "liar": {"feeds": [f"{site.base}/liar"]},
    }
    for name, start in starts.items():
        outlet = {"id": name, "name": name, "start": start, "expect": {"per_day": [0, 100]}, **common}
        (folder / f"{name}.yml").write_text(yaml.safe_dump(outlet))
    return folder


class Story:
    """What each run found, by the hour it ran at."""

    def __init__(self, site: Site, outlets: Path, environ: dict[str, str], cluster: Cluster) -> None:
        self.site, self.outlets, self.environ, self.cluster = site, outlets, environ, cluster
        self.asked: dict[float, list[tuple[str, str | None]]] = {}
        self.accounts: dict[float, dict[str, Any]] = {}

    def run(self, hour: float) -> None:
        self.site.hour = hour
        self.site.asked.clear()
        name, at = f"h{hour:05.1f}", (START + hour * HOUR).isoformat()
        command = [sys.executable, Path(__file__).with_name("at.py"), at, "run", "--run-id", name]
        done = subprocess.run(
            [*command, "--outlets", self.outlets], env=self.environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.asked[hour] = list(self.site.asked)
        rows = documents(self.cluster, "crawls").values()
        self.accounts[hour] = {row["outlet"]: row for row in rows if row["run"] == name}

    def fetched(self, hour: float, outlet: str = "daily") -> dict[str, int]:
        return {name: count for name, count in self.accounts[hour][outlet]["fetch"].items() if count}

    def processed(self, hour: float, outlet: str = "daily") -> dict[str, int]:
        found = self.accounts[hour][outlet].get("processing", {})
        return {name: count for name, count in found.items() if count}

    def starts(self, hour: float, outlet: str) -> dict[str, str]:
        return {row["platform"]: row["outcome"] for row in self.accounts[hour][outlet]["starts"]}

    def pages(self, hour: float) -> list[str]:
        return sorted(name for name, _ in self.asked[hour] if name not in {"", "feed", "liar", "list"})


def documents(cluster: Cluster, alias: str) -> dict[str, dict[str, Any]]:
    cluster.client.indices.refresh(index=cluster.name(alias))
    hits = cluster.client.search(index=cluster.name(alias), size=1000)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


HOURS = (0, 0.5, 1, 6, 25, 72)


@pytest.fixture(scope="module")
def story(site: Site, outlets: Path, shared_environ: dict[str, str], shared_cluster: Cluster) -> Story:
    told = Story(site, outlets, shared_environ, shared_cluster)
    for hour in HOURS:
        told.run(hour)
    return told


@pytest.fixture
def article(story: Story):
    articles = documents(story.cluster, "articles")
    return lambda name: articles[url_id(f"{story.site.base}/{name}")]


@pytest.fixture
def record(story: Story):
    def look_up(name: str) -> UrlRecord:
        key = url_id(f"{story.site.base}/{name}")
        return Known(story.cluster).look_up([key])[key]

    return look_up


def at(hour: float) -> str:
    return (START + hour * HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")


EXPECTED: dict[float, tuple[dict[str, int], dict[str, int]]] = {
    0: ({"captured": 7}, {"indexed": 7}),
    0.5: ({}, {}),
    1: (
        {"unchanged": 2, "captured": 2, "http_404": 2, "redirected_home": 1},
        {"unchanged": 1, "indexed": 1, "withdrawn": 3},
    ),
    6: ({"unchanged": 3, "captured": 1, "known": 3}, {"unchanged": 1}),
    25: (
        {"captured": 2, "http_404": 1, "redirected_home": 1, "known": 3},
        {"indexed": 1, "unchanged": 1, "withdrawn": 2},
    ),
    72: ({"unchanged": 3, "captured": 2, "known": 2}, {"unchanged": 1, "indexed": 1}),
}


@pytest.mark.parametrize("hour", HOURS)
def test_every_page_has_its_outcome_at_every_hour(story: Story, hour: float) -> None:
    assert (story.fetched(hour), story.processed(hour)) == EXPECTED[hour]
    account = story.accounts[hour]["daily"]
    assert sum(account["fetch"].values()) == account["discovered"]


def test_two_crawls_within_an_hour_ask_for_no_article(story: Story) -> None:
    assert story.pages(0.5) == []
    assert story.starts(0.5, "daily") == {"feed": "unchanged", "listing": "unchanged"}
    assert ("feed", 'W/"feed"') in story.asked[0.5]


def test_what_the_server_calls_unchanged_costs_a_304(story: Story) -> None:
    assert ("steady", '"steady-0"') in story.asked[1]
    assert "steady" not in story.pages(25), "two quiet visits leave only the last one"
    assert "steady" in story.pages(72)


def test_an_edited_article_has_versions(story: Story, article) -> None:
    found = article("edited")
    assert (found["versions"], found["changed_at"], found["first_seen"]) == (4, at(72), at(0))
    assert found["fetched"] == at(72)
    assert "cost 5 million" in found["text"]["en"]
    versions = documents(story.cluster, "article-versions")
    assert sorted(row["fetched"] for row in versions.values()) == [at(0), at(1), at(25)]
    assert [one["at"] for one in found["history"]] == [at(0), at(1), at(25), at(72)]
    for name in ("steady", "plain", "nonce"):
        assert (article(name)["versions"], article(name).get("changed_at"), article(name)["fetched"]) == (
            1,
            None,
            at(0),
        )


def test_what_vanished_is_marked_and_kept(article, record) -> None:
    for name in ("gone", "moved"):
        assert (article(name)["withdrawn"], article(name)["withdrawn_at"]) == (True, at(1))
        assert TEXT.strip() in article(name)["text"]["en"]
        assert (record(name).withdrawn_at, record(name).next_visit) == (at(1), None), "confirmed, so nobody asks again"
    assert [one["status"] for one in article("gone")["history"]] == [200, 404, 404]
    assert [one["status"] for one in article("moved")["history"]] == [200, 302, 302]


def test_what_came_back_is_not_withdrawn_any_more(article, record, story: Story) -> None:
    assert article("back")["withdrawn"] is False
    assert [one["status"] for one in article("back")["history"]][:3] == [200, 404, 200]
    assert record("back").withdrawn_at is None
    assert ("back", None) in story.asked[25], "asked for whole: its return is evidence"


@pytest.mark.parametrize(
    ("name", "visit"), [("steady", None), ("plain", None), ("nonce", None), ("edited", 144), ("back", None)]
)
def test_when_each_is_visited_next(record, name: str, visit: float | None) -> None:
    assert record(name).next_visit == (at(visit) if visit else None)
    assert record(name).first_captured == at(0)
    assert record(name).state == "indexed"


def changes(story: Story, hour: float) -> list[dict[str, Any]]:
    (path,) = (Path(story.environ["NARRAWATCH_HOME"]) / "warc" / "daily").glob(f"h{hour:05.1f}-*.changes.jsonl")
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_the_companion_of_a_warc_file_says_what_changed(story: Story, article) -> None:
    events = {hour: Counter((Path(one["url"]).name, one["event"]) for one in changes(story, hour)) for hour in (1, 25)}
    assert events[1] == Counter({(n, "withdrawn"): 1 for n in ("gone", "back", "moved")} | {("edited", "changed"): 1})
    assert events[25] == {("edited", "changed"): 1, ("back", "returned"): 1}
    (edit,) = [one for one in changes(story, 72) if one["event"] == "changed"]
    assert edit["diff"].splitlines() == [
        "-Edition 2: the work will cost 4 million.",
        "+Edition 3: the work will cost 5 million.",
    ]
    assert (edit["at"], edit["new_text_hash"]) == (at(72), article("edited")["text_hash"])
    assert not list((Path(story.environ["NARRAWATCH_HOME"]) / "warc").glob("*/h000.0-*.changes.jsonl"))


def test_visits_that_found_nothing_new_are_in_the_warc_file(story: Story) -> None:
    (path,) = (Path(story.environ["NARRAWATCH_HOME"]) / "warc" / "daily").glob("h001.0-1.warc.gz")
    found = {}
    with path.open("rb") as stream:
        for entry in ArchiveIterator(stream, check_digests="raise"):
            if entry.rec_type != "warcinfo":
                name = Path(entry.rec_headers.get_header("WARC-Target-URI")).name
                found[name] = entry.rec_type, entry.http_headers.get_statuscode(), entry.rec_headers
    assert {name: kind[:2] for name, kind in found.items()} == {
        "steady": ("revisit", "304"),
        "plain": ("revisit", "200"),
        "nonce": ("response", "200"),
        "edited": ("response", "200"),
        "gone": ("response", "404"),
        "back": ("response", "404"),
        "moved": ("response", "302"),
    }
    for name, profile in (("steady", "server-not-modified"), ("plain", "identical-payload-digest")):
        headers = found[name][2]
        assert headers.get_header("WARC-Profile") == f"http://netpreserve.org/warc/1.1/revisit/{profile}"
        assert headers.get_header("WARC-Refers-To-Date") == at(0)
    assert found["plain"][2].get_header("WARC-Payload-Digest").startswith("sha1:")


def test_processing_all_files_again_in_any_order_changes_nothing(story: Story, shared_narrawatch) -> None:
    folder = Path(story.environ["NARRAWATCH_HOME"]) / "warc"
    files = sorted(folder.glob("*/*.warc.gz"))

    def state() -> dict[tuple[str, str], dict[str, Any]]:
        aliases = ("articles", "article-versions", "urls")
        return {(alias, key): row for alias in aliases for key, row in documents(story.cluster, alias).items()}

    before = state()
    logs = {path.name: path.read_text() for path in folder.glob("*/*.changes.jsonl")}
    assert len(logs) == 3
    for order, known in ((files, ["--outlets", story.outlets]), (files[::-1], [])):
        shared_narrawatch("process", *order, *known)
        after = state()
        assert after.keys() == before.keys()
        different = {
            (key, name): (before[key].get(name), row.get(name))
            for key, row in after.items()
            for name in before[key].keys() | row.keys()
            if before[key].get(name) != row.get(name)
        }
        assert different == {}
        assert {path.name: path.read_text() for path in folder.glob("*/*.changes.jsonl")} == logs
    assert {hour: story.processed(hour) for hour in HOURS} == {hour: row[1] for hour, row in EXPECTED.items()}


def test_a_feed_that_lies_is_found_out(story: Story) -> None:
    """It lists a new page under its old ETag: the full reading after six hours sees it, and it is not believed for days."""
    asked = {hour: next(sent for name, sent in story.asked[hour] if name == "liar") for hour in HOURS}
    assert [story.starts(hour, "liar")["feed"] for hour in HOURS] == [
        *("read", "unchanged", "unchanged", "read", "read", "read")
    ]
    assert [bool(asked[hour]) for hour in HOURS] == [False, True, True, False, False, False]
    assert story.fetched(6, "liar") == {"captured": 1, "unchanged": 1}
    lied = {hour: story.accounts[hour]["liar"]["starts"][0]["lied"] for hour in HOURS}
    assert [hour for hour, said in lied.items() if said] == [6]


def test_start_points_are_no_pages(story: Story) -> None:
    rows = documents(story.cluster, "urls")
    starts = {key: row for key, row in rows.items() if row["state"] == "start"}
    assert sorted(Path(row["url"]).name for row in starts.values()) == ["feed", "liar", "list"]
    pages = {row["url"].rpartition("/")[2] for key, row in rows.items() if key not in starts}
    assert pages == {*PAGES, "old", "new"}
    assert not [key for key in starts if len(key) == 32], "and no page can have their ids"

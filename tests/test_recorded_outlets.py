"""Recorded pages of 112 real outlets, served on loopback, against 11,446 real cards: only where the evaluation data is."""

import gzip
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

SHARED = Path(__file__).parents[2] / "shared"
SITES = SHARED / "tools" / "outlet_sites.py"
PAGES = SHARED / "data" / "articles" / "fundus"
CARDS = SHARED / "data" / "narratives" / "euvsdisinfo" / "cards.jsonl.gz"

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SITES.exists(), reason=f"no evaluation data at {SHARED}"),
    pytest.mark.timeout(600),
]


@pytest.fixture(scope="module")
def outlets(free_port, tmp_path_factory) -> Iterator[Path]:
    folder, port = tmp_path_factory.mktemp("outlets"), str(free_port())
    common = ["--data", str(PAGES), "--port", port]
    subprocess.run([sys.executable, SITES, "outlets", *common, "--out", str(folder)], check=True, capture_output=True)
    server = subprocess.Popen([sys.executable, SITES, "serve", *common], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    assert "112 outlets, 138 articles" in server.stdout.readline()
    yield folder
    server.terminate()
    server.wait()
    server.stdout.close()


@pytest.fixture(scope="module")
def first(outlets: Path, shared_cluster, shared_narrawatch) -> None:
    shared_narrawatch("narratives", "import", CARDS)
    shared_narrawatch("run", "--outlets", outlets, "--run-id", "first", timeout=500)


def documents(cluster, alias: str) -> dict[str, dict]:
    cluster.client.indices.refresh(index=cluster.name(alias))
    return {
        hit["_id"]: hit["_source"]
        for hit in cluster.client.search(index=cluster.name(alias), size=1000)["hits"]["hits"]
    }


def asked(outlets: Path) -> dict[str, int]:
    """What each site says it was asked for, its own log left out."""
    counts = {}
    for path in outlets.glob("*.yml"):
        outlet = yaml.safe_load(path.read_text())
        start = next(iter(outlet["start"].values()))[0]
        base = "/".join((start["url"] if isinstance(start, dict) else start).split("/")[:3])
        with urllib.request.urlopen(f"{base}/log") as answer:
            counts[outlet["id"]] = sum(count for path, count in json.load(answer).items() if path != "/log")
    return counts


def test_all_cards_are_there(first, shared_cluster) -> None:
    assert shared_cluster.client.count(index=shared_cluster.name("narratives"))["count"] == 11_446


def test_all_pages_are_indexed(first, shared_cluster) -> None:
    with gzip.open(PAGES / "truth.jsonl.gz", "rt", encoding="utf-8") as lines:
        truth = {row["id"]: row for row in map(json.loads, lines)}
    articles = {row["url"].rpartition("/")[2]: row for row in documents(shared_cluster, "articles").values()}
    assert articles.keys() == truth.keys()
    for name, article in articles.items():
        assert article["title"], name
        assert article["language"] == truth[name]["language"], (name, article["language"])
        if truth[name].get("published"):
            assert article.get("published"), name


def test_requests_are_those_the_sites_saw_and_a_second_run_asks_for_no_article(
    first, outlets, shared_cluster, shared_narrawatch
) -> None:
    def counted(run: str) -> dict[str, int]:
        rows = documents(shared_cluster, "crawls").values()
        return {row["outlet"]: row["requests"]["total"] for row in rows if row["run"] == run}

    before = asked(outlets)
    assert counted("first") == before
    shared_narrawatch("crawl", "--outlets", outlets, "--run-id", "second")
    after = asked(outlets)
    assert counted("second") == {outlet: count - before[outlet] for outlet, count in after.items()}
    rows = [row for row in documents(shared_cluster, "crawls").values() if row["run"] == "second"]
    assert sum(row["requests"]["article"] for row in rows) == 0
    captured = {
        row["outlet"]: row["fetch"]["captured"]
        for row in documents(shared_cluster, "crawls").values()
        if row["run"] == "first"
    }
    assert sum(captured.values()) == 138
    for row in rows:  # a feed that has not changed lists nothing anew, and costs a 304
        unchanged = {start["outcome"] for start in row["starts"] if start["platform"] != "home"} == {"unchanged"}
        assert row["fetch"]["known"] == (0 if unchanged else captured[row["outlet"]]), row["outlet"]
    assert any(row["fetch"]["known"] for row in rows)
    assert not all(row["fetch"]["known"] for row in rows)


def test_flags_were_found(first, shared_cluster) -> None:
    assert shared_cluster.client.count(index=shared_cluster.name("flags"))["count"] > 0

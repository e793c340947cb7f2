"""`kill -9` in the middle of any step, then the same command: the same documents as an undisturbed run."""

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from index_config.cluster import Cluster
from narrawatch.demo import CARDS
from narrawatch.demo.server import DemoSites

TIMES = {
    *("discovered", "first_captured", "fetched", "visited", "first_seen", "matched", "next_visit", "updated"),
    *("run", "warc", "offset", "attempts", "history"),
}


@pytest.fixture(scope="module")
def sites() -> Iterator[DemoSites]:
    with DemoSites(now=dt.datetime.now(dt.UTC)) as sites:
        yield sites


def state(cluster: Cluster) -> dict[str, dict[str, dict[str, object]]]:
    """Every document but the runs' accounts, without what differs between any two runs: times and file positions."""
    found = {}
    for alias in ("articles", "article-versions", "urls", "flags", "narratives"):
        cluster.client.indices.refresh(index=cluster.name(alias))
        hits = cluster.client.search(index=cluster.name(alias), size=1000)["hits"]["hits"]
        found[alias] = {
            hit["_id"]: {name: value for name, value in hit["_source"].items() if name not in TIMES} for hit in hits
        }
    return found


@pytest.fixture(scope="module")
def undisturbed(shared_cluster: Cluster, shared_narrawatch, sites: DemoSites) -> dict[str, object]:
    """What a run that nothing disturbs leaves behind."""
    shared_narrawatch("narratives", "import", *CARDS)
    shared_narrawatch("run", "--outlets", sites.outlets_dir)
    return state(shared_cluster)


POINTS = [
    ("crawlers.pages:Pages.store", 1, "before"),
    ("crawlers.warc:write_response", 9, "after"),
    ("crawlers.known:Known.remember", 4, "before"),
    ("crawlers.warc:WarcFile.close", 2, "before"),
    ("crawlers.warc:WarcFile.close", 3, "after"),
    ("processing.store:ArticleStore.write", 1, "before"),
    ("processing.store:ArticleStore.write", 1, "after"),
    ("processing.chain:_finish", 2, "after"),
    ("processing.matching:_write", 1, "before"),
    ("processing.matching:_drop", 1, "before"),
]


def different(found: dict[str, object], expected: dict[str, object]) -> dict[str, tuple[object, object]]:
    fields = found.keys() | expected.keys()
    return {one: (found.get(one), expected.get(one)) for one in fields if found.get(one) != expected.get(one)}


@pytest.mark.parametrize(("target", "nth", "moment"), POINTS, ids=lambda value: str(value).rpartition(":")[2])
def test_same_documents(target, nth, moment, cluster, environ, narrawatch, sites, undisturbed):
    narrawatch("narratives", "import", *CARDS)
    command = ["run", "--outlets", str(sites.outlets_dir)]
    died = subprocess.run(
        [sys.executable, Path(__file__).with_name("die.py"), target, str(nth), moment, *command],
        env=environ,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert died.returncode == -9, died.stdout + died.stderr
    narrawatch(*command)
    for alias, expected in undisturbed.items():
        found = state(cluster)[alias]
        assert found.keys() == expected.keys(), alias
        changed = {name: different(found[name], expected[name]) for name in expected if found[name] != expected[name]}
        assert changed == {}, alias
    assert not list(Path(environ["NARRAWATCH_HOME"]).glob("warc/*/*.open"))

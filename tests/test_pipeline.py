"""The main job, end to end: the demo's outlets on loopback, the real command, the real index."""

import datetime as dt
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from crawlers.known import Known, UrlRecord
from index_config.cluster import Cluster
from narrawatch.demo import CARDS
from narrawatch.demo.sample import load_sites
from narrawatch.demo.server import DemoSites
from processing.matching import MOST_FLAGS


@pytest.fixture(scope="module")
def sites() -> Iterator[DemoSites]:
    with DemoSites(now=dt.datetime.now(dt.UTC)) as sites:
        yield sites


@pytest.fixture(scope="module")
def first_run(shared_cluster: Cluster, shared_narrawatch, sites: DemoSites) -> str:
    shared_narrawatch("narratives", "import", *CARDS)
    return str(shared_narrawatch("run", "--outlets", sites.outlets_dir, "--run-id", "first").stdout)


def documents(cluster: Cluster, alias: str) -> dict[str, dict]:
    cluster.client.indices.refresh(index=cluster.name(alias))
    hits = cluster.client.search(index=cluster.name(alias), size=1000)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def account(cluster: Cluster, run: str) -> dict[str, dict]:
    return {row["outlet"]: row for row in documents(cluster, "crawls").values() if row["run"] == run}


def test_every_listed_url_has_one_outcome(first_run, shared_cluster) -> None:
    accounts = account(shared_cluster, "first")
    assert len(accounts) == 6
    for row in accounts.values():
        assert row["status"] == "complete"
        assert sum(row["fetch"].values()) == row["discovered"] > 0
        assert sum(row["processing"].values()) == row["fetch"]["captured"]
        assert {start["outcome"] for start in row["starts"]} == {"read"}
    fetched = sum((Counter(row["fetch"]) for row in accounts.values()), Counter())
    assert +fetched == {"captured": 33, "http_404": 1, "robots": 1}
    processed = sum((Counter(row["processing"]) for row in accounts.values()), Counter())
    assert +processed == {"indexed": 31, "too_short": 1, "unchanged": 1}, (
        "one page redirects to another that is listed too"
    )


def test_requests_are_counted_as_the_sites_count_them(first_run, shared_cluster, sites) -> None:
    for outlet, row in account(shared_cluster, "first").items():
        assert row["requests"]["total"] == sites.requests[outlet].total(), outlet
        assert row["requests"]["robots"] == sites.requests[outlet]["/robots.txt"]


def test_articles(first_run, shared_cluster) -> None:
    articles = documents(shared_cluster, "articles")
    expected = {article.title: article for site in load_sites() for article in site.articles if not article.video}
    assert {article["title"] for article in articles.values()} <= expected.keys()
    for article in articles.values():
        assert article["language"] == expected[article["title"]].language
        assert len(article["text"]) == 1
        assert article["language"] in article["text"]
        assert article["published"]
        assert article["canonical_url"] != article["url"] or article["canonical_url"] is None


def test_repeats_are_flagged_and_everyday_news_is_not(first_run, shared_cluster) -> None:
    about = {article.title: article for site in load_sites() for article in site.articles}
    flags = documents(shared_cluster, "flags")
    found = {(flag["title"], flag["narrative"]) for flag in flags.values()}
    for article in about.values():
        if article.about == "repeats":
            assert (article.title, article.narrative) in found
        if article.about == "unrelated":
            assert not [narrative for title, narrative in found if title == article.title]


def test_a_flag_has_its_evidence(first_run, shared_cluster) -> None:
    articles = documents(shared_cluster, "articles")
    for identifier, flag in documents(shared_cluster, "flags").items():
        article = articles[flag["article"]]
        assert identifier == f"{flag['article']}:{flag['narrative']}"
        (text,) = article["text"].values()
        source = article["title"] if flag["passage_kind"] == "title" else text
        assert source[flag["passage_start"] : flag["passage_end"]] == flag["passage"]
        assert flag["passage_start"] <= flag["sentence_start"] < flag["sentence_end"] <= flag["passage_end"]
        assert flag["rebuttal_documented"] == bool(flag.get("rebuttal"))
        assert flag["level"] in {"flag", "suggest"}
        assert 0 < flag["score"] <= 1
    assert max(Counter(flag["article"] for flag in documents(shared_cluster, "flags").values()).values()) <= MOST_FLAGS


def test_output_shows_what_happened(first_run) -> None:
    for piece in ("captured", "http_404", "Flags by narrative", "31 articles matched", "rubezh_inform"):
        assert piece in first_run


def test_flags_are_shown_as_an_analyst_needs_them(first_run, shared_cluster, shared_narrawatch) -> None:
    rows = [
        json.loads(line)
        for line in shared_narrawatch("flags", "list", "--json", "--language", "ru").stdout.splitlines()
    ]
    assert rows == sorted(rows, key=lambda row: -row["score"])
    best = rows[0]
    shown = shared_narrawatch("flags", "show", best["id"][:12]).stdout
    flat = " ".join(shown.split())
    for piece in (best["narrative_title"], best["url"], best["rebuttal"]):
        assert " ".join(piece.split()) in flat
    assert "»" in shown
    missing = shared_narrawatch("flags", "show", "nothing-like-it", check=False)
    assert missing.returncode == 1
    assert missing.stderr.startswith("narrawatch: there is no flag")


def test_second_run_fetches_no_article(first_run, shared_cluster, shared_narrawatch, sites) -> None:
    before = documents(shared_cluster, "articles"), documents(shared_cluster, "flags")
    shared_narrawatch("run", "--outlets", sites.outlets_dir, "--run-id", "second")
    rows = account(shared_cluster, "second").values()
    assert sum(row["requests"]["article"] for row in rows) == 0
    assert +sum((Counter(row["fetch"]) for row in rows), Counter()) == {}, "what unchanged feeds list is known"
    starts = Counter((start["platform"], start["outcome"]) for row in rows for start in row["starts"])
    assert starts[("sitemap", "read")] == 1, "an index, whose sitemaps are asked one by one"
    assert {outcome for _, outcome in starts} == {"unchanged", "read"}
    assert starts.total() > 6
    assert (documents(shared_cluster, "articles"), documents(shared_cluster, "flags")) == before


def test_bad_outlets_are_named_and_the_rest_goes_on(sites, environ, narrawatch, cluster, tmp_path: Path) -> None:
    for path in sites.outlets_dir.glob("plumbline.yml"):
        (tmp_path / path.name).write_text(path.read_text())
    (tmp_path / "broken.yml").write_text("id: broken\nname: [\n")
    outlet = yaml.safe_load((tmp_path / "plumbline.yml").read_text())
    silent = outlet | {"id": "silent", "start": {"feeds": ["http://127.0.2.250:49151/feed.xml"]}}
    (tmp_path / "silent.yml").write_text(yaml.safe_dump(silent))
    done = narrawatch("run", "--outlets", tmp_path, check=False)
    assert done.returncode == 3
    assert "broken.yml:" in done.stderr
    rows = {row["outlet"]: row for row in documents(cluster, "crawls").values()}
    assert rows["plumbline"]["fetch"]["captured"] == 3
    assert rows["silent"]["starts"][0]["outcome"] == "connection"


def test_loopback_is_refused_unless_allowed(sites, environ, narrawatch, cluster) -> None:
    environ = environ | {"NARRAWATCH_ALLOW_LOOPBACK": "0"}
    refused = narrawatch("crawl", "plumbline", "--outlets", sites.outlets_dir, check=False, env=environ)
    assert refused.returncode == 1
    assert "NARRAWATCH_USER_AGENT_CONTACT" in refused.stderr
    environ |= {"NARRAWATCH_USER_AGENT_CONTACT": "https://example.org/about"}
    before = sites.requests["plumbline"].total()
    narrawatch("crawl", "plumbline", "--outlets", sites.outlets_dir, check=False, env=environ)
    assert sites.requests["plumbline"].total() == before
    (row,) = documents(cluster, "crawls").values()
    assert {start["outcome"] for start in row["starts"]} == {"private_address"}


def test_robots_txt_holds_for_pages_that_wait_for_it_together(sites, cluster, narrawatch) -> None:
    """What an earlier run left over is asked for at once, before any answer: also then nothing forbidden is fetched."""
    outlet = "niederwaldauer_kreisblatt"
    asked = {path for path in sites.requests[outlet] if path.startswith("/plus/")}
    urls = [f"{sites.base[outlet]}/plus/{number}" for number in range(20)]
    now = "2026-11-23T06:00:00Z"
    Known(cluster).remember(
        UrlRecord(url=url, outlet=outlet, state="discovered", discovered=now, run="r0") for url in urls
    )
    narrawatch("crawl", outlet, "--outlets", sites.outlets_dir)
    assert {path for path in sites.requests[outlet] if path.startswith("/plus/")} == asked
    (row,) = documents(cluster, "crawls").values()
    assert row["fetch"]["robots"] == 21


@pytest.mark.parametrize("command", [["run"], ["crawl"], ["process"], ["match"], ["flags", "list"]])
def test_dead_node_is_one_line(command, environ, narrawatch, free_port) -> None:
    done = narrawatch(*command, check=False, env=environ | {"ELASTICSEARCH_URL": f"http://127.0.0.1:{free_port()}"})
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "narrawatch up" in line


def test_missing_indices_are_one_line(environ, narrawatch) -> None:
    done = narrawatch("run", check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "narrawatch setup" in line

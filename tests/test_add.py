"""`narrawatch add`: one page an analyst found, from the demo's outlets on loopback, by the real command."""

import datetime as dt
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from crawlers.known import Known, UrlRecord
from crawlers.outlet import load_outlets
from index_config.cluster import Cluster
from narrawatch.demo import CARDS
from narrawatch.demo.sample import SampleArticle, Site
from narrawatch.demo.server import DemoSites
from review.finds import FindError, outlet_of

CARD = "demo-secret-biolabs"


@pytest.fixture(scope="module")
def sites() -> Iterator[DemoSites]:
    with DemoSites(now=dt.datetime.now(dt.UTC)) as sites:
        yield sites


@pytest.fixture(scope="module")
def cards(shared_cluster: Cluster, shared_narrawatch) -> Cluster:
    shared_narrawatch("narratives", "import", *CARDS)
    return shared_cluster


@pytest.fixture
def add(cards: Cluster, sites: DemoSites, shared_narrawatch):
    def run(*arguments: str, **options):
        return shared_narrawatch("add", *arguments, "--outlets", sites.outlets_dir, **options)

    return run


def documents(cluster: Cluster, alias: str) -> dict[str, dict]:
    cluster.client.indices.refresh(index=cluster.name(alias))
    hits = cluster.client.search(index=cluster.name(alias), size=1000)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def page(sites: DemoSites, about: str, number: int = 0) -> tuple[str, Site, SampleArticle]:
    """An article of the demo that is about `about`, with its address."""
    found = [
        (sites.base[site.id] + site.address(article), site, article)
        for site in sites.sites
        for article in site.articles
        if article.about == about and not article.video
    ]
    return found[number]


def test_a_page_is_taken_in_for_its_outlet_and_matched(add, cards, sites) -> None:
    url, site, sample = page(sites, "repeats")
    done = add(url, "--as", "Mara")
    assert f"Taken in: {sample.title}" in done.stdout
    assert f"Outlet {site.id}, language {sample.language}" in done.stdout
    (article,) = [row for row in documents(cards, "articles").values() if row["url"] == url]
    assert (article["outlet"], article["country"], article["kind"]) == (site.id, site.country, site.kind)
    assert article["matched_generation"]
    flag = next(row for row in documents(cards, "flags").values() if row["url"] == url)
    assert (flag["narrative"], flag["added_by"], flag.get("verdict")) == (sample.narrative, "Mara", None)
    assert flag["narrative_title"].split()[0] in done.stdout
    (account,) = [row for row in documents(cards, "crawls").values() if row["run"] == article["run"]]
    assert (account["outlet"], account["status"], account["discovered"]) == (site.id, "complete", 1)
    assert (account["fetch"]["captured"], account["processing"]["indexed"]) == (1, 1)
    assert account["requests"]["article"] == 1


def test_a_page_is_taken_in_whatever_the_hours_of_its_outlet(cards, sites, shared_narrawatch, tmp_path: Path) -> None:
    url, site, sample = page(sites, "unrelated", 1)
    closed = dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
    file = yaml.safe_load((sites.outlets_dir / f"{site.id}.yml").read_text("utf-8"))
    file["politeness"] = {"hours": f"{closed:%H}-{closed + dt.timedelta(hours=1):%H}", "timezone": "UTC"}
    (tmp_path / f"{site.id}.yml").write_text(yaml.safe_dump(file))
    assert f"Taken in: {sample.title}" in shared_narrawatch("add", url, "--outlets", tmp_path).stdout


def test_nothing_else_of_the_outlet_is_fetched(add, cards, sites) -> None:
    url, site, _ = page(sites, "unrelated")
    others = [sites.base[site.id] + site.address(one) for one in site.articles if site.address(one) not in url]
    waiting = [
        UrlRecord(url=one, outlet=site.id, state="discovered", discovered="2026-01-01T00:00:00Z", run="earlier")
        for one in others
    ]
    Known(cards).remember(waiting)
    cards.client.indices.refresh(index=cards.name("urls"))
    before = sites.requests[site.id].copy()
    assert "No narrative was found in it" in add(url).stdout
    asked = sites.requests[site.id] - before
    assert asked.pop("/robots.txt", 0) <= 1, "an earlier run's answer is good enough"
    assert asked == {url.removeprefix(sites.base[site.id]): 1}
    states = {row["url"]: row["state"] for row in documents(cards, "urls").values() if row["url"] in others}
    assert set(states.values()) == {"discovered"}


def test_what_is_known_is_not_fetched_again(add, cards, sites) -> None:
    url, site, sample = page(sites, "repeats", 1)
    first = json.loads(add(url, "--json").stdout)
    before = sites.requests[site.id].total()
    second = json.loads(add(url, "--json", "--as", "somebody else").stdout)
    assert (first["fetched"], second["fetched"]) == (True, False)
    assert first["article"] == second["article"]
    assert [flag["id"] for flag in second["flags"]] == [flag["id"] for flag in first["flags"]] != []
    assert {flag["added_by"] for flag in second["flags"]} == {flag["added_by"] for flag in first["flags"]}
    assert second["title"] == sample.title
    assert sites.requests[site.id].total() == before


def test_it_is_flagged_on_the_analysts_word_and_stays(add, cards, sites, shared_narrawatch) -> None:
    url, _, sample = page(sites, "unrelated", 3)
    found = json.loads(add(url, "--narrative", CARD, "--note", "read the last line", "--as", "Mara", "--json").stdout)
    (flag,) = found["flags"]
    assert flag["id"] == f"{found['article']}:{CARD}"
    assert (flag["matcher"], flag["level"], flag["added_by"]) == ("analyst", "flag", "Mara")
    assert (flag["verdict"], flag["verdict_by"], flag["verdict_note"]) == ("confirmed", "Mara", "read the last line")
    assert flag["passage_start"] <= flag["sentence_start"] < flag["sentence_end"] <= flag["passage_end"]
    assert flag["score"] < 0.5, "the score stays what the matcher thinks of it"
    (verdict,) = [row for row in documents(cards, "verdicts").values() if row["flag"] == flag["id"]]
    assert (verdict["verdict"], verdict["analyst"]) == ("confirmed", "Mara")
    shown = shared_narrawatch("flags", "show", flag["id"]).stdout
    assert "Added by" in shown
    assert "»" in shown
    for again in ([], ["--narrative", CARD]):
        shared_narrawatch("match", *again)
        kept = documents(cards, "flags")[flag["id"]]
        assert [kept[name] for name in ("verdict", "verdict_note", "added_by", "passage")] == [
            flag[name] for name in ("verdict", "verdict_note", "added_by", "passage")
        ]
    assert sample.title == kept["title"]


def test_a_known_article_can_be_flagged_too(add, cards, sites) -> None:
    url, _, sample = page(sites, "repeats", 7)
    add(url, "--as", "Ivo")
    done = json.loads(add(url, "--narrative", sample.narrative, "--as", "Mara", "--json").stdout)
    flag = next(flag for flag in done["flags"] if flag["narrative"] == sample.narrative)
    assert (flag["verdict_by"], flag["added_by"]) == ("Mara", "Mara")
    assert flag["level"] == "flag"
    assert flag["matcher"] != "analyst", "the matcher found it by itself"


def test_a_page_of_an_unknown_host_counts_as_added(cards, sites, shared_narrawatch, tmp_path: Path) -> None:
    url, site, sample = page(sites, "repeats", 3)
    other = next(one for one in sites.sites if one.id != site.id)
    (tmp_path / f"{other.id}.yml").write_text((sites.outlets_dir / f"{other.id}.yml").read_text())
    found = json.loads(shared_narrawatch("add", url, "--json", "--outlets", tmp_path).stdout)
    assert (found["outlet"], found["title"]) == ("added", sample.title)
    article = documents(cards, "articles")[found["article"]]
    assert (article["country"], article["kind"]) == ("xx", "news")


def test_hosts_tell_outlets(sites) -> None:
    outlets = load_outlets(sites.outlets_dir).outlets
    for outlet in outlets:
        assert outlet_of(f"{sites.base[outlet.id]}/any/page?x=1", outlets) is outlet
    assert outlet_of("https://www.example.org/", outlets).id == "added"
    start = outlets[0].start.model_copy(update={"feeds": ("https://www.example.org/feed",)})
    known = outlets[0].model_copy(update={"start": start})
    for url in ("https://example.org/x", "http://www.Example.org./x"):
        assert outlet_of(url, [known]) is known
    assert outlet_of("https://example.org.evil.example/x", [known]).id == "added"
    with pytest.raises(FindError):
        outlet_of("example.org/x", [known])


def refused(sites: DemoSites) -> dict[str, str]:
    """Addresses that cannot be taken in, and what is said of each."""
    closed = next(site for site in sites.sites if site.disallow)
    video, site = next((one, site) for site in sites.sites for one in site.articles if one.video)
    base = next(iter(sites.base.values()))
    return {
        f"{sites.base[closed.id]}{closed.disallow[0].rstrip('*')}some-page": "robots.txt of",
        f"{base}/no/such/page": "there is no such page (HTTP 404)",
        sites.base[site.id] + site.address(video): "no article was found on the page",
        "http://169.254.169.254/latest/meta-data/": "not on the open internet",
        "http://127.0.2.250:49151/page": "cannot be reached",
        "ftp://example.org/page": "is no http or https address",
        "just-words": "is no http or https address",
    }


@pytest.mark.parametrize("number", range(7))
def test_what_cannot_be_taken_in_is_one_line(add, cards, sites, number) -> None:
    url, said = list(refused(sites).items())[number]
    done = add(url, check=False)
    assert done.returncode == 1, done.stdout
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("narrawatch:")]
    assert said in line
    assert url.split("/", 3)[-1] in line
    assert "Traceback" not in done.stderr


def test_an_unknown_card_is_told_before_anything_is_fetched(add, sites) -> None:
    url, site, _ = page(sites, "unrelated", 5)
    before = sites.requests[site.id].total()
    done = add(url, "--narrative", "no-such-card", check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "no-such-card" in done.stderr
    assert add(url, "--note", "why", check=False).returncode == 2
    assert sites.requests[site.id].total() == before


def test_without_cards_the_page_is_taken_in_all_the_same(cluster, narrawatch, sites) -> None:
    url, _, sample = page(sites, "repeats")
    done = narrawatch("add", url, "--outlets", sites.outlets_dir)
    assert f"Taken in: {sample.title}" in done.stdout
    assert "no narratives yet" in done.stdout


class _Moved(BaseHTTPRequestHandler):
    target = ""

    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/robots.txt" else 302)
        self.send_header("Location", self.target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


def test_a_redirect_leads_to_the_article_at_its_end(add, sites) -> None:
    url, _, sample = page(sites, "reports")
    _Moved.target = url
    with ThreadingHTTPServer(("127.0.2.201", 0), _Moved) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        short = f"http://127.0.2.201:{server.server_address[1]}/s/1"
        found = json.loads(add(short, "--json").stdout)
        again = json.loads(add(short, "--json").stdout)
        server.shutdown()
        thread.join()
    assert (found["title"], found["url"]) == (sample.title, url)
    assert (again["article"], again["fetched"]) == (found["article"], False)


def test_a_broken_outlet_folder_is_one_line(shared_narrawatch, cards, tmp_path: Path) -> None:
    (tmp_path / "x.yml").write_text(yaml.safe_dump({"id": "x"}))
    done = shared_narrawatch("add", "https://example.invalid/x", "--outlets", tmp_path / "none", check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)

"""From WARC files to articles: outcomes, versions, dead letters, damage."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from crawlers.address import url_id
from crawlers.capture import Capture
from crawlers.known import Known
from crawlers.warc import WarcFile
from index_config.cluster import Cluster
from processing.article import Article, Extracted, Language
from processing.extract import Rejected
from processing.store import ArticleStore

PARAGRAPH = "The harbour office said on Monday that the ferry to the outer islands will run twice a day until spring. "


def page(title: str, text: str = PARAGRAPH * 4) -> bytes:
    return f"<!doctype html><html lang=en><head><title>{title}</title></head><body><article><h1>{title}</h1><p>{text}</p></article></body></html>".encode()


def capture(path: str, body: bytes, fetched: str = "2026-11-23T06:00:00Z", run: str = "r1") -> Capture:
    url = f"https://example.org/{path}"
    return Capture(
        outlet="daily",
        run=run,
        url=url,
        requested_url=url,
        fetched=fetched,
        status=200,
        content_type="text/html",
        body=body,
    )


def warc(home: Path, *captures: Capture) -> Path:
    file = WarcFile(home / "warc" / "daily", captures[0].run, "test")
    for one in captures:
        file.write(one, [("Content-Type", "text/html; charset=utf-8")], None)
    path = file.close()
    assert path is not None
    return path


def documents(cluster: Cluster, alias: str) -> dict[str, dict]:
    cluster.client.indices.refresh(index=cluster.name(alias))
    return {
        hit["_id"]: hit["_source"] for hit in cluster.client.search(index=cluster.name(alias), size=100)["hits"]["hits"]
    }


def test_every_capture_has_an_outcome(cluster, settings, narrawatch) -> None:
    warc(
        settings.home,
        capture("a", page("Ferries sail again")),
        capture("b", b"<html><body><div>Log in to read this.</div></body></html>"),
        capture("c", b"\x89PNG\r\n\x1a\n" + bytes(500)),
        capture("a", page("Ferries sail again")),
    )
    narrawatch("process")
    (account,) = documents(cluster, "crawls").values()
    counts = {name: count for name, count in account["processing"].items() if count}
    assert sum(counts.values()) == 4
    assert counts["indexed"] == counts["unchanged"] == 1
    (article,) = documents(cluster, "articles").values()
    assert article["language"] == "en"
    assert article["warc"]["file"] == "daily/r1-1.warc.gz"
    states = {row["url"][-1]: row["state"] for row in documents(cluster, "urls").values()}
    assert states["a"] == "indexed"
    assert states["b"] in {"no_text", "too_short"}
    assert all(
        row["next_visit"] > "2026-11-29" for row in documents(cluster, "urls").values() if row["state"] != "indexed"
    )
    assert "0 WARC files" in narrawatch("process").stdout or not narrawatch("process").stdout, "nothing waits any more"


def test_an_edit_keeps_the_earlier_wording(cluster, settings, narrawatch) -> None:
    warc(settings.home, capture("a", page("First title"), "2026-11-23T06:00:00Z"))
    narrawatch("process")
    later = warc(settings.home, capture("a", page("Second title"), "2026-11-23T09:00:00Z", run="r2"))
    narrawatch("process")
    (article,) = documents(cluster, "articles").values()
    assert (article["title"], article["first_seen"]) == ("Second title", "2026-11-23T06:00:00Z")
    (version,) = documents(cluster, "article-versions").values()
    assert version["title"] == "First title"
    narrawatch("process", later.with_name("r1-1.warc.gz"))
    assert documents(cluster, "articles")[url_id("https://example.org/a")] == article, "an older file never wins"


def test_damaged_file_is_named_and_the_rest_is_processed(cluster, settings, narrawatch) -> None:
    damaged = warc(settings.home, capture("a", page("Ferries sail again")), capture("b", page("Bakery moves")))
    body = damaged.read_bytes()
    damaged.write_bytes(body[: len(body) - 300] + b"#" * 300)
    warc(settings.home, capture("c", page("Library opens"), run="r2"))
    done = narrawatch("process", check=False)
    assert done.returncode == 3
    assert str(damaged) in done.stderr
    assert {row["title"] for row in documents(cluster, "articles").values()} == {"Ferries sail again", "Library opens"}


def article(path: str, **changes: object) -> Article:
    fields = {"title": "A title", "text": PARAGRAPH * 3} | changes
    url = f"https://example.org/{path}"
    return Article(
        id=url_id(url),
        url=url,
        urls=(url,),
        outlet="daily",
        country="xx",
        kind="news",
        page=Extracted(**fields),  # type: ignore[arg-type]
        language=Language("en", 1.0),
        fetched="2026-11-23T06:00:00Z",
        run="r1",
        warc="daily/r1-1.warc.gz",
        offset=1,
    )


def test_refused_documents_become_dead_letters_and_can_be_replayed(cluster, settings, narrawatch) -> None:
    """Elasticsearch refuses a date that is none; the other articles go in, and the refused one waits to be mended."""
    bad, good = article("bad", published="the day before yesterday"), article("good")
    captures = {one.id: replace(capture(one.url[20:], b""), file="daily/r1-1.warc.gz", offset=1) for one in (bad, good)}
    store = ArticleStore(cluster, settings.dead_letter)
    outcomes = store.write([(captures[one.id], one) for one in (bad, good)])
    assert outcomes == ["dead_letter", "indexed"]
    assert store.write([(captures[bad.id], bad)]) == ["dead_letter"]
    (letter,) = settings.dead_letter.iterdir()
    assert Known(cluster).look_up([bad.id])[bad.id].state == "dead_letter"
    refused = narrawatch("process", "--retry-dead", check=False)
    assert refused.returncode == 3
    assert str(letter) in refused.stderr
    content = json.loads(letter.read_text())
    content["document"]["published"] = "2026-11-22"
    letter.write_text(json.dumps(content))
    assert narrawatch("process", "--retry-dead").stdout.startswith("1 dead letters went in, 0 remain")
    assert documents(cluster, "articles").keys() == {bad.id, good.id}
    assert Known(cluster).look_up([bad.id])[bad.id].state == "indexed"
    assert not list(settings.dead_letter.iterdir())


def test_a_page_is_fetched_again_only_when_its_time_has_come(cluster, settings) -> None:
    one = replace(capture("video", b""), file="daily/r1-1.warc.gz", offset=1)
    ArticleStore(cluster, settings.dead_letter).write([(one, Rejected("no_text", ""))])
    record = Known(cluster).look_up([one.id])[one.id]
    assert not record.due("2026-11-24T00:00:00Z")
    assert record.due("2026-12-01T00:00:00Z")


@pytest.mark.parametrize("command", ["crawl", "run"])
def test_full_disk(command, cluster, settings, environ, narrawatch, tmp_path) -> None:
    """A file-size limit of the kernel stands in for the full disk: one line, counted outcomes, and the next run finishes."""
    import datetime as dt
    import resource

    from narrawatch.demo.server import DemoSites

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000))

    (settings.home / "logs").mkdir(parents=True)
    (settings.home / "logs" / "run-full.log").symlink_to("/dev/null")
    with DemoSites(now=dt.datetime.now(dt.UTC)) as sites:
        done = narrawatch(
            command, "rubezh_inform", "--outlets", sites.outlets_dir, "--run-id", "full", check=False, preexec_fn=limit
        )
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert "cannot write" in line
        assert "NARRAWATCH_HOME" in line
        (account,) = documents(cluster, "crawls").values()
        assert account["status"] == "interrupted"
        assert account["fetch"]["warc_failed"] >= 1
        assert sum(account["fetch"].values()) == account["discovered"] == 7
        narrawatch("run", "rubezh_inform", "--outlets", sites.outlets_dir)
    assert len(documents(cluster, "articles")) == 6

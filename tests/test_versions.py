"""The wordings of an article: the same documents in whatever order its captures become known, and however often."""

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crawlers.address import url_id
from crawlers.capture import Capture
from crawlers.known import Known, UrlRecord
from index_config.cluster import Cluster
from processing import versions
from processing.article import Article, Extracted, Language
from processing.changes import MOST, Change, diff, write
from processing.extract import Rejected
from processing.outcomes import ProcessingOutcome
from processing.store import ArticleStore, Result, Vanished

URL = "https://example.org/ferry"
NAME = url_id(URL)
FERRY = "The harbour office said on Monday that the ferry will run {} a day until spring. Farmers had asked for it."


def captured(hour: int, said: str | None, *, status: int = 200, title: str = "Ferry") -> tuple[Capture, Result]:
    """What a visit at this hour found: a wording, or (None) that the article was gone."""
    capture = Capture(
        outlet="daily",
        run=f"r{hour}",
        url=URL,
        requested_url=URL,
        fetched=f"2026-11-23T{hour:02}:00:00Z",
        status=status,
        content_type="text/html",
        body=b"",
        file=f"daily/r{hour}-1.warc.gz",
        offset=hour * 1000,
    )
    if said is None:
        return replace(capture, status=404), Vanished()
    article = Article(
        id=NAME,
        url=URL,
        urls=(URL,),
        outlet="daily",
        country="gb",
        kind="news",
        page=Extracted(title=title, text=FERRY.format(said), updated=f"2026-11-23T{hour:02}:00:00+00:00"),
        language=Language("en", 1.0),
        fetched=capture.fetched,
        run=capture.run,
        warc=capture.file,
        offset=capture.offset,
    )
    return capture, article


STORIES: dict[str, list[str | None]] = {
    "changed": ["twice", "twice", "thrice"],
    "changed and changed back": ["twice", "thrice", "twice"],
    "vanished": ["twice", "thrice", None, None],
    "vanished and came back": ["twice", None, "twice"],
    "vanished and came back otherwise": ["twice", None, "thrice"],
}
EXPECTED = {
    # versions, changed at, withdrawn at, current wording and the earliest capture of it
    "changed": (2, 8, None, "thrice", 8),
    "changed and changed back": (2, 8, None, "twice", 6),
    "vanished": (2, 7, 8, "thrice", 7),
    "vanished and came back": (1, None, None, "twice", 6),
    "vanished and came back otherwise": (2, 8, None, "thrice", 8),
}


@pytest.fixture
def store(cluster: Cluster, tmp_path: Path) -> ArticleStore:
    return ArticleStore(cluster, tmp_path / "dead")


def documents(cluster: Cluster, alias: str) -> dict[str, dict[str, Any]]:
    cluster.client.indices.refresh(index=cluster.name(alias))
    hits = cluster.client.search(index=cluster.name(alias), size=100)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def state(cluster: Cluster) -> list[dict[str, dict[str, Any]]]:
    return [documents(cluster, alias) for alias in ("articles", "article-versions")]


@pytest.mark.parametrize("name", STORIES)
def test_any_order_ends_the_same(name: str, cluster: Cluster, store: ArticleStore) -> None:
    looks = [captured(6 + number, said) for number, said in enumerate(STORIES[name])]
    states = []
    indices = [cluster.name(alias) for alias in ("articles", "article-versions", "urls")]
    for order in itertools.permutations(looks):
        cluster.client.indices.refresh(index=indices)
        cluster.client.delete_by_query(index=indices, query={"match_all": {}}, refresh=True)
        for look in order:
            store.write([look])
        store.write([order[0]])
        states.append(state(cluster))
    assert all(one == states[0] for one in states)
    count, changed, withdrawn, said, first = EXPECTED[name]
    ((key, article),) = states[0][0].items()
    assert key == NAME
    assert article["versions"] == count == 1 + len(states[0][1])
    assert article.get("changed_at") == (changed and f"2026-11-23T{changed:02}:00:00Z")
    assert article.get("withdrawn_at") == (withdrawn and f"2026-11-23T{withdrawn:02}:00:00Z")
    assert bool(article.get("withdrawn")) is bool(withdrawn)
    assert article["text"] == {"en": FERRY.format(said)}
    assert (article["first_seen"], article["fetched"]) == ("2026-11-23T06:00:00Z", f"2026-11-23T{first:02}:00:00Z")


def test_outcomes_and_news_of_captures_as_they_come(cluster: Cluster, store: ArticleStore) -> None:
    looks = [
        captured(6 + number, said) for number, said in enumerate(["twice", "twice", None, None, "thrice", "twice"])
    ]
    news: list[Change] = []
    outcomes = store.write(looks, lambda _capture, change: news.append(change))
    assert outcomes == ["indexed", "unchanged", "withdrawn", "withdrawn", "indexed", "indexed"]
    assert [(one.event, one.at[11:13]) for one in news] == [
        ("withdrawn", "08"),
        ("returned", "10"),
        ("changed", "10"),
        ("changed", "11"),
    ]
    again: list[Change] = []
    assert store.write(looks, lambda _capture, change: again.append(change)) == outcomes
    assert again == news


def test_a_change_has_the_article_matched_anew(cluster: Cluster, store: ArticleStore) -> None:
    store.write([captured(6, "twice")])
    stamp = {"matched_generation": 3, "matched": "2026-11-23T06:30:00Z"}
    cluster.client.update(index=cluster.name("articles"), id=NAME, doc=stamp)
    store.write([captured(7, "twice")])
    assert documents(cluster, "articles")[NAME]["matched_generation"] == 3
    store.write([captured(5, "once")])
    assert documents(cluster, "articles")[NAME]["matched_generation"] == 3, "an older wording changes nothing"
    store.write([captured(8, None)])
    assert documents(cluster, "articles")[NAME]["matched_generation"] == 3
    store.write([captured(9, "thrice")])
    assert "matched_generation" not in documents(cluster, "articles")[NAME]
    assert not [row for row in documents(cluster, "article-versions").values() if "matched_generation" in row]


def test_a_better_reading_of_the_same_capture_is_no_change(cluster: Cluster, store: ArticleStore) -> None:
    """The extraction gets better, and old files are processed again."""
    store.write([captured(6, "twice"), captured(7, "thrice")])
    assert store.write([captured(7, "thrice", title="Ferry runs")]) == ["indexed"]
    (article,) = documents(cluster, "articles").values()
    assert (article["title"], article["versions"], len(article["history"])) == ("Ferry runs", 2, 2)
    store.write([captured(6, "twice", title="Ferry ran")])
    assert [row["title"] for row in documents(cluster, "article-versions").values()] == ["Ferry ran"]
    assert documents(cluster, "articles")[NAME]["title"] == "Ferry runs"


def test_an_article_from_before_there_were_histories(cluster: Cluster, store: ArticleStore) -> None:
    store.write([captured(6, "twice")])
    (article,) = documents(cluster, "articles").values()
    bare = {name: value for name, value in article.items() if name not in {"history", "versions"}}
    cluster.client.index(index=cluster.name("articles"), id=NAME, document=bare, refresh=True)
    store.write([captured(7, "thrice")])
    (article,) = documents(cluster, "articles").values()
    assert ([one["at"][11:13] for one in article["history"]], article["versions"]) == (["06", "07"], 2)


def test_a_page_that_lost_its_text_stays_the_article_it_was(cluster: Cluster, store: ArticleStore) -> None:
    """It went behind a paywall, say: the article stays, and so do the visits."""
    store.write([captured(6, "twice")])
    capture, _ = captured(7, "")
    assert store.write([(capture, Rejected(ProcessingOutcome.TOO_SHORT, "9 letters"))]) == ["too_short"]
    record = Known(cluster).look_up([NAME])[NAME]
    assert (record.state, record.quiet, record.next_visit) == ("indexed", 1, "2026-11-23T12:00:00Z")
    assert documents(cluster, "articles")[NAME]["text"] == {"en": FERRY.format("twice")}


def test_a_dead_letter_replayed_late_does_not_win(cluster: Cluster, store: ArticleStore) -> None:
    capture, article = captured(6, "twice")
    assert isinstance(article, Article)
    bad = replace(article, page=replace(article.page, published="no date"))
    assert store.write([(capture, bad)]) == ["dead_letter"]
    store.write([captured(7, "thrice")])
    (letter,) = store.dead_letter.iterdir()
    content = json.loads(letter.read_text())
    content["document"]["published"] = "2026-11-22"
    letter.write_text(json.dumps(content))
    assert [reason for _, reason in store.retry_dead()] == [None]
    (article_now,) = documents(cluster, "articles").values()
    assert (article_now["text"], article_now["versions"]) == ({"en": FERRY.format("thrice")}, 2)
    assert article_now["first_seen"] == "2026-11-23T06:00:00Z"
    assert [row["published"] for row in documents(cluster, "article-versions").values()] == ["2026-11-22"]


@pytest.mark.parametrize(
    ("quiet", "state", "outcome"),
    [(0, "captured", "thrice"), (2, "captured", "twice"), (1, "indexed", "twice")],
    ids=["changed", "same text", "processed before"],
)
def test_the_schedule_learns_what_processing_found(
    quiet: int, state: str, outcome: str, cluster: Cluster, store: ArticleStore
) -> None:
    store.write([captured(6, "twice")])
    known = Known(cluster)
    first = known.look_up([NAME])[NAME]
    assert (first.quiet, first.next_visit) == (0, "2026-11-23T07:00:00Z")
    capture, article = captured(7, outcome)
    waiting = replace(first.captured(capture), quiet=1, state=state)
    known.remember([waiting])
    for _ in range(2):
        store.write([(capture, article)])
    record = known.look_up([NAME])[NAME]
    assert (record.state, record.quiet) == ("indexed", quiet)
    assert record.next_visit == ("2026-11-26T06:00:00Z" if quiet == 2 else "2026-11-23T12:00:00Z")


def test_an_older_capture_does_not_take_the_record_back(cluster: Cluster, store: ArticleStore) -> None:
    store.write([captured(9, "twice")])
    before = documents(cluster, "urls")
    store.write([captured(6, "once")])
    store.write([captured(7, None)])
    assert documents(cluster, "urls") == before


def test_diffs_are_short_and_say_what_changed() -> None:
    def document(title: str, text: str) -> dict[str, Any]:
        return {"title": title, "text": {"en": text}, "language": "en"}

    old = document("One", "It rains today. -- Nobody knows why. The end.")
    new = document("Two", "It rains today. Somebody knows why. The end.")
    assert diff(old, new).splitlines() == [
        *("-One", "+Two"),
        *("--- Nobody knows why.", "+Somebody knows why."),
    ]
    long = diff(document("", "A day in May. " * 9_000), document("", "A night in June. " * 9_000))
    assert len(long) == MOST
    assert diff(old, old) == ""


def test_the_companion_file_is_written_whole_and_goes_when_there_is_nothing_to_say(tmp_path: Path) -> None:
    warc = tmp_path / "r1-1.warc.gz"
    change = Change(article="a", url="u\udcff", event="withdrawn", at="2026", offset=7, status=404)
    write(warc, [replace(change, offset=9), change])
    (path,) = tmp_path.iterdir()
    assert [json.loads(line)["offset"] for line in path.read_text("utf-8").splitlines()] == [7, 9]
    write(warc, [])
    assert not list(tmp_path.iterdir())


def test_a_gone_article_that_is_not_stored_yet_waits_and_is_no_article(cluster: Cluster, store: ArticleStore) -> None:
    assert store.write([captured(8, None)]) == ["withdrawn"]
    assert documents(cluster, "articles") == {}
    store.write([captured(6, "twice")])
    assert documents(cluster, "articles")[NAME]["withdrawn_at"] == "2026-11-23T08:00:00Z"
    assert documents(cluster, "article-versions") == {}
    assert isinstance(Known(cluster).look_up([NAME])[NAME], UrlRecord)


def test_summary_of_nothing_special_is_short() -> None:
    seen = [versions.Sighting("2026-11-23T06:00:00Z", "daily/r1.warc.gz", 1, 200, "h")]
    assert versions.summary(seen).keys() == {"history", "versions"}


def test_a_flag_says_what_became_of_its_article(cluster: Cluster, store: ArticleStore, narrawatch) -> None:
    flag = {
        **dict.fromkeys(("article", "text_hash"), NAME),
        **dict.fromkeys(("narrative", "narrative_title", "outlet", "country", "kind", "level", "title"), "x"),
        **dict.fromkeys(("passage_start", "passage_end", "sentence_start", "sentence_end"), 0),
        **dict.fromkeys(("score", "semantic", "lexical"), 0.5),
        "url": URL,
        "language": "en",
        "passage": "x",
        "passage_kind": "lead",
    }
    store.write([captured(6, "twice")])
    cluster.client.index(index=cluster.name("flags"), id=f"{NAME}:x", document=flag, refresh=True)
    assert "Since then" not in narrawatch("flags", "show", NAME).stdout
    store.write([captured(7, "thrice"), captured(8, None)])
    shown = " ".join(narrawatch("flags", "show", NAME).stdout.split())
    assert "withdrawn: the page has been gone since 2026-11-23 08:00 UTC; its text is kept" in shown
    assert "edited 2026-11-23 07:00 UTC, 2 wordings seen; this flag is about an earlier one" in shown
    state = json.loads(narrawatch("flags", "show", NAME, "--json").stdout)["article_state"]
    assert (state["versions"], state["withdrawn"]) == (2, True)

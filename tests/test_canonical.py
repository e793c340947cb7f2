"""One article, many addresses: what is joined, what cannot be talked into it, and that the order of arrival is nothing."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crawlers.address import url_id
from crawlers.capture import Capture
from index_config import bulk
from index_config.cluster import Cluster
from processing.article import Article, Extracted, Language
from processing.extract import extract
from processing.joining import MOST_ADDRESSES, Page, addresses, canonical_id, join
from processing.store import ArticleStore

FERRY = (
    "The harbour office said on Monday that the ferry to the outer islands will run twice a day until spring. "
    "Farmers had asked for it since the bridge was closed; the council pays half of what it costs."
)
BAKERY = (
    "The old bakery in Mill Street moves to the station, where it will open at five in the morning for commuters. "
    "Its owner has looked for a larger place for years, and keeps the oven that her grandfather built."
)


def page(url: str, canonical: str | None = None, *, text: str = FERRY, seen: str = "06", **more: Any) -> Page:
    return Page(
        id=url_id(url),
        url=url,
        urls=more.pop("urls", frozenset({url})),
        text=text,
        fetched=f"2026-11-23T{seen}:00:00Z",
        first_seen=f"2026-11-23T{seen}:00:00Z",
        canonical=canonical_id(url, canonical),
        **more,
    )


A, B, C = "https://amp.example.org/a", "https://www.example.org/a", "https://m.example.org/a?x=1"
ELSEWHERE = "https://other.example/a"

CASES = {
    # name: pages as (url, canonical, further), and which are joined into which
    "the AMP page names the article, which names itself": ([page(A, B), page(B, B)], {A: B}),
    "and the mobile page, too": ([page(C, B), page(A, B), page(B, B)], {A: B, C: B}),
    "the article has an AMP page and names no address": ([page(A, B), page(B, amp=url_id(A))], {A: B}),
    "it names another page as its AMP version": ([page(A, B), page(B, amp=url_id(C))], {}),
    "the article says nothing": ([page(A, B), page(B)], {}),
    "the article names a third page": ([page(A, B), page(B, C)], {}),
    "each names the other": ([page(A, B), page(B, A)], {}),
    "each names the other, AMP versions of each other": (
        [page(A, B, amp=url_id(B)), page(B, A, amp=url_id(A))],
        {},
    ),
    "two that name a third we never saw: the first stays": ([page(A, C, seen="08"), page(B, C, seen="07")], {A: B}),
    "then the third comes": ([page(A, C, seen="08"), page(B, C, seen="07"), page(C, C, seen="09")], {A: C, B: C}),
    "a chain": ([page(A, B), page(B, C), page(C, C)], {A: C, B: C}),
    "another text": ([page(A, B, text=BAKERY), page(B, B)], {}),
    "an edited text": ([page(A, B, text=FERRY.replace("twice", "three times")), page(B, B)], {A: B}),
    "a part of it only, as of a live blog": ([page(A, B, text=FERRY[:60]), page(B, B, text=FERRY)], {}),
    "on another site": ([page(A, ELSEWHERE), page(ELSEWHERE, ELSEWHERE)], {}),
    "two customers of one host": (
        [
            page("https://one.blogspot.com/a", "https://two.blogspot.com/a"),
            page("https://two.blogspot.com/a", "https://two.blogspot.com/a"),
        ],
        {},
    ),
    "the home page for everything": ([page(A, "https://example.org/"), page(B, "https://example.org/")], {}),
    "one address for all pages of a site, texts differ": ([page(A, C), page(B, C, text=BAKERY)], {}),
    "redirected from where it was": ([page(A, A), page(B, B, urls=frozenset({A, B}))], {A: B}),
    "redirected, but it is another text": ([page(A, A), page(B, B, urls=frozenset({A, B}), text=BAKERY)], {}),
    "names the address it was redirected from": (
        [page(B, A, urls=frozenset({A, B})), page(C, A)],
        {C: B},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_joined_in_any_order(name: str) -> None:
    pages, expected = CASES[name]
    for order in itertools.permutations(pages):
        assert join(order) == {url_id(one): url_id(two) for one, two in expected.items()}


def test_any_order_of_many_that_name_each_other_at_random() -> None:
    import random

    dice = random.Random(5)
    urls = [f"https://example.org/{number}" for number in range(8)]
    joined = 0
    for _ in range(200):
        pages = [page(url, dice.choice([*urls, None]), seen=f"{dice.randrange(24):02d}") for url in urls]
        outcomes = {tuple(sorted(join(dice.sample(pages, len(pages))).items())) for _ in range(5)}
        assert len(outcomes) == 1
        (into,) = outcomes
        assert not {head for _, head in into} & {other for other, _ in into}
        joined += len(into)
    assert joined > 300


@pytest.mark.parametrize(
    ("url", "canonical", "same"),
    [
        (A, B, True),
        (A, "https://example.org/a#top", True),
        (A, "https://example.org", False),
        (A, "https://example.org/?p=7", True),
        (A, ELSEWHERE, False),
        ("https://a.github.io/x", "https://b.github.io/x", False),
        ("http://127.0.1.1:80/x", "http://127.0.1.2:80/x", False),
        (A, "https://user@example.org/a", False),
        (A, f"https://example.org/{'a' * 3000}", False),
        (A, None, False),
    ],
)
def test_which_claims_count(url: str, canonical: str | None, same: bool) -> None:
    assert (canonical_id(url, canonical) is not None) is same


def test_addresses_have_a_limit_and_the_own_one_is_always_among_them() -> None:
    listed = addresses("https://z.example/", (f"https://a.example/{number}" for number in range(1000)))
    assert len(listed) == MOST_ADDRESSES
    assert "https://z.example/" in listed


def test_the_amp_address_is_read_from_the_page() -> None:
    html = f'<html><head><link rel=amphtml href="/amp/a"><link rel=canonical href="/a"></head><body><article><p>{FERRY}</p></article></body></html>'
    found = extract(html.encode(), url="https://example.org/a?x=1")
    assert isinstance(found, Extracted)
    assert (found.amp_url, found.canonical_url) == ("https://example.org/amp/a", "https://example.org/a")


# ---- in Elasticsearch


def article(url: str, canonical: str | None, *, text: str = FERRY, seen: str = "06", title: str = "Ferry") -> Article:
    return Article(
        id=url_id(url),
        url=url,
        urls=(url,),
        outlet="daily",
        country="xx",
        kind="news",
        page=Extracted(title=title, text=text, canonical_url=canonical),
        language=Language("en", 1.0),
        fetched=f"2026-11-23T{seen}:00:00Z",
        run=f"r{seen}",
        warc=f"daily/r{seen}-1.warc.gz",
        offset=1,
    )


def captured(one: Article) -> tuple[Capture, Article]:
    capture = Capture(
        outlet="daily",
        run=one.run,
        url=one.url,
        requested_url=one.urls[0],
        fetched=one.fetched,
        status=200,
        content_type="text/html",
        body=b"",
        file=one.warc,
        offset=1,
    )
    return capture, one


@pytest.fixture
def cluster(shared_cluster: Cluster) -> Cluster:
    empty(shared_cluster)
    return shared_cluster


@pytest.fixture
def store(cluster: Cluster, tmp_path: Path) -> ArticleStore:
    return ArticleStore(cluster, tmp_path / "dead")


def documents(cluster: Cluster, alias: str) -> dict[str, dict[str, Any]]:
    cluster.client.indices.refresh(index=cluster.name(alias))
    hits = cluster.client.search(index=cluster.name(alias), size=100)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def empty(cluster: Cluster) -> None:
    indices = [cluster.name(alias) for alias in ("articles", "urls", "article-versions", "flags", "verdicts")]
    cluster.client.indices.refresh(index=indices)
    cluster.client.delete_by_query(index=indices, query={"match_all": {}}, refresh=True)


def leads_to(cluster: Cluster) -> dict[str, str | None]:
    return {row["url"]: row.get("article") for row in documents(cluster, "urls").values()}


def test_the_order_of_arrival_is_nothing(cluster: Cluster, store: ArticleStore) -> None:
    amp, own, mobile = article(A, B, seen="06"), article(B, B, seen="07"), article(C, B, seen="08")
    states = []
    for order in itertools.permutations([amp, own, mobile]):
        for one in order:
            store.write([captured(one)])
        states.append((documents(cluster, "articles"), leads_to(cluster)))
        empty(cluster)
    store.write([captured(one) for one in (mobile, amp, own)])  # all at once
    states.append((documents(cluster, "articles"), leads_to(cluster)))
    articles, urls = states[0]
    assert articles.keys() == {url_id(B)}
    assert articles[url_id(B)]["urls"] == sorted([A, B, C])
    assert articles[url_id(B)]["first_seen"] == "2026-11-23T06:00:00Z"
    assert urls == dict.fromkeys((A, B, C), url_id(B))
    assert all(state == states[0] for state in states)


def test_processing_again_changes_nothing(cluster: Cluster, store: ArticleStore) -> None:
    amp, own = captured(article(A, B, seen="06")), captured(article(B, B, seen="07"))
    assert store.write([amp]) == ["indexed"]
    assert store.write([own]) == ["indexed"]
    before = documents(cluster, "articles"), documents(cluster, "urls"), documents(cluster, "article-versions")
    assert store.write([amp, own, amp]) == ["joined", "indexed", "joined"], "as the captures ended the first time"
    assert (
        documents(cluster, "articles"),
        documents(cluster, "urls"),
        documents(cluster, "article-versions"),
    ) == before


def test_only_the_article_s_own_address_is_visited_again(cluster: Cluster, store: ArticleStore) -> None:
    store.write([captured(article(A, B, seen="06"))])
    store.write([captured(article(B, B, seen="07"))])
    store.write([captured(article(C, B, seen="08"))])
    visits = {row["url"]: row.get("next_visit") for row in documents(cluster, "urls").values()}
    assert visits.pop(B) is not None
    assert visits == {A: None, C: None}


def test_pages_that_name_an_address_we_never_saw(cluster: Cluster, store: ArticleStore) -> None:
    """Two parameters nobody knows, one article; then its own address comes, too."""
    one, two = "https://example.org/a?box=1", "https://example.org/a?box=2"
    store.write([captured(article(one, "https://example.org/a", seen="06"))])
    assert store.write([captured(article(two, "https://example.org/a", seen="07"))]) == ["joined"]
    assert documents(cluster, "articles").keys() == {url_id(one)}
    own = "https://example.org/a"
    store.write([captured(article(own, own, seen="08"))])
    (stored,) = documents(cluster, "articles").items()
    assert (stored[0], stored[1]["urls"]) == (url_id(own), [own, one, two])
    assert set(leads_to(cluster).values()) == {url_id(own)}


def test_nothing_is_swallowed(cluster: Cluster, store: ArticleStore) -> None:
    """A page names another article as its own, the home page, and one of another site; all stay."""
    victim = article(B, B)
    liars = [
        article("https://example.org/liar", B, text=BAKERY),
        article("https://example.org/home", "https://example.org/"),
        article("https://other.example/copy", B),
    ]
    store.write([captured(one) for one in (victim, *liars)])
    assert documents(cluster, "articles").keys() == {one.id for one in (victim, *liars)}
    assert documents(cluster, "articles")[victim.id]["urls"] == [B]
    foreign = documents(cluster, "articles")[liars[2].id]
    assert (foreign["canonical_url"], foreign.get("canonical_id")) == (B, None), "kept as a hint of syndication"


def test_an_address_that_shows_something_else_later_is_an_article_of_its_own(
    cluster: Cluster, store: ArticleStore
) -> None:
    store.write([captured(article(B, B, seen="06")), captured(article(A, B, seen="07"))])
    assert store.write([captured(article(A, B, seen="09", text=BAKERY))]) == ["indexed"]
    found = documents(cluster, "articles")
    assert (found[url_id(A)]["urls"], found[url_id(B)]["urls"]) == ([A], [B])
    assert leads_to(cluster) == {A: url_id(A), B: url_id(B)}


def test_a_moved_page_is_the_article_it_was(cluster: Cluster, store: ArticleStore) -> None:
    old, new = "https://example.org/old", "https://example.org/new"
    store.write([captured(article(old, old, seen="06"))])
    moved = replace(article(new, new, seen="09"), urls=(old, new))
    assert store.write([captured(moved)]) == ["indexed"]
    (stored,) = documents(cluster, "articles").values()
    assert (stored["url"], stored["urls"], stored["first_seen"]) == (new, [new, old], "2026-11-23T06:00:00Z")
    assert store.write([captured(article(old, old, seen="06"))]) == ["joined"], "processed again from the old file"


def flag(one: str, narrative: str, **more: Any) -> bulk.Action:
    body = {"article": one, "narrative": narrative, "title": "Ferry", "score": 0.9, "still_matched": True, **more}
    return bulk.Action("flags", f"{one}:{narrative}", body)


def test_decisions_on_what_is_joined_move_with_it(cluster: Cluster, store: ArticleStore) -> None:
    from review import verdicts

    store.write([captured(article(A, B))])
    flags = [flag(url_id(A), name) for name in ("card", "other")]
    bulk.write_all(cluster, flags, refresh=True)
    import datetime as dt

    verdicts.record(
        cluster,
        [f"{url_id(A)}:card"],
        "confirmed",
        analyst="Ada",
        note="seen",
        clock=lambda: dt.datetime(2026, 11, 23, tzinfo=dt.UTC),
    )
    for _ in range(2):  # the second time it is processed again
        store.write([captured(article(B, B)), captured(article(A, B))])
        (moved,) = documents(cluster, "flags").items()
        assert moved[0] == f"{url_id(B)}:card"
        assert (moved[1]["article"], moved[1]["verdict"], moved[1]["verdict_by"]) == (url_id(B), "confirmed", "Ada")
        (trail,) = verdicts.history(cluster, f"{url_id(B)}:card")
        assert (trail.note, trail.article) == ("seen", url_id(B))
        assert len(documents(cluster, "verdicts")) == 2, "and the old decision is still there"


def test_what_would_join_a_refused_article_stands_for_itself(cluster: Cluster, store: ArticleStore) -> None:
    bad = article(B, B)
    bad = replace(bad, page=replace(bad.page, published="the day before yesterday"))
    assert store.write([captured(bad), captured(article(A, B))]) == ["dead_letter", "indexed"]
    assert documents(cluster, "articles").keys() == {url_id(A)}

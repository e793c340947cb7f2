"""The spiders' part in discovery: what becomes of what a feed, a sitemap or a section page lists, and who reads it."""

import asyncio
import datetime as dt
import gzip
import os
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from scrapy.http import HtmlResponse, Response, XmlResponse

from crawlers.ledger import OutletRun
from crawlers.listed import LeftOut, Unreadable
from crawlers.period import Period
from crawlers.reader import Reader
from crawlers.spiders import sitemap
from crawlers.spiders.base import Found
from crawlers.spiders.outlets import OutletsSpider
from crawlers.unpack import BadEncoding, gunzip

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
NEWS = """<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc> https://example.org/new </loc><news:news><news:publication_date>2026-11-23T06:00:00Z</news:publication_date></news:news></url>
<url><loc>https://example.org/old</loc><lastmod>2026-10-01</lastmod></url>
<url><loc>/undated</loc><lastmod>yesterday</lastmod></url></urlset>"""
SITES = frozenset({"example.org"})


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


@pytest.fixture
def spider(reader: Reader) -> Callable[..., OutletsSpider]:
    def make(period: Period | None = None) -> OutletsSpider:
        spider = OutletsSpider(crawl=SimpleNamespace(clock=lambda: NOW, period=period, homes=frozenset()))
        spider.reader = reader
        return spider

    return make


@pytest.fixture
def run() -> OutletRun:
    start = SimpleNamespace(
        feeds=("https://example.org/feed.xml",),
        news_sitemaps=("https://www.example.org/news.xml",),
        sections=(SimpleNamespace(url="https://example.org/news", links="a"),),
        urls=["https://example.org/feed.xml", "https://www.example.org/news.xml", "https://example.org/news"],
    )
    return OutletRun(SimpleNamespace(id="daily", start=start), "r1", "2026-11-23T12:00:00Z")  # type: ignore[arg-type]


def listed(body: str | bytes, url: str = "https://example.org/news.xml", **options: Any) -> dict[str, Any]:
    body = body.encode() if isinstance(body, str) else body
    return {"response": XmlResponse(url, body=body), "depth": 1, "sites": SITES} | options


def read(spider: OutletsSpider, run: OutletRun, **options: Any) -> Found:
    return asyncio.run(spider.read_sitemap(run, **options))


def urls(found: Found) -> list[str]:
    return [entry.url for entry in found.pages]


def index(*addresses: str) -> str:
    return (
        f"<sitemapindex>{''.join(f'<sitemap><loc>{address}</loc></sitemap>' for address in addresses)}</sitemapindex>"
    )


def test_feed(spider, run) -> None:
    body = (
        b'<rss version="2.0"><channel><item><link>/a</link></item><item><title>no link</title></item></channel></rss>'
    )
    response = XmlResponse("https://example.org/feeds/all.xml", body=body, headers={"Content-Type": "text/xml"})
    found = asyncio.run(spider().read_feed(run, response))
    assert urls(found) == ["https://example.org/a"]
    assert found.left_out == {LeftOut.NO_LINK: 1}


def test_section_page(spider, run) -> None:
    html = '<base href="https://cdn.example.org/x/"><a class=s href="a">1</a><a class=s href="#top">2</a><a href="/no">5</a>'
    response = HtmlResponse("https://example.org/news", body=html.encode(), encoding="utf-8")
    found = asyncio.run(spider().read_listing(run, response, links="a.s"))
    assert urls(found) == ["https://cdn.example.org/x/a"]
    assert found.left_out == {LeftOut.NO_LINK: 1}
    with pytest.raises(Unreadable, match="no HTML page"):
        asyncio.run(spider().read_listing(run, Response("https://example.org/news", body=b"%PDF"), links="a"))


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_news_sitemap_lists_what_is_fresh(spider, run, pack) -> None:
    found = read(spider(), run, **listed(pack(NEWS.encode())))
    assert urls(found) == ["https://example.org/new", "https://example.org/undated"]
    assert found.left_out == {LeftOut.OUTSIDE: 1}


def test_sitemap_index_is_followed_newest_first_and_not_for_ever(spider, run) -> None:
    body = "<sitemapindex>{}</sitemapindex>".format(
        "".join(f"<sitemap><loc>/{n}.xml</loc><lastmod>2026-11-{n:02d}</lastmod></sitemap>" for n in (17, 22, 20, 1))
    )
    found = read(spider(), run, **listed(body))
    assert [request.url[20:] for request in found.starts] == ["22.xml", "20.xml", "17.xml"]
    assert run.open == 3
    assert {request.cb_kwargs["depth"] for request in found.starts} == {2}
    deepest = read(spider(), run, **listed(body, depth=sitemap.NEWS.depth))
    assert not deepest.starts
    assert deepest.left_out == {LeftOut.OVER_LIMIT: 3, LeftOut.OUTSIDE: 1}


def test_an_index_that_lists_itself_ends(spider, run) -> None:
    ours = spider()
    (start,) = [request for request in ours.starts(run) if request.meta["platform"] == "sitemap"]
    body = index(start.url, f"{start.url}#again", "/b.xml", "/b.xml?", "file:///etc/passwd", "javascript:alert(1)")
    found = read(ours, run, **listed(body, url=start.url))
    assert [request.url for request in found.starts] == ["https://www.example.org/b.xml"]
    assert found.left_out == {LeftOut.REPEATED: 3, LeftOut.OFF_SITE: 2}
    again = read(ours, run, **listed(index(start.url), url="https://www.example.org/b.xml", depth=2))
    assert not again.starts


def test_sitemaps_of_an_outlet_are_limited_in_number(spider, run) -> None:
    many = index(*(f"/{number}.xml" for number in range(200)))
    found = read(spider(), run, **listed(many))
    assert len(found.starts) == sitemap.NEWS.sitemaps
    assert found.left_out == {LeftOut.OVER_LIMIT: 200 - sitemap.NEWS.sitemaps}


def test_a_sitemap_speaks_for_its_own_site(spider, run) -> None:
    pages = [
        "https://m.example.org/a",
        "https://other.example/b",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
    ]
    body = f"<urlset>{''.join(f'<url><loc>{page}</loc></url>' for page in pages)}</urlset>"
    found = read(spider(), run, **listed(body))
    assert urls(found) == ["https://m.example.org/a", "file:///etc/passwd"], "the last is no address, and ends as that"
    assert run.outcomes == {"off_site": 2}
    assert found.left_out == {LeftOut.OFF_SITE: 2}
    children = read(spider(), run, **listed(index("https://other.example/s.xml", "http://169.254.169.254/s.xml")))
    assert not children.starts
    assert children.left_out == {LeftOut.OFF_SITE: 2}


def test_a_named_sitemap_may_stand_elsewhere_and_one_listed_may_not(spider, run) -> None:
    body = "<urlset><url><loc>https://cdn.example/a</loc></url><url><loc>https://example.org/b</loc></url></urlset>"
    first = read(spider(), run, **listed(body, url="https://cdn.example/news.xml"))
    assert urls(first) == ["https://cdn.example/a", "https://example.org/b"]
    second = read(spider(), run, **listed(body, url="https://cdn.example/news.xml", depth=2))
    assert urls(second) == ["https://example.org/b"]


def test_starts(spider, run) -> None:
    starts = [(request.meta["platform"], request.url) for request in spider().starts(run)]
    assert starts == [
        ("listing", "https://example.org/news"),
        ("sitemap", "https://www.example.org/news.xml"),
        ("feed", "https://example.org/feed.xml"),
    ]


def test_starts_of_a_backfill(spider, run) -> None:
    period = Period(NOW - dt.timedelta(days=30), NOW)
    starts = [(request.meta["platform"], request.url) for request in spider(period).starts(run)]
    assert starts == [
        ("robots", "https://example.org/robots.txt"),
        ("sitemap", "https://example.org/sitemap.xml"),
        ("robots", "https://www.example.org/robots.txt"),
        ("sitemap", "https://www.example.org/sitemap.xml"),
        ("sitemap", "https://www.example.org/news.xml"),
    ]


def test_sitemaps_that_robots_names(spider, run) -> None:
    body = b"Sitemap: /a.xml\nSitemap: https://cdn.example/b.xml\nSitemap: mailto:x\nSitemap: /a.xml#x"
    response = Response("https://example.org/robots.txt", body=body)
    found = asyncio.run(spider().read_robots(run, response, sites=SITES))
    assert [request.url for request in found.starts] == ["https://example.org/a.xml", "https://cdn.example/b.xml"]
    assert found.left_out == {LeftOut.NO_LINK: 1}


@pytest.mark.parametrize(
    ("task", "argument", "reason"),
    [(bytearray, 2**32, "memory"), (os._exit, 3, "crashed"), (time.sleep, 3600, "more than 1 s")],
)
def test_what_a_document_does_to_its_parser_ends_with_it(monkeypatch, task, argument, reason) -> None:
    monkeypatch.setattr("crawlers.reader.SECONDS", 1.0)
    reader = Reader()
    try:
        with pytest.raises(Unreadable, match=reason):
            asyncio.run(reader.read(task, argument))
        assert asyncio.run(reader.read(sum, (1, 2))) == 3, "the next document is read"
        with pytest.raises(BadEncoding, match="cut short"):
            asyncio.run(reader.read(gunzip, b"x", 10))
        with pytest.raises(Unreadable, match="ZeroDivisionError"):
            asyncio.run(reader.read(divmod, 1, 0))
    finally:
        reader.close()

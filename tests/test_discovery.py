"""Feeds, sitemaps and section pages: which addresses are read from them, and what they cannot do to us."""

import datetime as dt
from types import SimpleNamespace

import pytest
from scrapy.http import HtmlResponse, Response, XmlResponse

from crawlers.spiders import sitemap
from crawlers.spiders.feed import MAX_ITEMS, feed_links
from crawlers.spiders.listing import ListingSpider
from crawlers.spiders.outlets import OutletsSpider
from crawlers.spiders.sitemap import entries

BASE = "https://example.org/feeds/all.xml"
RSS = '<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{}</channel></rss>'
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def test_rss_atom_rdf() -> None:
    rss = RSS.format(
        "<item><link>https://example.org/a</link></item><item><title>no link</title></item><item><link> /b </link></item>"
    )
    assert feed_links(rss.encode(), BASE) == ["https://example.org/a", "https://example.org/b"]
    atom = (
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><link rel="self" href="/s"/><link href="c"/></entry></feed>'
    )
    assert feed_links(atom.encode(), BASE) == ["https://example.org/feeds/c"]
    rdf = (
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        '<item rdf:about="https://example.org/d"><link>https://example.org/d</link></item></rdf:RDF>'
    )
    assert feed_links(rdf.encode(), BASE) == ["https://example.org/d"]


def test_a_broken_feed_gives_what_can_be_read() -> None:
    whole = RSS.format("<item><link>https://example.org/a</link></item>" * 3).encode()
    assert feed_links(whole[: len(whole) - 60], BASE)[:2] == ["https://example.org/a"] * 2


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>404</body></html>", b"\x00\xff" * 50, b"/etc/passwd", b"http://127.0.0.1/"]
)
def test_no_feed(body: bytes) -> None:
    """A body that happens to be a file's name or an address is never opened."""
    with pytest.raises(ValueError, match=r".*"):
        feed_links(body, BASE)


def test_entities_are_not_expanded_or_fetched() -> None:
    external = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + RSS[21:].format(
        "<item><title>&x;</title><link>https://example.org/a</link></item>"
    )
    assert feed_links(external.encode(), BASE) == ["https://example.org/a"]
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))
    bomb = f"<!DOCTYPE u [{laughs}]><urlset><url><loc>https://example.org/&l9;</loc></url></urlset>"
    assert all(len(entry.loc) < 1000 for entry in entries(bomb.encode()))


def test_a_feed_has_its_limit() -> None:
    many = RSS.format("<item><link>https://example.org/a</link></item>" * (MAX_ITEMS + 5))
    assert len(feed_links(many.encode(), BASE)) == MAX_ITEMS


NEWS = """<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc> https://example.org/new </loc><news:news><news:publication_date>2026-11-23T06:00:00Z</news:publication_date></news:news></url>
<url><loc>https://example.org/old</loc><lastmod>2026-10-01</lastmod></url>
<url><loc>/undated</loc><lastmod>yesterday</lastmod></url>
<url><lastmod>2026-11-23</lastmod></url></urlset>"""


def crawl() -> SimpleNamespace:
    return SimpleNamespace(clock=lambda: NOW)


def run() -> SimpleNamespace:
    return SimpleNamespace(open=0, outlet=SimpleNamespace(id="daily"))


def test_news_sitemap_lists_what_is_fresh() -> None:
    spider = OutletsSpider(crawl=crawl())
    response = XmlResponse("https://example.org/news.xml", body=NEWS.encode())
    assert list(spider.read_sitemap(run(), response, depth=1)) == [
        "https://example.org/new",
        "https://example.org/undated",
    ]


def test_sitemap_index_is_followed_newest_first_and_not_for_ever() -> None:
    index = "<sitemapindex>{}</sitemapindex>".format(
        "".join(f"<sitemap><loc>/{n}.xml</loc><lastmod>2026-11-{n:02d}</lastmod></sitemap>" for n in (17, 22, 20, 1))
    )
    spider, account = OutletsSpider(crawl=crawl()), run()
    response = Response("https://example.org/index.xml", body=index.encode())
    requests = list(spider.read_sitemap(account, response, depth=1))
    assert [request.url[20:] for request in requests] == ["22.xml", "20.xml", "17.xml"]
    assert account.open == 3
    assert not list(spider.read_sitemap(run(), response, depth=sitemap.MAX_DEPTH))


def test_packed_sitemap() -> None:
    import gzip

    response = Response("https://example.org/news.xml.gz", body=gzip.compress(NEWS.encode()))
    assert len(list(OutletsSpider(crawl=crawl()).read_sitemap(run(), response, depth=1))) == 2


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"no xml at all"])
def test_no_sitemap(body: bytes) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        entries(body)


def test_section_page() -> None:
    html = (
        '<base href="https://cdn.example.org/x/"><a class=s href="a">1</a><a class=s href="#top">2</a>'
        '<a class=s href="javascript:x()">3</a><a class=s>4</a><a href="/no">5</a>'
    )
    spider = ListingSpider(crawl=crawl())
    response = HtmlResponse("https://example.org/news", body=html.encode(), encoding="utf-8")
    assert spider.read_listing(run(), response, links="a.s") == ["https://cdn.example.org/x/a"]
    with pytest.raises(ValueError, match="no HTML page"):
        spider.read_listing(run(), Response("https://example.org/news", body=b"%PDF"), links="a")

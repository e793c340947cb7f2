"""Sitemaps in every form, for news and for a backfill; section pages; days in addresses; whose site an address is of."""

import datetime as dt
import gzip

import pytest

from crawlers import sections, sitemaps
from crawlers.limits import TooBig
from crawlers.listed import LeftOut, Listed, Unreadable
from crawlers.period import Period, PeriodError, named_in, period
from crawlers.site import site
from crawlers.sitemaps import named_by_robots
from crawlers.unpack import BadEncoding
from crawlers.wanted import Wanted

URL = "https://example.org/news.xml"
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
NEWS = Wanted(NOW - dt.timedelta(days=7))
JANUARY = period(dt.date(2026, 1, 1), dt.date(2026, 1, 31), NOW.date())
BACKFILL = Wanted(NOW, JANUARY)


def read(body: str | bytes, wanted: Wanted = NEWS, *, url: str = URL, pages: int = 1000, maps: int = 50) -> Listed:
    body = body.encode() if isinstance(body, str) else body
    return sitemaps.read(body, url, "application/xml", wanted, pages=pages, sitemaps=maps)


def urls(listed: Listed) -> list[str]:
    return [entry.url.removeprefix("https://example.org/") for entry in listed.pages]


def maps(listed: Listed) -> list[str]:
    return [entry.url.removeprefix("https://example.org/") for entry in listed.sitemaps]


def urlset(*entries: tuple[str, str]) -> str:
    rows = "".join(
        f"<url><loc>{loc}</loc>{f'<lastmod>{time}</lastmod>' if time else ''}</url>" for loc, time in entries
    )
    return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'


def index(*entries: tuple[str, str]) -> str:
    return urlset(*entries).replace("urlset", "sitemapindex").replace("url>", "sitemap>")


FRESH = """<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">
<url><loc> https://example.org/new </loc><news:news><news:publication_date>2026-11-23T06:00:00Z</news:publication_date></news:news></url>
<url><loc>https://example.org/old</loc><lastmod>2026-10-01</lastmod></url>
<url><loc>/undated</loc><lastmod>yesterday</lastmod></url>
<url><loc>/2024/05/17/undated-but-old</loc></url>
<url><lastmod>2026-11-23</lastmod></url></urlset>"""


def test_what_is_fresh() -> None:
    listed = read(FRESH)
    assert urls(listed) == ["new", "undated"]
    assert listed.left_out == {LeftOut.OUTSIDE: 2}


@pytest.mark.parametrize(
    ("time", "fresh"),
    [
        ("2026-11-22", True),
        ("2026-11-15", False),
        ("2026-11-16T12:00:00Z", True),
        ("2026-11-16T11:59:59+00:00", False),
        ("2026-11-16T14:00:00+02:30", False),
        ("2026-11-22 10:00:00 +0300", True),
        ("Mon, 23 Nov 2026 06:00:00 GMT", True),
        ("Sun, 01 Nov 2026 06:00:00 GMT", False),
        ("2026-11", False),
        ("2027", True),
        ("0001-01-01T00:00:00+14:00", True),  # no time at all, so it is not missed
        ("x" * 1000, True),
    ],
)
def test_times(time: str, fresh: bool) -> None:
    assert urls(read(urlset(("/a", time)))) == (["a"] if fresh else [])


def test_an_index_newest_first_and_the_old_counted() -> None:
    listed = read(index(*((f"/{day}.xml", f"2026-11-{day:02d}") for day in (17, 22, 20, 1)), ("/undated.xml", "")))
    assert maps(listed) == ["22.xml", "20.xml", "17.xml", "undated.xml"]
    assert listed.left_out == {LeftOut.OUTSIDE: 1}


def test_limits_take_the_newest_and_count_the_rest() -> None:
    entries = [(f"/{day}", f"2026-11-{day}") for day in range(17, 24)]
    listed = read(urlset(*entries), pages=2)
    assert urls(listed) == ["22", "23"]
    assert listed.left_out == {LeftOut.OVER_LIMIT: 5}
    assert maps(read(index(*entries), maps=2)) == ["23", "22"]


@pytest.mark.parametrize("times", [1, 2])
def test_packed(times: int) -> None:
    body = FRESH.encode()
    for _ in range(times):
        body = gzip.compress(body)
    assert urls(read(body)) == ["new", "undated"]


def test_packing_has_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemaps, "MAX_SITEMAP", 1000)
    with pytest.raises(TooBig):
        read(gzip.compress(b"<urlset>" + b" " * 2000))
    with pytest.raises(BadEncoding):
        read(gzip.compress(FRESH.encode())[:-20])


def test_plain_text() -> None:
    listed = read(b"\xef\xbb\xbfhttps://example.org/a\r\n\r\n  https://example.org/b  \n# no address\n/relative\n")
    assert urls(listed) == ["a", "b"]


@pytest.mark.parametrize("root", ["rss", "feed"])
def test_feeds_as_sitemaps(root: str) -> None:
    item = {
        "rss": '<rss version="2.0"><channel><image><url>https://example.org/logo.png</url></image>{}</channel></rss>',
        "feed": '<feed xmlns="http://www.w3.org/2005/Atom">{}</feed>',
    }[root]
    new, old = (
        f"<item><link>https://example.org/{day}</link><pubDate>{day} Nov 2026 06:00:00 GMT</pubDate></item>"
        if root == "rss"
        else f'<entry><link href="https://example.org/{day}"/><published>2026-11-{day}T06:00:00Z</published></entry>'
        for day in ("22", "01")
    )
    listed = read(item.format(new + old))
    assert urls(listed) == ["22"]
    assert listed.left_out == {LeftOut.OUTSIDE: 1}


@pytest.mark.parametrize(
    ("loc", "address"),
    [
        ("https://example.org/?a=1&b=2", "?a=1&b=2"),
        ("https://example.org/?a=1&amp;b=2", "?a=1&b=2"),
        ("<![CDATA[https://example.org/?a=1&b=2]]>", "?a=1&b=2"),
        ("\n   https://example.org/x\n ", "x"),
        ("https://example.org/новость", "новость"),
        ("https://example.org/&#x43D;", "н"),
    ],
)
def test_addresses_as_templates_write_them(loc: str, address: str) -> None:
    assert urls(read(urlset((loc, "")))) == [address]


@pytest.mark.parametrize("encoding", ["utf-16", "windows-1251"])
def test_encodings(encoding: str) -> None:
    body = urlset(("https://example.org/новость", "")).replace("?>", f' encoding="{encoding}"?>', 1)
    assert urls(read(body.encode(encoding))) == ["новость"]


@pytest.mark.parametrize(
    ("cut", "left"),
    [("</urlset>", ["a", "b"]), ("</url></urlset>", ["a", "b"]), ("b</loc></url></urlset>", ["a"])],
)
def test_one_that_breaks_off_gives_its_whole_addresses(cut: str, left: list[str]) -> None:
    body = urlset(("https://example.org/a", ""), ("https://example.org/b", ""))
    assert urls(read(body.removesuffix(cut))) == left


def test_entities_are_not_expanded_or_fetched() -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))
    external = '<!ENTITY x SYSTEM "file:///etc/passwd">'
    bomb = f"<!DOCTYPE u [{laughs}{external}]><urlset><url><loc>/&l9;-</loc></url><url><loc>/&x;-</loc></url></urlset>"
    assert urls(read(bomb)) == ["&l9;-", "&x;-"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"no xml at all https://example.org/", "no sitemap"),
        (b"User-agent: *\nDisallow: /", "no sitemap"),
        (b"<html><body>not found</body></html>", "<html>"),
        (b"\x00\xff" * 50, "no sitemap"),
        (b"{}", "no sitemap"),
    ],
)
def test_no_sitemap(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        read(body)


def test_a_large_one_is_read_as_a_stream() -> None:
    body = urlset(
        *((f"https://example.org/a-story-with-a-long-name-{number}", "2026-11-20") for number in range(50_000))
    )
    listed = read(body, pages=10)
    assert len(listed.pages) == 10
    assert listed.left_out == {LeftOut.OVER_LIMIT: 49_990}


@pytest.mark.parametrize(
    ("loc", "lastmod", "news", "reason"),
    [
        ("/a", "2026-01-15", "", None),
        ("/a", "2025-12-31", "", LeftOut.OUTSIDE),
        ("/a", "2026-02-01", "", LeftOut.OUTSIDE),
        ("/a", "", "", LeftOut.UNDATED),
        ("/2026/01/15/a", "", "", None),
        ("/2026/01/15/a", "2026-11-01", "", None),  # edited since
        ("/2025/06/15/a", "2026-01-15", "", LeftOut.OUTSIDE),  # not published, but edited then
        ("/2026/02/01/a", "2026-01-31T23:59:59Z", "2026-01-31T23:59:59Z", None),
        ("/a", "2026-01-15", "2026-02-01T00:00:00Z", LeftOut.OUTSIDE),
        ("/a", "", "2026-01-01T00:00:00Z", None),
    ],
)
def test_which_pages_a_backfill_wants(loc: str, lastmod: str, news: str, reason: LeftOut | None) -> None:
    body = urlset((loc, lastmod)).replace(
        "</url>", f'<n:news xmlns:n="n"><n:publication_date>{news}</n:publication_date></n:news></url>'
    )
    listed = read(body, BACKFILL)
    assert bool(listed.pages) == (reason is None)
    assert listed.left_out == ({reason: 1} if reason else {})


def test_a_dated_sitemap_dates_its_pages() -> None:
    body = urlset(("/a", ""), ("/b", "2026-11-01"), ("/2025/12/31/c", ""))
    assert urls(read(body, BACKFILL, url="https://example.org/sitemap-2026-01.xml")) == ["a", "b"]
    assert urls(read(body, BACKFILL, url="https://example.org/sitemap-2026-02.xml")) == []


def test_which_sitemaps_a_backfill_wants_and_in_which_order() -> None:
    listed = read(
        index(
            ("/undated.xml", ""),
            ("/later.xml", "2026-11-01"),
            ("/sooner.xml", "2026-02-02"),
            ("/before.xml", "2025-12-31"),
            ("/2026/01.xml", ""),
            ("/2026/03.xml", "2026-11-20"),
        ),
        BACKFILL,
    )
    assert maps(listed) == ["2026/01.xml", "sooner.xml", "later.xml", "undated.xml"]
    assert listed.left_out == {LeftOut.OUTSIDE: 2}


@pytest.mark.parametrize(
    ("path", "days"),
    [
        ("2026/01/15/story", "2026-01-15 to 2026-01-15"),
        ("2026/1/5/story", "2026-01-05 to 2026-01-05"),
        ("2026-01-15-story", "2026-01-15 to 2026-01-15"),
        ("world/2026/jan/15/story", "2026-01-15 to 2026-01-15"),
        ("news/20260115/story", "2026-01-15 to 2026-01-15"),
        ("15.01.2026/story", "2026-01-15 to 2026-01-15"),
        ("2026/02/story", "2026-02-01 to 2026-02-28"),
        ("sitemap-2026-02.xml", "2026-02-01 to 2026-02-28"),
        ("sitemap_202602.xml.gz", "2026-02-01 to 2026-02-28"),
        ("sitemap.xml?yyyy=2024&mm=02", "2024-02-01 to 2024-02-29"),
        ("sitemap.xml?yyyy=2024&mm=02&dd=29", "2024-02-01 to 2024-02-29"),
        ("2026/02/31/story", "2026-02-01 to 2026-02-28"),
        ("story-2026", None),
        ("story-120260115", None),
        ("a/1955/01/02/b", None),
        ("id/2026011512345", None),
        ("2026/13/01", None),
    ],
)
def test_days_named_in_addresses(path: str, days: str | None) -> None:
    found = named_in(f"https://2025-01-01.example.org/{path}")
    assert (str(found) if found else None) == days


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        ("2026-01-31", "2026-01-01", "swap"),
        ("2026-01-01", "2026-11-24", "still to come"),
        ("1990-01-01", "1990-01-31", "first news sites"),
        ("2025-01-01", "2026-06-01", "in parts"),
    ],
)
def test_silly_ranges(first: str, last: str, message: str) -> None:
    with pytest.raises(PeriodError, match=message):
        period(dt.date.fromisoformat(first), dt.date.fromisoformat(last), NOW.date())


def test_a_range_has_both_its_days() -> None:
    days = period(NOW.date(), NOW.date(), NOW.date())
    assert days == Period(dt.datetime(2026, 11, 23, tzinfo=dt.UTC), dt.datetime(2026, 11, 24, tzinfo=dt.UTC))
    assert NOW in days
    assert days.until not in days


@pytest.mark.parametrize(
    ("url", "of"),
    [
        ("https://www.example.co.uk/x", "example.co.uk"),
        ("https://example.co.uk:8443/", "example.co.uk"),
        ("https://one.github.io/", "one.github.io"),
        ("https://новости.пример.рф/", "пример.рф"),
        ("http://127.0.1.7:8800/x", "127.0.1.7"),
        ("http://[::1]/", "::1"),
        ("http://localhost/", "localhost"),
        ("file:///etc/passwd", ""),
        ("http://[::1", ""),
    ],
)
def test_whose_site(url: str, of: str) -> None:
    assert site(url) == of


def test_sitemaps_named_by_robots() -> None:
    body = b"""\xef\xbb\xbfUser-agent: *
Disallow: /private/
sitemap: https://example.org/a.xml  # the news
Sitemap: /b.xml
SITEMAP : https://cdn.example/c.xml
Sitemap: https://example.org/a.xml
Sitemap:
"""
    assert named_by_robots(body, "https://example.org/robots.txt") == [
        "https://example.org/a.xml",
        "https://example.org/b.xml",
        "https://cdn.example/c.xml",
    ]
    assert named_by_robots(b"<html>404</html>", URL) == []


def listing(html: str, links: str = "a", url: str = "https://example.org/news") -> Listed:
    return sections.read(html.encode(), url, "utf-8", links)


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("a", "https://example.org/a"),
        ("  /b\n", "https://example.org/b"),
        ("//cdn.example.org/x", "https://cdn.example.org/x"),
        ("https://пример.рф/статья", "https://пример.рф/статья"),
        ("?page=2", "https://example.org/news?page=2"),
        ("/x#comments", "https://example.org/x#comments"),
        ("http://[::1", "http://[::1"),  # an address that is none gets its outcome
        ("#top", None),
        ("", None),
        ("mailto:desk@example.org", None),
        ("JavaScript:void(0)", None),
        ("java\nscript:void(0)", None),
        ("data:text/html,x", None),
        ("tel:+49", None),
        ("file:///etc/passwd", None),
    ],
)
def test_links_of_a_section_page(href: str, address: str | None) -> None:
    listed = listing(f'<a href="{href}">x</a>')
    assert [entry.url for entry in listed.pages] == ([address] if address else [])
    assert listed.left_out[LeftOut.NO_LINK] == (address is None)


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("https://cdn.example.org/x/", "https://cdn.example.org/x/a"),
        ("/sub/", "https://example.org/sub/a"),
        ("//cdn.example.org/", "https://cdn.example.org/a"),
        ("javascript:x", None),
    ],
)
def test_base_of_a_section_page(base: str, address: str | None) -> None:
    found = [entry.url for entry in listing(f'<head><base href="{base}"></head><a class=s href="a">1</a>', "a.s").pages]
    assert found == ([address] if address else [])


def test_a_section_page_has_its_limit_and_names_each_link_once() -> None:
    listed = listing("".join(f'<a href="/{number // 2}">x</a>' for number in range(2 * sections.MAX_LINKS + 10)))
    assert len(listed.pages) == sections.MAX_LINKS
    assert listed.left_out == {LeftOut.OVER_LIMIT: 10}

"""Feeds of every kind, whole and broken: which addresses are read from them, and what they cannot do to us."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import pytest

from crawlers import feeds
from crawlers.feeds import MAX_ITEMS
from crawlers.listed import LeftOut, Unreadable

BASE = "https://example.org/feeds/all.xml"
RSS = '<?xml version="1.0"?><rss version="2.0" xmlns:feedburner="http://rssnamespace.org/feedburner/ext/1.0"><channel><title>t</title>{}</channel></rss>'
ATOM = '<feed xmlns="http://www.w3.org/2005/Atom"{}><title>t</title>{}</feed>'
SHARED = Path(__file__).parents[2] / "shared" / "data" / "feeds"


def links(body: str | bytes, url: str = BASE, content_type: str = "") -> list[str]:
    body = body.encode() if isinstance(body, str) else body
    return [entry.url for entry in feeds.read(body, url, content_type).pages]


@pytest.mark.parametrize(
    ("item", "link"),
    [
        ("<link>https://example.org/a</link>", "https://example.org/a"),
        ("<link> /b </link>", "https://example.org/b"),
        ("<link>\n  c.html\n</link>", "https://example.org/feeds/c.html"),
        ("<link><![CDATA[https://example.org/?a=1&b=2]]></link>", "https://example.org/?a=1&b=2"),
        ("<link>https://example.org/?a=1&b=2</link>", "https://example.org/?a=1&b=2"),  # not escaped, as many
        ("<link>//cdn.example.org/x</link>", "https://cdn.example.org/x"),
        ("<link>https://example.org/ü</link>", "https://example.org/ü"),
        ("<guid>https://example.org/g</guid>", "https://example.org/g"),
        ('<guid isPermaLink="true">https://example.org/g</guid>', "https://example.org/g"),
        ("<guid>https://example.org/g</guid><link>https://example.org/a</link>", "https://example.org/a"),
        (
            "<link>https://feeds.example/~r/1</link><feedburner:origLink>https://example.org/o</feedburner:origLink>",
            "https://example.org/o",
        ),
        (
            '<link>https://example.org/a</link><enclosure url="https://example.org/a.mp3" type="audio/mpeg"/>',
            "https://example.org/a",
        ),
    ],
)
def test_the_address_of_an_rss_item(item: str, link: str) -> None:
    assert links(RSS.format(f"<item><title>x</title>{item}</item>")) == [link]


@pytest.mark.parametrize(
    "item",
    [
        "<title>x</title>",
        "<link></link>",
        "<guid>12345</guid>",
        "<guid>tag:example.org,2026:1</guid>",
        '<guid isPermaLink="false">https://example.org/not-a-page</guid>',
        '<enclosure url="https://example.org/a.mp3" type="audio/mpeg"/>',
    ],
)
def test_an_rss_item_without_a_page_is_counted(item: str) -> None:
    listed = feeds.read(RSS.format(f"<item>{item}</item>").encode(), BASE)
    assert not listed.pages
    assert listed.left_out == {LeftOut.NO_LINK: 1}


@pytest.mark.parametrize(
    ("root", "entry", "link"),
    [
        ("", '<link rel="self" href="/s"/><link href="c"/>', "https://example.org/feeds/c"),
        ("", '<link rel="enclosure" href="/e.mp3"/><link rel="alternate" href="/a"/>', "https://example.org/a"),
        (
            "",
            '<link rel="alternate" type="application/json" href="/j"/><link rel="alternate" type="text/html" href="/h"/>',
            "https://example.org/h",
        ),
        ("", "<id>https://example.org/id</id>", "https://example.org/id"),
        (' xml:base="https://b.example/x/"', '<link href="c"/>', "https://b.example/x/c"),
        (' xml:base="/sub/"', '<link href="c"/>', "https://example.org/sub/c"),
    ],
)
def test_the_address_of_an_atom_entry(root: str, entry: str, link: str) -> None:
    assert links(ATOM.format(root, f"<entry>{entry}</entry>")) == [link]


@pytest.mark.parametrize("entry", ["<id>urn:uuid:1</id>", '<link rel="self" href="/s"/>'])
def test_an_atom_entry_without_a_page(entry: str) -> None:
    assert links(ATOM.format("", f"<entry>{entry}</entry>")) == []


@pytest.mark.parametrize(
    "body",
    [
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/">'
        '<item rdf:about="https://example.org/d"><link>https://example.org/d</link></item></rdf:RDF>',
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/">'
        "<item><link>https://example.org/d</link></item></rdf:RDF>",
        '<rss version="0.91"><channel><item><link>https://example.org/d</link></item></channel></rss>',
        '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><entry><link rel="alternate" type="text/html" '
        'href="https://example.org/d"/></entry></feed>',
    ],
)
def test_older_formats(body: str) -> None:
    assert links(body) == ["https://example.org/d"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "koi8-r", "windows-1251"])
def test_encodings(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    body = f'<?xml version="1.0" encoding="{declared}"?>' + RSS[21:].format(
        "<item><link>https://example.org/новость</link></item>"
    )
    assert links(body.encode(encoding)) == ["https://example.org/новость"]


def test_json_feed() -> None:
    items = [
        {"id": "1", "url": "https://example.org/a", "date_published": "2026-11-23T08:00:00+02:00"},
        {"id": "2", "url": "/b", "external_url": "https://elsewhere.example/"},
        {"id": "3", "external_url": "https://elsewhere.example/x"},
        {"id": "https://example.org/c"},
        {"id": "5"},
        {"id": 6, "url": ["https://example.org/"]},
        "seven",
        {"url": "https://example.org/d", "date_published": "soon"},
    ]
    for version in ("https://jsonfeed.org/version/1", "https://jsonfeed.org/version/1.1"):
        listed = feeds.read(json.dumps({"version": version, "items": items}).encode("utf-8-sig"), BASE)
        assert [entry.url for entry in listed.pages] == [
            "https://example.org/a",
            "https://example.org/b",
            "https://elsewhere.example/x",
            "https://example.org/c",
            "https://example.org/d",
        ]
        assert listed.pages[0].time == dt.datetime(2026, 11, 23, 6, tzinfo=dt.UTC)
        assert listed.pages[-1].time is None
        assert listed.left_out == {LeftOut.NO_LINK: 3}


@pytest.mark.parametrize(
    "body",
    [
        b'{"version": "https://jsonfeed.org/version/1.1"}',
        b'{"version": "https://jsonfeed.org/version/1.1", "items": {}}',
        b'{"items": []}',
        b'{"version": 1, "items": []}',
        b"{",
        b'{"a":' * 100_000,
        b'{"version": ' + b"9" * 10_000 + b"}",
    ],
)
def test_no_json_feed(body: bytes) -> None:
    with pytest.raises(Unreadable, match="JSON"):
        feeds.read(body, BASE)


@pytest.mark.parametrize(
    "cut", ["</link></item></channel></rss>", "g/a</link></item></channel></rss>", "</item></channel></rss>"]
)
def test_a_feed_that_breaks_off_gives_its_whole_addresses(cut: str) -> None:
    whole = RSS.format("<item><link>https://example.org/a</link></item>" * 3)
    found = links(whole.removesuffix(cut))
    assert found[:2] == ["https://example.org/a"] * 2
    assert set(found) == {"https://example.org/a"}, "no address that was cut in its middle"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b"<html><body>404</body></html>", "HTML"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><p>sorry", "HTML"),
        (b"<urlset></urlset>", "news_sitemaps"),
        (b"\x00\xff" * 50, "feed"),
        (b"/etc/passwd", "feed"),
        (b"http://127.0.0.1/", "feed"),
        (b"x" * (feeds.MAX_FEED + 1), "limit"),
    ],
)
def test_no_feed(body: bytes, reason: str) -> None:
    """A body that happens to be a file's name or an address is never opened."""
    with pytest.raises(Unreadable, match=reason):
        feeds.read(body, BASE)


def test_a_feed_without_items_is_one() -> None:
    assert feeds.read(RSS.format("").encode(), BASE) == feeds.Listed()


def test_entities_are_not_expanded_or_fetched() -> None:
    item = "<item><title>&x;</title><link>https://example.org/a</link></item>"
    external = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + RSS[21:].format(item)
    assert links(external) == ["https://example.org/a"]
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))
    bomb = f"<!DOCTYPE u [{laughs}]>" + RSS[21:].format("<item><link>https://example.org/&l9;</link></item>")
    assert all(len(link) < 1000 for link in links(bomb))


def test_of_too_many_items_the_newest_are_read_and_the_others_counted() -> None:
    item = "<item><link>/{}</link><pubDate>{:%a, %d %b %Y %H:%M:%S} GMT</pubDate></item>"
    start = dt.datetime(2026, 11, 1)
    many = "".join(item.format(number, start + dt.timedelta(minutes=number)) for number in range(MAX_ITEMS + 5))
    listed = feeds.read(RSS.format(many).encode(), BASE)
    assert listed.left_out == {LeftOut.OVER_LIMIT: 5}
    assert [entry.url for entry in listed.pages[:2]] == ["https://example.org/5", "https://example.org/6"]
    assert len(listed.pages) == MAX_ITEMS


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "mailto:desk@example.org",
        "data:text/html,x",
        "file:///etc/passwd",
        "http://[::1",
        "x" * 10_000,
    ],
)
def test_hostile_links_stay_what_they_are(link: str) -> None:
    """They are listed, so that the account has them; none becomes an address that could be fetched."""
    from crawlers.address import AddressError, url_id

    (found,) = links(RSS.format(f"<item><link>{link}</link></item>"))
    with pytest.raises(AddressError):
        url_id(found)


@pytest.mark.parametrize("date", ["Wed, 31 Feb 2026 10:00:00 GMT", "yesterday", "", "Ср, 01 июл 2026", "-1"])
def test_impossible_dates_are_none(date: str) -> None:
    (entry,) = feeds.read(RSS.format(f"<item><link>/a</link><pubDate>{date}</pubDate></item>").encode(), BASE).pages
    assert entry.time is None


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason=f"no evaluation data at {SHARED}")
def test_no_odd_feed_crashes_or_takes_too_much() -> None:
    """Every file of the set: no exception, no more than 2 s and 200 MB, and every deviation explained."""
    script = Path(__file__).parents[1] / "benchmarks" / "feeds.py"
    done = subprocess.run([sys.executable, script, "--data", SHARED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NOT EXPLAINED" not in done.stdout
    assert "134" in done.stdout

"""`narrawatch outlets record`: what it finds on sites of our own, what it leaves, and what it never asks for."""

import datetime as dt
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from crawlers.listed import Entry
from crawlers.outlet import load_files
from crawlers.record import explore, home, place
from crawlers.record.file import Recorded, write
from crawlers.record.look import RecordError
from crawlers.record.tried import Tried, choose, judged, per_day, schedule
from narrawatch import settings as settings_module

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
TEXT = {
    "en": "The harbour office said on Monday that the ferry to the outer islands will run twice a day until spring. "
    * 4,
    "ru": "В понедельник управление порта сообщило, что паром на дальние острова будет ходить дважды в день до весны. "
    * 4,
}

# ---- sites of our own


def article(language: str, number: int) -> str:
    return (
        f"<html lang={language}><head><meta property=og:type content=article><title>Story number {number}</title></head>"
        f"<body><article><h1>Story number {number}</h1><p>{number}. {TEXT[language]}</p></article></body></html>"
    )


def rss(base: str, numbers: range, *, hours: int = 1, age: int = 1, host: str | None = None) -> str:
    now = dt.datetime.now(dt.UTC)
    items = "".join(
        f"<item><link>{host or base}/story/{number}-of-the-day</link>"
        f"<pubDate>{now - dt.timedelta(hours=hours * place + age):%a, %d %b %Y %H:%M:%S +0000}</pubDate></item>"
        for place, number in enumerate(numbers)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>t</title>{items}</channel></rss>'


def sitemap(base: str, numbers: range) -> str:
    now = dt.datetime.now(dt.UTC)
    urls = "".join(
        f"<url><loc>{base}/story/{number}-of-the-day</loc><lastmod>{now - dt.timedelta(hours=place + 1):%Y-%m-%dT%H:%M:%SZ}</lastmod></url>"
        for place, number in enumerate(numbers)
    )
    return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>'


def front(head: str = "", *, language: str = "en", numbers: range = range(8), name: str = "The Daily Ferry") -> str:
    teasers = "".join(
        f'<div class="teaser"><h2><a href="/story/{number}-of-the-day">A headline of several words, number {number}</a></h2></div>'
        for number in numbers
    )
    return (
        f"<!doctype html><html lang={language}><head><title>{name} - news of the islands</title>{head}</head><body>"
        f'<nav><a href="/about">About</a> <a href="/contact-us-today-or-tomorrow.html">Contact</a></nav>{teasers}</body></html>'
    )


ALTERNATE = '<base href="/x/"><link rel="alternate" type="application/rss+xml" href="feed.xml">'


def full(base: str) -> dict[str, str | tuple[int, str]]:
    """A declared feed, relative to a base; a news sitemap named in robots.txt that lists more; comments; other sites' links."""
    head = (
        f'{ALTERNATE}<link rel=alternate type="application/rss+xml" href="/comments/feed/">'
        '<link rel=alternate type="application/atom+xml" href="/partners.xml"><meta property=og:site_name content="Ferry &amp; Sea">'
    )
    return {
        "/robots.txt": f"User-agent: *\nDisallow: /private/\nSitemap: {base}/maps/news.xml\nSitemap: {base}/private/map.xml\n",
        "/": front(head),
        "/x/feed.xml": rss(base, range(10)),
        "/partners.xml": rss(base, range(10), host="https://other.example"),
        "/comments/feed/": rss(base, range(100, 120)),
        "/maps/news.xml": sitemap(base, range(40)),
        "/private/map.xml": sitemap(base, range(80)),
    }


def bare(base: str) -> dict[str, str | tuple[int, str]]:
    """Neither feeds nor sitemaps; its pages are Russian, whatever its home page says."""
    return {"/": front()}


def broken(base: str) -> dict[str, str | tuple[int, str]]:
    """A feed that is an HTML page, one that broke off before its first item, a stale one; a sitemap index that works."""
    more = '<link rel=alternate type="application/atom+xml" href="/cut.xml"><link rel=alternate type="application/rss+xml" href="/old.xml">'
    index = f"<sitemapindex><sitemap><loc>{base}/news-1.xml</loc></sitemap></sitemapindex>"
    return {
        "/": front(ALTERNATE + more),
        "/x/feed.xml": front(),
        "/cut.xml": rss(base, range(3))[:60],
        "/old.xml": rss(base, range(3), age=24 * 365),
        "/sitemap.xml": index,
        "/news-1.xml": sitemap(base, range(6)),
    }


def closed(base: str) -> dict[str, str | tuple[int, str]]:
    return {"/robots.txt": "User-agent: *\nDisallow: /\n", "/": front(ALTERNATE), "/x/feed.xml": rss(base, range(9))}


def trap(base: str) -> dict[str, str | tuple[int, str]]:
    """A feed and a sitemap that lead to the metadata service; the feed at the usual place is a good one."""
    metadata = "http://169.254.169.254/latest/meta-data/"
    return {
        "/robots.txt": f"Sitemap: {metadata}map.xml\n",
        "/": front(ALTERNATE + f'<link rel=alternate type="application/atom+xml" href="{metadata}">'),
        "/x/feed.xml": (302, metadata),
        "/rss": rss(base, range(5)),
    }


def nothing(base: str) -> dict[str, str | tuple[int, str]]:
    return {"/": "<html lang=en><title>Soon</title><p>Come back later.</p></html>"}


SITES = {"full": full, "bare": bare, "broken": broken, "closed": closed, "trap": trap, "nothing": nothing}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, number: int, name: str) -> None:
        super().__init__((f"127.0.4.{number}", 0), Handler)
        self.base = f"http://127.0.4.{number}:{self.server_address[1]}"
        self.pages = SITES[name](self.base)
        self.language = "ru" if name == "bare" else "en"
        self.asked: list[str] = []


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.path.startswith("/story/"):
            number = int(self.path.split("/")[2].partition("-")[0])
            found: str | tuple[int, str] = article(self.server.language, number)
        else:
            found = self.server.pages.get(self.path, (404, ""))
        status, body = found if isinstance(found, tuple) else (200, found)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", body)
            body = ""
        kind = "text/html" if "<html" in body[:40] or status != 200 else "application/xml"
        self.send_header("Content-Type", f"{'text/plain' if self.path == '/robots.txt' else kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    ours = {name: Server(number, name) for number, name in enumerate(SITES, 1)}
    for server in ours.values():
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    yield ours
    for server in ours.values():
        server.shutdown()
        server.server_close()


COMMAND = Path(sys.executable).with_name("narrawatch")
Done = dict[str, "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("outlets")


@pytest.fixture(scope="module")
def recorded(servers: dict[str, Server], folder: Path, shared_environ: dict[str, str]) -> Done:
    """Every site recorded as `<name>.yml`, two at a time."""
    done: Done = {}
    waiting = list(servers.items())
    while waiting:
        two, waiting = waiting[:2], waiting[2:]
        started = {
            name: subprocess.Popen(
                [
                    COMMAND,
                    "outlets",
                    "record",
                    f"{server.base}/",
                    "--id",
                    name,
                    "--country",
                    "kz",
                    "--out",
                    folder,
                    "--json",
                ],
                env=shared_environ,
                text=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for name, server in two
        }
        for name, process in started.items():
            out, err = process.communicate(timeout=200)
            done[name] = subprocess.CompletedProcess([], process.returncode, out, err)
    return done


def outlet(folder: Path, name: str) -> dict[str, object]:
    found = load_files([folder / f"{name}.yml"])
    assert found.problems == ()
    content: dict[str, object] = yaml.safe_load((folder / f"{name}.yml").read_text(encoding="utf-8"))
    return content


def notes(done: "subprocess.CompletedProcess[str]") -> dict[str, str]:
    """By the path of what was tried: `+` if taken, then the note."""
    return {
        "/" + one["url"].split("/", 3)[3]: ("+" if one["chosen"] else "-") + one["note"]
        for one in json.loads(done.stdout)["tried"]
    }


def test_feeds_and_sitemaps_are_found_tried_and_chosen(
    recorded: Done, servers: dict[str, Server], folder: Path
) -> None:
    base = servers["full"].base
    found = outlet(folder, "full")
    assert (found["name"], found["country"], found["languages"], found["kind"]) == ("Ferry & Sea", "kz", ["en"], "news")
    assert found["start"] == {"news_sitemaps": [f"{base}/maps/news.xml"]}, "it lists all that the feed lists, and more"
    low, high = found["expect"]["per_day"]  # type: ignore[index]
    assert low <= 24 <= high, "one an hour"
    why = notes(recorded["full"])
    assert why["/maps/news.xml"].startswith("+taken")
    assert why["/x/feed.xml"] == "-works, but not needed: the others list the same"
    assert "other.example" in why["/partners.xml"]
    assert why["/private/map.xml"] == "-robots"
    assert "/comments/feed/" not in why
    assert not {"/private/map.xml", "/comments/feed/"} & set(servers["full"].asked)
    comments = (folder / "full.yml").read_text()
    assert "other.example" in comments.partition("\nid:")[0]


def test_a_home_page_without_feeds_becomes_a_section(recorded: Done, servers: dict[str, Server], folder: Path) -> None:
    found = outlet(folder, "bare")
    (section,) = found["start"]["sections"]  # type: ignore[index]
    assert section["url"] == f"{servers['bare'].base}/"
    assert len(json.loads(recorded["bare"].stdout)["tried"][-1]["note"]) > 0
    assert found["languages"] == ["ru"], "what its pages are written in"
    assert "says its language is en" in (folder / "bare.yml").read_text()
    assert found["expect"] == {"per_day": [0, 1000]}
    assert not any(path.startswith("/contact") for path in servers["bare"].asked)


def test_broken_feeds_are_named_and_a_sitemap_index_steps_in(
    recorded: Done, servers: dict[str, Server], folder: Path
) -> None:
    assert outlet(folder, "broken")["start"] == {"news_sitemaps": [f"{servers['broken'].base}/sitemap.xml"]}
    why = notes(recorded["broken"])
    assert "HTML page" in why["/x/feed.xml"]
    assert why["/cut.xml"].startswith("-unreadable") or why["/cut.xml"] == "-lists nothing new"
    assert why["/old.xml"].startswith("-stale")


def test_robots_txt_is_obeyed(recorded: Done, servers: dict[str, Server], folder: Path) -> None:
    assert recorded["closed"].returncode == 1
    (line,) = recorded["closed"].stderr.strip().splitlines()
    assert "robots.txt does not allow us" in line
    assert servers["closed"].asked == ["/robots.txt"]
    assert not (folder / "closed.yml").exists()


def test_private_addresses_are_never_asked(recorded: Done, servers: dict[str, Server], folder: Path) -> None:
    assert outlet(folder, "trap")["start"] == {"feeds": [f"{servers['trap'].base}/rss"]}
    why = notes(recorded["trap"])
    assert why["/x/feed.xml"] == why["/latest/meta-data/"] == why["/latest/meta-data/map.xml"] == "-private_address"


def test_a_site_that_lists_nothing_is_no_outlet(recorded: Done, folder: Path) -> None:
    assert recorded["nothing"].returncode == 1
    assert "no feed, sitemap or list of links to articles" in recorded["nothing"].stderr
    assert not (folder / "nothing.yml").exists()


def test_the_crawl_reads_what_was_recorded(
    recorded: Done, servers: dict[str, Server], folder: Path, shared_cluster, shared_narrawatch
) -> None:
    names = ("full", "bare", "broken", "trap")
    shared_narrawatch("crawl", *names, "--outlets", folder, "--run-id", "first")
    shared_cluster.client.indices.refresh(index=shared_cluster.name("crawls"))
    hits = shared_cluster.client.search(index=shared_cluster.name("crawls"), size=10)["hits"]["hits"]
    captured = {hit["_source"]["outlet"]: hit["_source"]["fetch"]["captured"] for hit in hits}
    assert captured == {"full": 40, "bare": 8, "broken": 6, "trap": 5}


def test_nothing_is_overwritten_unasked(
    recorded: Done, servers: dict[str, Server], folder: Path, shared_narrawatch
) -> None:
    before = (folder / "full.yml").read_bytes()
    arguments = ("outlets", "record", f"{servers['trap'].base}/", "--id", "full", "--out", folder)
    refused = shared_narrawatch(*arguments, "--country", "kz", check=False)
    assert (refused.returncode, (folder / "full.yml").read_bytes()) == (1, before)
    assert "--force" in refused.stderr
    shown = shared_narrawatch(*arguments, "--country", "kz", "--dry-run", "--language", "be")
    assert (folder / "full.yml").read_bytes() == before
    assert "languages: [be]" in shown.stdout
    assert "private_address" in shown.stdout, "and the table of what was tried"
    asked = len(servers["trap"].asked)
    silent = shared_narrawatch(*arguments, "--force", check=False, stdin=subprocess.DEVNULL)
    assert (silent.returncode, (folder / "full.yml").read_bytes()) == (1, before)
    assert "--country" in silent.stderr
    assert len(servers["trap"].asked) <= asked + 2, "it is said before much is asked for"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ftp://example.org/",), "no http or https"),
        (("http://example.org/", "--country", "uk"), "write gb"),
        (("http://example.org/", "--out", __file__), "cannot write"),
    ],
)
def test_what_cannot_be_recorded_is_said_before_anything_is_asked(arguments, message: str, settings) -> None:
    from click.testing import CliRunner

    from narrawatch.cli.record import record

    done = CliRunner().invoke(record, arguments, obj=settings)
    assert done.exit_code
    assert message in f"{done.output}{done.exception}"


def test_the_open_internet_is_not_asked_without_a_contact(shared_environ: dict[str, str]) -> None:
    from crawlers.record.look import look
    from crawlers.settings import ContactMissing

    settings = settings_module.load({**shared_environ, "NARRAWATCH_USER_AGENT_CONTACT": ""})

    async def never(_site: object) -> None:
        pytest.fail("nothing was to be asked")

    with pytest.raises(ContactMissing):
        look(settings, "https://example.org/", never, clock=lambda: NOW)


# ---- the parts


def test_what_a_home_page_says() -> None:
    page = home.read(full("http://a.example")["/"].encode(), "http://a.example/", "utf-8")  # type: ignore[union-attr]
    assert page.name == "Ferry & Sea"
    assert page.feeds == ("http://a.example/x/feed.xml", "http://a.example/partners.xml")
    assert home.read(front().encode(), "http://a.example/", "utf-8").name == "The Daily Ferry"
    linked = (
        '<html><a href="/about/rss">Feeds</a><a href="/feedback">Write to us</a><a href="//b.example/rss">B</a></html>'
    )
    assert home.read(linked.encode(), "http://a.example/", "utf-8").feeds == ("http://a.example/about/rss",)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (front(), {f"/story/{number}-of-the-day" for number in range(8)}),
        (
            "<div class=css-1x2y3><a href=/about>About</a></div><main>"
            + "".join(f"<li><a href=/n{n}>One two three four five six</a></li>" for n in range(5))
            + "</main>",
            {f"/n{n}" for n in range(5)},
        ),
        (
            "<a href=/about/us/all>Us</a>"
            + "".join(f'<p><a href="/2026/11/2{n}/x-y-z-{n}/">Two words</a><a href="/tag/{n}">tag</a></p>' for n in range(5)),
            {f"/2026/11/2{n}/x-y-z-{n}/" for n in range(5)},
        ),
    ],
)  # fmt: skip
def test_the_first_selector_finds_the_articles(html: str, expected: set[str]) -> None:
    from parsel import Selector

    best = home.read(html.encode(), "http://a.example/", "utf-8").selectors[0]
    assert {link.attrib["href"] for link in Selector(html).css(best)} == expected


def test_a_hostile_home_page_is_only_a_page() -> None:
    name = "<script>[red]\x1b[31m\nid: evil" + "x" * 5000
    html = f'<html lang="{"x" * 9000}"><meta property="og:site_name" content="{name}"><link rel=alternate type=application/rss+xml href="http://[::1">'
    page = home.read(html.encode(), "http://a.example/", "utf-8")
    assert page.feeds == ()
    assert page.name is None or (len(page.name) <= 200 and page.name.isprintable())
    tried = [one("feed", "http://a.example/f#evil", 3)]
    _, outlet = write(
        Recorded(id="a", name='N: "x" # y', country="kz", languages=("no",), home="http://a.example/\nkind: blog", tried=choose(tried), remarks=["\n- x"], now=NOW)
    )  # fmt: skip
    assert (outlet.name, outlet.languages, outlet.kind) == ('N: "x" # y', ("no",), "news")


def one(kind: str, url: str, count: int, *, first: int = 0, every: int = 1, site: str = "http://a.example") -> Tried:
    pages = tuple(
        Entry(f"{site}/{number}", NOW - dt.timedelta(hours=every * place))
        for place, number in enumerate(range(first, first + count))
    )
    tried = Tried(
        kind=kind, url=url, found_by="test", outcome="read", pages=pages, links="a" if kind == "section" else None
    )  # type: ignore[arg-type]
    return judged(tried, "http://a.example/", NOW)


def test_few_are_chosen_that_list_nearly_all() -> None:
    tried = [
        one("feed", "politics", 20),
        one("feed", "all", 60),
        one("feed", "all again", 60),
        one("sitemap", "sport", 15, first=55),
        one("sitemap", "one more", 61),
        one("section", "home", 80),
        one("feed", "elsewhere", 90, site="http://b.example"),
        one("feed", "empty", 0),
        one("feed", "old", 5, every=24 * 100),
    ]
    assert [each.url for each in choose(tried) if each.chosen] == ["sport", "one more"]
    assert [each.url for each in choose(tried[:3]) if each.chosen] == ["all"], "of equals the first"
    assert [each.url for each in choose(tried[5:]) if each.chosen] == ["old"]
    assert [each.url for each in choose(tried[5:8]) if each.chosen] == ["home"]
    assert all(each.note for each in choose(tried))


def test_a_stale_feed_and_an_undated_archive_are_left() -> None:
    stale = judged(Tried(kind="feed", url="f", found_by="", outcome="read", pages=(Entry("http://a.example/1", NOW - dt.timedelta(days=40)),)), "http://a.example/", NOW)  # fmt: skip
    archive = judged(Tried(kind="sitemap", url="s", found_by="", outcome="read", pages=tuple(Entry(f"http://a.example/{n}") for n in range(300))), "http://a.example/", NOW)  # fmt: skip
    assert stale.note.startswith("stale: its newest is of 2026-10-14")
    assert "archive" in archive.note


def test_a_date_to_come_makes_no_feed_fresh() -> None:
    days = (-40, 365)
    pages = tuple(Entry(f"http://a.example/{day}", NOW + dt.timedelta(days=day)) for day in days)
    tried = judged(Tried(kind="feed", url="f", found_by="", outcome="read", pages=pages), "http://a.example/", NOW)
    assert tried.note.startswith("stale: its newest is of 2026-10-14")


@pytest.mark.parametrize(
    ("home", "feed", "written"),
    [
        ("http://a.example/", "https://a.example/feed", None),
        ("https://a.example/", "https://feeds.b.example/a", "https://a.example/"),
        ("https://a.example/ru/", "https://a.example/ru/rss", "https://a.example/ru/"),
    ],
)
def test_a_home_page_that_no_start_point_tells_stands_in_the_file(home: str, feed: str, written: str | None) -> None:
    """Or a quiet outlet would be looked for on another page."""
    given = {"id": "a", "name": "A", "country": "kz", "languages": ("kk",), "remarks": [], "now": NOW}
    _, outlet = write(Recorded(home=home, tried=choose([one("feed", feed, 3)]), **given))
    assert outlet.home == written


@pytest.mark.parametrize(
    ("tried", "rate", "bounds"),
    [
        ([one("feed", "f", 48)], 24, (6, 96)),
        ([one("feed", "f", 48), one("feed", "g", 4, first=100, every=30)], 24, (6, 98)),
        ([one("feed", "f", 10, every=48)], 0.5, (0, 10)),
        ([one("feed", "f", 2)], None, (0, 1000)),
        ([], None, (0, 1000)),
    ],
)
def test_volume_is_counted_where_all_start_points_reach(
    tried: list[Tried], rate: float | None, bounds: tuple[int, int]
) -> None:
    counted, (low, high) = per_day(tried, NOW)
    assert counted == (pytest.approx(rate, rel=0.15) if rate else None)
    assert (low, high) == (pytest.approx(bounds[0], abs=1), pytest.approx(bounds[1], abs=6))
    assert len(schedule(counted).split()) == 5


@pytest.mark.parametrize(
    ("host", "tags", "expected"),
    [
        ("www.example.kz", (), "kz"),
        ("news.example.co.uk", (), "gb"),
        ("xn--e1afmkfd.xn--p1ai", (), "ru"),
        ("example.com", ("ru_KZ",), "kz"),
        ("example.tv", ("en-GB",), "gb"),
        ("example.am", (), "am"),
        ("example.com", ("ru", None), None),
        ("example.io", (), None),
        ("127.0.0.1", ("sr-Latn",), None),
        ("example.com", ("zh-Hans-CN",), "cn"),
    ],
)
def test_a_country_is_proposed_on_evidence_only(host: str, tags: tuple[str | None, ...], expected: str | None) -> None:
    assert place.proposal(host, *tags) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("www.bbc.co.uk", "bbc"),
        ("news.some-paper.com", "some_paper"),
        ("127.0.1.5", "127_0_1_5"),
        ("one.blogspot.com", "one"),
    ],
)
def test_ids_come_from_hosts(host: str, expected: str) -> None:
    assert explore.identifier(host) == expected


def test_a_bad_id_is_refused() -> None:
    with pytest.raises(RecordError, match="id"):
        write(
            Recorded(
                id="No/Id",
                name="N",
                country="kz",
                languages=("ru",),
                home="http://a.example/",
                tried=[],
                remarks=[],
                now=NOW,
            )
        )

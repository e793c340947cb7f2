"""The demo's outlets say what their files promise, over real HTTP."""

import json
import socket
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin, urlsplit

import feedparser
import httpx
import lxml.html
import pytest
from lxml import etree

from crawlers.outlet import load_outlets
from narrawatch.demo import CARDS, pages
from narrawatch.demo.pages import listed
from narrawatch.demo.sample import SampleArticle, SampleError, Site, load_sites, read_article
from narrawatch.demo.server import DemoSites, DemoSitesError
from processing.extract import extract
from processing.importers import CardProblem, read_all
from processing.language import detect

NOW = datetime(2026, 3, 5, 9, 0, tzinfo=UTC)
SITES = load_sites()
ARTICLES = [pytest.param(site, article, id=f"{site.id}-{article.slug}") for site in SITES for article in site.articles]
WRITTEN = [param for param in ARTICLES if not param.values[1].video]
SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "n": "http://www.google.com/schemas/sitemap-news/0.9"}
ROOT = {
    "rss": "/feed.xml",
    "atom": "/atom.xml",
    "news-sitemap": "/news-sitemap.xml",
    "sitemap-index": "/sitemap-index.xml",
}
KINDS = ("rss", "atom", "news-sitemap", "sitemap-index", "section")


@pytest.fixture(scope="module")
def sites() -> Iterator[DemoSites]:
    with DemoSites(now=NOW) as served:
        yield served


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False) as opened:
        yield opened


def having(kind: str) -> list[Site]:
    return [site for site in SITES if kind in site.starts]


def links_of(site: Site, base: str) -> list[str]:
    return [base + link for link, _, _ in listed(site)]


def test_five_languages_and_every_label_are_there() -> None:
    articles = [article for site in SITES for article in site.articles]
    about = Counter(article.about for article in articles)
    assert {article.language for article in articles} == {"en", "ru", "uk", "de", "kk"}
    assert about["repeats"] >= 9
    assert about["reports"] >= 4
    assert about["debunks"] >= 2
    assert {article.language for article in articles if article.about == "unrelated"} == {"en", "ru", "uk", "de", "kk"}
    assert len(articles) >= 28
    assert all(article.language in site.languages for site in SITES for article in site.articles)
    assert {kind for site in SITES for kind in site.starts} == set(KINDS)


def test_labels_name_cards_that_import_without_a_problem() -> None:
    cards = list(read_all(CARDS))
    assert not [card for card in cards if isinstance(card, CardProblem)]
    ids = {card.id for card in cards if not isinstance(card, CardProblem)}
    labels = {article.narrative for site in SITES for article in site.articles if article.about != "unrelated"}
    assert labels <= ids
    assert not [a.slug for site in SITES for a in site.articles if a.about == "unrelated" and a.narrative]
    assert {a.narrative for site in SITES for a in site.articles if a.about == "repeats"} >= ids - {
        "demo-staged-massacre"
    }


def test_one_card_is_a_text_card_with_related_claims() -> None:
    (card,) = [card for card in read_all(CARDS) if not isinstance(card, CardProblem) and card.related_claims]
    titles = {json.loads(line)["title"].lower() for line in CARDS[0].read_text(encoding="utf-8").splitlines()}
    assert card.id == "the-west-is-staging-a-colour-revolution-in-kazakhstan"
    assert len(card.related_claims) == 3
    assert card.related_claims[1].lower() in titles


def test_outlet_files_are_valid(sites: DemoSites) -> None:
    found = load_outlets(sites.outlets_dir)
    assert found.problems == ()
    assert [outlet.id for outlet in found.outlets] == [site.id for site in SITES]
    assert {outlet.kind for outlet in found.outlets} == {"news", "state-controlled", "fact-checker"}


@pytest.mark.parametrize(("site", "article"), ARTICLES)
def test_page_answers_in_its_encoding(
    sites: DemoSites, client: httpx.Client, site: Site, article: SampleArticle
) -> None:
    response = client.get(sites.base[site.id] + site.address(article))
    assert response.status_code == 200
    assert response.headers["Content-Type"] == f"text/html; charset={site.encoding}"
    text = response.content.decode(site.encoding)
    tree = lxml.html.fromstring(text)
    assert tree.findtext(".//h1") == article.title
    assert "Sample page of the Narrawatch demo – invented" in tree.find(".//body").text_content()
    for script in tree.xpath("//script[@type='application/ld+json']"):
        json.loads(script.text)


@pytest.mark.parametrize(("site", "article"), WRITTEN)
def test_article_can_be_told_from_its_page(site: Site, article: SampleArticle) -> None:
    page = extract(pages.page(site, article, NOW), url=site.home + site.address(article), content_type="text/html")
    assert page.title == article.title
    paragraphs = [" ".join(block.split()) for block in article.body.split("\n\n")]
    assert [paragraph for paragraph in paragraphs if paragraph not in page.text] == []
    assert len(page.text) < len(article.body) + 150  # no comments, no related links, no consent notice
    assert datetime.fromisoformat(page.published) == NOW - timedelta(minutes=article.minutes_ago)
    assert detect(page.text).code == article.language


def test_the_video_page_holds_no_text() -> None:
    ((site, article),) = [param.values for param in ARTICLES if param not in WRITTEN]
    page = extract(pages.page(site, article, NOW), url=site.home + site.address(article), content_type="text/html")
    assert page.outcome in {"no_text", "too_short"}


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_feed_lists_everything(sites: DemoSites, client: httpx.Client, kind: str) -> None:
    for site in having(kind):
        base = sites.base[site.id]
        feed = feedparser.parse(client.get(base + ROOT[kind]).content)
        assert not feed.bozo
        assert [urljoin(base, entry.link) for entry in feed.entries] == links_of(site, base)
        assert [entry.title for entry in feed.entries] == [title for _, title, _ in listed(site)]


def test_feed_times_are_ages_before_now(sites: DemoSites, client: httpx.Client) -> None:
    (site, *_) = having("rss")
    tree = etree.fromstring(client.get(sites.base[site.id] + "/feed.xml").content)
    times = [parsedate_to_datetime(text) for text in tree.xpath("//pubDate/text()")]
    assert times == [NOW - timedelta(minutes=minutes) for _, _, minutes in listed(site)]


@pytest.mark.parametrize("kind", ["rss", "atom"])
def test_feed_that_did_not_change_is_304(sites: DemoSites, client: httpx.Client, kind: str) -> None:
    url = sites.base[having(kind)[0].id] + ROOT[kind]
    tag = client.get(url).headers["ETag"]
    again = client.get(url, headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert client.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_sitemap_index_leads_to_the_news_sitemap(sites: DemoSites, client: httpx.Client) -> None:
    (site,) = having("sitemap-index")
    tree = etree.fromstring(client.get(f"{sites.base[site.id]}/sitemap-index.xml").content)
    assert tree.xpath("/s:sitemapindex/s:sitemap/s:loc/text()", namespaces=SITEMAP) == [
        f"{sites.base[site.id]}/news-sitemap.xml"
    ]


@pytest.mark.parametrize("kind", ["news-sitemap", "sitemap-index"])
def test_news_sitemap_lists_everything_with_its_language(sites: DemoSites, client: httpx.Client, kind: str) -> None:
    for site in having(kind):
        base = sites.base[site.id]
        tree = etree.fromstring(client.get(f"{base}/news-sitemap.xml").content)
        language = {base + site.address(article): article.language for article in site.articles}
        assert tree.xpath("/s:urlset/s:url/s:loc/text()", namespaces=SITEMAP) == links_of(site, base)
        assert tree.xpath("//n:language/text()", namespaces=SITEMAP) == [
            language[link] for link in links_of(site, base)
        ]


def test_section_page_lists_everything_behind_its_selector(sites: DemoSites, client: httpx.Client) -> None:
    for outlet in load_outlets(sites.outlets_dir).outlets:
        for section in outlet.start.sections:
            site = next(site for site in SITES if site.id == outlet.id)
            response = client.get(section.url)
            tree = lxml.html.fromstring(response.content.decode(site.encoding))
            found = [urljoin(section.url, link.get("href")) for link in tree.cssselect(section.links)]
            assert found == links_of(site, sites.base[site.id])


def test_odd_links_are_listed_and_answer_as_meant(sites: DemoSites, client: httpx.Client) -> None:
    answers = {}
    for site in SITES:
        for extra in site.extras:
            response = client.get(sites.base[site.id] + extra.link)
            answers[site.id, urlsplit(extra.link).path] = response.status_code, response.headers.get("Location")
    assert answers == {
        ("niederwaldauer_kreisblatt", "/plus/gewerbegebiet-nord-die-plaene-im-detail"): (404, None),
        ("rubezh_inform", "/story/4711.html"): (301, "/story/sekretnye-tsentry.html"),
        ("saltmere_courier", "/news/old-lifeboat-shed-sold.html"): (404, None),
        ("saltmere_courier", "/news/swing-bridge-closed-for-six-weeks.html"): (200, None),
    }


def test_robots_closes_what_it_should(sites: DemoSites, client: httpx.Client) -> None:
    text = {site.id: client.get(f"{sites.base[site.id]}/robots.txt").text for site in SITES}
    assert text["niederwaldauer_kreisblatt"] == "User-agent: *\nDisallow: /plus/\n"
    assert {rules for name, rules in text.items() if name != "niederwaldauer_kreisblatt"} == {
        "User-agent: *\nDisallow:\n"
    }


def test_requests_are_counted_by_outlet_and_path(client: httpx.Client) -> None:
    with DemoSites(now=NOW) as sites:
        client.get(f"{sites.base['plumbline']}/feed.xml")
        client.head(f"{sites.base['plumbline']}/feed.xml")
        client.get(f"{sites.base['plumbline']}/nothing?a=b")
        assert sites.requests["plumbline"] == {"/feed.xml": 2, "/nothing?a=b": 1}
        assert not sites.requests["rubezh_inform"]


def test_same_now_same_pages_whatever_the_port(client: httpx.Client) -> None:
    def bodies() -> list[bytes]:
        with DemoSites(now=NOW) as sites:
            return [
                client.get(sites.base[site.id] + site.address(article)).content
                for site, article in (p.values for p in ARTICLES)
            ]

    assert bodies() == bodies()


def test_one_port_for_all_outlets_and_nothing_stays_open(client: httpx.Client) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.2.1", 0))
        port = probe.getsockname()[1]
    for _ in range(2):
        with DemoSites(now=NOW, port=port) as sites:
            folder = sites.outlets_dir
            assert (
                client.get(sites.base["plumbline"]).status_code == 200
            )  # leaves a connection behind that is still open
            assert sorted(sites.base.values()) == [
                f"http://127.0.2.{number}:{port}" for number in range(1, len(SITES) + 1)
            ]
        assert not folder.exists()


def test_port_that_is_taken_is_one_clear_line() -> None:
    with socket.socket() as other:
        other.bind(("127.0.2.3", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(DemoSitesError, match=rf"127\.0\.2\.3:{port}: Address already in use; choose another port"),
            DemoSites(now=NOW, port=port),
        ):
            pass


def test_where_only_one_address_can_be_bound_outlets_get_ports(client: httpx.Client) -> None:
    with DemoSites(now=NOW, network="203.0.113") as sites:  # reserved for documentation: no machine has it
        assert {urlsplit(base).hostname for base in sites.base.values()} == {"127.0.0.1"}
        assert len({urlsplit(base).port for base in sites.base.values()}) == len(SITES)
        assert "Plumbline" in client.get(sites.base["plumbline"]).text


def test_now_without_time_zone_is_refused() -> None:
    with pytest.raises(DemoSitesError, match="no time zone"), DemoSites(now=NOW.replace(tzinfo=None)):
        pass


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: x\n", "no front matter"),
        ("---\ntitle: x\ncolour: red\n---\ntext", "unexpected keyword argument 'colour'"),
    ],
)
def test_broken_article_file_is_named(tmp_path, text: str, message: str) -> None:
    path = tmp_path / "x.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SampleError, match=rf"x\.md: .*{message}"):
        read_article(path, "en")

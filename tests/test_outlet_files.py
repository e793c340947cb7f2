"""The outlets we ship: every file is right, together they cover what we promise, and each has a recorded structure.

An outlet's folder in `fixtures/outlets` holds `page.html` (an article page of the site, made by record_page.py),
`start-1.xml` and so on (a listing in the form of each of its start addresses, in the file's order; the items are
invented) and `expected.json` (what both must give). What stands on the page is tested in test_golden_pages.py.
"""

import datetime as dt
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import crawlers
from crawlers import feeds, sections, sitemaps
from crawlers.address import normalise
from crawlers.listed import Listed
from crawlers.outlet import Outlet, load_files, load_outlets
from crawlers.wanted import Wanted
from processing.article import Extracted
from processing.extract import extract

FOLDER = Path(crawlers.__file__).with_name("outlets")
FILES = sorted(FOLDER.iterdir())
RECORDED = Path(__file__).parent / "fixtures" / "outlets"
OUTLETS = {outlet.id: outlet for outlet in load_outlets(FOLDER).outlets}

# No page of these has been recorded yet, so nothing here would notice that our reading does not fit them. May only shrink.
# fmt: off
NOT_RECORDED = {
    "afp_faktencheck", "bbc_arabic", "belta", "cbc_news", "correctiv", "danas", "demagog", "dennik_n", "dnevnik_bg",
    "el_pais", "euvsdisinfo", "full_fact", "habari_leo", "hetq", "hotnews", "kazinform_kk", "le_monde", "lrt",
    "maldita", "meduza", "netgazeti", "nrk", "ria_novosti", "rt_ar", "rt_en", "sputnik_en", "srf", "stopfake_en",
    "stopfake_uk", "tass", "tass_en", "telex", "tengrinews", "teyit", "ukrainska_pravda",
}
# fmt: on
HOW_TO = (
    "save an article page of it, write down in truth.json what stands on it, run "
    "`python tests/record_page.py PAGE URL --outlet {0} --truth truth.json`, "
    "write tests/fixtures/outlets/{0}/start-1.xml (three invented items in the form its feed has; one file for each start "
    "address) and their links into expected.json under `starts`"
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_shipped_outlet_file_is_right(path: Path) -> None:
    files = load_files([path])
    assert files.problems == ()
    assert [outlet.id for outlet in files.outlets] == [path.stem]
    low, high = files.outlets[0].expect.per_day
    assert high > low


@pytest.mark.parametrize("outlet", OUTLETS)
def test_every_outlet_has_a_recorded_structure(outlet: str) -> None:
    recorded = (RECORDED / outlet).is_dir()
    if outlet in NOT_RECORDED:
        assert not recorded, f"{outlet} is recorded now: take it off NOT_RECORDED"
    else:
        assert recorded, f"{outlet} has no recorded page: {HOW_TO.format(outlet)}"


def test_recordings_belong_to_outlets() -> None:
    assert {path.name for path in RECORDED.iterdir()} | NOT_RECORDED == OUTLETS.keys()


def recorded(outlet: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / outlet / "expected.json").read_text(encoding="utf-8"))
    return found


def listings() -> list[Any]:
    pairs = [(name, outlet) for name, outlet in OUTLETS.items() if name not in NOT_RECORDED]
    return [
        pytest.param(outlet, url, number, id=f"{name}-{number}")
        for name, outlet in pairs
        for number, url in enumerate(outlet.start.urls, 1)
    ]


def read(outlet: Outlet, url: str, body: bytes) -> Listed:
    """As the outlet's spider would, by what the outlet's file says of this address."""
    if url in outlet.start.feeds:
        return feeds.read(body, url)
    if url in outlet.start.news_sitemaps:
        everything = Wanted(since=dt.datetime(2000, 1, 1, tzinfo=dt.UTC))
        return sitemaps.read(body, url, "", everything, pages=100, sitemaps=100)
    links = next(section.links for section in outlet.start.sections if section.url == url)
    return sections.read(body, url, "utf-8", links)


@pytest.mark.parametrize(("outlet", "url", "number"), listings())
def test_listing(outlet: Outlet, url: str, number: int) -> None:
    found = sorted((RECORDED / outlet.id).glob(f"start-{number}.*"))
    assert found, f"{url} has no listing: {HOW_TO.format(outlet.id)}"
    listed = read(outlet, url, found[0].read_bytes())
    assert [entry.url for entry in (*listed.pages, *listed.sitemaps)] == recorded(outlet.id)["starts"][url]
    assert all(entry.time for entry in (*listed.pages, *listed.sitemaps))
    assert not listed.left_out


@pytest.mark.parametrize("outlet", sorted(OUTLETS.keys() - NOT_RECORDED))
def test_page_is_of_the_outlet_and_listed_by_it(outlet: str) -> None:
    expected = recorded(outlet)
    assert expected["starts"].keys() == set(OUTLETS[outlet].start.urls)
    pages = [url for urls in expected["starts"].values() for url in urls if not url.endswith(".xml")]
    assert not pages or expected["url"] in pages
    html = (RECORDED / outlet / "page.html").read_bytes()
    assert isinstance(extract(html, url=expected["url"], selectors=OUTLETS[outlet].extract), Extracted)


def test_no_address_is_watched_twice() -> None:
    starts = [outlet.start for outlet in OUTLETS.values()]
    addresses = Counter(normalise(url) for start in starts for url in (*start.feeds, *start.news_sitemaps))
    assert [url for url, times in addresses.items() if times > 1] == []


def test_the_shipped_outlets_cover_many_countries_languages_and_kinds() -> None:
    outlets = OUTLETS.values()
    kinds = Counter(outlet.kind for outlet in outlets)
    assert len(outlets) >= 28
    assert len({outlet.country for outlet in outlets}) >= 25
    assert {"en", "ru", "uk", "de", "kk", "hy", "ka", "ar", "sr", "no"} <= {
        code for outlet in outlets for code in outlet.languages
    }
    assert kinds["fact-checker"] >= 8
    assert kinds["state-controlled"] >= 5

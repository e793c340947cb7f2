"""The outlets we ship: every file is right, and together they cover what we promise."""

from collections import Counter
from pathlib import Path

import pytest

import crawlers
from crawlers.address import normalise
from crawlers.outlet import load_files, load_outlets

FOLDER = Path(crawlers.__file__).with_name("outlets")
FILES = sorted(FOLDER.iterdir())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_shipped_outlet_file_is_right(path: Path) -> None:
    files = load_files([path])
    assert files.problems == ()
    assert [outlet.id for outlet in files.outlets] == [path.stem]
    low, high = files.outlets[0].expect.per_day
    assert high > low


def test_no_address_is_watched_twice() -> None:
    starts = [outlet.start for outlet in load_outlets(FOLDER).outlets]
    addresses = Counter(normalise(url) for start in starts for url in (*start.feeds, *start.news_sitemaps))
    assert [url for url, times in addresses.items() if times > 1] == []


def test_the_shipped_outlets_cover_many_countries_languages_and_kinds() -> None:
    outlets = load_outlets(FOLDER).outlets
    kinds = Counter(outlet.kind for outlet in outlets)
    assert len(outlets) >= 28
    assert len({outlet.country for outlet in outlets}) >= 25
    assert {"en", "ru", "uk", "de", "kk", "hy", "ka", "ar", "sr", "no"} <= {
        code for outlet in outlets for code in outlet.languages
    }
    assert kinds["fact-checker"] >= 8
    assert kinds["state-controlled"] >= 5

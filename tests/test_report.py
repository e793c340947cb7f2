"""The weekly report on a real node: what is counted, what the page says, and that nothing on it can do harm."""

import datetime as dt
import json
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from lxml import etree, html

from crawlers.outlet import OutletFiles, load_outlets
from index_config import bulk
from index_config.mappings import load
from narrawatch.demo import CARDS
from processing.importers import read_all
from processing.matching import ANALYST
from review import finds, history, plots
from review.counts import Runs, read_counts
from review.history import FALLING, RISING, invent
from review.history_documents import actions, outlets, write_outlets
from review.page import clip, render, web_address
from review.report import make_report
from review.trends import compare
from review.weeks import WeekError, last_complete, parse_week

ZONE = ZoneInfo("Europe/Kyiv")
WEEK = parse_week("2026-W07")
CARDS_BY_ID = {card.id: card for card in read_all(CARDS)}
BY_ANALYSTS = {"verdict", "verdict_by", "verdict_at", "verdict_note", "added_by"}


def quiet(_what, _done, _total):
    pass


def write(cluster, documents):
    result = bulk.write(cluster, documents, refresh=True)
    assert result.failed == ()
    return result.ok


@pytest.fixture
def past(cluster):
    """The invented past, ending with WEEK, in this test's indices."""
    found = invent(WEEK)
    assert write(cluster, actions(found, ZONE, CARDS_BY_ID)) > 9000
    return found


@pytest.fixture
def files():
    return OutletFiles(tuple(outlets().values()), ())


def test_the_invented_past_is_counted_as_it_was_invented_and_reported(cluster, past, files, tmp_path):
    counts = read_counts(cluster, WEEK, ZONE, quiet)
    assert dict(counts.history.flags) == dict(past.history.flags)
    assert dict(counts.history.articles) == dict(past.history.articles)
    assert counts.history.observed == past.history.observed
    assert compare(counts.history) == compare(past.history)
    assert counts.unmatched == 0

    report = make_report(cluster, WEEK, ZONE, files, quiet)
    assert {story.trend.narrative for story in report.moving("rising")} == set(RISING)
    assert {story.trend.narrative for story in report.moving("falling")} == set(FALLING)
    for story in report.moving("rising"):
        assert len({example.passage for example in story.examples}) == 3
        assert bool(story.rebuttal) == (story.trend.narrative != "demo-postal-votes")
    assert [(gap.outlet, gap.reason) for gap in report.coverage.gaps] == [
        ("la_gaceta_del_faro", "nothing could be read in 7 crawls (HTTP 403)"),
        (
            "sarydala_tynysy",
            "nothing could be read in 5 of 7 crawls (no answer in time); far fewer articles than usual",
        ),
    ]
    assert report.coverage.new == ("Дальний маяк",)
    assert report.coverage.earlier == (("Рубеж-Информ", (WEEK.back(2),)),)
    assert report.coverage.dark == (WEEK.back(-history.DARK),)
    assert (report.coverage.complete, report.coverage.watched) == (9, 11)
    page = render(report)
    assert render(make_report(cluster, WEEK, ZONE, files, quiet)) == page
    check_page(page)
    assert_says(page, "No rebuttal documented", "Рубеж-Информ", "9 of 11 outlets were complete")


def check_page(page):
    """Alone, quiet, and readable for those who do not see it."""
    tree = html.fromstring(page)
    assert tree.get("lang") == "en"
    assert not tree.xpath("//script | //iframe | //object | //embed | //img | //form | //base")
    assert tree.xpath("//link/@href") == ["data:,"]
    assert not tree.xpath("//@src | //@srcset | //@onclick | //@onload | //@background")
    assert {address.split(":")[0] for address in tree.xpath("//a/@href")} <= {"http", "https"}
    assert "url(http" not in page
    assert "@import" not in page
    ids = tree.xpath("//@id")
    assert len(ids) == len(set(ids))
    assert set(" ".join(tree.xpath("//@aria-labelledby")).split()) <= set(ids)
    levels = [int(heading.tag[1]) for heading in tree.xpath("//h1 | //h2 | //h3 | //h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for table in tree.xpath("//table"):
        assert table.xpath("./caption")
        assert table.xpath("./thead//th[@scope='col']")
        assert table.xpath("./tbody//th[@scope='row']")
    charts = tree.xpath("//*[local-name()='svg']")
    assert charts
    for chart in charts:
        assert chart.get("role") == "img"
        assert [child.tag.rpartition("}")[2] for child in chart[:2]] == ["title", "desc"]
        assert all(child.text for child in chart[:2])
        assert chart.xpath(".//*[local-name()='text']")


def assert_says(page, *texts):
    said = " ".join(html.fromstring(page).text_content().split())
    for text in texts:
        assert text in said


def test_invented_flags_have_the_fields_that_matching_writes(cluster):
    (flag, *_) = [action for action in actions(invent(WEEK), ZONE, CARDS_BY_ID) if action.alias == "flags"]
    assert set(flag.document) - BY_ANALYSTS == set(load("flags").mappings["properties"]) - BY_ANALYSTS


def articles(flag=None, **changes):
    """One article, and its flag if some fields of that are given, in the shapes of the invented past."""
    week = invent(WEEK)
    pair = next(
        (article, flagged)
        for article, flagged in _pairs(actions(week, ZONE, CARDS_BY_ID))
        if flagged.document["level"] == "flag" and flagged.document["outlet"] == "saltmere_courier"
    )
    article = bulk.Action("articles", pair[0].id, pair[0].document | changes)
    copied = {name: changes[name] for name in ("title", "url", "fetched", "language", "kind") if name in changes}
    return [article] + (
        [bulk.Action("flags", pair[1].id, pair[1].document | copied | flag)] if flag is not None else []
    )


def _pairs(documents):
    before = None
    for action in documents:
        if action.alias == "flags":
            yield before, action
        before = action


def moment(week, **after):
    return (week.bounds(ZONE)[0] + dt.timedelta(**after)).astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def test_an_article_belongs_to_the_week_of_its_first_sight_in_our_zone(cluster):
    first, edited = moment(WEEK, seconds=1), moment(WEEK.back(-1), days=2)
    write(cluster, articles({"first_seen": edited}, first_seen=first, fetched=edited))
    counts = read_counts(cluster, WEEK, ZONE, quiet)
    assert sum(counts.history.flags.values()) == 1
    assert counts.sightings.articles == 1
    assert counts.collected == 1
    # A second earlier in UTC it was Sunday still: the same article, an hour before the week begins in Kyiv
    write(cluster, articles({"first_seen": edited}, first_seen=moment(WEEK, seconds=-1), fetched=edited))
    after = read_counts(cluster, WEEK.back(1), ZONE, quiet)
    assert (after.collected, after.sightings.articles) == (1, 1)
    with pytest.raises(WeekError, match=r"nothing was crawled then; there are articles from 2026-W06 to 2026-W06"):
        read_counts(cluster, WEEK, ZONE, quiet)


@pytest.mark.parametrize(
    ("changes", "counted"),
    [
        ({"verdict": "confirmed"}, 1),
        ({"verdict": "confirmed", "still_matched": False}, 1),
        ({"verdict": "unsure"}, 1),
        ({"verdict": "rejected"}, 0),
        ({"verdict": "unsure", "still_matched": False}, 0),
        ({"level": "suggest"}, 0),
        ({"kind": "fact-checker"}, 0),
        ({"matcher": ANALYST}, 0),
        ({"outlet": finds.ELSEWHERE}, 0),
    ],
)
def test_which_flags_count(cluster, changes, counted):
    seen = moment(WEEK, days=1)
    write(cluster, articles(changes, first_seen=seen, fetched=seen))
    assert sum(read_counts(cluster, WEEK, ZONE, quiet).history.flags.values()) == counted


def test_an_added_page_is_no_crawl_and_an_unread_start_point_is_no_data(cluster, files):
    crawls = [action for action in actions(invent(WEEK), ZONE, CARDS_BY_ID) if action.alias == "crawls"]
    (week,) = [action for action in crawls if action.document["outlet"] == "donaublick"][-7:-6]
    write(cluster, [bulk.Action("crawls", "donaublick:a", week.document | {"starts": []})])
    with pytest.raises(WeekError):
        read_counts(cluster, WEEK, ZONE, quiet)
    failed = [{"url": "https://donaublick.example/feed.xml", "platform": "feed", "outcome": "empty", "found": 0}]
    write(cluster, [bulk.Action("crawls", "donaublick:b", week.document | {"starts": failed})])
    counts = read_counts(cluster, WEEK, ZONE, quiet)
    assert counts.history.observed == frozenset()
    assert counts.runs == {(WEEK, "donaublick"): Runs(1, 1, 1, ("empty",))}
    write(cluster, [week])
    assert read_counts(cluster, WEEK, ZONE, quiet).history.observed == {WEEK}


def test_hostile_words_stay_words(cluster, files):
    nasty = "<script>alert(1)</script> $\\frac{1}{$ \x07\ufffe ]]> --> </svg><img src=x onerror=alert(1)> العربية 北京"
    flag = {
        "narrative_title": nasty,
        "narrative_url": "javascript:alert(1)",
        "rebuttal": nasty,
        "passage": nasty,
        "language": '"><script>',
    }
    past = invent(WEEK)
    kept = [action for action in actions(past, ZONE, CARDS_BY_ID) if action.alias != "flags"]
    write(cluster, kept)
    many = [action for action in actions(past, ZONE, CARDS_BY_ID) if action.alias == "flags"]
    rising = [action for action in many if action.document["narrative"] == "demo-postal-votes"]
    write(
        cluster,
        [
            bulk.Action(
                "flags",
                action.id,
                action.document | flag | {"title": nasty, "url": "data:text/html,x", "text_hash": str(place)},
            )
            for place, action in enumerate(rising)
        ],
    )
    report = make_report(cluster, WEEK, ZONE, files, quiet)
    (story,) = report.moving("rising")
    assert len(story.examples) == 3
    page = render(report)
    check_page(page)
    assert "<script" not in page
    assert "javascript:" not in page
    assert "data:text/html" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 5


def test_a_week_of_one_article_and_no_crawl_is_reported_without_trends(cluster, files):
    seen = moment(WEEK, days=3)
    write(cluster, articles(first_seen=seen, fetched=seen))
    report = make_report(cluster, WEEK, ZONE, files, quiet)
    assert not report.history.comparable
    page = render(report)
    check_page(page)
    assert_says(page, "Not to be told: a comparison needs a crawl this week", "No article counted for a narrative")
    assert_says(page, "0 of 11 outlets were complete", "Not crawled in any of these nine weeks:")


def test_charts_are_the_same_every_time_and_need_no_style_of_the_user(monkeypatch):
    def chart():
        return plots.weekly_bars("a", "T", ["W1", "W2"], [3, None], usual=(1, 4))

    before = chart()
    monkeypatch.setitem(plots.mpl.rcParams, "font.size", 40)
    assert chart() == before
    tree = etree.fromstring(before)
    assert tree[1].text == "W1: 3, W2: no data. Usual in the last week: 1 to 4."


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("https://example.org/a", True),
        ("HTTP://example.org", True),
        ("javascript:alert(1)", False),
        ("java\nscript:alert(1)", False),
        ("//example.org", False),
        ("https://[broken", False),
        ("", False),
        (None, False),
    ],
)
def test_only_web_addresses_are_links(address, safe):
    assert bool(web_address(address)) is safe


def test_long_rebuttals_end_at_a_sentence():
    assert clip("One. Two is long. Three", 19) == "One. Two is long. …"
    assert clip("short", 19) == "short"
    assert clip("no end in sight at all", 10) == "no end in…"


def test_the_command_writes_one_page_and_says_what_is_in_it(cluster, environ, narrawatch, tmp_path):
    folder, out = tmp_path / "outlets", tmp_path / "new" / "reports"
    write_outlets(folder)
    assert len(load_outlets(folder).outlets) == 11
    write(cluster, actions(invent(WEEK), ZoneInfo("UTC"), CARDS_BY_ID))
    asked = ("report", "--week", str(WEEK), "--out", out, "--outlets", folder)
    lines = narrawatch(*asked).stdout.splitlines()
    path = out / "narrawatch-2026-W07.html"
    assert lines[0] == str(path)
    assert len(lines) == 4
    assert "3 rising (" in lines[2]
    assert lines[3] == "Outlets complete: 9 of 11"
    before = path.read_bytes()
    summary = json.loads(narrawatch(*asked, "--json").stdout)
    assert path.read_bytes() == before
    assert [file.name for file in out.iterdir()] == [path.name]
    assert summary["path"] == str(path)
    assert {found["narrative"] for found in summary["rising"]} == set(RISING)
    assert {found["narrative"] for found in summary["falling"]} == set(FALLING)
    assert summary["outlets"] == {"watched": 11, "complete": 9}


def test_a_week_that_cannot_be_reported_is_one_line(cluster, environ, narrawatch, tmp_path):
    for week, says in (
        ("2026-W54", "there is no week '2026-W54'; 2026 has the weeks 2026-W01 to 2026-W53"),
        ("2999-W01", "the week 2999-W01 is still to come; the last complete one is"),
        ("2026-W07", "no article has been collected yet; `narrawatch run` collects them"),
    ):
        done = narrawatch("report", "--week", week, "--out", tmp_path / "out", check=False)
        assert done.returncode == 1
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert says in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made_is_one_line(cluster, narrawatch, tmp_path):
    (tmp_path / "file").write_text("")
    seen = moment(WEEK, days=1)
    write(cluster, articles(first_seen=seen, fetched=seen))
    done = narrawatch("report", "--week", str(WEEK), "--out", tmp_path / "file" / "out", check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "cannot be made" in done.stderr


def test_the_demo_reports_the_last_week_and_can_be_repeated(environ, narrawatch, tmp_path):
    for _ in range(2):
        summary = json.loads(narrawatch("demo-report", "--out", tmp_path, "--json").stdout)
        assert summary["week"] == str(last_complete(dt.datetime.now(dt.UTC), ZoneInfo("UTC")))
        assert {found["narrative"] for found in summary["rising"]} == set(RISING)
        assert {found["narrative"] for found in summary["falling"]} == set(FALLING)
    check_page(Path(summary["path"]).read_text("utf-8"))

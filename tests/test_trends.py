"""Trends: what was planted is found and nothing else, and nothing that merely went missing counts as a fall."""

import datetime as dt
from collections import Counter
from zoneinfo import ZoneInfo

import pytest

from review import trends
from review.chance import benjamini_hochberg, two_sided, usual_range
from review.history import FALLING, RISING, invent
from review.trends import History, Sighting, compare
from review.weeks import Week, WeekError, complete, last_complete, parse_week

WEEK = parse_week("2026-W47")
WEEKS = tuple(WEEK.back(ago) for ago in range(trends.BEFORE, -1, -1))
UTC = ZoneInfo("UTC")


def history(flags, articles=None, dark=()):
    """Weekly numbers, oldest first: flags by (narrative, outlet), articles by outlet (100 a week unless told)."""
    articles = {outlet: [100] * len(WEEKS) for _, outlet in flags} | (articles or {})
    return History(
        weeks=WEEKS,
        observed=frozenset(week for place, week in enumerate(WEEKS) if place not in dark),
        articles={(week, outlet): n for outlet, row in articles.items() for week, n in zip(WEEKS, row, strict=True)},
        flags={
            Sighting(narrative, week, "en", outlet): number
            for (narrative, outlet), row in flags.items()
            for week, number in zip(WEEKS, row, strict=True)
            if number
        },
    )


def directions(found):
    return {trend.narrative: trend.direction for trend in compare(found)}


# Chance findings cannot be none for ever: 4 of the first 1,000 pasts have one (the first is 23), 6 lack a planted trend
# (the first is 40). Their rates are held by the next test.
@pytest.mark.parametrize("seed", range(20))
def test_what_was_planted_is_found_and_nothing_else(seed):
    found = directions(invent(WEEK, seed).history)
    assert {name for name, direction in found.items() if direction == "rising"} == set(RISING)
    assert {name for name, direction in found.items() if direction == "falling"} == set(FALLING)


def test_chance_findings_are_as_rare_as_is_said():
    found = wrong = 0
    for seed in range(300):
        moving = {
            name: direction
            for name, direction in directions(invent(WEEK, seed).history).items()
            if direction != "steady"
        }
        right = {**dict.fromkeys(RISING, "rising"), **dict.fromkeys(FALLING, "falling")}
        found += len(moving.items() & right.items())
        wrong += len(moving.items() - right.items())
    assert found >= 0.99 * 300 * len(right)
    assert wrong <= trends.FALSE_SHARE * (found + wrong)


def test_the_invented_past_is_the_same_for_the_same_seed_only():
    assert invent(WEEK, 3) == invent(WEEK, 3)
    assert invent(WEEK, 3) != invent(WEEK, 4)


def test_an_outlet_that_is_down_makes_nothing_fall():
    flags = {("n", "big"): [20] * 8 + [0], ("n", "small"): [6] * 9}
    assert directions(history(flags))["n"] == "falling"  # as it would look without knowing
    assert directions(history(flags, {"big": [100] * 8 + [0]}))["n"] == "steady"
    assert directions(history(flags, {"big": [100] * 8 + [3]}))["n"] == "steady"


def test_an_outlet_that_was_down_before_makes_nothing_rise():
    flags = {("n", "big"): [0, 0, 0, 20, 20, 20, 20, 20, 20], ("n", "small"): [3] * 9}
    (trend,) = compare(history(flags, {"big": [0, 0, 0, *[100] * 6]}))
    assert trend.direction == "steady"
    assert trend.expected == pytest.approx(23, abs=0.5)


def test_an_outlet_that_joined_makes_nothing_rise():
    flags = {("n", "old"): [5] * 9, ("n", "new"): [0] * 6 + [40] * 3}
    (trend,) = compare(history(flags, {"new": [0] * 6 + [100] * 3}))
    assert trend.direction == "steady"
    assert (trend.total, trend.count) == (45, 5)


def test_twice_the_articles_are_twice_the_flags():
    flags = {("n", "o"): [10] * 8 + [30]}
    assert directions(history(flags))["n"] == "rising"
    assert directions(history(flags, {"o": [100] * 8 + [300]}))["n"] == "steady"


def test_a_week_without_crawls_is_not_a_week_with_nothing():
    steady = {("n", "o"): [12, 12, 0, 12, 0, 12, 12, 0, 12]}
    gone = {"o": [100, 100, 0, 100, 0, 100, 100, 0, 100]}
    (trend,) = compare(history(steady, gone, dark=(2, 4, 7)))
    assert trend.direction == "steady"
    assert trend.expected == pytest.approx(12, abs=0.5)
    assert trend.weekly == (12, 12, None, 12, None, 12, 12, None, 12)


@pytest.mark.parametrize(
    ("dark", "direction"), [((0, 1, 2, 3), "rising"), ((0, 1, 2, 3, 4), "steady"), ((8,), "steady")]
)
def test_too_few_weeks_or_none_to_report_mean_no_comparison(dark, direction):
    row = [0 if place in dark else 4 for place in range(8)] + [60]
    articles = {"o": [0 if place in dark else 100 for place in range(9)]}
    assert directions(history({("n", "o"): row}, articles, dark))["n"] == direction


def test_a_new_narrative_rises_but_not_on_a_handful():
    found = directions(history({("new", "o"): [0] * 8 + [9], ("few", "o"): [0] * 8 + [4], ("usual", "o"): [8] * 9}))
    assert found == {"new": "rising", "few": "steady", "usual": "steady"}


def test_what_always_comes_in_bursts_is_not_rising_when_it_bursts():
    calm = {(f"calm {place}", "o"): [12, 14, 9, 12, 15, 11, 10, 13, 12] for place in range(3)}
    bursts = {
        ("bursts", "o"): [1, 0, 40, 2, 0, 55, 1, 0, 45],
        ("calm, but now", "o"): [12, 9, 14, 13, 11, 15, 10, 12, 45],
    }
    found = directions(history(calm | bursts))
    assert [name for name, direction in found.items() if direction != "steady"] == ["calm, but now"]


def test_what_is_certain_may_yet_be_trifling():
    big = {("n", "o"): [9000] * 8 + [11000]}
    (trend,) = compare(history(big, {"o": [100_000] * 9}))
    assert trend.adjusted < 1e-6
    assert trend.direction == "steady"


def test_nothing_at_all_is_no_trend():
    assert compare(history({})) == []
    assert compare(History(WEEKS, frozenset(), {}, {})) == []


def test_flags_without_an_outlet_to_compare_are_counted_only():
    (trend,) = compare(history({("n", "o"): [0] * 8 + [30]}, {"o": [0] * 8 + [50]}))
    assert (trend.total, trend.count, trend.direction) == (30, 0, "steady")


def test_chances_are_those_of_the_textbook():
    # Poisson with mean 3: ten or more .001102, none .049787
    assert two_sided(10, 3, 3) == pytest.approx(2 * 0.00110249, rel=1e-4)
    assert two_sided(0, 3, 3) == pytest.approx(2 * 0.04978707, rel=1e-6)
    # Negative binomial of size 2 and probability 1/2 is (k + 1) / 2^(k + 2): mean 2, variance 4
    assert two_sided(8, 2, 4) == pytest.approx(2 * sum((k + 1) / 2 ** (k + 2) for k in range(8, 200)))
    assert two_sided(2, 2, 4) == pytest.approx(1)
    assert two_sided(5000, 3, 4) < 1e-100
    assert usual_range(3, 3) == (0, 7)
    assert usual_range(1000, 1000) == (938, 1062)


def test_benjamini_and_hochberg():
    values = [0.01, 0.04, 0.03, 0.005, 0.5]
    assert benjamini_hochberg(values) == pytest.approx([0.025, 0.05, 0.05, 0.025, 0.5])
    assert benjamini_hochberg([]) == []


def test_many_narratives_are_quick():
    flags = {(f"n{number}", "o"): [number % 7] * 9 for number in range(12_000)}
    found = Counter(trend.direction for trend in compare(history(flags, {"o": [90_000] * 9})))
    assert set(found) == {"steady"}


@pytest.mark.parametrize(
    ("text", "monday"),
    [("2026-W47", "2026-11-16"), ("2020-W53", "2020-12-28"), ("2026-w1", "2025-12-29"), (" 2026W07 ", "2026-02-09")],
)
def test_weeks_are_iso_weeks(text, monday):
    assert parse_week(text).monday == dt.date.fromisoformat(monday)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2026-W54", "2026-W01 to 2026-W53"),
        ("2025-W53", "2025-W01 to 2025-W52"),
        ("2026-W00", "2026-W01"),
        ("0000-W01", "like 2026-W47"),
        ("9999-W60", "like 2026-W47"),
        ("week 47", "'week 47' is no week"),
        ("2026-11-16", "is no week"),
        ("２０２６-W47", "is no week"),
    ],
)
def test_what_is_no_week(text, says):
    with pytest.raises(WeekError, match=says):
        parse_week(text)


def test_the_last_complete_week_depends_on_the_zone():
    sunday_evening = dt.datetime(2026, 11, 22, 22, 30, tzinfo=dt.UTC)
    assert str(last_complete(sunday_evening, UTC)) == "2026-W46"
    assert str(last_complete(sunday_evening, ZoneInfo("Europe/Kyiv"))) == "2026-W47"
    assert complete(WEEK, sunday_evening, ZoneInfo("Europe/Kyiv")) == WEEK
    with pytest.raises(WeekError, match="2026-W47 is not over; the last complete one is 2026-W46"):
        complete(WEEK, sunday_evening, UTC)
    with pytest.raises(WeekError, match="2027-W01 is still to come"):
        complete(parse_week("2027-W01"), sunday_evening, UTC)


def test_a_week_with_a_clock_change_is_an_hour_longer():
    first, after = Week(dt.date(2026, 10, 19)).bounds(ZoneInfo("Europe/Kyiv"))
    assert (after.astimezone(dt.UTC) - first.astimezone(dt.UTC)) == dt.timedelta(hours=169)

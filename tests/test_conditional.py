"""What is remembered of start points: when they are asked about, when they are read in full, and when they are not believed."""

from dataclasses import replace

import pytest
from scrapy.http import Response

from crawlers.conditional import conditions, validators
from crawlers.starts import StartMemory, Starts, recalled
from index_config.cluster import Cluster

FEED = StartMemory(outlet="daily", platform="feed", url="https://example.org/feed")
SIX, SEVEN, NOON, ONE = (f"2026-11-23T{hour:02}:00:00Z" for hour in (6, 7, 12, 13))
READ = FEED.read(('"a"', None), "body", SIX, new=10)


def response(**headers: str) -> Response:
    return Response("https://example.org/", headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"ETag": '"a"'}, {"If-None-Match": '"a"'}),
        ({"ETag": 'W/"a b"'}, {"If-None-Match": 'W/"a b"'}),
        (
            {"Last_Modified": "Mon, 23 Nov 2026 06:00:00 GMT"},
            {"If-Modified-Since": "Mon, 23 Nov 2026 06:00:00 GMT"},
        ),
        ({}, {}),
        ({"ETag": ""}, {}),
        ({"ETag": '"' + "x" * 60_000 + '"'}, {}),
        ({"ETag": '"é"'}, {}),
        ({"ETag": '"a\tb"'}, {}),
    ],
)
def test_what_a_server_says_is_said_back_to_it(headers: dict[str, str], expected: dict[str, str]) -> None:
    assert conditions(validators(response(**headers))) == expected


def test_it_is_asked_about_for_six_hours_and_then_read_in_full() -> None:
    assert FEED.conditions(SIX) == {}
    assert READ.conditions(SEVEN) == {"If-None-Match": '"a"'}
    assert READ.conditions(NOON) == {}
    assert [READ.same(304, "", now) for now in (SEVEN, NOON)] == [True, False]


@pytest.mark.parametrize(
    ("memory", "status", "body", "same"),
    [
        (READ, 200, "body", True),
        (READ, 200, "other", False),
        (READ, 500, "body", False),
        (FEED.read((None, None), "body", SIX, new=0), 304, "", False),
        (FEED.read((None, None), "body", SIX, new=0), 200, "body", True),
        (FEED, 200, "body", False),
    ],
    ids=["same body", "other body", "error", "304 nobody asked for", "same body, no ETag", "never read"],
)
def test_when_there_is_nothing_to_read(memory: StartMemory, status: int, body: str, same: bool) -> None:
    assert memory.same(status, body, SEVEN) is same


@pytest.mark.parametrize(
    ("tag", "body", "new", "lied"),
    [
        ('"a"', "other", 1, NOON),
        ('"a"', "other", 0, None),
        ('"b"', "other", 1, None),
        ('"a"', "body", 1, None),
        (None, "other", 1, None),
    ],
    ids=[
        "new pages under the old name",
        "only a date in it changed",
        "it says so",
        "it is the same",
        "it says nothing",
    ],
)
def test_a_lie(tag: str | None, body: str, new: int, lied: str | None) -> None:
    after = READ.read((tag, None), body, NOON, new=new)
    assert after.lied == lied
    assert bool(after.conditions(ONE)) is bool(tag and not lied)
    assert after.same(200, body, ONE), "its body is still believed"
    again = replace(after, fetched="2026-12-01T06:00:00Z")
    assert bool(again.conditions("2026-12-01T07:00:00Z")) is bool(tag), "and in a week its word is, too"


def test_what_one_outlet_has_read_another_has_not(cluster: Cluster) -> None:
    starts = Starts(cluster)
    other = replace(READ, links="a.story")
    starts.remember([READ, other, READ])
    cluster.client.indices.refresh(index=cluster.name("urls"))
    stored = starts.of("daily")
    assert len(stored) == 2
    assert recalled(FEED, stored) == READ
    assert recalled(replace(FEED, links="a.other"), stored) == replace(FEED, links="a.other"), (
        "read by another selector"
    )
    assert starts.of("weekly") == {}
    assert recalled(replace(FEED, outlet="weekly"), stored).fetched is None

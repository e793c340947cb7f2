"""When a page is visited again, and what each kind of answer makes of what is known of it."""

import datetime as dt
from dataclasses import replace

import pytest

from crawlers.address import url_id
from crawlers.capture import Capture
from crawlers.known import UrlRecord
from crawlers.outcomes import FetchOutcome
from crawlers.pages import conditions_of
from crawlers.visits import next_visit

START = dt.datetime(2026, 11, 23, 6, tzinfo=dt.UTC)
URL = "https://example.org/a"


def at(hours: float) -> str:
    return (START + dt.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def capture(hours: float, *, url: str = URL, requested: str = URL) -> Capture:
    return Capture(
        outlet="daily",
        run="r",
        url=url,
        requested_url=requested,
        fetched=at(hours),
        status=200,
        content_type="text/html",
        body=b"",
        etag='"1"',
        body_hash="h",
        file="daily/r-1.warc.gz",
        offset=1,
    )


NEW = UrlRecord(url=URL, outlet="daily", state="discovered", discovered=at(0), run="r")


@pytest.mark.parametrize(
    ("hour", "quiet", "expected"),
    [
        (0, 0, 1),
        (1, 0, 6),
        (1, 1, 6),
        (6, 1, 24),
        (6, 2, 72),
        (5, 0, 6),
        (20, 2, 72),
        (24, 3, 72),
        (40, 0, 72),
        (72, 1, None),
        (72, 3, None),
        (72, 0, 144),
        (144, 0, 216),
        (144, 1, None),
        (264, 0, 336),
        (265, 0, None),
        (500, 0, None),
    ],
)
def test_next_visit(hour: float, quiet: int, expected: float | None) -> None:
    assert next_visit(at(0), at(hour), quiet) == (at(expected) if expected else None)


def test_a_quiet_page_costs_three_visits_and_one_that_keeps_changing_seven() -> None:
    def visits(quiet: bool) -> list[float]:
        record, hours = NEW.captured(capture(0)), []
        while record.next_visit:
            moment = dt.datetime.fromisoformat(record.next_visit)
            hours.append((moment - START).total_seconds() / 3600)
            assert record.due(record.next_visit)
            record = (
                record.unchanged(record.next_visit, "r", (None, None)) if quiet else record.captured(capture(hours[-1]))
            )
        return hours

    assert visits(quiet=True) == [1, 6, 72]
    assert visits(quiet=False) == [1, 6, 24, 72, 144, 216, 288]


def test_a_vanished_page_is_asked_for_once_more() -> None:
    record = NEW.captured(capture(0)).vanished(at(1), FetchOutcome.HTTP_404, "r1")
    assert (record.withdrawn_at, record.next_visit, record.state) == (at(1), at(25), "captured")
    assert record.vanished(at(1), FetchOutcome.HTTP_404, "r1") == record, "read again from the WARC file"
    confirmed = record.vanished(at(25), FetchOutcome.HTTP_410, "r2")
    assert (confirmed.withdrawn_at, confirmed.next_visit) == (at(1), None)
    assert confirmed.to_document()["withdrawn"] is True
    back = record.captured(capture(25))
    assert (back.withdrawn_at, back.next_visit) == (None, at(72))
    assert "withdrawn" not in back.to_document()


@pytest.mark.parametrize(
    ("outcome", "failures", "expected"),
    [
        (FetchOutcome.TIMEOUT, 0, 1.25),
        (FetchOutcome.TIMEOUT, 3, 3),
        (FetchOutcome.HTTP_5XX, 20, 73),
        (FetchOutcome.ROBOTS, 0, 73),
        (FetchOutcome.NOT_HTML, 0, 73),
    ],
)
def test_what_was_captured_stays_so_when_a_visit_fails(outcome: FetchOutcome, failures: int, expected: float) -> None:
    record = replace(NEW.captured(capture(0)), state="indexed", failures=failures)
    later = record.ended(outcome, START + dt.timedelta(hours=1), "r1")
    assert (later.state, later.warc, later.fetched) == ("indexed", record.warc, at(0))
    assert later.next_visit == at(expected)
    assert later.failures == failures + 1
    assert later.unchanged(at(2), "r2", (None, None)).failures == 0


def test_an_old_page_that_cannot_be_reached_is_left_alone() -> None:
    record = replace(NEW.captured(capture(0)), state="indexed", failures=20)
    assert record.ended(FetchOutcome.TIMEOUT, START + dt.timedelta(days=12), "r1").next_visit is None


def test_a_domain_that_wants_to_be_left_alone_is_no_failure_of_the_page() -> None:
    later = replace(NEW.captured(capture(0)), state="indexed").ended(FetchOutcome.DEFERRED, START, "r1", 1800)
    assert (later.state, later.failures, later.attempts, later.next_visit) == ("indexed", 0, 1, at(0.5))


def test_a_page_that_another_address_leads_to_is_visited_at_its_own() -> None:
    moved = capture(0, url="https://example.org/b")
    asked = NEW.captured(moved)
    assert (asked.article, asked.redirected_to, asked.next_visit) == (url_id(moved.url), moved.url, None)
    own = replace(NEW, url=moved.url, state="").captured(moved)
    assert (own.next_visit, own.attempts) == (at(1), 0)


@pytest.mark.parametrize("own_first", [True, False])
def test_a_page_that_another_address_led_to_a_second_before_or_after_was_not_found_unchanged(own_first: bool) -> None:
    """Whichever of the two is processed first makes the article, and the other finds it as it is."""
    b, second = "https://example.org/b", 1 / 3600
    own = capture(second * (not own_first), url=b, requested=b)
    led_to = capture(second * own_first, url=b)
    first, last = (own, led_to) if own_first else (led_to, own)
    record = replace(NEW, url=b, state="").captured(first).captured(last)
    known = record.processed(last, "indexed", None, changed=False)
    assert (known.quiet, known.fetched) == (0, last.fetched)
    again = capture(1, url=b, requested=b)
    assert known.captured(again).processed(again, "indexed", None, changed=False).quiet == 1


def test_the_first_visit_of_a_page_that_another_address_led_to_counts() -> None:
    b = "https://example.org/b"
    known = (
        replace(NEW, url=b, state="")
        .captured(capture(0, url=b))
        .processed(capture(0, url=b), "indexed", None, changed=True)
    )
    visit = capture(1, url=b, requested=b)
    assert known.captured(visit).processed(visit, "indexed", None, changed=False).quiet == 1


def test_a_page_without_text_begins_anew_when_it_is_captured_again() -> None:
    video = replace(NEW.captured(capture(0)), state="no_text", quiet=2, next_visit=at(168))
    assert not video.seen
    again = video.captured(capture(170))
    assert (again.first_captured, again.next_visit, again.quiet) == (at(170), at(171), 0)


def test_records_from_before_there_were_visits_are_final() -> None:
    assert not replace(NEW, state="indexed").due(at(1000))


def test_pages_are_asked_about_only_when_they_are_known() -> None:
    page = NEW.captured(capture(0))
    assert conditions_of(NEW) == {}
    assert conditions_of(page) == {"If-None-Match": '"1"'}
    assert conditions_of(replace(page, withdrawn_at=at(1))) == {}


@pytest.mark.parametrize("changed", [True, False])
def test_a_first_visit_is_never_one_that_found_nothing_new(changed: bool) -> None:
    """Two addresses of one page are captured in either order: the second text is no news, but no visit was in vain."""
    record = NEW.captured(capture(0)).processed(capture(0), "indexed", None, changed=changed)
    assert record.quiet == 0
    again = record.captured(capture(1)).processed(capture(1), "indexed", None, changed=False)
    assert again.quiet == 1

"""Outlet health: what is said of an outlet's accounts, and accounts that real crawls of ailing sites have left."""

import dataclasses
import datetime as dt
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import pytest
import yaml

from crawlers.health import judge
from crawlers.health_baseline import normal, shortfall
from crawlers.health_history import ATTEMPTS, Attempt, History, load_histories
from crawlers.outlet import Expect, Outlet, Politeness
from index_config import bulk

NOW = dt.datetime(2026, 11, 23, 18, 30, tzinfo=dt.UTC)  # a Monday
UTC = ZoneInfo("UTC")


def outlet(per_day: tuple[int, int] = (5, 400), schedule: str = "0 * * * *") -> Outlet:
    return Outlet.model_construct(
        id="daily", schedule=schedule, expect=Expect(per_day=per_day), politeness=Politeness(), home=None
    )


def attempt(hours_ago: float, *starts: str, **given: Any) -> Attempt:
    """A run so many hours ago whose start points answered so; more as `Attempt` takes it."""
    told = [
        {"url": f"https://example.org/{n}", "platform": "feed", "outcome": one}
        for n, one in enumerate(starts or ["read"])
    ]
    return Attempt(
        **{"run": f"r{hours_ago}", "status": "complete", "started": NOW - dt.timedelta(hours=hours_ago), "starts": told}
        | given
    )


def brought(hours_ago: float, indexed: int, **processing: int) -> Attempt:
    """A run that captured pages, of which so many became articles, and the others what is named."""
    total = indexed + sum(processing.values())
    return attempt(hours_ago, fetch={"captured": total}, processing={"indexed": indexed, **processing})


def history(*attempts: Attempt, days: dict[dt.date, int] | None = None, since: float = 1000.0, **given: Any) -> History:
    """What these attempts amount to, the latest first; the outlet has been crawled for so many hours."""
    attempts = tuple(sorted(attempts, key=lambda one: one.started, reverse=True))
    arrivals = [(one.started, one.new) for one in attempts if one.new]
    last_new = max((at for at, _ in arrivals), default=None)
    first = NOW - dt.timedelta(hours=since) if attempts else None
    return History(
        **{"attempts": attempts, "days": days or {}, "arrivals": arrivals, "first": first, "last_new": last_new} | given
    )


def steady(count: int, weeks: int = 8, weekend: int | None = None) -> dict[dt.date, int]:
    """So many articles on each day before today, give or take."""
    chance, days = random.Random(1), {}
    for back in range(1, weeks * 7 + 1):
        day = NOW.date() - dt.timedelta(days=back)
        middle = weekend if weekend is not None and day.weekday() >= 5 else count
        days[day] = max(0, round(chance.gauss(middle, middle**0.5 / 2)))
    return days


def hourly(outcome: str, since: float, **given: Any) -> list[Attempt]:
    """Hourly runs of a start point that has failed so for some hours, and went well for a day before."""
    ill = [attempt(hour + 0.5, outcome, **given) for hour in range(int(since))]
    return [*ill, *[brought(since + hour + 0.5, 2) for hour in range(24)]]


NORMAL = steady(34)
FORBIDDEN = [{"host": "https://example.org", "outcome": "http_403"}]
BROKEN = [{"host": "https://example.org", "outcome": "http_5xx"}]
PAUSE = [{"domain": "example.org", "reason": "http_429", "times": 1, "until": "2026-11-24T06:00:00Z"}]
SILENT = [{"domain": "example.org", "reason": "no_answer", "times": 0, "until": "2026-11-23T19:00:00Z"}]


@pytest.mark.parametrize(
    ("found", "kind", "reason"),
    [
        (history(), "never", "never crawled"),
        (history(*hourly("http_403", 5, robots=FORBIDDEN)), "blocked", "blocked: 403 since 14:00, also for robots.txt"),
        (history(*hourly("http_403", 5)), "blocked", "blocked: 403 since 14:00"),
        (history(*hourly("http_401", 1)), "blocked", "blocked: 401 since 18:00"),
        (history(*hourly("dns", 30)), "dns", "DNS fails since Sunday"),
        (history(*hourly("robots", 5)), "robots", "robots.txt now forbids us (since 14:00)"),
        (history(attempt(3, "robots"), attempt(1, "robots")), "robots", "robots.txt forbids us (since 15:30)"),
        (
            history(*hourly("robots_unavailable", 5, robots=BROKEN)),
            "server_errors",
            "server errors since 14:00, also for robots.txt",
        ),
        (history(*hourly("robots_unavailable", 5)), "robots_unavailable", "robots.txt cannot be fetched since 14:00"),
        (history(*hourly("http_5xx", 5)), "server_errors", "server errors since 14:00"),
        (history(*hourly("timeout", 5)), "slow", "too slow: does not answer in time since 14:00"),
        (history(*hourly("connection", 5)), "unreachable", "cannot be reached since 14:00"),
        (history(*hourly("http_404", 5)), "gone", "feed is gone: 404 since 14:00"),
        (
            history(*hourly("deferred", 5, pauses=PAUSE)),
            "rate_limited",
            "rate-limited since 14:00, wants to be left alone until 06:00 on 2026-11-24",
        ),
        (history(*hourly("http_429", 5)), "rate_limited", "rate-limited since 14:00"),
        (history(*hourly("deferred", 5, pauses=SILENT)), "slow", "too slow: does not answer in time since 14:00"),
        (history(*hourly("unreadable", 5)), "unreadable", "feed cannot be read since 14:00"),
        (history(*hourly("too_big", 5)), "failing", "feed fails with too_big since 14:00"),
        (history(attempt(80), attempt(60)), "stale", "not crawled since Saturday"),
        (history(attempt(1, status="interrupted")), "interrupted", "last run was interrupted (begun 17:30)"),
        (
            history(attempt(0.5, status="running"), attempt(1, status="died"), attempt(2, status="died")),
            "died",
            "last run died, for want of memory maybe; its log ends there (begun 17:30)",
        ),
        (history(attempt(9, status="running")), "hung", "last run has not finished (begun 09:30)"),
        (
            history(*[attempt(hour, "read", status="outside_hours", starts=[]) for hour in range(30)]),
            "outside_hours",
            "crawls are tried outside its hours only; mind its schedule",
        ),
    ],
)
def test_reasons(found, kind, reason) -> None:
    said = judge(found, outlet(), NOW, UTC)
    assert (said.level, said.kind, said.reason) == ("sick", kind, reason)


@pytest.mark.parametrize(
    ("fetch", "kind", "reason"),
    [
        ({"captured": 2, "http_403": 8}, "blocked", "blocked: 403 for 8 of 10 pages since 17:30"),
        (
            {"captured": 2, "http_401": 3, "http_403": 5},
            "blocked",
            "blocked: 401 and 403 for 8 of 10 pages since 17:30",
        ),
        (
            {"http_429": 1, "deferred": 9},
            "rate_limited",
            "rate-limited: 10 of 10 pages had to be left for later since 17:30",
        ),
        ({"captured": 1, "robots": 7}, "robots", "robots.txt forbids 7 of 8 pages since 17:30"),
        ({"captured": 1, "http_5xx": 7}, "server_errors", "server errors for 7 of 8 pages since 17:30"),
        ({"captured": 1, "timeout": 7}, "slow", "pages too slow: 7 of 8 were given up since 17:30"),
        ({"captured": 1, "dns": 7}, "dns", "DNS fails for 7 of 8 pages since 17:30"),
        ({"captured": 1, "http_404": 7}, "gone", "links lead nowhere: 7 of 8 pages are gone since 17:30"),
        ({"captured": 1, "not_html": 7}, "not_html", "7 of 8 pages end as not_html since 17:30"),
        (
            {"captured": 4, "too_big": 3, "timeout": 2, "http_5xx": 2, "connection": 1},
            "failing",
            "8 of 12 pages fail in several ways, most often as too_big (3) since 17:30",
        ),
        ({"captured": 5, "http_403": 4}, "well", "well"),
        ({"http_403": 2, "known": 40}, "well", "well"),
        ({"known": 40, "not_due": 9, "unchanged": 5, "not_fetched": 9}, "well", "well"),
    ],
)
def test_pages_that_fail(fetch, kind, reason) -> None:
    processing = {"indexed": fetch.get("captured", 0)}
    found = history(attempt(1, fetch=fetch, processing=processing), brought(20, 0), brought(40, 40))
    said = judge(found, outlet((0, 400)), NOW, UTC)
    assert (said.kind, said.reason) == (kind, reason)


def test_pages_that_fail_in_runs_that_were_cut_short() -> None:
    found = history(attempt(1, status="interrupted", fetch={"http_403": 8}))
    assert judge(found, outlet(), NOW, UTC).kind == "interrupted"
    said = judge(history(attempt(1, status="outside_hours", fetch={"http_403": 8})), outlet(), NOW, UTC)
    assert (said.kind, said.reason) == ("blocked", "blocked: 403 for 8 of 8 pages")


def test_an_illness_that_is_older_than_the_attempts_we_look_at() -> None:
    """At a run every quarter of an hour they reach back a day and a half."""
    fetch = {"captured": 1, "http_403": 9}
    forbidden = [attempt(number / 4 + 0.1, "http_403") for number in range(ATTEMPTS)]
    said = judge(history(*forbidden, last_success=NOW - dt.timedelta(days=5)), outlet(), NOW, UTC)
    assert said.reason == "blocked: 403 since Wednesday"
    never = judge(history(*forbidden, since=24 * 20), outlet(), NOW, UTC)
    assert never.reason == "blocked: 403 since 2026-11-03"
    pages = [attempt(number / 4 + 0.1, fetch=fetch, processing={"indexed": 1}) for number in range(ATTEMPTS)]
    refused = judge(history(*pages), outlet(), NOW, UTC)
    assert refused.reason.endswith("pages since before Sunday")


@pytest.mark.parametrize(
    ("processing", "kind"),
    [
        ({"indexed": 1, "no_text": 9}, "no_text"),
        ({"indexed": 1, "too_short": 4, "not_article": 5}, "no_text"),
        ({"indexed": 1, "extract_timeout": 9}, "extraction"),
        ({"indexed": 1, "dead_letter": 9}, "dead_letters"),
        ({"indexed": 6, "no_text": 4}, "well"),
        ({"indexed": 0, "unchanged": 9, "no_text": 3}, "well"),
        ({"indexed": 0, "no_text": 2}, "well"),
        ({"indexed": 0, "withdrawn": 9}, "well"),
    ],
)
def test_pages_without_articles(processing, kind) -> None:
    found = history(attempt(1, fetch={"captured": sum(processing.values())}, processing=processing), since=5)
    said = judge(found, outlet(), NOW, UTC)
    assert said.kind == kind
    if kind == "no_text":
        assert said.reason == "pages come but have no text (layout change or paywall): 9 of 10"
        assert said.extraction == 0.1


def test_quiet() -> None:
    idle = [attempt(hour) for hour in range(1, 160)]
    found = history(*idle, brought(6 * 24 - 1, 3), days=NORMAL, last_new=NOW - dt.timedelta(days=6, hours=-1))
    said = judge(found, outlet(), NOW, UTC)
    assert (said.level, said.kind, said.reason) == ("sick", "quiet", "quiet since Tuesday (usually 34 a day)")
    assert (said.new_in_a_day, said.usual_a_day) == (0, 34)
    few = judge(history(*idle, brought(2, 3), days=NORMAL), outlet(), NOW, UTC)
    assert (few.kind, few.reason) == ("few", "only 3 new in 24 hours (usually 34 a day)")


def test_a_quiet_outlet_whose_home_page_has_news() -> None:
    home = {"url": "https://example.org/", "platform": "home", "outcome": "read", "found": 12}
    feed = {"url": "https://example.org/f", "platform": "feed", "outcome": "unchanged", "found": 0}
    idle = [attempt(hour, starts=[feed]) for hour in range(1, 60)]
    looked = attempt(0.5, starts=[feed, home])
    said = judge(history(looked, *idle, brought(61, 30), days=NORMAL), outlet(), NOW, UTC)
    assert said.kind == "home_newer"
    assert said.reason == "feed unchanged but home page has 12 newer links; quiet since Saturday (usually 34 a day)"
    nothing = attempt(0.5, starts=[feed, {**home, "found": 2}])
    assert judge(history(nothing, *idle, brought(61, 30), days=NORMAL), outlet(), NOW, UTC).kind == "quiet"
    only_home = attempt(0.5, starts=[{**feed, "outcome": "http_5xx"}, home])
    assert judge(history(only_home, *idle, days=NORMAL), outlet(), NOW, UTC).kind == "server_errors"


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (history(attempt(1, "read", "dns"), brought(2, 34), days=NORMAL), "partly"),
        (history(attempt(1, status="interrupted"), brought(2, 34), days=NORMAL), "interrupted"),
        (history(attempt(1, status="running"), brought(2, 34), days=NORMAL), "well"),
        (history(attempt(7, status="running"), brought(8, 34), days=NORMAL), "hung"),
        (history(attempt(3, fetch={"captured": 2}), brought(4, 34), days=NORMAL), "waiting"),
        (history(brought(2, 450), days=NORMAL), "many"),
        (history(brought(2, 450), days=steady(300)), "well"),
        (history(brought(2, 450), since=5), "well"),
        (history(attempt(1, "empty"), brought(3, 34), days=NORMAL), "well"),
        (history(attempt(1, "unchanged"), brought(3, 34), days=NORMAL), "well"),
    ],
)
def test_what_is_only_watched(found, kind) -> None:
    said = judge(found, outlet((1, 400)), NOW, UTC)
    assert said.kind == kind
    assert said.level == ("well" if kind == "well" else "watch")


@pytest.mark.parametrize(
    ("attempts", "since", "kind"),
    [
        ([attempt(1), brought(26, 9)], 30, "quiet"),
        ([attempt(1), brought(20, 4)], 30, "few"),
        ([attempt(1), brought(20, 5)], 30, "well"),
        ([attempt(1)], 30, "quiet"),
        ([attempt(1)], 20, "well"),
    ],
)
def test_a_young_outlet_is_measured_by_its_file(attempts, since, kind) -> None:
    said = judge(history(*attempts, since=since), outlet((5, 400)), NOW, UTC)
    assert said.kind == kind
    if kind != "well":
        assert said.reason.endswith("(at least 5 a day expected)")
        assert said.level == "sick"
    assert judge(history(*attempts, since=since), outlet((0, 400)), NOW, UTC).kind == "well"


@pytest.mark.parametrize(
    ("days", "hours_of_silence", "short"),
    [
        (steady(34), 10, False),
        (steady(34), 25, True),
        (steady(2), 25, False),
        (steady(2), 49, False),
        (steady(2), 24 * 8, True),
        (steady(0), 24 * 14, False),
        (steady(100, weekend=1), 25, True),
        (steady(10, weeks=1), 25, True),
    ],
)
def test_how_long_a_silence_is_normal(days, hours_of_silence, short) -> None:
    per_hour = sum(days.values()) / len(days) / 24
    arrivals = [
        (NOW - dt.timedelta(hours=hour), int((hour + 1) * per_hour) - int(hour * per_hour))
        for hour in range(hours_of_silence, 24 * 15)
    ]
    assert (shortfall(days, arrivals, NOW, 0) is not None) is short


@pytest.mark.parametrize(
    ("usual", "lately", "reason"),
    [
        (0, 0, "nothing new since 2026-10-13, when it was first crawled (at least 5 a day expected)"),
        (2, 2, "only 14 new in 7 days (at least 5 a day expected)"),
        (6, 6, "well"),
        (34, 3, "only 3 new in 24 hours (usually 34 a day)"),
    ],
)
def test_nobody_gets_used_to_an_illness_of_weeks(usual: int, lately: int, reason: str) -> None:
    """Its own past says that this is normal; its file knows better."""
    days = {NOW.date() - dt.timedelta(days=back): usual for back in range(1, 50)}
    attempts = [brought(24 * back + 2, lately) for back in range(7)]
    said = judge(history(*attempts, days=days), outlet((5, 400)), NOW, UTC)
    assert said.reason == reason
    assert said.level == ("well" if reason == "well" else "sick")


def test_a_weekend_is_measured_by_weekends() -> None:
    sunday = dt.datetime(2026, 11, 22, 20, tzinfo=dt.UTC)
    days = {day: count for day, count in steady(100, weekend=3).items() if day < sunday.date()}
    arrivals = [(sunday - dt.timedelta(hours=hours), 1) for hours in (3, 9, 22)]
    assert shortfall(days, [*arrivals, (sunday - dt.timedelta(hours=40), 99)], sunday, 5) is None
    monday = dt.datetime(2026, 11, 23, 20, tzinfo=dt.UTC)
    assert shortfall(days, [(monday - dt.timedelta(hours=3), 3)], monday, 5)


def test_one_odd_day_changes_little() -> None:
    days = steady(30)
    before = normal(days, 0)
    days[max(day for day in days if day.weekday() == 0)] = 3000
    after = normal(days, 0)
    assert abs(before.middle - after.middle) < 3
    assert abs(before.spread - after.spread) < 3
    assert normal(dict(list(days.items())[:6]), 0) is None


def test_times_are_told_in_the_configured_zone() -> None:
    found = history(*hourly("http_403", 5))
    assert judge(found, outlet(), NOW, ZoneInfo("Europe/Kyiv")).reason == "blocked: 403 since 16:00"
    assert judge(found, outlet(), NOW, ZoneInfo("Asia/Tokyo")).reason == "blocked: 403 since Monday"


def test_weeks_are_read_from_the_accounts(shared_cluster) -> None:
    """Days in the configured zone; runs by hand and broken runs count for nothing in the baseline."""
    now = dt.datetime(2026, 11, 23, 18, 30, tzinfo=dt.UTC)

    def document(hours_ago: float, status: str = "complete", indexed: int | None = 2, **more: Any) -> dict[str, Any]:
        started = now - dt.timedelta(hours=hours_ago)
        processing = {} if indexed is None else {"processing": {"indexed": indexed}}
        starts = [{"url": "https://example.org/f", "platform": "feed", "outcome": "read", "found": 1}]
        return (
            {
                "outlet": "daily",
                "run": f"r{hours_ago}",
                "status": status,
                "started": started.isoformat(),
                "starts": starts,
            }
            | processing
            | more
        )

    documents = [document(hour) for hour in range(1, 24 * 20)]
    documents += [document(0.5, "running", None), document(30.5, "interrupted", 50), document(24 * 60, indexed=99)]
    documents += [{**document(2), "outlet": "other", "run": "x"}]
    actions = [bulk.Action("crawls", f"{one['outlet']}:{one['run']}", one) for one in documents]
    bulk.write_all(shared_cluster, actions, refresh=True)
    found = dict(load_histories(shared_cluster, ["daily", "other", "nobody"], now, ZoneInfo("Europe/Kyiv")))
    daily = found["daily"]
    assert len(daily.attempts) == 150
    assert daily.attempts[0].status == "running"
    assert Counter(daily.days.values()) == {48: 19, 6: 1}, "in Kyiv, the first day had three hours"
    assert min(daily.days) == dt.date(2026, 11, 3)
    assert max(daily.days) == dt.date(2026, 11, 22)
    assert sum(count for _, count in daily.arrivals) == 2 * (24 * 14 - 1) + 50
    assert daily.last_new == daily.last_success == now - dt.timedelta(hours=1)
    assert daily.first == now - dt.timedelta(hours=24 * 60)
    assert found["nobody"] == History()
    ((_, counted),) = load_histories(shared_cluster, ["daily"], now, ZoneInfo("Europe/Kyiv"), attempts=0)
    assert counted == dataclasses.replace(daily, attempts=()), (
        "enough to tell who is quiet, at a fiftieth of the memory"
    )
    assert judge(daily, outlet(), now, UTC).kind == "well"


# Real crawls of ailing sites


def _feed(items: int) -> tuple[int, dict[str, str], bytes]:
    listed = "".join(f"<item><link>/a/{n}</link></item>" for n in range(items))
    return (
        200,
        {"Content-Type": "application/rss+xml"},
        f'<rss version="2.0"><channel>{listed}</channel></rss>'.encode(),
    )


TEXT = b"<p>" + b"The council met on Monday and decided about the bridge over the river. " * 12 + b"</p>"
LINKS = "".join(f'<a href="/a/{n}-a-headline-of-words">Another headline of five words</a>' for n in range(9)).encode()
HEALTHY: dict[str, tuple[int, dict[str, str], bytes]] = {
    "feed": _feed(6),
    "page": (200, {}, b"<html><title>Council</title><article><h1>Council meets</h1>" + TEXT + b"</article></html>"),
}
ILL: dict[tuple[int, str], tuple[int, dict[str, str], bytes]] = {
    (1, "*"): (403, {}, b"no"),
    (2, "robots.txt"): (200, {}, b"User-agent: *\nDisallow: /\n"),
    (3, "robots.txt"): (500, {}, b""),
    (4, "page"): (200, {}, b"<html><title>Log in</title><p>Log in.</p></html>"),
    (5, "feed"): (429, {"Retry-After": "3600"}, b""),
    (6, "feed"): (200, {}, b"\x00\x01 no feed"),
    (7, "feed"): _feed(0),
    (7, "home"): (200, {}, b"<html>" + LINKS + b"</html>"),
    (8, "page"): (500, {}, b""),
}
"""What each address answers that a healthy one would not."""


class _Ailing(BaseHTTPRequestHandler):
    """127.0.4.n: each address has an illness of its own."""

    asked: ClassVar[Counter[int]] = Counter()

    def do_GET(self) -> None:
        site = int(self.connection.getsockname()[0].rpartition(".")[2])
        self.asked[site] += 1
        status, headers, body = self.answer(site)
        self.send_response(status)
        for name, value in {"Content-Type": "text/html", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def answer(self, site: int) -> tuple[int, dict[str, str], bytes]:
        what = "page" if self.path.startswith("/a/") else self.path.strip("/") or "home"
        return ILL.get((site, what)) or ILL.get((site, "*")) or HEALTHY.get(what) or (404, {}, b"")

    def log_message(self, *arguments: Any) -> None:
        pass


SITES = {
    1: ("blocked", "blocked: 403 since {}, also for robots.txt"),
    2: ("robots", "robots.txt forbids us (since {})"),
    3: ("server_errors", "server errors since {}, also for robots.txt"),
    4: ("no_text", "pages come but have no text (layout change or paywall): 6 of 6"),
    5: ("rate_limited", "rate-limited since {}, wants to be left alone until "),
    6: ("unreadable", "feed cannot be read since {}"),
    7: ("home_newer", "feed empty but home page has 9 newer links"),
    8: ("server_errors", "server errors for 6 of 6 pages since {}"),
    9: ("well", "well"),
    10: ("unreachable", "cannot be reached since {}"),
    11: ("never", "never crawled"),
}


@pytest.fixture
def ailing(tmp_path: Path, free_port: Any) -> Iterator[Path]:
    """A folder with an outlet for each site; nobody listens at the tenth, the eleventh is never crawled."""
    port = free_port()
    servers = [ThreadingHTTPServer((f"127.0.4.{number}", port), _Ailing) for number in range(1, 10)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    folder = tmp_path / "outlets"
    folder.mkdir()
    for number in SITES:
        text = {"id": f"s{number}", "name": "x", "country": "ua", "languages": ["en"], "kind": "news"}
        text |= {"start": {"feeds": [f"http://127.0.4.{number}:{port}/feed"]}, "schedule": "0 * * * *"}
        (folder / f"s{number}.yml").write_text(yaml.safe_dump({**text, "expect": {"per_day": [1, 400]}}))
    yield folder
    for server in servers:
        server.shutdown()
        server.server_close()


def test_ailing_sites_are_told_apart(ailing: Path, shared_cluster, shared_narrawatch) -> None:
    cluster, narrawatch = shared_cluster, shared_narrawatch
    earlier = dt.datetime.now(dt.UTC) - dt.timedelta(days=3)
    idle = {
        "outlet": "s7",
        "run": "old",
        "status": "complete",
        "started": earlier.isoformat(),
        "processing": {"indexed": 6},
    }
    idle["starts"] = [{"url": "http://127.0.4.7/feed", "platform": "feed", "outcome": "read", "found": 6}]
    bulk.write_all(cluster, [bulk.Action("crawls", "s7:old", idle)], refresh=True)
    crawled = [f"s{number}" for number in SITES if number != 11]
    narrawatch("crawl", *crawled, "--outlets", ailing, check=False)
    narrawatch("process", "--outlets", ailing)
    done = narrawatch("health", "--outlets", ailing, "--json", check=False)
    said = {one["outlet"]: one for one in json.loads(done.stdout)["outlets"]}
    for number, (kind, reason) in SITES.items():
        one = said[f"s{number}"]
        since = dt.datetime.fromisoformat(one["last_attempt"]).strftime("%H:%M") if one["last_attempt"] else ""
        assert one["kind"] == kind, one
        assert one["reason"].startswith(reason.format(since)), one
    assert done.returncode == 1
    assert [one["level"] for one in said.values()] == ["sick"] * 10 + ["well"]
    assert said["s9"]["extraction"] == 1.0
    shown = narrawatch("health", "s9", "s1", "--outlets", ailing, check=False).stdout
    assert shown.index("Elasticsearch") < shown.index("blocked: 403") < shown.index("s9")
    assert narrawatch("health", "s9", "--outlets", ailing).returncode == 0
    before = _Ailing.asked.copy()
    narrawatch("crawl", "s5", "s7", "--outlets", ailing, check=False)
    assert _Ailing.asked - before == {7: 1}, "the fifth wants to be left alone; the seventh's robots.txt is remembered"
    homes = cluster.client.search(index=cluster.name("crawls"), query={"term": {"starts.platform": "home"}})
    assert homes["hits"]["total"]["value"] == 1, "a home page is looked at once a day"


@pytest.mark.usefixtures("shared_cluster")
def test_services_and_a_dead_node(shared_narrawatch, shared_environ, free_port, tmp_path: Path) -> None:
    def states(**environ: str) -> dict[str, tuple[str, str]]:
        done = shared_narrawatch(
            "health", "s9", "--json", "--outlets", tmp_path, env=shared_environ | environ, check=False
        )
        assert done.returncode == 1
        return {one["service"]: (one["level"], one["reason"]) for one in json.loads(done.stdout)["services"]}

    file = {"id": "s9", "name": "x", "country": "ua", "languages": ["en"], "kind": "news", "schedule": "0 * * * *"}
    file |= {"start": {"feeds": ["https://example.org/f"]}, "expect": {"per_day": [0, 9]}}
    (tmp_path / "s9.yml").write_text(yaml.safe_dump(file))
    level, reason = states(ELASTICSEARCH_URL=f"http://127.0.0.1:{free_port()}")["Elasticsearch"]
    assert level == "sick"
    assert "narrawatch up" in reason
    refused = Path(shared_environ["NARRAWATCH_HOME"]) / "dead-letter" / "one.json"
    refused.parent.mkdir(parents=True, exist_ok=True)
    refused.write_text("{}")
    told = states()
    assert told["Elasticsearch"][0] == told["WARC files"][0] == "well"
    assert told["dead letters"] == ("sick", "1 documents were refused; try `narrawatch process --retry-dead`")
    assert told["disk"][1].partition(" GB free at ")[2]
    refused.unlink()

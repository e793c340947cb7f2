"""Pace, back-off, hours: Scrapy's real engine with our middlewares, on a clock that jumps to what happens next."""

import asyncio
import datetime as dt
import email.utils
import itertools
import selectors
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
import scrapy
import yaml
from scrapy.crawler import AsyncCrawlerRunner
from scrapy.exceptions import DownloadTimeoutError
from scrapy.http import HtmlResponse, Response

from crawlers.backoff import OutsideHours, StayAway
from crawlers.ledger import OutletRun, Pause
from crawlers.outlet import Outlet, Politeness, load_outlets
from crawlers.settings import ContactMissing, scrapy_settings, user_agent
from crawlers.standing import PATIENCE, UNANSWERED, retry_after
from narrawatch import settings

BEGIN = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
Answer = Response | Exception
Site = Callable[[str, int], tuple[Any, ...] | Exception]
"""From an address and how often it was asked before: status, headers, body; or what keeps the answer away."""


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting, lets the clock jump to the end of the wait. Work takes a little time, as it does."""

    clock = 1000.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        self.clock += 1e-7 if ready or not timeout else timeout + 1e-7
        return ready


class SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.jumping = _Jumping()
        super().__init__(self.jumping)

    def time(self) -> float:
        return self.jumping.clock


@dataclass
class Sent:
    at: float
    url: str
    user_agent: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def is_robots(self) -> bool:
        return self.url.endswith("/robots.txt")


@dataclass
class Simulation:
    """What came of a crawl: the requests as the servers saw them, how each page ended, and the outlets' accounts."""

    sent: list[Sent] = field(default_factory=list)
    ends: dict[str, int | Exception] = field(default_factory=dict)
    runs: dict[str, OutletRun] = field(default_factory=dict)
    latency: float = 0.1
    most_at_once: int = 0
    began: float = 0.0
    seconds: float = 0.0
    busy: dict[str, int] = field(default_factory=dict)

    def times(self, *hosts: str, robots: bool = True) -> list[float]:
        return [one.at for one in self.sent if one.host in hosts and (robots or not one.is_robots)]

    def gaps(self, *hosts: str, robots: bool = True) -> list[float]:
        times = self.times(*hosts, robots=robots)
        return [round(later - earlier, 3) for earlier, later in itertools.pairwise(times)]

    def asked(self, host: str, *, robots: bool = False) -> list[str]:
        return [one.url for one in self.sent if one.host == host and one.is_robots is robots]


class _Handler:
    """Takes the place of the network."""

    lazy = False

    def __init__(self, crawler: scrapy.crawler.Crawler) -> None:
        self.crawler = crawler
        self.asked: dict[str, int] = {}

    @classmethod
    def from_crawler(cls, crawler: scrapy.crawler.Crawler) -> "_Handler":
        return cls(crawler)

    async def download_request(self, request: scrapy.Request) -> Response:
        simulation, loop = self.crawler.spider.simulation, asyncio.get_running_loop()
        sent = Sent(loop.time(), request.url, request.headers["User-Agent"].decode())
        simulation.sent.append(sent)
        times = self.asked.get(request.url, 0)
        self.asked[request.url] = times + 1
        simulation.busy[sent.host] = simulation.busy.get(sent.host, 0) + 1
        simulation.most_at_once = max(simulation.most_at_once, simulation.busy[sent.host])
        await asyncio.sleep(simulation.latency)
        simulation.busy[sent.host] -= 1
        request.meta["download_latency"] = simulation.latency
        answer = self.crawler.spider.site(request.url, times)
        if isinstance(answer, Exception):
            raise answer
        status, headers, body = (*answer, *({}, b"<html></html>")[len(answer) - 1 :])
        return HtmlResponse(request.url, status=status, headers=headers, body=body, request=request)

    async def close(self) -> None:
        pass


class _Spider(scrapy.Spider):
    name = "simulated"

    def __init__(self, **given: Any) -> None:  # crawl, pages, site, simulation
        super().__init__(**given)

    async def start(self) -> AsyncIterator[scrapy.Request]:
        for outlet, urls in self.pages.items():
            for url in urls:
                meta = {"outlet": outlet, "role": "article", "page": url}
                yield scrapy.Request(url, self.came, errback=self.failed, dont_filter=True, meta=meta)

    def came(self, response: Response) -> None:
        self.simulation.ends[response.meta["page"]] = response.status

    def failed(self, failure: Any) -> None:
        self.simulation.ends[failure.request.meta["page"]] = failure.value


def outlet(name: str, **politeness: Any) -> Outlet:
    return Outlet.model_construct(id=name, name=name, politeness=Politeness.model_validate(politeness))


def simulate(
    monkeypatch: Any,
    home: Path,
    site: Site,
    pages: dict[str, Sequence[str]],
    *,
    outlets: Iterable[Outlet] = (),
    resting: Iterable[Pause] = (),
    latency: float = 0.1,
    **options: Any,
) -> Simulation:
    """Crawl the pages of each outlet, from sites that answer as `site` says. Takes no time to speak of."""
    loop = SimulatedLoop()
    for module in ("scrapy.core.downloader", "crawlers.backoff", "crawlers.throttle"):
        monkeypatch.setattr(f"{module}.monotonic", loop.time)
    monkeypatch.delitem(sys.modules, "twisted.internet.reactor", raising=False)
    simulation = Simulation(latency=latency)
    named = {one.id: one for one in outlets}
    simulation.runs = {name: OutletRun(named.get(name) or outlet(name), "r", "2026") for name in pages}
    simulation.began = began = loop.time()
    crawl = SimpleNamespace(
        runs=simulation.runs,
        failure=None,
        settings=SimpleNamespace(timezone=ZoneInfo("UTC")),
        resting={pause.domain: pause for pause in resting},
        clock=lambda: BEGIN + dt.timedelta(seconds=loop.time() - began),
    )
    ours = settings.load({"NARRAWATCH_HOME": str(home), "NARRAWATCH_USER_AGENT_CONTACT": "mailto:desk@example.org"})
    runner = AsyncCrawlerRunner(
        {
            **scrapy_settings(ours),
            "TWISTED_REACTOR_ENABLED": False,
            "DOWNLOAD_HANDLERS": dict.fromkeys(("http", "https"), _Handler),
            **options,
        }
    )

    async def run() -> None:
        await runner.crawl(_Spider, crawl=crawl, pages=pages, site=site, simulation=simulation)

    with asyncio.Runner(loop_factory=lambda: loop) as asyncio_runner:
        asyncio_runner.run(run())
    simulation.seconds = loop.time() - began
    return simulation


@pytest.fixture
def crawl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def run(site: Any, pages: Any, **options: Any) -> Simulation:
        return simulate(monkeypatch, tmp_path, site, pages, **options)

    return run


def site(robots: str | tuple = "", page: Any = (200,)) -> Any:
    """A site whose robots.txt holds this text, and whose pages all answer like this."""

    def answer(url: str, times: int) -> Any:
        if url.endswith("/robots.txt"):
            return (200, {}, robots.encode()) if isinstance(robots, str) else robots
        return page(url, times) if callable(page) else page

    return answer


def urls(host: str, count: int) -> list[str]:
    return [f"https://{host}/{number}" for number in range(count)]


SITE = ("www.example.co.uk", "m.example.co.uk")
"""Two hosts of one domain."""


def busy(headers: dict[str, str] | None = None, status: int = 429, first: int = 1) -> Callable[[str, int], Any]:
    """A page that is refused so often before it is there."""
    return lambda _url, times: (status, headers or {}) if times < first else (200,)


def test_a_domain_has_one_pace_whoever_asks(crawl) -> None:
    done = crawl(site(), {"a": urls(SITE[0], 4) + urls("other.example", 4), "b": urls(SITE[1], 4)})
    assert set(done.ends.values()) == {200}
    assert min(done.gaps(*SITE)) >= 1.0
    assert min(done.gaps("other.example")) >= 1.0
    assert done.seconds < 15, "domains do not wait for each other"
    assert done.most_at_once == 1
    assert {one.user_agent for one in done.sent} == {"Narrawatch/0.1 (+mailto:desk@example.org)"}


def test_a_slow_server_is_asked_more_slowly(crawl) -> None:
    done = crawl(site(), {"a": urls("example.org", 6)}, latency=4.0)
    assert min(done.gaps("example.org")) >= 4.0
    assert done.most_at_once == 1


@pytest.mark.parametrize(
    ("asked", "outlet_asks", "pace"),
    [("5", None, 5.0), ("2.5", None, 2.5), ("0.1", None, 1.0), ("3", 7, 7.0), ("9", 4, 9.0), ("86400", None, 60.0)]
    + [(nonsense, None, 1.0) for nonsense in ("-3", "nan", "inf", "soon", "")],
)
def test_crawl_delay_and_an_outlets_own_pace(crawl, asked, outlet_asks, pace) -> None:
    robots = f"User-agent: *\nCrawl-delay: {asked}\n"
    slower = [outlet("a", delay=outlet_asks)] if outlet_asks else []
    done = crawl(site(robots), {"a": urls(SITE[0], 4) + urls(SITE[1], 3)}, outlets=slower)
    assert set(done.gaps(*SITE)) == {pace}
    assert {answer.host for answer in done.runs["a"].robots.values()} == {f"https://{host}" for host in SITE}


def test_a_slow_pace_outlasts_an_idle_slot(crawl) -> None:
    """Scrapy forgets a slot's delay after a minute without requests."""
    robots = "User-agent: *\nCrawl-delay: 40\n"
    done = crawl(site(robots), {"a": urls("example.org", 5)})
    assert min(done.gaps("example.org", robots=False)) >= 40


@pytest.mark.parametrize("form", ["seconds", "date", "date of a server whose clock is wrong"])
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed_by_the_whole_domain(crawl, form, status) -> None:
    now = BEGIN.timestamp() + (7 * 86400 if "wrong" in form else 0)

    def page(url: str, times: int) -> Any:
        if url != f"https://{SITE[0]}/0" or times:
            return (200,)
        date = {"Date": email.utils.formatdate(now, usegmt=True)}
        told = "30" if form == "seconds" else email.utils.formatdate(now + 30, usegmt=True)
        return (status, {**date, "Retry-After": told})

    done = crawl(site(page=page), {"a": urls(SITE[0], 3) + urls("other.example", 20), "b": urls(SITE[1], 3)})
    assert set(done.ends.values()) == {200}
    refused = next(one.at for one in done.sent if one.url == f"https://{SITE[0]}/0") + done.latency
    after = [time for time in done.times(*SITE) if time > refused]
    assert refused + 30 <= after[0] < refused + 31
    assert len([time for time in done.times("other.example") if time < refused + 30]) > 15, "others go on"
    assert done.runs["a"].pauses["example.co.uk"].reason == f"http_{status}"


def test_a_storm_of_429_ends_in_a_few_requests(crawl) -> None:
    done = crawl(site(page=(429,)), {"a": urls(SITE[0], 50), "b": urls(SITE[1], 50)})
    pages = [one for one in done.sent if not one.is_robots]
    assert len(pages) <= 7, "100 pages, each tried three times, would be 300"
    waits = done.gaps(*SITE, robots=False)
    expected = [5 * 2**n for n in range(len(waits))]
    assert all(wait >= least for wait, least in zip(waits, expected, strict=True))
    assert max(waits) < 2 * PATIENCE
    outcomes = [end if isinstance(end, int) else end.outcome.value for end in done.ends.values()]
    assert set(outcomes) == {429, "deferred"}
    assert outcomes.count("deferred") >= 95
    assert len(outcomes) == 100


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("3600", 3600), ("121", 121), ("99999999999", 86400), ("Fri, 31 Dec 9999 23:59:59 GMT", 86400)],
)
def test_a_long_wait_is_left_to_a_later_run(crawl, asked, seconds) -> None:
    done = crawl(site(page=(429, {"Retry-After": asked})), {"a": urls(SITE[0], 20), "b": urls(SITE[1], 20)})
    assert len([one for one in done.sent if not one.is_robots]) == 1
    assert done.seconds < 30
    left = [end for end in done.ends.values() if isinstance(end, StayAway)]
    assert len(left) == 39
    assert all(seconds - 30 < end.seconds < seconds + 1 for end in left)
    for name in ("a", "b"):
        until = dt.datetime.fromisoformat(done.runs[name].pauses["example.co.uk"].until)
        assert abs((until - BEGIN).total_seconds() - seconds) < 30


def test_what_a_domain_told_an_earlier_run_still_holds(crawl) -> None:
    def rest(seconds: float) -> Pause:
        return Pause("example.co.uk", "http_429", 1, (BEGIN + dt.timedelta(seconds=seconds)).isoformat())

    done = crawl(site(), {"a": urls(SITE[0], 3) + urls("other.example", 1)}, resting=[rest(900)])
    assert not done.times(*SITE), "not even robots.txt"
    assert [type(end) for end in done.ends.values()].count(StayAway) == 3
    assert done.runs["a"].pauses["example.co.uk"].times == 1
    soon = crawl(site(), {"a": urls(SITE[0], 3)}, resting=[rest(50)])
    assert set(soon.ends.values()) == {200}
    assert soon.times(*SITE)[0] - soon.began >= 50


def test_repeated_429_slow_the_domain_down(crawl) -> None:
    refused = busy({"Retry-After": "1"})
    done = crawl(
        site(page=lambda url, times: refused(url, times) if int(url[-1]) % 2 else (200,)),
        {"a": urls("example.org", 10)},
    )
    assert set(done.ends.values()) == {200}
    assert done.gaps("example.org")[0] == 1.0
    assert done.gaps("example.org")[-1] == 5.0, "a second more for each 429 after the first"


def test_impatience_over_the_whole_run(crawl) -> None:
    """A domain that asks for a little more each time cannot keep a run for ever."""
    done = crawl(site(page=busy({"Retry-After": "110"})), {"a": urls("example.org", 50)})
    assert done.seconds < 1500
    assert len(done.ends) == 50


def test_a_domain_that_does_not_answer_is_left_alone(crawl) -> None:
    done = crawl(site(page=DownloadTimeoutError("too slow")), {"a": urls("example.org", 50)}, latency=30.0)
    assert len([one for one in done.sent if not one.is_robots]) == UNANSWERED
    assert len(done.ends) == 50
    assert done.runs["a"].pauses["example.org"].reason == "no_answer"


def test_domains_that_rest_or_are_slow_hold_nobody_up(crawl) -> None:
    """Many more of them than the downloader takes requests at once."""
    resting = [f"https://resting{number}.example/0" for number in range(150)]
    slow = [f"https://slow{number}.example/{page}" for number in range(80) for page in range(3)]

    def answer(url: str, times: int) -> Any:
        if url.endswith("/robots.txt"):
            return (200, {}, b"User-agent: *\nCrawl-delay: 60\n" if "slow" in url else b"")
        return (429, {"Retry-After": "100"}) if "resting" in url and not times else (200,)

    done = crawl(answer, {"a": resting + slow, "b": urls("quick.example", 20)})
    assert set(done.ends.values()) == {200}
    assert done.times("quick.example")[-1] - done.began < 40


@pytest.mark.parametrize(
    ("robots", "fetched", "word"),
    [
        ((200, {}, b"User-agent: *\nDisallow: /1\n"), ["/0", "/2"], "read"),
        ((404,), ["/0", "/1", "/2"], "http_404"),
        ((403,), ["/0", "/1", "/2"], "http_403"),
        ((200, {}, b"<!doctype html>\nUser-agent: *\nDisallow: /\n"), ["/0", "/1", "/2"], "html"),
        ((500,), [], "http_5xx"),
        ((503,), [], "http_5xx"),
        ((429, {"Retry-After": "1"}), [], "http_429"),
        (DownloadTimeoutError("no answer"), [], "timeout"),
    ],
)
def test_robots_txt_answers(crawl, robots, fetched, word) -> None:
    done = crawl(site(robots), {"a": urls("example.org", 3), "b": urls("example.org", 1)})
    assert {url.removeprefix("https://example.org") for url in done.asked("example.org")} == set(fetched)
    assert 1 <= len(done.asked("example.org", robots=True)) <= 3
    assert {run.robots["https://example.org"].outcome for run in done.runs.values()} == {word}
    if not fetched:
        assert {end.outcome.value for end in done.ends.values()} == {"robots_unavailable"}


def test_a_remembered_answer_spares_the_request(crawl) -> None:
    robots = "User-agent: *\nCrawl-delay: 3\nDisallow: /1\n"
    for asked in (1, 0):
        done = crawl(site(robots), {"a": urls("example.org", 4)})
        assert len(done.asked("example.org", robots=True)) == asked
        assert len(done.asked("example.org")) == 3
        assert min(done.gaps("example.org")) == 3.0
        assert done.runs["a"].robots["https://example.org"].crawl_delay == 3.0


@pytest.mark.parametrize(("hops", "obeyed"), [(5, True), (6, False)])
def test_robots_txt_is_looked_for_behind_five_redirects(crawl, hops, obeyed) -> None:
    def answer(url: str, times: int) -> Any:
        if url.endswith("/0"):
            return (200,)
        hop = int(url.rpartition("?")[2]) if "?" in url else 0
        if hop < hops:
            return (301, {"Location": f"https://example.org/robots.txt?{hop + 1}"})
        return (200, {}, b"User-agent: *\nDisallow: /\n")

    done = crawl(answer, {"a": urls("example.org", 1)})
    assert bool(done.asked("example.org")[-1].endswith("/0")) is not obeyed


def test_a_redirect_waits_for_the_domain_it_leads_to(crawl) -> None:
    def answer(url: str, times: int) -> Any:
        if "/go" in url:
            return (302, {"Location": f"https://{SITE[1]}/there"})
        return (429, {"Retry-After": "60"}) if url == f"https://{SITE[0]}/0" and not times else (200,)

    done = crawl(answer, {"a": urls(SITE[0], 1), "b": [f"https://other.example/go{number}" for number in range(4)]})
    refused = next(one.at for one in done.sent if one.url == f"https://{SITE[0]}/0")
    assert all(time >= refused + 60 for time in done.times(*SITE) if time > refused)
    assert min(done.gaps(*SITE)) >= 1
    assert set(done.ends.values()) == {200}


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("22-06", ["22:00", "23:59", "00:00", "05:59"], ["06:00", "12:00", "21:59"]),
        ("9-17", ["09:00", "16:59"], ["08:59", "17:00", "00:00"]),
        ("22:30-06:15", ["22:30", "06:14"], ["22:29", "06:15"]),
        ("18-24", ["18:00", "23:59"], ["17:59", "00:00"]),
    ],
)
def test_hours(text, inside, outside) -> None:
    hours = outlet("a", hours=text).politeness.hours
    assert all(hours.hold(dt.time.fromisoformat(time)) for time in inside)
    assert not any(hours.hold(dt.time.fromisoformat(time)) for time in outside)


def test_hours_are_those_of_the_outlets_zone() -> None:
    evening = dt.datetime(2026, 11, 23, 20, 30, tzinfo=dt.UTC)
    kyiv, utc = ZoneInfo("Europe/Kyiv"), ZoneInfo("UTC")
    night = outlet("a", hours="22-06").politeness
    assert (night.open_at(evening, kyiv), night.open_at(evening, utc)) == (True, False)
    own = outlet("a", hours="22-06", timezone="Europe/Kyiv").politeness
    assert own.open_at(evening, utc)
    assert outlet("a").politeness.open_at(evening, utc)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ({"hours": "night"}, "like hours: 22-06"),
        ({"hours": "22-25"}, "like hours: 22-06"),
        ({"hours": "06-06"}, "leave it out"),
        ({"hours": 22}, "like hours: 22-06"),
        ({"hours": None}, "like hours: 22-06"),
        ({"timezone": "Kyiv"}, "Europe/Kyiv"),
        ({"timezone": "../../etc/passwd"}, "Europe/Kyiv"),
        ({"delay": 0.5}, "slower pace"),
        ({"delay": 600}, "1 to 60"),
        ({"delay": True}, "1 to 60"),
        ({"delay": "5"}, "1 to 60"),
        ({"dealy": 5}, "did you mean 'delay'"),
        ({"concurrency": 8}, "here belong hours, timezone, delay"),
    ],
)
def test_an_outlet_file_with_odd_politeness_is_told_what_to_write(tmp_path: Path, written, told) -> None:
    file = tmp_path / "daily.yml"
    whole: dict[str, Any] = {"id": "daily", "name": "Daily", "country": "ua", "languages": ["uk"], "kind": "news"}
    whole |= {"start": {"feeds": ["https://example.org/rss"]}, "schedule": "0 * * * *", "expect": {"per_day": [1, 9]}}
    file.write_text(yaml.safe_dump({**whole, "politeness": written}))
    (problem,) = load_outlets(tmp_path).problems
    assert f"politeness.{next(iter(written))}: " in problem
    assert told in problem
    file.write_text(yaml.safe_dump({**whole, "politeness": {"hours": "22-06", "timezone": "Europe/Kyiv", "delay": 5}}))
    (good,) = load_outlets(tmp_path).outlets
    assert good.politeness.delay == 5.0


@pytest.mark.parametrize(
    ("environ", "private", "fine"),
    [
        ({}, False, False),
        ({"NARRAWATCH_ALLOW_LOOPBACK": "1"}, True, True),
        ({"NARRAWATCH_ALLOW_LOOPBACK": "1"}, False, False),
        ({}, True, False),
        ({"NARRAWATCH_USER_AGENT_CONTACT": "mailto:desk@example.org"}, False, True),
    ],
)
def test_the_open_internet_is_not_crawled_without_a_contact(environ, private, fine) -> None:
    if fine:
        assert user_agent(settings.load(environ), private=private).startswith("Narrawatch/0.1 (+")
        return
    with pytest.raises(ContactMissing, match="NARRAWATCH_USER_AGENT_CONTACT"):
        user_agent(settings.load(environ), private=private)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("0", 0),
        ("-5", None),
        ("nan", None),
        ("1e400", None),
        ("soon", None),
        ("", None),
        ("99999999999999999999", 86400),
        ("Mon, 23 Nov 2026 12:02:00 GMT", 120),
        ("Mon, 23 Nov 2026 11:00:00 GMT", 0),
        ("Mon, 99 Nov 2026 11:00:00 GMT", None),
        ("\x00", None),
    ],
)
def test_retry_after(value, seconds) -> None:
    assert retry_after(value, BEGIN.timestamp()) == seconds


def test_a_crawl_that_lasts_ends_with_the_outlets_hours(crawl) -> None:
    """BEGIN is at noon. What is left then is for a later run, and an outlet of the same domain without hours goes on."""
    pages = {"day": urls(SITE[0], 100), "any": urls(SITE[1], 30)}
    done = crawl(site(), pages, outlets=[outlet("day", hours="9-12:01")])
    assert set(map(type, (done.ends[url] for url in pages["day"]))) == {int, OutsideHours}
    sent = [one.at - done.began for one in done.sent if one.host == SITE[0]]
    assert 30 <= len(sent) <= 61
    assert max(sent) < 61, "the last one had its turn when they ended"
    assert {done.ends[url] for url in pages["any"]} == {200}
    assert done.runs["day"].pauses == {}


def test_robots_txt_is_not_given_up_for_others_when_hours_end(crawl) -> None:
    pages = {"day": urls(SITE[0], 2), "any": [f"https://{SITE[0]}/more"]}
    done = crawl(site(), pages, outlets=[outlet("day", hours="9-11")])
    assert {type(done.ends[url]) for url in pages["day"]} == {OutsideHours}
    assert done.ends[pages["any"][0]] == 200


def test_an_outlet_is_not_crawled_outside_its_hours(tmp_path: Path, cluster, narrawatch) -> None:
    """The account says so, nothing is asked, and it counts as no failure."""
    here = dt.datetime.now(dt.UTC)
    ours, other = (
        f"{here:%H}-{here + dt.timedelta(hours=2):%H}",
        f"{here + dt.timedelta(hours=3):%H}-{here - dt.timedelta(hours=1):%H}",
    )
    for name, hours in (("now", ours), ("later", other)):
        text = {"id": name, "name": name, "country": "ua", "languages": ["uk"], "kind": "news", "schedule": "0 * * * *"}
        text |= {"start": {"feeds": ["http://127.0.0.1:9/feed"]}, "expect": {"per_day": [0, 9]}}
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump({**text, "politeness": {"hours": hours}}))
    assert narrawatch("crawl", "later", "--outlets", tmp_path).returncode == 0
    narrawatch("crawl", "now", "--outlets", tmp_path, check=False)
    cluster.client.indices.refresh(index=cluster.name("crawls"))
    rows = [hit["_source"] for hit in cluster.client.search(index=cluster.name("crawls"))["hits"]["hits"]]
    told = {row["outlet"]: (row["status"], len(row["starts"]), row["requests"]["total"] > 0) for row in rows}
    assert told["later"] == ("outside_hours", 0, False)
    assert told["now"][:2] == ("complete", 1)

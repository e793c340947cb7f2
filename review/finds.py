"""What an analyst found elsewhere: one page captured as the crawl would, and flagged for a card on their word."""

import datetime as dt
import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import scrapy

from crawlers.address import AddressError, fetchable, split, url_id
from crawlers.guard import is_private
from crawlers.known import Known, UrlRecord, timestamp
from crawlers.ledger import OutletRun
from crawlers.locks import running
from crawlers.outcomes import FetchOutcome
from crawlers.outlet import Expect, Outlet, Start
from crawlers.run import Crawl, pauses, scrape, write_accounts
from crawlers.settings import scrapy_settings
from crawlers.spiders.outlets import OutletsSpider
from index_config import bulk
from index_config.cluster import Cluster
from narrawatch.errors import NarrawatchError
from narrawatch.settings import Settings
from processing.match.fuse import Fusion
from processing.match.matcher import Matcher
from processing.matching import ANALYST, Deck, sweep

ELSEWHERE = "added"
"""The outlet of a page whose host no outlet file names."""

_WHY = {
    FetchOutcome.ROBOTS: "robots.txt of {host} does not allow us to fetch it, and we obey; ask the outlet for leave",
    FetchOutcome.ROBOTS_UNAVAILABLE: "robots.txt of {host} cannot be read now, so we may not fetch it; try again later",
    FetchOutcome.DEFERRED: "{host} has asked us to stay away for a while (too many requests); try again later",
    FetchOutcome.PRIVATE_ADDRESS: "leads to an address that is not on the open internet, which we do not fetch",
    FetchOutcome.HTTP_404: "there is no such page (HTTP 404); check the address",
    FetchOutcome.HTTP_410: "the page is gone (HTTP 410)",
    FetchOutcome.NOT_HTML: "is no web page with text (a picture, a document, an empty answer)",
    FetchOutcome.DNS: "{host} has no address; check the spelling",
    FetchOutcome.TIMEOUT: "{host} did not answer in time; try again later",
    FetchOutcome.CONNECTION: "{host} cannot be reached; try again later",
}


class FindError(NarrawatchError):
    """A page that cannot be taken in; the message names its address and why."""


@dataclass(frozen=True)
class _Insisting(Matcher):
    """The matcher of one card, by which every article that has a passage is flagged: by its own best one."""

    @property
    def name(self) -> str:
        return ANALYST


class _OnePage(OutletsSpider):
    """Fetches the one page and nothing else that is left over at its outlet."""

    def __init__(self, *, crawl: Crawl, record: UrlRecord, **kwargs: Any) -> None:
        super().__init__(crawl=crawl, **kwargs)
        self.record = record

    async def start(self) -> AsyncIterator[scrapy.Request]:
        (run,) = self.crawl.runs.values()
        run.open += 1
        run.discover(self.record.id)
        for request in self._pursue(run, [self.record]):
            yield request
        await self._answered(run)


def outlet_of(url: str, outlets: Sequence[Outlet]) -> Outlet:
    """The outlet that publishes at this address, by the hosts of its start points; else one that stands for elsewhere.

    Raises:
        FindError: it is no address of a web page.
    """
    host = _host(url)
    for outlet in outlets:
        if any(_host(start) == host for start in outlet.start.urls):
            return outlet
    return Outlet.model_construct(
        id=ELSEWHERE,
        name="Added by analysts",
        country="xx",
        languages=(),
        kind="news",
        start=Start.model_construct(),
        schedule="",
        expect=Expect.model_construct(per_day=(0, 0)),
    )


def known(cluster: Cluster, url: str) -> UrlRecord | None:
    """What is known of a page; also what was learnt a moment ago."""
    return Known(cluster).look_up([url_id(url)]).get(url_id(url))


def capture(
    settings: Settings, cluster: Cluster, url: str, outlet: Outlet, run_id: str, *, clock: Callable[[], dt.datetime]
) -> None:
    """Fetch one page into a WARC file, as politely and guarded as a crawl. Once in a process, as `crawl` is.

    It is asked for even if an earlier visit failed and the next is not due: a person wants it now.

    Raises:
        FindError: it could not be fetched; the message says why.
        NarrawatchError: disk or Elasticsearch failed.
    """
    scrapy_options = scrapy_settings(settings, private=is_private(urlsplit(url).hostname or ""))
    now = timestamp(clock())
    new = UrlRecord(url=fetchable(url), outlet=outlet.id, state="discovered", discovered=now, run=run_id)
    record = replace(known(cluster, url) or new, state="discovered", next_visit=None)
    with running(settings.home, run_id):
        Known(cluster).remember([record])
        run = OutletRun(_at_any_hour(outlet), run_id, now)
        work = Crawl(settings, cluster, {outlet.id: run}, lambda _run: None, clock, pauses(cluster, now))
        write_accounts(cluster, [run])
        scrape(work, scrapy_options, _OnePage, record=record)
        work.writer.shutdown()
        if not run.finished:
            work.finish(run, interrupted=work.interrupted)
        if work.failure:
            raise work.failure
    (outcome,) = map(FetchOutcome, run.outcomes)  # of its one page
    if outcome is not FetchOutcome.CAPTURED:
        why = _WHY.get(outcome, f"could not be fetched ({outcome.value})")
        raise FindError(f"{url}: {why.format(host=urlsplit(record.url).hostname)}")


def _at_any_hour(outlet: Outlet) -> Outlet:
    """One page for a person who waits for it is no crawl, and keeps to no hours but to everything else."""
    return outlet.model_copy(update={"politeness": outlet.politeness.model_copy(update={"hours": None})})


def article_of(cluster: Cluster, record: UrlRecord | None) -> str:
    """The id of the article a captured page became.

    Raises:
        FindError: it became none, or not yet.
    """
    assert record, "it was captured"
    if record.state == "captured":
        raise FindError(
            f"{record.url}: was captured by run {record.run}, not processed yet; run `narrawatch process` first"
        )
    if record.state == "dead_letter":
        raise FindError(f"{record.url}: Elasticsearch refused its article; run `narrawatch process --retry-dead` first")
    if record.state != "indexed":
        file = (record.warc or {}).get("file")
        raise FindError(f"{record.url}: no article was found on the page ({record.state}); it is kept in {file}")
    article = record.article or record.id
    if not cluster.client.exists(index=cluster.name("articles"), id=article):
        raise FindError(f"{record.url}: was taken in before, but its article {article} is not there any more")
    return article


def flag_anyway(
    cluster: Cluster, deck: Deck, article: str, narrative: str, *, clock: Callable[[], dt.datetime]
) -> str | None:
    """Flag an article for the one card of this deck whatever the score; returns the flag's id, None without any text."""
    matcher = deck.matcher
    given = matcher.calibration
    anything = replace(given, silent=_anything(given.silent), met=_anything(given.met), shortest=0)
    insisting = _Insisting(matcher.semantic, matcher.lexical, anything)
    found = list(sweep(cluster, replace(deck, matcher=insisting), [article], clock=clock, only=narrative))
    return f"{article}:{narrative}" if any(matched.levels for matched in found) else None


def _anything(fusion: Fusion) -> Fusion:
    """The same scores, of all of an article, and all of them enough."""
    return replace(fusion, suggest=0.0, flag=0.0, read_on=tuple(-math.inf for _ in fusion.read_on))


def note_who_added(cluster: Cluster, flags: Sequence[str], analyst: str) -> None:
    """Enter into flags who brought their article in.

    Raises:
        ClusterError: Elasticsearch cannot be reached or refused.
    """
    actions = [bulk.Action("flags", flag, {"added_by": analyst}, "update") for flag in flags]
    bulk.write_all(cluster, actions, refresh=True)


def _host(url: str) -> str:
    """Host and port, without the `www.` that outlets put before their names or leave out."""
    try:
        parts = split(url)
    except AddressError as error:
        raise FindError(str(error)) from error
    name = (parts.hostname or "").removesuffix(".").removeprefix("www.")
    return f"{name}:{parts.port}" if parts.port else name

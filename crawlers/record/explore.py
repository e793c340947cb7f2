"""The order of asking: robots.txt and the home page, what these name, what others have at this place, section pages last."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from crawlers import feeds, sections, sitemaps
from crawlers.failures import outcome_of
from crawlers.listed import Entry, Listed, Unreadable
from crawlers.outcomes import FetchOutcome
from crawlers.record import home as home_page
from crawlers.record.home import Home
from crawlers.record.look import READ, Answer, RecordError, Site
from crawlers.record.tried import Kind, Tried, choose, judged
from crawlers.spiders.sitemap import FRESH
from crawlers.wanted import Wanted

SAMPLES = 4
_DECLARED, _NAMED, _CHILDREN = 8, 6, 3  # so many of each are asked for
_FEEDS = ("/feed/", "/rss.xml", "/rss", "/feed.xml", "/atom.xml", "/feed.json")
_SITEMAPS = ("/news-sitemap.xml", "/sitemap-news.xml", "/sitemap_news.xml", "/sitemap.xml", "/sitemap_index.xml")
_PACKING = {FetchOutcome.TOO_BIG, FetchOutcome.BAD_ENCODING}

_WHY = {
    FetchOutcome.ROBOTS: "robots.txt does not allow us to fetch it, and we obey; ask the outlet for leave",
    FetchOutcome.ROBOTS_UNAVAILABLE: "its robots.txt cannot be read now, so we may not fetch it; try again later",
    FetchOutcome.PRIVATE_ADDRESS: "leads to an address that is not on the open internet, which we do not fetch",
    FetchOutcome.HTTP_403: "the site turns us away (HTTP 403)",
    FetchOutcome.HTTP_404: "there is no such page (HTTP 404); give the address of the home page",
    FetchOutcome.DNS: "the host has no address; check the spelling",
    FetchOutcome.TIMEOUT: "the site did not answer in time; try again later",
    FetchOutcome.CONNECTION: "the site cannot be reached; try again later",
}


@dataclass(frozen=True)
class Explored:
    """What was found: the home page, all that was tried, some articles, and how many more could not be fetched."""

    home: Home
    tried: tuple[Tried, ...]
    samples: tuple[Answer, ...]

    @property
    def chosen(self) -> tuple[Tried, ...]:
        return tuple(one for one in self.tried if one.chosen)


@dataclass
class Explorer:
    """Looks at one outlet. `home_seen` is told of the home page before anything else is asked, and may raise."""

    url: str
    now: dt.datetime
    home_seen: Callable[[Home], None]
    progress: Callable[[str], None]

    async def explore(self, site: Site) -> Explored:
        """Look at home page, feeds, sitemaps and sample articles.

        Raises:
            RecordError: the home page cannot be fetched or read, or nothing on the site lists articles.
        """
        self.site = site
        self.tried: list[Tried] = []
        self.home = await self._home()
        self.home_seen(self.home)
        await self._feeds()
        await self._sitemaps()
        if not any(one.outcome == READ and not one.note for one in self.tried):
            await self._sections()
        chosen = choose(self.tried)
        if not any(one.chosen for one in chosen):
            raise RecordError(
                f"{self.home.url}: no feed, sitemap or list of links to articles was found\n{_lines(chosen)}"
            )
        return Explored(self.home, tuple(chosen), await self._samples(chosen))

    async def _home(self) -> Home:
        answer = await self._fetch(self.url)
        if answer.outcome != READ:
            outcome = FetchOutcome(answer.outcome)
            raise RecordError(f"{self.url}: {_WHY.get(outcome, f'could not be fetched ({outcome.value})')}")
        if not answer.html:
            raise RecordError(f"{answer.url}: is no home page but {answer.content_type or 'of no known type'}")
        try:
            return await self.site.reader.read(home_page.read, answer.body, answer.url, answer.encoding)
        except Unreadable as error:
            raise RecordError(f"{answer.url}: {error}") from error

    async def _feeds(self) -> None:
        for url in self.home.feeds[:_DECLARED]:
            await self._try("feed", url, "home page")
        if not self._works("feed"):
            for path in _FEEDS:
                if await self._try("feed", urljoin(self.home.url, path), "usual place"):
                    break

    async def _sitemaps(self) -> None:
        robots = await self._fetch(urljoin(self.home.url, "/robots.txt"))
        named = sitemaps.named_by_robots(robots.body, robots.url) if robots.outcome == READ else []
        for url in sorted(named, key=lambda url: "news" not in url.lower())[:_NAMED]:
            await self._try("sitemap", url, "robots.txt")
        if not self._works("sitemap"):
            for path in _SITEMAPS:
                if await self._try("sitemap", urljoin(self.home.url, path), "usual place"):
                    break

    async def _sections(self) -> None:
        """The home page itself, by the selector that finds most links to articles."""
        answer = await self._fetch(self.home.url)
        for selector in self.home.selectors:
            listed = await self._read(sections.read, answer, answer.encoding, selector)
            self._note("section", answer, "home page", listed, links=selector)

    def _works(self, kind: Kind) -> bool:
        return any(one.kind == kind and not one.note for one in self.tried)

    async def _try(self, kind: Kind, url: str, found_by: str) -> bool:
        """Fetch and read a feed or sitemap once; whether it is of use."""
        if any(one.url == url for one in self.tried):
            return False
        answer = await self._fetch(url)
        if any(one.url == answer.url and one.outcome == READ for one in self.tried):
            return False  # several addresses that lead to one
        if kind == "feed":
            listed = await self._read(feeds.read, answer, answer.content_type)
        else:
            listed = await self._read_sitemap(answer)
        return self._note(kind, answer, found_by, listed)

    def _note(self, kind: Kind, answer: Answer, found_by: str, listed: Listed | str, links: str | None = None) -> bool:
        outcome, pages = (listed, ()) if isinstance(listed, str) else (READ, listed.pages)
        one = Tried(kind=kind, url=answer.url, found_by=found_by, outcome=outcome, pages=pages, links=links)
        self.tried.append(judged(one, self.home.url, self.now))
        return not self.tried[-1].note

    async def _read_sitemap(self, answer: Answer, depth: int = 1) -> Listed | str:
        """A sitemap's fresh pages; of an index, those of its most promising sitemaps."""
        wanted = Wanted(self.now - FRESH)
        listed = await self._read(sitemaps.read, answer, answer.content_type, wanted, pages=1000, sitemaps=50)
        if isinstance(listed, str) or not listed.sitemaps or depth > 1:
            return listed
        pages: list[Entry] = list(listed.pages)
        for child in sorted(listed.sitemaps, key=lambda entry: "news" not in entry.url.lower())[:_CHILDREN]:
            inner = await self._read_sitemap(await self._fetch(child.url), depth + 1)
            if not isinstance(inner, str):
                pages += inner.pages
        return Listed(tuple(pages))

    async def _read(
        self, function: Callable[..., Listed], answer: Answer, *more: object, **options: object
    ) -> Listed | str:
        """What a document lists, or why it cannot be read."""
        if answer.outcome != READ:
            return answer.outcome
        try:
            return await self.site.reader.read(function, answer.body, answer.url, *more, **options)
        except Exception as error:  # noqa: BLE001 - whatever a hostile document does to its parser
            outcome = outcome_of(error)
            return outcome.value if outcome in _PACKING else f"unreadable: {_line(str(error))}"

    async def _fetch(self, url: str) -> Answer:
        self.progress(url)
        return await self.site.fetch(url)

    async def _samples(self, tried: list[Tried]) -> tuple[Answer, ...]:
        """Some of the newest articles, of every chosen start point."""
        oldest = dt.datetime.min.replace(tzinfo=dt.UTC)
        queues = [
            sorted(one.pages, key=lambda page: page.time or oldest, reverse=True)[:SAMPLES]
            for one in tried
            if one.chosen
        ]
        urls = dict.fromkeys(queue[place].url for place in range(SAMPLES) for queue in queues if place < len(queue))
        return tuple([await self._fetch(url) for url in list(urls)[:SAMPLES]])


def identifier(host: str) -> str:
    """An id from a host's name: `www.example.co.uk` → example; an IP address with underscores."""
    from crawlers.site import site as registrable  # noqa: PLC0415 - `site` is what is asked, here

    name = registrable(f"http://{host}/")
    label = name if re.fullmatch(r"[\d.]+|.*:.*", name) else name.partition(".")[0]
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:64]


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def _line(text: str) -> str:
    return " ".join(text.split())[:160]


def _lines(tried: list[Tried]) -> str:
    return "\n".join(f"  {one.kind} {one.url}: {one.note}" for one in tried)

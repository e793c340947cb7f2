"""What a week's report does not know: outlets that were not crawled, could not be read, or fell quiet."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from crawlers.outlet import Outlet
from review.counts import Counts, Runs
from review.trends import ENOUGH_WEEKS
from review.weeks import Week

_QUIET = 1 / 3
"""Of the usual number of articles: fewer are too few to be a slow week ..."""
_ENOUGH_ARTICLES = 10
"""... where there are that many in a usual week."""
_OFTEN = 1 / 4
"""Of the crawls: so many may fail before we speak of it."""
_WORDS = {
    "connection": "no connection",
    "dns": "host without an address",
    "empty": "nothing listed",
    "http_4xx": "HTTP 4xx",
    "http_5xx": "HTTP 5xx",
    "not_fetched": "stopped before it was asked",
    "private_address": "an address not on the internet",
    "robots": "closed to robots",
    "timeout": "no answer in time",
    "too_big": "too big",
    **{f"http_{status}": f"HTTP {status}" for status in (401, 403, 404, 410, 429)},
}
"""Of outcomes of start points; others are words already."""


@dataclass(frozen=True)
class Gap:
    """One outlet, why it is incomplete, its articles of the week and of a usual one (None: too little is known)."""

    outlet: str
    name: str
    reason: str
    articles: int
    usual: int | None


@dataclass(frozen=True)
class Coverage:
    """How much of what we mean to watch was seen; outlets by name.

    `never` are outlets that were not crawled in any of these weeks, `new` those with articles but too short a past to be
    compared, `earlier` those without any article in a week before, `dark` the weeks in which nothing was crawled.
    """

    watched: int
    gaps: tuple[Gap, ...]
    never: tuple[str, ...]
    new: tuple[str, ...]
    earlier: tuple[tuple[str, tuple[Week, ...]], ...]
    dark: tuple[Week, ...]

    @property
    def complete(self) -> int:
        return self.watched - len(self.gaps) - len(self.never)


def find_gaps(counts: Counts, outlets: Sequence[Outlet]) -> Coverage:
    """Judge every outlet that has a file, and every other that was crawled or had articles in the week reported."""
    history = counts.history
    files = {outlet.id: outlet for outlet in outlets}
    names = {outlet: files[outlet].name if outlet in files else outlet for outlet in {*files, *_met(counts)}}
    crawled = {outlet for _, outlet in counts.runs}
    gaps, never = [], []
    for outlet, name in sorted(names.items()):
        articles, usual = history.articles.get((history.week, outlet), 0), usual_articles(counts, outlet)
        if outlet not in crawled and not articles:
            never.append(name)
            continue
        runs = counts.runs.get((history.week, outlet), Runs())
        if reason := _reason(runs, articles, usual, files.get(outlet)):
            gaps.append(Gap(outlet, name, reason, articles, usual))
    known = history.outlets()
    new = {outlet for week, outlet in history.articles if week == history.week} - set(known)
    return Coverage(
        watched=len(names),
        gaps=tuple(gaps),
        never=tuple(never),
        new=tuple(names[outlet] for outlet in sorted(new)),
        earlier=tuple((names[outlet], weeks) for outlet in known if (weeks := _empty_weeks(counts, outlet))),
        dark=tuple(week for week in history.weeks[:-1] if week not in history.observed),
    )


def _met(counts: Counts) -> set[str]:
    return {outlet for week, outlet in (*counts.runs, *counts.history.articles) if week == counts.history.week}


def _empty_weeks(counts: Counts, outlet: str) -> tuple[Week, ...]:
    """The weeks before without an article, of an outlet that usually has many."""
    if (usual_articles(counts, outlet) or 0) < _ENOUGH_ARTICLES:
        return ()
    return tuple(week for week in counts.history.before if not counts.history.articles.get((week, outlet)))


def usual_articles(counts: Counts, outlet: str) -> int | None:
    """The median of the weeks before that have articles of this outlet; None when they are too few."""
    numbers = [counts.history.articles.get((week, outlet), 0) for week in counts.history.before]
    some = [number for number in numbers if number]
    return round(median(some)) if len(some) >= ENOUGH_WEEKS else None


def _reason(runs: Runs, articles: int, usual: int | None, outlet: Outlet | None) -> str:
    """Why the outlet is incomplete; empty when it is not. Articles without a crawl were added by hand, or salvaged."""
    why = f" ({', '.join(_WORDS.get(outcome, outcome) for outcome in runs.outcomes)})" if runs.outcomes else ""
    reasons = []
    if not runs.begun:
        reasons.append("not crawled")
    elif not runs.complete:
        reasons.append(f"none of {_crawls(runs.begun)} was completed")
    elif runs.blind == runs.complete:
        reasons.append(f"nothing could be read in {_crawls(runs.complete)}{why}")
    elif runs.blind >= _OFTEN * runs.complete:
        reasons.append(f"nothing could be read in {runs.blind} of {_crawls(runs.complete)}{why}")
    if runs.complete > runs.blind:
        if usual is not None and usual >= _ENOUGH_ARTICLES and articles < _QUIET * usual:
            reasons.append("far fewer articles than usual")
        elif usual is None and outlet and articles < 7 * outlet.expect.per_day[0]:
            reasons.append(f"fewer articles than the {7 * outlet.expect.per_day[0]} its outlet file expects")
    return "; ".join(reasons)


def _crawls(number: int) -> str:
    return f"{number:,} crawl{'' if number == 1 else 's'}"

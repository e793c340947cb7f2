"""What can be wrong with an outlet, the best explanation first: each rule looks at its history and finds one thing or none."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence

from crawlers.health_history import HOME, WELL, Attempt
from crawlers.health_starts import KINDS, PLATFORMS, since_first, starts_fail, streak
from crawlers.health_view import DAY, FEW, GOOD, Finding, Level, View

_STALE = 2 * DAY
_STALE_WEEKLY = 9 * DAY
_HUNG = DAY / 4
_NEWER_LINKS = 3
_CUT_SHORT = {"interrupted": "was interrupted", "died": "died, for want of memory maybe; its log ends there"}


def never(view: View) -> Finding | None:
    return None if view.history.attempts else Finding("sick", "never", "never crawled")


def stale(view: View) -> Finding | None:
    """Nobody crawls it any more, or only when it does not want to be crawled."""
    attempts = view.history.attempts
    if not attempts or (view.done and view.done[0].started > view.now - _longest(view)):
        return None
    latest = attempts[0]
    if latest.started <= view.now - _longest(view):
        return Finding("sick", "stale", f"not crawled {view.since(latest.started)}")
    if latest.status == "outside_hours" and attempts[-1].started <= view.now - DAY:
        return Finding("sick", "outside_hours", "crawls are tried outside its hours only; mind its schedule")
    return None


def _longest(view: View) -> dt.timedelta:
    daily = view.outlet.schedule.split()[2:] == ["*", "*", "*"]
    return _STALE if daily else _STALE_WEEKLY


def pages_fail(view: View) -> Finding | None:
    """Links come, and most pages do not."""
    asked, failed = view.tried.total(), view.tried.total() - view.tried["captured"]
    if asked < FEW or failed * 2 < asked:
        return None
    kinds = Counter[str]()
    for outcome, count in view.tried.items():
        if outcome != "captured":
            kinds[KINDS.get(outcome, outcome)] += count
    kind, count = kinds.most_common(1)[0]
    concerned = [outcome for outcome in view.tried if KINDS.get(outcome, outcome) == kind]
    said = _pages_told(kind, count, asked, concerned)
    if count * 2 < failed:
        concerned = [outcome for outcome in view.tried if outcome != "captured"]
        kind, said = "failing", f"{failed} of {asked} pages fail in several ways, most often as {kind} ({count})"
    if not view.done:  # only runs that were cut short
        return Finding("sick", kind, said)
    first = streak(view.done, lambda attempt: not attempt.fetch or any(attempt.fetch.get(name) for name in concerned))
    return Finding("sick", kind, f"{said} {since_first(view, first)}")


def _pages_told(kind: str, count: int, asked: int, concerned: Sequence[str]) -> str:
    """That so many of the pages asked for fail in one way, in words; `concerned` are its outcomes."""
    words = {
        "blocked": f"blocked: {' and '.join(sorted(name[-3:] for name in concerned))} for {count} of {asked} pages",
        "rate_limited": f"rate-limited: {count} of {asked} pages had to be left for later",
        "robots": f"robots.txt forbids {count} of {asked} pages",
        "server_errors": f"server errors for {count} of {asked} pages",
        "slow": f"pages too slow: {count} of {asked} were given up",
        "dns": f"DNS fails for {count} of {asked} pages",
        "gone": f"links lead nowhere: {count} of {asked} pages are gone",
        "unreachable": f"{count} of {asked} pages cannot be reached",
    }
    return words.get(kind, f"{count} of {asked} pages end as {kind}")


def no_text(view: View) -> Finding | None:
    """Pages come, and articles do not."""
    total = view.processed.total()
    good = sum(view.processed[name] for name in GOOD)
    if total < FEW or good * 2 >= total:
        return None
    broken = view.processed["extract_failed"] + view.processed["extract_timeout"]
    bare = view.processed["no_text"] + view.processed["too_short"] + view.processed["not_article"]
    refused = view.processed["dead_letter"]
    if refused > max(broken, bare):
        return Finding("sick", "dead_letters", f"Elasticsearch refused {refused} of {total} articles (dead letters)")
    if broken > bare:
        return Finding("sick", "extraction", f"pages come but extraction breaks on {broken} of {total}")
    return Finding(
        "sick", "no_text", f"pages come but have no text (layout change or paywall): {total - good} of {total}"
    )


def quiet(view: View) -> Finding | None:
    """Everything answers, and too little is new."""
    short = view.shortfall
    if not short:
        return None
    usual = f"at least {short.usual:g} a day expected" if short.promised else f"usually {short.usual:g} a day"
    if short.found:
        span = "24 hours" if short.days == 1 else f"{short.days} days"
        said, kind = f"only {short.found} new in {span}", "few"
    elif view.history.last_new:
        said, kind = f"quiet {view.since(view.history.last_new)}", "quiet"
    else:
        said, kind = f"nothing new {view.since(view.history.first or view.now)}, when it was first crawled", "quiet"
    if newer := _newer_links(view):
        what = PLATFORMS.get(view.done[0].asked[0]["platform"], "feed") if view.done else "feed"
        state = "empty" if view.done and view.done[0].asked[0]["outcome"] == "empty" else "unchanged"
        return Finding("sick", "home_newer", f"{what} {state} but home page has {newer} newer links; {said} ({usual})")
    return Finding("sick", kind, f"{said} ({usual})")


def _newer_links(view: View) -> int:
    """What the last look at the home page found that no start point had listed."""
    for attempt in view.history.attempts:
        for start in attempt.starts:
            if start["platform"] == HOME and attempt.started > view.now - 2 * DAY:
                return int(start["found"]) if start["found"] >= _NEWER_LINKS else 0
    return 0


def some_starts_fail(view: View) -> Finding | None:
    if not view.done or not view.done[0].answered:
        return None
    bad = [start for start in view.done[0].asked if start["outcome"] not in WELL]
    if not bad:
        return None
    what = PLATFORMS.get(bad[0]["platform"], "start point")
    return Finding(
        "watch", "partly", f"{len(bad)} of {len(view.done[0].asked)} start points fail: {what} {bad[0]['outcome']}"
    )


def unfinished(view: View) -> Finding | None:
    """The last run did not come to its end."""
    attempts = view.history.attempts
    if not attempts:
        return None
    latest = attempts[0]
    level: Level = "watch" if view.done else "sick"
    if latest.status == "running" and latest.started <= view.now - _HUNG:
        return Finding(level, "hung", f"last run has not finished ({_began(latest, view)})")
    ended = next((attempt for attempt in attempts if attempt.status != "running"), latest)
    if ended.status in _CUT_SHORT:
        return Finding(level, ended.status, f"last run {_CUT_SHORT[ended.status]} ({_began(ended, view)})")
    return None


def _began(attempt: Attempt, view: View) -> str:
    return view.since(attempt.started).replace("since", "begun")


def waiting(view: View) -> Finding | None:
    """Pages were captured and nobody processes them."""
    old = [attempt for attempt in view.lately if attempt.started <= view.now - DAY / 12]
    left = sum(attempt.fetch.get("captured", 0) for attempt in old if attempt.processing is None)
    return Finding("watch", "waiting", f"{left} captured pages wait for `narrawatch process`") if left else None


def too_many(view: View) -> Finding | None:
    count, most = view.new_in_a_day, view.outlet.expect.per_day[1]
    usually = view.history.days and sorted(view.history.days.values())[len(view.history.days) // 2]
    if (
        count <= most
        or (usually and count <= 3 * usually)
        or not view.history.first
        or view.history.first > view.now - DAY
    ):
        return None
    return Finding("watch", "many", f"{count} new in 24 hours (at most {most} expected)")


RULES: tuple[Callable[[View], Finding | None], ...] = (
    never,
    stale,
    unfinished,
    starts_fail,
    pages_fail,
    no_text,
    quiet,
    some_starts_fail,
    waiting,
    too_many,
)

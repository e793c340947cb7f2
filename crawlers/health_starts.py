"""Start points that do not answer as they should: since when, and why, in words."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence

from crawlers.health_history import ATTEMPTS, Attempt
from crawlers.health_view import Finding, View

PLATFORMS = {"feed": "feed", "sitemap": "sitemap", "listing": "section page", "robots": "robots.txt"}
BLOCKED = {"http_401", "http_403"}
KINDS = {
    **dict.fromkeys(BLOCKED, "blocked"),
    **dict.fromkeys(("http_429", "deferred"), "rate_limited"),
    **dict.fromkeys(("http_404", "http_410", "redirected_home"), "gone"),
    "robots": "robots",
    "robots_unavailable": "robots_unavailable",
    "dns": "dns",
    "connection": "unreachable",
    "http_5xx": "server_errors",
    "timeout": "slow",
    "unreadable": "unreadable",
}
"""Outcomes as one speaks of them."""


def starts_fail(view: View) -> Finding | None:
    """No start point answers as it should."""
    if not view.done or view.done[0].answered:
        return None
    latest, first = view.done[0], streak(view.done, lambda attempt: not attempt.answered)
    start = Counter(start["outcome"] for start in latest.asked).most_common(1)[0][0]
    what = PLATFORMS.get(next(one for one in latest.asked if one["outcome"] == start)["platform"], "start point")
    since = since_first(view, first, view.last_success or view.history.first)
    return Finding("sick", _kind(start, latest), _told(start, latest, what, since, view))


def _kind(outcome: str, attempt: Attempt) -> str:
    if outcome == "robots_unavailable":
        return {"http_5xx": "server_errors", "http_429": "rate_limited", "timeout": "slow"}.get(
            _robots(attempt), "robots_unavailable"
        )
    if outcome == "deferred" and any(pause["reason"] == "no_answer" for pause in attempt.pauses):
        return "slow"
    return KINDS.get(outcome, "failing")


def _told(outcome: str, attempt: Attempt, what: str, since: str, view: View) -> str:
    """The failure of all start points in words."""
    by_robots = (
        ", also for robots.txt" if _robots(attempt) in {outcome, *BLOCKED} or outcome == "robots_unavailable" else ""
    )
    words = {
        "blocked": f"blocked: {outcome[-3:]} {since}{by_robots}",
        "rate_limited": f"rate-limited {since}{_until(attempt, view)}",
        "robots": f"robots.txt {'now ' if view.last_success else ''}forbids us ({since})",
        "server_errors": f"server errors {since}{by_robots}",
        "slow": f"too slow: does not answer in time {since}",
        "dns": f"DNS fails {since}",
        "unreachable": f"cannot be reached {since}",
        "unreadable": f"{what} cannot be read {since}{_why(attempt)}",
        "gone": f"{what} is gone: {outcome[-3:]} {since}",
        "robots_unavailable": f"robots.txt cannot be fetched {since}",
    }
    return words.get(_kind(outcome, attempt), f"{what} fails with {outcome} {since}")


def _until(attempt: Attempt, view: View) -> str:
    """Until when its domain asked to be left alone, if that is still to come."""
    until = max((pause["until"] for pause in attempt.pauses), default="")
    if not until or (moment := dt.datetime.fromisoformat(until)) <= view.now:
        return ""
    local = moment.astimezone(view.now.tzinfo)
    return f", wants to be left alone until {local:%H:%M}" + (
        "" if local.date() == view.now.date() else f" on {local:%Y-%m-%d}"
    )


def _why(attempt: Attempt) -> str:
    reason = next((start["reason"] for start in attempt.asked if start.get("reason")), "")
    return f" ({reason})" if reason else ""


def _robots(attempt: Attempt) -> str:
    """How robots.txt answered, the worst of several hosts."""
    outcomes = [answer["outcome"] for answer in attempt.robots]
    return next((outcome for outcome in outcomes if outcome not in {"read", "html", "http_404"}), "read")


def since_first(view: View, first: Attempt, before: dt.datetime | None = None) -> str:
    """Since when it has gone badly: `before` is when it last went well, for what began before the attempts we look at."""
    if first is not view.done[-1] or len(view.history.attempts) < ATTEMPTS:
        return view.since(first.started)
    return view.since(before) if before else view.since(first.started).replace("since", "since before")


def streak(attempts: Sequence[Attempt], bad: Callable[[Attempt], bool]) -> Attempt:
    """The first of the attempts that have gone badly without a break up to now."""
    first = attempts[0]
    for attempt in attempts:
        if not bad(attempt):
            break
        first = attempt
    return first

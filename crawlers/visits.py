"""When a captured page is visited again: often while it is fresh, longer while it keeps changing, and then no more."""

import datetime as dt

STEPS = (dt.timedelta(hours=1), dt.timedelta(hours=6), dt.timedelta(days=1), dt.timedelta(days=3))
"""Ages at which a page is visited again, counted from its first capture."""
QUIET = 2
"""After so many visits in a row that found nothing new only the last step is left: it finds out whether the page is still there."""
LONGEST = dt.timedelta(days=14)
"""A page that still changes at the last step is visited at that interval up to this age."""
CONFIRM = dt.timedelta(days=1)
"""A page that vanished is asked for once more after this time: servers stumble, and some articles come back."""


def timestamp(moment: dt.datetime) -> str:
    """ISO 8601 in UTC to the second, as WARC-Date and our documents write it."""
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def later(time: str, pause: dt.timedelta) -> str:
    """The time so much after an ISO 8601 time."""
    return timestamp(dt.datetime.fromisoformat(time) + pause)


def next_visit(first: str, now: str, quiet: int) -> str | None:
    """The time of the next visit, None when there is none.

    Args:
        first: when the page was first captured.
        now: when it was visited last.
        quiet: how many visits in a row, that one included, have found it unchanged.
    """
    age = dt.datetime.fromisoformat(now) - dt.datetime.fromisoformat(first)
    if age < STEPS[-1]:
        return later(first, STEPS[-1] if quiet >= QUIET else next(step for step in STEPS if step > age))
    return later(now, STEPS[-1]) if not quiet and age + STEPS[-1] <= LONGEST else None


def retry(first: str, now: str, pause: dt.timedelta) -> str | None:
    """When to visit a page again that could not be reached now; None when it is too old for that to be worth it."""
    again = later(now, pause)
    return again if again <= later(first, LONGEST) else None

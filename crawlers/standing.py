"""How a domain has treated us, and how long that keeps us away from it."""

import email.utils
import math
import time
from dataclasses import dataclass

FIRST_WAIT = 5.0
"""Seconds to stay away after the first 429 or 503 that does not say how long; each further one in a row doubles it."""
PATIENCE = 120.0
"""Seconds a run waits for a domain at a time. Asked for longer, it leaves the domain to a later run."""
PATIENCE_IN_ALL = 600.0
MAX_WAIT = 24 * 3600.0
"""Seconds of Retry-After that are believed."""
UNANSWERED = 10
"""Requests in a row without any answer, after which a domain is left alone for this run …"""
UNANSWERED_WAIT = 3600.0
"""… and so many seconds."""


@dataclass
class Standing:
    """How a domain has treated us in this run. Times are seconds of one monotonic clock."""

    wakes: float = 0.0
    closed: bool = False
    """Left alone until it wakes: what is to be fetched there ends as deferred."""
    reason: str = ""
    strikes: int = 0
    """429 and 503 in a row."""
    times: int = 0
    """429 and 503 in all."""
    unanswered: int = 0
    waited: float = 0.0

    def strike(self, now: float, status: int, asked: float | None, stretch: float) -> None:
        """After a 429 or 503: stay away as long as asked; unasked, or asked again and again, twice as long each time."""
        self.strikes += 1
        self.times += 1
        self.reason = f"http_{status}"
        wait = asked or 0.0
        if asked is None or self.strikes > 1:
            wait = max(wait, FIRST_WAIT * 2 ** min(self.strikes - 1, 16) * stretch)
        self.rest(now, min(wait, MAX_WAIT))

    def rest(self, now: float, wait: float) -> None:
        """Stay away for so many seconds; when they are too many to wait for, what is to be fetched there is deferred."""
        self.wakes = max(self.wakes, now + wait)
        self.waited += wait
        self.closed = self.closed or wait > PATIENCE or self.waited > PATIENCE_IN_ALL

    def no_answer(self, now: float) -> None:
        """After a request without answer; too many in a row are one."""
        self.unanswered += 1
        if self.unanswered >= UNANSWERED and not self.closed:
            self.reason = "no_answer"
            self.rest(now, UNANSWERED_WAIT)

    def answered(self) -> None:
        self.strikes = self.unanswered = 0


def retry_after(value: str, now: float) -> float | None:
    """Seconds that a Retry-After header asks for, given as a number or as a date; None when it cannot be read."""
    try:
        seconds = float(value.strip())
    except ValueError:
        try:
            seconds = max(email.utils.parsedate_to_datetime(value).timestamp() - now, 0.0)
        except (ValueError, TypeError, OverflowError, IndexError):
            return None
    return min(seconds, MAX_WAIT) if math.isfinite(seconds) and seconds >= 0 else None


def server_time(date: str) -> float:
    """The server's own time, by which it reckons a date in Retry-After; ours when it does not say."""
    try:
        return email.utils.parsedate_to_datetime(date).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return time.time()

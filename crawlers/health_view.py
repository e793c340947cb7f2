"""An outlet's history as the rules of its health look at it, and what a rule can find."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from crawlers.health_baseline import Shortfall, shortfall
from crawlers.health_history import Attempt, History
from crawlers.outlet import Outlet

Level = Literal["sick", "watch", "well"]
LEVELS: tuple[Level, ...] = ("sick", "watch", "well")

DAY = dt.timedelta(days=1)
_WEEK = 7 * DAY
_PASSIVE = {"known", "unchanged", "not_due", "not_fetched", "off_site"}
"""Outcomes of pages that were not asked for, or had nothing new to give."""
GOOD = ("indexed", "unchanged", "joined")
"""Processing outcomes of pages that are articles."""
FEW = 3
"""So many pages, at least, for their share to mean something."""


@dataclass(frozen=True)
class Finding:
    """Something about an outlet that somebody should know. `kind` is for scripts, `reason` for people."""

    level: Level
    kind: str
    reason: str


@dataclass(frozen=True)
class View:
    """An outlet's history as the rules look at it. `now` is in the zone in which days are counted."""

    history: History
    outlet: Outlet
    now: dt.datetime

    @cached_property
    def done(self) -> list[Attempt]:
        return [attempt for attempt in self.history.attempts if attempt.done]

    @cached_property
    def lately(self) -> list[Attempt]:
        """Of the last day; of the last week, when that says too little."""
        for span in (DAY, _WEEK):
            found = [attempt for attempt in self.history.attempts if attempt.started > self.now - span]
            if sum(_tried(found).values()) >= FEW:
                return found
        return found

    @cached_property
    def tried(self) -> Counter[str]:
        return _tried(self.lately)

    @cached_property
    def processed(self) -> Counter[str]:
        total = sum((Counter(attempt.processing or {}) for attempt in self.lately), Counter[str]())
        total.pop("withdrawn", None)
        return total

    @cached_property
    def shortfall(self) -> Shortfall | None:
        if self.history.first is None or self.history.first > self.now - DAY:
            return None
        return shortfall(self.history.days, self.history.arrivals, self.now, self.outlet.expect.per_day[0])

    @property
    def last_success(self) -> dt.datetime | None:
        return next((attempt.started for attempt in self.done if attempt.answered), self.history.last_success)

    @property
    def new_in_a_day(self) -> int:
        return sum(count for at, count in self.history.arrivals if at > self.now - DAY)

    def since(self, moment: dt.datetime) -> str:
        """`since 14:00`, `since Tuesday`, `since 2026-11-03`."""
        moment = moment.astimezone(self.now.tzinfo)
        if moment.date() == self.now.date():
            return f"since {moment:%H:%M}"
        return f"since {moment:%A}" if self.now.date() - moment.date() < _WEEK else f"since {moment:%Y-%m-%d}"


def _tried(attempts: Sequence[Attempt]) -> Counter[str]:
    total = sum((Counter(attempt.fetch) for attempt in attempts), Counter[str]())
    return Counter({outcome: count for outcome, count in total.items() if outcome not in _PASSIVE and count})

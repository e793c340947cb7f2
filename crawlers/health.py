"""Outlet health: from the accounts in `crawls`, one state and one reason in words. `judge` is pure."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from crawlers.health_baseline import usual
from crawlers.health_history import History, load_histories
from crawlers.health_rules import RULES
from crawlers.health_view import DAY, GOOD, LEVELS, Finding, Level, View
from crawlers.outlet import Outlet
from index_config.cluster import Cluster


@dataclass(frozen=True)
class Health:
    """How an outlet is: its worst finding, and the figures behind it."""

    outlet: str
    level: Level
    kind: str
    reason: str
    last_attempt: dt.datetime | None
    last_success: dt.datetime | None
    last_new: dt.datetime | None
    new_in_a_day: int
    usual_a_day: float | None
    shares: Mapping[str, float]
    """Of the pages listed lately, by how they ended."""
    extraction: float | None
    """The share of captured pages that gave an article."""


def judge(history: History, outlet: Outlet, now: dt.datetime, zone: ZoneInfo) -> Health:
    """How an outlet is, by the worst of what the rules find; of two as bad, the one that explains more.

    Args:
        history: as `load_histories` gives it.
        outlet: whose bounds hold while its own past is too short.
        now: the time of the judgement.
        zone: in which days are counted and times are told.
    """
    view = View(history, outlet, now.astimezone(zone))
    found = [finding for rule in RULES if (finding := rule(view))]
    worst = min(found, key=lambda finding: LEVELS.index(finding.level), default=Finding("well", "well", "well"))
    listed = sum((Counter(attempt.fetch) for attempt in view.lately), Counter[str]())
    processed = view.processed.total()
    return Health(
        outlet=outlet.id,
        level=worst.level,
        kind=worst.kind,
        reason=worst.reason,
        last_attempt=history.attempts[0].started if history.attempts else None,
        last_success=view.last_success,
        last_new=history.last_new,
        new_in_a_day=view.new_in_a_day,
        usual_a_day=usual(history.days),
        shares={name: count / listed.total() for name, count in listed.most_common() if count},
        extraction=sum(view.processed[name] for name in GOOD) / processed if processed else None,
    )


def overdue(cluster: Cluster, outlets: Sequence[Outlet], now: dt.datetime, zone: ZoneInfo) -> frozenset[str]:
    """The outlets that bring less than is normal for them, and whose home pages nobody has looked at for a day.

    Raises:
        ClusterError: Elasticsearch does not answer, or has no `crawls`.
    """
    named = {outlet.id: outlet for outlet in outlets}
    found = load_histories(cluster, list(named), now, zone, attempts=0)  # what is counted by day and hour is enough
    views = (View(history, named[outlet], now.astimezone(zone)) for outlet, history in found)
    return frozenset(
        view.outlet.id
        for view in views
        if view.shortfall and (view.history.last_home is None or view.history.last_home <= now - DAY)
    )

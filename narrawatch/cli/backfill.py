"""Backfills: the options of `crawl` that name days, and what came of them."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from crawlers.ledger import OutletRun
    from crawlers.period import Period

F = TypeVar("F", bound=Callable[..., Any])
_DAY = click.DateTime(["%Y-%m-%d"])


def period_options(command: F) -> F:
    """`--from DAY --to DAY`, as `first` and `last`."""
    last = click.option("--to", "last", metavar="DAY", type=_DAY, help="Last day of the backfill; default: today.")
    first = click.option(
        "--from",
        "first",
        metavar="DAY",
        type=_DAY,
        help="Backfill: instead of what is new, what the sitemaps say was published since that day.",
    )
    return first(last(command))


def chosen_period(first: dt.datetime | None, last: dt.datetime | None) -> "Period | None":
    """The days that were asked for; None when none were.

    Raises:
        UsageError: an end without a beginning.
        PeriodError: days nobody can mean.
    """
    from crawlers.period import period  # noqa: PLC0415

    if first is None:
        if last is not None:
            raise click.UsageError("--to needs --from, the first day of the backfill")
        return None
    today = dt.datetime.now(dt.UTC).date()
    return period(first.date(), last.date() if last else today, today)


def print_backfill(console: Console, runs: Sequence["OutletRun"], period: "Period") -> int:
    """What the sitemaps listed, by outlet; returns how many outlets had none that could be read."""
    table = Table(
        "Outlet",
        "Sitemaps read",
        "Pages of these days",
        "Of other days",
        "Undated",
        "Off site",
        "Over limit",
        title=f"Backfill {period}",
    )
    without = 0
    for run in runs:
        read = [start for start in run.starts if start.platform == "sitemap" and start.outcome in {"read", "empty"}]
        left_out: Counter[str] = sum((Counter(start.left_out) for start in read), Counter())
        counts = [left_out[name] for name in ("outside", "undated", "off_site", "over_limit")]
        table.add_row(run.outlet.id, *map(str, (len(read), sum(start.found for start in read), *counts)))
        if not read and run.status == "complete":
            without += 1
            click.echo(
                f"{run.outlet.id}: no sitemap could be read; name one under start.news_sitemaps if it has any", err=True
            )
        if rest := run.outcomes["not_fetched"]:
            click.echo(
                f"{run.outlet.id}: {rest} pages are left for the next run; give the same command again", err=True
            )
    console.print(table)
    return without

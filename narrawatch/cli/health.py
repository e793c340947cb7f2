"""health: sick outlets and services, worst first, each with its reason."""

import dataclasses
import datetime as dt
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from narrawatch.cli.options import outlets_option
from narrawatch.cli.pipeline import chosen, open_cluster
from narrawatch.settings import Settings

if TYPE_CHECKING:
    from crawlers.health import Health
    from narrawatch.service_health import ServiceHealth

_COLOURS = {"sick": "red", "watch": "yellow", "well": "green"}


@click.command()
@click.argument("ids", metavar="[OUTLET]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
@outlets_option
@click.pass_obj
def health(settings: Settings, ids: tuple[str, ...], *, as_json: bool) -> None:
    """Say how outlets and services are, the sickest first, and why.

    What is normal for an outlet is learnt from its last eight weeks, weekday by weekday. What its file says under
    `expect: {per_day: ...}` must come over a week in any case, and every day while it has been crawled for less than a
    week. Everything is told from what crawls have noted down; nothing is fetched.

    Exit code 0: all are well, or only to be watched; 1: an outlet or a service is sick.

    \b
    Example:   narrawatch health
               narrawatch health stopfake_en meduza --json
    """
    from crawlers.health_view import LEVELS  # noqa: PLC0415
    from narrawatch import service_health  # noqa: PLC0415

    services = service_health.services(settings)
    answers = all(service.level != "sick" for service in services if service.service == "Elasticsearch")
    outlets = _judged(settings, ids) if answers else []
    levels = [*(one.level for one in services), *(one.level for one in outlets)]
    if as_json:
        click.echo(json.dumps(_document(services, outlets), ensure_ascii=False, indent=2, default=_text))
    else:
        ill = sorted(services, key=lambda one: LEVELS.index(one.level))
        console = Console()
        console.print(_services(ill))
        if outlets:
            console.print(_outlets(outlets, settings))
    sys.exit(1 if "sick" in levels else 0)


def _judged(settings: Settings, ids: Sequence[str]) -> "list[Health]":
    """The outlets asked for, all without ids, worst first."""
    from crawlers.health import judge  # noqa: PLC0415
    from crawlers.health_history import load_histories  # noqa: PLC0415
    from crawlers.health_view import LEVELS  # noqa: PLC0415

    selected, _ = chosen(settings, ids)
    cluster, now = open_cluster(settings), dt.datetime.now(dt.UTC)
    cluster.client.indices.refresh(index=cluster.name("crawls"))
    named = {outlet.id: outlet for outlet in selected}
    histories = load_histories(cluster, list(named), now, settings.timezone)
    judged = [judge(history, named[outlet], now, settings.timezone) for outlet, history in histories]
    return sorted(judged, key=lambda one: (LEVELS.index(one.level), -(one.usual_a_day or 0), one.outlet))


def _services(services: "Sequence[ServiceHealth]") -> Table:
    table = Table("Service", "State", "Why", title="Services")
    for one in services:
        table.add_row(one.service, _coloured(one.level), escape(one.reason))
    return table


def _outlets(outlets: "Sequence[Health]", settings: Settings) -> Table:
    table = Table(title="Outlets")
    table.add_column("Outlet", no_wrap=True)
    for heading in ("State", "Why", "24 h", "usual", "text", "last new"):
        table.add_column(heading, justify="right" if heading in {"24 h", "usual", "text"} else "left")
    for one in outlets:
        usual = f"{one.usual_a_day:g}" if one.usual_a_day is not None else "?"
        text = f"{one.extraction:.0%}" if one.extraction is not None else ""
        figures = (str(one.new_in_a_day), usual, text, _local(one.last_new, settings))
        table.add_row(escape(one.outlet), _coloured(one.level), escape(one.reason), *figures)
    return table


def _coloured(level: str) -> str:
    return f"[{_COLOURS[level]}]{level}[/]"


def _local(moment: dt.datetime | None, settings: Settings) -> str:
    return f"{moment.astimezone(settings.timezone):%m-%d %H:%M}" if moment else "never"


def _document(services: "Sequence[ServiceHealth]", outlets: "Sequence[Health]") -> dict[str, Any]:
    return {
        "services": [dataclasses.asdict(one) for one in services],
        "outlets": [dataclasses.asdict(one) for one in outlets],
    }


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)

"""The weekly report, of real weeks and of invented ones."""

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from narrawatch import json_lines
from narrawatch.cli.options import outlets_option
from narrawatch.cli.pipeline import open_cluster
from narrawatch.settings import Settings

if TYPE_CHECKING:
    from index_config.cluster import Cluster
    from review.report import Report
    from review.weeks import Week

week_option = click.option(
    "--week", "text", metavar="WEEK", help="ISO week like 2026-W47; default: the last one that is over."
)
out_option = click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the page, made when it is not there; default: reports/ in NARRAWATCH_HOME.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="The summary as one JSON object, for scripts.")


@click.command()
@week_option
@out_option
@json_option
@outlets_option
@click.pass_obj
def report(settings: Settings, text: str | None, out: Path | None, *, as_json: bool) -> None:
    """Write the report of a week: rising and falling narratives, languages, outlets, examples, and what was missing.

    The page needs nothing but a browser. Written again from the same data, it is the same to the byte.

    \b
    Example:   narrawatch report --week 2026-W47 --out reports/
    """
    week = chosen_week(settings, text)
    write(settings, open_cluster(settings), week, out or settings.home / "reports", as_json=as_json)


@click.command("demo-report")
@week_option
@out_option
@json_option
@click.pass_obj
def demo_report(settings: Settings, text: str | None, out: Path | None, *, as_json: bool) -> None:
    """Invent eight weeks and one more, in indices of their own, and write that one's report.

    What rises and falls in it is known, and so is what only seems to: see review/history.py.

    \b
    Example:   narrawatch demo-report
    """
    from index_config import apply  # noqa: PLC0415
    from index_config.cluster import connect  # noqa: PLC0415
    from narrawatch.node import have_elasticsearch  # noqa: PLC0415
    from review.history_documents import write_outlets  # noqa: PLC0415

    week = chosen_week(settings, text)
    console = Console(highlight=False, stderr=as_json)
    have_elasticsearch(settings, console)
    home = settings.home / "demo-report"
    prefix = f"{settings.index_prefix}demo-report-"
    own = dataclasses.replace(settings, index_prefix=prefix, home=home, outlets=home / "outlets")
    cluster = connect(own)
    apply.remove(cluster)
    apply.apply(cluster)
    write_outlets(own.outlets)
    _seed(cluster, week, own, console)
    write(own, cluster, week, out or home / "reports", as_json=as_json)
    if not as_json:
        click.echo(
            "Look further:\n"
            f"  export NARRAWATCH_INDEX_PREFIX={prefix} NARRAWATCH_HOME={home} NARRAWATCH_OUTLETS={own.outlets}\n"
            "  narrawatch flags list, narrawatch report --week ..."
        )


def _seed(cluster: "Cluster", week: "Week", settings: Settings, console: Console) -> None:
    from index_config import bulk  # noqa: PLC0415
    from narrawatch.demo import CARDS  # noqa: PLC0415
    from narrawatch.progress import counting  # noqa: PLC0415
    from processing.importers import CardProblem, read_all  # noqa: PLC0415
    from review.history import invent  # noqa: PLC0415
    from review.history_documents import actions  # noqa: PLC0415

    cards = {card.id: card for card in read_all(CARDS) if not isinstance(card, CardProblem)}
    with counting(console, "documents invented", None) as advance:

        def counted() -> Any:
            for action in actions(invent(week), settings.timezone, cards):
                advance()
                yield action

        bulk.write_all(cluster, counted(), refresh=True)


def chosen_week(settings: Settings, text: str | None) -> "Week":
    """The week asked for, or the last one that is over. Raises WeekError when it cannot be reported."""
    from narrawatch.pipeline import clock  # noqa: PLC0415
    from review.weeks import complete, last_complete, parse_week  # noqa: PLC0415

    if text is None:
        return last_complete(clock(), settings.timezone)
    return complete(parse_week(text), clock(), settings.timezone)


def write(settings: Settings, cluster: "Cluster", week: "Week", out: Path, *, as_json: bool) -> None:
    """Write the page and say where it is, and what is in it."""
    from crawlers.outlet import load_outlets  # noqa: PLC0415
    from narrawatch.progress import Steps, bars  # noqa: PLC0415
    from review.page import render  # noqa: PLC0415
    from review.report import make_report  # noqa: PLC0415

    files = load_outlets(settings.outlets)
    with bars(Console(stderr=True)) as progress:
        found = make_report(cluster, week, settings.timezone, files, Steps(progress))
    path = out / f"narrawatch-{week}.html"
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise json_lines.FileProblem(f"{out}: cannot be made ({error.strerror}); name another folder") from error
    with json_lines.writer(str(path)) as stream:
        stream.write(render(found))
    click.echo(json.dumps(_summary(found, path), ensure_ascii=False) if as_json else _lines(found, path))


def _summary(found: "Report", path: Path) -> dict[str, Any]:
    def moving(direction: str) -> list[dict[str, Any]]:
        return [
            {
                "narrative": story.trend.narrative,
                "title": story.title,
                "articles": story.trend.total,
                "expected": round(story.trend.expected, 2),
                "adjusted_p": story.trend.adjusted,
            }
            for story in found.moving(direction)
        ]

    return {
        "path": str(path),
        "week": str(found.week),
        "timezone": found.zone,
        "collected": found.collected,
        "flagged": found.flagged,
        "comparable": found.history.comparable,
        "rising": moving("rising"),
        "falling": moving("falling"),
        "outlets": {"watched": found.coverage.watched, "complete": found.coverage.complete},
        "missing": [dataclasses.asdict(gap) for gap in found.coverage.gaps],
    }


def _lines(found: "Report", path: Path) -> str:
    def titles(direction: str) -> str:
        names = [re.sub(r"\s+", " ", story.title) for story in found.moving(direction)]
        return f"{len(names)} {direction}" + (
            f" ({'; '.join(names[:3])}{'; …' if len(names) > 3 else ''})" if names else ""
        )

    trends = (
        f"{titles('rising')}; {titles('falling')}"
        if found.history.comparable
        else "too few weeks before to compare with"
    )
    return (
        f"{path}\n"
        f"{found.week}: {found.flagged:,} of {found.collected:,} articles flagged, {len(found.stories):,} narratives\n"
        f"Trends: {trends}\n"
        f"Outlets complete: {found.coverage.complete} of {found.coverage.watched}"
    )

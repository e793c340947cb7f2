"""The main job: run, and its steps crawl, process, match."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from narrawatch.cli.backfill import chosen_period, period_options, print_backfill
from narrawatch.cli.options import outlets_option
from narrawatch.settings import Settings

if TYPE_CHECKING:
    from crawlers.ledger import OutletRun
    from crawlers.outlet import Outlet
    from crawlers.period import Period
    from index_config.cluster import Cluster
    from narrawatch.pipeline import Found, Processed

_MOST_ROWS = 30
ATTENTION = 3
"""Exit code when the job was done and something needs a look: an outlet failed, a document was refused."""

run_id_option = click.option("--run-id", help="Name of this run; default: the time. The same id again continues it.")


def open_cluster(settings: Settings) -> "Cluster":
    """Connect, and check that somebody answers and the indices are there."""
    from index_config.cluster import check_set_up, connect, reachable  # noqa: PLC0415

    cluster = connect(settings)
    reachable(cluster, settings.elasticsearch_url)
    check_set_up(cluster)
    return cluster


def chosen(settings: Settings, ids: Sequence[str]) -> tuple[list["Outlet"], int]:
    """The outlets asked for (all without ids), and how many files have problems, which are printed."""
    from crawlers.outlet import load_outlets, select  # noqa: PLC0415

    files = load_outlets(settings.outlets)
    for problem in files.problems:
        click.echo(problem, err=True)
    return list(select(files.outlets, ids) if ids else files.outlets), len(files.problems)


@click.command()
@click.argument("ids", metavar="[OUTLET]...", nargs=-1)
@outlets_option
@run_id_option
@click.pass_obj
def run(settings: Settings, ids: tuple[str, ...], run_id: str | None) -> None:
    """Crawl, process and match: all outlets, or those named.

    Exit code 0: done; 1: it could not go on (the message says why); 3: done, but an outlet or a document needs a look.

    \b
    Example:   narrawatch run
               narrawatch run stopfake_en meduza --outlets my-outlets/
    """
    sys.exit(run_all(settings, open_cluster(settings), ids, run_id, Console()))


@click.command()
@click.argument("ids", metavar="[OUTLET]...", nargs=-1)
@outlets_option
@run_id_option
@period_options
@click.pass_obj
def crawl(settings: Settings, ids: tuple[str, ...], *, run_id: str | None, first: Any, last: Any) -> None:
    """Fetch what is new at the outlets into WARC files; all outlets, or those named.

    With --from, fetch what was published on past days instead: the sitemaps that an outlet's file and its robots.txt
    name are searched for it, by news date, the date in the address, or the last change. What was fetched before is not
    fetched again, so the same command continues a backfill that was stopped.

    \b
    Example:   narrawatch crawl stopfake_en --run-id 2026-11-23T06
               narrawatch crawl stopfake_en --from 2026-01-01 --to 2026-01-31
    """
    console = Console()
    period = chosen_period(first, last)
    runs, problems = _crawl(settings, open_cluster(settings), ids, run_id, console, period=period)
    print_outlets(console, runs)
    if period:
        problems += print_backfill(console, runs, period)
    sys.exit(_exit_code(runs, problems, None))


@click.command()
@click.argument("warc", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--run-id", help="Only what waits of this run.")
@click.option("--retry-dead", is_flag=True, help="Replay the documents that Elasticsearch refused, and nothing else.")
@outlets_option
@click.pass_obj
def process(settings: Settings, warc: tuple[Path, ...], *, run_id: str | None, retry_dead: bool) -> None:
    """Turn captured pages into articles: the WARC files named, or all that wait.

    \b
    Example:   narrawatch process
               narrawatch process var/warc/stopfake_en/20261123T060000Z-1.warc.gz
               narrawatch process --run-id 2026-11-23T06
               narrawatch process --retry-dead
    """
    if warc and run_id:
        raise click.UsageError("name WARC files or give --run-id, not both")
    console = Console()
    cluster = open_cluster(settings)
    if retry_dead:
        sys.exit(_retry_dead(settings, cluster))
    processed = _process(settings, cluster, console, warc, run_id)
    print_processed(console, processed)
    sys.exit(_exit_code([], 0, processed))


@click.command()
@click.option("--narrative", metavar="ID", help="Look for this card in all articles, whatever was matched before.")
@click.option(
    "--since", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="Only articles fetched since that day."
)
@click.pass_obj
def match(settings: Settings, narrative: str | None, since: Any) -> None:
    """Match articles against the narratives: those not yet matched against the present cards.

    Where only cards have changed, they are looked for among the passages kept, and only articles that may carry one are
    matched again. Flags that are new, and those no longer found, are counted by narrative.

    \b
    Example:   narrawatch match
               narrawatch match --narrative a-card-s-id --since 2026-11-01
    """
    from narrawatch import logs, pipeline  # noqa: PLC0415

    logs.to_file(settings, "match")
    day = since.strftime("%Y-%m-%d") if since else None
    print_found(
        Console(), pipeline.match_step(settings, open_cluster(settings), Console(), narrative=narrative, since=day)
    )


def run_all(settings: Settings, cluster: "Cluster", ids: Sequence[str], run_id: str | None, console: Console) -> int:
    """Crawl, process, match, and print what came of it; returns the exit code."""
    from narrawatch import pipeline  # noqa: PLC0415

    runs, problems = _crawl(settings, cluster, ids, run_id, console)
    processed = _process(settings, cluster, console)
    print_outlets(console, runs)
    print_processed(console, processed)
    print_found(console, pipeline.match_step(settings, cluster, console) if _has_cards(cluster) else None)
    return _exit_code(runs, problems, processed)


def _crawl(
    settings: Settings,
    cluster: "Cluster",
    ids: Sequence[str],
    run_id: str | None,
    console: Console,
    *,
    period: "Period | None" = None,
) -> tuple[list["OutletRun"], int]:
    from crawlers.locks import check_run_id  # noqa: PLC0415
    from narrawatch import logs, pipeline  # noqa: PLC0415

    selected, problems = chosen(settings, ids)
    name = check_run_id(run_id or pipeline.new_run_id())
    log = logs.to_file(settings, f"run-{name}")
    console.print(f"Run {name}: {len(selected)} outlets, log in {log}", markup=False, soft_wrap=True)
    return pipeline.crawl_step(settings, cluster, selected, name, console, period=period) if selected else [], problems


def _process(
    settings: Settings, cluster: "Cluster", console: Console, paths: Sequence[Path] = (), run_id: str | None = None
) -> "Processed":
    from crawlers.outlet import load_outlets  # noqa: PLC0415
    from narrawatch import logs, pipeline  # noqa: PLC0415

    logs.to_file(settings, "process")
    outlets = {outlet.id: outlet for outlet in load_outlets(settings.outlets).outlets}
    return pipeline.process_step(settings, cluster, outlets, console, paths, run_id=run_id)


def _retry_dead(settings: Settings, cluster: "Cluster") -> int:
    from processing.store import ArticleStore  # noqa: PLC0415

    replayed = refused = 0
    for path, reason in ArticleStore(cluster, settings.dead_letter).retry_dead():
        replayed += reason is None
        refused += reason is not None
        if reason:
            click.echo(f"{path}: {reason}", err=True)
    click.echo(f"{replayed} dead letters went in, {refused} remain")
    return ATTENTION if refused else 0


def _has_cards(cluster: "Cluster") -> bool:
    return bool(cluster.client.count(index=cluster.name("narratives"))["count"])


def _exit_code(runs: Sequence["OutletRun"], problems: int, processed: "Processed | None") -> int:
    failed = [run for run in runs if run.status != "outside_hours" and (run.status != "complete" or not _answered(run))]
    unwell = bool(processed and (processed.outcomes["dead_letter"] or processed.problems))
    return ATTENTION if failed or problems or unwell else 0


def _answered(run: "OutletRun") -> bool:
    """Whether one of the outlet's own start points did; the home page of a quiet outlet is none."""
    return any(start.outcome in {"read", "unchanged", "empty"} for start in run.starts if start.platform != "home")


def print_outlets(console: Console, runs: Sequence["OutletRun"]) -> None:
    """One row an outlet; columns for the outcomes that occurred."""
    if not runs:
        return
    seen: Counter[str] = sum((run.outcomes for run in runs), Counter())
    table = Table(
        "Outlet", "Starts", *[name for name, _ in seen.most_common()], "Requests", title="Outlets: URLs by outcome"
    )
    for run in runs:
        starts = ", ".join(sorted({start.outcome for start in run.starts})) or run.status
        counts = [str(run.outcomes[name] or "") for name, _ in seen.most_common()]
        table.add_row(run.outlet.id, starts, *counts, str(run.requests["total"]))
    if len(runs) > 1:
        total = sum(run.requests["total"] for run in runs)
        table.add_section()
        table.add_row(f"{len(runs)} outlets", "", *[str(count) for _, count in seen.most_common()], str(total))
    console.print(table)


def print_processed(console: Console, processed: "Processed") -> None:
    for problem in processed.problems:
        click.echo(problem, err=True)
    _counts(console, f"Pages processed ({processed.files} WARC files)", "Outcome", processed.outcomes)
    _counts(console, "New articles by language", "Language", processed.languages)


def _counts(console: Console, title: str, name: str, counts: Counter[str]) -> None:
    if counts:
        table = Table(name, "Count", title=title)
        for key, count in counts.most_common():
            table.add_row(key, str(count))
        console.print(table)


def print_found(console: Console, found: "Found | None") -> None:
    if found is None:
        console.print(
            "No narratives yet, so nothing was matched; bring some in with `narrawatch narratives import FILE`"
        )
        return
    told = found.narratives.keys() | found.lost.keys()
    if told:
        table = Table("Flags", "New", "Gone", "Narrative", title="Flags by narrative")
        for card in sorted(told, key=lambda card: (-found.narratives[card], -found.lost[card], card))[:_MOST_ROWS]:
            counts = (str(counter[card] or "") for counter in (found.narratives, found.gained, found.lost))
            table.add_row(*counts, Text(f"{card[1]}\n{card[0]}"))
        console.print(table)
        if len(told) > _MOST_ROWS:
            console.print(f"… and {len(told) - _MOST_ROWS} narratives more")
    levels = ", ".join(f"{count} {level}" for level, count in sorted(found.levels.items()))
    console.print(
        f"{found.articles} articles matched: {levels or 'nothing found'}; {found.gained.total()} flags new, "
        f"{found.lost.total()} no longer found. See: narrawatch flags list",
        markup=False,
    )
    if found.passed_over:
        console.print(f"{found.passed_over} articles passed over: no card that changed is near to them")

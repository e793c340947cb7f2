"""`narrawatch outlets`: what is watched, and whether its files are right."""

import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from crawlers.outlet import Outlet, load_files, load_outlets
from narrawatch.cli.options import outlets_option
from narrawatch.cli.record import record
from narrawatch.settings import Settings


@click.group()
def outlets() -> None:
    """Show, check and record the outlets that are watched.

    \b
    An outlet is one file of about ten lines in crawlers/outlets (or in NARRAWATCH_OUTLETS).
    """


outlets.add_command(record)


@outlets.command("list")
@outlets_option
@click.option("--json", "as_json", is_flag=True, help="One JSON array instead of a table.")
@click.pass_obj
def list_outlets(settings: Settings, *, as_json: bool) -> None:
    """List the outlets that can be crawled.

    \b
    narrawatch outlets list
    narrawatch outlets list --json --outlets my-outlets
    """
    files = load_outlets(settings.outlets)
    if as_json:
        click.echo(
            json.dumps([outlet.model_dump(mode="json") for outlet in files.outlets], ensure_ascii=False, indent=2)
        )
    else:
        Console().print(_table(files.outlets))
    if files.problems:
        click.echo(f"{len(files.problems)} problems in other files; `narrawatch outlets check` shows them", err=True)


@outlets.command()
@outlets_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of lines.")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=click.Path(path_type=Path))
@click.pass_context
def check(ctx: click.Context, files: Sequence[Path], *, as_json: bool) -> None:
    """Check outlet files: those given, else the whole folder. Exit code 1 when one has a problem.

    \b
    narrawatch outlets check
    narrawatch outlets check my-outlets/example_daily.yml
    """
    settings: Settings = ctx.obj
    found = load_files(files) if files else load_outlets(settings.outlets)
    if as_json:
        good = [outlet.id for outlet in found.outlets]
        click.echo(json.dumps({"outlets": good, "problems": list(found.problems)}, ensure_ascii=False, indent=2))
    else:
        for problem in found.problems:
            click.echo(problem)
        click.echo(f"{len(found.outlets)} outlets, {len(found.problems)} problems")
    ctx.exit(1 if found.problems else 0)


def _table(rows: Sequence[Outlet]) -> Table:
    table = Table(caption=f"{len(rows)} outlets", caption_justify="left")
    table.add_column("id", no_wrap=True)
    for heading in ("name", "country", "languages", "kind", "starts", "schedule", "a day"):
        table.add_column(heading)
    for outlet in rows:
        low, high = outlet.expect.per_day
        cells = (outlet.id, outlet.name, outlet.country, " ".join(outlet.languages), outlet.kind, _starts(outlet))
        table.add_row(*map(escape, cells), escape(outlet.schedule), f"{low}-{high}")
    return table


def _starts(outlet: Outlet) -> str:
    start = outlet.start
    counts = (("feed", start.feeds), ("sitemap", start.news_sitemaps), ("section", start.sections))
    return ", ".join(f"{len(urls)} {noun}{'s' if len(urls) > 1 else ''}" for noun, urls in counts if urls)

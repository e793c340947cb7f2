"""Local services, index set-up and settings: up, down, status, setup, settings."""

import json
import sys

import click
from rich.console import Console
from rich.table import Table

from narrawatch import settings as settings_module
from narrawatch.settings import Settings


@click.command()
@click.pass_obj
def up(settings: Settings) -> None:
    """Have an Elasticsearch answer at ELASTICSEARCH_URL.

    On this machine (the default) it is fetched once, started and waited for; its data is kept below NARRAWATCH_HOME.
    Elsewhere it is only asked whether it answers. Needs a JDK 21 or newer, and Maven for the first start.

    \b
    Example:   narrawatch up
               ELASTICSEARCH_URL=http://127.0.0.1:9201 narrawatch up
    """
    from index_config import local_node  # noqa: PLC0415 - the client is slow to import, and `settings` needs none

    local_node.up(settings, Console())


@click.command()
@click.pass_obj
def down(settings: Settings) -> None:
    """Stop the Elasticsearch that `up` started; its data stays.

    \b
    Example:   narrawatch down
    """
    from index_config import local_node  # noqa: PLC0415

    stopped = local_node.down(settings, Console())
    click.echo("Elasticsearch is stopped" if stopped else "No Elasticsearch started by `narrawatch up` runs here")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
@click.pass_obj
def status(settings: Settings, *, as_json: bool) -> None:
    """Say what runs and how it does. Exit code 1 when Elasticsearch does not answer.

    \b
    Example:   narrawatch status --json
    """
    from index_config import local_node  # noqa: PLC0415

    found = local_node.status(settings)
    if as_json:
        click.echo(json.dumps(found))
    elif found["answers"]:
        whose = (
            f"started by `narrawatch up`, process {found['pid']}" if found["ours"] else "not started by `narrawatch up`"
        )
        click.echo(f"Elasticsearch {found['version']} answers at {found['url']}: {found['health']}, {whose}")
    elif found["ours"]:
        click.echo(
            f"Elasticsearch runs (process {found['pid']}) and does not answer at {found['url']}; see {found['log']}"
        )
    else:
        click.echo(f"Elasticsearch does not answer at {found['url']}; start it with `narrawatch up`")
    sys.exit(0 if found["answers"] else 1)


@click.command()
@click.option("--migrate", is_flag=True, help="Copy indices whose mapping changed into new ones; nothing is lost.")
@click.pass_obj
def setup(settings: Settings, *, migrate: bool) -> None:
    """Create or update the indices in Elasticsearch. Safe to repeat.

    \b
    Example:   narrawatch setup
               narrawatch setup --migrate
    """
    from index_config import apply, cluster  # noqa: PLC0415

    connection = cluster.connect(settings)
    cluster.reachable(connection, settings.elasticsearch_url)
    with Console(stderr=True).status("Setting up the indices") as line:
        done = apply.apply(
            connection,
            migrate=migrate,
            progress=lambda index, copied, total: line.update(f"Copying {index}: {copied} of {total} documents"),
        )
    click.echo("\n".join(done) or "Nothing to do: every index is as it should be")


@click.command(name="settings")
@click.option("--json", "as_json", is_flag=True, help="A JSON list, for scripts.")
@click.pass_obj
def show_settings(settings: Settings, *, as_json: bool) -> None:
    """List every setting, its value and where it came from. Secrets are masked.

    \b
    Example:   NARRAWATCH_HOME=/srv/narrawatch narrawatch settings
    """
    rows = settings_module.describe(settings)
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("Variable", no_wrap=True)
    table.add_column("Value", overflow="fold")
    table.add_column("From", no_wrap=True)
    table.add_column("Meaning")
    for row in rows:
        table.add_row(row["variable"], row["value"], row["source"], row["about"])
    Console(markup=False, highlight=False).print(table)

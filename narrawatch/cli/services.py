"""Local services, index set-up and settings: up, down, status, setup, settings."""

import json
import sys

import click
from rich.console import Console
from rich.table import Table

from narrawatch import settings as settings_module
from narrawatch.settings import Settings


@click.command()
@click.option("--airflow", is_flag=True, help="Airflow, too: schedules crawls, matching and reports.")
@click.option(
    "--airflow-port",
    type=click.IntRange(1, 65535),
    default=8080,
    show_default=True,
    help="Where Airflow answers on 127.0.0.1.",
)
@click.pass_obj
def up(settings: Settings, *, airflow: bool, airflow_port: int) -> None:
    """Have an Elasticsearch answer at ELASTICSEARCH_URL; with --airflow, start Airflow as well.

    On this machine (the default) it is fetched once, started and waited for; its data is kept below NARRAWATCH_HOME.
    Elsewhere it is only asked whether it answers. Needs a JDK 21 or newer, and Maven for the first start.

    Airflow runs for this machine alone, on SQLite, with a generated password. `make airflow` installs it.

    \b
    Example:   narrawatch up
               narrawatch up --airflow
               ELASTICSEARCH_URL=http://127.0.0.1:9201 narrawatch up
    """
    from index_config import local_node  # noqa: PLC0415 - the client is slow to import, and `settings` needs none

    local_node.up(settings, Console())
    if airflow:
        from narrawatch import local_airflow  # noqa: PLC0415

        local_airflow.up(settings, Console(), port=airflow_port)


@click.command()
@click.option("--airflow", is_flag=True, help="Only Airflow.")
@click.pass_obj
def down(settings: Settings, *, airflow: bool) -> None:
    """Stop what `up` started, Elasticsearch and Airflow; their data stays.

    \b
    Example:   narrawatch down
    """
    from index_config import local_node  # noqa: PLC0415
    from narrawatch import local_airflow  # noqa: PLC0415

    if local_airflow.down(settings, Console()):
        click.echo("Airflow is stopped")
    elif airflow:
        click.echo("No Airflow started by `narrawatch up` runs here")
    if airflow:
        return
    stopped = local_node.down(settings, Console())
    click.echo("Elasticsearch is stopped" if stopped else "No Elasticsearch started by `narrawatch up` runs here")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
@click.pass_obj
def status(settings: Settings, *, as_json: bool) -> None:
    """Say what runs and how it does. Exit code 1 when Elasticsearch does not answer, or Airflow was started and ails.

    \b
    Example:   narrawatch status --json
    """
    from index_config import local_node  # noqa: PLC0415
    from narrawatch import local_airflow  # noqa: PLC0415

    found = local_node.status(settings)
    scheduler = local_airflow.status(settings)
    if as_json:
        click.echo(json.dumps({**found, "airflow": scheduler}))
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
    if scheduler and not as_json:
        ails = ", ".join(f"{part} {state}" for part, state in scheduler["parts"].items() if state != "healthy")
        click.echo(f"Airflow at {scheduler['url']}: {ails or 'healthy'}; logs in {scheduler['folder']}/logs")
    sys.exit(0 if found["answers"] and (scheduler is None or scheduler["healthy"]) else 1)


@click.command()
@click.option("--migrate", is_flag=True, help="Copy indices whose mapping changed into new ones; nothing is lost.")
@click.pass_obj
def setup(settings: Settings, *, migrate: bool) -> None:
    """Create or update the indices in Elasticsearch and, when KIBANA_URL is set, the dashboards. Safe to repeat.

    \b
    Example:   narrawatch setup
               narrawatch setup --migrate
               KIBANA_URL=http://127.0.0.1:5601 narrawatch setup
    """
    from index_config import apply, cluster, kibana  # noqa: PLC0415

    connection = cluster.connect(settings)
    cluster.reachable(connection, settings.elasticsearch_url)
    with Console(stderr=True).status("Setting up the indices") as line:
        done = apply.apply(
            connection,
            migrate=migrate,
            progress=lambda index, copied, total: line.update(f"Copying {index}: {copied} of {total} documents"),
        )
    click.echo("\n".join(done) or "Nothing to do: every index is as it should be")
    if settings.kibana_url:
        imported = kibana.import_objects(settings)
        click.echo(f"Kibana has {imported.count} data views, searches and dashboards of ours:")
        for title, address in imported.dashboards.items():
            click.echo(f"  {title}: {address}")


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

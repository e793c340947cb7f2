"""The command `narrawatch`. Commands are imported only when they run, so that `--help` answers at once."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any

import click

from narrawatch import settings
from narrawatch.errors import NarrawatchError

COMMANDS = {
    "up": "services:up",
    "down": "services:down",
    "status": "services:status",
    "setup": "services:setup",
    "settings": "services:show_settings",
    "run": "pipeline:run",
    "crawl": "pipeline:crawl",
    "process": "pipeline:process",
    "match": "pipeline:match",
    "add": "add:add",
    "outlets": "outlets:outlets",
    "health": "health:health",
    "narratives": "narratives:narratives",
    "flags": "flags:flags",
    "extract": "files:extract",
    "detect": "files:detect",
    "rank": "rank:rank",
    "report": "report:report",
    "demo": "demo:demo",
    "demo-report": "report:demo_report",
}


class LazyGroup(click.Group):
    """Imports a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"narrawatch.cli.{module}"), attribute)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="narrawatch")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Watch news outlets for known disinformation narratives.

    \b
    Try it on sample outlets, on this machine only:   narrawatch demo
    Crawl, process and match real outlets:            narrawatch up && narrawatch setup && narrawatch run
    Look at what was found:                           narrawatch flags list
    """
    ctx.obj = settings.load()


def main(arguments: Sequence[str] | None = None) -> Any:
    """Entry point: an expected error is one line on standard error and exit code 1."""
    try:
        return cli.main(args=arguments, prog_name="narrawatch")
    except NarrawatchError as error:
        click.echo(f"narrawatch: {error}", err=True)
        sys.exit(1)

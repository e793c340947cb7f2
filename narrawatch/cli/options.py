"""Options that several commands share."""

import dataclasses
from pathlib import Path

import click


def _override_outlets(ctx: click.Context, param: click.Parameter, value: Path | None) -> None:  # noqa: ARG001 - click's signature
    if value is not None:
        ctx.obj = dataclasses.replace(ctx.obj, outlets=value.expanduser().absolute())


outlets_option = click.option(
    "--outlets",
    metavar="DIR",
    type=click.Path(path_type=Path),
    expose_value=False,
    callback=_override_outlets,
    help="Folder of outlet files, instead of NARRAWATCH_OUTLETS.",
)
"""`--outlets DIR`: the command's settings (`@click.pass_obj`) then have this folder as `settings.outlets`."""

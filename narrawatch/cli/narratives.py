"""`narrawatch narratives`: bring cards in, look at them and at their versions."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from narrawatch.cards_changed import announce
from narrawatch.cli.card_versions import diff, export, restore, retire
from narrawatch.cli.cards import find_card
from narrawatch.cli.drafts import edit, test
from narrawatch.cli.pipeline import open_cluster
from narrawatch.progress import Steps, bars
from narrawatch.settings import Settings
from processing.cards import StoredCard, history, import_cards, load_cards
from processing.encoder import load_encoder
from processing.importers import CardProblem, Reading, read_all
from processing.narrative import Narrative

_EMPTY: tuple[object, ...] = (None, (), {}, "")


def _columns(_context: click.Context, _option: click.Parameter, pairs: tuple[str, ...]) -> dict[str, str]:
    names = [item.name for item in fields(Narrative)]
    columns: dict[str, str] = {}
    for pair in pairs:
        name, equals, column = pair.partition("=")
        if not equals or name not in names or not column.strip():
            raise click.BadParameter(f"{pair!r} is not FIELD=NAME; fields are {', '.join(names)}")
        columns[name] = column.strip()
    return columns


@click.group()
def narratives() -> None:
    """Known narratives: import, show, test and edit cards, compare their versions, take them out of matching and back."""


for _command in (edit, test, export, diff, retire, restore):
    narratives.add_command(_command)


@narratives.command("import")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--id", "identifier", metavar="ID", help="Id of the card, for one text card; without it, its title's slug."
)
@click.option(
    "--column",
    "columns",
    metavar="FIELD=NAME",
    multiple=True,
    callback=_columns,
    help="Column (CSV) or key (JSON) that holds a field, where it has another name; can be repeated.",
)
@click.option("--reason", metavar="TEXT", help="Why, for the cards' history.  [default: import of the files]")
@click.option("--as", "author", metavar="NAME", help="Who, for the cards' history.  [default: NARRAWATCH_ANALYST]")
@click.pass_obj
def import_(
    settings: Settings,
    *,
    files: tuple[Path, ...],
    identifier: str | None,
    columns: dict[str, str],
    reason: str | None,
    author: str | None,
) -> None:
    """Import cards, from files of any of these kinds.

    EUvsDisinfo text cards and saved report pages, JSON lines (also .gz), JSON lists, CSV with a header, schema.org
    ClaimReview (JSON-LD, or inside a saved page), and what `narrawatch narratives export` wrote.

    A card that is there with the same content stays as it is, a changed one becomes a new version. Bad cards are listed
    and the others imported; the exit code is then 1.

    \b
    Example:   narrawatch narratives import cards.jsonl.gz
               narrawatch narratives import --id euvs:kazakhstan-unrest kazakhstan.txt
               narrawatch narratives import --column title=Claim --column response="Fact check" desk.csv
    """
    if identifier is not None and len(files) > 1:
        raise click.UsageError("--id names one card; give one FILE with it")
    started = time.monotonic()
    cluster = open_cluster(settings)
    cards, problems = _read(files, Reading(identifier, columns))
    reason = reason or f"import of {', '.join(path.name for path in files)}"
    with bars(Console(stderr=True)) as bar:
        result = import_cards(
            cluster,
            cards,
            load_encoder(settings.encoder),
            author=author or settings.analyst,
            reason=reason,
            progress=Steps(bar),
        )
    if result.new or result.changed:
        announce(settings)
    for message in result.problems:
        click.echo(f"narrawatch: {message}", err=True)
    lost = sum(not problem.warning for problem in problems) + len(result.problems)
    warnings = sum(problem.warning for problem in problems)
    click.echo(
        f"{len(cards)} {'card' if len(cards) == 1 else 'cards'}: {result.new} new, {result.changed} changed, {result.unchanged} unchanged, {lost} problems"
        f"{f', {warnings} warnings' if warnings else ''} in {time.monotonic() - started:.0f} s"
    )
    sys.exit(1 if lost else 0)


@narratives.command("list")
@click.option(
    "--limit", type=click.IntRange(min=0), default=50, show_default=True, help="At most so many cards; 0: all."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_obj
def list_(settings: Settings, *, limit: int, as_json: bool) -> None:
    """List cards, the newest first.

    \b
    Example:   narrawatch narratives list --limit 20
               narrawatch narratives list --limit 0 --json | jq -r .title
    """
    cards = sorted(load_cards(open_cluster(settings)), key=lambda card: card.narrative.date or "", reverse=True)
    shown = cards[: limit or None]
    if as_json:
        _echo_json(_as_json(card) for card in shown)
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("Date", no_wrap=True)
    table.add_column("Id", overflow="fold", ratio=2)
    table.add_column("Title", ratio=3)
    for heading in ("Languages", "Rebuttal", "Version"):
        table.add_column(heading)
    for card in shown:
        known = card.narrative
        cells = (
            known.date or "",
            known.id,
            known.title,
            " ".join(known.languages),
            "yes" if known.response else "none",
        )
        table.add_row(*map(Text, cells), Text(f"{card.version}{' retired' if card.retired else ''}"))
    Console().print(table)
    click.echo(f"{len(shown)} of {len(cards)} cards{'' if len(shown) == len(cards) else '; --limit 0 shows all'}")


@narratives.command()
@click.argument("identifier", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def show(settings: Settings, identifier: str, *, as_json: bool) -> None:
    """Show one card: every field, and its versions.

    \b
    Example:   narrawatch narratives show euvs:kazakhstan-unrest
    """
    cluster = open_cluster(settings)
    card = find_card(cluster, identifier)
    versions = history(cluster, identifier)
    if as_json:
        _echo_json([{**_as_json(card), "versions": [_as_version(version) for version in versions]}])
        return
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    for name, value in _rows(card):
        grid.add_row(name, Text(value))
    console = Console()
    console.print(grid)
    console.print(_versions(versions))


@narratives.command("history")
@click.argument("identifier", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with the whole card of each version.")
@click.pass_obj
def history_(settings: Settings, identifier: str, *, as_json: bool) -> None:
    """List a card's versions, the oldest first: when, who, why, and which fields changed.

    \b
    Example:   narrawatch narratives history euvs:kazakhstan-unrest
    """
    cluster = open_cluster(settings)
    find_card(cluster, identifier)
    versions = history(cluster, identifier)
    if as_json:
        _echo_json(_as_json(version) for version in versions)
    else:
        Console().print(_versions(versions))


def _read(files: Sequence[Path], reading: Reading) -> tuple[list[Narrative], list[CardProblem]]:
    """Read all cards; say what is wrong at once, on standard error."""
    cards, problems = [], []
    for item in read_all(files, reading):
        if isinstance(item, CardProblem):
            problems.append(item)
            click.echo(f"narrawatch: {item}", err=True)
        else:
            cards.append(item)
    return cards, problems


def _as_json(card: StoredCard) -> dict[str, Any]:
    return {**asdict(card.narrative), **_as_version(card), "retired": card.retired, **card.found()}


def _as_version(card: StoredCard) -> dict[str, Any]:
    names = ("version", "generation", "updated", "author", "reason")
    return {name: getattr(card, name) for name in names} | {"content_hash": card.narrative.content_hash}


def _echo_json(documents: Any) -> None:
    for document in documents:
        click.echo(json.dumps(document, ensure_ascii=False))


def _rows(card: StoredCard) -> Iterator[tuple[str, str]]:
    """Every field that says something, readable; a missing rebuttal is said, since analysts look for it."""
    kin = {"narrower": card.narrower, "linked": card.linked, "retold": card.retold, "family": card.family}
    for name, value in {**asdict(card.narrative), **kin}.items():
        if name == "response" and not value:
            yield name, "none documented"
        elif isinstance(value, dict):
            yield from ((f"{name}.{language}", _joined(name, text)) for language, text in value.items())
        elif value not in _EMPTY and (name != "family" or value != card.narrative.id):
            yield name, _joined(name, value)
    if card.retired:
        yield "retired", "yes: it is no longer matched"


def _joined(name: str, value: str | tuple[str, ...]) -> str:
    if isinstance(value, str):
        return value
    return (
        "\n"
        if name in {"related", "related_claims", "narrower", "linked", "retold", "examples", "counter_examples"}
        else ", "
    ).join(value)


def _versions(versions: Sequence[StoredCard]) -> Table:
    table = Table("Version", "Updated", "By", "Reason", "Changed", box=None, pad_edge=False)
    before: dict[str, Any] = {}
    for card in versions:
        fields = asdict(card.narrative)
        changed = ", ".join(name for name in fields if before and fields[name] != before[name])
        table.add_row(str(card.version), Text(card.updated), Text(card.author), Text(card.reason), Text(changed))
        before = fields
    return table

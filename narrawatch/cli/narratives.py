"""`narrawatch narratives`: bring cards in, look at them and at their versions."""

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from index_config.cluster import Cluster, connect, reachable
from narrawatch.cards_changed import announce
from narrawatch.progress import Steps, bars
from narrawatch.settings import Settings
from processing.cards import CardError, StoredCard, history, import_cards, load_card, load_cards
from processing.encoder import load_encoder
from processing.importers import CardProblem, read_all
from processing.narrative import Narrative

_EMPTY: tuple[object, ...] = (None, (), {}, "")


@click.group()
def narratives() -> None:
    """Known narratives: import cards, list and show them."""


@narratives.command("import")
@click.argument(
    "files", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@click.option(
    "--id", "identifier", metavar="ID", help="Id of the card, for one text card; without it, its title's slug."
)
@click.option("--reason", metavar="TEXT", help="Why, for the cards' history.  [default: import of the files]")
@click.option("--as", "author", metavar="NAME", help="Who, for the cards' history.  [default: NARRAWATCH_ANALYST]")
@click.pass_obj
def import_(
    settings: Settings, *, files: tuple[Path, ...], identifier: str | None, reason: str | None, author: str | None
) -> None:
    """Import cards: EUvsDisinfo text cards, JSON lines (also .gz), JSON lists, CSV with a header.

    A card that is there with the same content stays as it is, a changed one becomes a new version. Bad cards are listed
    and the others imported; the exit code is then 1.

    \b
    Example:   narrawatch narratives import cards.jsonl.gz
               narrawatch narratives import --id euvs:kazakhstan-unrest kazakhstan.txt
    """
    if identifier is not None and len(files) > 1:
        raise click.UsageError("--id names one card; give one FILE with it")
    started = time.monotonic()
    cluster = _cluster(settings)
    cards, problems = _read(files, identifier)
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
    cards = sorted(load_cards(_cluster(settings)), key=lambda card: card.narrative.date or "", reverse=True)
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
    cluster = _cluster(settings)
    card = _find(cluster, identifier)
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
    cluster = _cluster(settings)
    _find(cluster, identifier)
    versions = history(cluster, identifier)
    if as_json:
        _echo_json(_as_json(version) for version in versions)
    else:
        Console().print(_versions(versions))


def _cluster(settings: Settings) -> Cluster:
    cluster = connect(settings)
    reachable(cluster, settings.elasticsearch_url)
    return cluster


def _read(files: Sequence[Path], identifier: str | None) -> tuple[list[Narrative], list[CardProblem]]:
    """Read all cards; say what is wrong at once, on standard error."""
    cards, problems = [], []
    for item in read_all(files, identifier):
        if isinstance(item, CardProblem):
            problems.append(item)
            click.echo(f"narrawatch: {item}", err=True)
        else:
            cards.append(item)
    return cards, problems


def _find(cluster: Cluster, identifier: str) -> StoredCard:
    try:
        return load_card(cluster, identifier)
    except CardError as error:
        ids = [card.narrative.id for card in load_cards(cluster)]
        near = (
            get_close_matches(identifier, ids, n=3) or [name for name in ids if identifier.lower() in name.lower()][:3]
        )
        if not near:
            raise
        raise CardError(f"there is no card {identifier!r}; did you mean {' or '.join(near)}?") from error


def _as_json(card: StoredCard) -> dict[str, Any]:
    return {**asdict(card.narrative), **_as_version(card), "retired": card.retired, "linked": card.linked}


def _as_version(card: StoredCard) -> dict[str, Any]:
    names = ("version", "generation", "updated", "author", "reason")
    return {name: getattr(card, name) for name in names} | {"content_hash": card.narrative.content_hash}


def _echo_json(documents: Any) -> None:
    for document in documents:
        click.echo(json.dumps(document, ensure_ascii=False))


def _rows(card: StoredCard) -> Iterator[tuple[str, str]]:
    """Every field that says something, readable; a missing rebuttal is said, since analysts look for it."""
    for name, value in {**asdict(card.narrative), "linked": card.linked}.items():
        if name == "response" and not value:
            yield name, "none documented"
        elif isinstance(value, dict):
            yield from ((f"{name}.{language}", text) for language, text in value.items())
        elif value not in _EMPTY:
            long = name in {"related", "related_claims", "linked"}
            yield name, ("\n" if long else ", ").join(value) if isinstance(value, tuple) else value
    if card.retired:
        yield "retired", "yes: it is no longer matched"


def _versions(versions: Sequence[StoredCard]) -> Table:
    table = Table("Version", "Updated", "By", "Reason", "Changed", box=None, pad_edge=False)
    before: dict[str, Any] = {}
    for card in versions:
        fields = asdict(card.narrative)
        changed = ", ".join(name for name in fields if before and fields[name] != before[name])
        table.add_row(str(card.version), Text(card.updated), Text(card.author), Text(card.reason), Text(changed))
        before = fields
    return table

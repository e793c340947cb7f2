"""`narrawatch narratives export`, `diff`, `retire` and `restore`: a card's versions, and taking cards out of matching."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from index_config.cluster import Cluster
from narrawatch.cards_changed import announce
from narrawatch.cli.cards import find_card
from narrawatch.cli.pipeline import open_cluster
from narrawatch.settings import Settings
from processing.cards import CardError, StoredCard, history, load_cards, set_retired
from processing.encoder import load_encoder
from processing.narrative import Narrative
from processing.retired import settle_flags

_EMPTY: tuple[object, ...] = (None, (), {}, "")


@click.command()
@click.argument("identifiers", metavar="[ID...]", nargs=-1)
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write.  [default: standard output]"
)
@click.option("--retired", is_flag=True, help="Retired cards, too.")
@click.pass_obj
def export(settings: Settings, identifiers: tuple[str, ...], *, out: Path | None, retired: bool) -> None:
    """Write cards as JSON lines, all fields, which `narrawatch narratives import` reads back.

    \b
    Example:   narrawatch narratives export --out cards.jsonl
               narrawatch narratives export euvs:kazakhstan-unrest
    """
    cluster = open_cluster(settings)
    cards = [find_card(cluster, name) for name in identifiers] or [
        card for card in load_cards(cluster) if retired or not card.retired
    ]
    lines = "".join(json.dumps(content(card.narrative), ensure_ascii=False) + "\n" for card in cards)
    if out is None:
        click.echo(lines, nl=False)
        return
    draft = out.with_name(out.name + ".tmp")
    draft.write_text(lines, encoding="utf-8")
    draft.replace(out)
    click.echo(f"{len(cards)} {'card' if len(cards) == 1 else 'cards'} in {out}")


@click.command()
@click.argument("identifier", metavar="ID")
@click.argument("old", metavar="[VERSION]", type=click.IntRange(min=1), required=False)
@click.argument("new", metavar="[VERSION]", type=click.IntRange(min=1), required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a changed field.")
@click.pass_obj
def diff(settings: Settings, identifier: str, old: int | None, new: int | None, *, as_json: bool) -> None:
    """Show what changed between two versions of a card; without versions, in the last change.

    \b
    Example:   narrawatch narratives diff euvs:kazakhstan-unrest
               narrawatch narratives diff euvs:kazakhstan-unrest 1 3
    """
    cluster = open_cluster(settings)
    current = find_card(cluster, identifier)
    versions = {card.version: card for card in history(cluster, identifier)}
    later = _version(versions, identifier, new or current.version)
    if old is None and later.version == 1:
        click.echo(f"{identifier} has one version only; there is nothing to compare")
        return
    earlier = _version(versions, identifier, old or later.version - 1)
    changes = list(_changes(earlier, later))
    if as_json:
        for name, before, after in changes:
            click.echo(json.dumps({"field": name, "old": before, "new": after}, ensure_ascii=False))
        return
    console = Console()
    console.print(
        Text(f"{identifier}, version {earlier.version} to {later.version}, by {later.author}: {later.reason}")
    )
    for name, before, after in changes:
        console.print(Text(f"\n{name}", style="bold"))
        console.print(_marked(_words(before), _words(after)))


@click.command()
@click.argument("identifier", metavar="ID")
@click.option("--reason", metavar="TEXT", required=True, help="Why, for the card's history.")
@click.option("--as", "author", metavar="NAME", help="Who.  [default: NARRAWATCH_ANALYST]")
@click.pass_obj
def retire(settings: Settings, identifier: str, *, reason: str, author: str | None) -> None:
    """Take a card out of matching. Its flags that nobody reviewed go, those with a verdict stay as no longer matched.

    \b
    Example:   narrawatch narratives retire euvs:kazakhstan-unrest --reason 'merged into another card'
    """
    cluster = open_cluster(settings)
    changed = _set(settings, cluster, identifier, retired=True, reason=reason, author=author)
    gone, kept = settle_flags(cluster, identifier)  # also when it was retired before: that may have been cut short
    click.echo(
        f"{identifier} {'is retired' if changed else 'was retired already'}; {gone} flags nobody reviewed are gone, "
        f"{kept} with a verdict are marked as no longer matched"
    )


@click.command()
@click.argument("identifier", metavar="ID")
@click.option("--reason", metavar="TEXT", required=True, help="Why, for the card's history.")
@click.option("--as", "author", metavar="NAME", help="Who.  [default: NARRAWATCH_ANALYST]")
@click.pass_obj
def restore(settings: Settings, identifier: str, *, reason: str, author: str | None) -> None:
    """Take a retired card back into matching; the next `narrawatch match` flags what it finds.

    \b
    Example:   narrawatch narratives restore euvs:kazakhstan-unrest --reason 'told again this week'
    """
    cluster = open_cluster(settings)
    changed = _set(settings, cluster, identifier, retired=False, reason=reason, author=author)
    click.echo(f"{identifier} is matched again" if changed else f"{identifier} is not retired; nothing to do")


def content(card: Narrative) -> dict[str, Any]:
    """The fields of a card that say something, as files hold them."""
    return {name: value for name, value in asdict(card).items() if value not in _EMPTY}


def _set(
    settings: Settings, cluster: Cluster, identifier: str, *, retired: bool, reason: str, author: str | None
) -> StoredCard | None:
    find_card(cluster, identifier)
    encoder = load_encoder(settings.encoder)
    changed = set_retired(
        cluster, identifier, encoder, retired=retired, author=author or settings.analyst, reason=reason
    )
    if changed:
        announce(settings)
    return changed


def _version(versions: dict[int, StoredCard], identifier: str, number: int) -> StoredCard:
    if number not in versions:
        raise CardError(f"{identifier} has no version {number}; it has {', '.join(map(str, versions))}")
    return versions[number]


def _changes(earlier: StoredCard, later: StoredCard) -> Iterator[tuple[str, Any, Any]]:
    before = {**asdict(earlier.narrative), "retired": earlier.retired}
    after = {**asdict(later.narrative), "retired": later.retired}
    yield from ((name, before[name], after[name]) for name in before if before[name] != after[name])


def _words(value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, dict):
        return [part for name, item in sorted(value.items()) for part in (f"{name}:", *_words(item))]
    if isinstance(value, tuple):
        return [f"{item};" for item in value]
    return ["nothing"] if value in _EMPTY else str(value).split()


def _marked(before: list[str], after: list[str]) -> Text:
    """Word by word: what went struck out in red, what came in green; in plain text as [-gone-] and {+new+}."""
    text = Text()
    for kind, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            text.append(" ".join(before[a:b]) + " ")
            continue
        if a < b:
            text.append(f"[-{' '.join(before[a:b])}-] ", style="red")
        if c < d:
            text.append(f"{{+{' '.join(after[c:d])}+}} ", style="green")
    return text

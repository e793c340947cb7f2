"""`narrawatch flags explain`: why a flag is there, as a short table."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from narrawatch.cli.pipeline import open_cluster
from narrawatch.settings import Settings

if TYPE_CHECKING:
    from processing.explaining import Explanation

_APART = {"encoder", "fitted_on", "stated"}
_CHANNELS = ("semantic", "whole", "coverage", "lexical", "usual", "score", "level_by_score", "level")


@click.command()
@click.argument("flag_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
@click.pass_obj
def explain(settings: Settings, flag_id: str, *, as_json: bool) -> None:
    """Say why a flag is there: passage, channels, calibration, stance, versions. The id may be cut short.

    The article is matched with the card once more, and what differs from the flag is shown with what has changed since.

    \b
    Example:   narrawatch flags explain 4f1c
    """
    from processing.encoder import load_encoder  # noqa: PLC0415
    from processing.explaining import explain as compute  # noqa: PLC0415
    from processing.flags import article_text, get_flag  # noqa: PLC0415

    cluster = open_cluster(settings)
    flag = get_flag(cluster, flag_id)
    found = compute(cluster, flag, lambda: load_encoder(settings.encoder))
    if as_json:
        click.echo(json.dumps(found.to_document(), ensure_ascii=False))
        return
    _print(Console(), found, article_text(cluster, flag))


def _print(console: Console, found: "Explanation", text: str | None) -> None:
    from narrawatch.cli.flags import marked_passage  # noqa: PLC0415 - flags imports this module

    flag = found.flag
    top = _grid()
    top.add_row("Narrative", Text(flag["narrative_title"]))
    top.add_row("Article", Text(f"{flag.get('title') or flag['url']} ({flag['outlet']}, {flag['language']})"))
    top.add_row("Passage", marked_passage(flag, text))
    top.add_row("Words", Text(", ".join(flag.get("matched_words") or []) or "none in common"))
    top.add_row("Phrases", Text(", ".join(found.rules) or "none of the card's own stand in the passage"))
    console.print(top)
    console.print(_numbers(found))
    rest = _grid()
    for name, value in (*_stance(flag), *_basis(found)):
        rest.add_row(name, Text(value))
    console.print(rest)


def _grid() -> Table:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    return grid


def _numbers(found: "Explanation") -> Table:
    from processing.explaining import MEANS  # noqa: PLC0415

    table = Table("Channel", "Stored", "Now", "What it says", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in _CHANNELS:
        stored, now = found.flag.get(name), (found.now or {}).get(name)
        if stored is not None or now is not None:
            style = "bold" if name in found.differences else ""
            table.add_row(name.replace("_", " "), _number(stored), Text(_number(now), style=style), MEANS[name])
    return table


def _number(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _stance(flag: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "stance" not in flag:
        yield "Stance", "not stored: the flag is older than the stance guard, or an analyst's"
        return
    yield "Stance", f"{flag['stance']}, probability {flag['stance_probability']:.2f}"
    for reason in flag.get("stance_reasons") or []:
        yield "", reason


def _basis(found: "Explanation") -> Iterator[tuple[str, str]]:
    flag = found.flag
    if found.narrower:
        yield "Narrower", f"what these cards say counts as what this one says: {', '.join(found.narrower)}"
    yield "Priors", "none: no date, outlet or country counts"
    if found.calibration:
        shown = {name: value for name, value in found.calibration.items() if name not in _APART}
        yield "Calibration", f"{found.calibration['encoder']}, fitted on {found.calibration['fitted_on']}"
        yield "", ", ".join(f"{name} {_plain(value)}" for name, value in shown.items())
    if found.measured:
        yield "Measured", found.measured
    yield "Matched", f"{flag.get('matched') or 'not said'} by {flag.get('matcher')}"
    yield "Versions", f"card version {flag.get('narrative_version')}, card generation {flag.get('generation')}"
    if found.not_again:
        yield "Now", f"not matched again: {found.not_again}"
    elif found.differences:
        yield "Now", "differs in " + ", ".join(name.replace("_", " ") for name in found.differences)
    else:
        yield "Now", "the same"
    for cause in found.because:
        yield "Because", cause


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {_plain(one)}" for name, one in value.items()) + ")"
    if isinstance(value, (list, tuple)):
        return " / ".join(map(str, value))
    return str(value)


def not_repeats(flag: dict[str, Any]) -> str:
    """The stance, where an analyst should know of it at once."""
    return "" if flag.get("stance") in {None, "repeats"} else str(flag["stance"])


def level_of(flag: dict[str, Any]) -> str:
    """The level, and what the score alone would give when the stance lowered it."""
    by_score = flag.get("level_by_score", flag["level"])
    return str(flag["level"]) if by_score == flag["level"] else f"{flag['level']} (lowered from {by_score})"


def stance_of(flag: dict[str, Any]) -> str:
    """How the passage stands to the narrative, and why; each reason in a line of its own."""
    if "stance" not in flag:
        return "not judged"
    return "\n".join([flag["stance"], *(flag.get("stance_reasons") or [])])

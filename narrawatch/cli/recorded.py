"""What `narrawatch outlets record` prints."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from crawlers.outlet import Outlet
    from crawlers.record.explore import Explored


def show(
    found: "Explored", outlet: "Outlet", text: str, path: Path | None, remarks: list[str], *, as_json: bool
) -> None:
    """Print what was tried and how the file looks, or where it is (`path`)."""
    if as_json:
        tried = [
            {
                "kind": one.kind,
                "url": one.url,
                "found_by": one.found_by,
                "outcome": one.outcome,
                "links": len(one.pages),
                "newest": one.newest.isoformat() if one.newest else None,
                "chosen": one.chosen,
                "note": one.note,
            }
            for one in found.tried
        ]
        content: dict[str, Any] = {"tried": tried, "remarks": remarks, "outlet": outlet.model_dump(mode="json")}
        click.echo(json.dumps({**content, "file": str(path) if path else None}, ensure_ascii=False, indent=2))
        return
    Console().print(_table(found))
    for remark in remarks:
        click.echo(remark)
    if path:
        click.echo(f"Written: {path}\nTry it: narrawatch crawl {outlet.id} --outlets {path.parent}")
    else:
        click.echo(text, nl=False)


def _table(found: "Explored") -> Table:
    table = Table(title=escape(found.home.url), title_justify="left")
    for heading in ("", "kind", "address", "from", "links", "newest", "note"):
        table.add_column(heading, overflow="fold")
    for one in found.tried:
        newest = f"{one.newest:%Y-%m-%d %H:%M}" if one.newest else ""
        address = f"{one.url} by {one.links}" if one.links else one.url
        cells = (
            "+" if one.chosen else "-",
            one.kind,
            address,
            one.found_by,
            str(len(one.pages) or ""),
            newest,
            one.note,
        )
        table.add_row(*map(escape, cells), style="bold" if one.chosen else None)
    return table

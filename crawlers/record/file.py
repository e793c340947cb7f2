"""The outlet file: what was found in the form the crawl reads, with what was tried in its comments."""

import datetime as dt
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from crawlers.address import fetchable, url_id
from crawlers.outlet import Outlet, load_files
from crawlers.record.look import READ, RecordError
from crawlers.record.tried import Tried, per_day, schedule
from crawlers.spiders.home import home_of


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the file will say, and the remarks that belong above it."""

    id: str
    name: str
    country: str
    languages: tuple[str, ...]
    home: str
    tried: Sequence[Tried]
    remarks: Sequence[str]
    now: dt.datetime

    @property
    def chosen(self) -> list[Tried]:
        return [one for one in self.tried if one.chosen]


def write(recorded: Recorded) -> tuple[str, Outlet]:
    """The file's text, and the outlet that the crawl will read from it.

    Raises:
        RecordError: a value that was given or found cannot stand in an outlet file; the message names the key.
    """
    rate, (low, high) = per_day(recorded.chosen, recorded.now)
    content = {
        "id": recorded.id,
        "name": recorded.name,
        "country": recorded.country,
        "languages": list(recorded.languages),
        "kind": "news",
        "start": _start(recorded.chosen),
        "schedule": schedule(rate),
        "expect": {"per_day": [low, high]},
    }
    seen = (
        f"about {rate:.0f} a day by their dates"
        if rate is not None
        else "too few dates to tell, so the bounds are wide open"
    )
    lines = [
        f"Recorded on {recorded.now:%Y-%m-%d} from {recorded.home}; look over name, country, kind and bounds.",
        *recorded.remarks,
        f"Volume: {seen}.",
        "Tried:",
        *(f"  {'+' if one.chosen else '-'} {describe(one)}" for one in recorded.tried),
    ]
    if url_id(home_of(_check(recorded.id, _yaml(content)))) != url_id(recorded.home):
        content["home"] = fetchable(recorded.home)
    text = "".join(f"# {_printable(line)}\n" for line in lines) + _yaml(content)
    return text, _check(recorded.id, text)


def describe(one: Tried) -> str:
    """One line about a start point."""
    listed = f", {len(one.pages)} links" if one.outcome == READ else ""
    newest = f", newest {one.newest:%Y-%m-%d %H:%M}" if one.newest else ""
    by = f" by {one.links}" if one.links else ""
    return f"{one.kind} {one.url}{by}{listed}{newest}: {one.note}"


def _start(chosen: Sequence[Tried]) -> dict[str, Any]:
    start: dict[str, Any] = {}
    for one in chosen:
        if one.kind == "section":
            start.setdefault("sections", []).append({"url": one.url, "links": one.links})
        else:
            start.setdefault("feeds" if one.kind == "feed" else "news_sitemaps", []).append(one.url)
    return start


class _Dumper(yaml.SafeDumper):
    """Short lists in one line; all strings that YAML could read as something else in quotes."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        super().increase_indent(flow, False)


class _Short(list[Any]):
    """A list that is written in one line."""


class _Quoted(str):
    """Text that is written in quotes, though YAML would not need them."""

    __slots__ = ()


_Dumper.add_representer(
    _Short, lambda dumper, value: dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=True)
)
_Dumper.add_representer(
    _Quoted, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"')
)


def _yaml(content: dict[str, Any]) -> str:
    shown = {
        **content,
        "languages": _Short(content["languages"]),
        "schedule": _Quoted(content["schedule"]),
        "expect": {"per_day": _Short(content["expect"]["per_day"])},
    }
    return str(yaml.dump(shown, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10_000))


def _check(identifier: str, text: str) -> Outlet:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{identifier}.yml"
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise RecordError(f"{identifier!r} is no id; give one by --id") from error
        found = load_files([path])
    if found.problems:
        raise RecordError("; ".join(problem.removeprefix(f"{path}:") for problem in found.problems))
    return found.outlets[0]


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)[:500]

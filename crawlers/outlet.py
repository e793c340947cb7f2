"""Outlets: the publishers we watch, one YAML file each, file in and frozen `Outlet` out.

An outlet only says *what* is watched; how a feed, a sitemap or a section page is read belongs to the spiders.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError, model_validator
from pydantic_core import ErrorDetails

from crawlers import outlet_checks as checks
from crawlers.hours import Hours, asked_delay, asked_hours, asked_zone
from crawlers.outlet_messages import dotted, explain
from crawlers.outlet_yaml import FileProblem, Marked, read
from narrawatch.errors import NarrawatchError

Url = Annotated[str, AfterValidator(checks.url)]
Language = Annotated[str, AfterValidator(checks.language)]
Selector = Annotated[str, AfterValidator(checks.selector)]

MAX_PROBLEMS = 20  # of one file: what stands there is then no outlet


class OutletError(NarrawatchError):
    """The folder has no outlets, or not those that were asked for; the message says which and what to do."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Section(_Model):
    """A page of links, and the CSS selector of those that lead to articles."""

    url: Url
    links: Selector


class Start(_Model):
    """Where an outlet's new links stand. News sitemaps may be sitemap indexes."""

    feeds: tuple[Url, ...] = ()
    news_sitemaps: tuple[Url, ...] = ()
    sections: tuple[Section, ...] = ()

    @property
    def urls(self) -> list[str]:
        return [*self.feeds, *self.news_sitemaps, *(section.url for section in self.sections)]

    @model_validator(mode="after")
    def _somewhere(self) -> "Start":
        urls = self.urls
        if not urls:
            raise ValueError("names no address; give feeds, news_sitemaps or sections at least one")
        if twice := next((url for url in urls if urls.count(url) > 1), None):
            raise ValueError(f"names {checks.quote(twice)} twice; delete one")
        return self


class Expect(_Model):
    """How many new articles a day are normal: with fewer over a week the outlet is sick, with more it is to be watched."""

    per_day: Annotated[tuple[int, int], BeforeValidator(checks.per_day)]


class Politeness(_Model):
    """What an outlet asks for beyond what all get: hours to keep to, in its own or the configured zone, or a slower pace."""

    hours: Annotated[Hours | None, BeforeValidator(asked_hours)] = None
    timezone: Annotated[ZoneInfo | None, BeforeValidator(asked_zone)] = None
    delay: Annotated[float | None, BeforeValidator(asked_delay)] = None

    def open_at(self, now: dt.datetime, zone: ZoneInfo) -> bool:
        """Whether it may be crawled; `zone` is that of an outlet that names none."""
        return self.hours is None or self.hours.hold(now.astimezone(self.timezone or zone).time())


class Selectors(_Model):
    """CSS selectors for an outlet whose pages the general rules misread. Those not given leave it to the rules."""

    title: Selector | None = None
    text: Selector | None = None
    authors: Selector | None = None
    published: Selector | None = None
    drop: tuple[Selector, ...] = ()
    """What is no part of the article, wherever it stands."""


class Outlet(_Model):
    """A publisher we watch. `id` is also the file's name and the keyword in every index."""

    id: Annotated[str, AfterValidator(checks.identifier)]
    name: Annotated[str, AfterValidator(checks.name)]
    country: Annotated[str, AfterValidator(checks.country)]
    languages: Annotated[tuple[Language, ...], AfterValidator(checks.languages_listed)]
    kind: checks.Kind
    start: Start
    schedule: Annotated[str, AfterValidator(checks.schedule)]
    expect: Expect
    politeness: Politeness = Politeness()
    extract: Selectors | None = None
    home: Url | None = None
    """Its home page, where that is not the root of its first start point's host."""


@dataclass(frozen=True)
class OutletFiles:
    """The outlets that can be used, by id, and one line per problem in the other files."""

    outlets: tuple[Outlet, ...]
    problems: tuple[str, ...]


def load_outlets(folder: Path) -> OutletFiles:
    """Read every `*.yml` of a folder. A file with problems is left out; the others load.

    Raises:
        OutletError: there is no such folder, or no outlet file in it.
    """
    if not folder.is_dir():
        raise OutletError(
            f"{folder}: no such folder; name the one with outlet files by --outlets or NARRAWATCH_OUTLETS"
        )
    files = sorted(path for path in folder.iterdir() if path.suffix in {".yml", ".yaml"})
    if not files:
        raise OutletError(
            f"{folder}: holds no outlet file (*.yml); add one, or name another folder by --outlets or NARRAWATCH_OUTLETS"
        )
    return load_files(files)


def load_files(files: Iterable[Path]) -> OutletFiles:
    """Read these outlet files; never raises for what stands in them."""
    outlets: list[Outlet] = []
    problems: list[str] = []
    for path in files:
        result = _load(path)
        if isinstance(result, Outlet):
            outlets.append(result)
        else:
            shown = sorted(result)[:MAX_PROBLEMS]
            problems += [f"{_shown(path)}:{line}: {message}" for line, message in shown]
            if more := len(result) - len(shown):
                problems.append(f"{_shown(path)}: has {more} more problems; mend these first")
    return OutletFiles(tuple(sorted(outlets, key=lambda outlet: outlet.id)), tuple(problems))


def select(outlets: Sequence[Outlet], ids: Sequence[str]) -> tuple[Outlet, ...]:
    """The outlets with these ids, each once, in the order asked for; all of them when no id is given.

    Raises:
        OutletError: an id is unknown; the message names each and the closest known one.
    """
    known = {outlet.id: outlet for outlet in outlets}
    if unknown := [wanted for wanted in ids if wanted not in known]:
        named = " and no ".join(checks.quote(wanted) + checks.close_match(wanted, list(known)) for wanted in unknown)
        raise OutletError(f"no outlet {named} (`narrawatch outlets list` shows all that can be used)")
    return tuple(known[wanted] for wanted in dict.fromkeys(ids)) or tuple(outlets)


def _load(path: Path) -> Outlet | list[tuple[int, str]]:
    if path.suffix != ".yml":
        return [(1, f"outlet files end in .yml; rename it to {path.stem}.yml")]
    try:
        marked = read(path)
    except FileProblem as problem:
        return [(problem.line, str(problem))]
    problems = [(line, f"{dotted(key)}: stands here a second time; delete one") for key, line in marked.duplicates]
    name = marked.value.get("id")
    if isinstance(name, str) and name != path.stem:
        message = f"id: is {checks.quote(name)} but the file is named {checks.quote(path.stem)}; make them the same"
        problems.append((marked.line(("id",)), message))
    try:
        outlet = Outlet.model_validate(marked.value)
    except ValidationError as error:
        return problems + [_problem(details, marked) for details in error.errors()]
    return problems or outlet


def _problem(details: ErrorDetails, marked: Marked) -> tuple[int, str]:
    key = details["loc"]
    return marked.line(key), f"{dotted(key)}: {explain(details, marked.sources.get(key, ''))}"


def _shown(path: Path) -> str:
    """As short as it can be found again from here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)

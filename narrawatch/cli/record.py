"""`narrawatch outlets record`: from the address of a home page to an outlet file."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape

from crawlers import outlet_checks as checks
from narrawatch.cli.recorded import show
from narrawatch.errors import NarrawatchError
from narrawatch.settings import Settings

if TYPE_CHECKING:
    from crawlers.record.explore import Explored
    from crawlers.record.home import Home


def _valid(check: Callable[[str], str]) -> Callable[..., Any]:
    """An option's callback: its value, or each of them, as an outlet file may have it."""

    def callback(_ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
        try:
            for one in value if isinstance(value, tuple) else (value,):
                if one is not None:
                    check(one)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
        return value

    return callback


@click.command()
@click.argument("url")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder for the file; default: the outlets'."
)
@click.option(
    "--id",
    "identifier",
    metavar="ID",
    callback=_valid(checks.identifier),
    help="The outlet's id, and the file's name; default: from the host.",
)
@click.option(
    "--name", metavar="NAME", callback=_valid(checks.name), help="The outlet's name; default: what its home page says."
)
@click.option(
    "--country",
    metavar="CODE",
    callback=_valid(checks.country),
    help="Its country (ISO 3166-1), or xx. It is proposed, but never guessed.",
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    metavar="CODE",
    callback=_valid(checks.language),
    help="A language it writes; default: detected.",
)
@click.option("--force", is_flag=True, help="Overwrite the file, if there is one.")
@click.option("--dry-run", is_flag=True, help="Print the file instead of writing it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: what was tried, the outlet, the file.")
@click.pass_obj
def record(
    settings: Settings,
    url: str,
    *,
    out: Path | None,
    identifier: str | None,
    name: str | None,
    country: str | None,
    languages: tuple[str, ...],
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Look at an outlet's home page, find its feeds and sitemaps, try each, and write the outlet's file.

    What is asked for obeys robots.txt and the pace of every crawl, so it takes half a minute. The country is asked for,
    or given by --country. Look the file over: what was tried, and why it was taken or left, stands in its comments.

    \b
    Example:   narrawatch outlets record https://www.example.org/ --country kz
               narrawatch outlets record https://www.example.org/ --id example_daily --out my-outlets --dry-run
    """
    from crawlers.record.explore import host_of  # noqa: PLC0415
    from crawlers.record.explore import identifier as id_from  # noqa: PLC0415
    from crawlers.record.file import Recorded, write  # noqa: PLC0415
    from narrawatch.pipeline import clock  # noqa: PLC0415

    identifier = identifier or id_from(host_of(url))
    path = None if dry_run else _free((out or settings.outlets).expanduser().absolute(), identifier, force=force)
    found = _explore(settings, url, country, as_json=as_json)
    written, remarks = _languages(found, languages)
    text, outlet = write(
        Recorded(
            id=identifier,
            name=name or found.home.name or host_of(url),
            country=country or _ask_country(found.home),
            languages=written,
            home=found.home.url,
            tried=found.tried,
            remarks=remarks,
            now=clock(),
        )
    )
    if path:
        _save(path, text)
    show(found, outlet, text, path, remarks, as_json=as_json)


def _free(folder: Path, identifier: str, *, force: bool) -> Path:
    """Where the file will be, seen to before anything is asked for."""
    path = folder / f"{identifier}.yml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    if path.exists() and not force:
        raise NarrawatchError(f"{path}: is there already; take another --id, or overwrite it by --force")
    return path


def _unwritable(path: Path, error: OSError) -> NarrawatchError:
    return NarrawatchError(f"{path}: cannot write ({error.strerror}); name another folder by --out")


def _explore(settings: Settings, url: str, country: str | None, *, as_json: bool) -> "Explored":
    from crawlers.address import AddressError, fetchable  # noqa: PLC0415
    from crawlers.record.explore import Explorer  # noqa: PLC0415
    from crawlers.record.look import RecordError, look  # noqa: PLC0415
    from narrawatch import logs  # noqa: PLC0415
    from narrawatch.pipeline import clock  # noqa: PLC0415

    try:
        home = fetchable(url)
    except AddressError as error:
        raise RecordError(f"{error}; write it like https://www.example.org/") from error
    logs.to_file(settings, "record")
    with Console(stderr=True).status("Looking at the home page") as status:

        def home_seen(page: "Home") -> None:
            if not country and (as_json or not sys.stdin.isatty()):
                raise RecordError(f"{page.url}: say which country it is of, by --country{_proposed(page)}")

        explorer = Explorer(home, clock(), home_seen, lambda asked: status.update(f"Asking for {escape(asked)}"))
        return look(settings, home, explorer.explore, clock=clock)


def _proposed(home: "Home") -> str:
    from crawlers.record.explore import host_of  # noqa: PLC0415
    from crawlers.record.place import proposal  # noqa: PLC0415

    code = proposal(host_of(home.url), home.locale, home.language)
    return f" {code}, as its address or page hints, or another" if code else " CODE, or xx; nothing hints at one"


def _ask_country(home: "Home") -> str:
    from crawlers.record.explore import host_of  # noqa: PLC0415
    from crawlers.record.place import proposal  # noqa: PLC0415

    def checked(text: str) -> str:
        try:
            return checks.country(text)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error

    default = proposal(host_of(home.url), home.locale, home.language)
    question = "Which country is it of (ISO 3166-1, xx: none)"
    return str(click.prompt(question, default=default, value_proc=checked, err=True))


def _languages(found: "Explored", given: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]]:
    """The languages the outlet writes, and what is to be remarked about its sample pages.

    Raises:
        NarrawatchError: neither pages nor home page tell.
    """
    from processing.samples import read  # noqa: PLC0415

    sampled = read(found.samples, found.home.language)
    if not given and not sampled.languages:
        raise NarrawatchError(f"{found.home.url}: nothing tells its language; say it by --language")
    return given or sampled.languages, list(sampled.remarks)


def _save(path: Path, text: str) -> None:
    temporary = path.with_suffix(".tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error

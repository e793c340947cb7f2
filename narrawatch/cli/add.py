"""add: an analyst's own find goes the way of every article, and is flagged if told."""

import json
import secrets
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from narrawatch.cli.options import outlets_option
from narrawatch.cli.pipeline import open_cluster
from narrawatch.settings import Settings

if TYPE_CHECKING:
    from index_config.cluster import Cluster
    from processing.matching import Deck


@click.command()
@click.argument("url")
@click.option("--narrative", metavar="ID", help="Flag it for this card whatever the matcher says, as your decision.")
@click.option("--note", metavar="TEXT", help="Why; kept with the decision, so it needs --narrative.")
@click.option("--as", "analyst", metavar="NAME", help="Who found it; default: NARRAWATCH_ANALYST or the system user.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
@outlets_option
@click.pass_obj
def add(
    settings: Settings, url: str, narrative: str | None, note: str | None, analyst: str | None, *, as_json: bool
) -> None:
    """Take in a page you found elsewhere: capture it, process it, match it.

    Only this page is fetched, by the rules of every crawl: robots.txt is obeyed. It counts for the outlet that has a
    start point on the same host, else for the outlet "added". A page taken in before is not fetched again.

    With --narrative it is flagged for that card in any case, with the passage closest to it, and your confirmed verdict
    is recorded; no later matching takes such a flag away.

    \b
    Example:   narrawatch add https://www.example.org/politics/a-story
               narrawatch add https://www.example.org/a-story --narrative a-card-s-id --note 'seen on Telegram'
    """
    from narrawatch import logs  # noqa: PLC0415
    from review import verdicts  # noqa: PLC0415

    if note and not narrative:
        raise click.UsageError("--note says why it is a narrative; name the narrative by --narrative")
    name = settings.analyst if analyst is None else analyst
    verdicts.check(name, note)
    cluster = open_cluster(settings)
    logs.to_file(settings, "add")
    if narrative:
        _check_card(cluster, narrative)
    article, fetched = _take_in(settings, cluster, url)
    decks = _decks(settings, cluster, narrative)
    flags = _flag(cluster, decks, article, narrative, name=name, note=note)
    if flags and (fetched or narrative):
        _note_who_added(cluster, flags if fetched else flags[:1], name)
    _show(cluster, article, fetched=fetched, matched=bool(decks), as_json=as_json)


def _check_card(cluster: "Cluster", narrative: str) -> None:
    """Before anything is fetched."""
    from processing.cards import load_card  # noqa: PLC0415
    from review.finds import FindError  # noqa: PLC0415

    if load_card(cluster, narrative).retired:
        raise FindError(
            f"card {narrative!r} is retired; bring it back with `narrawatch narratives restore {narrative}`"
        )


def _take_in(settings: Settings, cluster: "Cluster", url: str) -> tuple[str, bool]:
    """Have the page as an article; returns the article's id, and whether the page had to be fetched."""
    from crawlers.known import DONE  # noqa: PLC0415
    from crawlers.outlet import load_outlets  # noqa: PLC0415
    from narrawatch import pipeline  # noqa: PLC0415
    from review import finds  # noqa: PLC0415

    outlet = finds.outlet_of(url, load_outlets(settings.outlets).outlets)
    record = finds.known(cluster, url)
    if record and record.state in DONE:
        return finds.article_of(cluster, record), False
    run_id, console = f"{pipeline.new_run_id()}-add-{secrets.token_hex(2)}", Console(stderr=True)
    with console.status("Fetching the page"):
        finds.capture(settings, cluster, url, outlet, run_id, clock=pipeline.clock)
    pipeline.process_step(settings, cluster, {outlet.id: outlet}, console, run_id=run_id)
    return finds.article_of(cluster, finds.known(cluster, url)), True


def _decks(settings: Settings, cluster: "Cluster", narrative: str | None) -> list["Deck"]:
    """The deck of all cards, and that of the one asked for; none while there are no cards."""
    from processing.encoder import load_encoder  # noqa: PLC0415
    from processing.matching import load_deck  # noqa: PLC0415

    if not cluster.client.count(index=cluster.name("narratives"))["count"]:
        return []
    encoder = load_encoder(settings.encoder)
    return [load_deck(cluster, encoder, one) for one in ([None, narrative] if narrative else [None])]


def _flag(
    cluster: "Cluster", decks: list["Deck"], article: str, narrative: str | None, *, name: str, note: str | None
) -> list[str]:
    """Match the article, and with a narrative have it flagged for that; the ids of its flags, the one asked for first."""
    from narrawatch.pipeline import clock  # noqa: PLC0415
    from processing.archive import open_archive  # noqa: PLC0415
    from processing.matching import sweep  # noqa: PLC0415
    from review import finds, verdicts  # noqa: PLC0415

    if not decks:
        return []
    wanted = f"{article}:{narrative}"
    if narrative:  # first: dying between the two leaves a decision without a flag, which the same command mends
        verdicts.append(cluster, [wanted], "confirmed", analyst=name, note=note, clock=clock)
    archive = open_archive(cluster, decks[0].matcher.semantic.encoder, clock)
    (found,) = sweep(cluster, decks[0], [article], clock=clock, archive=archive)
    flags = [f"{article}:{card}" for card in found.levels]
    if narrative:
        if found.levels.get(narrative) != "flag":
            finds.flag_anyway(cluster, decks[1], article, narrative, clock=clock)
        verdicts.carry(cluster, [wanted])
    return list(dict.fromkeys([wanted, *flags] if narrative else flags))


def _note_who_added(cluster: "Cluster", flags: list[str], name: str) -> None:
    from review import finds  # noqa: PLC0415

    finds.note_who_added(cluster, flags, name)


def _show(cluster: "Cluster", article: str, *, fetched: bool, matched: bool, as_json: bool) -> None:
    from narrawatch.cli.flags import print_flags  # noqa: PLC0415
    from processing.flags import list_flags  # noqa: PLC0415

    cluster.client.indices.refresh(index=cluster.name("flags"))
    document: dict[str, Any] = cluster.client.get(index=cluster.name("articles"), id=article)["_source"]
    total, flags = list_flags(cluster, {"article": article}, 50)
    shown = {name: document.get(name) for name in ("title", "url", "outlet", "language", "published")}
    if as_json:
        click.echo(json.dumps({"article": article, "fetched": fetched, **shown, "flags": flags}, ensure_ascii=False))
        return
    click.echo(f"{'Taken in' if fetched else 'Known already'}: {shown['title'] or '(no title)'}")
    click.echo(f"Address: {shown['url']}\nOutlet {shown['outlet']}, language {shown['language']}, article {article}")
    if flags:
        print_flags(Console(), flags, total)
    else:
        click.echo("No narrative was found in it" if matched else "There are no narratives yet, so nothing was matched")

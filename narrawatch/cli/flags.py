"""Flags as an analyst needs them: which narrative, which passage, why, and what the rebuttal says."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from narrawatch.cli.explain import explain, level_of, not_repeats, stance_of
from narrawatch.cli.pipeline import open_cluster
from narrawatch.settings import Settings

if TYPE_CHECKING:
    from review.verdicts import Decision, Verdict


@click.group()
def flags() -> None:
    """Look at what was flagged, and decide."""


flags.add_command(explain)


@flags.command("list")
@click.option("--level", type=click.Choice(["flag", "suggest"]), help="Only this level.")
@click.option("--outlet", help="Only this outlet.")
@click.option("--language", help="Only this language (code).")
@click.option("--narrative", metavar="ID", help="Only this narrative.")
@click.option(
    "--stance",
    type=click.Choice(["repeats", "reports", "rebuts", "unclear"]),
    help="Only what stands so to its narrative.",
)
@click.option(
    "--verdict",
    type=click.Choice(["open", "confirmed", "rejected", "unsure"]),
    help="Only those with this verdict; open: nobody has decided yet.",
)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 10_000), help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for scripts.")
@click.pass_obj
def list_flags(settings: Settings, /, limit: int, *, verdict: str | None, as_json: bool, **wanted: str | None) -> None:
    """List flags, the surest first.

    \b
    Example:   narrawatch flags list --level flag --language ru
               narrawatch flags list --verdict open
    """
    from processing.flags import list_flags as read  # noqa: PLC0415

    chosen = {name: value for name, value in wanted.items() if value}
    total, found = read(open_cluster(settings), chosen, limit, verdict)
    if as_json:
        for flag in found:
            click.echo(json.dumps(flag, ensure_ascii=False))
        return
    print_flags(Console(), found, total)


@flags.command("show")
@click.argument("flag_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for scripts.")
@click.pass_obj
def show(settings: Settings, flag_id: str, *, as_json: bool) -> None:
    """Show one flag: narrative, passage with the match marked, rebuttal, address, verdicts. The id may be cut short.

    \b
    Example:   narrawatch flags show 4f1c
    """
    from processing.flags import article_state, article_text, get_flag, since_then  # noqa: PLC0415
    from review import verdicts  # noqa: PLC0415

    cluster = open_cluster(settings)
    flag = get_flag(cluster, flag_id)
    decided = verdicts.history(cluster, flag["id"])
    if decided and flag.get("verdict_at") != decided[0].at:  # left undone by a process that died
        verdicts.carry(cluster, [flag["id"]])
        flag |= verdicts.carried(decided[0])
    state = article_state(cluster, flag)
    if as_json:
        trail = [one.to_document() for one in decided]
        click.echo(json.dumps({**flag, "verdicts": trail, "article_state": state}, ensure_ascii=False))
        return
    print_flag(Console(), flag, article_text(cluster, flag), decided, since_then(flag, state))


def _deciding(name: str, decision: "Decision", about: str) -> None:
    """Add one of the commands that record a verdict; they differ in nothing but the verdict."""

    @flags.command(name, help=f"{about}\n\n\b\nExample:   narrawatch flags {name} 4f1c --note 'as said in the lead'")
    @click.argument("ids", metavar="ID...", nargs=-1, required=True)
    @click.option(
        "--as", "analyst", metavar="NAME", help="Who decides; default: NARRAWATCH_ANALYST or the system user."
    )
    @click.option("--note", metavar="TEXT", help="Why.")
    @click.pass_obj
    def decide(settings: Settings, ids: tuple[str, ...], analyst: str | None, note: str | None) -> None:
        from narrawatch.pipeline import clock  # noqa: PLC0415
        from processing.flags import get_flag  # noqa: PLC0415
        from review import verdicts  # noqa: PLC0415

        cluster = open_cluster(settings)
        found = {flag["id"]: flag for flag in (get_flag(cluster, one) for one in ids)}
        name = settings.analyst if analyst is None else analyst
        verdicts.record(cluster, list(found), decision, analyst=name, note=note, clock=clock)
        for flag in found.values():
            title = flag.get("title") or flag["url"]
            click.echo(f"{decision} by {name}: {title} / {flag['narrative_title']} ({short_id(flag['id'])})")


for _command in (
    ("confirm", "confirmed", "Confirm flags: the article does carry the narrative."),
    ("reject", "rejected", "Reject flags: the article does not carry the narrative, or only reports or rebuts it."),
    ("unsure", "unsure", "Mark flags as looked at and not clear; somebody else should decide."),
):
    _deciding(*_command)


def print_flags(console: Console, found: list[dict[str, Any]], total: int) -> None:
    """A table of flags; ids are cut to what tells them apart here, and never further: they are typed again."""
    ids = [short_id(flag["id"], [other["id"] for other in found]) for flag in found]
    table = Table("Score", "Level", "Outlet", "Article", "Narrative", title=f"{len(found)} of {total} flags")
    table.add_column("Id", no_wrap=True, min_width=max(map(len, ids), default=0))
    for flag, shown in zip(found, ids, strict=True):
        decided = f"\n{flag['verdict']}" if flag.get("verdict") else ""
        article = flag.get("title") or flag["url"]
        names = (
            "\n".join(part for part in (flag["level"], not_repeats(flag)) if part) + decided,
            f"{flag['outlet']} ({flag['language']})",
            article,
            flag["narrative_title"],
            shown,
        )
        table.add_row(f"{flag['score']:.2f}", *map(Text, names))
    console.print(table)


def short_id(flag: str, among: Sequence[str] = ()) -> str:
    """Enough of a flag's id to find it again, and to tell it from those it stands among."""
    article, _, narrative = flag.partition(":")
    others = [other.partition(":")[2] for other in among if other.startswith(article) and other != flag]
    length = 12
    while length < len(narrative) and any(other.startswith(narrative[:length]) for other in others):
        length += 1
    return f"{article[:8]}:{narrative[:length]}"


def print_flag(
    console: Console,
    flag: dict[str, Any],
    text: str | None,
    decided: Sequence["Verdict"] = (),
    since: Sequence[str] = (),
) -> None:
    """One flag with all an analyst needs.

    `text` is as `article_text` gives it, `decided` its verdicts, newest first, `since` what became of its article.
    """
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", justify="right", no_wrap=True)
    rows.add_column(overflow="fold")
    documented = flag.get("rebuttal") or "none documented"
    for name, value in (
        ("Narrative", flag["narrative_title"]),
        ("Card", flag.get("narrative_url") or flag["narrative"]),
        (
            "Level",
            f"{level_of(flag)}, score {flag['score']:.2f} (semantic {flag['semantic']:.2f}, lexical {flag['lexical']:.1f})",
        ),
        ("Article", flag.get("title") or "(no title)"),
        ("Address", flag["url"]),
        ("Outlet", f"{flag['outlet']} ({flag['country']}, {flag['kind']}), language {flag['language']}"),
        ("Published", flag.get("published") or "not said"),
        *(("Since then", said) for said in since),
        ("Passage", marked_passage(flag, text)),
        ("Stance", stance_of(flag)),
        ("Words", ", ".join(flag.get("matched_words") or []) or "none in common"),
        *([("Phrase", flag["phrase"])] if flag.get("phrase") else []),
        ("Rebuttal", documented),
        *([("See also", "\n".join(flag["see_also"]))] if flag.get("see_also") else []),
        *([("Added by", flag["added_by"])] if flag.get("added_by") else []),
        *(_verdict_rows(decided) or [("Verdict", flag.get("verdict") or "open")]),
        ("Flag", flag["id"]),
    ):
        rows.add_row(name, value if isinstance(value, Text) else Text(value))
    console.print(rows)


def _verdict_rows(decided: Sequence["Verdict"]) -> list[tuple[str, str]]:
    """The verdict in force, and below it those it replaced."""
    names = ["Verdict", *["Before"] * (len(decided) - 1)]
    return [
        (
            name,
            f"{one.verdict} by {one.analyst}, {one.at[:16].replace('T', ' ')} UTC"
            + (f": {one.note}" if one.note else ""),
        )
        for name, one in zip(names, decided, strict=False)
    ]


_CONTEXT = 120


def marked_passage(flag: dict[str, Any], text: str | None) -> Text:
    """The passage with its nearest sentence marked, in its surroundings when the article still has the text matched."""
    passage, start, end = flag["passage"], flag["passage_start"], flag["passage_end"]
    marked = Text()
    whole = text if text is not None and text[start:end] == passage else None
    if whole is not None:
        before = whole[max(0, start - _CONTEXT) : start]
        marked.append(("…" if start > _CONTEXT else "") + before, style="dim")
    first, last = flag["sentence_start"] - start, flag["sentence_end"] - start
    marked.append(passage[:first])
    marked.append("»" + passage[first:last] + "«", style="bold reverse")
    marked.append(passage[last:])
    if whole is not None:
        marked.append(whole[end : end + _CONTEXT] + ("…" if len(whole) > end + _CONTEXT else ""), style="dim")
    for word in flag.get("matched_words") or []:
        marked.highlight_words([word], style="underline", case_sensitive=False)
    return marked

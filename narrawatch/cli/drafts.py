"""`narrawatch narratives edit` and `test`: what analysts add to a card, and what it would flag before anything is saved."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from index_config.cluster import Cluster
from narrawatch.cards_changed import announce
from narrawatch.cli.cards import find_card
from narrawatch.cli.explain import not_repeats
from narrawatch.cli.pipeline import ATTENTION, open_cluster
from narrawatch.pipeline import clock
from narrawatch.progress import counting
from narrawatch.settings import Settings
from processing.archive import open_archive
from processing.cards import CardError, import_cards
from processing.drafts import EDITABLE, Additions, Article, Example, drafted, edited, examples, in_archive
from processing.encoder import load_encoder
from processing.importers import CardProblem, read
from processing.match.judged import Judged
from processing.matching import load_deck
from processing.narrative import Narrative

_SHOWN = 20


def _by_language(_context: click.Context, _option: click.Parameter, pairs: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in pairs:
        language, equals, words = pair.partition("=")
        if not equals or not language.strip() or not words.strip():
            raise click.BadParameter(f"{pair!r} is not LANGUAGE=WORDS, like ru='порт* продан*'; * is every language")
        found.setdefault(language.strip(), []).append(words.strip())
    return found


def _texts(_context: click.Context, _option: click.Parameter, given: tuple[str, ...]) -> list[str]:
    texts = []
    for text in given:
        if text.startswith("@"):
            try:
                text = Path(text[1:]).read_text(encoding="utf-8")  # noqa: PLW2901 - the file stands for its text
            except (OSError, ValueError) as error:
                raise click.BadParameter(f"{text[1:]}: cannot be read as UTF-8 text ({error})") from error
        if not text.strip():
            raise click.BadParameter("an example needs words; give a text, or @FILE")
        texts.append(text.strip())
    return texts


_OPTIONS = (
    click.option("--phrase", "phrases", metavar="LANG=WORDS", multiple=True, callback=_by_language,
                 help="Words that tell the story as they stand; `*` at a word's end is any ending."),
    click.option("--required", metavar="LANG=WORDS", multiple=True, callback=_by_language,
                 help="Articles need one of these words."),
    click.option("--excluded", metavar="LANG=WORDS", multiple=True, callback=_by_language,
                 help="Articles with one of these words are left out."),
    click.option("--translation", "translations", metavar="LANG=TITLE", multiple=True, callback=_by_language,
                 help="The title in another language."),
    click.option("--example", "examples", metavar="TEXT|@FILE", multiple=True, callback=_texts,
                 help="A text in which the card must be found."),
    click.option("--counter-example", "counter_examples", metavar="TEXT|@FILE", multiple=True, callback=_texts,
                 help="A text that only looks like it."),
    click.option("--clear", metavar="FIELD", multiple=True, type=click.Choice(EDITABLE),
                 help=f"Empty a field first: {', '.join(EDITABLE)}."),
)  # fmt: skip


def _additions(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say what to add to a card; the command gets `Additions`."""

    def with_additions(*args: Any, **given: Any) -> Any:
        words = {name: given.pop(name) for name in ("phrases", "required", "excluded")}
        titles = {language: found[-1] for language, found in given.pop("translations").items()}
        texts = {name: given.pop(name) for name in ("examples", "counter_examples")}
        additions = Additions(tuple(given.pop("clear")), _said(words), titles, _said(texts))
        return command(*args, additions=additions, **given)

    with_additions.__doc__, with_additions.__name__ = command.__doc__, command.__name__
    for option in reversed(_OPTIONS):
        with_additions = option(with_additions)
    return with_additions


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}


@click.command()
@click.argument("identifier", metavar="ID")
@click.option("--reason", metavar="TEXT", required=True, help="Why, for the card's history.")
@click.option("--as", "author", metavar="NAME", help="Who.  [default: NARRAWATCH_ANALYST]")
@_additions
@click.pass_obj
def edit(settings: Settings, identifier: str, *, reason: str, author: str | None, additions: Additions) -> None:
    """Add an analyst's words and examples to a card, as a new version. Try them first with `narrawatch narratives test`.

    A phrase suggests its card wherever it stands, and flags it where the matcher alone would suggest it.

    \b
    Example:   narrawatch narratives edit sela-port --phrase ru='порт* продан*' --reason 'told in these words'
               narrawatch narratives edit sela-port --excluded en=satire --counter-example @pier.txt --reason satire
               narrawatch narratives edit sela-port --clear phrases --reason 'found too much'
    """
    cluster = open_cluster(settings)
    card = find_card(cluster, identifier).narrative
    if not additions:
        raise click.UsageError("say what to change, like --phrase ru='порт* продан*'; --help lists all")
    result = import_cards(
        cluster,
        [edited(card, additions)],
        load_encoder(settings.encoder),
        author=author or settings.analyst,
        reason=reason,
    )
    if result.problems:
        raise CardError("; ".join(result.problems))
    if not result.changed:
        click.echo(f"{identifier} has all of this already; nothing to do")
        return
    announce(settings)
    version = find_card(cluster, identifier).version
    click.echo(f"{identifier} is at version {version}; `narrawatch match` looks for it in the archive")


@click.command()
@click.argument("identifier", metavar="ID")
@click.option(
    "--with",
    "file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Test the card with this id in a file that `narratives import` reads, instead of the stored one.",
)
@click.option("--examples-only", is_flag=True, help="Do not look into the archive.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object an example or article.")
@_additions
@click.pass_obj
def test(
    settings: Settings, identifier: str, *, file: Path | None, examples_only: bool, as_json: bool, additions: Additions
) -> None:
    """Show what a card does on its examples, and what it would flag in the archive. Nothing is saved.

    Give the same options as to `narratives edit` to see what an edit would do. Exit code 3: an example is not found, or a
    counter-example is.

    \b
    Example:   narrawatch narratives test sela-port
               narrawatch narratives test sela-port --phrase ru='порт* продан*' --example 'Порты проданы, говорят они.'
               narrawatch narratives test sela-port --with cards.jsonl
    """
    cluster, console = open_cluster(settings), Console(stderr=True)
    card = edited(_card(cluster, identifier, file), additions)
    encoder = load_encoder(settings.encoder)
    with console.status("Loading cards"):
        deck = load_deck(cluster, encoder)
    with drafted(cluster, deck, card) as draft:
        tried = list(examples(draft, card))
        articles: list[Article] = []
        if not examples_only:
            archive = open_archive(cluster, encoder, clock)
            with counting(console, "articles found", None) as advance:
                for article in in_archive(cluster, draft, archive, card.id):
                    articles.append(article)
                    advance()
    if as_json:
        for document in (*map(_example_json, tried), *map(_article_json, articles)):
            click.echo(json.dumps(document, ensure_ascii=False))
    else:
        _print_examples(Console(), tried)
        if not examples_only:
            _print_articles(Console(), articles, draft.title)
    sys.exit(0 if all(example.right for example in tried) else ATTENTION)


def _card(cluster: Cluster, identifier: str, file: Path | None) -> Narrative:
    if file is None:
        return find_card(cluster, identifier).narrative
    problems = []
    for item in read(file):
        if isinstance(item, CardProblem):
            problems.append(str(item))
        elif item.id == identifier:
            return item
    raise CardError("; ".join([f"{file} has no card {identifier!r}", *problems[:3]]))


def _level(judgement: Judged) -> str:
    return " ".join(part for part in (judgement.level, not_repeats({"stance": judgement.stance.label})) if part)


def _print_examples(console: Console, tried: Sequence[Example]) -> None:
    if not tried:
        console.print("The card has no examples; add some with `narrawatch narratives edit --example`")
        return
    table = Table("", "Wanted", "Found", "Language", "Text", title="Examples")
    for one in tried:
        found = _level(one.judgement) if one.judgement else "no"
        table.add_row(
            Text("✓" if one.right else "✗", style="green" if one.right else "bold red"),
            "found" if one.wanted else "not found",
            found,
            one.language,
            Text(_short(one.text)),
        )
    console.print(table)
    right = sum(one.right for one in tried)
    console.print(f"{right} of {len(tried)} examples as wanted")


def _print_articles(console: Console, articles: Sequence[Article], title: Callable[[str], str]) -> None:
    counts = {news: [one for one in articles if one.news == news] for news in ("new", "still", "gone")}
    for news, heading in (
        ("new", "Would be flagged"),
        ("gone", "Would no longer be flagged"),
        ("still", "Stay flagged"),
    ):
        found = sorted(counts[news], key=lambda one: -(one.match.score if one.match else 0))
        if found:
            console.print(_table(found[:_SHOWN], f"{heading}: {min(_SHOWN, len(found))} of {len(found)}", title))
    beside = sum(one.instead is not None for one in articles)
    console.print(
        f"{len(counts['new'])} articles would be flagged anew, {len(counts['still'])} stay flagged, "
        f"{len(counts['gone'])} would lose the flag; in {beside} another card of its family is flagged instead"
    )


def _table(found: Sequence[Article], heading: str, title: Callable[[str], str]) -> Table:
    table = Table("Level", "Score", "Outlet", "Article", "Passage", title=heading)
    for one in found:
        passage = f"instead: {title(one.instead)}" if one.instead else ""
        if one.match:
            start, end = (place - one.match.passage.start for place in one.match.sentence)
            passage = _short(one.match.passage.text[start:end])
        table.add_row(
            _level(one.judgement) if one.judgement else "",
            f"{one.match.score:.2f}" if one.match else "",
            Text(f"{one.document['outlet']} ({one.document['language']})"),
            Text(one.document.get("title") or one.document["url"]),
            Text(passage),
        )
    return table


def _short(text: str, most: int = 160) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= most else f"{plain[: most - 1]}…"


def _example_json(one: Example) -> dict[str, Any]:
    found = one.judgement.to_document() if one.judgement else None
    return {"example": one.text, "language": one.language, "wanted": one.wanted, "right": one.right, "found": found}


def _article_json(one: Article) -> dict[str, Any]:
    document = {name: one.document.get(name) for name in ("title", "url", "outlet", "language")}
    found = (
        {"score": one.match.score, "passage": one.match.passage.text, "phrase": one.match.phrase} if one.match else {}
    )
    judgement = one.judgement.to_document() if one.judgement else {}
    return {"article": one.article, **document, "news": one.news, "instead": one.instead, **found, **judgement}

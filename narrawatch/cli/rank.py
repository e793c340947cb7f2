"""The file command `rank`: texts against cards, by the same code as the pipeline."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from narrawatch.settings import Settings

if TYPE_CHECKING:
    from processing.match.judged import Judged
    from processing.match.matcher import Match, Text
    from processing.matching import Deck

MOST = 100


@click.command()
@click.option(
    "--cards",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Cards, as `narratives import` reads them.",
)
@click.option(
    "--queries",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help='JSON lines {"id","text","title"?}; .gz too.',
)
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="JSON lines, one per query."
)
@click.pass_obj
def rank(settings: Settings, cards: Path, queries: Path, out: Path) -> None:
    """Rank cards for each text, best first, as the pipeline would.

    A line of the result: id, ranking (card ids, at most 100), scores (probabilities), and of the best card level (flag,
    suggest or none), stance (null where the level is none) and passage. Uses indices of its own in Elasticsearch, and starts the local node when nothing answers.

    \b
    Example:   narrawatch rank --cards cards.jsonl --queries texts.jsonl --out ranking.jsonl
    """
    from narrawatch.json_lines import write, writer  # noqa: PLC0415
    from narrawatch.progress import counting  # noqa: PLC0415
    from narrawatch.ranking import deck_of_files, read_queries  # noqa: PLC0415

    console = Console(stderr=True)
    texts, problems = read_queries(queries)
    with deck_of_files(settings, cards, console) as (deck, card_problems):
        for problem in (*problems, *card_problems):
            click.echo(problem, err=True)
        with counting(console, "texts ranked", len(texts)) as advance, writer(out) as stream:
            for identifier, text in texts:
                matches = deck.matcher.rank(text, MOST)
                write(stream, _row(identifier, matches, _judged(deck, text, matches)))
                advance()
    click.echo(f"{len(texts)} texts ranked against {len(deck.cards)} cards")
    if problems or card_problems:
        raise SystemExit(1)


def _judged(deck: "Deck", text: "Text", matches: "list[Match]") -> "Judged | None":
    """The stance and level of the best match. Its sentence is looked for only here: a hundred would take long."""
    if not matches or matches[0].level == "none":
        return None
    from processing.match.judged import judged  # noqa: PLC0415

    (best,) = deck.matcher.rank(text, 1, at_least="suggest")
    return judged(deck.guard, text, best, deck.cards[best.narrative].narrative)


def _row(identifier: str, matches: "list[Match]", best_judged: "Judged | None") -> dict[str, Any]:
    best = matches[0] if matches else None
    return {
        "id": identifier,
        "ranking": [match.narrative for match in matches],
        "scores": [round(match.score, 5) for match in matches],
        "level": best_judged.level if best_judged else "none",
        "stance": best_judged.stance.label if best_judged else None,
        "passage": best.passage.text if best else None,
    }

"""The file command `rank`: texts against cards, by the same code as the pipeline."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from narrawatch.settings import Settings

if TYPE_CHECKING:
    from processing.match.matcher import Reading
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

    A line of the result: id, ranking (card ids, at most 100), scores (probabilities), and of the card it is surest of level
    (flag, suggest or none), stance (null where the level is none) and passage. Uses indices of its own in Elasticsearch, and starts the local node when nothing answers.

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
            readings = deck.matcher.read_all((text for _, text in texts), MOST)
            for (identifier, _), reading in zip(texts, readings, strict=True):
                write(stream, _row(deck, identifier, reading))
                advance()
    click.echo(f"{len(texts)} texts ranked against {len(deck.cards)} cards")
    if problems or card_problems:
        raise SystemExit(1)


def _row(deck: "Deck", identifier: str, reading: "Reading") -> dict[str, Any]:
    from processing.match.judged import judged  # noqa: PLC0415
    from processing.match.matcher import ORDER  # noqa: PLC0415

    matches = deck.matcher.matches(reading, MOST)
    surest = max(matches, key=lambda match: ORDER[match.level], default=None)  # of equally sure ones the first
    said = None
    if surest and surest.level != "none":
        narrative = deck.cards[surest.narrative].narrative
        said = judged(deck.guard, reading.text, deck.matcher.exact(reading, surest), narrative)
    return {
        "id": identifier,
        "ranking": [match.narrative for match in matches],
        "scores": [round(match.score, 5) for match in matches],
        "level": said.level if said else "none",
        "stance": said.stance.label if said else None,
        "passage": surest.passage.text if surest else None,
    }

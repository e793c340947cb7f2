"""Fit a calibration for an encoder without any labelled data: it suggests, and never flags.

    NARRAWATCH_ENCODER=… python benchmarks/calibrate_unlabelled.py --texts FILE --cards FILE [--write]

Texts: some hundred articles of the outlets to be watched, in the languages they write in, as `narrawatch rank --queries` reads
them and `narrawatch extract` writes them. Cards: as `narrawatch narratives import` reads them.

How much each channel counts is not fitted, but all the same. A text is suggested when its best score is one that 1 in 20 of
these texts exceed; those of them that do tell a narrative only make that rarer. What is shown as score is 0.5 there, and its odds
grow as such scores grow rare among these texts: that is no probability of telling a narrative, which nobody can know without
labels.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from calibrate import (
    FALSE_SUGGESTIONS,
    FIRST,
    READING_ALL,
    SHORTEST,
    Query,
    everyday,
    fusion,
    odds_tail,
    ranking,
    write,
)
from levels import FEWEST
from remembered import Remembering
from rich.console import Console
from rich.progress import track

from narrawatch import settings
from narrawatch.errors import NarrawatchError
from narrawatch.ranking import deck_of_files, read_queries
from processing.encoder import load_encoder
from processing.match.fuse import Calibration, Fusion


class TooFewTexts(NarrawatchError):
    """So few texts tell nothing of what is usual."""


def suggesting(texts: list[Query]) -> Fusion:
    """Equal weights, and a scale from how scores of these texts fall off."""
    weights, usual = ranking(FIRST), FIRST.usual
    _, unrelated = everyday(weights, usual, texts)
    slope = 1 / unrelated.scale
    return replace(fusion(weights, usual, slope, -slope * unrelated.exceeded(FALSE_SUGGESTIONS), texts), flag=None)


def unlabelled(encoder: str, texts: Sequence[Query]) -> Calibration:
    """A group with too few texts has the other group's fusion.

    Raises:
        TooFewTexts: neither has enough.
    """
    groups = {name: [one for one in texts if one.met is met] for name, met in (("silent", False), ("met", True))}
    found = {name: suggesting(part) for name, part in groups.items() if len(part) >= FEWEST}
    if not found:
        raise TooFewTexts(f"{len(texts)} texts are too few: {FEWEST} at the very least, better some hundred")
    silent, met = (found.get(name) or next(iter(found.values())) for name in groups)
    return Calibration(
        encoder=encoder,
        silent=silent,
        met=met,
        shortest=SHORTEST,
        cards=texts[0].deck,
        tail=odds_tail({"silent": silent, "met": met}, list(texts)),
        fitted_on=f"{len(texts)} texts without labels: nothing is flagged, and scores are no probabilities",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, required=True, help='JSON lines {"id","text","title"?,"language"?}')
    parser.add_argument("--cards", type=Path, required=True, help="cards, as `narratives import` reads them")
    parser.add_argument("--write", action="store_true", help="replace the encoder's entry in calibration.json")
    parser.add_argument("--cache", type=Path, default=Path("var/benchmarks"), help="where vectors are remembered")
    arguments = parser.parse_args()
    console = Console()
    encoder = Remembering(load_encoder(settings.load().encoder), arguments.cache)
    texts, problems = read_queries(arguments.texts)
    with deck_of_files(settings.load(), arguments.cards, console, encoder=encoder, calibration=READING_ALL) as (
        deck,
        bad_cards,
    ):
        for problem in (*problems, *bad_cards):
            console.print(problem, markup=False)
        queries = [Query(deck.matcher, asdict(text)) for _, text in track(texts, "texts", console=console)]
    found = unlabelled(encoder.name, queries)
    console.print_json(data=asdict(found))
    if arguments.write:
        write(found)


if __name__ == "__main__":
    main()

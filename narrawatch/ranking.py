"""Cards and texts from plain files, matched by the pipeline's own code over indices that live as long as the command."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from rich.console import Console

from index_config.apply import apply, remove
from index_config.cluster import connect
from narrawatch.json_lines import lines
from narrawatch.node import have_elasticsearch
from narrawatch.progress import Steps, bars
from narrawatch.settings import Settings
from processing.cards import import_cards
from processing.encoder import Encoder, load_encoder
from processing.importers import CardProblem, read
from processing.language import detect
from processing.match.fuse import Calibration
from processing.match.matcher import Text
from processing.matching import Deck, load_deck
from processing.narrative import Narrative


def read_queries(path: Path) -> tuple[list[tuple[str, Text]], list[str]]:
    """Texts as (id, text), and one line per line that is none. A text without `language` has it detected."""
    texts, problems = [], []
    for number, line in lines(path):
        try:
            texts.append(_query(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(f'{path}:{number}: no query ({error!r}); write {{"id": …, "text": …}}')
    return texts, problems


def _query(row: dict[str, Any]) -> tuple[str, Text]:
    text, title = row["text"], row.get("title")
    if not isinstance(text, str) or not isinstance(title, str | None):
        raise TypeError("text and title must be strings")
    return str(row["id"]), Text(title, text, row.get("language") or detect(text).code)


@contextmanager
def deck_of_files(
    settings: Settings,
    cards: Path,
    console: Console,
    *,
    encoder: Encoder | None = None,
    calibration: Calibration | None = None,
) -> Iterator[tuple[Deck, list[str]]]:
    """A deck of the cards in a file, and one line per card that cannot be read; its indices are deleted at the end.

    Args:
        encoder: instead of the one in the settings.
        calibration: instead of the one that comes with Narrawatch.
    """
    temporary = connect(replace(settings, index_prefix=f"{settings.index_prefix}rank-{uuid4().hex[:12]}-"))
    have_elasticsearch(settings, console)
    problems: list[str] = []
    try:
        apply(temporary)
        encoder = encoder or load_encoder(settings.encoder)
        with bars(console) as progress:
            result = import_cards(
                temporary,
                _good(cards, problems),
                encoder,
                author=settings.analyst,
                reason="rank",
                progress=Steps(progress),
            )
        yield load_deck(temporary, encoder, calibration=calibration), [*problems, *result.problems]
    finally:
        remove(temporary)


def _good(path: Path, problems: list[str]) -> Iterator[Narrative]:
    for card in read(path):
        if isinstance(card, CardProblem):
            problems.append(str(card))
        else:
            yield card

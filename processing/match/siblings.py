"""Sibling cards tell one story in other words: of each family an article gets one flag, the others beside it as "see also"."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from processing.match.matcher import ORDER, Match


@dataclass(frozen=True)
class Shown:
    """A match that becomes a flag; `see_also` are the ids of its family's other cards that match, too, nearest first."""

    match: Match
    family: str
    see_also: tuple[str, ...] = ()


def one_a_family(
    matches: Sequence[Match],
    family: Mapping[str, str],
    narrower: Mapping[str, Sequence[str]],
    decided: Set[str],
    most: int,
) -> list[Shown]:
    """The matches to show, of at most so many families, the nearest first; of each family the one with the highest level.

    Args:
        matches: nearest first.
        family: the family of each card, by the card's id.
        narrower: by id, the cards below a card. Where one of them matches, the wider card counts to its family: it is found
            because of what the narrower one says.
        decided: cards that already have a verdict for this article. Each of them keeps its flag, and stands for its family:
            what was reviewed once in other words need not be reviewed again.
    """
    members: dict[str, list[Match]] = {}
    for match in matches:
        below = narrower.get(match.narrative, ())
        said = next((other.narrative for other in matches if other.narrative in below), match.narrative)
        members.setdefault(family[said], []).append(match)
    shown = []
    for found in list(members.values())[:most]:
        chosen = [match for match in found if match.narrative in decided] or [
            max(found, key=lambda match: ORDER[match.level])
        ]
        rest = tuple(match.narrative for match in found if match not in chosen)
        shown += [Shown(match, family[match.narrative], rest) for match in chosen]
    return shown

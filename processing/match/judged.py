"""A match with its stance: what the guard makes of the passage the matcher found, and of its level."""

from dataclasses import dataclass
from typing import Any

from processing.match.fuse import Level
from processing.match.matcher import Match, Text
from processing.match.stance import Guard, Stance, lowered
from processing.match.stance_features import Quoted
from processing.narrative import Narrative


@dataclass(frozen=True)
class Judged:
    """`level` is what an analyst sees, `by_score` what it would be without the guard."""

    stance: Stance
    level: Level
    by_score: Level

    def to_document(self) -> dict[str, Any]:
        """The fields of a flag."""
        return {
            "level": self.level,
            "level_by_score": self.by_score,
            "stance": self.stance.label,
            "stance_probability": self.stance.probability,
            "stance_reasons": list(self.stance.reasons),
        }


def judged(guard: Guard, text: Text, match: Match, card: Narrative, kind: str | None = None) -> Judged:
    """The stance of a text's matched passage to a card; `kind` is the outlet's."""
    passage = match.passage
    quoted = Quoted(
        title=text.title,
        text=text.text,
        language=text.language,
        passage=(passage.start, passage.end),
        sentence=match.sentence if match.sentence[1] > match.sentence[0] else (passage.start, passage.end),
        in_title=passage.kind == "title",
    )
    stance = guard.judge(quoted, card, kind)
    return Judged(stance, lowered(match.level, stance, kind), match.level)

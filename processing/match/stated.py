"""What a calibration says of itself: how often each level is right, with the numbers behind it."""

from dataclasses import dataclass
from typing import Literal

Stating = Literal["flag", "suggest"]


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of so many texts, and the ends of its exact 95 % interval."""

    share: float
    texts: int
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.share:.1%} of {self.texts} ({self.low:.1%}–{self.high:.1%})"


@dataclass(frozen=True, kw_only=True)
class Stated:
    """What a level (or a higher one) was measured to give, on texts that its threshold was not chosen on.

    `language` None is the whole group. `false_alarms`: everyday texts that reach it with any card; `reached`: passages cited
    for a card whose card reaches it; both by score alone, whatever the length. `precision`, of articles of which the share
    `prevalence` tells a documented narrative, with what the worse ends of both intervals give. None where too few texts
    are there to tell.
    """

    met: bool
    language: str | None
    level: Stating
    false_alarms: Share | None
    reached: Share | None
    prevalence: float
    precision: float | None
    precision_low: float | None

    def __str__(self) -> str:
        parts = []
        if self.false_alarms:
            parts.append(f"{self.false_alarms} everyday texts reach it")
        if self.reached:
            parts.append(f"{self.reached} passages cited for a card do")
        if self.precision is not None and self.precision_low is not None:
            parts.append(
                f"precision {self.precision:.2f} (at least {self.precision_low:.2f}) where {self.prevalence:.0%} of articles"
                " tell a narrative"
            )
        return "; ".join(parts) or "not measured"

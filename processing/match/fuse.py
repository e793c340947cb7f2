"""Fusion: the channels' scores become one probability, and the probability a level.

Weights and thresholds are fitted on labelled data, per encoder, by `benchmarks/calibrate.py`, which also states what each
level was measured to give; scores of different encoders are on different scales, so an encoder without a calibration is
refused rather than guessed at.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import resources
from typing import Any, Literal

import numpy as np

from narrawatch.errors import NarrawatchError
from processing.encoder import Floats
from processing.match.stated import Share, Stated, Stating

Level = Literal["flag", "suggest", "none"]
_FEWEST = 100
"""Cards below which thresholds fall no further: everyday texts were counted in decks of 82 and 95 cards, in none smaller."""


class NoCalibration(NarrawatchError):
    """The encoder's scores have not been calibrated."""


@dataclass(frozen=True)
class Channels:
    """What each channel says of each passage and card, all of one shape.

    `wording` is the cosine with the nearest wording of the title, `whole` that with all the card says, `coverage` the share
    of the title's words found, `overlap` the lexical channel's, `usual` how near the card is to what is always written.
    """

    wording: Floats
    whole: Floats
    coverage: Floats
    overlap: Floats
    usual: Floats


@dataclass(frozen=True, kw_only=True)
class Weights:
    """How much each channel counts where cards are ranked."""

    wording: float
    whole: float
    coverage: float
    overlap: float

    def sum(self, channels: Channels) -> Floats:
        total = sum(getattr(self, name.name) * getattr(channels, name.name) for name in fields(self))
        return np.asarray(total, dtype=np.float32)


@dataclass(frozen=True, kw_only=True)
class Fusion:
    """A weighted sum of the channels, which ranks cards; the logistic function that makes a probability of it, and thresholds.

    `usual`: how much it counts against a card that it is near to what is always written. It does not where cards are ranked:
    what is often told may well be told here. Whether a text tells anything at all is another question.
    `read_on`: how near the opening of an article must be to some card for more of it to be read, and then for the rest.
    `usually`: how near usual passages were to the cards these are of; other cards' are higher or lower by the difference.
    None: no usual passages are known of the encoder; then `fall` says by how much each factor e that there are fewer cards
    lowers them.
    `least`: a passage that is less near than this to a card never reached `suggest` with it, or hardly ever; None: not known.
    `shifts`: by how much the log-odds of unrelated texts in a language lie above the group's; a language that is not
    named was measured on too few texts and has the group's thresholds. `flag` None: nothing is more than suggested.
    """

    weights: Weights
    slope: float
    intercept: float
    suggest: float
    flag: float | None
    read_on: tuple[float, ...]
    shifts: Mapping[str, float] = field(default_factory=dict)
    usual: float = 0.0
    fall: float = 0.0
    usually: float | None = None
    least: float | None = None

    def telling(self, channels: Channels) -> Floats:
        """The sum by which it is decided whether a text tells what a card says, element by element."""
        telling: Floats = self.weights.sum(channels) - self.usual * channels.usual
        return telling

    def near(self, channels: Channels) -> Floats:
        """The same by sentence vectors alone, which is what decides whether more is read, element by element."""
        sums = self.weights.wording * channels.wording + self.weights.whole * channels.whole
        near: Floats = sums - self.usual * channels.usual
        return near

    def probability(self, channels: Channels) -> Floats:
        """Element by element."""
        logit = self.intercept + self.slope * self.telling(channels)
        probability: Floats = (1 / (1 + np.exp(-logit))).astype(np.float32)
        return probability


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Fusion where the lexical channel is silent, and where cards have words in the text's language (`met`).

    They differ because the second opinion lifts unrelated texts too. `shortest`: characters of an article's text below
    which it never gets more than `suggest`.
    """

    encoder: str
    silent: Fusion
    met: Fusion
    shortest: int
    fitted_on: str
    cards: int
    tail: float
    """The thresholds hold for so many cards. An unrelated text's best score grows with the logarithm of their number, since
    scores fall off exponentially above the bulk; `tail` is by how much of its logarithm the odds fall with fewer."""
    stated: tuple[Stated, ...] = ()

    def fusion(self, *, met: bool) -> Fusion:
        return self.met if met else self.silent

    def level(
        self, probability: float, characters: int, *, met: bool, cards: int, language: str | None = None
    ) -> Level:
        """The level of the best probability a text of so many characters has among so many cards."""
        if probability < self.threshold("suggest", met=met, cards=cards, language=language):
            return "none"
        flag = self.threshold("flag", met=met, cards=cards, language=language)
        return "flag" if probability >= flag and characters >= self.shortest else "suggest"

    def threshold(self, level: Stating, *, met: bool, cards: int, language: str | None = None) -> float:
        """The probability from which a level holds; a language without a shift has its group's, infinity is never reached."""
        fusion = self.fusion(met=met)
        whole = fusion.flag if level == "flag" else fusion.suggest
        if whole is None:
            return math.inf
        if not 0 < whole < 1:
            return whole
        odds = whole / (1 - whole) * math.exp(self.tail * self._fewer(cards) + fusion.shifts.get(language or "", 0.0))
        return odds / (1 + odds)

    def read_on(self, *, met: bool, cards: int, usually: float | None) -> tuple[float, ...]:
        """`Fusion.read_on` for so many cards, to which usual passages are so near.

        The best of few cards, or of cards on few topics, is lower, and an article must not be left for that.
        """
        fusion = self.fusion(met=met)
        if usually is None or fusion.usually is None:
            lower = fusion.fall * self._fewer(cards)
        else:
            lower = usually - fusion.usually
        return tuple(least + lower for least in fusion.read_on)

    def least(self, *, met: bool, cards: int) -> float | None:
        """`Fusion.least` among so many cards, in the language with the lowest threshold."""
        fusion = self.fusion(met=met)
        if fusion.least is None:
            return None
        lowest = min((0.0, *fusion.shifts.values())) + self.tail * self._fewer(cards)
        return fusion.least + lowest / fusion.slope

    def _fewer(self, cards: int) -> float:
        """The logarithm of the deck's share of the cards that were calibrated on; never above 0."""
        return math.log(min(max(cards, _FEWEST) / self.cards, 1.0))

    def says(self, level: Stating, *, met: bool, language: str | None = None) -> Stated | None:
        """What a level was measured to give in a language, else in its group."""
        mine = {one.language: one for one in self.stated if one.met is met and one.level == level}
        return mine.get(language) or mine.get(None)


def load_calibration(encoder: str) -> Calibration:
    """The calibration that comes with Narrawatch.

    Raises:
        NoCalibration: there is none for this encoder.
    """
    rows = json.loads(resources.files("processing.match").joinpath("calibration.json").read_text())
    for row in rows:
        if row["encoder"] == encoder:
            return _calibration(row)
    raise NoCalibration(
        f"encoder {encoder!r} has no calibration (there is one for {', '.join(row['encoder'] for row in rows)}); fit one on"
        f" labelled data: NARRAWATCH_ENCODER={encoder} python benchmarks/calibrate.py --data DIR --write; without any, one that"
        f" never flags: NARRAWATCH_ENCODER={encoder} python benchmarks/calibrate_unlabelled.py --texts FILE --cards FILE --write"
    )


def _calibration(row: dict[str, Any]) -> Calibration:
    fusions = {name: _fusion(row[name]) for name in ("silent", "met")}
    return Calibration(**row | fusions | {"stated": tuple(_stated(one) for one in row.get("stated", ()))})


def _stated(row: dict[str, Any]) -> Stated:
    shares = {name: Share(**row[name]) if row[name] else None for name in ("false_alarms", "reached")}
    return Stated(**row | shares)


def _fusion(row: dict[str, Any]) -> Fusion:
    return Fusion(**row | {"weights": Weights(**row["weights"]), "read_on": tuple(row["read_on"])})


def fingerprint(calibration: Calibration) -> str:
    """Names one calibration by all that decides: other weights or thresholds give another name, a new remark does not."""
    deciding = {name: value for name, value in asdict(calibration).items() if name not in {"stated", "fitted_on"}}
    return hashlib.sha256(json.dumps(deciding, sort_keys=True).encode()).hexdigest()[:12]

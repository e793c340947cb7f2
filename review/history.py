"""The invented past of `narrawatch demo-report`: eight weeks and the week reported, of which every truth is known.

`demo_history.yml` says what an ordinary week has. Articles of an outlet are Poisson; flags are Poisson, too, times a
factor that is the same for a narrative's whole week (gamma, coefficient of variation `BURST`), since real narratives
come in bursts. Everything follows from the seed. In the week reported:

* planted: the narratives of `RISING` and `FALLING`, and no others. One of the rising ones was all but unknown before,
  and its card documents no rebuttal.
* traps: four weeks ago nothing was crawled at all (`DARK`). Two weeks ago the largest outlet was down for the week
  (`DOWN`). In the week reported another is down, and a third fails since Tuesday (`WEAK`), which takes most of what is
  written of one narrative. An outlet with many flags of another narrative joined two weeks ago (`joined` in the file).
* noise that is not to be counted: suggestions, flags at a fact-checker, flags that were rejected, flags that the
  matcher no longer finds. Some articles were edited, so that they were fetched last in a later week than first.
"""

from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from review.trends import BEFORE, History, Sighting
from review.weeks import Week

SEED = 2026
BURST = 0.15
RISING = ("demo-postal-votes", "demo-refugees-get-everything", "demo-secret-biolabs")
FALLING = ("demo-europe-freezes", "demo-grain-never-reaches-the-poor")
DARK = -4
DOWN = ((-2, "rubezh_inform"), (0, "la_gaceta_del_faro"))
WEAK = {(0, "sarydala_tynysy"): 0.2}
"""Part of its articles that were collected all the same."""


@dataclass(frozen=True)
class DemoOutlet:
    """One invented outlet; `articles` in a usual week, first crawled in the week `joined`, 0 being the one reported."""

    name: str
    country: str
    languages: list[str]
    kind: str
    articles: int
    joined: int = -BEFORE


@dataclass(frozen=True)
class DemoNarrative:
    """`flags` of a usual week by (outlet, language); `planted` multiplies those of the week reported."""

    flags: dict[tuple[str, str], float]
    planted: float = 1.0


@dataclass(frozen=True)
class DemoFile:
    """`demo_history.yml`. `passages` are titles and passages by narrative and language."""

    outlets: dict[str, DemoOutlet]
    narratives: dict[str, DemoNarrative]
    passages: dict[str, dict[str, list[tuple[str, str]]]]


@dataclass(frozen=True)
class DemoHistory:
    """What happened. `up` is the part of a week's articles that was collected, by week and outlet; None: not crawled."""

    history: History
    up: dict[tuple[Week, str], float | None] = field(default_factory=dict)


@cache
def load() -> DemoFile:
    """Read `demo_history.yml`."""
    raw: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("demo_history.yml").read_text(encoding="utf-8"))
    outlets = {name: DemoOutlet(**values) for name, values in raw["outlets"].items()}
    narratives = {
        name: DemoNarrative(
            {_place(place, outlets): rate for place, rate in values["flags"].items()}, values.get("planted", 1.0)
        )
        for name, values in raw["narratives"].items()
    }
    return DemoFile(outlets, narratives, raw["passages"])


def _place(place: str, outlets: dict[str, DemoOutlet]) -> tuple[str, str]:
    outlet, _, language = place.partition("/")
    return outlet, language or outlets[outlet].languages[0]


def _up(outlet: str, ago: int) -> float | None:
    """Which part of an outlet's articles is collected in a week, None when it is not crawled; `ago` is 0 or less."""
    if ago == DARK or ago < load().outlets[outlet].joined:
        return None
    return 0.0 if (ago, outlet) in DOWN else WEAK.get((ago, outlet), 1.0)


def invent(week: Week, seed: int = SEED) -> DemoHistory:
    """Draw the weeks up to `week`: the same for the same seed."""
    random = np.random.default_rng(seed)
    weeks = tuple(week.back(ago) for ago in range(BEFORE, -1, -1))
    articles, flags = Counter[tuple[Week, str]](), Counter[Sighting]()
    up: dict[tuple[Week, str], float | None] = {}
    for ago, then in zip(range(-BEFORE, 1), weeks, strict=True):
        for outlet, usual in load().outlets.items():
            up[then, outlet] = _up(outlet, ago)
            articles[then, outlet] = int(random.poisson(usual.articles * (up[then, outlet] or 0.0)))
        for narrative, wanted in load().narratives.items():
            burst = random.gamma(BURST**-2, BURST**2) * (wanted.planted if then == week else 1.0)
            for (outlet, language), rate in wanted.flags.items():
                number = int(random.poisson(rate * (up[then, outlet] or 0.0) * burst))
                flags[Sighting(narrative, then, language, outlet)] += min(number, articles[then, outlet])
    observed = frozenset(then for ago, then in zip(range(-BEFORE, 1), weeks, strict=True) if ago != DARK)
    return DemoHistory(History(weeks, observed, +articles, +flags), up)

"""Which narratives rise or fall: this week against the weeks before. Counts in, trends out; no database, no clock.

The counts are small and come in bursts, outlets come and go, and crawls fail. So, for each narrative:

* *Expected.* Of every outlet with articles both this week and in at least half of the weeks before, the share of its
  articles that was flagged before, times the articles it has this week. An outlet that was down has no articles and
  expects nothing; a new one has no past and is left out; a week in which no crawl was completed is no week at all.
  This is indirect standardisation, with the outlets as strata.
* *Usual range.* A count around that has a negative binomial distribution: Poisson, but wider, because narratives come
  in bursts (the dispersion, from how the weeks before scatter) and because the expectation rests on few articles
  itself. This is the test of P. Farrington et al., "A statistical algorithm for the early detection of outbreaks of
  infectious disease" (J. R. Stat. Soc. A 159, 1996, 547-563), with the negative binomial limits of A. Noufaily et al.,
  "An improved algorithm for outbreak detection in multiple surveillance systems" (Stat. Med. 32, 2013, 1206-1222).
  Eight weeks say little about one narrative's dispersion, so it is averaged with what is common to all (as G. Smyth,
  Stat. Appl. Genet. Mol. Biol. 3, 2004, does for variances of genes) and never taken to be below that, or Poisson's.
* *Many narratives.* Y. Benjamini and Y. Hochberg's procedure (J. R. Stat. Soc. B 57, 1995, 289-300) keeps the share of
  chance findings among those reported below `FALSE_SHARE`.
* *Matter.* `LEAST` articles, seen or expected, and a change by `FACTOR` or more: what is certain may yet be trifling.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import median
from typing import Literal, NamedTuple

from review.chance import benjamini_hochberg, two_sided, usual_range
from review.weeks import Week

BEFORE = 8
"""Weeks a week is compared with."""
ENOUGH_WEEKS = 4
"""Of these, as many must have data."""
LEAST = 5
FACTOR = 1.5
FALSE_SHARE = 0.01
_HALF = 0.5  # of a flag, as if seen before: a narrative never seen before is rare, not impossible (Jeffreys' prior)

Direction = Literal["rising", "falling", "steady"]


class Sighting(NamedTuple):
    """What flags are counted by."""

    narrative: str
    week: Week
    language: str
    outlet: str


@dataclass(frozen=True)
class History:
    """Counts of a week and those before it: `weeks` oldest first, of which the last is the one reported.

    `observed` are the weeks with a completed crawl, `articles` counts by week and outlet, `flags` flagged articles.
    """

    weeks: tuple[Week, ...]
    observed: frozenset[Week]
    articles: Mapping[tuple[Week, str], int]
    flags: Mapping[Sighting, int]

    @property
    def week(self) -> Week:
        return self.weeks[-1]

    @property
    def before(self) -> tuple[Week, ...]:
        """The weeks before that have data."""
        return tuple(week for week in self.weeks[:-1] if week in self.observed)

    @property
    def comparable(self) -> bool:
        """Whether there is a week, and enough before it, to compare."""
        return self.week in self.observed and len(self.before) >= ENOUGH_WEEKS

    def outlets(self) -> tuple[str, ...]:
        """The outlets that can be compared: with articles this week, and in at least half of the weeks before."""
        names = sorted(outlet for (week, outlet), number in self.articles.items() if week == self.week and number)
        return tuple(name for name in names if 2 * self._weeks_with(name) >= max(1, len(self.before)))

    def _weeks_with(self, outlet: str) -> int:
        return sum(self.articles.get((week, outlet), 0) > 0 for week in self.before)


@dataclass(frozen=True, kw_only=True)
class Trend:
    """One narrative. `weekly` has None where a week has no data; `total` is the week reported, with all outlets.

    `count`, `expected` and what follows are over the outlets that can be compared.
    `usual` are the lowest and highest counts that the weeks before make likely (95 %), `adjusted` is the p-value after
    allowing for how many narratives were looked at; 1 where there was too little to test.
    """

    narrative: str
    weekly: tuple[int | None, ...]
    total: int
    count: int
    expected: float
    usual: tuple[int, int]
    p: float
    adjusted: float = 1.0

    @property
    def ratio(self) -> float:
        return self.count / self.expected

    @property
    def direction(self) -> Direction:
        if self.adjusted > FALSE_SHARE:
            return "steady"
        if self.count >= LEAST and self.ratio >= FACTOR:
            return "rising"
        return "falling" if self.expected >= LEAST and self.ratio <= 1 / FACTOR else "steady"


def compare(history: History) -> list[Trend]:
    """One trend for each narrative with a flag in these weeks, most flagged this week first.

    Without enough weeks (`History.comparable`), nothing rises and nothing falls.
    """
    ground = _Ground.of(history)
    flags: dict[str, Counter[tuple[Week, str]]] = {}
    for sighting, number in history.flags.items():
        flags.setdefault(sighting.narrative, Counter())[sighting.week, sighting.outlet] += number
    fits = {narrative: _fit(ground, counts) for narrative, counts in flags.items()}
    common = _common_dispersion(fits.values())
    trends = [_trend(history, narrative, counts, fits[narrative], common) for narrative, counts in flags.items()]
    tested = [trend for trend in trends if history.comparable and max(trend.count, trend.expected) >= LEAST]
    adjusted = dict(zip((trend.narrative for trend in tested), benjamini_hochberg([t.p for t in tested]), strict=True))
    trends = [replace(trend, adjusted=adjusted.get(trend.narrative, 1.0)) for trend in trends]
    return sorted(trends, key=lambda trend: (-trend.total, trend.narrative))


@dataclass(frozen=True)
class _Ground:
    """What is the same for all narratives: the outlets that can be compared, and their articles."""

    week: Week
    before: tuple[Week, ...]
    outlets: tuple[str, ...]
    articles: Mapping[tuple[Week, str], int]
    past: Mapping[str, int]

    @classmethod
    def of(cls, history: History) -> "_Ground":
        articles, outlets = Counter(dict(history.articles)), history.outlets()
        past = {outlet: sum(articles[week, outlet] for week in history.before) for outlet in outlets}
        return cls(history.week, history.before, outlets, articles, past)

    def share(self, week: Week, outlet: str) -> float:
        """An outlet's articles of a week, for each it had in the weeks before."""
        return self.articles[week, outlet] / self.past[outlet]


@dataclass(frozen=True)
class _Fit:
    """One narrative at the outlets that can be compared.

    `scatter` is Pearson's statistic of the weeks before, one for each degree of freedom where counts are Poisson.
    """

    count: int
    mean: float
    uncertainty: float
    scatter: float
    freedom: int
    frequent: bool


def _fit(ground: _Ground, flags: Counter[tuple[Week, str]]) -> _Fit:
    past = {outlet: sum(flags[week, outlet] for week in ground.before) for outlet in ground.outlets}

    def expected(week: Week) -> float:
        return math.fsum(ground.share(week, outlet) * number for outlet, number in past.items() if number)

    fitted = [(sum(flags[week, outlet] for outlet in past), expected(week)) for week in ground.before]
    now = {outlet: ground.share(ground.week, outlet) for outlet in past}
    prior = sum(ground.articles[ground.week, outlet] for outlet in past) / max(1, sum(ground.past.values()))
    return _Fit(
        count=sum(flags[ground.week, outlet] for outlet in past),
        mean=expected(ground.week) + _HALF * prior,
        uncertainty=math.fsum(now[outlet] ** 2 * number for outlet, number in past.items()) + _HALF * prior**2,
        scatter=math.fsum((seen - mean) ** 2 / mean for seen, mean in fitted if mean > 0),
        freedom=max(0, sum(mean > 0 for _, mean in fitted) - 1),
        frequent=sum(past.values()) >= len(ground.before),
    )


def _common_dispersion(fits: Iterable[_Fit]) -> float:
    """The dispersion that is common: the median, which a few wild narratives do not move, of those with a flag a week.

    Divided by the median of the chi-squared distribution (E. Wilson and M. Hilferty, 1931), it is 1 for Poisson counts.
    """
    found = [
        fit.scatter / fit.freedom / (1 - 2 / (9 * fit.freedom)) ** 3 for fit in fits if fit.frequent and fit.freedom
    ]
    return max(1.0, median(found)) if found else 1.0


def _trend(history: History, narrative: str, flags: Counter[tuple[Week, str]], fit: _Fit, common: float) -> Trend:
    own = fit.scatter / fit.freedom if fit.freedom else common
    mean = fit.mean or _HALF  # no outlet can be compared: it is not tested, and a ratio must have a denominator
    # The dispersion is itself an estimate, of twice the freedom of one narrative: as of Student's t, which is wider, too.
    wider = fit.freedom / (fit.freedom - 1) if fit.freedom > 1 else 2
    variance = wider * max(common, (own + common) / 2) * (mean + fit.uncertainty)
    weekly = Counter[Week]()
    for (week, _), number in flags.items():
        weekly[week] += number
    return Trend(
        narrative=narrative,
        weekly=tuple(weekly[week] if week in history.observed else None for week in history.weeks),
        total=weekly[history.week],
        count=fit.count,
        expected=mean,
        usual=usual_range(mean, variance),
        p=two_sided(fit.count, mean, variance),
    )

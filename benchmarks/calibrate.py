"""Fit `processing/match/calibration.json` for one encoder: how much each channel counts, and from what score on a level holds.

    NARRAWATCH_ENCODER=… python benchmarks/calibrate.py --data DIR [--write]

Everything is fitted twice: on texts in a language that the cards have words in (`met`: VoxCheck originals, CheckThat! 2022
2A), and on the others (`silent`: EUvsDisinfo), where the lexical channel finds nothing.
Weights: of a coarse grid, those with the best MAP@5, each set counting the same. The table shows what that gives on queries it
was not chosen on (five folds; passages of one card in one fold). Cards that stand for narrower ones are passed over: which of
these is right is the question.
What is usual (`usual.py`): how much it must count against a card for most cited passages to reach the levels.
Scale: a logistic regression of the sum, cited cards against the best cards of background texts, both classes weighing the
same.
Levels: what 1 in 400 (`flag`) and 1 in 20 (`suggest`) of texts like the topic-safe background ones exceed against all
EUvsDisinfo cards. Languages with enough of these texts have thresholds of their own (`levels.py` has the rule). Reading on:
what 95 in 100 of these texts stay below with their opening, and 98.5 with their first passages.
Stated: the share of topic-safe texts at each level, each judged by thresholds found without it (five folds); the share of
cited passages whose card gets there; what precision both give at an assumed prevalence; for each group, and for each language
with enough texts.
No date, outlet or country is used: cards were written from these very articles, and live articles are younger than cards.
"""

import argparse
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from labelled import SETS, Row, background, cards, measures, queries
from levels import FEWEST, PREVALENCE, Bulk, bulk, precision, share
from remembered import Remembering
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold

from index_config.languages import text_field
from narrawatch import settings
from narrawatch.ranking import deck_of_files
from processing.encoder import Encoder, load_encoder
from processing.match.fuse import Calibration, Channels, Fusion, Weights
from processing.match.matcher import READ, Matcher
from processing.match.stated import Stated, Stating
from processing.passages import Passage, split

FALSE_FLAGS, FALSE_SUGGESTIONS = 1 / 400, 1 / 20
"""Half of the 1 in 200 that is promised, as so few texts cannot tell them apart."""
STOPS = (0.95, 0.985)
"""Shares of everyday texts that are read no further than each stage of `READ`."""
NEAREST_MISSED = 0.005
"""The share of passages reaching `suggest` that are not looked for in the archive, as they are too far from their card."""
SHORTEST = 300
HIGHEST = 30
"""How many of a text's best cards tell how scores fall off."""
WHOLE = "euvsdisinfo"
"""The set whose deck is as large as a real one: levels are fitted with it."""
OUT = Path("processing/match/calibration.json")
FOLDS = 5
LEVELS: tuple[Stating, ...] = ("flag", "suggest")
NAMES = [field.name for field in fields(Weights)]
GRID = {
    "wording": (0.5,),  # against `whole`: half, as much and twice as much differ by chance alone
    "whole": (1.0,),
    "coverage": (0.0, 0.5, 1.0, 1.5, 2.0),
    "overlap": (0.0, 0.1, 0.2, 0.3),
}
USUAL = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Where levels are concerned; with more than 1 a text would count as telling something because nobody else does."""
FIRST = Fusion(
    weights=Weights(wording=1, whole=1, coverage=1, overlap=0.1),
    slope=1,
    intercept=0,
    suggest=0,
    flag=0,
    usual=1,
    read_on=(-np.inf,) * (len(READ) - 1),
)
READING_ALL = Calibration(encoder="", silent=FIRST, met=FIRST, shortest=SHORTEST, fitted_on="", cards=1, tail=0)
"""What chooses the cards to look at before anything is fitted."""


_USUALLY: dict[Any, float | None] = {}


class Query:
    """A text's channels, [passages, cards, channels], read to the end or as far as a stage of `READ`; its cards, and which
    of them are right."""

    def __init__(self, matcher: Matcher, row: dict[str, Any]) -> None:
        passages = split(row.get("title"), row["text"], language=row["language"])
        self._stages = [Look(matcher, passages[:most], row) for most in READ]
        self.whole = self._stages[-1]
        self.cards, self.relevant, self.right = self.whole.cards, self.whole.relevant, self.whole.right
        self.met, self.language = self.whole.met, row["language"]
        self.deck, self._channel = len(matcher.ids), matcher.semantic

    def scores(self, weights: np.ndarray) -> np.ndarray:
        """Each card's, in the passage that speaks most for it."""
        best: np.ndarray = (self.whole.values @ weights).max(axis=0)
        return best

    def known(self, weights: np.ndarray, stage: int) -> np.ndarray:
        """Each card's score as far as a stage, by sentence vectors alone; the highest first."""
        best = [(look.values @ by_vectors(weights)).max(axis=0) for look in self._stages[: stage + 1]]
        return -np.sort(-np.concatenate(best))

    def read(self, weights: np.ndarray, read_on: Sequence[float]) -> int:
        """As far as which stage it is read."""
        for stage, enough in enumerate(read_on):
            if self.known(weights, stage)[0] < enough:
                return stage
        return len(READ) - 1

    def top(self, weights: np.ndarray, stage: int = -1) -> float:
        """The best score as far as a stage."""
        return float((self._stages[stage].values @ weights).max())

    def cited(self, weights: np.ndarray, stage: int = -1) -> float:
        """The best score of a card that is right."""
        look = self._stages[stage]
        return float((look.values[:, look.right] @ weights).max(initial=-np.inf))

    def usually(self, given: Fusion) -> float | None:
        """How near usual passages are to the cards of its deck."""
        key = id(self._channel), astuple(given.weights), given.usual
        if key not in _USUALLY:
            _USUALLY[key] = self._channel.usually(given)
        return _USUALLY[key]

    def read_on(self, given: Calibration) -> tuple[float, ...]:
        usually = self.usually(given.fusion(met=self.met))
        return given.read_on(met=self.met, cards=self.deck, usually=usually)

    def passages(self, stage: int) -> int:
        """How many passages are encoded as far as a stage."""
        return self._stages[stage].encoded

    def measures(self, weights: np.ndarray) -> tuple[float, float]:
        order = [self.cards[card] for card in np.argsort(-self.scores(weights), kind="stable")]
        return measures([card for card in order if card not in self.whole.wider], self.relevant)


class Look:
    """What the channels say of some passages, and of the cards that are nearest to them."""

    def __init__(self, matcher: Matcher, passages: Sequence[Passage], row: dict[str, Any]) -> None:
        seen = matcher.look(passages, text_field(row["language"]))
        self.values = np.stack(astuple(seen.channels), axis=-1).astype(np.float32)
        self.cards = [matcher.ids[card] for card in seen.chosen.tolist()]
        self.relevant = set(row.get("relevant", ()))
        self.wider = matcher.lexical.narrower.keys()
        self.right = np.array([card in self.relevant for card in self.cards])
        self.met, self.encoded = seen.met, len(passages)


@dataclass(frozen=True)
class Looked:
    """The queries of each set, topic-safe background texts in the deck of each set, and the others in that of all cards."""

    sets: dict[str, list[Query]]
    everyday: dict[str, list[Query]]
    risky: list[Query]


def against(weights: Sequence[float], usual: float = 0.0) -> np.ndarray:
    """The channels' weights in their order, what is usual counting against a card."""
    return np.array((*weights, -usual))


def ranking(given: Fusion) -> np.ndarray:
    return against(astuple(given.weights))


def deciding(given: Fusion) -> np.ndarray:
    """The weights that decide on levels."""
    return against(astuple(given.weights), given.usual)


def by_vectors(weights: np.ndarray) -> np.ndarray:
    """These weights without those of channels that look at words."""
    return weights * [field.name not in {"coverage", "overlap"} for field in fields(Channels)]


def grid(met: bool) -> Iterator[np.ndarray]:
    choices = GRID if met else GRID | {"overlap": (0.0,)}
    for values in itertools.product(*(choices[name] for name in NAMES)):
        yield against(values)


def all_measures(sets: Mapping[str, list[Query]], met: bool) -> dict[str, np.ndarray]:
    """For each set the measures of each query under each choice of weights, [choices, queries, 2]."""
    return {
        name: np.array([[query.measures(weights) for query in part] for weights in grid(met)])
        for name, part in sets.items()
    }


def best(found: Mapping[str, np.ndarray], kept: Mapping[str, np.ndarray]) -> int:
    """The choice with the best MAP@5 on the queries kept, each set counting the same."""
    means = [values[:, kept.get(name, slice(None)), 0].mean(axis=1) for name, values in found.items()]
    return int(np.mean(means, axis=0).argmax())


def left_out(name: str, part: list[Query], found: Mapping[str, np.ndarray]) -> np.ndarray:
    """Measures of each of a set's queries under weights chosen without it."""
    measured = np.zeros((len(part), 2))
    for kept, out in GroupKFold(FOLDS).split(part, groups=[min(query.relevant) for query in part]):
        measured[out] = found[name][best(found, {name: kept}), out]
    return measured


def scale(sets: Mapping[str, list[Query]], unrelated: list[Query], deciding: np.ndarray) -> tuple[float, float]:
    right = [float(score) for part in sets.values() for query in part for score in query.scores(deciding)[query.right]]
    wrong = [float(query.scores(deciding).max()) for query in unrelated]
    model = LogisticRegression(C=100.0, class_weight="balanced")
    model.fit(np.array([right + wrong]).T, [1] * len(right) + [0] * len(wrong))
    return float(model.coef_[0][0]), float(model.intercept_[0])


def weighed(sets: Mapping[str, list[Query]], met: bool, table: Table) -> np.ndarray:
    """The weights that rank these sets best."""
    found = all_measures(sets, met)
    weights = list(grid(met))[best(found, {})]
    for name, part in sets.items():
        shown = (
            *np.mean([query.measures(weights) for query in part], axis=0),
            *left_out(name, part, found).mean(axis=0),
        )
        table.add_row(name, *(f"{value:.3f}" for value in shown))
    return weights


def usual_of(looked: Looked, met: bool, weights: np.ndarray, table: Table) -> float:
    """How much must count against a card for most cited passages to reach the levels, each set counting the same.

    The levels are those of everyday texts in the set's own deck.
    """
    reached: dict[float, list[float]] = {usual: [] for usual in USUAL}
    for (name, part), usual in itertools.product(of_group(looked.sets, met).items(), USUAL):
        tried = against(weights[:-1], usual)
        safe = [query for query in looked.everyday[name] if query.met is met]
        unrelated = bulk([query.top(tried) for query in safe], [query.language for query in safe])
        scores = np.array([query.cited(tried) for query in part])
        shares = [float((scores >= unrelated.exceeded(often)).mean()) for often in (FALSE_SUGGESTIONS, FALSE_FLAGS)]
        table.add_row(name, f"{usual:.2f}", *(f"{one:.3f}" for one in shares))
        reached[usual] += shares
    return max(reached, key=lambda usual: sum(reached[usual]))


def everyday(weights: np.ndarray, usual: float, safe: list[Query]) -> tuple[tuple[float, ...], Bulk]:
    """What such texts must reach to be read on, and their best scores in what is read."""
    telling = against(weights[:-1], usual)
    read_on = tuple(
        round(float(np.quantile([query.known(telling, stage)[0] for query in safe], share)), 4)
        for stage, share in enumerate(STOPS)
    )
    best = [query.top(telling, query.read(telling, read_on)) for query in safe]
    return read_on, bulk(best, [query.language for query in safe])


def fusion(weights: np.ndarray, usual: float, slope: float, intercept: float, safe: list[Query]) -> Fusion:
    """These weights and this scale, with thresholds from texts that match no card."""
    read_on, unrelated = everyday(weights, usual, safe)

    def probability(false_alarms: float) -> float:
        return round(float(1 / (1 + np.exp(-intercept - slope * unrelated.exceeded(false_alarms)))), 4)

    found = Fusion(
        weights=Weights(**dict(zip(NAMES, weights[:-1].tolist(), strict=True))),
        usual=usual,
        slope=round(slope, 4),
        intercept=round(intercept, 4),
        suggest=probability(FALSE_SUGGESTIONS),
        flag=probability(FALSE_FLAGS),
        read_on=read_on,
        fall=round(float(np.mean([tail(query.known(against(weights[:-1], usual), 0)) for query in safe])), 4),
        shifts={name: round(slope * shift, 3) for name, shift in unrelated.shifts.items()},
    )
    usually = safe[0].usually(found)
    return replace(found, usually=None if usually is None else round(usually, 4))


def least(given: Fusion, texts: list[Query]) -> float:
    """How near nearly all passages are that reach `suggest` with some card, whatever else speaks for it."""
    suggest = float((np.log(given.suggest / (1 - given.suggest)) - given.intercept) / given.slope)
    weights = deciding(given)
    near = [(one.whole.values @ by_vectors(weights))[one.whole.values @ weights >= suggest] for one in texts]
    return round(float(np.quantile(np.concatenate(near), NEAREST_MISSED)), 4)


def tail(scores: np.ndarray) -> float:
    """By how much the best of a text's scores is lower for each factor e that there are fewer cards.

    Where scores fall off exponentially, the best few lie on average their scale above the next one.
    """
    highest = np.sort(scores)[: -HIGHEST - 2 : -1]
    return float(highest[:-1].mean() - highest[-1])


def odds_tail(fusions: Mapping[str, Fusion], safe: list[Query]) -> float:
    """The same for the odds of an unrelated text. The smaller of the two groups' figures: thresholds rather fall too little."""
    found = []
    for name, met in (("silent", False), ("met", True)):
        scores = [tail(query.scores(deciding(fusions[name]))) for query in safe if query.met is met]
        if scores:
            found.append(fusions[name].slope * float(np.mean(scores)))
    return round(min(found), 2)


def reaches(calibration: Calibration, query: Query, level: Stating, *, cited: bool) -> bool:
    """Whether a text gets a level by score, with any card or with one it was cited for."""
    given = calibration.fusion(met=query.met)
    stage = query.read(deciding(given), query.read_on(calibration))
    score = (query.cited if cited else query.top)(deciding(given), stage)
    probability = 1 / (1 + np.exp(-given.intercept - given.slope * score))
    least = calibration.threshold(level, met=query.met, cards=query.deck, language=query.language)
    return bool(probability >= least)


def held_out(calibration: Calibration, safe: list[Query], level: Stating) -> list[bool]:
    """Whether each of a group's unrelated texts gets a level by thresholds found without it."""
    hits = np.zeros(len(safe), dtype=bool)
    for kept, out in KFold(FOLDS, shuffle=True, random_state=0).split(safe):
        given = calibration.fusion(met=safe[0].met)
        weights, part = ranking(given), [safe[number] for number in kept]
        other = fusion(weights, given.usual, given.slope, given.intercept, part)
        tried = replace(calibration, silent=other, met=other)
        hits[out] = [reaches(tried, safe[number], level, cited=False) for number in out]
    return hits.tolist()


def stated(calibration: Calibration, sets: Mapping[str, list[Query]], safe: list[Query]) -> Iterator[Stated]:
    """What each level gives in each group, and in each language with enough texts."""
    for met, level in itertools.product((False, True), LEVELS):
        unrelated = [query for query in safe if query.met is met]
        cited = [query for part in sets.values() for query in part if query.met is met]
        alarms = held_out(calibration, unrelated, level)
        hits = [reaches(calibration, query, level, cited=True) for query in cited]
        for language in (None, *sorted({query.language for query in (*unrelated, *cited) if query.language})):
            mine = [language in {None, query.language} for query in unrelated]
            ours = [language in {None, query.language} for query in cited]
            one = statement(list(itertools.compress(alarms, mine)), list(itertools.compress(hits, ours)))
            if one["false_alarms"] or one["reached"]:
                yield Stated(met=met, language=language, level=level, **one)


def statement(alarms: list[bool], hits: list[bool]) -> dict[str, Any]:
    false_alarms, reached = share(alarms), share(hits)
    both = reached and false_alarms
    return {
        "false_alarms": false_alarms,
        "reached": reached,
        "prevalence": PREVALENCE,
        "precision": precision(reached.share, false_alarms.share) if both else None,
        "precision_low": precision(reached.low, false_alarms.high) if both else None,
    }


def show(calibration: Calibration, groups: Mapping[str, list[Query]], console: Console) -> None:
    """What is stated, and shares of other groups of texts at each level."""
    table = Table("Group", "Level", "Everyday texts that reach it", "Cited passages that do", "Precision", "at least")
    for one in calibration.stated:
        group = f"{'met' if one.met else 'silent'}{f' {one.language}' if one.language else ''}"
        values = (one.false_alarms, one.reached, one.precision, one.precision_low)
        table.add_row(group, one.level, *("" if value is None else str(value) for value in values))
    others = Table("Texts", "n", *LEVELS, "passages read", title="Share at each level or above")
    for name, part in groups.items():
        got = [np.mean([reaches(calibration, one, level, cited="cited" in name) for one in part]) for level in LEVELS]
        read = np.mean([passages_read(calibration, one) for one in part])
        others.add_row(name, str(len(part)), *(f"{value:.3f}" for value in got), f"{read:.1f}")
    console.print(table, others)


def passages_read(calibration: Calibration, query: Query) -> int:
    given = calibration.fusion(met=query.met)
    return query.passages(query.read(deciding(given), query.read_on(calibration)))


def look(data: Path, encoder: Encoder, console: Console) -> Looked:
    found, texts = Looked({}, {}, []), background(data)
    for name in SETS:
        with deck_of_files(settings.load(), cards(data, name), console, encoder=encoder, calibration=READING_ALL) as (
            deck,
            _,
        ):

            def seen(rows: list[Row], what: str, matcher: Matcher = deck.matcher) -> list[Query]:
                return [Query(matcher, row) for row in track(rows, what, console=console)]

            found.sets[name] = seen(queries(data, name), name)
            found.everyday[name] = seen([row for row in texts if row["topic_safe"]], "everyday texts")
            if name == WHOLE:
                found.risky.extend(seen([row for row in texts if not row["topic_safe"]], "risky topics"))
    return found


def of_group(sets: Mapping[str, list[Query]], met: bool) -> dict[str, list[Query]]:
    """The sets' queries that the lexical channel meets or not, without sets that have hardly any."""
    mine = {name: [query for query in part if query.met is met] for name, part in sets.items()}
    return {name: part for name, part in mine.items() if len(part) >= FEWEST}


def calibrated(encoder: str, looked: Looked, console: Console) -> Calibration:
    ranked = Table("Queries", "MAP@5", "recall@10", "left out: MAP@5", "recall@10")
    counted = Table(
        "Queries", "usual counts", "cited cards suggested", "flagged", title="In their own deck, read to the end"
    )
    found, groups, safe = {}, {}, looked.everyday[WHOLE]
    for name, met in (("silent", False), ("met", True)):
        mine = of_group(looked.sets, met)
        unrelated, others = ([query for query in part if query.met is met] for part in (safe, looked.risky))
        weights = weighed(mine, met, ranked)
        usual = usual_of(looked, met, weights, counted)
        scaled = scale(mine, [*unrelated, *others], against(weights[:-1], usual))
        given = fusion(weights, usual, *scaled, unrelated)
        found[name] = replace(given, least=least(given, [*itertools.chain(*mine.values()), *unrelated, *others]))
        groups |= {f"{name}: risky topics, which usual was measured on": others}
        groups |= {f"{name}: {key}, the cited card": part for key, part in mine.items()}
    calibration = Calibration(
        encoder=encoder,
        **found,
        shortest=SHORTEST,
        cards=safe[0].deck,
        tail=odds_tail(found, safe),
        fitted_on=f"{sum(map(len, looked.sets.values()))} passages of {', '.join(SETS)}; {len(safe) + len(looked.risky)} other texts",
    )
    used = {f"{name} {met}": part for met in (False, True) for name, part in of_group(looked.sets, met).items()}
    calibration = replace(calibration, stated=tuple(stated(calibration, used, safe)))
    console.print(ranked, counted)
    show(calibration, groups, console)
    return calibration


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the evaluation data's folder")
    parser.add_argument("--write", action="store_true", help="replace the encoder's entry in calibration.json")
    parser.add_argument("--cache", type=Path, default=Path("var/benchmarks"), help="where vectors are remembered")
    arguments = parser.parse_args()
    console = Console()
    encoder = Remembering(load_encoder(settings.load().encoder), arguments.cache)
    found = calibrated(encoder.name, look(arguments.data, encoder, console), console)
    console.print_json(data=asdict(found))
    if arguments.write:
        write(found)


def write(calibration: Calibration) -> None:
    """Put it in the place of the encoder's earlier one."""
    kept = [row for row in json.loads(OUT.read_text()) if row["encoder"] != calibration.encoder]
    OUT.write_text(json.dumps([*kept, asdict(calibration)], indent=2) + "\n")


if __name__ == "__main__":
    main()

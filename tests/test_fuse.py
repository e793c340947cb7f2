"""Fusion and levels: thresholds by deck and language, what they are said to give, and how they are found."""

import json
from dataclasses import asdict, replace
from importlib import resources
from types import SimpleNamespace

import numpy as np
import pytest
from calibrate_unlabelled import TooFewTexts, unlabelled
from levels import FEWEST, bulk, precision, share

from processing.card_vectors import vectors_of
from processing.encoder import DEFAULT, load_encoder
from processing.match.fuse import (
    Calibration,
    Channels,
    Fusion,
    NoCalibration,
    Weights,
    fingerprint,
    load_calibration,
)
from processing.match.semantic import SemanticChannel
from processing.match.stated import Share, Stated
from processing.match.usual import usual_passages
from processing.narrative import Narrative

WEIGHTS = Weights(wording=1, whole=1, coverage=2, overlap=0.5)
SILENT = Fusion(
    weights=WEIGHTS, slope=4, intercept=-4, suggest=0.4, flag=0.6, read_on=(0.3, 0.5), shifts={"kk": 0.5}, fall=0.04
)
MET = replace(SILENT, suggest=0.5, flag=0.75, shifts={})
GIVEN = Calibration(encoder="x", silent=SILENT, met=MET, shortest=300, fitted_on="", cards=3000, tail=0.5)


@pytest.fixture(scope="module")
def shipped() -> Calibration:
    return load_calibration(DEFAULT)


def test_texts_shorter_than_the_shortest_are_never_flagged(shipped) -> None:
    for met in (False, True):
        for language in (None, "de", "en", "ru"):
            said = [
                shipped.level(1.0, characters, met=met, cards=shipped.cards, language=language)
                for characters in (0, shipped.shortest - 1, shipped.shortest)
            ]
            assert said == ["suggest", "suggest", "flag"]


def test_a_language_with_few_texts_has_its_groups_thresholds() -> None:
    def least(language: str | None, *, met: bool = False) -> float:
        return GIVEN.threshold("flag", met=met, cards=3000, language=language)

    assert least(None) == least("ky") == pytest.approx(SILENT.flag)
    assert least("kk") / (1 - least("kk")) == pytest.approx(0.6 / 0.4 * np.exp(0.5))
    assert least("kk", met=True) == pytest.approx(MET.flag), "its shift is that of one group"
    assert GIVEN.level(0.65, 300, met=False, cards=3000) == "flag"
    assert GIVEN.level(0.65, 300, met=False, cards=3000, language="kk") == "suggest"


def test_the_fewer_the_cards_the_lower_the_thresholds() -> None:
    few = [GIVEN.level(0.3, 300, met=False, cards=cards) for cards in (3000, 1200, 100, 1)]
    assert few == ["none", "suggest", "flag", "flag"], "the best of fewer cards means more"


def test_articles_are_read_on_the_sooner_the_less_near_usual_ones_are() -> None:
    def read_on(cards: int, usually: float | None = None, given: Calibration = GIVEN) -> tuple[float, ...]:
        return given.read_on(met=False, cards=cards, usually=usually)

    assert read_on(3000) == read_on(9000) == SILENT.read_on
    assert (
        read_on(300) == read_on(300, usually=0.2) == pytest.approx((0.3 - 0.04 * np.log(10), 0.5 - 0.04 * np.log(10)))
    )
    assert read_on(1) == read_on(100)
    known = replace(GIVEN, silent=replace(SILENT, usually=0.1))
    assert read_on(300, usually=0.1, given=known) == SILENT.read_on
    assert read_on(9000, usually=-0.1, given=known) == pytest.approx((0.1, 0.3))


def test_passages_are_looked_for_the_farther_the_lower_a_threshold_is() -> None:
    """A passage that is just near enough, with the most that else spoke for any, reaches the lowest threshold there is."""
    assert GIVEN.least(met=False, cards=300) is None
    known = replace(GIVEN, silent=replace(SILENT, least=0.1, shifts={"kk": 0.5, "de": -0.3}))
    most_else = (np.log(0.4 / 0.6) + 4) / SILENT.slope - 0.1
    for cards in (3_000, 300, 1):
        least = known.least(met=False, cards=cards)
        assert least is not None
        odds = np.exp(SILENT.slope * (least + most_else) - 4)
        thresholds = [known.threshold("suggest", met=False, cards=cards, language=one) for one in (None, "kk", "de")]
        assert odds / (1 + odds) == pytest.approx(min(thresholds))


def test_without_a_threshold_nothing_is_flagged() -> None:
    never = replace(GIVEN, silent=replace(SILENT, flag=None))
    assert never.level(1.0, 5000, met=False, cards=3000) == "suggest"
    assert never.level(1.0, 5000, met=True, cards=3000) == "flag"


def test_the_fingerprint_names_what_decides() -> None:
    one = Stated(
        met=False, language=None, level="flag", false_alarms=None, reached=None, prevalence=0.05, precision=None,
        precision_low=None,
    )  # fmt: skip
    assert fingerprint(GIVEN) == fingerprint(replace(GIVEN, stated=(one,), fitted_on="other words"))
    for changed in (
        replace(GIVEN, shortest=200),
        replace(GIVEN, silent=replace(SILENT, flag=0.61)),
        replace(GIVEN, silent=replace(SILENT, shifts={"kk": 0.4})),
        replace(GIVEN, met=replace(MET, weights=replace(WEIGHTS, overlap=0.6))),
    ):
        assert fingerprint(changed) != fingerprint(GIVEN)


def test_the_shipped_calibration_states_what_each_level_gives(shipped) -> None:
    """No more than 1 in 20 everyday texts were suggested, and 1 in 200 flagged, as far as so few texts can tell."""
    for met in (False, True):
        for level, promised in (("flag", 1 / 200), ("suggest", 1 / 20)):
            one = shipped.says(level, met=met)
            assert one is not None
            assert one.language is None
            assert one.false_alarms is not None
            assert one.reached is not None
            assert one.false_alarms.low <= promised
            assert one.false_alarms.low <= one.false_alarms.share <= one.false_alarms.high
            assert 0 < one.precision_low <= one.precision <= 1
            assert "everyday texts reach it" in str(one)
    assert shipped.says("flag", met=False, language="no texts of it") == shipped.says("flag", met=False)
    assert all(found.texts >= FEWEST for one in shipped.stated for found in (one.false_alarms, one.reached) if found)


def test_the_file_holds_what_is_loaded(shipped) -> None:
    rows = json.loads(resources.files("processing.match").joinpath("calibration.json").read_text())
    (row,) = (row for row in rows if row["encoder"] == DEFAULT)
    assert json.loads(json.dumps(asdict(shipped))) == row


def test_an_encoder_without_calibration_is_refused_with_both_remedies() -> None:
    with pytest.raises(NoCalibration, match=r"calibrate\.py --data DIR --write.*calibrate_unlabelled\.py --texts FILE"):
        load_calibration("another-encoder")


def test_languages_are_drawn_towards_their_group() -> None:
    """The fewer texts, the more; below the fewest, and where languages differ by chance alone, wholly."""
    random = np.random.default_rng(1)
    texts = {"aa": 200, "bb": 25, "cc": FEWEST - 1, "dd": 200}
    means = {"aa": 0.0, "bb": 1.0, "cc": 1.0, "dd": 0.3}
    languages = [name for name, count in texts.items() for _ in range(count)]
    noise = random.normal(size=len(languages))
    scores = [means[name] + error for name, error in zip(languages, noise, strict=True)]
    found = bulk(scores, languages)
    own = np.mean([score for score, name in zip(scores, languages, strict=True) if name == "bb"]) - found.mean
    assert found.shifts.keys() == {"aa", "bb", "dd"}
    assert 0 < found.shifts["bb"] < own
    assert found.shifts["aa"] < 0
    alike = bulk([1.0, 2.0, 3.0, 4.0] * 20, ["aa", "aa", "aa", "aa", "bb", "bb", "bb", "bb"] * 10)
    assert set(alike.shifts.values()) == {0.0}
    assert bulk(scores, [None] * len(scores)).shifts == {}


def test_a_share_of_such_scores_exceeds_the_threshold() -> None:
    scores = np.random.default_rng(2).gumbel(loc=2.0, scale=0.3, size=20_000)
    found = bulk(scores.tolist(), [None] * len(scores))
    for wanted in (1 / 20, 1 / 400):
        assert np.mean(scores > found.exceeded(wanted)) == pytest.approx(wanted, rel=0.3)


def test_shares_and_precision() -> None:
    assert share([False] * (FEWEST - 1)) is None
    none = share([False] * 100)
    assert none == Share(share=0.0, texts=100, low=0.0, high=0.0362)
    assert str(none) == "0.0% of 100 (0.0%–3.6%)"
    assert precision(0.5, 0.0) == 1.0
    assert precision(0.4, 0.02) == pytest.approx(0.05 * 0.4 / (0.05 * 0.4 + 0.95 * 0.02), abs=1e-3)
    assert precision(0.0, 0.0) is None


class Seen(SimpleNamespace):
    """A text's channels as `calibrate.Query` has them."""

    def scores(self, weights):
        return (self.values @ weights).max(axis=0)

    def known(self, weights, stage):
        return -np.sort(-self.scores(weights))

    def read(self, weights, read_on):
        return 0

    def top(self, weights, stage):
        return float(self.scores(weights).max())

    def usually(self, given):
        return None


def test_without_labels_usual_texts_tell_what_is_unusual() -> None:
    random = np.random.default_rng(3)

    def text(met: bool) -> Seen:
        return Seen(values=random.gumbel(0, 0.1, (1, 60, 5)), met=met, language="ru", deck=60)

    with pytest.raises(TooFewTexts, match="are too few"):
        unlabelled("x", [text(False)] * (FEWEST - 1))
    texts = [text(False) for _ in range(400)]
    found = unlabelled("x", texts)
    assert found.silent.flag is None
    assert found.met == found.silent, "no text met a card's words"
    assert found.silent.suggest == pytest.approx(0.5, abs=0.01)
    weights = np.array([1, 1, 1, 0.1, -1])
    best = [one.scores(weights).max() for one in texts]
    scores = 1 / (1 + np.exp(-found.silent.intercept - found.silent.slope * np.array(best)))
    levels = [found.level(score, 5000, met=False, cards=60) for score in scores]
    assert levels.count("flag") == 0
    assert levels.count("suggest") / len(texts) == pytest.approx(1 / 20, abs=0.03)
    assert "no probabilities" in found.fitted_on


def test_fusion_is_monotonous_in_every_channel() -> None:
    near, nothing = np.array([[0.0, 0.25, 0.5]], dtype=np.float32), np.zeros((1, 3), dtype=np.float32)
    alone = SILENT.probability(Channels(near, near, near, nothing, nothing))
    assert (SILENT.probability(Channels(near, near, near, nothing + 1, nothing)) > alone).all()
    assert (replace(SILENT, usual=0.5).probability(Channels(near, near, near, nothing, nothing + 1)) < alone).all()
    assert (np.diff(alone) > 0).all()


def test_a_card_near_to_what_is_always_written_is_told_from_others() -> None:
    """The topic alone is usual, a particular claim on it is not."""
    encoder = load_encoder()
    titles = {
        "topic": "The pandemic, the vaccination and what it means for people",
        "claim": "Bill Gates had the vaccine laced with chips that are switched on by mobile phone masts in Odesa",
    }
    cards = vectors_of([Narrative(id=name, title=title) for name, title in titles.items()], encoder)
    topic, claim = (SemanticChannel(encoder, cards).usual[cards.ids.index(name)] for name in titles)
    assert topic > claim
    passages = usual_passages(encoder.name)
    np.testing.assert_allclose(np.linalg.norm(passages, axis=1), 1, atol=1e-2)


def test_nothing_is_usual_with_an_encoder_that_was_not_measured() -> None:
    encoder = SimpleNamespace(name="another-encoder")
    cards = SimpleNamespace(ids=("a", "b"))
    assert SemanticChannel(encoder, cards).usual.tolist() == [0.0, 0.0]

"""Families of cards: stars around the oldest card of a story, the same in whatever order cards come."""

import itertools

import numpy as np
import pytest

from processing.families import Kin, Levels, families
from processing.kin import narrower
from processing.narrative import Narrative

LEVELS = Levels(family=0.8, named=0.5, retold=0.99)


def at(degrees: float) -> list[float]:
    return [float(np.cos(np.radians(degrees))), float(np.sin(np.radians(degrees)))]


def cards(**angles: float) -> tuple[list[Narrative], np.ndarray]:
    made = [Narrative(id=name, title=f"Claim {name}", date=f"2020-01-{day:02}") for day, name in enumerate(angles, 1)]
    return made, np.array([at(angle) for angle in angles.values()], dtype=np.float32)


def test_near_cards_are_one_family_headed_by_the_oldest():
    found = families(*cards(a=0, b=20, c=90), {}, LEVELS)
    assert found == {"a": Kin("a"), "b": Kin("a"), "c": Kin("c")}


def test_a_family_is_no_chain():
    """30 degrees are near (cosine .87), 60 are not (.5): the third card is near the second, not near the head."""
    found = families(*cards(a=0, b=30, c=60), {}, LEVELS)
    assert [found[name].family for name in "abc"] == ["a", "a", "c"]


@pytest.mark.parametrize("named", [{"b": ["a"]}, {"a": ["b"]}, {"a": ["b", "unknown"], "unknown": ["a"]}])
def test_cards_that_name_each_other_need_less(named: dict[str, list[str]]):
    assert families(*cards(a=0, b=50), {}, LEVELS)["b"].family == "b"
    assert families(*cards(a=0, b=50), named, LEVELS)["b"].family == "a"
    assert families(*cards(a=0, b=80), named, LEVELS)["b"].family == "b"


def test_order_does_not_matter():
    made, vectors = cards(a=0, b=30, c=60, d=61, e=59, f=200)
    expected = families(made, vectors, {"f": ["a"]}, LEVELS)
    for order in itertools.permutations(range(len(made))):
        rows = list(order)
        assert families([made[row] for row in rows], vectors[rows], {"f": ["a"]}, LEVELS) == expected


def test_what_is_settled_stays_and_saves_work():
    random = np.random.default_rng(5)
    made, vectors = cards(**{f"c{number:02}": angle for number, angle in enumerate(random.uniform(0, 360, 28))})
    named = {"c20": ["c03"], "c05": ["c25"]}
    whole = families(made, vectors, named, LEVELS)
    assert 5 < len({kin.family for kin in whole.values()}) < 25
    for changed in ("c00", "c10", "c27"):
        settled = {name: kin.family for name, kin in whole.items() if name != changed}
        assert families(made, vectors, named, LEVELS, settled) == whole
    # What is settled is believed, not computed again.
    wrong = {name: "c00" for name in whole if name < "c10"}
    assert families(made, vectors, named, LEVELS, wrong)["c09"].family == "c00"


def test_the_same_claim_told_again_is_linked():
    made = [
        Narrative(id="x", title="The harbour was sold", date="2020-01-01"),
        Narrative(id="y", title="the harbour was sold!"),
        Narrative(id="z", title="They sold the harbour", date="2021-01-01"),
    ]
    vectors = np.array([at(0), at(70), at(2)], dtype=np.float32)
    found = families(made, vectors, {}, LEVELS)
    assert found["x"] == Kin("x", ("y", "z"))
    assert found["y"] == Kin("x", ("x",))
    assert found["z"] == Kin("x", ("x",))


def test_a_claim_without_words_is_near_to_nothing():
    made, vectors = cards(a=0, b=0)
    assert families(made, vectors * 0, {}, LEVELS) == {"a": Kin("a"), "b": Kin("b")}
    assert families([], np.zeros((0, 2), dtype=np.float32), {}, LEVELS) == {}


def chain(**broader: str | None) -> list[Narrative]:
    return [Narrative(id=name, title=name, broader=wider) for name, wider in broader.items()]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (chain(a=None, b="a", c="b"), {"a": ("b", "c"), "b": ("c",)}),
        (chain(a="b", b="a"), {"a": ("b",), "b": ("a",)}),
        (chain(a="a", b="nobody"), {}),
        (chain(a=None, b="gone", c="a"), {"a": ("c",)}),
    ],
    ids=["deep", "circle", "itself and nobody", "missing"],
)
def test_what_is_below(given, expected) -> None:
    assert narrower(given) == expected

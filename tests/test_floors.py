"""Quality does not fall below what was once measured. `make floors` measures anew and raises the floors."""

import sys
from pathlib import Path

import floor_groups
import floors
import pytest

DATA = Path(__file__).parents[2] / "shared" / "data"
HOW_TO = "mend it, or run `make floors` (it raises floors, and lowers one only if told to and why)"


def held(group: str, data: Path) -> list[str]:
    pinned, now = floors.read(), floors.measured(group, data)
    return floors.fallen(pinned, now) + floors.changed(pinned, now)


def test_golden_pages() -> None:
    assert held("golden", floor_groups.FIXTURES) == [], HOW_TO


@pytest.mark.shared
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no evaluation data at {DATA}")
def test_part_of_the_evaluation_data() -> None:
    assert held("quick", DATA) == [], HOW_TO


@pytest.mark.shared
@pytest.mark.skipif(not DATA.is_dir(), reason=f"no evaluation data at {DATA}")
@pytest.mark.parametrize("group", ["text", "language", "duplicates", "match", "flagging"])
def test_what_takes_long_to_measure_is_pinned_on_this_data(group: str) -> None:
    corpus = floors.corpus_hash(DATA, floors.GROUPS[group].files(DATA))
    figures = {name: figure for name, figure in floors.read().items() if name.split()[0] == group}
    assert figures, f"nothing of `{group}` has a floor: {HOW_TO}"
    assert [name for name, figure in figures.items() if figure["corpus"] != corpus] == [], HOW_TO


def test_every_floor_is_of_a_known_group_and_possible() -> None:
    pinned = floors.read()
    assert {name.split()[0] for name in pinned} <= floors.GROUPS.keys()
    assert all(0 < figure["floor"] <= 1 for figure in pinned.values())
    assert all(len(figure["corpus"]) == 64 for figure in pinned.values())
    assert all(change["reason"] for figure in pinned.values() for change in figure.get("lowered", []))


PINNED = {"text f1": {"floor": 0.96, "corpus": "a"}, "title": {"floor": 0.97, "corpus": "a"}}


def figures(**values: float) -> floors.Pinned:
    return {name.replace("_", " "): {"floor": value, "corpus": "a"} for name, value in values.items()}


def test_a_better_figure_becomes_the_floor_and_a_missing_one_keeps_its_own() -> None:
    new = floors.raised(PINNED, figures(text_f1=0.97, date=0.9))
    assert {name: figure["floor"] for name, figure in new.items()} == {"date": 0.9, "text f1": 0.97, "title": 0.97}


def test_a_worse_figure_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^text f1: 0\.95 is below its floor 0\.96\nmend it, or lower the floor"):
        floors.raised(PINNED, figures(text_f1=0.95, title=0.99))
    with pytest.raises(ValueError, match=r"^text f1"):
        floors.raised(PINNED, figures(text_f1=0.95, title=0.96), ["title"], "a faster reader")


def test_a_named_figure_is_lowered_and_the_reason_stays() -> None:
    new = floors.raised(PINNED, figures(text_f1=0.95), ["text f1"], "twice as fast")
    assert new["text f1"] == {
        "floor": 0.95,
        "corpus": "a",
        "lowered": [{"from": 0.96, "to": 0.95, "reason": "twice as fast"}],
    }
    again = floors.raised(new, figures(text_f1=0.99))
    assert again["text f1"]["floor"] == 0.99
    assert len(again["text f1"]["lowered"]) == 1


def test_nothing_is_lowered_that_has_not_fallen() -> None:
    with pytest.raises(ValueError, match="nothing to lower: title"):
        floors.raised(PINNED, figures(title=0.98), ["title"], "by mistake")


def test_a_changed_corpus_or_an_unknown_figure_is_told() -> None:
    now = {"text f1": {"floor": 0.96, "corpus": "b"}, "date": {"floor": 0.9, "corpus": "a"}}
    assert floors.changed(PINNED, now) == [
        "date: has no floor",
        "text f1: its corpus has changed since the floor was pinned",
    ]


def test_the_hash_knows_names_and_contents(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("a")
    other.write_text("b")
    first = floors.corpus_hash(tmp_path, [one, other])
    assert floors.corpus_hash(tmp_path, [other, one]) == first
    other.write_text("c")
    assert floors.corpus_hash(tmp_path, [one, other]) != first
    other.write_text("b")
    assert floors.corpus_hash(tmp_path, [one, other.rename(tmp_path / "new")]) != first


def test_the_hash_knows_our_own_samples_wherever_the_data_lie(tmp_path: Path) -> None:
    data, samples = tmp_path / "data", tmp_path / "samples.jsonl"
    samples.write_text("a")
    first = floors.corpus_hash(data, [samples])
    samples.write_text("b")
    assert floors.corpus_hash(data, [samples]) != first
    assert floor_groups.SAMPLES in floor_groups.GROUPS["language"].files(data)


def test_figures_are_cut_off_not_rounded(monkeypatch: pytest.MonkeyPatch) -> None:
    group = floor_groups.Group(lambda _: {"text f1": 0.96789, "title": 0.97}, lambda _: [])
    monkeypatch.setitem(floors.GROUPS, "golden", group)
    assert {name: figure["floor"] for name, figure in floors.measured("golden", Path()).items()} == {
        "text f1": 0.967,
        "title": 0.97,
    }


@pytest.mark.parametrize(
    ("arguments", "told"), [(["--lower", "title"], "--lower needs --reason"), (["--only", "text"], "--data is needed")]
)
def test_the_command_refuses_half_an_order(
    arguments: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["floors.py", *arguments])
    with pytest.raises(SystemExit) as refused:
        floors.main()
    assert refused.value.code == 2
    assert told in capsys.readouterr().err

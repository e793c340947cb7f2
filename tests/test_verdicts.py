"""Verdicts on the demo's flags: by the command, out of order, at once, cut off half-way, and through a re-match."""

import datetime as dt
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from index_config import bulk
from index_config.cluster import Cluster
from narrawatch.cli.flags import short_id
from narrawatch.demo import CARDS
from narrawatch.demo.server import DemoSites
from processing.encoder import load_encoder
from processing.flags import FlagError, get_flag
from processing.matching import load_deck, sweep
from review import verdicts

NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
VERDICT = ("verdict", "verdict_by", "verdict_at", "verdict_note")


def at(minutes: float):
    return lambda: NOON + dt.timedelta(minutes=minutes)


@pytest.fixture(scope="module")
def matched(shared_cluster: Cluster, shared_narrawatch) -> Cluster:
    with DemoSites(now=dt.datetime.now(dt.UTC)) as sites:
        shared_narrawatch("narratives", "import", *CARDS)
        shared_narrawatch("run", "--outlets", sites.outlets_dir)
    return shared_cluster


@pytest.fixture
def ids(matched: Cluster) -> Iterator[list[str]]:
    """The flags, undecided."""
    found = sorted(flags(matched))
    yield found
    matched.client.delete_by_query(index=matched.name("verdicts"), query={"match_all": {}}, refresh=True)
    undecided = [bulk.Action("flags", one, dict.fromkeys(VERDICT), "update") for one in found]
    assert not bulk.write(matched, undecided, refresh=True).failed


def flags(cluster: Cluster) -> dict[str, dict]:
    cluster.client.indices.refresh(index=cluster.name("flags"))
    hits = cluster.client.search(index=cluster.name("flags"), size=1000)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def listed(narrawatch, *options: str) -> set[str]:
    return {json.loads(line)["id"] for line in narrawatch("flags", "list", "--json", *options).stdout.splitlines()}


def test_the_commands(matched, ids, shared_narrawatch, shared_environ) -> None:
    first, second, third, *rest = ids
    done = shared_narrawatch("flags", "confirm", first, second, "--as", "Mara", "--note", "word for word")
    assert done.stdout.count("confirmed by Mara: ") == 2
    assert get_flag(matched, first)["title"] in done.stdout
    shared_narrawatch("flags", "reject", second, env=shared_environ | {"NARRAWATCH_ANALYST": "Ivo"})
    shared_narrawatch("flags", "unsure", third[:-3])
    assert listed(shared_narrawatch, "--verdict", "confirmed") == {first}
    assert listed(shared_narrawatch, "--verdict", "rejected") == {second}
    assert listed(shared_narrawatch, "--verdict", "unsure") == {third}
    assert listed(shared_narrawatch, "--verdict", "open") == set(rest)
    language = get_flag(matched, rest[0])["language"]
    same = {one for one in rest if get_flag(matched, one)["language"] == language}
    assert listed(shared_narrawatch, "--verdict", "open", "--language", language) == same


def test_show_tells_who_decided_what_and_before(matched, ids, shared_narrawatch) -> None:
    shared_narrawatch("flags", "confirm", ids[0], "--as", "Mara", "--note", "word for word")
    shared_narrawatch("flags", "reject", ids[0], "--as", "Ivo")
    shown = " ".join(shared_narrawatch("flags", "show", ids[0]).stdout.split())
    assert "Verdict rejected by Ivo, " in shown
    assert "Before confirmed by Mara, " in shown
    assert shown.index("rejected by Ivo") < shown.index("confirmed by Mara") < shown.index("word for word")
    row = json.loads(shared_narrawatch("flags", "show", ids[0], "--json").stdout)
    assert (row["verdict"], row["verdict_by"], row["verdict_note"]) == ("rejected", "Ivo", None)
    assert [one["verdict"] for one in row["verdicts"]] == ["rejected", "confirmed"]
    assert row["verdict_at"] == row["verdicts"][0]["at"]
    assert "rejected" in shared_narrawatch("flags", "list").stdout


def test_the_latest_wins_in_whatever_order_they_come(matched, ids) -> None:
    verdicts.record(matched, ids[:1], "rejected", analyst="Ivo", note="late", clock=at(5))
    verdicts.record(matched, ids[:1], "confirmed", analyst="Mara", clock=at(1))
    assert [flags(matched)[ids[0]][name] for name in VERDICT] == ["rejected", "Ivo", "2026-11-23T12:05:00.000Z", "late"]
    verdicts.record(matched, ids[:1], "unsure", analyst="Mara", clock=at(5))
    assert flags(matched)[ids[0]]["verdict"] == "unsure", "of the same moment, the one written last"
    assert flags(matched)[ids[0]]["verdict_note"] is None
    assert [one.verdict for one in verdicts.history(matched, ids[0])] == ["unsure", "rejected", "confirmed"]


def test_many_at_once_end_with_the_latest(matched, ids) -> None:
    def decide(minute: int) -> None:
        decision = "confirmed" if minute % 2 else "rejected"
        verdicts.record(matched, ids[:2], decision, analyst=f"analyst {minute}", clock=at(minute))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decide, [3, 15, 7, 1, 12, 9, 4, 11]))
    for one in ids[:2]:
        assert flags(matched)[one]["verdict_by"] == "analyst 15"
        assert len(verdicts.history(matched, one)) == 8


def test_what_a_killed_process_left_undone_is_mended(matched, ids, shared_narrawatch) -> None:
    verdicts.append(matched, ids[:2], "confirmed", analyst="Mara", clock=at(9))  # and dies before the flags are told
    assert not flags(matched)[ids[0]].get("verdict")
    assert "confirmed by Mara" in shared_narrawatch("flags", "show", ids[0]).stdout
    assert flags(matched)[ids[0]]["verdict"] == "confirmed"
    verdicts.record(matched, ids[1:2], "unsure", analyst="Ivo", clock=at(2))  # made before, came later
    assert flags(matched)[ids[1]]["verdict"] == "confirmed"


def test_a_rematch_never_touches_a_verdict(matched, ids) -> None:
    article = get_flag(matched, ids[0])["article"]
    deck = load_deck(matched, load_encoder())
    other, third, *_ = [card for card in sorted(deck.cards) if f"{article}:{card}" not in ids]
    kept, gone = f"{article}:{other}", f"{article}:{third}"
    for one, card in ((kept, other), (gone, third)):  # two that the matcher does not find
        bulk.write(matched, [bulk.Action("flags", one, flags(matched)[ids[0]] | {"narrative": card})], refresh=True)
    verdicts.record(matched, [ids[0], kept], "rejected", analyst="Mara", note="only reports it", clock=at(1))
    before = flags(matched)
    assert len(list(sweep(matched, deck, sorted({one.partition(":")[0] for one in ids}), clock=at(60)))) > 1
    after = flags(matched)
    for one in (ids[0], kept):
        assert [after[one][name] for name in VERDICT] == [before[one][name] for name in VERDICT]
    assert after[ids[0]]["matched"] != before[ids[0]]["matched"], "it was matched again"
    assert after[kept]["still_matched"] is False
    assert gone not in after
    matched.client.delete(index=matched.name("flags"), id=kept, refresh=True)


def test_verdicts_are_never_overwritten(matched, ids) -> None:
    for _ in range(2):
        verdicts.record(matched, ids[:1], "confirmed", analyst="Mara", note="the same", clock=at(1))
    assert len(verdicts.history(matched, ids[0])) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["no-such-flag"], "there is no flag 'no-such-flag'"),
        (["--as", " "], "a verdict needs somebody's name"),
        (["--note", "x" * 10_001], "the note has 10001 characters"),
        (["--note", "caf\udce9"], "not readable as UTF-8"),  # as a terminal in Latin-1 sends it
    ],
)
def test_a_mistake_is_one_line_and_records_nothing(matched, ids, shared_narrawatch, options, said) -> None:
    done = shared_narrawatch("flags", "confirm", ids[0], *options, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert said in line
    assert verdicts.history(matched, ids[0]) == []


def test_no_id_is_a_usage_error(shared_narrawatch) -> None:
    assert shared_narrawatch("flags", "confirm", check=False).returncode == 2


def test_a_flag_that_is_gone_is_passed_over(matched, ids) -> None:
    verdicts.record(matched, ["nowhere:card"], "unsure", analyst="Mara", clock=at(1))
    with pytest.raises(FlagError):
        get_flag(matched, "nowhere:card")


def test_short_ids_tell_flags_apart() -> None:
    article = "ff4b40c7" + "0" * 24
    listed = [f"{article}:euvs:ukraine-is-at-war", f"{article}:euvs:ukraine-is-poor", f"{article}:biolabs"]
    assert [short_id(flag, listed) for flag in listed] == [
        "ff4b40c7:euvs:ukraine-is-a",
        "ff4b40c7:euvs:ukraine-is-p",
        "ff4b40c7:biolabs",
    ]
    assert short_id(listed[0]) == "ff4b40c7:euvs:ukraine"

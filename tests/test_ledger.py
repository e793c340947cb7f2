"""The account of a run adds up, and the closed lists of outcomes are those of the index."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

import index_config
from crawlers.ledger import OutletRun
from crawlers.locks import RunLocked, check_run_id, dead_runs, is_running, running
from crawlers.outcomes import FetchOutcome, of_status
from narrawatch.errors import NarrawatchError
from processing.outcomes import ProcessingOutcome


def account() -> OutletRun:
    return OutletRun(SimpleNamespace(id="daily"), "r1", "2026-11-23T06:00:00Z")  # type: ignore[arg-type]


def test_one_outcome_each() -> None:
    run = account()
    assert run.discover("a")
    assert not run.discover("a")
    run.settle("a", FetchOutcome.CAPTURED)
    with pytest.raises(ValueError, match="captured"):
        run.settle("a", FetchOutcome.TIMEOUT)
    with pytest.raises(ValueError, match="unknown"):
        run.settle("b", FetchOutcome.KNOWN)


@pytest.mark.parametrize(("interrupted", "rest"), [(True, "not_fetched"), (False, "error")])
def test_nothing_is_left_open(interrupted: bool, rest: str) -> None:
    run = account()
    run.discover("a")
    run.discover("b")
    run.settle("a", FetchOutcome.CAPTURED)
    run.close("2026-11-23T06:01:00Z", interrupted=interrupted)
    fetch = run.to_document()["fetch"]
    assert {name: count for name, count in fetch.items() if count} == {"captured": 1, rest: 1}
    assert sum(fetch.values()) == run.to_document()["discovered"]


def test_the_index_counts_every_outcome() -> None:
    mapping = json.loads((Path(index_config.__file__).parent / "crawls.json").read_text())["mappings"]["properties"]
    assert mapping["fetch"]["properties"].keys() == set(FetchOutcome)
    assert mapping["processing"]["properties"].keys() == set(ProcessingOutcome)
    assert mapping["requests"]["properties"].keys() == account().to_document()["requests"].keys()


def test_statuses() -> None:
    assert [of_status(status) for status in (404, 410, 403, 418, 500, 599)] == [
        "http_404",
        "http_410",
        "http_403",
        "http_4xx",
        "http_5xx",
        "http_5xx",
    ]


def test_a_run_is_locked_while_it_goes_on(tmp_path: Path) -> None:
    with running(tmp_path, "r1"):
        assert is_running(tmp_path, "r1")
        assert dead_runs(tmp_path) == []
        with pytest.raises(RunLocked, match="r1"), running(tmp_path, "r1"):
            pytest.fail("two processes under one run id")
    assert not is_running(tmp_path, "r1")


@pytest.mark.parametrize("name", ["", "../etc", "a b", "x" * 101, "-x"])
def test_run_ids_become_file_names(name: str) -> None:
    with pytest.raises(NarrawatchError, match="run id"):
        check_run_id(name)
    assert check_run_id("scheduled__2026-11-23T06:00:00+00:00".replace(":", "-"))

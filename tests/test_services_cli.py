"""up, down, status, setup and settings as a user types them."""

import json
from pathlib import Path


def test_setup_can_be_repeated(narrawatch, environ):
    first = narrawatch("setup")
    assert environ["NARRAWATCH_INDEX_PREFIX"] in first.stdout
    assert narrawatch("setup").stdout == "Nothing to do: every index is as it should be\n"


def test_up_uses_the_elasticsearch_that_answers_where_it_was_told_to(narrawatch, node, environ):
    assert f"Elasticsearch answers at {node}" in narrawatch("up").stdout
    assert not Path(environ["NARRAWATCH_HOME"]).exists()


def test_down_leaves_an_elasticsearch_alone_that_it_did_not_start(narrawatch, node):
    assert "No Elasticsearch started by `narrawatch up` runs here" in narrawatch("down").stdout
    assert json.loads(narrawatch("status", "--json").stdout)["answers"] is True


def test_status_of_an_elasticsearch_started_by_others(narrawatch, node):
    found = json.loads(narrawatch("status", "--json").stdout)
    assert (found["url"], found["ours"], found["answers"]) == (node, False, True)
    assert found["health"] in {"green", "yellow"}
    assert f"answers at {node}" in narrawatch("status").stdout


def test_status_of_a_dead_node_is_exit_code_1(narrawatch, environ, free_port):
    environ["ELASTICSEARCH_URL"], alive = f"http://127.0.0.1:{free_port()}", environ["ELASTICSEARCH_URL"]
    done = narrawatch("status", check=False)
    assert (done.returncode, done.stderr) == (1, "")
    assert "start it with `narrawatch up`" in done.stdout
    environ["ELASTICSEARCH_URL"] = alive


def test_a_cluster_elsewhere_that_does_not_answer_is_one_line(narrawatch, environ, free_port):
    alive, environ["ELASTICSEARCH_URL"] = environ["ELASTICSEARCH_URL"], f"https://127.0.0.1:{free_port()}"
    for command in ("up", "setup"):
        done = narrawatch(command, check=False)
        assert done.returncode == 1
        assert done.stderr.startswith("narrawatch: Elasticsearch at https://127.0.0.1:")
        assert done.stderr.count("\n") == 1
    environ["ELASTICSEARCH_URL"] = alive


def test_settings_are_listed_and_secrets_masked(narrawatch, environ):
    environ["ELASTICSEARCH_PASSWORD"] = "hunter2"
    rows = {row["variable"]: row for row in json.loads(narrawatch("settings", "--json").stdout)}
    assert rows["ELASTICSEARCH_PASSWORD"]["value"] == "********"
    assert rows["NARRAWATCH_HOME"]["value"] == environ["NARRAWATCH_HOME"]
    assert rows["NARRAWATCH_HOME"]["source"] == "environment"
    table = narrawatch("settings").stdout
    assert "hunter2" not in table
    assert all(variable in table for variable in rows)

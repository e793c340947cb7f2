"""Every workflow: it loads, is documented, uses the shared defaults, and its commands are commands we have."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import psutil
import pytest
import yaml

from narrawatch import settings as settings_module
from narrawatch.cli import cli

pytestmark = pytest.mark.skipif(
    not (Path(sys.executable).with_name("airflow")).exists(), reason="Airflow is not installed: make airflow"
)
DAGS = Path(__file__).parents[1] / "dags"
LOAD = """
import json, sys
from airflow.dag_processing.dagbag import BundleDagBag
from pathlib import Path
bag = BundleDagBag(sys.argv[1], bundle_path=Path(sys.argv[1]), bundle_name="dags-folder")
def arguments(task):
    if task.is_mapped:
        return [item["arguments"] for item in task.expand_input.value]
    return [task.arguments] if hasattr(task, "arguments") else []
def mapped(task, name):
    return task.partial_kwargs.get(name) if task.is_mapped else getattr(task, name)
print(json.dumps({
    "errors": bag.import_errors,
    "modules": sorted(sys.modules),
    "dags": {dag.dag_id: {
        "doc": dag.doc_md, "file": dag.fileloc, "schedule": getattr(dag.timetable, "expression", None)
            or getattr(dag.timetable, "_expression", None),
        "timezone": str(dag.timezone), "catchup": dag.catchup, "runs": dag.max_active_runs,
        "tasks": {task.task_id: {
            "type": task.task_type, "arguments": arguments(task), "owner": mapped(task, "owner"),
            "retries": mapped(task, "retries"), "pool": mapped(task, "pool"),
            "timeout": (mapped(task, "execution_timeout") or 0) and mapped(task, "execution_timeout").total_seconds(),
        } for task in dag.tasks},
    } for dag in bag.dags.values()},
}))
"""


def in_airflow(home, script, *arguments, **environ):
    """Run a script with Airflow at hand, with a folder and settings of its own; gives what it prints last, as JSON."""
    ours = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "NARRAWATCH_HOME": str(home / "narrawatch"),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW_", "NARRAWATCH_"))}
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**kept, **ours, **environ},
        cwd=home,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    return in_airflow(tmp_path_factory.mktemp("airflow"), LOAD, DAGS)


@pytest.fixture(scope="module")
def dags(loaded):
    assert loaded["errors"] == {}
    return loaded["dags"]


def commands(dag):
    return [arguments for task in dag["tasks"].values() for arguments in task["arguments"]]


def test_every_file_gives_workflows(dags):
    with_workflows = {Path(dag["file"]).name for dag in dags.values()}
    assert with_workflows == {path.name for path in DAGS.glob("*.py")} - {"narrawatch_task.py"}


def test_every_workflow_has_its_manual_and_the_shared_defaults(dags):
    for name, dag in dags.items():
        assert len(dag["doc"]) > 300, name
        assert (dag["catchup"], dag["runs"], dag["timezone"]) == (False, 1, "UTC"), name
        for task in dag["tasks"].values():
            assert task["owner"] == "narrawatch"
            assert 0 < task["timeout"] <= 24 * 3600


def test_loading_them_needs_nothing_heavy(loaded):
    heavy = {"scrapy", "elasticsearch", "trafilatura", "numpy", "crawlers.outlet", "narrawatch.pipeline"}
    assert heavy & set(loaded["modules"]) == set()


def test_one_crawl_per_schedule_with_every_outlet_once(dags):
    outlets = settings_module.load({}).outlets
    wanted = {path.stem: yaml.safe_load(path.read_text("utf-8"))["schedule"] for path in outlets.glob("*.yml")}
    crawls = [dag for name, dag in dags.items() if name.startswith("crawl_")]
    assert sorted(dag["schedule"] for dag in crawls) == sorted(set(wanted.values()))
    found = {}
    for dag in crawls:
        for arguments in dag["tasks"]["crawl"]["arguments"]:
            ids = arguments[1 : arguments.index("--run-id")]
            assert 0 < len(ids) <= 25
            assert not found.keys() & set(ids)
            found |= dict.fromkeys(ids, dag["schedule"])
    assert found == wanted


GROUP = """
import json, sys
sys.path.insert(0, sys.argv[1])
import crawl_outlets
hosts = {f"a{number:02}": f"a{number}.example" for number in range(24)}
hosts |= {"b1": "b.example", "b2": "b.example", "c": ""}
print(json.dumps(crawl_outlets.grouped(hosts)))
"""


def test_outlets_of_one_domain_are_in_one_group(tmp_path):
    """Two crawls at once know nothing of each other's pace."""
    first, second = in_airflow(tmp_path, GROUP, DAGS)
    assert first == [f"a{number:02}" for number in range(24)]
    assert second == ["b1", "b2", "c"]


def test_groups_have_run_ids_of_their_own_and_process_the_same_ones(dags):
    ids = [[], []]
    for name, dag in dags.items():
        if name.startswith("crawl_"):
            for which, task in enumerate(("crawl", "process")):
                ids[which] += [arguments[-1] for arguments in dag["tasks"][task]["arguments"]]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == len(ids[0])
    assert all("logical_date" in run for run in ids[0])


def test_every_task_is_a_command_one_can_type(dags, tmp_path):
    for dag in dags.values():
        assert commands(dag)
        for arguments in commands(dag):
            parse(cli, [rendered(argument) for argument in arguments], tmp_path)
        other = {task["type"] for task in dag["tasks"].values()} - {"NarrawatchTask"}
        assert other <= {"EmptyOperator"}


def rendered(argument):
    """The argument as some run's template would be."""
    return re.sub(r"\{\{.*\}\}", "2026-W47" if "%V" in argument else "20261123T060000Z", argument)


def parse(command, arguments, home):
    """Let click read a command line as it would, without running it."""
    name = command.name
    while isinstance(command, click.Group):
        name, *arguments = arguments
        command = command.get_command(click.Context(command), name)
        assert command, f"narrawatch has no {name}"
    settings = settings_module.load({"NARRAWATCH_HOME": str(home)})
    command.make_context(name, list(arguments), parent=click.Context(cli, obj=settings))


def test_a_broken_outlet_file_takes_nothing_else_down(tmp_path):
    folder = tmp_path / "outlets"
    folder.mkdir()
    (folder / "good.yml").write_text("id: good\nschedule: '5 6 * * 1-5'\n")
    (folder / "broken.yml").write_text("id: [\n")
    (folder / "listed.yml").write_text("- id\n")
    found = in_airflow(tmp_path, LOAD, DAGS, NARRAWATCH_OUTLETS=str(folder))
    assert found["errors"] == {}
    crawl = found["dags"]["crawl_at_5_6_any_any_1-5"]
    assert crawl["schedule"] == "5 6 * * 1-5"
    assert crawl["tasks"]["crawl"]["arguments"][0][:2] == ["crawl", "good"]


def test_the_report_is_on_the_week_before_in_the_configured_zone(tmp_path):
    script = """
import datetime as dt, json, sys
from types import SimpleNamespace
from airflow.sdk.execution_time import macros
sys.path.insert(0, sys.argv[1])
import report_weekly
from airflow.dag_processing.dagbag import DagBag
dag = DagBag(sys.argv[1] + "/report_weekly.py").dags["report_weekly"]
run = SimpleNamespace(logical_date=None, run_after=dt.datetime(2026, 11, 22, 17, tzinfo=dt.UTC))
template = dag.get_template_env().from_string(report_weekly.WEEK)
print(json.dumps(template.render(dag_run=run, macros=macros)))
"""
    # In Kiritimati (+14) it is Monday 7:00 of week 48 by then, in UTC still Sunday of week 47.
    assert in_airflow(tmp_path, script, DAGS, NARRAWATCH_TIMEZONE="Pacific/Kiritimati") == "2026-W47"


RUN = """
import json, sys, datetime as dt
sys.path.insert(0, sys.argv[1])
import narrawatch_task
from airflow.sdk.execution_time.task_runner import _run_execute_callable
narrawatch_task._narrawatch = lambda: "/bin/sh"
ended = []
for script in sys.argv[3:]:
    options = {"arguments": ["-c", script], "execution_timeout": dt.timedelta(seconds=float(sys.argv[2]))}
    task = narrawatch_task.NarrawatchTask(task_id="t", shown_as="group", **options)
    context = {"raised": None}
    try:
        _run_execute_callable(context, task.execute, task)
    except BaseException as error:
        context["raised"] = type(error).__name__
    ended.append([context["raised"], context["shown_as"]])
print()
print(json.dumps(ended))
"""


def test_exit_codes(tmp_path):
    assert in_airflow(tmp_path, RUN, DAGS, 60, *(f"echo done; exit {code}" for code in range(4))) == [
        [None, "group"],
        ["AirflowException", "group"],
        ["AirflowFailException", "group"],
        [None, "group (needs a look)"],
    ]


STUBBORN = "trap '' TERM; sleep 300 & echo $! > {0}/child; echo $$ > {0}/self; while :; do sleep 1; done"
"""A shell that ignores SIGTERM, as the sleep it starts does."""


def test_a_timeout_ends_the_whole_process_group_before_the_task_ends(tmp_path):
    ended = in_airflow(tmp_path, RUN, DAGS, 2, STUBBORN.format(tmp_path))
    assert ended == [["AirflowTaskTimeout", "group"]]
    assert (tmp_path / "child").exists()
    assert not alive(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_command_ends_when_its_holder_is_killed(tmp_path, number):
    with holder(tmp_path) as process:
        process.send_signal(number)
        process.wait()
        wait_until(lambda: not alive(tmp_path))


def test_what_a_killed_command_started_ends_too(tmp_path):
    with holder(tmp_path) as process:
        os.kill(int((tmp_path / "self").read_text()), signal.SIGKILL)
        assert process.wait(10) == 128 + signal.SIGKILL
        assert not alive(tmp_path)


def holder(folder):
    """A process that holds a stubborn command's leash."""
    hold = (
        "import subprocess, sys; leash = subprocess.Popen([sys.executable, '-m', 'narrawatch.leash', *sys.argv[1:]],"
        " stdin=subprocess.PIPE, process_group=0); sys.exit(leash.wait())"
    )
    process = subprocess.Popen([sys.executable, "-c", hold, "/bin/sh", "-c", STUBBORN.format(folder)])
    wait_until(lambda: len(alive(folder)) == 2)
    return process


def alive(folder):
    pids = [int(path.read_text() or 0) for path in (folder / "child", folder / "self") if path.exists()]
    return [pid for pid in pids if runs(pid)]


def runs(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)

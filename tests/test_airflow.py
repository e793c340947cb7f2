"""The real Airflow, brought up as an operator does it, crawls outlets on loopback; its tasks are killed in every way."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
from rich.console import Console

from crawlers.warc import read
from index_config.cluster import connect
from narrawatch import local_airflow
from narrawatch import settings as settings_module
from narrawatch.airflow_components import Component
from narrawatch.demo import CARDS
from narrawatch.demo import server as demo_server
from narrawatch.demo.server import DemoSites

BIN = Path(sys.executable).parent
pytestmark = [
    pytest.mark.skipif(not (BIN / "airflow").exists(), reason="Airflow is not installed: make airflow"),
    pytest.mark.timeout(280),
]
CRAWL = "crawl_at_0_0_1_1_any"
"""Its schedule is once a year: it runs when it is switched on, and not again while we look."""


class Gate:
    """Makes one outlet slow: after some requests, its answers wait until the gate is opened. The others go on."""

    def __init__(self):
        self.address = None
        self.opened = threading.Event()
        self.waiting = 0
        self.left = 0
        self.lock = threading.Lock()
        self.open()

    def open(self):
        self.opened.set()

    def close(self, after):
        with self.lock:
            self.left, self.waiting = after, 0
            self.opened.clear()

    def pass_through(self, address):
        if address != self.address:
            return
        with self.lock:
            self.left -= 1
            self.waiting += self.left < 0 and not self.opened.is_set()
            held = self.left < 0
        if held:
            self.opened.wait(120)


@pytest.fixture(scope="module")
def gate():
    kept, gate = demo_server._Handler._answer, Gate()

    def answer(self, resource):
        gate.pass_through(self.server.server_address[0])
        kept(self, resource)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_server._Handler, "_answer", answer)
        yield gate
        gate.open()


@pytest.fixture(scope="module")
def sites(gate):
    with DemoSites(now=dt.datetime.now(dt.UTC), network="127.0.9") as sites:
        for path in sites.outlets_dir.glob("*.yml"):
            path.write_text(path.read_text("utf-8").replace("*/15 * * * *", "0 0 1 1 *"), "utf-8")
        gate.address = urlsplit(sites.base["rubezh_inform"]).hostname
        yield sites
        gate.open()


class Airflow:
    """An Airflow that `narrawatch up` started, and what one can ask it."""

    def __init__(self, environ, port):
        self.environ = environ
        self.port = port
        self.settings = settings_module.load(environ)
        self.cluster = connect(self.settings)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30)

    def narrawatch(self, *arguments, code=0):
        done = subprocess.run(
            [BIN / "narrawatch", *map(str, arguments)],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def log_in(self, password):
        token = self.client.post("/auth/token", json={"username": "admin", "password": password})
        self.client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"

    def api(self, method, path, **content):
        answer = self.client.request(method, f"/api/v2{path}", json=content or None)
        assert answer.is_success, answer.text
        return answer.json()

    def switch_on(self, dag):
        wait_until(lambda: self.client.get(f"/api/v2/dags/{dag}").is_success, f"{dag} is known")
        self.api("PATCH", f"/dags/{dag}", is_paused=False)

    def runs(self, dag):
        return self.api("GET", f"/dags/{dag}/dagRuns")["dag_runs"]

    def tasks(self, dag):
        found = self.api("GET", f"/dags/{dag}/dagRuns/~/taskInstances")["task_instances"]
        return {task["task_id"]: task for task in found}

    def processes(self):
        """All processes of this Airflow: the sessions of its components."""
        _, components = local_airflow.record_of(self.settings).read()
        return [process for component in components for process in component.members()]

    def command(self, *words):
        """The process of the `narrawatch` command with these words that a task of ours runs now, if any."""
        for process in self.processes():
            arguments = arguments_of(process)
            if str(BIN / "narrawatch") in arguments[1:2] and set(words) <= set(arguments):
                return process
        return None

    def ids(self, index):
        name = self.cluster.name(index)
        self.cluster.client.indices.refresh(index=name)
        hits = self.cluster.client.search(index=name, size=1000)["hits"]["hits"]
        return {hit["_id"]: hit["_source"] for hit in hits}


def marker(airflow):
    return airflow.settings.home / "narratives-changed"


def arguments_of(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def runs(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def listens(process):
    try:
        opened = process.net_connections("inet")
        return [(process.name(), *opening.laddr) for opening in opened if opening.status == psutil.CONN_LISTEN]
    except psutil.NoSuchProcess:  # a task's process may end between being listed and being asked
        return []


def wait_until(condition, what, seconds=90):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def airflow(node, sites, free_port, tmp_path_factory):
    ours = {
        "ELASTICSEARCH_URL": node,
        "NARRAWATCH_HOME": str(tmp_path_factory.mktemp("home")),
        "NARRAWATCH_INDEX_PREFIX": f"test-{uuid.uuid4().hex[:12]}-",
        "NARRAWATCH_ALLOW_LOOPBACK": "1",
        "NARRAWATCH_OUTLETS": str(sites.outlets_dir),
        # Longer than a command that was let go takes to end, so that no retry meets the attempt before it.
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "5",
        # Only to spend less time waiting here.
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "10",
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "2",
    }
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("NARRAWATCH_", "AIRFLOW"))}
    if cache := os.environ.get("NARRAWATCH_CACHE"):
        ours["NARRAWATCH_CACHE"] = cache
    airflow = Airflow(kept | ours, free_port())
    airflow.narrawatch("setup")
    airflow.narrawatch("narratives", "import", CARDS[0])
    try:
        said = airflow.narrawatch("up", "--airflow", "--airflow-port", airflow.port)
        assert f"Airflow answers at http://127.0.0.1:{airflow.port}" in said
        airflow.log_in(said.partition("password ")[2].split()[0])
        assert marker(airflow).exists()
        airflow.switch_on("rematch_narratives")
        yield airflow
    finally:
        airflow.narrawatch("down", "--airflow")
        airflow.client.close()
        names = list(airflow.cluster.client.indices.get(index=f"{ours['NARRAWATCH_INDEX_PREFIX']}*"))
        airflow.cluster.client.indices.delete(index=names)
        airflow.cluster.client.close()


def test_a_killed_task_is_retried_without_duplicates(airflow, gate, sites):
    gate.close(after=4)
    airflow.switch_on(CRAWL)

    # The command is killed, as for want of memory, with pages in an unfinished file.
    def under_way():
        return gate.waiting and list(airflow.settings.warc.glob("rubezh_inform/*.open")) and airflow.command("crawl")

    crawl = wait_until(under_way, "an outlet keeps the crawl waiting with pages in its file")
    run_id = arguments_of(crawl)[-1]
    crawl.kill()

    # The retry's own process, Airflow's, is killed: what it started must not go on beside the next attempt.
    gate.close(after=3)
    second = wait_until(lambda: gate.waiting and airflow.command("crawl", run_id), "a second attempt")
    leash = second.parent()
    assert "narrawatch.leash" in arguments_of(leash)
    leash.parent().kill()
    wait_until(lambda: not second.is_running() and not leash.is_running(), "the command ends with its task", 30)

    gate.open()
    wait_until(lambda: airflow.runs(CRAWL)[0]["state"] in {"success", "failed"}, "the run ends")
    tasks = airflow.tasks(CRAWL)
    assert {name: task["state"] for name, task in tasks.items()} == dict.fromkeys(
        ("crawl", "process", "match", "all_succeeded"), "success"
    )
    assert tasks["crawl"]["try_number"] == 3
    assert tasks["process"]["try_number"] == 1

    captured = Counter(capture.requested_url for path in airflow.settings.warc.glob("*/*.gz") for capture in read(path))
    assert len(captured) > 25
    assert set(captured.values()) == {1}
    assert all(path.name.startswith(f"{run_id}-") for path in airflow.settings.warc.glob("*/*.gz"))
    hashes = Counter((article["outlet"], article["text_hash"]) for article in airflow.ids("articles").values())
    assert set(hashes.values()) == {1}
    flags = airflow.ids("flags")
    assert len(flags) >= 5
    assert len({(flag["article"], flag["narrative"]) for flag in flags.values()}) == len(flags)
    assert {document["run"] for document in airflow.ids("crawls").values()} == {run_id}


def test_changed_cards_start_the_matching(airflow):
    wait_until(lambda: airflow.runs("rematch_narratives"), "an event for the cards imported before Airflow ran")
    assert not marker(airflow).exists()
    airflow.narrawatch("narratives", "import", *CARDS[1:])
    wait_until(
        lambda: [run["state"] for run in airflow.runs("rematch_narratives")] == ["success"] * 2, "a run for each change"
    )
    assert {run["run_type"] for run in airflow.runs("rematch_narratives")} == {"asset_triggered"}


def test_it_listens_on_loopback_only_and_keeps_its_secrets(airflow):
    listening = {address for process in airflow.processes() for address in listens(process)}
    assert {address[1:] for address in listening} == {("127.0.0.1", airflow.port)}, listening
    assert httpx.get(f"http://127.0.0.1:{airflow.port}/api/v2/dags", trust_env=False).status_code == 401
    folder = local_airflow.folder_of(airflow.settings)
    assert folder.stat().st_mode & 0o077 == 0
    kept = json.loads((folder / "secrets.json").read_text())
    assert len(kept["jwt"].encode()) >= 64


def test_status_and_a_second_up(airflow):
    found = json.loads(airflow.narrawatch("status", "--json"))["airflow"]
    assert found["healthy"] is True
    assert f"Airflow at {found['url']}: healthy" in airflow.narrawatch("status")
    assert f"Airflow already runs at {found['url']}" in airflow.narrawatch("up", "--airflow")
    assert airflow.api("GET", "/importErrors")["total_entries"] == 0
    assert airflow.api("GET", "/dagWarnings")["total_entries"] == 0  # a pool that does not exist would be one
    assert {pool["name"] for pool in airflow.api("GET", "/pools")["pools"]} >= {"narrawatch_crawl", "narrawatch_match"}


def test_a_port_in_use_is_refused_with_its_holders_name(airflow, tmp_path):
    environ = {**airflow.environ, "NARRAWATCH_HOME": str(tmp_path)}
    said = Airflow(environ, 0).narrawatch("up", "--airflow", "--airflow-port", airflow.port, code=1)
    api_server = json.loads(airflow.narrawatch("status", "--json"))["airflow"]["processes"]["api-server"]
    assert f"port {airflow.port} is held by " in said
    assert f"process {api_server}; stop that, or choose another: --airflow-port {airflow.port + 1}" in said


def test_clearing_a_task_ends_it_first_and_down_leaves_nothing(airflow, gate):
    gate.close(after=0)
    cleared = airflow.api(
        "POST", f"/dags/{CRAWL}/clearTaskInstances", dry_run=False, task_ids=["crawl"], only_failed=False
    )
    assert cleared["total_entries"] == 1
    first = wait_until(lambda: gate.waiting and airflow.command("crawl"), "the cleared task runs")
    airflow.api("POST", f"/dags/{CRAWL}/clearTaskInstances", dry_run=False, task_ids=["crawl"], only_failed=False)
    second = wait_until(lambda: (now := airflow.command("crawl")) and now.pid != first.pid and now, "it runs again")
    assert not first.is_running()

    # With a task in the middle of its work, since that is what `down` must also end.
    ours = airflow.processes()
    assert second in ours
    assert len(ours) > 8
    said = airflow.narrawatch("down", "--airflow")
    assert said == "Airflow is stopped\n"
    assert [process for process in ours if runs(process)] == []
    home = str(airflow.settings.home)
    assert [process for process in psutil.process_iter() if any(home in word for word in arguments_of(process))] == []
    assert airflow.narrawatch("down", "--airflow") == "No Airflow started by `narrawatch up` runs here\n"


def test_a_reused_process_number_is_never_taken_for_ours():
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        created = psutil.Process(process.pid).create_time()
        assert [member.pid for member in Component("scheduler", process.pid, created).members()] == [process.pid]
        assert Component("scheduler", process.pid, created - 60).members() == []
        process.send_signal(signal.SIGKILL)


def test_without_airflow_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(local_airflow.AirflowError, match="make airflow"):
        local_airflow.up(settings_module.load({"NARRAWATCH_HOME": str(tmp_path)}), Console())

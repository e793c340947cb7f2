"""The local node: fetched whole, started once, found again, never confused with somebody else's process."""

import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import httpx
import psutil
import pytest
from rich.console import Console

from index_config import local_node
from index_config.node_folder import prepare
from index_config.node_machine import ask, port_holder
from index_config.node_prerequisites import UNPACKED, NodeError, account, check, find_jdk, local
from index_config.node_process import Node
from index_config.node_release import install, intact, sha256
from narrawatch.settings import load

QUIET = Console(quiet=True)
FILES = {"lib/a.jar": b"a" * 3000, "config/elasticsearch.yml": b"# theirs\n", "config/jvm.options": b"-Xss1m\n"}


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "artifact.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as contents:
        contents.writestr("sonarqube-1/web/index.html", "left out")
        for name, data in FILES.items():
            contents.writestr(f"sonarqube-1/elasticsearch/{name}", data)
    return path


class Copying:
    """Fetches by copying; hands out the broken copies first."""

    def __init__(self, archive, broken=0):
        self.archive, self.broken, self.calls = archive, broken, 0

    def __call__(self, folder, console):
        self.calls += 1
        data = self.archive.read_bytes()
        target = folder / "artifact.zip"
        target.write_bytes(data[: len(data) // 2] if self.calls <= self.broken else data)
        return target


def test_only_the_elasticsearch_folder_is_kept_and_the_archive_dropped(archive, open_folder):
    target = install(open_folder / "cache", QUIET, fetch=Copying(archive), digest=sha256(archive))
    assert {
        str(path.relative_to(target)): path.read_bytes()
        for path in target.rglob("*.*")
        if path.name != "MANIFEST.sha256"
    } == FILES
    assert sorted(path.name for path in target.parent.iterdir()) == [UNPACKED, f"{UNPACKED}.lock"]
    command = ["/bin/cat", target / "lib/a.jar"]  # as the user who will run it
    assert subprocess.check_output(command, cwd="/", **account().arguments) == b"a" * 3000


def test_a_second_call_fetches_nothing(archive, tmp_path):
    fetch = Copying(archive)
    for _ in range(2):
        install(tmp_path / "cache", QUIET, fetch=fetch, digest=sha256(archive))
    assert fetch.calls == 1


def test_a_broken_download_is_fetched_once_again(archive, tmp_path):
    fetch = Copying(archive, broken=1)
    assert intact(install(tmp_path / "cache", QUIET, fetch=fetch, digest=sha256(archive)))
    assert fetch.calls == 2


def test_a_download_broken_twice_is_a_clear_error_and_leaves_nothing(archive, tmp_path):
    with pytest.raises(NodeError, match=r"fetched, twice: it has SHA-256 .* check the network and the mirror"):
        install(tmp_path / "cache", QUIET, fetch=Copying(archive, broken=2), digest=sha256(archive))
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [f"{UNPACKED}.lock"]


@pytest.mark.parametrize("harm", ["changed", "removed", "manifest"])
def test_a_damaged_release_is_made_again(archive, tmp_path, harm):
    fetch = Copying(archive)
    target = install(tmp_path / "cache", QUIET, fetch=fetch, digest=sha256(archive))
    if harm == "changed":
        (target / "lib/a.jar").write_bytes(b"b" * 3000)
    else:
        (target / ("lib/a.jar" if harm == "removed" else "MANIFEST.sha256")).unlink()
    assert not intact(target)
    install(tmp_path / "cache", QUIET, fetch=fetch, digest=sha256(archive))
    assert (target / "lib/a.jar").read_bytes() == b"a" * 3000
    assert fetch.calls == 2


def test_what_a_killed_fetch_left_is_removed(archive, tmp_path):
    leftover = tmp_path / "cache" / "fetch-killed"
    leftover.mkdir(parents=True)
    (leftover / "half.zip").write_bytes(b"half")
    install(tmp_path / "cache", QUIET, fetch=Copying(archive), digest=sha256(archive))
    assert not leftover.exists()


def test_an_archive_cannot_write_outside_its_folder(tmp_path):
    path = tmp_path / "artifact.zip"
    with zipfile.ZipFile(path, "w") as contents:
        contents.writestr("sonarqube-1/elasticsearch/../../../escaped", "x")
    with pytest.raises(NodeError, match="outside its folder"):
        install(tmp_path / "cache", QUIET, fetch=Copying(path), digest=sha256(path))
    assert not list(tmp_path.rglob("escaped"))


def test_a_cache_that_cannot_be_written_is_one_clear_line(archive, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(NodeError, match=r"cannot put Elasticsearch into .*set NARRAWATCH_CACHE"):
        install(tmp_path / "cache", QUIET, fetch=Copying(archive), digest=sha256(archive))


def test_a_jdk_is_found_beside_an_older_java(tmp_path):
    home = find_jdk({"JAVA_HOME": str(tmp_path / "none"), "PATH": os.environ["PATH"]})
    assert "jdk.jdi" in subprocess.check_output([home / "bin/java", "--list-modules"], text=True)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:9200", True),
        ("http://localhost:9200", True),
        ("http://[::1]:9200", True),
        ("https://127.0.0.1:9200", False),
        ("http://search.example.org:9200", False),
        ("http://127.0.0.1/search", False),
    ],
)
def test_a_node_is_started_on_plain_loopback_only(url, expected):
    assert local(load({"ELASTICSEARCH_URL": url})) is expected


def test_prerequisites_are_checked_without_installed_packages(free_port):
    """`make` runs this before it installs anything; -S hides what is installed."""
    environ = os.environ | {"ELASTICSEARCH_URL": f"http://127.0.0.1:{free_port()}"}
    root = Path(local_node.__file__).parents[1]
    command = [sys.executable, "-S", "-W", "error", "-m", "index_config.node_prerequisites"]
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_missing_maven_is_one_line_with_the_remedy(tmp_path, free_port, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))  # no artifact of Maven's here
    monkeypatch.setenv("JAVA_HOME", str(find_jdk()))
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(
        NodeError, match=r"Maven .* install the package `maven`, or .* Docker, and set ELASTICSEARCH_URL"
    ) as error:
        check(load({"ELASTICSEARCH_URL": f"http://127.0.0.1:{free_port()}", "NARRAWATCH_CACHE": str(tmp_path)}))
    assert "\n" not in str(error.value)


def test_missing_prerequisites_do_not_matter_where_something_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        check(load({"ELASTICSEARCH_URL": url, "NARRAWATCH_CACHE": str(tmp_path)}))


@pytest.fixture
def listener(tmp_path):
    """A program that holds a port: (port, its process)."""
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        yield int(process.stdout.readline().split()[5]), process
        process.kill()


def test_a_held_port_is_refused_and_its_holder_named(listener, open_folder):
    port, process = listener
    settings = load({"NARRAWATCH_HOME": str(open_folder), "ELASTICSEARCH_URL": f"http://127.0.0.1:{port}"})
    with pytest.raises(
        NodeError, match=rf"port {port} is held by python.*, process {process.pid}; .* ELASTICSEARCH_URL="
    ) as error:
        local_node.up(settings, QUIET)
    assert "\n" not in str(error.value)
    assert process.poll() is None


def test_a_port_held_on_all_addresses_counts(free_port):
    with socket.create_server(("0.0.0.0", 0)) as server:
        assert f"process {os.getpid()}" in port_holder("127.0.0.1", server.getsockname()[1])
    assert port_holder("127.0.0.1", free_port()) is None


@pytest.mark.parametrize("content", ["", "nonsense", "http://127.0.0.1:1\n", "http://127.0.0.1:1\n999999999\n"])
def test_a_stale_or_broken_record_means_nothing_runs(open_folder, content):
    (open_folder / "node.pid").write_text(content)
    assert Node(open_folder, 1).processes() == []
    assert Node(open_folder, 1).stop() is False


def test_a_process_id_reused_by_another_program_is_left_alone(open_folder):
    with subprocess.Popen(["/bin/sleep", "60"], start_new_session=True) as other:
        (open_folder / "node.pid").write_text(f"http://127.0.0.1:1\n{other.pid}\n")
        assert Node(open_folder, 1).processes() == []
        assert Node(open_folder, 1).stop() is False
        assert other.poll() is None
        other.kill()


def test_data_of_another_user_is_refused(archive, open_folder):
    release = install(open_folder / "cache", QUIET, fetch=Copying(archive), digest=sha256(archive))
    if os.geteuid() != 0:
        pytest.skip("only root can make another user's folder")
    (open_folder / "node" / "data").mkdir(parents=True)
    os.chown(open_folder / "node" / "data", 4711, 4711)
    with pytest.raises(NodeError, match="belongs to user id 4711"):
        prepare(open_folder / "node", release, account(), host="127.0.0.1", port=1)


def test_a_home_the_unprivileged_user_cannot_enter_moves_the_node_to_the_cache(tmp_path, open_folder):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    environ = {"NARRAWATCH_CACHE": str(open_folder)}
    node = local_node.node_of(load(environ | {"NARRAWATCH_HOME": str(closed)}))
    expected = open_folder / "nodes" if os.geteuid() == 0 else closed.resolve()
    assert node.folder.is_relative_to(expected)
    elsewhere = local_node.node_of(load(environ | {"NARRAWATCH_HOME": str(tmp_path / "other")}))
    assert elsewhere.folder != node.folder


def test_a_start_that_fails_says_why_and_leaves_no_process(open_folder, free_port):
    release, jdk = local_node.ensure(load().cache, QUIET)
    node = Node(open_folder / "node", free_port())
    (node.folder / "data" / "node.lock").mkdir(parents=True)  # where Elasticsearch wants to make a file
    with pytest.raises(NodeError, match=r"ended while it started: .*node.lock.*; see .*console\.log") as error:
        node.start(release, jdk)
    assert "\n" not in str(error.value)
    assert node.processes() == []


def test_life_of_a_node(open_folder, free_port):
    """Start, be killed, start again by two commands at once, keep the data, stop."""
    settings = load({"NARRAWATCH_HOME": str(open_folder), "ELASTICSEARCH_URL": f"http://127.0.0.1:{free_port()}"})
    node = local_node.node_of(settings)
    try:
        local_node.up(settings, QUIET)
        assert all(process.uids().real == account().uid for process in node.processes())
        httpx.put(f"{node.url}/kept/_doc/1?refresh=true", json={"word": "kept"}).raise_for_status()

        os.killpg(os.getpgid(node.processes()[0].pid), signal.SIGKILL)
        _wait_until(lambda: not node.processes())
        assert local_node.status(settings)["answers"] is False

        environ = os.environ | {"NARRAWATCH_HOME": str(open_folder), "ELASTICSEARCH_URL": node.url}
        command = [Path(sys.executable).with_name("narrawatch"), "up"]
        both = [subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        said = sorted(process.communicate(timeout=200)[0].splitlines()[-1] for process in both)
        assert [process.returncode for process in both] == [0, 0]
        assert said[0].startswith("Elasticsearch already runs")
        assert said[1].startswith("Elasticsearch answers after")
        assert ask(node.host, node.port, "/kept/_doc/1")["_source"] == {"word": "kept"}

        found = local_node.status(settings)
        assert (found["ours"], found["answers"], found["version"]) == (True, True, "9.4.3")
        with pytest.raises(NodeError, match=f"already runs at {node.url}"):
            local_node.up(load(environ, elasticsearch_url=f"http://127.0.0.1:{free_port()}"), QUIET)
        other = load(environ | {"NARRAWATCH_HOME": str(open_folder / "other")})
        assert local_node.down(other, QUIET) is False
        group = os.getpgid(node.processes()[0].pid)
        assert local_node.down(settings, QUIET) is True
    finally:
        node.stop()
    assert not [process for process in psutil.process_iter() if _in_group(process, group)]
    assert port_holder(node.host, node.port) is None


def _in_group(process, group):
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (OSError, psutil.Error):
        return False


def _wait_until(done, seconds=20):
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)

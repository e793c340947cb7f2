"""One Elasticsearch node for the whole run, and an index prefix and a home of its own for every test."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from elasticsearch import Elasticsearch
from filelock import FileLock
from rich.console import Console

from index_config.apply import apply
from index_config.cluster import Cluster, connect
from index_config.local_node import ensure
from index_config.node_process import Node
from narrawatch import settings as settings_module
from narrawatch.settings import Settings

Narrawatch = Callable[..., "subprocess.CompletedProcess[str]"]
_FOLDER = "narrawatch-node-"


def _end_orphans() -> None:
    """End the nodes of earlier runs that were killed: their folders are named for the process that made them."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*-*"):
        maker = int(folder.name.split("-")[2])
        if folder.stat().st_uid == os.geteuid() and not psutil.pid_exists(maker):
            Node(folder, 0).stop()
            shutil.rmtree(folder)


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    """A function that gives a loopback port nobody listens at."""

    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the unprivileged user can enter; pytest's own are closed to all but us."""
    folder = Path(tempfile.mkdtemp(prefix="narrawatch-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def node(free_port: Callable[[], int]) -> Iterator[str]:
    """The URL of an Elasticsearch: the one in ELASTICSEARCH_URL, else our own on a free port until the run ends."""
    if given := os.environ.get("ELASTICSEARCH_URL"):
        yield given
        return
    shared = Path(tempfile.gettempdir()) / f"narrawatch-tests-{os.environ.get('PYTEST_XDIST_TESTRUNUID', os.getpid())}"
    shared.mkdir(exist_ok=True)
    users = shared / "users"
    with FileLock(shared / "lock"):
        if not users.exists():
            _start_node(shared, free_port())
        users.write_text(f"{int(users.read_text()) + 1 if users.exists() else 1}")
        folder, port = (shared / "node").read_text().split("\n")
    try:
        yield Node(Path(folder), int(port)).url
    finally:
        with FileLock(shared / "lock"):
            left = int(users.read_text()) - 1
            users.write_text(str(left))
            if not left:
                Node(Path(folder), int(port)).stop()
                shutil.rmtree(folder)
                users.unlink()
        if not left:
            shutil.rmtree(shared)


def _start_node(shared: Path, port: int) -> None:
    """Start the node that all workers of this run use, in a folder named for the process that leads them."""
    _end_orphans()
    release, jdk = ensure(settings_module.load().cache, Console(stderr=True))
    leader = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    folder = Path(tempfile.mkdtemp(prefix=f"{_FOLDER}{leader}-"))
    folder.chmod(0o755)
    Node(folder, port).start(release, jdk)
    (shared / "node").write_text(f"{folder}\n{port}")


def _environ(node: str, home: Path) -> dict[str, str]:
    """The environment of a `narrawatch` with this home and indices of its own."""
    ours = {
        "ELASTICSEARCH_URL": node,
        "NARRAWATCH_HOME": str(home),
        "NARRAWATCH_INDEX_PREFIX": f"test-{uuid.uuid4().hex[:12]}-",
        "NARRAWATCH_ALLOW_LOOPBACK": "1",
        "COLUMNS": "200",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("NARRAWATCH_", "KIBANA_"))}
    if cache := os.environ.get("NARRAWATCH_CACHE"):
        ours["NARRAWATCH_CACHE"] = cache
    return kept | ours


def _clean(environ: dict[str, str]) -> None:
    with connect(settings_module.load(environ)).client as client:
        _delete(client, environ["NARRAWATCH_INDEX_PREFIX"])


@pytest.fixture
def environ(node: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a `narrawatch` that works on its own home and indices, which are deleted afterwards."""
    ours = _environ(node, tmp_path / "home")
    yield ours
    _clean(ours)


@pytest.fixture(scope="module")
def shared_environ(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """An environment as `environ` gives, for what a module's tests only look at."""
    ours = _environ(node, tmp_path_factory.mktemp("home"))
    yield ours
    _clean(ours)


@pytest.fixture(scope="module")
def shared_cluster(shared_environ: dict[str, str]) -> Iterator[Cluster]:
    """A connection to the indices of `shared_environ`, set up."""
    ours = connect(settings_module.load(shared_environ))
    with ours.client:
        apply(ours)
        yield ours


@pytest.fixture(scope="module")
def shared_narrawatch(shared_environ: dict[str, str]) -> Narrawatch:
    """Run the command in `shared_environ`."""
    return runner(shared_environ)


def _delete(client: Elasticsearch, prefix: str) -> None:
    names = list(client.indices.get(index=f"{prefix}*", expand_wildcards="all", ignore_unavailable=True))
    if names:
        client.indices.delete(index=names)


@pytest.fixture
def settings(environ: dict[str, str]) -> Settings:
    """The settings `environ` amounts to."""
    return settings_module.load(environ)


@pytest.fixture
def cluster(settings: Settings) -> Iterator[Cluster]:
    """A connection to indices of this test's own, set up and empty."""
    ours = connect(settings)
    with ours.client:
        apply(ours)
        yield ours


@pytest.fixture
def narrawatch(environ: dict[str, str]) -> Narrawatch:
    """Run the command as a user does: narrawatch("flags", "list", check=True, **what subprocess.run takes)."""
    return runner(environ)


def runner(environ: dict[str, str]) -> Narrawatch:
    command = Path(sys.executable).with_name("narrawatch")

    def run(*arguments: object, check: bool = True, **options: object) -> "subprocess.CompletedProcess[str]":
        options = {"capture_output": True, "text": True, "env": environ, "timeout": 280} | options
        done = subprocess.run([command, *map(str, arguments)], check=False, **options)
        if check and done.returncode:
            pytest.fail(f"narrawatch {arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done

    return run

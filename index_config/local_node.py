"""The Elasticsearch node of one installation: `up`, `down` and `status`. Run as a module, it only fetches the release."""

import hashlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from elasticsearch import ApiError, TransportError
from rich.console import Console

from index_config.cluster import connect, reachable
from index_config.node_folder import make_open, may_pass
from index_config.node_machine import ask
from index_config.node_prerequisites import NodeError, account, check, chosen, find_jdk, local, there
from index_config.node_process import Node
from index_config.node_release import alone, install
from narrawatch.errors import NarrawatchError
from narrawatch.settings import Settings, load


def ensure(cache: Path, console: Console) -> tuple[Path, Path]:
    """The folder of an intact Elasticsearch release (fetched if need be) and the home of a JDK that can run it.

    Raises:
        NodeError: a prerequisite is missing, or the release cannot be fetched.
    """
    jdk = find_jdk()
    return install(cache, console), jdk


def node_of(settings: Settings) -> Node:
    """The node of this installation, running or not. There is one a home, whatever port it is asked to answer at.

    Its folder is below NARRAWATCH_HOME where the user who runs Elasticsearch can go, else below NARRAWATCH_CACHE.
    """
    url = urlsplit(settings.elasticsearch_url)
    home = settings.home.resolve()
    elsewhere = settings.cache / "nodes" / hashlib.sha256(str(home).encode()).hexdigest()[:16]
    places = [home / "elasticsearch", elsewhere] if _enters(home) else [elsewhere]
    folder = next((place for place in places if there(place / "data")), places[0])
    return Node(folder, url.port or 80, url.hostname or "127.0.0.1")


def _enters(home: Path) -> bool:
    nearest = next(path for path in (home, *home.parents) if there(path))
    return may_pass(nearest, account())


@contextmanager
def _locked(node: Node, console: Console) -> Iterator[None]:
    try:
        make_open(node.folder)
    except OSError as error:
        raise NodeError(
            f"cannot write {node.folder}: {error.strerror}; set NARRAWATCH_HOME to a folder you can write"
        ) from error
    with alone(node.folder / "lock", console):
        yield


def up(settings: Settings, console: Console) -> None:
    """Have an Elasticsearch answer at ELASTICSEARCH_URL: start our node there, or see that somebody else's answers.

    Raises:
        NodeError: it cannot be started; the message says why and what to do.
        ClusterError: ELASTICSEARCH_URL is elsewhere, and nothing answers there.
    """
    url = settings.elasticsearch_url
    if not local(settings):
        reachable(connect(settings), url)
        _say(console, f"Elasticsearch answers at {url}; it is not on this machine, so there is nothing to start")
        return
    node = node_of(settings)
    if not node.processes() and chosen(settings) and "cluster_name" in ask(node.host, node.port, "/"):
        _say(
            console,
            f"Elasticsearch answers at {url}; `narrawatch up` did not start it here, and ELASTICSEARCH_URL names it",
        )
        return
    with _locked(node, console):
        if node.processes():
            _already_running(node, console)
        else:
            _start(node, settings, console)


def _already_running(node: Node, console: Console) -> None:
    recorded = node.recorded_url()
    if recorded != node.url:
        raise NodeError(
            f"the Elasticsearch of {node.folder} already runs at {recorded}; set ELASTICSEARCH_URL={recorded}, "
            "or stop it first with `narrawatch down`"
        )
    with console.status("Waiting for Elasticsearch"):
        node.wait()
    _say(console, f"Elasticsearch already runs at {node.url} (process {node.processes()[0].pid})")


def _start(node: Node, settings: Settings, console: Console) -> None:
    node.refuse_taken_port()
    check(settings)
    release, jdk = ensure(settings.cache, console)
    _say(console, f"Starting Elasticsearch 9.4.3 at {node.url}, data in {node.folder}")
    with console.status("Waiting for Elasticsearch") as line:
        seconds = node.start(
            release, jdk, tell=lambda passed: line.update(f"Waiting for Elasticsearch: {passed:.0f} s")
        )
    _say(console, f"Elasticsearch answers after {seconds:.0f} s")


def down(settings: Settings, console: Console) -> bool:
    """Stop the node of this installation; its data stays. Gives whether one ran.

    Raises:
        NodeError: it belongs to another user, or does not end.
    """
    node = node_of(settings)
    if not there(node.folder):
        return False
    with _locked(node, console), console.status("Stopping Elasticsearch"):
        return node.stop()


def status(settings: Settings) -> dict[str, Any]:
    """What runs: url, ours (whether `up` started it), answers, version, health, pid, folder and log (ours only)."""
    answer: dict[str, Any] = {
        "url": settings.elasticsearch_url,
        "ours": False,
        "answers": False,
        "version": None,
        "health": None,
    }
    answer |= {"pid": None, "folder": None, "log": None, "problem": None}
    node = node_of(settings) if local(settings) else None
    if node and (running := node.processes()):
        answer |= {"ours": True, "pid": running[0].pid, "folder": str(node.folder), "log": str(node.log)}
        answer["url"] = node.recorded_url()
    try:
        client = connect(settings).client.options(request_timeout=5, max_retries=0)
        answer["version"] = client.info()["version"]["number"]
        answer["health"] = client.cluster.health()["status"]
        answer["answers"] = True
    except (ApiError, TransportError, ValueError, KeyError) as error:
        answer["problem"] = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    return answer


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    try:
        chosen_settings = load()
        if not chosen(chosen_settings):
            ensure(chosen_settings.cache, Console())
    except NarrawatchError as problem:
        sys.exit(f"narrawatch: {problem}")

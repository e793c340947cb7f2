"""Airflow for one machine, on SQLite and loopback: `up --airflow`, `down` and `status`."""

import importlib.util
import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from index_config.node_machine import ask, port_holder
from index_config.node_release import alone
from narrawatch.airflow_components import AirflowError, Record, airflow, commands
from narrawatch.airflow_environment import DAGS, HOST, USER, Secrets, environment, load_secrets, pools
from narrawatch.settings import Settings

PORT = 8080
_HEALTH = "/api/v2/monitor/health"
_PARTS = ("metadatabase", "scheduler", "dag_processor", "triggerer")
_PATIENCE = 180


def folder_of(settings: Settings) -> Path:
    """Airflow's home: database, logs, secrets."""
    return settings.home / "airflow"


def record_of(settings: Settings) -> Record:
    return Record(folder_of(settings) / "components.json")


def up(settings: Settings, console: Console, *, port: int = PORT) -> None:
    """Start Airflow, or see that it runs; prints its address and login.

    Raises:
        AirflowError: it is not installed, the port is taken, or it does not come up; the message says what to do.
    """
    if importlib.util.find_spec("airflow") is None:
        raise AirflowError("Airflow is not installed in this environment; install it with `make airflow`")
    if not DAGS.is_dir():
        raise AirflowError(f"{DAGS}: no such folder; Airflow's workflows come with a checkout of the repository only")
    folder, record = folder_of(settings), record_of(settings)
    with _locked(folder, console):
        secrets = _secrets(folder)
        running, components = record.read()
        if components and all(component.alive() for component in components):
            _say(console, f"Airflow already runs at {_url(running)}; log in as {USER}, password {secrets.password}")
            return
        record.stop()
        if holder := port_holder(HOST, port):
            raise AirflowError(
                f"port {port} is held by {holder}; stop that, or choose another: --airflow-port {port + 1}"
            )
        seconds = _start(settings, console, record, port, secrets)
    _say(
        console, f"Airflow answers at {_url(port)} after {seconds:.0f} s; log in as {USER}, password {secrets.password}"
    )
    _say(console, "Its workflows are paused until you switch them on there; `narrawatch down` ends all of it")


def down(settings: Settings, console: Console) -> bool:
    """End every process that `up` started, and theirs; data stays. Gives whether anything ran.

    Raises:
        AirflowError: one does not end.
    """
    record = record_of(settings)
    if not record.path.exists():
        return False
    with _locked(record.path.parent, console), console.status("Stopping Airflow"):
        return record.stop()


def status(settings: Settings) -> dict[str, Any] | None:
    """What runs: url, healthy, and per part `healthy`, `unhealthy` or `stopped`; None when Airflow was not started."""
    port, components = record_of(settings).read()
    if not components:
        return None
    parts = _health(port)
    parts |= {"api_server": "healthy" if parts else "unhealthy"}
    for component in components:
        if not component.alive():
            parts[component.name.replace("-", "_")] = "stopped"
    healthy = all(parts.get(part) == "healthy" for part in (*_PARTS, "api_server"))
    return {
        "url": _url(port),
        "healthy": healthy,
        "parts": parts,
        "processes": {component.name: component.pid for component in components},
        "folder": str(folder_of(settings)),
    }


@contextmanager
def _locked(folder: Path, console: Console) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        (folder / "logs").mkdir(exist_ok=True)
    except OSError as error:
        raise AirflowError(
            f"{folder}: cannot write ({error.strerror}); set NARRAWATCH_HOME to a folder you can write"
        ) from error
    with alone(folder / "lock", console):
        yield


def _secrets(folder: Path) -> Secrets:
    try:
        return load_secrets(folder)
    except (OSError, ValueError, TypeError) as error:
        raise AirflowError(
            f"{folder / 'secrets.json'}: cannot be used ({error}); delete it, and `up` makes new ones"
        ) from error


def _start(settings: Settings, console: Console, record: Record, port: int, secrets: Secrets) -> float:
    began, folder = time.monotonic(), record.path.parent
    environ = environment(settings, folder, port, secrets)
    _say(console, f"Starting Airflow at {_url(port)}, data in {folder}")
    with console.status("Setting up Airflow's database") as line:
        try:
            _prepare(folder, environ)
            for name, command in commands(port).items():
                record.start(name, command, environ, _log(folder, name), port)
            _wait(folder, record, port, lambda missing: line.update(f"Waiting for Airflow: {missing}"))
        except BaseException:  # Ctrl-C too: what we leave behind is either healthy or gone
            record.stop()
            raise
    return time.monotonic() - began


def _prepare(folder: Path, environ: Mapping[str, str]) -> None:
    (folder / "pools.json").write_text(json.dumps(pools()), "utf-8")
    for command in (["db", "migrate"], ["pools", "import", str(folder / "pools.json")]):
        log = _log(folder, command[0])
        with log.open("wb") as output:
            done = subprocess.run(
                airflow(command),
                env=environ,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        if done.returncode:
            raise AirflowError(f"`airflow {' '.join(command)}` failed: {_last_line(log)}; see {log}")


def _wait(folder: Path, record: Record, port: int, tell: Any) -> None:
    deadline = time.monotonic() + _PATIENCE
    while missing := [part for part in _PARTS if _health(port).get(part) != "healthy"]:
        for component in record.read()[1]:
            log = _log(folder, component.name)
            if not component.alive():
                raise AirflowError(f"Airflow's {component.name} ended while it started: {_last_line(log)}; see {log}")
        if time.monotonic() > deadline:
            raise AirflowError(
                f"Airflow's {', '.join(missing)} did not become healthy in {_PATIENCE} s; see {folder}/logs"
            )
        tell(", ".join(missing))
        time.sleep(0.5)


def _health(port: int) -> dict[str, str]:
    answer = ask(HOST, port, _HEALTH)
    return {part: str(answer[part].get("status")) for part in _PARTS if isinstance(answer.get(part), dict)}


def _log(folder: Path, name: str) -> Path:
    return folder / "logs" / f"{name}.log"


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
    return (lines or ["nothing in its log"])[-1][:300]


def _url(port: int) -> str:
    return f"http://{HOST}:{port}"


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)

"""Airflow's processes on this machine: started one by one, each in a session of its own, and ended with all in it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from narrawatch.airflow_environment import HOST, write_private
from narrawatch.errors import NarrawatchError

_CLOCK_STEP = 5.0
"""Seconds by which the start time that the system tells of a process may change: it moves when the clock is set."""
_PATIENCE = 15.0


class AirflowError(NarrawatchError):
    """The local Airflow cannot be started or stopped; the message is one line with the remedy."""


@dataclass(frozen=True)
class Component:
    """A process we started, the leader of its session; everything Airflow starts for it stays in that session."""

    name: str
    pid: int
    created: float

    def alive(self) -> bool:
        leader = _process(self.pid)
        return leader is not None and self._is(leader) and leader.status() != psutil.STATUS_ZOMBIE

    def members(self) -> list[psutil.Process]:
        """What lives of its session, also when the leader is gone; none when its number belongs to others by now."""
        leader = _process(self.pid)
        if leader is not None and not self._is(leader):
            return []
        return list(_session(self.pid))

    def _is(self, process: psutil.Process) -> bool:
        return abs(process.create_time() - self.created) < _CLOCK_STEP


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _session(identifier: int) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == identifier and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except (psutil.Error, OSError):  # ended while we looked, or is not ours to see
            continue


def commands(port: int) -> dict[str, list[str]]:
    """Airflow's commands by component, the one that the others need first.

    The log servers are left out: they listen at all addresses, and on one machine the interface reads the files.
    """
    return {
        "api-server": ["api-server", "--host", HOST, "--port", str(port), "--workers", "1"],
        "dag-processor": ["dag-processor"],
        "scheduler": ["scheduler", "--skip-serve-logs"],
        "triggerer": ["triggerer", "--skip-serve-logs"],
    }


def airflow(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "airflow", *arguments]


@dataclass(frozen=True)
class Record:
    """Which processes run, in a file, so that another command can find and end them."""

    path: Path

    def read(self) -> tuple[int, list[Component]]:
        """The port, and the components; 0 and none when nothing was started, or the file is damaged."""
        try:
            content = json.loads(self.path.read_text("utf-8"))
            return int(content["port"]), [Component(**item) for item in content["components"]]
        except (OSError, ValueError, KeyError, TypeError):
            return 0, []

    def start(self, name: str, command: Sequence[str], environ: Mapping[str, str], log: Path, port: int) -> None:
        """Start a component and write it down."""
        with log.open("wb") as output:
            process = subprocess.Popen(
                airflow(command),
                env=environ,
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = Component(name, process.pid, psutil.Process(process.pid).create_time())
        components = [*self.read()[1], started]
        write_private(self.path, {"port": port, "components": [asdict(component) for component in components]})

    def stop(self) -> bool:
        """End everything that was started, and what that started. Gives whether anything ran.

        The scheduler goes first, while the API still answers: so the tasks it ends can say how they ended.

        Raises:
            AirflowError: something does not end, or belongs to another user.
        """
        _, components = self.read()
        ran = False
        for component in sorted(components, key=lambda item: item.name != "scheduler"):
            ran |= _end(component)
        self.path.unlink(missing_ok=True)
        return ran


def _end(component: Component) -> bool:
    ran = bool(component.members())
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _PATIENCE
        told: set[int] = set()
        while (members := component.members()) and time.monotonic() < deadline:
            _signal([member for member in members if member.pid not in told], number)
            told |= {member.pid for member in members}
            time.sleep(0.1)
    if left := component.members():
        raise AirflowError(f"{left[0].name()}, process {left[0].pid} (Airflow's {component.name}) does not end")
    return ran


def _signal(processes: Sequence[psutil.Process], number: int) -> None:
    for process in processes:
        try:
            process.send_signal(number)
        except psutil.NoSuchProcess:
            continue
        except psutil.AccessDenied as error:
            raise AirflowError(
                f"process {process.pid} (Airflow) was started by another user; stop it as that user"
            ) from error

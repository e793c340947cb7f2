"""One Elasticsearch node as a process: started apart from us, found again by its process group, stopped cleanly."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from index_config.node_folder import prepare
from index_config.node_machine import CONFIG_ARGUMENT, ask, command_of, group_members, port_holder, signal_group
from index_config.node_prerequisites import Account, NodeError, account

_PATIENCE = 180


@dataclass(frozen=True)
class Node:
    """A node by its folder (data, logs, configuration; only one may run in it) and the address it shall answer at."""

    folder: Path
    port: int
    host: str = "127.0.0.1"

    @property
    def url(self) -> str:
        return f"http://[{self.host}]:{self.port}" if ":" in self.host else f"http://{self.host}:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "console.log"

    @property
    def _record(self) -> Path:
        """Two lines: the URL, and the process group. Beside the folders the node's user can write, not in them."""
        return self.folder / "node.pid"

    @property
    def _mark(self) -> str:
        """An argument of our processes and of no others, so that a reused process id is never taken for ours."""
        return f"{CONFIG_ARGUMENT}{self.folder / 'config'}"

    def recorded_url(self) -> str:
        """The address it was last started at."""
        return self._read_record()[0]

    def _read_record(self) -> tuple[str, int]:
        try:
            url, group = self._record.read_text("utf-8").split()
            return url, int(group)
        except (OSError, ValueError):  # never started, or a machine that went down while writing
            return "", 0

    def processes(self) -> list[psutil.Process]:
        """Our processes that live, the launcher first. A stale record (dead, or its id used by others) gives none."""
        _, group = self._read_record()
        members = group_members(group) if group > 1 else []
        return members if any(self._mark in command_of(member) for member in members) else []

    def healthy(self) -> bool:
        """Whether it answers, and every index has its primary shards."""
        return ask(self.host, self.port, "/_cluster/health?wait_for_status=yellow&timeout=1s").get("status") in {
            "yellow",
            "green",
        }

    def start(self, home: Path, jdk: Path, *, tell: Callable[[float], None] | None = None) -> float:
        """Start it and wait until it is healthy; `tell` is called about twice a second. Gives the seconds it took.

        Raises:
            NodeError: the port is taken, the folder cannot be used, or Elasticsearch did not come up.
        """
        self.refuse_taken_port()
        runs_as = account()
        prepare(self.folder, home, runs_as, host=self.host, port=self.port)
        self._launch(home, jdk, runs_as)
        try:
            return self.wait(tell)
        except BaseException:  # Ctrl-C too: what we leave behind is either healthy or gone
            self.stop()
            raise

    def refuse_taken_port(self) -> None:
        """See that nothing listens at our address.

        Raises:
            NodeError: something does; the message says what.
        """
        if holder := port_holder(self.host, self.port):
            free = Node(self.folder, self.port + 1, self.host).url
            raise NodeError(
                f"port {self.port} is held by {holder}; stop that, or choose another: ELASTICSEARCH_URL={free}"
            )

    def wait(self, tell: Callable[[float], None] | None = None) -> float:
        """Wait until it is healthy; gives the seconds that took.

        Raises:
            NodeError: it ended, or took longer than three minutes.
        """
        began = time.monotonic()
        while not self.healthy():
            passed = time.monotonic() - began
            if not self.processes():
                raise NodeError(f"Elasticsearch ended while it started: {self._complaint()}; see {self.log}")
            if passed > _PATIENCE:
                raise NodeError(
                    f"Elasticsearch did not become healthy in {_PATIENCE} s: {self._complaint()}; see {self.log}"
                )
            if tell:
                tell(passed)
            time.sleep(0.4)
        return time.monotonic() - began

    def stop(self, patience: float = 30) -> bool:
        """End it: politely, after `patience` seconds by force. Its data stays. Gives whether anything ran."""
        members = self.processes()
        if not members:
            self._record.unlink(missing_ok=True)
            return False
        _, group = self._read_record()
        for number in (signal.SIGTERM, signal.SIGKILL):
            signal_group(group, number)
            deadline = time.monotonic() + patience
            while group_members(group) and time.monotonic() < deadline:
                time.sleep(0.05)
        if group_members(group):
            raise NodeError(f"process group {group} (Elasticsearch of {self.folder}) does not end; end it by hand")
        self._record.unlink(missing_ok=True)
        return True

    def _launch(self, home: Path, jdk: Path, runs_as: Account) -> None:
        """Start the launcher in a session of its own.

        The shell between us and it writes the process group down before Java begins, so that no node is ever
        unknown, and leaves it to init, so that a long-lived caller (a test run) keeps no dead child.
        """
        java = jdk / "bin" / "java"
        command: list[str | Path] = [java, "-Xmx64m", "-XX:+UseSerialGC", "-XX:-UsePerfData", self._mark]
        command += [f"-Djava.io.tmpdir={self.folder / 'tmp'}"]  # it leaves files there at every start
        command += ["-cp", f"{home}/lib/tools/server-launcher/*", "org.elasticsearch.server.launcher.ServerLauncher"]
        environment = {
            "ES_HOME": str(home),
            "ES_PATH_CONF": str(self.folder / "config"),
            "ES_TMPDIR": str(self.folder / "tmp"),
            "ES_JAVA_HOME": str(jdk),
            "JAVA": str(java),
            "JAVA_TYPE": "ES_JAVA_HOME",
            "ES_DISTRIBUTION_TYPE": "tar",
            "HOSTNAME": "localhost",
            "LC_ALL": "C.UTF-8",  # else Java cannot open folders with names beyond ASCII
            "CLI_JAVA_OPTS": self._helper_options(),
            "PATH": os.defpath,
        }
        with self._record.open("wb", buffering=0) as record, self.log.open("wb") as log:
            record.write(f"{self.url}\n".encode())
            subprocess.run(
                ["/bin/sh", "-c", 'echo $$; "$@" >&2 &', "sh", *command],
                env=environment,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=record,
                stderr=log,
                start_new_session=True,
                check=True,
                **runs_as.arguments,
            )

    def _helper_options(self) -> str:
        """For the process between launcher and node: our tmp folder, as it leaves files there at every start.

        Elasticsearch splits the variable at blanks and knows no quotes.
        """
        temporary = str(self.folder / "tmp")
        return "-XX:-UsePerfData" + ("" if " " in temporary else f" -Djava.io.tmpdir={temporary}")

    def _complaint(self) -> str:
        """The line of the log that says why, as far as one can tell."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.is_file() else []
        wrong = [line for line in lines if "[ERROR]" in line or line.startswith(("ERROR", "Error", "Exception"))]
        return (wrong or lines or ["nothing in its log"])[0][:400].strip()

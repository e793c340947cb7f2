"""The folder of a local node: configuration, data, logs; owned by the user Elasticsearch runs as."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from index_config.node_prerequisites import Account, NodeError, there

_JAVA_OPTIONS = """\
-Xms512m
-Xmx512m
-XX:-AlwaysPreTouch
-XX:-UsePerfData
-Xlog:disable
-Xlog:all=warning:stderr
"""  # no memory taken before it is used, no files in /tmp, and no gc.log, which nobody reads


def prepare(folder: Path, home: Path, runs_as: Account, *, host: str, port: int) -> None:
    """Make a folder ready for a start: data and logs are kept, configuration and temporary files made anew.

    Only what Elasticsearch writes belongs to its user; the folder itself stays ours, so that a node gone wrong cannot
    replace the record of its process, which we act upon.

    Raises:
        NodeError: the user that runs Elasticsearch cannot reach the folder or the release, or the data is another's.
    """
    make_open(folder)
    for path, remedy in ((home, "NARRAWATCH_CACHE"), (folder, "NARRAWATCH_HOME or NARRAWATCH_CACHE")):
        if not may_pass(path, runs_as):
            raise NodeError(
                f"user id {runs_as.uid}, who runs Elasticsearch, cannot enter {path}; set {remedy} elsewhere"
            )
    config = folder / "config"
    for name in ("config", "tmp"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("data", "logs", "tmp", "config/jvm.options.d"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _configure(config, home, host, port)
    for path in (folder / "data", folder / "logs", folder / "tmp", config, *config.rglob("*")):
        if runs_as.dropped and path.lstat().st_uid == 0:
            os.chown(path, runs_as.uid, runs_as.gid, follow_symlinks=False)
    if (owner := (folder / "data").stat().st_uid) != runs_as.uid:
        raise NodeError(
            f"{folder / 'data'} belongs to user id {owner}, and Elasticsearch would run as user id {runs_as.uid}; "
            "start it as the user who did before, or move that folder away"
        )


def make_open(folder: Path) -> None:
    """Make a folder, and those above it that are missing, which other users can enter whatever the umask."""
    missing = [path for path in (folder, *folder.parents) if not there(path)]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        path.chmod(0o755)


def may_pass(folder: Path, runs_as: Account) -> bool:
    """Whether the node's user can enter a folder, asked as that user: modes, ACLs and mounts all count."""
    asked = subprocess.run(["/bin/sh", "-c", 'test -x "$1"', "sh", folder], check=False, cwd="/", **runs_as.arguments)
    return asked.returncode == 0


def _configure(config: Path, home: Path, host: str, port: int) -> None:
    for path in (home / "config").iterdir():
        if path.is_file() and path.name != "elasticsearch.yml":
            shutil.copyfile(path, config / path.name)
    settings = {
        "cluster.name": "narrawatch-local",
        "node.name": "local",
        "path.data": str(config.parent / "data"),
        "path.logs": str(config.parent / "logs"),
        "network.host": host,
        "http.port": port,
        "discovery.type": "single-node",
        "xpack.security.enabled": False,
        "xpack.ml.enabled": False,
        # A laptop's disk is often 90 % full, which would turn every index read-only.
        "cluster.routing.allocation.disk.threshold_enabled": False,
    }
    lines = [f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in settings.items()]
    (config / "elasticsearch.yml").write_text("".join(lines), "utf-8")
    (config / "jvm.options.d" / "narrawatch.options").write_text(_JAVA_OPTIONS, "utf-8")

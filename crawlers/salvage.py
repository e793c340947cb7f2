"""After a crash: what a dead run left open is cut to its last whole record, remembered, and closed."""

import logging
from dataclasses import replace
from pathlib import Path

from crawlers.known import Known
from crawlers.locks import dead_runs, forget, is_running
from crawlers.warc import OPEN, SUFFIX, cut_to_whole_records, read
from index_config.cluster import Cluster
from narrawatch.settings import Settings

log = logging.getLogger(__name__)


def salvage(settings: Settings, cluster: Cluster) -> list[Path]:
    """Close the WARC files of runs that died; returns the files that hold pages.

    Pages are remembered before a file gets its final name, so dying here and starting again ends the same.
    """
    runs = dead_runs(settings.home)
    files = [
        path for path in sorted(settings.warc.glob(f"*/*{SUFFIX}{OPEN}")) if not is_running(settings.home, run_of(path))
    ]
    saved = [saved for path in files if (saved := _salvage_file(path, cluster))]
    _mark_interrupted(cluster, runs)
    for run in runs:
        forget(settings.home, run)
    return saved


def run_of(path: Path) -> str:
    """The run id in a WARC file's name, `<run>-<attempt>.warc.gz`."""
    return path.name.removesuffix(OPEN).removesuffix(SUFFIX).rpartition("-")[0]


def _salvage_file(path: Path, cluster: Cluster) -> Path | None:
    dropped = cut_to_whole_records(path)
    captures = [replace(capture, body=b"") for capture in read(path)] if path.stat().st_size else []
    if not captures:
        path.unlink()
        return None
    Known(cluster).remember_captures(captures)
    log.warning("%s: salvaged %d pages, dropped %d bytes of an unfinished record", path, len(captures), dropped)
    return path.rename(path.with_name(path.name.removesuffix(OPEN)))


def _mark_interrupted(cluster: Cluster, runs: list[str]) -> None:
    if runs:
        cluster.client.update_by_query(
            index=cluster.name("crawls"),
            query={"bool": {"filter": [{"terms": {"run": runs}}, {"term": {"status": "running"}}]}},
            script={"source": "ctx._source.status = 'interrupted'"},
            conflicts="proceed",
            refresh=True,
        )

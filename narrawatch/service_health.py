"""Health of what Narrawatch stands on: Elasticsearch, the disk, and the work that waits between the steps."""

import shutil
import time
from dataclasses import dataclass

from crawlers.health_view import Level
from index_config import local_node
from narrawatch.settings import Settings
from processing.chain import pending

_LEAST_FREE = 1024**3
_LITTLE_FREE = 5 * 1024**3
_LATE = 3600.0
"""Seconds a WARC file may wait: longer than any interval between crawling and processing."""


@dataclass(frozen=True)
class ServiceHealth:
    """One service, in a state and words."""

    service: str
    level: Level
    reason: str


def services(settings: Settings) -> list[ServiceHealth]:
    """How the services are; asks Elasticsearch and looks into NARRAWATCH_HOME."""
    return [elasticsearch(settings), disk(settings), dead_letters(settings), warc_files(settings, time.time())]


def elasticsearch(settings: Settings) -> ServiceHealth:
    found = local_node.status(settings)
    if not found["answers"]:
        return ServiceHealth(
            "Elasticsearch", "sick", f"does not answer at {found['url']}; start it with `narrawatch up`"
        )
    level: Level = "sick" if found["health"] == "red" else "well"
    return ServiceHealth("Elasticsearch", level, f"{found['version']} answers at {found['url']}: {found['health']}")


def disk(settings: Settings) -> ServiceHealth:
    folder = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    level: Level = "sick" if free < _LEAST_FREE else "watch" if free < _LITTLE_FREE else "well"
    return ServiceHealth("disk", level, f"{free / 1024**3:.1f} GB free at {folder}")


def dead_letters(settings: Settings) -> ServiceHealth:
    refused = len(list(settings.dead_letter.glob("*.json")))
    if not refused:
        return ServiceHealth("dead letters", "well", "none")
    return ServiceHealth(
        "dead letters", "sick", f"{refused} documents were refused; try `narrawatch process --retry-dead`"
    )


def warc_files(settings: Settings, now: float) -> ServiceHealth:
    waiting = pending(settings)
    late = [path for path in waiting if path.stat().st_mtime < now - _LATE]
    if late:
        hours = (now - late[0].stat().st_mtime) / 3600
        return ServiceHealth(
            "WARC files", "sick", f"{len(late)} wait, for up to {hours:.0f} h; run `narrawatch process`"
        )
    return ServiceHealth("WARC files", "well", f"{len(waiting)} wait to be processed" if waiting else "none wait")

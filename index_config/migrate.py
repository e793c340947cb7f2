"""Copying an index into a new version behind the same alias, so that nothing is lost whenever it is interrupted.

The new index names the old one in its mapping (`_meta.copy_of`) before the old one is closed to writing, and loses that
note after the alias has moved. So whoever finds an index with that note beside the one it names knows that a copy was
cut short, that the new index may go, and that the write block on the old one is ours.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, Elasticsearch

from index_config.failures import describe
from index_config.mappings import Wanted
from narrawatch.errors import NarrawatchError

Progress = Callable[[str, int, int], None]  # new index, documents copied, documents in all
REPLICAS = ("number_of_replicas", "auto_expand_replicas")


class MigrationError(NarrawatchError):
    """Documents could not be copied into a new index. The old index is as it was."""


@dataclass(frozen=True)
class Copy:
    """One index being copied; the new one's uuid tells it from an index of the same name made by somebody else."""

    old: str
    new: str
    uuid: str


def move(
    client: Elasticsearch,
    alias: str,
    old: str,
    new: str,
    *,
    wanted: Wanted,
    settings: dict[str, Any],
    progress: Progress,
) -> int:
    """Copy `old` into a new index, move the alias, delete `old`; `settings` are those `old` has now.

    Returns the number of documents copied.

    Raises:
        MigrationError: a document does not fit, or somebody interfered; `old` is in service again, `new` is gone.
    """
    kept = {name: settings[name] for name in REPLICAS if name in settings}
    meta = {"hash": wanted.hash, "copy_of": old}
    client.indices.create(index=new, mappings={**wanted.mappings, "_meta": meta}, settings={**wanted.settings, **kept})
    copy = Copy(old, new, _uuid(client, new))
    try:
        count = _fill(client, copy, progress)
        _check(client, copy, count)
    except (MigrationError, ApiError, KeyboardInterrupt):
        if _uuid(client, new) == copy.uuid:
            abandon(client, old, new)
        raise
    swap: list[dict[str, Any]] = [
        {"add": {"index": new, "alias": alias, "is_write_index": True}},
        {"remove_index": {"index": old}},  # in the same step as the alias, so no moment has two indices or none
    ]
    client.indices.update_aliases(actions=swap)
    client.indices.put_mapping(index=new, meta={"hash": wanted.hash})
    return count


def abandon(client: Elasticsearch, old: str, new: str) -> None:
    """Undo a copy that was cut short. The note in `new` goes last, so this can itself be cut short and repeated."""
    for task in running(client, new):
        _tasks(client, "POST", f"/{task}/_cancel?wait_for_completion=true")
    client.indices.remove_block(index=old, block="write")
    client.indices.delete(index=new, ignore_unavailable=True)


def running(client: Elasticsearch, new: str) -> list[str]:
    """The copies into this index that the cluster is working on, even when the command that began them is gone."""
    nodes = _tasks(client, "GET", "?actions=indices:data/write/reindex&detailed=true")["nodes"]
    tasks = {name: task for node in nodes.values() for name, task in node["tasks"].items()}
    return [name for name, task in tasks.items() if task["description"].endswith(f" to [{new}]")]


def _tasks(client: Elasticsearch, method: str, path: str) -> Any:
    """Ask the task API directly: the client's methods for it warn of a preview, though it has been there since 2.3."""
    return client.perform_request(method, f"/_tasks{path}", headers={"accept": "application/json"}).body


def _fill(client: Elasticsearch, copy: Copy, progress: Progress) -> int:
    client.indices.add_block(index=copy.old, block="write")  # answers when writes under way are done
    client.indices.refresh(index=copy.old)  # the copy, like every search, sees refreshed documents only
    count = int(client.count(index=copy.old)["count"])
    # A request repeated after a lost answer would begin a second copy beside the first.
    task = client.options(max_retries=0).reindex(
        source={"index": copy.old, "size": 200}, dest={"index": copy.new}, wait_for_completion=False
    )["task"]
    pause = 0.05
    while not (state := _tasks(client, "GET", f"/{task}"))["completed"]:
        progress(copy.new, state["task"]["status"].get("created", 0), count)
        time.sleep(pause)
        pause = min(2 * pause, 1)
    response = state.get("response", {})
    if failures := response.get("failures"):
        document = failures[0].get("id", "?")
        raise MigrationError(
            f"{copy.old}: document {document!r} does not fit the new mapping ({describe(failures[0].get('cause'))}); "
            "nothing was changed; correct that document or the mapping, then run `narrawatch setup --migrate` again"
        )
    if "error" in state or response.get("canceled"):
        why = describe(state.get("error")) if "error" in state else response["canceled"]
        raise MigrationError(
            f"{copy.old}: copying stopped ({why}); nothing was changed; run `narrawatch setup --migrate` again"
        )
    progress(copy.new, count, count)
    return count


def _check(client: Elasticsearch, copy: Copy, count: int) -> None:
    client.indices.refresh(index=copy.new)
    copied = int(client.count(index=copy.new)["count"])
    if copied != count:
        raise MigrationError(
            f"{copy.old}: {copied} of {count} documents reached the new index; nothing was changed; "
            "run `narrawatch setup --migrate` again"
        )
    blocks = client.indices.get_settings(index=copy.old)[copy.old]["settings"]["index"].get("blocks", {})
    if _uuid(client, copy.new) != copy.uuid or blocks.get("write") != "true":
        raise MigrationError(f"{copy.old}: another `narrawatch setup` interfered with copying; run only one of them")


def _uuid(client: Elasticsearch, index: str) -> str:
    found = client.indices.get_settings(index=index, ignore_unavailable=True)
    return str(found[index]["settings"]["index"]["uuid"]) if index in found else ""

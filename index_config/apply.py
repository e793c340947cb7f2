"""Making Elasticsearch have the indices our mapping files describe; safe to repeat, and to kill at any moment."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elasticsearch import ApiError, BadRequestError, TransportError

from index_config.cluster import ALIASES, PASSAGES, Cluster
from index_config.failures import cluster_error
from index_config.mappings import FOLDER, Wanted, compare, load
from index_config.migrate import MigrationError, Progress, abandon, move, running
from narrawatch.errors import NarrawatchError


class MappingChanged(NarrawatchError):
    """A mapping file cannot be put on an index that is there; the message names index, fields and remedy."""


class NameTaken(NarrawatchError):
    """Something of ours would need a name that something else has."""


@dataclass(frozen=True)
class Present:
    """What Elasticsearch has under one alias: the index in service (None: none), and all numbered ones."""

    current: str | None
    versions: dict[str, int]
    indices: dict[str, Any]


def no_progress(_index: str, _done: int, _total: int) -> None:
    """Say nothing."""


def apply(
    cluster: Cluster, *, migrate: bool = False, folder: Path = FOLDER, progress: Progress = no_progress
) -> list[str]:
    """Create the indices that are missing, add properties that are new; with `migrate`, copy where that is not enough.

    Returns one line for each thing done; none when all was as it should be.

    Raises:
        MappingChanged: a mapping changed in a way only `migrate` can follow. Everything else is done.
        MigrationError: documents do not fit the new mapping, or somebody else is copying. Nothing is lost.
        NameTaken: an index that is not ours has the name of an alias, or an index of ours has lost its alias.
        ClusterError: Elasticsearch cannot be reached, or does not let us.
    """
    done: list[str] = []
    changed: list[str] = []
    try:
        found = _look(cluster)
        for alias in ALIASES:
            name, wanted = cluster.name(alias), load(alias, folder)
            present = _tidy(cluster, name, found[alias], restart=migrate, done=done)
            if present.current is None:
                done += _create(cluster, name, wanted)
                continue
            incompatible = _add(cluster, present.current, wanted, present.indices[present.current], done)
            if incompatible and migrate:
                done.append(_copy(cluster, name, present, wanted, progress))
            elif incompatible:
                changed.append(f"{present.current}: {', '.join(incompatible)}")
    except (ApiError, TransportError) as error:
        raise cluster_error(error, "setting up the indices") from error
    if changed:
        raise MappingChanged(
            f"the mapping changed in a way that an index cannot follow in place ({'; '.join(changed)}); "
            "`narrawatch setup --migrate` copies the documents into a new index"
        )
    return done


def _look(cluster: Cluster) -> dict[str, Present]:
    """Everything we need to know, in one request. Names are matched in full: another installation's may begin like ours."""
    names = [cluster.name(alias) for alias in ALIASES]
    patterns = [*names, *(f"{name}-v*" for name in names)]
    found = cluster.client.indices.get(index=patterns, ignore_unavailable=True, expand_wildcards="all").body
    return {alias: _present(cluster.name(alias), found) for alias in ALIASES}


def _present(name: str, found: dict[str, Any]) -> Present:
    if name in found:
        raise NameTaken(
            f"an index sits at {name}, where an alias should be; save what it holds and delete it, "
            "or set NARRAWATCH_INDEX_PREFIX to something else"
        )
    serving = [index for index, body in found.items() if name in body["aliases"]]
    if len(serving) > 1:
        raise NameTaken(f"the alias {name} leads to {' and '.join(sorted(serving))}; remove it from all but one")
    matches = {index: re.fullmatch(re.escape(name) + r"-v(\d{1,9})", index, re.ASCII) for index in found}
    versions = {index: int(match[1]) for index, match in matches.items() if match}
    if versions and not serving:
        raise NameTaken(
            f"{' and '.join(sorted(versions))} without the alias {name}; give the alias back to the one in use, "
            "or delete what is not needed"
        )
    return Present(serving[0] if serving else None, versions, found)


def _tidy(cluster: Cluster, name: str, present: Present, *, restart: bool, done: list[str]) -> Present:
    """Undo what a killed migration left: the index it was filling, and the write block on the one in service."""
    for index in list(present.versions):
        if index == present.current or _meta(present, index).get("copy_of") != present.current:
            continue
        if not restart and running(cluster.client, index):
            raise MigrationError(
                f"{name} is being copied into {index}; wait for that, or begin again with `narrawatch setup --migrate`"
            )
        abandon(cluster.client, str(present.current), index)
        del present.versions[index]
        done.append(f"removed {index}, left half-filled by a migration that was cut short")
    return present


def _meta(present: Present, index: str) -> dict[str, Any]:
    meta: dict[str, Any] = present.indices[index]["mappings"].get("_meta", {})
    return meta


def _create(cluster: Cluster, name: str, wanted: Wanted) -> list[str]:
    index = f"{name}-v1"
    try:
        cluster.client.indices.create(
            index=index,
            mappings={**wanted.mappings, "_meta": {"hash": wanted.hash}},
            settings=wanted.settings,
            aliases={name: {"is_write_index": True}},
        )
    except BadRequestError as error:
        if error.error != "resource_already_exists_exception":
            raise
        return []  # another `setup` was faster, with the same files
    return [f"created {index}"]


def _add(cluster: Cluster, index: str, wanted: Wanted, body: dict[str, Any], done: list[str]) -> tuple[str, ...]:
    """Put new properties in place; return what cannot be. The hash is kept to say which files an index was made from."""
    difference = compare(wanted, body["mappings"], body["settings"]["index"])
    if difference.incompatible:
        return difference.incompatible
    meta = {"hash": wanted.hash}
    if difference.added or body["mappings"].get("_meta") != meta:
        cluster.client.indices.put_mapping(index=index, properties=wanted.mappings["properties"], meta=meta)
    if difference.added:
        done.append(f"added {', '.join(difference.added)} to {index}")
    return ()


def _copy(cluster: Cluster, name: str, present: Present, wanted: Wanted, progress: Progress) -> str:
    old = str(present.current)
    new = f"{name}-v{max(present.versions.values(), default=0) + 1}"
    settings = present.indices[old]["settings"]["index"]
    count = move(cluster.client, name, old, new, wanted=wanted, settings=settings, progress=progress)
    return f"copied {count} documents from {old} to {new}"


def remove(cluster: Cluster) -> None:
    """Delete this installation's indices with all they hold; those of other prefixes are not touched."""
    for present in _look(cluster).values():
        for index in present.versions:
            cluster.client.indices.delete(index=index, ignore_unavailable=True)
    passages = cluster.client.indices.get(index=f"{cluster.prefix}{PASSAGES}*", features=["aliases"])
    for index in passages:
        cluster.client.indices.delete(index=index, ignore_unavailable=True)

"""Writing many documents: every item's result is read, what can be retried is, what cannot is handed back."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from elasticsearch import ApiError, SerializationError, TransportError
from elasticsearch.helpers import streaming_bulk

from index_config.cluster import Cluster, ClusterError
from index_config.failures import cluster_error, describe, reason
from narrawatch.batches import batches

RETRIES = 5
FIRST_PAUSE = 1.0  # seconds; doubled with every retry
BUSY = {429, 503}
BATCH = 500
BATCH_BYTES = 10_000_000  # a fifth of what a node with the smallest heap we start (512 MB) has for all indexing at once


@dataclass(frozen=True)
class Action:
    """One thing to do to one document. `document` is the whole of it, for `update` the fields to change."""

    alias: str
    id: str
    document: dict[str, Any] = field(default_factory=dict)
    operation: Literal["index", "create", "update", "delete"] = "index"
    doc_as_upsert: bool = False


@dataclass(frozen=True)
class Failure:
    """An action Elasticsearch did not carry out, and why."""

    id: str
    alias: str
    status: int
    reason: str
    document: dict[str, Any]


@dataclass(frozen=True)
class BulkResult:
    """How many actions were carried out, and those that were not."""

    ok: int
    failed: tuple[Failure, ...]


@dataclass(frozen=True)
class _Answer:
    action: Action
    status: int
    error: str
    kind: str
    whole: ApiError | None  # the request was refused, not this item of it


def write(cluster: Cluster, actions: Iterable[Action], *, refresh: bool | str = False) -> BulkResult:
    """Carry out the actions in batches; memory holds one batch and the failures.

    Items and requests that a busy cluster (429, 503) or an index closed to writing while it is being copied turns
    away are tried again up to five times. Deleting a document that is not there counts as done; creating one that is
    there is a Failure with status 409. Give at most one action per document: a retry would come after a later one.
    With `refresh`, everything written can be searched when this returns.

    Raises:
        ClusterError: Elasticsearch is lost or does not let us in, or the indices are not set up.
    """
    ok, failed, aliases = 0, [], set()
    try:
        for batch in batches(actions, BATCH):
            aliases |= {action.alias for action in batch}
            refused = [_failure(answer) for answer in _persist(cluster, batch)]
            ok += len(batch) - len(refused)
            failed += refused
        if refresh and aliases:
            cluster.client.indices.refresh(index=sorted(map(cluster.name, aliases)))
    except SerializationError:  # a value that is not JSON is our mistake, not the cluster's
        raise
    except (ApiError, TransportError) as error:
        raise cluster_error(error, "writing documents") from error
    return BulkResult(ok, tuple(failed))


def write_all(cluster: Cluster, actions: Iterable[Action], *, refresh: bool | str = False) -> None:
    """As `write`, where no document may be refused: they are ours, and fit the mappings.

    Raises:
        ClusterError: one was refused all the same, or as `write` does.
    """
    if failed := write(cluster, actions, refresh=refresh).failed:
        first = failed[0]
        raise ClusterError(f"{first.alias}: document {first.id} was refused ({first.status}: {first.reason})")


def _persist(cluster: Cluster, batch: list[Action]) -> list[_Answer]:
    """Send a batch, and again what was turned away; return what stays refused."""
    refused: list[_Answer] = []
    alone: list[Action] = []
    for attempt in range(RETRIES + 1):
        if attempt:
            time.sleep(FIRST_PAUSE * 2 ** (attempt - 1))
        again: list[Action] = []
        for answer in _send(cluster, batch, BATCH):
            if _busy(answer) and attempt < RETRIES:
                again.append(answer.action)
            elif answer.whole is not None and answer.status in {400, 413}:
                alone.append(answer.action)
            elif answer.whole is not None:
                raise answer.whole
            else:
                refused.append(answer)
        batch = again
        if not batch:
            break
    # One document that makes the whole request unreadable or too large must not take the others with it.
    return [*refused, *_send(cluster, alone, 1)]


def _send(cluster: Cluster, batch: list[Action], size: int) -> Iterator[_Answer]:
    """Send, and yield what was not carried out. Without its own retries, the helper answers in the order of asking."""
    results = streaming_bulk(
        cluster.client,
        (_line(cluster, action) for action in batch),
        chunk_size=size,
        max_chunk_bytes=BATCH_BYTES,
        raise_on_error=False,
        raise_on_exception=False,
        require_alias=True,  # a missing index would be made up, with a mapping guessed from the first document
    )
    for action, (carried_out, result) in zip(batch, results, strict=True):
        answer = _answer(action, next(iter(result.values())))
        if carried_out or (action.operation == "delete" and answer.status == 404 and not answer.error):
            continue
        if answer.kind == "index_not_found_exception":
            raise ClusterError(f"{cluster.name(action.alias)} is not there; run `narrawatch setup` first")
        yield answer


def _line(cluster: Cluster, action: Action) -> dict[str, Any]:
    line = {"_op_type": action.operation, "_index": cluster.name(action.alias), "_id": action.id}
    if action.operation == "update":
        # Matcher and reviewers change different fields of the same flag, perhaps at the same moment.
        return {**line, "retry_on_conflict": 3, "doc": action.document, "doc_as_upsert": action.doc_as_upsert}
    return line if action.operation == "delete" else {**line, "_source": action.document}


def _answer(action: Action, result: dict[str, Any]) -> _Answer:
    whole, error = result.get("exception"), result.get("error")
    said = reason(whole) if whole else describe(error) if error else ""
    kind = str(error.get("type")) if isinstance(error, dict) else ""
    return _Answer(action, int(result["status"]), said, kind, whole)


def _busy(answer: _Answer) -> bool:
    return answer.status in BUSY or answer.kind == "cluster_block_exception"


def _failure(answer: _Answer) -> Failure:
    action = answer.action
    return Failure(action.id, action.alias, answer.status, answer.error or "refused", action.document)

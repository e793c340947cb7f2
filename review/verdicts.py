"""Verdicts: analysts' decisions on flags. `verdicts` only ever grows; a flag carries the newest of its verdicts.

What a flag carries is always derived from `verdicts`, never from the decision just made. So decisions that come in
another order than they were made, at the same moment, or from a process that dies half-way end in the same state, and
deciding again, or looking at the flag, mends what such a process left undone.
"""

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from elasticsearch import ApiError, ConflictError, TransportError

from index_config import bulk
from index_config.cluster import Cluster, ClusterError
from index_config.failures import cluster_error
from narrawatch.errors import NarrawatchError

Decision = Literal["confirmed", "rejected", "unsure"]

_TRIES = 10
_LONGEST_NAME = 200
_LONGEST_NOTE = 10_000
_UNREADABLE = re.compile("[\ud800-\udfff]")


class VerdictError(NarrawatchError):
    """A decision that cannot be recorded; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One decision, as `verdicts` holds it. `at` is ISO 8601 in UTC to the millisecond, as Elasticsearch sorts it."""

    flag: str
    article: str
    narrative: str
    verdict: Decision
    analyst: str
    note: str | None
    at: str

    def to_document(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


def record(
    cluster: Cluster,
    flags: Sequence[str],
    decision: Decision,
    *,
    analyst: str,
    note: str | None = None,
    clock: Callable[[], dt.datetime],
) -> None:
    """Append one verdict a flag, then let each flag carry its newest one. Flags are named by their whole ids.

    Raises:
        VerdictError: the analyst has no name, or name or note is too long.
        ClusterError: Elasticsearch refused or was lost; the same call again mends it.
    """
    append(cluster, flags, decision, analyst=analyst, note=note, clock=clock)
    carry(cluster, flags)


def append(
    cluster: Cluster,
    flags: Sequence[str],
    decision: Decision,
    *,
    analyst: str,
    note: str | None = None,
    clock: Callable[[], dt.datetime],
) -> None:
    """Append one verdict a flag, and leave the flags as they are.

    Raises:
        VerdictError, ClusterError: as `record` does.
    """
    name, said = check(analyst, note)
    at = clock().astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    actions = []
    for flag in dict.fromkeys(flags):
        article, _, narrative = flag.partition(":")
        verdict = Verdict(
            flag=flag, article=article, narrative=narrative, verdict=decision, analyst=name, note=said or None, at=at
        )
        actions.append(bulk.Action("verdicts", _identity(verdict), verdict.to_document(), "create"))
    bulk.write_all(cluster, actions, refresh=True)


def carry(cluster: Cluster, flags: Sequence[str]) -> None:
    """Let each of these flags carry the newest of its verdicts; one that is not there any more is passed over.

    Raises:
        ClusterError: Elasticsearch cannot be reached or refused.
    """
    try:
        for flag in dict.fromkeys(flags):
            _carry(cluster, flag)
        cluster.client.indices.refresh(index=cluster.name("flags"))
    except (ApiError, TransportError) as error:
        raise cluster_error(error, "recording a verdict") from error


def history(cluster: Cluster, flag: str) -> list[Verdict]:
    """All verdicts on a flag, the newest first.

    Raises:
        ClusterError: Elasticsearch cannot be reached.
    """
    try:
        return _verdicts(cluster, flag, 1000)
    except (ApiError, TransportError) as error:
        raise cluster_error(error, "reading verdicts") from error


def carried(verdict: Verdict) -> dict[str, Any]:
    """The fields of a flag that say what was decided; the matcher never writes them."""
    return {
        "verdict": verdict.verdict,
        "verdict_by": verdict.analyst,
        "verdict_at": verdict.at,
        "verdict_note": verdict.note,
    }


def check(analyst: str, note: str | None) -> tuple[str, str]:
    """Name and note as they will be kept, without the white space around them.

    Raises:
        VerdictError: there is no name, or one of them is too long or not readable.
    """
    name, said = analyst.strip(), (note or "").strip()
    if not name:
        raise VerdictError("a verdict needs somebody's name; give it by --as or NARRAWATCH_ANALYST")
    for what, text, most in (("name", name, _LONGEST_NAME), ("note", said, _LONGEST_NOTE)):
        if len(text) > most:
            raise VerdictError(f"the {what} has {len(text)} characters; {most} are allowed")
        if _UNREADABLE.search(text):  # what Python makes of bytes in an argument that are not UTF-8
            raise VerdictError(f"the {what} is not readable as UTF-8; check the terminal's encoding")
    return name, said


def _carry(cluster: Cluster, flag: str) -> None:
    """The flag is read before the verdicts and written only if nobody wrote it since: the last writer saw them all."""
    for _ in range(_TRIES):
        answer = cluster.client.mget(index=cluster.name("flags"), ids=[flag])["docs"][0]
        newest = _verdicts(cluster, flag, 1)
        if not answer.get("found") or not newest:
            return
        fields = carried(newest[0])
        if all(answer["_source"].get(name) == value for name, value in fields.items()):
            return
        try:
            cluster.client.update(
                index=cluster.name("flags"),
                id=flag,
                doc=fields,
                if_seq_no=answer["_seq_no"],
                if_primary_term=answer["_primary_term"],
            )
        except ConflictError:
            continue
        return
    raise ClusterError(f"flag {flag} is being written all the time; the verdict is kept, decide again to show it")


def _verdicts(cluster: Cluster, flag: str, size: int) -> list[Verdict]:
    answer = cluster.client.search(
        index=cluster.name("verdicts"),
        size=size,
        query={"term": {"flag": flag}},
        sort=[{"at": "desc"}, {"_seq_no": "desc"}],  # two in one millisecond: the one written last
    )
    hits = answer["hits"]["hits"]
    return [Verdict(**{"note": None, **hit["_source"]}) for hit in hits]


def _identity(verdict: Verdict) -> str:
    """Its own for every decision, also for the same one made twice in a millisecond."""
    parts = [*map(str, asdict(verdict).values()), secrets.token_hex(16)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

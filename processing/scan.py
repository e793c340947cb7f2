"""Every document of an index, in pages, as it stood at one moment."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from elasticsearch import ApiError, NotFoundError, TransportError

from index_config.cluster import Cluster, ClusterError
from index_config.failures import cluster_error

KEEP_ALIVE = "5m"


def scan(
    cluster: Cluster,
    alias: str,
    fields: Sequence[str] | bool = True,
    *,
    query: Mapping[str, Any] | None = None,
    page: int = 2_000,
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Id and source of each document that `query` finds (default: all); `fields` names the parts of the source wanted.

    Raises:
        ClusterError: the index is missing, or Elasticsearch does not answer.
    """
    try:
        moment = cluster.client.open_point_in_time(index=cluster.name(alias), keep_alive=KEEP_ALIVE)["id"]
        try:
            yield from _pages(cluster, moment, fields, query or {"match_all": {}}, page)
        finally:
            cluster.client.close_point_in_time(id=moment)
    except (ApiError, TransportError) as error:
        raise failure(cluster, alias, error) from error


def _pages(
    cluster: Cluster, moment: str, fields: Sequence[str] | bool, query: Mapping[str, Any], size: int
) -> Iterator[tuple[str, dict[str, Any]]]:
    after: list[Any] | None = None
    while True:
        answer = cluster.client.search(
            pit={"id": moment, "keep_alive": KEEP_ALIVE},
            query=query,
            source=fields if isinstance(fields, bool) else {"includes": list(fields)},
            sort=["_shard_doc"],
            search_after=after,
            size=size,
            track_total_hits=False,
        )
        hits = answer["hits"]["hits"]
        for hit in hits:
            yield hit["_id"], hit.get("_source", {})
        if len(hits) < size:
            return
        moment, after = answer["pit_id"], hits[-1]["sort"]


def failure(cluster: Cluster, alias: str, error: ApiError | TransportError) -> ClusterError:
    """What a refused or unanswered request about an index means, in one line."""
    if isinstance(error, NotFoundError):
        return ClusterError(f"{cluster.name(alias)} is not there; run `narrawatch setup` first")
    return cluster_error(error, f"reading {cluster.name(alias)}")

"""Flags of a card that is no longer matched."""

from typing import Any

from index_config import bulk
from index_config.cluster import Cluster
from processing.scan import scan


def settle_flags(cluster: Cluster, narrative: str) -> tuple[int, int]:
    """Delete the card's flags that nobody reviewed, mark the others as no longer matched; returns how many of each.

    Articles in which it was found are open to be matched again: a sibling of its family may stand for it now. Repeating it
    is harmless. A verdict given at this very moment is not lost: deletion asks for flags without one.

    Raises:
        ClusterError: Elasticsearch refused a change.
    """
    index = cluster.name("flags")
    cluster.client.indices.refresh(index=index)
    of_card = {"term": {"narrative": narrative}}
    _reopen(cluster, [of_card, {"term": {"see_also": narrative}}])
    unreviewed = {"bool": {"filter": [of_card], "must_not": [{"exists": {"field": "verdict"}}]}}
    answer = cluster.client.delete_by_query(index=index, query=unreviewed, conflicts="proceed", refresh=True)
    kept = [flag for flag, _ in scan(cluster, "flags", ("narrative",), query=of_card)]
    bulk.write_all(cluster, [bulk.Action("flags", flag, {"still_matched": False}, "update") for flag in kept])
    return int(answer["deleted"]), len(kept)


def _reopen(cluster: Cluster, either: list[dict[str, Any]]) -> None:
    """Let the articles of these flags count as not matched."""
    found = scan(cluster, "flags", ("article",), query={"bool": {"should": either}})
    articles = sorted({flag["article"] for _, flag in found})
    actions = [bulk.Action("articles", article, {"matched_generation": 0}, "update") for article in articles]
    bulk.write(cluster, actions, refresh=bool(actions))  # one that is gone need not be matched

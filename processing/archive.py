"""What was read of matched articles, passage by passage with its vector: where cards that are new or changed are looked for."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from crawlers.known import timestamp
from index_config import bulk
from index_config.cluster import Cluster
from index_config.passages import open_passages, passages_alias
from processing.encoder import Encoder, Floats
from processing.match.matcher import Seen

_PAGES = (1_000, 10_000)
"""How many passages are asked for, then if need be; Elasticsearch gives no more."""
_DIGITS = 5
"""Decimals of a unit vector's numbers: a cosine changes in the fifth one."""


@dataclass(frozen=True)
class Archive:
    """The passages of one encoder. `since`: articles matched earlier are not in it."""

    cluster: Cluster
    alias: str
    since: str

    def keep(self, read: Mapping[str, tuple[str, Seen | None]]) -> None:
        """Store what was read of articles, by article: the text's hash, and its passages. Those of other texts go.

        Raises:
            ClusterError: Elasticsearch cannot be reached, or refused a passage.
        """
        bulk.write_all(
            self.cluster,
            (
                bulk.Action(
                    self.alias,
                    f"{article}:{text_hash}:{passage.number}",
                    {
                        "article": article,
                        "text_hash": text_hash,
                        "number": passage.number,
                        "kind": passage.kind,
                        "start": passage.start,
                        "end": passage.end,
                        "vector": vector.round(_DIGITS).tolist(),
                    },
                )
                for article, (text_hash, seen) in read.items()
                if seen
                for passage, vector in zip(seen.passages, seen.vectors, strict=True)
            ),
        )
        self._drop_others({article: text_hash for article, (text_hash, _) in read.items()})

    def _drop_others(self, texts: Mapping[str, str]) -> None:
        query = {
            "bool": {
                "filter": {"terms": {"article": sorted(texts)}},
                "must_not": {"terms": {"text_hash": sorted(texts.values())}},
            }
        }
        index = self.cluster.name(self.alias)
        self.cluster.client.delete_by_query(index=index, query=query, conflicts="proceed", ignore_unavailable=True)

    def nearest(self, vectors: Floats) -> Iterator[str]:
        """Ids of articles, those with the passage that is nearest to any of these vectors first, each once.

        At most those of 10,000 passages for each vector.
        """
        index, given = self.cluster.name(self.alias), set()
        self.cluster.client.indices.refresh(index=index)
        for size in _PAGES:
            best: dict[str, float] = {}
            for vector in vectors:
                answer = self.cluster.client.search(
                    index=index,
                    knn={"field": "vector", "query_vector": vector.tolist(), "k": size, "num_candidates": size},
                    size=size,
                    source=False,
                    fields=[{"field": "article"}],
                )
                for hit in answer["hits"]["hits"]:
                    (article,) = hit["fields"]["article"]
                    best[article] = max(best.get(article, 0.0), hit["_score"])
            for article in sorted(best, key=lambda name: (-best[name], name)):
                if article not in given:
                    given.add(article)
                    yield article


def open_archive(cluster: Cluster, encoder: Encoder, clock: Callable[[], dt.datetime]) -> Archive:
    """The archive of an encoder's passages, made if it is not there.

    Raises:
        ClusterError: Elasticsearch cannot be reached, or does not let us.
    """
    made = open_passages(cluster, encoder.name, encoder.dimensions, clock())
    return Archive(cluster, passages_alias(encoder.name), timestamp(made))

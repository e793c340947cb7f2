"""What was read of matched articles, passage by passage with its vector: where cards that are new or changed are looked for."""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from crawlers.known import timestamp
from index_config import bulk
from index_config.cluster import Cluster
from index_config.passages import open_passages, passages_alias
from processing.encoder import Encoder, Floats
from processing.match.matcher import Seen
from processing.passages import MOST, Kind, Passage

_PAGES = (1_000, 10_000)
"""How many passages are asked for, then if need be."""
_DIGITS = 5
"""Decimals of a unit vector's numbers: a cosine changes in the fifth one."""


@dataclass(frozen=True)
class Kept:
    """Where a passage stands: in which text of an article, and there as `Passage` has it."""

    article: str
    text_hash: str
    kind: Kind
    start: int
    end: int

    def passage(self, title: str | None, text: str) -> Passage:
        """The passage of the text that it was read in."""
        whole = (title or "") if self.kind == "title" else text
        heading = (title or "").strip() if self.kind == "opening" else ""
        return Passage(0, self.kind, self.start, self.end, whole[self.start : self.end], heading)


@dataclass(frozen=True)
class Sought:
    """A vector that passages are compared with, and the least dot product that matters; None: any does."""

    vector: Floats
    least: float | None = None


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

    def nearest(self, sought: Sequence[Sought], articles: Sequence[str] | None = None) -> Iterator[Kept]:
        """The passages (of some articles) that are nearest to any of the vectors, the nearest first, each once.

        At most `most` for each vector.
        """
        index, given = self.cluster.name(self.alias), set()
        self.cluster.client.indices.refresh(index=index)
        for size in _PAGES:
            best: dict[Kept, float] = {}
            for one in sought:
                knn = {"field": "vector", "query_vector": one.vector.tolist(), "k": size, "num_candidates": size}
                if one.least is not None:
                    knn["similarity"] = one.least
                if articles is not None:
                    knn["filter"] = {"terms": {"article": articles}}
                answer = self.cluster.client.search(
                    index=index,
                    knn=knn,
                    size=size,
                    source=False,
                    docvalue_fields=[{"field": field.name} for field in fields(Kept)],
                )
                for hit in answer["hits"]["hits"]:
                    kept = Kept(**{name: value for name, (value,) in hit["fields"].items()})
                    best[kept] = max(best.get(kept, 0.0), hit["_score"])
            for kept in sorted(best, key=lambda one: (-best[one], one.article, one.start)):
                if kept not in given:
                    given.add(kept)
                    yield kept
            if len(best) < size:
                return

    @property
    def most(self) -> int:
        """So many passages can be asked for; Elasticsearch gives no more."""
        return _PAGES[-1]

    def read(self, articles: Sequence[str]) -> dict[str, tuple[Floats, frozenset[Kind]]]:
        """The vectors of all passages read of some articles, [passages, dimensions], in no order, and what kinds these are."""
        if not articles:
            return {}
        answer = self.cluster.client.search(
            index=self.cluster.name(self.alias),
            query={"terms": {"article": articles}},
            size=len(articles) * MOST,
            source=False,
            fields=[{"field": name} for name in ("article", "kind", "vector")],
        )
        found: dict[str, list[dict[str, Any]]] = {}
        for hit in answer["hits"]["hits"]:
            found.setdefault(hit["fields"]["article"][0], []).append(hit["fields"])
        return {
            article: (
                np.array([row["vector"] for row in rows], dtype=np.float32),
                frozenset(row["kind"][0] for row in rows),
            )
            for article, rows in found.items()
        }


def open_archive(cluster: Cluster, encoder: Encoder, clock: Callable[[], dt.datetime]) -> Archive:
    """The archive of an encoder's passages, made if it is not there.

    Raises:
        ClusterError: Elasticsearch cannot be reached, or does not let us.
    """
    made = open_passages(cluster, encoder.name, encoder.dimensions, clock())
    return Archive(cluster, passages_alias(encoder.name), timestamp(made))

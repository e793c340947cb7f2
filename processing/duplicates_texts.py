"""Articles' texts while their copies are looked for."""

from collections.abc import Iterable
from typing import Any

from index_config.cluster import Cluster
from processing.duplicates import Wording, copies, wording


class Texts:
    """The texts of articles, read once each while a batch is worked on."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._documents: dict[str, dict[str, Any]] = {}
        self._wordings: dict[str, Wording] = {}

    def documents(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The articles by id; those that are no more are left out."""
        wanted = list(dict.fromkeys(ids))
        if missing := [name for name in wanted if name not in self._documents]:
            answer = self._cluster.client.mget(
                index=self._cluster.name("articles"),
                ids=missing,
                source_includes=["text", "outlet", "first_seen", "text_hash", "cluster_id"],
            )
            self._documents |= {item["_id"]: item["_source"] for item in answer["docs"] if item.get("found")}
        return {name: self._documents[name] for name in wanted if name in self._documents}

    @property
    def hashes(self) -> dict[str, str]:
        """The wordings that were read."""
        return {name: document["text_hash"] for name, document in self._documents.items()}

    def wording(self, name: str) -> Wording:
        if name not in self._wordings:
            document = self._documents[name]
            self._wordings[name] = wording(document["outlet"], "\n".join(document["text"].values()))
        return self._wordings[name]

    def are_copies(self, one: str, other: str) -> bool:
        if not {one, other} <= self._documents.keys():
            return False
        return copies(self.wording(one), self.wording(other))

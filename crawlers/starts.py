"""What is remembered of feeds, sitemaps and section pages: enough to see that nothing is new without reading them."""

import datetime as dt
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from crawlers.conditional import Validators, conditions
from crawlers.visits import later
from index_config import bulk
from index_config.cluster import Cluster

STATE = "start"
FULL_EVERY = dt.timedelta(hours=6)
"""So often a document is fetched and read whatever its server says of it: some call a feed unchanged that is not."""
DISTRUST = dt.timedelta(days=7)
"""So long a server that did is not asked whether anything has changed."""
_MOST = 1000


@dataclass(frozen=True, kw_only=True)
class StartMemory:
    """One start point of an outlet as it was last read: at `fetched`, with these validators and this body.

    `links` is the selector that a section page is read with. `lied` is when the server was last found to call a
    document by the same name although it listed something new.
    """

    outlet: str
    platform: str
    url: str
    links: str | None = None
    fetched: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    body_hash: str | None = None
    lied: str | None = None

    @property
    def id(self) -> str:
        """Its id in `urls`, where no page has one like it: what one outlet has read another has not."""
        read_as = json.dumps([self.outlet, self.platform, self.url, self.links])
        return f"start:{hashlib.sha256(read_as.encode()).hexdigest()[:32]}"

    def full(self, now: str) -> bool:
        """Whether it is to be read whatever the server says."""
        return self.fetched is None or later(self.fetched, FULL_EVERY) <= now

    def conditions(self, now: str) -> dict[str, str]:
        """Request headers; none when it is to be read in full, or when the server cannot be believed."""
        if self.full(now) or (self.lied and later(self.lied, DISTRUST) > now):
            return {}
        return conditions((self.etag, self.last_modified))

    def same(self, status: int, body_hash: str, now: str) -> bool:
        """Whether an answer says, or shows, that there is nothing new to read."""
        if self.full(now):
            return False
        return bool(self.conditions(now)) if status == 304 else status == 200 and body_hash == self.body_hash

    def read(self, validators: Validators, body_hash: str, now: str, *, new: int) -> "StartMemory":
        """After reading it; `new` is how many pages it listed that nobody had told us of."""
        same_name = any(validators) and validators == (self.etag, self.last_modified)
        lied = now if new and same_name and self.body_hash != body_hash else self.lied
        etag, modified = validators
        return replace(self, fetched=now, etag=etag, last_modified=modified, body_hash=body_hash, lied=lied)

    def to_document(self) -> dict[str, Any]:
        kept = {name: value for name, value in asdict(self).items() if value is not None and name in _STORED}
        return {**kept, "state": STATE}


_STORED = ("outlet", "url", "fetched", "etag", "last_modified", "body_hash", "lied")
_READ = _STORED[2:]


@dataclass(frozen=True)
class Starts:
    """Reads and writes start points in `urls`, where they have a state of their own, so that no page is taken for one."""

    cluster: Cluster

    def of(self, outlet: str) -> dict[str, dict[str, Any]]:
        """What is remembered of an outlet's start points, by id; of very many, those read last."""
        answer = self.cluster.client.search(
            index=self.cluster.name("urls"),
            size=_MOST,
            query={"bool": {"filter": [{"term": {"outlet": outlet}}, {"term": {"state": STATE}}]}},
            sort=[{"fetched": "desc"}],
        )
        return {hit["_id"]: hit["_source"] for hit in answer["hits"]["hits"]}

    def remember(self, memories: Iterable[StartMemory]) -> None:
        """Write what was read.

        Raises:
            ClusterError: a document was refused.
        """
        by_id = {memory.id: memory for memory in memories}
        bulk.write_all(self.cluster, (bulk.Action("urls", key, one.to_document()) for key, one in by_id.items()))


def recalled(memory: StartMemory, stored: dict[str, dict[str, Any]]) -> StartMemory:
    """The start point with what is stored of it, if anything."""
    found = stored.get(memory.id, {})
    return replace(memory, **{name: found[name] for name in _READ if name in found})

"""What is kept of each article to find its copies: a fingerprint, the copies found, and the cluster that follows from them.

It has an index of its own, so that looking for copies never touches the large one with the texts.
"""

import base64
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch.helpers import scan

from index_config import bulk
from index_config.cluster import Cluster, ClusterError
from processing.duplicates import SCHEME, Fingerprint, from_signature, plausible

ALIAS = "fingerprints"
_MOST = 30
"""Candidates looked at for one article, those with most bands in common first: copies of copies are found through these."""
_TOGETHER, _MANY = 200, 2000
"""Articles whose candidates are looked for in one query, and how many it may find; these articles are among them."""
_PAGE = 1000


@dataclass(frozen=True)
class Print:
    """One article in the index, as its clusters are computed from."""

    id: str
    near: frozenset[str]
    outlet: str
    first_seen: str
    cluster_id: str
    copies: int
    version: tuple[int, int]
    """Sequence number and primary term: what Elasticsearch wants to know to refuse a change of something newer."""

    def has(self, value: dict[str, Any]) -> bool:
        """Whether its cluster is this one."""
        return (self.cluster_id, self.copies) == (value["cluster_id"], value["copies"])


def write_prints(cluster: Cluster, prints: dict[str, tuple[dict[str, Any], Fingerprint | None]]) -> set[str]:
    """Store fingerprints of articles (their documents and fingerprints by id); returns the clusters these were in.

    Until a new cluster is settled, an article stays in the old one: if this ends here, its copies are looked at again.
    """
    before = {name: source["cluster_id"] for name, source in _sources(cluster, list(prints), ["cluster_id"]).items()}
    actions = []
    for name, (article, found) in prints.items():
        document = {
            "scheme": SCHEME,
            "text_hash": article["text_hash"],
            "outlet": article["outlet"],
            "first_seen": article["first_seen"],
            "near": [],
            "cluster_id": before.get(name, name),
            "first_seen_outlet": article["outlet"],
            "copies": 1,
        }
        if found:
            document["bands"] = list(found.bands)
            document["signature"] = base64.b64encode(found.signature).decode()
        actions.append(bulk.Action(ALIAS, name, document))
    bulk.write_all(cluster, actions, refresh=True)
    return set(before.values())


def candidates(cluster: Cluster, prints: dict[str, Fingerprint]) -> dict[str, list[str]]:
    """For each article the others whose texts are worth comparing with its own."""
    names, found = list(prints), dict[str, list[str]]()
    for first in range(0, len(names), _TOGETHER):
        part = {name: prints[name] for name in names[first : first + _TOGETHER]}
        signatures = _sharing_bands(cluster, part)
        found |= _one_by_one(cluster, part) if signatures is None else _nearest(part, signatures)
    return found


def _sharing_bands(cluster: Cluster, prints: dict[str, Fingerprint]) -> dict[str, bytes] | None:
    """Signatures of all articles that share a band with one of these: one look for all of them costs a fifth of one look each.

    None where there are too many: then something is repeated so often that each must be asked for its nearest.
    """
    bands = sorted({band for found in prints.values() for band in found.bands})
    query = {"bool": {"filter": {"terms": {"bands": bands}}}}
    body = {"query": query, "size": _MANY, "_source": ["signature", "scheme"], "track_total_hits": False}
    hits = cluster.client.search(index=cluster.name(ALIAS), body=body)["hits"]["hits"]
    return dict(map(_signature, filter(_is_comparable, hits))) if len(hits) < _MANY else None


def _nearest(prints: dict[str, Fingerprint], signatures: dict[str, bytes]) -> dict[str, list[str]]:
    with_band: dict[str, list[str]] = defaultdict(list)
    for name, found in prints.items():
        for band in found.bands:
            with_band[band].append(name)
    shared: dict[str, Counter[str]] = defaultdict(Counter)
    for other, signature in signatures.items():
        for band in from_signature(signature).bands:
            for name in with_band.get(band, ()):
                shared[name][other] += name != other
    return {
        name: [
            other
            for other, bands in sorted(shared[name].items(), key=lambda item: (-item[1], item[0]))[:_MOST]
            if bands and plausible(found.signature, signatures[other])
        ]
        for name, found in prints.items()
    }


def _one_by_one(cluster: Cluster, prints: dict[str, Fingerprint]) -> dict[str, list[str]]:
    searches: list[dict[str, Any]] = []
    for name, found in prints.items():
        bands = [{"constant_score": {"filter": {"term": {"bands": band}}}} for band in found.bands]
        query = {"bool": {"should": bands, "minimum_should_match": 1, "must_not": {"ids": {"values": [name]}}}}
        body = {"query": query, "size": _MOST, "_source": ["signature", "scheme"], "track_total_hits": False}
        searches += [{"index": cluster.name(ALIAS)}, body]
    answers = cluster.client.msearch(searches=searches)["responses"]
    return {
        name: [
            other
            for other, signature in map(_signature, filter(_is_comparable, answer["hits"]["hits"]))
            if plausible(found.signature, signature)
        ]
        for (name, found), answer in zip(prints.items(), answers, strict=True)
    }


def _is_comparable(hit: dict[str, Any]) -> bool:
    return bool(hit["_source"]["scheme"] == SCHEME)


def _signature(hit: dict[str, Any]) -> tuple[str, bytes]:
    return hit["_id"], base64.b64decode(hit["_source"]["signature"])


def set_near(cluster: Cluster, near: dict[str, list[str]]) -> None:
    """Store which copies articles were found to have."""
    bulk.write_all(
        cluster, [bulk.Action(ALIAS, name, {"near": ids}, "update") for name, ids in near.items() if ids], refresh=True
    )


def naming(cluster: Cluster, ids: Sequence[str]) -> list[Print]:
    """The articles that name one of these as a copy."""
    return list(_prints(cluster, {"terms": {"near": list(ids)}})) if ids else []


def members(cluster: Cluster, clusters: Iterable[str]) -> set[str]:
    """The articles that are in one of these clusters."""
    wanted = sorted(clusters)
    return {found.id for found in _prints(cluster, {"terms": {"cluster_id": wanted}})} if wanted else set()


def connected(cluster: Cluster, seeds: Iterable[str]) -> dict[str, Print]:
    """All articles that can be reached from these from copy to copy, in either direction, and these themselves."""
    cluster.client.indices.refresh(index=cluster.name(ALIAS))
    found: dict[str, Print] = {}
    asked: set[str] = set()
    frontier = set(seeds)
    while frontier:
        wanted = sorted(frontier)
        query = {"bool": {"should": [{"ids": {"values": wanted}}, {"terms": {"near": wanted}}]}}
        fresh = {item.id: item for item in _prints(cluster, query) if item.id not in found}
        found |= fresh
        asked |= frontier
        frontier = {name for item in fresh.values() for name in (item.id, *item.near)} - asked
    return found


def settle(cluster: Cluster, values: dict[str, dict[str, Any]], as_read: dict[str, Print]) -> list[str]:
    """Store the cluster of articles as long as they are as they were read; returns those that have changed since."""
    lines: list[dict[str, Any]] = []
    for name, value in values.items():
        number, term = as_read[name].version
        action = {"_index": cluster.name(ALIAS), "_id": name, "if_seq_no": number, "if_primary_term": term}
        lines += [{"update": action}, {"doc": value}]
    conflicts = []
    for first in range(0, len(lines), 2 * _PAGE):
        answer = cluster.client.bulk(operations=lines[first : first + 2 * _PAGE])
        conflicts += [item["update"]["_id"] for item in answer["items"] if item["update"]["status"] in {404, 409}]
        for item in answer["items"]:
            if item["update"]["status"] >= 400 and item["update"]["status"] not in {404, 409}:
                raise ClusterError(f"{ALIAS}: {item['update']['_id']} was refused: {item['update']['error']}")
    return conflicts


def present(cluster: Cluster, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What articles have at this moment, whether it can be searched yet or not: cluster, copies, first outlet."""
    return _sources(cluster, ids, ["cluster_id", "copies", "first_seen_outlet"])


def text_hashes(cluster: Cluster, ids: Sequence[str]) -> dict[str, str]:
    """The wordings that the fingerprints are of."""
    return {name: source["text_hash"] for name, source in _sources(cluster, ids, ["text_hash"]).items()}


def forget(cluster: Cluster, ids: Sequence[str]) -> None:
    """Take out articles that are no more."""
    bulk.write_all(cluster, [bulk.Action(ALIAS, name, operation="delete") for name in ids], refresh=True)


def _sources(cluster: Cluster, ids: Sequence[str], fields: list[str]) -> dict[str, dict[str, Any]]:
    if not ids:
        return {}
    answer = cluster.client.mget(index=cluster.name(ALIAS), ids=list(ids), source_includes=fields)
    return {item["_id"]: item["_source"] for item in answer["docs"] if item.get("found")}


def _prints(cluster: Cluster, query: dict[str, Any]) -> Iterator[Print]:
    body = {
        "query": query,
        "seq_no_primary_term": True,
        "_source": ["near", "outlet", "first_seen", "cluster_id", "copies"],
    }
    for hit in scan(cluster.client, index=cluster.name(ALIAS), query=body, size=_PAGE):
        source = hit["_source"]
        yield Print(
            id=hit["_id"],
            near=frozenset(source["near"]),
            outlet=source["outlet"],
            first_seen=source["first_seen"],
            cluster_id=source["cluster_id"],
            copies=source["copies"],
            version=(hit["_seq_no"], hit["_primary_term"]),
        )

"""Clusters of copies: what is connected by copies of copies, named for the article we saw first.

Two workers may do this at once, and one may die in the middle. Which texts are copies depends on these texts alone; what
is connected is read again until nothing has changed in between; and an article is marked as done last of all. So the
result is the same in whatever order articles come.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from http import HTTPStatus
from typing import Any

from elasticsearch.helpers import scan

from index_config import bulk
from index_config.cluster import Cluster, ClusterError
from processing import duplicates_state as state
from processing.duplicates import SCHEME, fingerprint
from processing.duplicates_texts import Texts

_BATCH = 200
_ATTEMPTS = 50


def unclustered(cluster: Cluster) -> list[str]:
    """Ids of articles whose cluster is not known: new ones, new versions, and what a worker that died has left."""
    for alias in ("articles", state.ALIAS):
        cluster.client.indices.refresh(index=cluster.name(alias))
    unknown = {"bool": {"must_not": {"exists": {"field": "cluster_id"}}}}
    old = {"bool": {"must_not": {"term": {"scheme": SCHEME}}}}
    return sorted({*_ids(cluster, "articles", unknown), *_ids(cluster, state.ALIAS, old)})


def cluster_all(cluster: Cluster, progress: Callable[[], None] = lambda: None) -> int:
    """Find the clusters of all articles that have none; returns how many articles these were.

    Args:
        progress: called once for each article, when its batch is done.
    """
    articles = unclustered(cluster)
    for first in range(0, len(articles), _BATCH):
        batch = articles[first : first + _BATCH]
        cluster_articles(cluster, batch)
        for _ in batch:
            progress()
    return len(articles)


def cluster_articles(cluster: Cluster, articles: Sequence[str]) -> None:
    """Find the copies of these articles, and bring their clusters up to date: on articles, and on their flags.

    Articles that are no more are taken out of the clusters they were in.

    Raises:
        ClusterError: Elasticsearch refused something, or texts or clusters kept changing while they were worked on.
    """
    for _ in range(_ATTEMPTS):
        articles = _once(cluster, articles)
        if not articles:
            return
    raise ClusterError("articles kept changing while their copies were looked for; run `narrawatch process` again")


def _once(cluster: Cluster, articles: Sequence[str]) -> list[str]:
    """Cluster these, and return those whose text was replaced in the meantime, so that nothing is known of it."""
    texts = Texts(cluster)
    documents = texts.documents(articles)
    again = [name for name, document in documents.items() if document.get("cluster_id")]
    bulk.write(cluster, [bulk.Action("articles", name, {"cluster_id": None}, "update") for name in again])
    left = _take_out(cluster, [name for name in articles if name not in documents])
    prints = {name: (document, fingerprint(texts.wording(name))) for name, document in documents.items()}
    touched = state.write_prints(cluster, prints)
    possible = state.candidates(cluster, {name: found for name, (_, found) in prints.items() if found})
    texts.documents([name for names in possible.values() for name in names])
    near = {name: [other for other in names if texts.are_copies(name, other)] for name, names in possible.items()}
    state.set_near(cluster, near)
    _cut(cluster, texts, list(documents))
    published = _settle(cluster, {*documents, *left, *state.members(cluster, touched)}, last=documents.keys())
    return _outdated(cluster, texts, published)


def _take_out(cluster: Cluster, gone: list[str]) -> set[str]:
    """Forget articles that are no more; returns what was connected with them."""
    left = set(state.connected(cluster, gone)) if gone else set()
    state.forget(cluster, gone)
    return left - set(gone)


def _outdated(cluster: Cluster, texts: Texts, published: set[str]) -> list[str]:
    """Articles that have another text now than was compared, or than their fingerprint is of."""
    known = state.text_hashes(cluster, sorted(published)) | texts.hashes
    answer = cluster.client.mget(index=cluster.name("articles"), ids=sorted(known), source_includes=["text_hash"])
    now = {item["_id"]: item["_source"]["text_hash"] for item in answer["docs"] if item.get("found")}
    return sorted(name for name in known if now.get(name) != known[name])


def _cut(cluster: Cluster, texts: Texts, articles: Sequence[str]) -> None:
    """Where others name one of these as a copy, and its new version is none, take it out."""
    cluster.client.indices.refresh(index=cluster.name(state.ALIAS))
    for _ in range(_ATTEMPTS):
        others = state.naming(cluster, articles)
        texts.documents([item.id for item in others])
        wrong = {
            item.id: sorted(name for name in item.near if name not in articles or texts.are_copies(item.id, name))
            for item in others
        }
        changes = {item.id: {"near": wrong[item.id]} for item in others if set(wrong[item.id]) != item.near}
        if not state.settle(cluster, changes, {item.id: item for item in others}):
            break
        cluster.client.indices.refresh(index=cluster.name(state.ALIAS))


def _settle(cluster: Cluster, seeds: set[str], last: Set[str]) -> set[str]:
    """Write the clusters of all that is connected with these, until nobody has changed anything; returns their articles."""
    for _ in range(_ATTEMPTS):
        found = state.connected(cluster, seeds)
        values = {name: value for group in _groups(found) for name, value in _values(group).items()}
        changed = {name: value for name, value in values.items() if not found[name].has(value)}
        if not state.settle(cluster, changed, found) and _publish(cluster, values, last):
            return set(values)
    raise ClusterError("clusters of copies kept changing while they were written; run `narrawatch process` again")


def _groups(found: dict[str, state.Print]) -> Iterator[list[state.Print]]:
    """What is connected, each as one list."""
    links: dict[str, set[str]] = {name: set() for name in found}
    for item in found.values():
        for other in item.near & found.keys():
            links[item.id].add(other)
            links[other].add(item.id)
    left = set(found)
    while left:
        group, frontier = set(), {left.pop()}
        while frontier:
            group |= frontier
            frontier = {other for name in frontier for other in links[name]} - group
        left -= group
        yield [found[name] for name in group]


def _values(group: list[state.Print]) -> dict[str, dict[str, Any]]:
    oldest = min(group, key=lambda item: (item.first_seen, item.id))
    value = {"cluster_id": oldest.id, "first_seen_outlet": oldest.outlet, "copies": len(group)}
    return {item.id: value for item in group}


def _publish(cluster: Cluster, values: dict[str, dict[str, Any]], last: Set[str]) -> bool:
    """Bring articles and flags up to what was settled; False when articles have gone and all must be computed again.

    The articles we were asked about are written last: as long as they have no cluster, somebody will do this again.
    Another worker may have settled something newer meanwhile, and its articles may have been written before ours. So
    what is settled is read again afterwards, and written if it is not what we wrote.
    """
    while values:
        follow(cluster, list(values))
        for part in (values.keys() - last, values.keys() & last):
            actions = [bulk.Action("articles", name, values[name], "update") for name in sorted(part)]
            failed = bulk.write(cluster, actions).failed
            if refused := [failure for failure in failed if failure.status != HTTPStatus.NOT_FOUND]:
                raise ClusterError(f"articles: document {refused[0].id} was refused ({refused[0].reason})")
            if failed:
                state.forget(cluster, [failure.id for failure in failed])
                return False
        current = state.present(cluster, list(values))
        values = {name: value for name, value in current.items() if values[name] != value}
    return True


def follow_moved(cluster: Cluster, before: Mapping[str, str | None]) -> None:
    """As `follow`, for those articles that are in another cluster now than when their flags were made."""
    now = state.present(cluster, list(before))
    if moved := [name for name, value in now.items() if value["cluster_id"] != before[name]]:
        follow(cluster, moved)


def follow(cluster: Cluster, articles: Sequence[str]) -> None:
    """Let the flags of these articles name the clusters their articles are in now."""
    cluster.client.indices.refresh(index=cluster.name("flags"))
    now = state.present(cluster, articles)
    query = {"query": {"terms": {"article": sorted(now)}}, "_source": ["article", "cluster"]}
    actions = [
        bulk.Action("flags", hit["_id"], {"cluster": wanted}, "update")
        for hit in scan(cluster.client, index=cluster.name("flags"), query=query, size=1000)
        if (wanted := now[hit["_source"]["article"]]["cluster_id"]) != hit["_source"].get("cluster")
    ]
    bulk.write(cluster, actions, refresh=bool(actions))  # a flag that was dropped meanwhile needs none


def _ids(cluster: Cluster, alias: str, query: dict[str, Any]) -> Iterator[str]:
    body = {"query": query, "_source": False}
    return (hit["_id"] for hit in scan(cluster.client, index=cluster.name(alias), query=body, size=5000))

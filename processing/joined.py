"""Joining in Elasticsearch: finds what an article may be another address of, and makes one document of what is one."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from crawlers.address import AddressError, url_id
from crawlers.known import Known
from index_config import bulk
from index_config.cluster import Cluster
from processing.article import Article
from processing.joining import Page, addresses, join
from processing.scan import scan

_SIBLINGS = 20
"""Articles looked at that name the same canonical address: where there are more, the site names one for all."""
_ROUNDS = 2  # an article, what names it, and what names that
_FIELDS = ["url", "urls", "text", "fetched", "first_seen", "canonical_id", "amp_url"]


def find(cluster: Cluster, articles: Sequence[Article], stored: Mapping[str, dict[str, Any]]) -> "Joins":
    """Which of these articles, about to be stored, and of those in the store are one.

    Args:
        cluster: where the others are looked for.
        articles: the new ones, each id once.
        stored: the documents that are stored under these ids, by id.

    Raises:
        ClusterError: Elasticsearch cannot be reached.
    """
    pages = {article.id: _new(article, stored.get(article.id)) for article in articles}
    if pages:
        cluster.client.indices.refresh(index=cluster.name("articles"))
    newest = dict(pages)
    for _ in range(_ROUNDS):
        newest = {page.id: page for page in _candidates(cluster, newest.values()) if page.id not in pages}
        pages |= newest
    return Joins(cluster, join(pages.values()), pages, frozenset(article.id for article in articles))


class Joins:
    """What was found: `into` says for each article that is another one, which."""

    def __init__(self, cluster: Cluster, into: dict[str, str], pages: Mapping[str, Page], new: frozenset[str]) -> None:
        self.cluster, self.into, self.pages, self.new = cluster, into, pages, new

    def give_up(self, refused: Set[str]) -> None:
        """Join nothing to articles that Elasticsearch refused: what would have been joined must stand for itself."""
        self.into = {other: head for other, head in self.into.items() if head not in refused}

    def write(self) -> None:
        """Make one document of what is one, once the articles that stay are stored and their captures are known.

        The head gets the others' addresses; their own documents go, and what was decided about them moves to the head.
        Doing it again, or after dying half-way, ends in the same state.

        Raises:
            ClusterError: Elasticsearch cannot be reached or refused.
        """
        heads: dict[str, list[str]] = {}
        for other, head in self.into.items():
            heads.setdefault(head, []).append(other)
        bulk.write_all(self.cluster, self._parted())
        if not heads:
            return
        bulk.write_all(self.cluster, [self._united(head, others) for head, others in heads.items()])
        self._point(heads)
        for head, others in heads.items():
            for other in others:
                _move_decisions(self.cluster, other, head)
        gone = [bulk.Action("articles", other, operation="delete") for others in heads.values() for other in others]
        bulk.write_all(self.cluster, gone, refresh=True)

    def _united(self, head: str, others: list[str]) -> bulk.Action:
        group = [self.pages[name] for name in (head, *others)]
        urls = addresses(self.pages[head].url, {url for page in group for url in page.urls})
        first_seen = min(page.first_seen for page in group)
        return bulk.Action("articles", head, {"urls": urls, "first_seen": first_seen, "cluster_id": None}, "update")

    def _parted(self) -> list[bulk.Action]:
        """Articles that lose an address, because since then it shows an article of its own."""
        actions = []
        alone = [self.pages[name] for name in self.new - self.into.keys()]
        for old in self.pages.values():
            if old.id in self.new or old.id in self.into:
                continue
            lost = {page.url for page in alone if page.id in old.ids and page.fetched > old.fetched}
            if kept := lost and {url for url in old.urls if url_id(url) not in set(map(url_id, lost))}:
                actions.append(bulk.Action("articles", old.id, {"urls": addresses(old.url, kept)}, "update"))
        return actions

    def _point(self, heads: Mapping[str, list[str]]) -> None:
        """Let `urls` say for each address which article it leads to; only the head is visited again."""
        known = Known(self.cluster)
        article = {key: head for head, others in heads.items() for other in others for key in self.pages[other].ids}
        records = known.look_up(list(article))
        known.remember(
            replace(record, article=article[key], state="indexed", next_visit=None)
            for key, record in records.items()
            if key != article[key]
        )


def _new(article: Article, stored: dict[str, Any] | None) -> Page:
    page = Page(
        id=article.id,
        url=article.url,
        urls=frozenset(article.urls),
        text=article.page.text,
        fetched=article.fetched,
        first_seen=article.fetched,
        canonical=article.canonical_id,
        amp=_id(article.page.amp_url),
    )
    if stored is None:
        return page
    was = _stored(article.id, stored)
    first_seen = min(was.first_seen, page.first_seen)
    if stored["fetched"] > article.fetched:  # an older file, processed late
        page = was
    return replace(page, urls=frozenset({*article.urls, *was.urls}), first_seen=first_seen)


def _stored(name: str, document: Mapping[str, Any]) -> Page:
    (text,) = document["text"].values()
    return Page(
        id=name,
        url=document["url"],
        urls=frozenset(document["urls"]),
        text=text,
        fetched=document["fetched"],
        first_seen=document["first_seen"],
        canonical=document.get("canonical_id"),
        amp=_id(document.get("amp_url")),
    )


def _id(url: str | None) -> str | None:
    try:
        return url_id(url) if url else None
    except AddressError:
        return None


def _candidates(cluster: Cluster, pages: Iterable[Page]) -> list[Page]:
    """Stored articles that these pages name, that their addresses lead to, or that name them."""
    names = sorted({name for page in pages for name in page.named})
    if not names:
        return []
    led_to = {record.article for record in Known(cluster).look_up(names).values() if record.article}
    answer = cluster.client.mget(index=cluster.name("articles"), ids=sorted({*names, *led_to}), source_includes=_FIELDS)
    found = {item["_id"]: item["_source"] for item in answer["docs"] if item.get("found")}
    naming = cluster.client.search(
        index=cluster.name("articles"),
        query={"terms": {"canonical_id": names}},
        size=len(names),
        source=False,
        collapse={
            "field": "canonical_id",
            "inner_hits": {"name": "first", "size": _SIBLINGS, "sort": [{"first_seen": "asc"}], "_source": _FIELDS},
        },
    )
    for hit in naming["hits"]["hits"]:
        found |= {inner["_id"]: inner["_source"] for inner in hit["inner_hits"]["first"]["hits"]["hits"]}
    return [_stored(name, document) for name, document in found.items()]


def _move_decisions(cluster: Cluster, old: str, head: str) -> None:
    """Give the head's flags what analysts decided on the old article's; flags nobody decided on go, the head has its own.

    `verdicts` only grows: each decision is entered once more, for the flag it now belongs to.
    """
    flags = dict(scan(cluster, "flags", query={"term": {"article": old}}))
    if not flags:
        return
    verdicts = dict(scan(cluster, "verdicts", query={"term": {"article": old}}))
    actions = []
    for name, verdict in verdicts.items():
        again = {**verdict, "flag": f"{head}:{verdict['narrative']}", "article": head}
        actions.append(bulk.Action("verdicts", hashlib.sha256(f"{name}{head}".encode()).hexdigest()[:32], again))
    for flag in flags.values():
        if flag.get("verdict"):
            target = f"{head}:{flag['narrative']}"
            _carry(cluster, target, {**flag, "article": head})
    bulk.write_all(cluster, actions, refresh=True)
    bulk.write_all(cluster, [bulk.Action("flags", name, operation="delete") for name in flags], refresh=True)


def _carry(cluster: Cluster, target: str, flag: dict[str, Any]) -> None:
    """Create the head's flag from the old one, or let the one it has carry the newer decision."""
    found = cluster.client.mget(index=cluster.name("flags"), ids=[target])["docs"][0]
    if not found.get("found"):
        bulk.write_all(cluster, [bulk.Action("flags", target, flag, "update", doc_as_upsert=True)])
    elif (found["_source"].get("verdict_at") or "") < flag["verdict_at"]:
        decided = {name: value for name, value in flag.items() if name.startswith("verdict")}
        bulk.write_all(cluster, [bulk.Action("flags", target, decided, "update")])

"""Copies of articles: how many are found, how many are wrongly taken for copies, and what one more article costs among many.

    python benchmarks/duplicates.py --data DIR [--articles 300] [--sizes 10000 100000 1000000]

DIR holds `articles/*/truth.jsonl.gz` and `narratives/semeval2025_t10/articles.jsonl.gz` (text, language). Of each of the chosen
articles these copies are made, each for another outlet:

    byline       an agency's line before the first sentence
    cut n        a run of sentences is left out, so that n % of the words remain
    order        its paragraphs (six runs of sentences) in another order
    lead         the first two sentences paraphrased: every third word gone, neighbours swapped
    opening      its first 30 % replaced by sentences of other articles
    several      byline, lead, and cut to 80 %
    new n        sentences here and there replaced by sentences of other articles in its language, until n % of the words are new

All other articles of the corpora stand among them. Of these, ten at a time each end in the same six sentences, in one invented outlet
or in ten of one publisher: these are no copies. A pair counts as found when both are in one cluster, and as wrong when they come from different articles.
`recall` is over copies that share 60 % and more of the longer text's words; the others are shown, but may be found or not.

Clusters are made by the pipeline's own code in indices of their own on ELASTICSEARCH_URL, which are deleted afterwards. Beside it stand
an exact hash of the words, SimHash (64 bits, up to 6 different) and MinHash LSH with the library's settings (Jaccard .5, not verified).
"""

import argparse
import base64
import gzip
import hashlib
import json
import os
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch.helpers import parallel_bulk
from rensa import RMinHash, RMinHashLSH
from rich.console import Console
from rich.table import Table

from index_config import bulk
from index_config.apply import apply
from index_config.cluster import Cluster, connect
from index_config.languages import text_field
from narrawatch import settings
from processing import duplicates
from processing.article import text_hash
from processing.duplicates_clusters import cluster_all, cluster_articles

FEWEST_WORDS = 150
SHARING = 0.6
SIMHASH_BITS, SIMHASH_APART = 64, 6
NEW = (10, 20, 30, 40, 50, 60)
CUT = (90, 75, 60)
_TAKES, _ADDED = 3, 100
_SENTENCE = re.compile(r"(?<=[.!?।。！？…»”\"])\s+|\n+")


@dataclass(frozen=True)
class Document:
    """One text: which article it comes from, how it was made of it, and how much of the longer of the two they share."""

    name: str
    source: str
    edit: str
    outlet: str
    language: str
    text: str
    share: float


def read(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def originals(data: Path) -> list[Document]:
    """The corpora's articles; of those that are copies already, one."""
    files = [
        *sorted((data / "articles").glob("*/truth.jsonl.gz")),
        data / "narratives" / "semeval2025_t10" / "articles.jsonl.gz",
    ]
    found: list[Document] = []
    wordings: dict[str, list[duplicates.Wording]] = defaultdict(list)
    for path in files:
        for row in read(path):
            text = row.get("text") or ""
            if len(text.split()) < FEWEST_WORDS or not row.get("language"):
                continue
            words = duplicates.wording("", text)
            if any(len(words.runs & other.runs) > 0.1 * len(words.runs) for other in wordings[row["language"]]):
                continue
            wordings[row["language"]].append(words)
            name = f"{path.parent.name}-{len(found):04}"
            found.append(Document(name, name, "original", f"outlet{len(found) % 60}", row["language"], text, 1.0))
    return found


def sentences(text: str) -> list[str]:
    return [sentence for sentence in _SENTENCE.split(text) if sentence.strip()]


def size(parts: Iterable[str]) -> int:
    return sum(len(part.split()) for part in parts)


def cut(parts: list[str], percent: int, draw: random.Random) -> list[str]:
    kept, place = list(parts), draw.randrange(len(parts))
    while len(kept) > 1:
        place = min(place, len(kept) - 1)
        if size(kept) - size(kept[place : place + 1]) < percent / 100 * size(parts):
            break
        kept.pop(place)
    return kept


def reordered(parts: list[str], draw: random.Random) -> list[str]:
    runs = [list(run) for run in np.array_split(np.array(parts, dtype=object), min(6, len(parts)))]
    draw.shuffle(runs)
    return [part for run in runs for part in run]


def paraphrased(parts: list[str]) -> list[str]:
    words = [word for number, word in enumerate(" ".join(parts[:2]).split()) if number % 3 != 2]
    for place in range(0, len(words) - 1, 2):
        words[place], words[place + 1] = words[place + 1], words[place]
    return [" ".join(words), *parts[2:]]


def renewed(parts: list[str], percent: int, donors: list[str], draw: random.Random) -> list[str]:
    mixed, new, whole = list(parts), 0, size(parts)
    places = draw.sample(range(len(parts)), len(parts))
    for place in places:
        wanted = len(parts[place].split())
        if new + wanted > percent / 100 * whole:
            continue
        taken = ""
        while len(taken.split()) < wanted:
            taken = f"{taken} {draw.choice(donors)}".strip()
        mixed[place] = " ".join(taken.split()[:wanted])
        new += wanted
    return mixed


def reopened(parts: list[str], percent: int, donors: list[str], draw: random.Random) -> list[str]:
    kept, opening, whole = list(parts), list[str](), size(parts)
    while len(kept) > 1 and size(kept[1:]) >= (1 - percent / 100) * whole:
        kept.pop(0)
    while size(opening) < whole - size(kept):
        opening.append(draw.choice(donors))
    return [*opening, *kept]


def copies_of(article: Document, donors: list[str], draw: random.Random) -> Iterator[Document]:
    parts = sentences(article.text)
    byline = "BERLIN/KYIV (agency) – "
    edits: dict[str, list[str]] = {
        "byline": [byline, *parts],
        "order": reordered(parts, draw),
        "lead": paraphrased(parts),
        "opening": reopened(parts, 30, donors, draw),
        "several": [byline, *cut(paraphrased(parts), 80, draw)],
    }
    edits |= {f"cut {percent}": cut(parts, percent, draw) for percent in CUT}
    edits |= {f"new {percent}": renewed(parts, percent, donors, draw) for percent in NEW}
    original = set(parts)
    for number, (edit, made) in enumerate(edits.items()):
        shared = size(part for part in made if part in original) / max(size(made), size(parts))
        outlet = f"copier{(draw.randrange(40) + number) % 40}"
        yield Document(
            f"{article.name}-{edit.replace(' ', '')}",
            article.source,
            edit,
            outlet,
            article.language,
            "\n".join(made),
            shared,
        )


def with_footers(articles: list[Document], draw: random.Random) -> Iterator[Document]:
    """Ten articles of one language that all end in six sentences of an eleventh, which is yielded as a donor.

    They are of one outlet and of ten by turns.
    """
    by_language: dict[str, list[Document]] = defaultdict(list)
    for article in articles:
        by_language[article.language].append(article)
    for language, some in by_language.items():
        for first in range(0, len(some) - 10, 11):
            group = some[first : first + 11]
            footer = "\n".join(draw.sample(sentences(group[10].text), min(6, len(sentences(group[10].text)))))
            yield replace(group[10], edit="donor")
            for number, article in enumerate(group[:10]):
                outlet = f"{language}{first}-{number if first % 2 else 0}"
                short = "\n".join(sentences(article.text)[: draw.randrange(5, 15)])
                yield Document(
                    f"{article.name}-footer",
                    f"{article.source}-footer",
                    "footer",
                    outlet,
                    language,
                    f"{short}\n{footer}",
                    0.0,
                )


def corpus(data: Path, number: int) -> list[Document]:
    draw = random.Random(2026)
    articles = originals(data)
    draw.shuffle(articles)
    donors: dict[str, list[str]] = defaultdict(list)
    for article in articles:
        donors[article.language] += [part for part in sentences(article.text) if len(part.split()) > 5]
    chosen, others = articles[:number], articles[number:]
    made = [copy for article in chosen for copy in copies_of(article, donors[article.language], draw)]
    made_and_donors = list(with_footers(others, draw))
    used = {document.source.removesuffix("-footer") for document in made_and_donors}
    footed = [document for document in made_and_donors if document.edit == "footer"]
    return [*chosen, *made, *footed, *(article for article in others if article.source not in used)]


def stored(document: Document, number: int) -> bulk.Action:
    body = {
        "title": document.name,
        "text": {text_field(document.language): document.text},
        "text_hash": text_hash(document.name, document.text),
        "outlet": document.outlet,
        "language": document.language,
        "first_seen": f"2026-01-{1 + number % 28:02}T00:00:00Z",
    }
    return bulk.Action("articles", document.name, body)


def ours(documents: list[Document], cluster: Cluster) -> dict[str, str]:
    bulk.write_all(cluster, (stored(document, number) for number, document in enumerate(documents)), refresh=True)
    cluster_all(cluster)
    found: dict[str, str] = {}
    for first in range(0, len(documents), 1000):
        ids = [document.name for document in documents[first : first + 1000]]
        answer = cluster.client.mget(index=cluster.name("articles"), ids=ids, source_includes=["cluster_id"])
        found |= {item["_id"]: item["_source"]["cluster_id"] for item in answer["docs"]}
    return found


def joined(documents: list[Document], pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Clusters from pairs."""
    above = {document.name: document.name for document in documents}

    def top(name: str) -> str:
        while above[name] != name:
            above[name] = above[above[name]]
            name = above[name]
        return name

    for one, other in pairs:
        above[top(one)] = top(other)
    return {name: top(name) for name in above}


def exact(documents: list[Document]) -> dict[str, str]:
    def key(document: Document) -> str:
        return hashlib.sha256(" ".join(re.findall(r"\w+", document.text.lower())).encode()).hexdigest()

    return {document.name: key(document) for document in documents}


def simhash(documents: list[Document]) -> dict[str, str]:
    prints = []
    for document in documents:
        runs = sorted(duplicates.wording("", document.text).runs)
        hashes = np.array(
            [int.from_bytes(hashlib.blake2b(run.encode(), digest_size=8).digest()) for run in runs] or [0],
            dtype=np.uint64,
        )
        bits = (hashes[:, None] >> np.arange(SIMHASH_BITS, dtype=np.uint64)) & np.uint64(1)
        prints.append(bits.mean(axis=0) >= 0.5)
    matrix = np.array(prints, dtype=np.float32)
    apart = matrix @ (1 - matrix).T
    apart += apart.T
    near = np.argwhere(np.triu(apart <= SIMHASH_APART, 1))
    return joined(documents, ((documents[one].name, documents[other].name) for one, other in near))


def plain_lsh(documents: list[Document]) -> dict[str, str]:
    lsh = RMinHashLSH(threshold=0.5, num_perm=128, num_bands=32)
    sketches = []
    pairs = []
    for number, document in enumerate(documents):
        sketch = RMinHash(128, 1)
        sketch.update(sorted(duplicates.wording("", document.text).runs))
        pairs += [
            (documents[other].name, document.name)
            for other in lsh.query(sketch)
            if sketch.jaccard(sketches[other]) >= 0.5
        ]
        lsh.insert(number, sketch)
        sketches.append(sketch)
    return joined(documents, pairs)


@dataclass(frozen=True)
class Rates:
    """How well the clusters fit: pairs of one article among all joined pairs, and found copies among all that share enough."""

    precision: float
    recall: float
    wrong: int
    hits: dict[str, list[bool]]
    """By edit."""


def rates(documents: list[Document], found: dict[str, str]) -> Rates:
    groups: dict[str, list[Document]] = defaultdict(list)
    for document in documents:
        groups[found[document.name]].append(document)
    right, wrong = 0, 0
    for group in groups.values():
        same = sum(number * (number - 1) // 2 for number in Counter(one.source for one in group).values())
        right += same
        wrong += len(group) * (len(group) - 1) // 2 - same
    hits: dict[str, list[bool]] = defaultdict(list)
    sharing: list[bool] = []
    for document in documents:
        if document.edit not in {"original", "footer"}:
            hits[document.edit].append(found[document.name] == found[document.source])
            if document.share >= SHARING:
                sharing.append(hits[document.edit][-1])
    return Rates(right / max(1, right + wrong), float(np.mean(sharing)), wrong, hits)


def report(documents: list[Document], methods: dict[str, Callable[[list[Document]], dict[str, str]]]) -> Table:
    edits = [
        edit for edit in dict.fromkeys(document.edit for document in documents) if edit not in {"original", "footer"}
    ]
    table = Table(
        "method", "precision", "recall ≥ 60 %", "wrong pairs", "ms/article", *edits, title=f"{len(documents)} texts"
    )
    for name, method in methods.items():
        began = time.perf_counter()
        found = method(documents)
        cost = (time.perf_counter() - began) / len(documents) * 1000
        rate = rates(documents, found)
        each = (f"{np.mean(rate.hits[edit]):.2f}" for edit in edits)
        table.add_row(name, f"{rate.precision:.4f}", f"{rate.recall:.4f}", str(rate.wrong), f"{cost:.1f}", *each)
    return table


def synthetic(first: int, last: int, index: str) -> Iterator[dict[str, Any]]:
    draw = np.random.default_rng(first)
    for number in range(first, last):
        made = duplicates.from_values(draw.integers(0, 2**32, duplicates.VALUES, dtype=np.uint32))
        yield {
            "_index": index,
            "_id": f"synthetic{number}",
            "scheme": duplicates.SCHEME,
            "bands": list(made.bands),
            "signature": base64.b64encode(made.signature).decode(),
            "text_hash": "0",
            "outlet": "synthetic",
            "first_seen": "2026-01-01T00:00:00Z",
            "near": [],
            "cluster_id": f"synthetic{number}",
            "first_seen_outlet": "synthetic",
            "copies": 1,
        }


def arrivals(data: Path) -> list[Document]:
    """Articles as they may come in: every third a copy of the one before it."""
    draw = random.Random(7)
    some = originals(data)
    draw.shuffle(some)
    found: list[Document] = []
    for first, second in zip(some[::2], some[1::2], strict=False):
        found += [first, second, draw.choice(list(copies_of(second, [part.text for part in some[:50]], draw)))]
    return found


def _settled(cluster: Cluster, index: str) -> None:
    """Wait until what was loaded in one go is merged, as it is in an index that grew by and by."""
    while cluster.client.indices.stats(index=index)["_all"]["primaries"]["merges"]["current"]:
        time.sleep(1)


def growth(documents: list[Document], cluster: Cluster, sizes: list[int]) -> Table:
    """What it costs to add articles, a third of them copies, to so many others: three times, the first time to a cold index."""
    table = Table("articles there", "loading, s", "one more article, ms", "its index, MB", title="adding an article")
    index, there = cluster.name("fingerprints"), 0
    for number, wanted in enumerate(sizes):
        began = time.perf_counter()
        cluster.client.indices.put_settings(index=index, settings={"refresh_interval": "-1"})
        for _ in parallel_bulk(cluster.client, synthetic(there, wanted, index), thread_count=2, chunk_size=2000):
            pass
        cluster.client.indices.put_settings(index=index, settings={"refresh_interval": None})
        cluster.client.options(request_timeout=300).indices.refresh(index=index)
        _settled(cluster, index)
        loading, there = time.perf_counter() - began, wanted
        costs = []
        for take in range(_TAKES):
            first = _ADDED * (_TAKES * number + take)
            some = documents[first : first + _ADDED]
            bulk.write_all(cluster, (stored(document, place) for place, document in enumerate(some)), refresh=True)
            began = time.perf_counter()
            cluster_articles(cluster, [document.name for document in some])
            costs.append((time.perf_counter() - began) / len(some) * 1000)
        size_now = cluster.client.indices.stats(index=index)["_all"]["primaries"]["store"]["size_in_bytes"]
        each = ", ".join(f"{cost:.1f}" for cost in costs)
        table.add_row(f"{wanted:,}", f"{loading:.0f}", each, f"{size_now / 1e6:.0f}")
    return table


def fresh(cluster: Cluster) -> None:
    drop(cluster)
    apply(cluster)


def drop(cluster: Cluster) -> None:
    if names := list(cluster.client.indices.get(index=f"{cluster.prefix}*", ignore_unavailable=True)):
        cluster.client.indices.delete(index=names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with articles/ and narratives/")
    parser.add_argument("--articles", type=int, default=300, help="how many are copied")
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=[10_000, 100_000, 1_000_000], help="fingerprints to add articles to"
    )
    arguments = parser.parse_args()
    base = connect(settings.load(os.environ | {"NARRAWATCH_INDEX_PREFIX": f"bench-duplicates-{os.getpid()}-"}))
    documents = corpus(arguments.data, arguments.articles)
    console = Console(width=200)
    try:
        fresh(base)
        methods = {
            "narrawatch": lambda texts: ours(texts, base),
            "exact hash": exact,
            "SimHash": simhash,
            "MinHash LSH, unverified": plain_lsh,
        }
        console.print(report(documents, methods))
        if arguments.sizes:
            fresh(base)
            console.print(growth(arrivals(arguments.data), base, sorted(arguments.sizes)))
    finally:
        drop(base)
        base.client.close()


if __name__ == "__main__":
    main()

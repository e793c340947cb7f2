"""Copies of a text form a cluster, whatever is done first, by however many workers, and if one of them dies."""

import itertools
import random
import subprocess
import sys
from types import SimpleNamespace

import pytest

from index_config import bulk
from processing import duplicates_clusters
from processing.article import text_hash
from processing.duplicates import SCHEME, copies, fingerprint, from_signature, plausible, wording
from processing.duplicates_clusters import cluster_all, cluster_articles, follow, follow_moved, unclustered

WORDS = [
    "harbour",
    "council",
    "minister",
    "storm",
    "bridge",
    "river",
    "market",
    "worker",
    "winter",
    "budget",
    "school",
    "doctor",
    "train",
    "island",
    "report",
    "evening",
    "window",
    "paper",
    "engine",
    "garden",
]


def made(seed, size=200):
    """A text of its own: no two seeds share a run of words that is worth mentioning."""
    draw = random.Random(seed)
    words = [f"{draw.choice(WORDS)}{draw.randrange(40)}" for _ in range(size)]
    return "\n".join(" ".join(words[start : start + 40]) + "." for start in range(0, size, 40))


def blend(one, other, share):
    """The first part of `one`, followed by as much of `other` as fills it up."""
    first, second = one.split(), other.split()
    kept = round(share * len(first))
    return " ".join(first[:kept] + second[kept:])


def document(text, outlet, first_seen, title="T"):
    return {
        "title": title,
        "text": {"en": text},
        "text_hash": text_hash(title, text),
        "characters": len(text),
        "url": "https://example.org/",
        "urls": [],
        "outlet": outlet,
        "country": "xx",
        "kind": "news",
        "language": "en",
        "language_confidence": 0.9,
        "fetched": first_seen,
        "first_seen": first_seen,
        "run": "r",
        "warc": {"file": "a.warc.gz", "offset": 0},
    }


def day(number):
    return f"2026-03-{number:02}T08:00:00Z"


@pytest.fixture
def cluster(shared_cluster):
    """The module's indices, empty: making new ones for each test would take longer than all else."""
    for alias in ("articles", "fingerprints", "flags"):
        shared_cluster.client.delete_by_query(
            index=shared_cluster.name(alias), query={"match_all": {}}, refresh=True, conflicts="proceed"
        )
    return shared_cluster


def store(cluster, **articles):
    bulk.write_all(cluster, [bulk.Action("articles", name, body) for name, body in articles.items()], refresh=True)


def stored(cluster, alias="articles"):
    hits = cluster.client.search(index=cluster.name(alias), size=1000)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def clusters(cluster):
    cluster.client.indices.refresh(index=cluster.name("articles"))
    return {
        name: (source.get("cluster_id"), source.get("first_seen_outlet"), source.get("copies"))
        for name, source in stored(cluster).items()
    }


ORIGINAL = made(1)
EDITS = {
    "the same": ORIGINAL,
    "capitals": ORIGINAL.upper(),
    "no punctuation": ORIGINAL.replace(".", ""),
    "a byline": "HARBOUR CITY, March 3 (Agency) - " + ORIGINAL,
    "cut": " ".join(ORIGINAL.split()[:130]),
    "other order": "\n".join(reversed(ORIGINAL.split("\n"))),
    "other opening": made(2, 40) + "\n" + "\n".join(ORIGINAL.split("\n")[1:]),
    "a third new": blend(ORIGINAL, made(3), 0.66),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_text_is_a_copy(edit):
    one, other = wording("a", ORIGINAL), wording("b", EDITS[edit])
    assert copies(one, other)
    assert copies(other, one)
    assert set(fingerprint(one).bands) & set(fingerprint(other).bands)
    assert plausible(fingerprint(one).signature, fingerprint(other).signature)


@pytest.mark.parametrize(
    "text", [made(7), blend(ORIGINAL, made(3), 0.3), " ".join(ORIGINAL.split()[:40]), "", "Photo: agency"]
)
def test_another_text_is_none(text):
    assert not copies(wording("a", ORIGINAL), wording("b", text))


def test_what_stands_under_all_articles_of_an_outlet_makes_no_copies():
    footer = "\n" + made(50, 120)
    one, other = made(51, 90) + footer, made(52, 90) + footer
    assert not copies(wording("a", one), wording("a", other))
    assert copies(wording("a", one), wording("a", one + " Updated.")), "an outlet's own new version is one"


def test_what_stands_under_all_articles_of_a_publisher_makes_no_copies_of_its_outlets():
    footer = "\n" + made(50, 100)
    one, other = made(51, 90) + footer, made(52, 90) + footer
    assert not copies(wording("a", one), wording("b", other))
    new_lead = made(53, 70) + "\n" + " ".join(ORIGINAL.split()[30:])
    assert copies(wording("a", ORIGINAL), wording("b", new_lead)), "most of the text is more than a footer"


def test_a_translation_is_no_copy():
    german = "Der Hafen war am Montag wegen eines Sturms geschlossen, der in der Nacht die Küste erreicht hatte. "
    english = "The harbour was closed on Monday because of a storm that had reached the coast overnight. "
    places = "Eastmoor Quay, Anna Lindqvist, Tom O'Hara, 18 March 2026, Northport Ferries, Greenmill. "
    assert not copies(wording("a", (german + places) * 4), wording("b", (english + places) * 4))


def test_languages_without_spaces():
    text = "昨晚港口一座木材仓库起火消防员一直工作到早上没有人受伤市长表示火灾原因将由周一开始工作的委员会调查附近居民听到了巨大的爆炸声"
    assert copies(wording("a", text), wording("b", "本报讯" + text))
    assert not copies(
        wording("a", text),
        wording(
            "b",
            "今天上午总理会见了来访的外国代表团双方就贸易和能源合作交换了意见并签署了三项协议随后举行了联合新闻发布会介绍情况",
        ),
    )


def test_a_short_text_has_no_fingerprint():
    assert fingerprint(wording("a", "Minister resigns after storm")) is None


def test_fingerprints_stay_comparable_with_those_that_are_stored():
    """When this fails, the library reckons otherwise: SCHEME must change, and all articles are clustered anew."""
    found = fingerprint(wording("a", ORIGINAL))
    assert SCHEME == "r2-48-2-4-8"
    assert (len(found.bands), found.bands[0]) == (24, "0-07f14dec1eeb3253")


def test_a_fingerprint_comes_back_from_its_signature():
    found = fingerprint(wording("a", ORIGINAL))
    assert from_signature(found.signature) == found


FAMILY = {
    "a1": document(ORIGINAL, "agency", day(1)),
    "b2": document(EDITS["a byline"], "mirror", day(2)),
    "c3": document(EDITS["other order"], "paper", day(3)),
    "d4": document(made(7), "paper", day(1)),
    "e5": document("Photo: agency", "paper", day(1)),
}
EXPECTED = {
    "a1": ("a1", "agency", 3),
    "b2": ("a1", "agency", 3),
    "c3": ("a1", "agency", 3),
    "d4": ("d4", "paper", 1),
    "e5": ("e5", "paper", 1),
}


def test_all_at_once(cluster):
    store(cluster, **FAMILY)
    assert cluster_all(cluster) == 5
    assert clusters(cluster) == EXPECTED
    assert cluster_all(cluster) == 0


def test_the_same_candidates_whether_few_or_very_many_share_their_words(cluster, monkeypatch):
    store(cluster, **FAMILY)
    cluster_all(cluster)
    assert clusters(cluster) == EXPECTED
    found = {name: fingerprint(wording("x", FAMILY[name]["text"]["en"])) for name in ("a1", "b2", "c3", "d4")}
    together = duplicates_clusters.state.candidates(cluster, found)
    assert {name: set(others) for name, others in together.items()} == {
        "a1": {"b2", "c3"}, "b2": {"a1", "c3"}, "c3": {"a1", "b2"}, "d4": set(),
    }  # fmt: skip
    monkeypatch.setattr(duplicates_clusters.state, "_MANY", 2)
    apart = duplicates_clusters.state.candidates(cluster, found)
    assert {name: set(others) for name, others in apart.items()} == {
        name: set(others) for name, others in together.items()
    }


@pytest.mark.parametrize("order", list(itertools.permutations(["a1", "b2", "c3"])), ids="".join)
def test_the_order_of_arrival_does_not_matter(cluster, order):
    for name in order:
        store(cluster, **{name: FAMILY[name]})
        cluster_all(cluster)
    assert clusters(cluster) == {name: EXPECTED[name] for name in order}


def chain():
    """Five texts of which each shares most with the next, and the first nothing with the last."""
    words = made(90, 800).split()
    return {
        f"n{number}": document(" ".join(words[100 * number : 100 * number + 300]), f"outlet{number}", day(9 - number))
        for number in range(5)
    }


@pytest.mark.parametrize("seed", range(3))
def test_clusters_that_meet_become_the_older_one(cluster, seed):
    articles = chain()
    order = ["n0", "n1", "n3", "n4", "n2"] if not seed else random.Random(seed).sample(sorted(articles), 5)
    for name in order:
        store(cluster, **{name: articles[name]})
        cluster_all(cluster)
        if name == "n4" and not seed:
            assert [value[0] for value in clusters(cluster).values()] == ["n1", "n1", "n4", "n4"]
    assert clusters(cluster) == dict.fromkeys(sorted(articles), ("n4", "outlet4", 5))


def test_an_earlier_first_publisher_is_found_later(cluster):
    store(cluster, b2=FAMILY["b2"], c3=FAMILY["c3"])
    cluster_all(cluster)
    assert set(clusters(cluster).values()) == {("b2", "mirror", 2)}
    store(cluster, z9=document(ORIGINAL, "archive", day(1)))
    cluster_all(cluster)
    assert set(clusters(cluster).values()) == {("z9", "archive", 3)}


def test_a_new_version_leaves_its_cluster_or_stays(cluster):
    articles = chain()
    store(cluster, **articles)
    cluster_all(cluster)
    store(cluster, n2=document(made(91), "outlet2", day(7)))
    assert unclustered(cluster) == ["n2"]
    cluster_all(cluster)
    found = clusters(cluster)
    assert found["n2"] == ("n2", "outlet2", 1)
    assert found["n0"] == found["n1"] == ("n1", "outlet1", 2), "what it held together is apart"
    assert found["n3"] == found["n4"] == ("n4", "outlet4", 2)
    store(cluster, n2=articles["n2"])
    cluster_all(cluster)
    assert set(clusters(cluster).values()) == {("n4", "outlet4", 5)}


def test_an_article_that_is_no_more(cluster):
    articles = chain()
    store(cluster, **articles)
    cluster_all(cluster)
    bulk.write_all(cluster, [bulk.Action("articles", "n4", operation="delete")], refresh=True)
    cluster_articles(cluster, ["n4"])
    assert clusters(cluster) == dict.fromkeys(["n0", "n1", "n2", "n3"], ("n3", "outlet3", 4))
    bulk.write_all(cluster, [bulk.Action("articles", "n3", operation="delete")], refresh=True)
    store(cluster, n5=document(articles["n2"]["text"]["en"], "other", day(1)))
    cluster_all(cluster)
    assert set(clusters(cluster).values()) == {("n5", "other", 4)}, "found out when the cluster is written"


def test_flags_follow(cluster):
    store(cluster, b2=FAMILY["b2"], c3=FAMILY["c3"])
    cluster_all(cluster)
    flags = [bulk.Action("flags", f"{name}:card", {"article": name, "verdict": "confirmed"}) for name in ("b2", "c3")]
    bulk.write_all(cluster, flags)
    follow(cluster, ["b2", "c3"])
    assert {flag["cluster"] for flag in stored(cluster, "flags").values()} == {"b2"}
    store(cluster, a1=FAMILY["a1"])
    cluster_all(cluster)
    assert {flag["cluster"] for flag in stored(cluster, "flags").values()} == {"a1"}
    assert {flag["verdict"] for flag in stored(cluster, "flags").values()} == {"confirmed"}


def test_a_flag_made_while_its_article_moves_follows(cluster):
    """The matcher read the article when it was alone, and writes its flag when it is so no longer."""
    store(cluster, a1=FAMILY["a1"], b2=FAMILY["b2"])
    cluster_all(cluster)
    bulk.write_all(cluster, [bulk.Action("flags", "b2:card", {"article": "b2", "cluster": "b2"})])
    follow_moved(cluster, {"b2": "b2"})
    assert stored(cluster, "flags")["b2:card"]["cluster"] == "a1"


def _steps():
    """Every place at which something has just been written, as (module, function)."""
    state = duplicates_clusters.state
    return [
        *((state, name) for name in ("write_prints", "candidates", "set_near", "settle", "present")),
        (duplicates_clusters, "_cut"),
        (duplicates_clusters, "follow"),
        (duplicates_clusters, "bulk"),
    ]


@pytest.mark.parametrize(("module", "function"), _steps(), ids=lambda part: getattr(part, "__name__", part))
def test_a_worker_that_dies_leaves_work_the_next_one_finishes(cluster, monkeypatch, module, function):
    """The new article is older than the two there: all of them have to change."""
    store(cluster, b2=FAMILY["b2"], c3=FAMILY["c3"])
    cluster_all(cluster)
    store(cluster, a1=FAMILY["a1"])

    real = bulk.write if function == "bulk" else getattr(module, function)

    def dies(*arguments, **options):
        real(*arguments, **options)
        if function != "bulk" or arguments[1]:
            raise KeyboardInterrupt

    stand_in = SimpleNamespace(write=dies, Action=bulk.Action) if function == "bulk" else dies
    with monkeypatch.context() as patch:
        patch.setattr(module, function, stand_in)
        with pytest.raises(KeyboardInterrupt):
            cluster_all(cluster)
    assert "a1" in unclustered(cluster)
    cluster_all(cluster)
    assert clusters(cluster) == {name: EXPECTED[name] for name in ("a1", "b2", "c3")}
    assert unclustered(cluster) == []


WORKER = """
import sys
from index_config.cluster import connect
from narrawatch import settings
from processing.duplicates_clusters import cluster_articles
ours = connect(settings.load())
for name in sys.argv[1:]:
    cluster_articles(ours, [name])
"""


def test_workers_at_the_same_time(cluster, shared_environ):
    articles = chain()
    store(cluster, **articles)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, *random.Random(seed).sample(sorted(articles), 5)], env=shared_environ
        )
        for seed in range(3)
    ]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0]
    assert clusters(cluster) == dict.fromkeys(sorted(articles), ("n4", "outlet4", 5))
    assert unclustered(cluster) == []


def test_a_text_replaced_while_its_copies_are_looked_for(cluster, monkeypatch):
    """The store writes a new version after we have read the old one; nothing of the old one may remain."""
    store(cluster, a1=FAMILY["a1"], b2=FAMILY["b2"])
    real = duplicates_clusters.state.candidates

    def replaced_now(*arguments):
        monkeypatch.setattr(duplicates_clusters.state, "candidates", real)
        store(cluster, b2=document(made(77), "mirror", day(2)))
        return real(*arguments)

    monkeypatch.setattr(duplicates_clusters.state, "candidates", replaced_now)
    cluster_all(cluster)
    assert clusters(cluster) == {"a1": ("a1", "agency", 1), "b2": ("b2", "mirror", 1)}
    assert unclustered(cluster) == []

"""Matching against the archive: stamps, re-matching, and what a reviewer decided."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from crawlers.capture import Capture
from index_config import bulk
from index_config.cluster import Cluster
from processing.article import Article, Extracted, Language
from processing.cards import import_cards
from processing.encoder import load_encoder
from processing.match.fuse import Calibration, NoCalibration, load_calibration
from processing.matching import NothingToMatch, all_articles, load_deck, sweep, unmatched
from processing.narrative import Narrative
from processing.store import ArticleStore

CLAIM = "The United States runs secret military biological laboratories in Ukraine"
BIOLABS = Narrative(id="biolabs", title=CLAIM, response="There are none; the laboratories are civilian.")
GRAIN = Narrative(id="grain", title="Ukrainian grain never reaches poor countries, the West takes it all")
REPEATS = (
    "Officials said on Monday what many suspected. The Pentagon has been running secret biological weapons laboratories all "
    "over Ukraine, where American military scientists breed dangerous viruses. "
)
HARMLESS = "The rowing club won the estuary cup on Sunday after a close race against the neighbouring town. "


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


def article(name: str, text: str, **changes: object) -> Article:
    url = f"https://example.org/{name}"
    fields = {
        "id": name,
        "url": url,
        "urls": (url,),
        "outlet": "daily",
        "country": "xx",
        "kind": "news",
        "page": Extracted(title=f"Title of {name}", text=text),
        "language": Language("en", 1.0),
        "fetched": "2026-11-23T06:00:00Z",
        "run": "r1",
        "warc": "daily/r1-1.warc.gz",
        "offset": 1,
    }
    return Article(**(fields | changes))  # type: ignore[arg-type]


def store(cluster: Cluster, folder: Path, *articles: Article) -> None:
    pairs = []
    for one in articles:
        capture = Capture(
            outlet="daily", run="r1", url=one.url, requested_url=one.url, fetched=one.fetched, status=200, content_type=None,
            body=b"", file=one.warc, offset=1,
        )  # fmt: skip
        pairs.append((capture, one))
    assert set(ArticleStore(cluster, folder).write(pairs)) == {"indexed"}


def match(cluster: Cluster, encoder, only: str | None = None) -> list[str]:
    deck = load_deck(cluster, encoder, only)
    articles = all_articles(cluster) if only else unmatched(cluster, deck.generation)
    list(sweep(cluster, deck, articles, clock=lambda: dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC), only=only))
    cluster.client.indices.refresh(index=cluster.name("flags"))
    return articles


def flags(cluster: Cluster) -> dict[str, dict]:
    return {
        hit["_id"]: hit["_source"]
        for hit in cluster.client.search(index=cluster.name("flags"), size=100)["hits"]["hits"]
    }


def cards(cluster: Cluster, encoder, *given: Narrative) -> None:
    import_cards(cluster, given, encoder, author="ana", reason="test")


def test_sweeps_do_each_article_once_per_generation_of_cards(cluster, encoder, tmp_path) -> None:
    with pytest.raises(NothingToMatch, match="narratives import"):
        load_deck(cluster, encoder)
    store(cluster, tmp_path, article("labs", REPEATS * 3), article("rowing", HARMLESS * 5))
    cards(cluster, encoder, BIOLABS)
    assert match(cluster, encoder) == ["labs", "rowing"]
    assert match(cluster, encoder) == []
    (identifier,) = flags(cluster)
    assert identifier == "labs:biolabs"
    cards(cluster, encoder, GRAIN)
    assert match(cluster, encoder) == ["labs", "rowing"]
    with pytest.raises(NothingToMatch, match="nothing-like-it"):
        load_deck(cluster, encoder, "nothing-like-it")


def test_a_verdict_is_never_touched(cluster, encoder, tmp_path) -> None:
    """A changed card drops unreviewed flags; one with a verdict stays, marked as no longer matched."""
    store(cluster, tmp_path, article("labs", REPEATS * 3), article("more", REPEATS * 4))
    cards(cluster, encoder, BIOLABS)
    match(cluster, encoder)
    verdict = {"verdict": "confirmed", "verdict_by": "ana", "verdict_at": "2026-11-23T09:00:00Z"}
    bulk.write(cluster, [bulk.Action("flags", "labs:biolabs", verdict, "update")])
    first_seen = flags(cluster)["labs:biolabs"]["first_seen"]
    cards(cluster, encoder, replace(BIOLABS, response="A longer rebuttal."))
    match(cluster, encoder)
    again = flags(cluster)["labs:biolabs"]
    assert again["rebuttal"] == "A longer rebuttal."
    assert again["narrative_version"] == 2
    assert again["first_seen"] == first_seen
    assert verdict.items() <= again.items()
    cards(cluster, encoder, replace(BIOLABS, title="The bridge over the river was sold to a foreign bank"))
    match(cluster, encoder)
    (left,) = flags(cluster).values()
    assert left["article"] == "labs"
    assert left["still_matched"] is False
    assert verdict.items() <= left.items()


def test_one_narrative_alone(cluster, encoder, tmp_path) -> None:
    store(cluster, tmp_path, article("labs", REPEATS * 3))
    cards(cluster, encoder, BIOLABS, GRAIN)
    match(cluster, encoder, "grain")
    assert flags(cluster) == {}
    match(cluster, encoder, "biolabs")
    assert flags(cluster).keys() == {"labs:biolabs"}
    match(cluster, encoder, "grain")
    assert flags(cluster).keys() == {"labs:biolabs"}, "flags of other narratives stay"
    assert match(cluster, encoder) == ["labs"], "a match against one card is no stamp"


def test_an_edited_article_is_matched_anew(cluster, encoder, tmp_path) -> None:
    store(cluster, tmp_path, article("labs", REPEATS * 3))
    cards(cluster, encoder, BIOLABS)
    match(cluster, encoder)
    store(cluster, tmp_path, article("labs", HARMLESS * 5, fetched="2026-11-23T09:00:00Z"))
    assert match(cluster, encoder) == ["labs"]
    assert flags(cluster) == {}


def test_short_texts_are_never_more_than_suggested(cluster, encoder, tmp_path) -> None:
    shortest = load_calibration(encoder.name).shortest
    short, long = f"{CLAIM}.", f"{CLAIM}. " * 5
    assert len(short) < shortest < len(long)
    store(cluster, tmp_path, article("short", short), article("long", long))
    cards(cluster, encoder, BIOLABS)
    match(cluster, encoder)
    assert {flag["article"]: flag["level"] for flag in flags(cluster).values()} == {"short": "suggest", "long": "flag"}


def test_cards_in_the_articles_language_are_met_word_by_word(cluster, encoder, tmp_path) -> None:
    claim = "Українське зерно ніколи не доходить до бідних країн"
    cards(cluster, encoder, replace(GRAIN, translations={"uk": claim}), BIOLABS)
    deck = load_deck(cluster, encoder)
    ((hit, *_),) = deck.matcher.lexical.search([(f"Він сказав: «{claim}, усе забирає Захід».", "uk")])
    assert hit.narrative == "grain"
    assert "зерно" in hit.words
    assert hit.coverage > 0.5
    assert deck.matcher.lexical.search([("Nothing of this is in the cards' Ukrainian.", "uk")]) == [[]]


def test_fusion() -> None:
    calibration = Calibration(
        encoder="x",
        intercept=-4,
        semantic=8,
        lexical=1,
        suggest=(0.4, 0.5),
        flag=(0.6, 0.75),
        shortest=300,
        fitted_on="",
    )
    cosine = np.array([[0.2, 0.5, 0.8]], dtype=np.float32)
    alone = calibration.probability(cosine, np.zeros_like(cosine))
    both = calibration.probability(cosine, np.ones_like(cosine))
    assert (both > alone).all()
    assert (np.diff(alone) > 0).all()
    assert alone[0, 1] == pytest.approx(0.5)
    levels = [(0.7, 299, False), (0.7, 300, False), (0.7, 300, True), (0.45, 300, False), (0.45, 300, True)]
    assert [calibration.level(*args, met=met) for *args, met in levels] == [
        "suggest",
        "flag",
        "suggest",
        "suggest",
        "none",
    ]
    with pytest.raises(NoCalibration, match="another-encoder"):
        load_calibration("another-encoder")


def test_rank_agrees_with_the_pipeline(cluster, encoder, tmp_path, narrawatch) -> None:
    """The same texts and cards, from files and through the index: the same cards, scores and passages."""
    texts = {"labs": REPEATS * 3, "rowing": HARMLESS * 5}
    store(cluster, tmp_path, *(article(name, text) for name, text in texts.items()))
    cards(cluster, encoder, BIOLABS, GRAIN)
    match(cluster, encoder)
    deck, queries, out = tmp_path / "cards.jsonl", tmp_path / "queries.jsonl", tmp_path / "out.jsonl"
    deck.write_text(
        "".join(
            json.dumps({"id": card.id, "title": card.title, "response": card.response}) + "\n"
            for card in (BIOLABS, GRAIN)
        )
    )
    rows = [{"id": name, "text": text, "title": f"Title of {name}"} for name, text in texts.items()]
    queries.write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"id": "no text"}\n')
    done = narrawatch("rank", "--cards", deck, "--queries", queries, "--out", out, check=False)
    assert done.returncode == 1
    assert f"{queries}:3:" in done.stderr
    ranked = {row["id"]: row for row in map(json.loads, out.read_text().splitlines())}
    assert ranked.keys() == texts.keys()
    (flag,) = flags(cluster).values()
    best = ranked["labs"]
    assert (best["ranking"][0], best["level"], best["passage"]) == (flag["narrative"], flag["level"], flag["passage"])
    assert best["scores"][0] == pytest.approx(flag["score"], abs=1e-3)
    assert sorted(best["ranking"]) == ["biolabs", "grain"]
    assert ranked["rowing"]["level"] == "none"

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
from processing.archive import open_archive
from processing.article import Article, Extracted, Language
from processing.card_vectors import load_vectors, vectors_of
from processing.cards import import_cards
from processing.encoder import load_encoder
from processing.match.fuse import load_calibration
from processing.match.matcher import READ, Text
from processing.match.semantic import SemanticChannel
from processing.matching import NothingToMatch, load_deck
from processing.narrative import Narrative
from processing.passages import split
from processing.rematch import carry_out, plan, plan_one
from processing.store import ArticleStore

CLAIM = "The United States runs secret military biological laboratories in Ukraine"
BIOLABS = Narrative(id="biolabs", title=CLAIM, response="There are none; the laboratories are civilian.")
GRAIN = Narrative(id="grain", title="Ukrainian grain never reaches poor countries, the West takes it all")
REPEATS = (
    "Officials said on Monday what many suspected. The Pentagon has been running secret biological weapons laboratories all "
    "over Ukraine, where American military scientists breed dangerous viruses. "
)
RUSSIAN = (
    "Погода была хорошей, и все пошли гулять в парк. Пентагон содержит на Украине секретные военные биологические "
    "лаборатории. Вечером показали кино."
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


class Named(Capture):
    """Its article's id is the last part of its address, so that a test can say which one it means."""

    @property
    def id(self) -> str:
        return self.url.rpartition("/")[2]


def store(cluster: Cluster, folder: Path, *articles: Article) -> None:
    pairs = []
    for one in articles:
        capture = Named(
            outlet="daily", run="r1", url=one.url, requested_url=one.url, fetched=one.fetched, status=200, content_type=None,
            body=b"", file=one.warc, offset=1,
        )  # fmt: skip
        pairs.append((capture, one))
    assert set(ArticleStore(cluster, folder).write(pairs)) == {"indexed"}


def match(cluster: Cluster, encoder, only: str | None = None) -> list[str]:
    """Match what is left to match, or look for one card; the ids of the articles matched."""

    def clock() -> dt.datetime:
        return dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)

    deck, archive = load_deck(cluster, encoder), open_archive(cluster, encoder, clock)
    work = plan_one(cluster, only) if only else plan(cluster, deck, archive)
    done = [found.article for found in carry_out(cluster, deck, archive, work, clock=clock)]
    cluster.client.indices.refresh(index=cluster.name("flags"))
    return done


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
    """Asked for one card, articles are matched whatever was matched before, and as with all cards."""
    store(cluster, tmp_path, article("labs", REPEATS * 3))
    cards(cluster, encoder, BIOLABS, GRAIN)
    assert match(cluster, encoder, "grain") == ["labs"]
    assert flags(cluster).keys() == {"labs:biolabs"}
    assert match(cluster, encoder, "grain") == ["labs"]
    assert match(cluster, encoder) == []


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


def test_reading_stops_where_nothing_is_near(cluster, encoder) -> None:
    """An article is read on only while what was read is near to some card."""
    cards(cluster, encoder, BIOLABS, GRAIN)
    matcher = load_deck(cluster, encoder).matcher
    harmless, told = split("A cup", HARMLESS * 60, language="en"), split("A cup", REPEATS * 80, language="en")
    assert min(len(harmless), len(told)) > READ[1]
    assert [passage.kind for passage in matcher.look(harmless, "en").passages] == ["opening"]
    assert matcher.look(told, "en").passages == told[1 : READ[2]], "an opening that was read on from is no evidence"
    (match,) = matcher.rank(Text("A cup", REPEATS + HARMLESS * 60, "en"), 1, at_least="suggest")
    assert (match.narrative, match.passage.kind) == ("biolabs", "lead")


def test_many_texts_are_read_as_they_are_one_by_one(cluster, encoder) -> None:
    cards(cluster, encoder, BIOLABS, replace(GRAIN, translations={"ru": "Зерно не доходит до бедных стран"}))
    matcher = load_deck(cluster, encoder).matcher
    texts = [
        Text(None, " ", "en"),
        Text("A cup", HARMLESS * 60, "en"),
        Text(None, RUSSIAN, "ru"),
        Text("", "", "und"),
        Text(None, REPEATS * 9, "en"),
    ] * 15
    for text, together in zip(texts, matcher.read_all(texts), strict=True):
        alone = matcher.read(text)
        assert (together.text, together.seen is None) == (text, alone.seen is None)
        if together.seen and alone.seen:
            assert list(together.seen.passages) == list(alone.seen.passages)
            assert together.seen.hits == alone.seen.hits
            np.testing.assert_allclose(together.seen.channels.wording, alone.seen.channels.wording, atol=1e-5)


def test_a_claim_is_met_in_any_of_its_wordings(cluster, encoder) -> None:
    """A translation is a wording like the title; which sentence says it is found word by word, in another language too."""
    cards(
        cluster, encoder, BIOLABS, replace(GRAIN, translations={"uk": "Українське зерно не доходить до бідних країн"})
    )
    text = "Погода была хорошей. Українське зерно не доходить до бідних країн. Усі пішли додому."
    grain, biolabs = load_deck(cluster, encoder).matcher.rank(Text(None, text, "uk"), 10, at_least="none")
    assert (grain.narrative, biolabs.narrative) == ("grain", "biolabs")
    assert grain.coverage > 0.7 > biolabs.coverage
    (english,) = load_deck(cluster, encoder, "biolabs").matcher.rank(Text(None, RUSSIAN, "ru"), 10, at_least="suggest")
    assert (
        RUSSIAN[slice(*english.sentence)] == "Пентагон содержит на Украине секретные военные биологические лаборатории."
    )


def test_vectors_of_some_cards(cluster, encoder) -> None:
    many = [replace(BIOLABS, id=f"c{number}", title=f"{CLAIM} {'again ' * number}") for number in range(5)]
    many[2] = replace(many[2], translations={"uk": "Українське зерно", "de": "Ukrainisches Getreide"})
    cards(cluster, encoder, *many)
    passages = encoder.encode_with_tokens([REPEATS, RUSSIAN], "passage")
    everything = SemanticChannel(encoder, load_vectors(cluster, encoder))
    some = SemanticChannel(encoder, everything.cards.only(["c3", "c1", "c2", "nobody"]))
    assert some.cards.ids == ("c1", "c2", "c3")
    for all_of_them, these in zip(everything.near(passages.vectors), some.near(passages.vectors), strict=True):
        np.testing.assert_allclose(all_of_them[:, 1:4], these, atol=1e-6)
    coverage = everything.coverage(passages.tokens, np.array([3, 1, 2]))
    np.testing.assert_allclose(coverage[:, [1, 2, 0]], some.coverage(passages.tokens, np.arange(3)), atol=1e-6)
    assert everything.cards.only([]).ids == ()


def test_a_wider_card_says_what_those_below_it_say(encoder) -> None:
    wide = Narrative(id="pawn", title="Foreign powers have taken over a country")
    translated = replace(BIOLABS, translations={"de": "Die USA betreiben geheime Biolabore in der Ukraine"})
    own = vectors_of([translated, GRAIN, wide], encoder)
    gathered = own.gathering({"pawn": ("biolabs", "not in force"), "biolabs": ()})
    assert gathered.ids == own.ids
    np.testing.assert_array_equal(gathered.whole[:2], own.whole[:2])
    np.testing.assert_allclose(gathered.whole[2], (own.whole[0] + own.whole[2]) / 2)
    assert gathered.first_wording.tolist() == [0, 2, 3]
    np.testing.assert_array_equal(gathered.wordings, own.wordings[[0, 1, 2, 3, 0, 1]])
    tokens = np.diff(own.first_token, append=len(own.tokens))
    assert np.diff(gathered.first_token, append=len(gathered.tokens)).tolist() == tokens[[0, 1, 2, 3, 0, 1]].tolist()
    assert own.gathering({"pawn": ("not in force",)}) is own


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

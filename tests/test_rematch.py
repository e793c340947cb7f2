"""After cards change: siblings, analysts' rules, and the archive in which only articles that may carry a card are matched."""

import datetime as dt
import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from crawlers.capture import Capture
from index_config import bulk
from index_config.apply import remove
from index_config.cluster import Cluster
from index_config.passages import open_passages, passages_alias
from processing import rematch
from processing.archive import Archive, Sought, open_archive
from processing.article import Article, Extracted, Language
from processing.cards import import_cards, load_card, set_retired
from processing.drafts import drafted
from processing.encoder import load_encoder
from processing.match.fuse import load_calibration
from processing.match.matcher import READ, Before, Matcher, Text
from processing.match.rules import RuleBook, rules_of, stems
from processing.matching import load_deck
from processing.narrative import Narrative
from processing.passages import split
from processing.rematch import Search, carry_out, plan, plan_one
from processing.retired import settle_flags
from processing.store import ArticleStore

LABS = Narrative(
    id="labs", title="The United States runs secret military biological laboratories in Ukraine", date="2022-03-01"
)
AGAIN = Narrative(
    id="labs-again", title="The US runs secret military biological laboratories in Ukraine", date="2022-04-01"
)
GRAIN = Narrative(id="grain", title="Ukrainian grain never reaches poor countries, the West takes it all")
PAWN = Narrative(id="pawn", title="Foreign powers have taken over a country and play with it")
BELOW = replace(LABS, broader="pawn")
TOLD = (
    "Officials said on Monday what many suspected. The Pentagon has been running secret biological weapons laboratories all "
    "over Ukraine, where American military scientists breed dangerous viruses. "
)
TOPICS = (
    "rowing club",
    "brass band",
    "fire brigade",
    "chess school",
    "swimming pool",
    "village choir",
    "street market",
)
QUIET = "The {} of the town celebrated its anniversary on Sunday with cake, music and a speech by the mayor. "


def now() -> dt.datetime:
    return dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


def store(
    cluster: Cluster,
    folder: Path,
    texts: dict[str, str],
    fetched: str = "2026-11-23T06:00:00Z",
    title: str = "About {}",
) -> None:
    pairs = []
    for name, text in texts.items():
        url = f"https://example.org/{name}"
        article = Article(
            id=name, url=url, urls=(url,), outlet="daily", country="xx", kind="news",
            page=Extracted(title=title.format(name), text=text), language=Language("en", 1.0), fetched=fetched, run="r1",
            warc="daily/r1-1.warc.gz", offset=1,
        )  # fmt: skip
        capture = Capture(
            outlet="daily", run="r1", url=url, requested_url=url, fetched=fetched, status=200, content_type=None, body=b"",
            file=article.warc, offset=1,
        )  # fmt: skip
        pairs.append((_Named(**vars(capture)), article))
    assert set(ArticleStore(cluster, folder).write(pairs)) == {"indexed"}


class _Named(Capture):
    @property
    def id(self) -> str:
        return self.url.rpartition("/")[2]


def cards(cluster: Cluster, encoder, *given: Narrative) -> None:
    assert not import_cards(cluster, given, encoder, author="ana", reason="test").problems


def match(cluster: Cluster, encoder) -> list[str]:
    """Match what is left to match; the ids of the articles that were matched."""
    deck, archive = load_deck(cluster, encoder), open_archive(cluster, encoder, now)
    done = [found.article for found in carry_out(cluster, deck, archive, plan(cluster, deck, archive), clock=now)]
    cluster.client.indices.refresh(index=cluster.name("flags"))
    return done


def flags(cluster: Cluster) -> dict[str, dict]:
    hits = cluster.client.search(index=cluster.name("flags"), size=1000)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def decide(cluster: Cluster, flag: str) -> None:
    verdict = {"verdict": "confirmed", "verdict_by": "ana", "verdict_at": "2026-11-23T09:00:00Z"}
    bulk.write_all(cluster, [bulk.Action("flags", flag, verdict, "update")], refresh=True)


def test_one_flag_a_family(cluster, encoder, tmp_path) -> None:
    """The best of a family is flagged, the others stand beside it; a sibling that has a verdict stands for the family."""
    store(cluster, tmp_path, {"told": TOLD * 3})
    cards(cluster, encoder, LABS)
    match(cluster, encoder)
    decide(cluster, "told:labs")
    cards(cluster, encoder, AGAIN)
    match(cluster, encoder)
    (flag,) = flags(cluster).values()
    assert (flag["narrative"], flag["family"], flag["see_also"]) == ("labs", "labs", ["labs-again"])
    assert flag["verdict"] == "confirmed"
    store(cluster, tmp_path, {"more": TOLD * 4})
    match(cluster, encoder)
    (flag,) = (flag for flag in flags(cluster).values() if flag["article"] == "more")
    assert {flag["narrative"], *flag["see_also"]} == {"labs", "labs-again"}


def test_a_retired_cards_place_is_taken_by_its_sibling(cluster, encoder, tmp_path) -> None:
    store(cluster, tmp_path, {"told": TOLD * 3, "quiet": QUIET.format("choir") * 5})
    cards(cluster, encoder, LABS, AGAIN)
    match(cluster, encoder)
    (flag,) = flags(cluster).values()
    set_retired(cluster, flag["narrative"], encoder, retired=True, author="ana", reason="test")
    assert settle_flags(cluster, flag["narrative"]) == (1, 0)
    match(cluster, encoder)
    assert [one["narrative"] for one in flags(cluster).values()] == flag["see_also"]
    assert match(cluster, encoder) == []


def score(matcher: Matcher, card: str) -> float:
    return next(found.score for found in matcher.rank(Text(None, TOLD * 3, "en"), 10) if found.narrative == card)


def test_a_wider_card_is_found_where_a_claim_below_it_is_and_flagged_beside_it(cluster, encoder, tmp_path) -> None:
    cards(cluster, encoder, LABS, PAWN, GRAIN)
    alone = score(load_deck(cluster, encoder).matcher, "pawn")
    cards(cluster, encoder, BELOW)
    deck = load_deck(cluster, encoder)
    labs, pawn, grain = deck.matcher.rank(Text(None, TOLD * 3, "en"), 10)
    assert [labs.narrative, pawn.narrative, grain.narrative] == ["labs", "pawn", "grain"]
    assert labs.score > pawn.score > 2 * alone
    assert set(pawn.words) >= {"secret", "biological", "laboratories"}, "words of the claim below it"
    store(cluster, tmp_path, {"told": TOLD * 3, "quiet": QUIET.format("choir") * 5})
    match(cluster, encoder)
    (flag,) = flags(cluster).values()
    assert (flag["article"], flag["narrative"], flag["family"]) == ("told", "labs", "labs")
    assert flag["see_also"] == ["pawn"]


def test_a_wider_card_is_looked_for_again_when_cards_below_it_change(
    cluster: Cluster, encoder, tmp_path, monkeypatch
) -> None:
    """In the archive, as a new card would be, though its own words are the same."""
    monkeypatch.setattr(rematch, "_WORTH_IT", 0)
    cards(cluster, encoder, PAWN, GRAIN)
    store(cluster, tmp_path, {"told": TOLD * 3, "quiet": QUIET.format("choir") * 5})
    match(cluster, encoder)
    assert flags(cluster) == {}
    cards(cluster, encoder, BELOW)
    pawn = load_card(cluster, "pawn")
    assert (pawn.version, pawn.generation, pawn.narrower, pawn.new_since) == (1, 1, ("labs",), 2)
    match(cluster, encoder)
    assert [flag["see_also"] for flag in flags(cluster).values()] == [["pawn"]]
    cards(cluster, encoder, replace(GRAIN, keywords=("grain",)))
    assert load_card(cluster, "pawn").new_since == 2, "another card is no matter"
    cards(cluster, encoder, replace(BELOW, keywords=("laboratories",)))
    assert load_card(cluster, "pawn").new_since == 4
    set_retired(cluster, "labs", encoder, retired=True, author="ana", reason="test")
    pawn = load_card(cluster, "pawn")
    assert (pawn.narrower, pawn.new_since) == ((), 5)
    settle_flags(cluster, "labs")
    match(cluster, encoder)
    assert flags(cluster) == {}


def test_a_draft_lifts_the_card_above_it(cluster: Cluster, encoder) -> None:
    cards(cluster, encoder, PAWN, GRAIN)
    deck = load_deck(cluster, encoder)
    before = score(deck.matcher, "pawn")
    with drafted(cluster, deck, BELOW) as draft:
        lifted = score(draft.matcher, "pawn")
    cards(cluster, encoder, BELOW)
    saved = load_deck(cluster, encoder)
    assert lifted == pytest.approx(score(saved.matcher, "pawn"), abs=0.05)
    with drafted(cluster, saved, LABS) as draft:
        assert score(draft.matcher, "pawn") == pytest.approx(before, abs=0.05)
    assert lifted > 2 * before


@pytest.mark.parametrize(
    ("changes", "text", "level", "phrase"),
    [
        ({}, "quiet", None, None),
        ({"phrases": {"en": ("cake, music and a speech",)}}, "quiet", "suggest", "cake, music and a speech"),
        ({"phrases": {"ru": ("cake, music and a speech",)}}, "quiet", None, None),
        ({"phrases": {"*": ("pentagon has been running",)}}, "told", "flag", "Pentagon has been running"),
        ({"excluded": {"en": ("viruses",)}}, "told", None, None),
        ({"excluded": {"en": ("viruses",)}, "phrases": {"*": ("pentagon*",)}}, "told", None, None),
        ({"required": {"en": ("kyiv", "virus*")}}, "told", "flag", None),
        ({"required": {"en": ("kyiv",)}}, "told", None, None),
    ],
)
def test_analysts_rules_count(cluster, encoder, tmp_path, changes, text, level, phrase) -> None:
    store(cluster, tmp_path, {"a": {"quiet": QUIET.format("choir"), "told": TOLD}[text] * 4})
    cards(cluster, encoder, replace(LABS, **changes))
    match(cluster, encoder)
    found = flags(cluster)
    assert [flag["level"] for flag in found.values()] == ([level] if level else [])
    for flag in found.values():
        assert flag["phrase"] == phrase
        if phrase:
            start, end = (flag[f"sentence_{edge}"] - flag["passage_start"] for edge in ("start", "end"))
            assert phrase in flag["passage"][start:end]
        if level == "suggest":
            assert flag["score"] < 0.3, "a phrase lifts the level, never the probability"


@pytest.mark.parametrize("sentences", [READ[1] * 10, 2_000])
def test_a_phrase_is_evidence_wherever_it_stands(cluster, encoder, tmp_path, sentences) -> None:
    """Far below where reading stops, and below the last passage that is made."""
    text = (
        QUIET.format("choir") * sentences
        + "And then the port of Sela was sold to a foreign bank. "
        + QUIET.format("band")
    )
    cards(cluster, encoder, replace(LABS, phrases={"en": ("Sela was sold",)}))
    store(cluster, tmp_path, {"a": text})
    match(cluster, encoder)
    (flag,) = flags(cluster).values()
    assert flag["phrase"] == "Sela was sold"
    assert "Sela was sold" in flag["passage"]
    assert text[flag["passage_start"] : flag["passage_end"]] == flag["passage"]


def test_stems_stand_wherever_the_phrase_does(cluster, encoder, tmp_path) -> None:
    """Words as analysts write them find the articles in an index that holds stems; whether the phrase stands there rules say."""
    assert stems("порт* л'аеропорт продан") == [("по", True), ("продан", False)]
    cards(cluster, encoder, LABS)
    store(cluster, tmp_path, {"a": "All the harbours were secretly selling. " * 20, "b": QUIET.format("choir") * 5})
    deck, archive = load_deck(cluster, encoder), open_archive(cluster, encoder, now)
    for phrase in ("harbours were", "harbour* were", "secretly sell*", "the harbours", "HARBOURS"):
        card = replace(LABS, phrases={"*": (phrase,)})
        search = Search(cluster, deck, archive, lambda _: ())
        cluster.client.indices.refresh(index=cluster.name("articles"))
        assert search._phrased(card) == ["a"], phrase


@pytest.fixture
def many(cluster, encoder, tmp_path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An archive of 63 quiet articles and 5 that tell a story, matched with one card, and sizes that make it large."""
    monkeypatch.setattr(rematch, "_WORTH_IT", 5)
    monkeypatch.setattr(rematch, "DRY", 4)
    monkeypatch.setattr(rematch, "_BATCH", 2)
    quiet = {
        f"quiet{n}-{times}": QUIET.format(topic) * times for times in range(3, 12) for n, topic in enumerate(TOPICS)
    }
    told = {f"told{times}": TOLD * times for times in range(3, 8)}
    cards(cluster, encoder, GRAIN)
    store(cluster, tmp_path, quiet | told)
    assert len(match(cluster, encoder)) == 68
    assert flags(cluster) == {}
    return quiet | told


def test_only_articles_that_may_carry_a_new_card_are_matched_again(cluster, encoder, many) -> None:
    cards(cluster, encoder, LABS)
    looked_at = match(cluster, encoder)
    told = {name for name in many if name.startswith("told")}
    assert told <= set(looked_at)
    assert len(looked_at) < 30
    assert {flag["article"] for flag in flags(cluster).values()} == told
    assert match(cluster, encoder) == [], "the others are stamped"
    answer = cluster.client.search(
        index=cluster.name("articles"), size=0, aggregations={"g": {"terms": {"field": "matched_generation"}}}
    )
    assert [(bucket["key"], bucket["doc_count"]) for bucket in answer["aggregations"]["g"]["buckets"]] == [(2, 68)]


def test_an_article_in_which_too_many_cards_are_nearer_is_not_asked(cluster, encoder, monkeypatch) -> None:
    """Unless the card shares words with it that the others may not, or more of it would be read for the card."""
    cards(cluster, encoder, LABS, GRAIN)
    matcher = load_deck(cluster, encoder).matcher
    told = Before(encoder.encode([QUIET.format("choir"), TOLD]), "en", overlap=0.0, stage=None)
    assert matcher.may_choose("grain", [told, told]) == [True, True]
    for name in ("CANDIDATES", "TELLING"):
        monkeypatch.setattr(f"processing.match.matcher.{name}", 1)
    assert matcher.may_choose("labs", [told]) == [True]
    other = replace(told, vectors=encoder.encode([GRAIN.title]))
    worded, skimmed = replace(told, overlap=20.0), replace(told, stage=0)
    assert matcher.may_choose("grain", [told, other, worded]) == [False, True, True]
    for enough, expected in ((9.0, False), (-9.0, True)):
        monkeypatch.setitem(vars(matcher), "_read_on", {True: (enough, 9.0), False: (9.0, 9.0)})
        assert matcher.may_choose("grain", [skimmed]) == [expected]


def test_a_card_that_more_articles_carry_than_can_be_asked_for_is_looked_for_in_all(
    cluster, encoder, many, monkeypatch
) -> None:
    monkeypatch.setattr("processing.archive._PAGES", (1, 2))
    monkeypatch.setattr(Search, "_worded", lambda search, card: iter(()))
    cards(cluster, encoder, LABS)
    assert len(match(cluster, encoder)) == len(many)
    assert {flag["article"] for flag in flags(cluster).values()} == {name for name in many if name.startswith("told")}


def test_what_is_found_is_what_matching_all_would_find(cluster, encoder, many, monkeypatch) -> None:
    """A card new, then told otherwise, then with a phrase and a bar: each time the flags are those of a full match."""
    versions = (
        LABS,
        replace(LABS, title="The brass band of the town celebrated its anniversary with cake"),
        replace(LABS, phrases={"en": ("swimming pool* of the town",)}, excluded={"en": ("choir",)}),
    )
    for card in versions:
        cards(cluster, encoder, card)
        match(cluster, encoder)
        some = {name: (flag["level"], flag["narrative_version"]) for name, flag in flags(cluster).items()}
        monkeypatch.setattr(rematch, "_WORTH_IT", 1_000)
        deck, archive = load_deck(cluster, encoder), open_archive(cluster, encoder, now)
        everything = list(carry_out(cluster, deck, archive, plan_one(cluster, "labs"), clock=now))
        assert len(everything) == len(many)
        assert not any(found.gained or found.lost for found in everything)
        assert {name: (flag["level"], flag["narrative_version"]) for name, flag in flags(cluster).items()} == some
        monkeypatch.setattr(rematch, "_WORTH_IT", 5)
    assert {flag["phrase"] for flag in flags(cluster).values()} >= {"swimming pool of the town"}


def test_with_another_calibration_every_article_is_matched_again(cluster, encoder, many) -> None:
    cards(cluster, encoder, LABS)
    match(cluster, encoder)
    before = flags(cluster)
    assert {flag["level"] for flag in before.values()} == {"flag"}
    stricter = replace(load_calibration(encoder.name), shortest=10_000)
    deck = load_deck(cluster, encoder, calibration=stricter)
    archive = open_archive(cluster, encoder, now)
    work = carry_out(cluster, deck, archive, plan(cluster, deck, archive), clock=now)
    assert len(list(itertools.islice(work, 50))) == 50
    work.close()
    assert len(plan(cluster, deck, archive).articles) == len(many) - 50, "cut short, it is taken up"
    list(carry_out(cluster, deck, archive, plan(cluster, deck, archive), clock=now))
    assert plan(cluster, deck, archive).articles == []
    cluster.client.indices.refresh(index=cluster.name("flags"))
    assert {name: flag["level"] for name, flag in flags(cluster).items()} == dict.fromkeys(before, "suggest")
    assert len(match(cluster, encoder)) == len(many), "and back"
    assert {name: flag["level"] for name, flag in flags(cluster).items()} == dict.fromkeys(before, "flag")


def test_a_match_cut_short_is_taken_up(cluster, encoder, many) -> None:
    cards(cluster, encoder, LABS)
    deck, archive = load_deck(cluster, encoder), open_archive(cluster, encoder, now)
    work = carry_out(cluster, deck, archive, plan(cluster, deck, archive), clock=now)
    assert len(list(itertools.islice(work, 3))) == 3
    work.close()
    match(cluster, encoder)
    assert {flag["article"] for flag in flags(cluster).values()} == {name for name in many if name.startswith("told")}


def test_a_copy_is_found_where_another_has_been_edited_since(cluster, encoder, tmp_path) -> None:
    """What was read of an edited article says nothing of it any more, nor of an article that still has that text."""
    cards(cluster, encoder, GRAIN)
    store(cluster, tmp_path, dict.fromkeys(("a", "b", "c"), TOLD * 3), title="A title")
    match(cluster, encoder)
    for edited in ("a", "c"):
        store(cluster, tmp_path, {edited: QUIET.format("choir") * 5}, fetched="2026-11-23T07:00:00Z", title="A title")
    cards(cluster, encoder, LABS)
    cluster.client.indices.refresh(index=cluster.name("articles"))
    looked_at: list[str] = []
    search = Search(
        cluster,
        load_deck(cluster, encoder),
        open_archive(cluster, encoder, now),
        lambda ids: looked_at.extend(ids) or (),
    )
    assert list(search.carriers("labs")) == []
    assert set(looked_at) == {"b"}


@dataclass(frozen=True)
class Silent:
    """An article that carries no card."""

    article: str
    narratives: frozenset[str] = frozenset()


def test_a_text_that_does_not_carry_a_card_is_not_matched_in_each_of_its_copies(
    cluster, encoder, tmp_path, monkeypatch
) -> None:
    """But it is where no copy could be looked at, as it was not asked for."""
    cards(cluster, encoder, GRAIN)
    store(cluster, tmp_path, dict.fromkeys(("a", "b", "c"), TOLD * 3), title="A title")
    match(cluster, encoder)
    cards(cluster, encoder, LABS)
    monkeypatch.setattr(rematch, "_BATCH_ASKED", 1)
    cluster.client.indices.refresh(index=cluster.name("articles"))
    deck, archive = load_deck(cluster, encoder), open_archive(cluster, encoder, now)
    only_c = {"bool": {"must_not": {"ids": {"values": ["a", "b"]}}}}
    for among, possible in (((), "abc"), ([only_c], "c")):
        search = Search(cluster, deck, archive, lambda ids: map(Silent, ids), among)
        (found,) = search.carriers("labs")
        assert found.article in possible


def test_passages_follow_their_articles_text(cluster, encoder, tmp_path) -> None:
    store(cluster, tmp_path, {"a": TOLD * 3})
    cards(cluster, encoder, LABS)
    match(cluster, encoder)
    archive = open_archive(cluster, encoder, now)
    before = passages(archive)
    assert {source["article"] for source in before} == {"a"}
    store(cluster, tmp_path, {"a": QUIET.format("choir") * 5}, fetched="2026-11-23T07:00:00Z")
    match(cluster, encoder)
    after = passages(archive)
    assert {source["text_hash"] for source in after}.isdisjoint(source["text_hash"] for source in before)
    sought = [Sought(vector) for vector in encoder.encode([LABS.title], "claim")]
    assert {kept.article for kept in archive.nearest(sought)} == {"a"}
    assert {kept.text_hash for kept in archive.nearest(sought)} == {source["text_hash"] for source in after}
    remove(cluster)
    assert not cluster.client.indices.exists(index=cluster.name(archive.alias))


def passages(archive: Archive) -> list[dict]:
    index = archive.cluster.name(archive.alias)
    archive.cluster.client.indices.refresh(index=index)
    return [hit["_source"] for hit in archive.cluster.client.search(index=index, size=100)["hits"]["hits"]]


def test_each_encoder_has_passages_of_its_own(cluster) -> None:
    names = {
        passages_alias(name) for name in ("e5", "sentence-transformers:Org/Model", "sentence-transformers:org/model")
    }
    assert len(names) == 3
    for name in names:
        assert open_passages(cluster, name.removeprefix("passages-"), 3, now()) == now()
        later = now() + dt.timedelta(days=1)
        assert open_passages(cluster, name.removeprefix("passages-"), 3, later) == now(), "it stays as it was made"


def test_reading_rules_is_quick_for_cards_without_any_word_in_the_text() -> None:
    """A thousand cards with rules are told apart by their words, before an expression is tried."""
    many = [replace(LABS, id=f"c{number}", phrases={"*": (f"word{number} of port",)}) for number in range(1_000)]
    book = RuleBook(rules_of(many))
    ruled = book.read("A title", QUIET.format("choir") * 50 + "word7 of port", "en")
    assert list(ruled.witnesses) == ["c7"]
    assert not ruled.barred


def test_split_numbers_are_places(encoder) -> None:
    """The matcher finds a passage again by its number."""
    assert [one.number for one in split("A title", TOLD * 50, language="en")] == list(
        range(len(split("A title", TOLD * 50)))
    )

"""The stance guard: words and where they stand, the model, what it lowers, and how a flag is explained."""

import datetime as dt
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from crawlers.capture import Capture
from index_config import bulk
from index_config.cluster import Cluster
from index_config.languages import languages as all_languages
from processing.article import Article, Extracted, Language
from processing.cards import import_cards
from processing.encoder import DEFAULT, load_encoder
from processing.explaining import Explanation, explain
from processing.flags import get_flag
from processing.match.stance import FACT_CHECKER, NEARER, SIDES, Guard, Stance, load_model, lowered
from processing.match.stance_cues import KINDS, cues_in, has_cues, languages
from processing.match.stance_features import NAMES, NEAR_NAMES, Quoted, features
from processing.matching import ANALYST, load_deck, sweep
from processing.narrative import Narrative
from processing.store import ArticleStore

FIXTURE = [json.loads(line) for line in (Path(__file__).parent / "fixtures/stance.jsonl").read_text().splitlines()]
PORT = Narrative(id="port", title="The government of Marvonia sold the port of Selna to foreigners")
PLAIN = "The port of Selna was sold to foreigners."
REBUTTAL = (
    "The claim that the port of Selna was sold to foreigners is false. There is no evidence for it; in fact the port is "
    "owned by the state."
)


def quoted(text: str, *, title: str | None = None, language: str = "en", sentence: str | None = None) -> Quoted:
    start = text.index(sentence) if sentence else 0
    end = start + len(sentence) if sentence else len(text)
    return Quoted(title=title, text=text, language=language, passage=(start, end), sentence=(start, end))


@pytest.fixture(scope="module")
def guard() -> Guard:
    return Guard(None)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder()


@pytest.mark.parametrize("language", sorted(languages()))
def test_every_language_has_words_of_every_kind(language: str) -> None:
    from processing.match.stance_cues import _words

    assert language in all_languages()
    words = _words()[language]
    assert set(words) == set(KINDS)
    for kind, phrases in words.items():
        assert len(set(phrases)) == len(phrases), f"{kind}: {[one for one, n in Counter(phrases).items() if n > 1]}"
        for phrase in phrases:
            # `*` stands at a word's end and nowhere else, so each phrase finds itself.
            written = phrase.replace("*", "")
            found = {cue.words.lower() for cue in cues_in(written, language) if cue.kind == kind}
            assert found, f"{kind}: {phrase!r} is never found"


def test_the_languages_that_matter_have_words() -> None:
    wanted = {"en", "ru", "uk", "de", "it", "es", "fr", "pl", "cs", "ar", "ka", "bg", "sr", "tr", "ro", "kk", "hy"}
    assert wanted <= languages()


def test_our_texts_are_balanced() -> None:
    labels = Counter(row["label"] for row in FIXTURE)
    assert set(labels) == {"repeats", *SIDES}
    assert max(labels.values()) <= 1.3 * min(labels.values())
    assert len(FIXTURE) >= 150
    assert len({row["id"] for row in FIXTURE}) == len(FIXTURE)
    assert all(has_cues(row["language"]) for row in FIXTURE)


@pytest.mark.parametrize("name", [None, "never-heard-of", DEFAULT])
def test_every_weight_is_of_a_feature(name: str | None) -> None:
    model = load_model(name)
    assert set(model.weights) == set(SIDES)
    assert (model.encoder is None) == (name != DEFAULT)
    assert set(model.weights["rebuts"]) == {"intercept", *NAMES, *([NEARER] if model.encoder else [])}
    assert set(model.weights["reports"]) == {"intercept", *NEAR_NAMES}
    assert set(model.sure) == {"rebuts", "reports"}
    assert all(least >= 0.5 for least in model.sure.values())


def test_few_of_our_repeats_are_lowered_and_most_rebuttals_found(guard: Guard) -> None:
    """The floor under the words and weights, by the words alone; `make bench-stance` has the figures on other cards."""
    said = []
    for row in FIXTURE:
        card = Narrative(id=row["card"], title=row["card_title"])
        found = guard.judge(quoted(row["passage"], title=row["title"], language=row["language"]), card)
        said.append((row["label"], found.label))
    counted, total = Counter(said), Counter(label for label, _ in said)
    assert counted["repeats", "rebuts"] + counted["repeats", "reports"] <= 0.06 * total["repeats"]
    assert counted["rebuts", "rebuts"] >= 0.6 * total["rebuts"]
    as_rebuttal = sum(number for (_, label), number in counted.items() if label == "rebuts")
    assert counted["rebuts", "rebuts"] >= 0.9 * as_rebuttal
    assert counted["rebuts", "repeats"] <= 0.1 * total["rebuts"]


def test_reasons_quote_the_words_and_where_they_stand(guard: Guard) -> None:
    text = f"Rain is expected on Sunday. {REBUTTAL}"
    found = guard.judge(quoted(text, title="Fact check: the port", sentence=REBUTTAL), PORT)
    assert found.label == "rebuts"
    assert found.probability > 0.9
    assert found.reasons[0] == "no rebuttal documented"
    assert "headline begins “Fact check”" in found.reasons
    start = text.index("no evidence")
    assert f"calls it untrue: “no evidence” (text {start}–{start + 11})" in found.reasons
    assert any(reason.startswith("word of fact-checks: “Fact check” (title 0–10)") for reason in found.reasons)


def test_a_claim_alone_repeats(guard: Guard) -> None:
    found = guard.judge(quoted(PLAIN), PORT)
    assert found.label == "repeats"
    assert "no word of refutation near it" in found.reasons


def test_words_of_a_claim_that_denies_say_nothing(guard: Guard) -> None:
    """“No evidence” is what such a claim says itself."""
    text = "Kordia has nothing to do with the crash, the spokesman said. There is no evidence, all of it is false."
    denial = Narrative(id="x", title="Kordia has nothing to do with the downed airliner, there is no evidence")
    claim = Narrative(id="x", title="Kordia shot the airliner down")
    assert features(quoted(text), denial).numbers["claim_denies"] == 1
    chances = guard.model.chances
    assert (
        chances(features(quoted(text), denial).numbers)["rebuts"]
        < chances(features(quoted(text), claim).numbers)["rebuts"]
    )
    assert guard.judge(quoted(text), denial).label not in {"rebuts", "reports"}


@pytest.mark.parametrize("language", ["hi", "und", "ja"])
def test_a_language_without_words_is_unclear(guard: Guard, language: str) -> None:
    found = guard.judge(quoted("पोर्ट बेच दिया गया।", language=language), PORT)
    assert found.label == "unclear"
    assert f"no cue words are listed for the language {language!r}" in found.reasons


def test_a_fact_checker_never_repeats(guard: Guard) -> None:
    assert guard.judge(quoted(PLAIN), PORT, "news").label == "repeats"
    found = guard.judge(quoted(PLAIN), PORT, FACT_CHECKER)
    assert found.label == "unclear"
    assert "the outlet is a fact-checker" in found.reasons


@pytest.mark.parametrize(
    ("level", "label", "kind", "expected"),
    [
        ("flag", "repeats", "news", "flag"),
        ("flag", "unclear", "news", "flag"),
        ("flag", "rebuts", "news", "suggest"),
        ("flag", "reports", None, "suggest"),
        ("flag", "unclear", FACT_CHECKER, "suggest"),
        ("suggest", "rebuts", FACT_CHECKER, "suggest"),
        ("none", "repeats", "news", "none"),
    ],
)
def test_levels(level, label, kind, expected) -> None:
    assert lowered(level, Stance(label, 0.9, ()), kind) == expected


def test_where_a_word_stands_counts() -> None:
    far = "x " * 1000
    text = f"It is untrue. {far}{PLAIN} {'y ' * 150}It is untrue, it is untrue. {far}It is untrue."
    shown = features(quoted(text, title="Untrue: the port", sentence=PLAIN), PORT)
    places = [(one.where, one.cue.start) for one in shown.cues if one.cue.kind == "untrue"]
    after = text.index("It is untrue, it")
    # The opening is read, and some hundred characters around the sentence, but not the whole article.
    assert places == [("title", 0), ("far", 6), ("far", after + 6), ("far", after + 20)]
    assert shown.headline == "Untrue"
    assert shown.numbers["untrue_near"] == 0 < shown.numbers["untrue_far"]


def test_a_matched_title_has_the_opening_around_it() -> None:
    title = "No, the port of Selna was not sold"
    shown = features(
        Quoted(
            title=title, text=REBUTTAL, language="en", passage=(0, len(title)), sentence=(0, len(title)), in_title=True
        ),
        PORT,
    )
    assert shown.headline == "No,"
    assert shown.numbers["untrue_far"] > 0 == shown.numbers["untrue_near"]


@pytest.mark.parametrize(
    "text",
    ["fake " * 400_000, "no" * 400_000, "«" * 400_000, "\ud800 no evidence " * 50_000, " ", "* . [ ( \\ " * 10_000],
    ids=["cues", "one word", "quotes", "surrogates", "blank", "signs"],
)
def test_hostile_texts_are_read_in_part(guard: Guard, text: str) -> None:
    found = Quoted(title=text, text=text, language="en", passage=(0, len(text)), sentence=(0, len(text)))
    assert sum(one.cue.end - one.cue.start for one in features(found, PORT).cues) < 10_000
    stance = guard.judge(found, replace(PORT, title=text))
    assert all(len(reason) < 200 for reason in stance.reasons)


def test_the_rebuttal_counts_when_there_is_one(encoder) -> None:
    """By the encoder that comes with its own weights; another one's cosines would be on another scale."""
    card = replace(PORT, response="The port belongs to the state. Only two cranes are leased, for five years.")
    guard = Guard(encoder)
    assert guard.model.encoder == encoder.name
    assert guard.nearness(quoted(PLAIN), PORT) is None
    claim, response = guard.nearness(quoted(PLAIN), card) or (0.0, 0.0)
    assert claim > response
    claim, response = guard.nearness(quoted("Two cranes of the state's port are leased for five years."), card) or (
        0.0,
        0.0,
    )
    assert claim < response
    reasons = guard.judge(quoted(PLAIN), card).reasons
    assert any(reason.startswith("nearer to the claim (claim 0.") for reason in reasons)
    assert "no rebuttal documented" not in reasons


LABS = Narrative(
    id="labs",
    title="The United States runs secret military biological laboratories in Ukraine",
    response="They are civilian.",
)
REPEATED = (
    "Officials said on Monday what many suspected. The Pentagon has been running secret biological weapons laboratories all "
    "over Ukraine, where American military scientists breed dangerous viruses. "
)
REFUTED = (
    "The claim that the United States runs secret military biological laboratories in Ukraine is false. There is no evidence "
    "for this conspiracy theory, which has been debunked many times. "
)


def stored(cluster: Cluster, folder: Path, **texts: tuple[str, str, str]) -> dict[str, str]:
    """Store articles (title, text and the outlet's kind); returns their ids by name."""
    pairs, ids = [], {}
    for name, (title, text, kind) in texts.items():
        url = f"https://example.org/{name}"
        capture = Capture(
            outlet="daily", run="r1", url=url, requested_url=url, fetched="2026-11-23T06:00:00Z", status=200,
            content_type=None, body=b"", file="daily/r1-1.warc.gz", offset=1,
        )  # fmt: skip
        one = Article(
            id=capture.id, url=url, urls=(url,), outlet="daily", country="xx", kind=kind,
            page=Extracted(title=title, text=text), language=Language("en", 1.0), fetched=capture.fetched, run="r1",
            warc=capture.file, offset=1,
        )  # fmt: skip
        pairs.append((capture, one))
        ids[name] = one.id
    assert set(ArticleStore(cluster, folder).write(pairs)) == {"indexed"}
    return ids


def flags_after_match(cluster: Cluster, encoder, ids: dict[str, str]) -> dict[str, dict]:
    """Flags by the names of their articles."""
    deck = load_deck(cluster, encoder)
    list(sweep(cluster, deck, sorted(ids.values()), clock=lambda: dt.datetime(2026, 11, 23, 8, tzinfo=dt.UTC)))
    cluster.client.indices.refresh(index=cluster.name("flags"))
    hits = cluster.client.search(index=cluster.name("flags"), size=100)["hits"]["hits"]
    names = {identifier: name for name, identifier in ids.items()}
    return {names[hit["_source"]["article"]]: hit["_source"] for hit in hits}


def test_flags_have_a_stance_and_say_why(cluster, encoder, tmp_path, narrawatch) -> None:
    ids = stored(
        cluster, tmp_path,
        told=(LABS.title, REPEATED * 3, "news"),
        refuted=(f"Fact check: {LABS.title}", REFUTED * 3, "news"),
        checker=(LABS.title, REPEATED * 3, FACT_CHECKER),
    )  # fmt: skip
    import_cards(cluster, [LABS], encoder, author="ana", reason="test")
    found = flags_after_match(cluster, encoder, ids)
    told, refuted, checker = (found[name] for name in ("told", "refuted", "checker"))
    assert (told["stance"], told["level"], told["level_by_score"]) == ("repeats", "flag", "flag")
    assert (refuted["stance"], refuted["level"], refuted["level_by_score"]) == ("rebuts", "suggest", "flag")
    assert (checker["stance"], checker["level"], checker["level_by_score"]) == ("unclear", "suggest", "flag")
    listed = narrawatch("flags", "list", "--stance", "rebuts", "--json").stdout.splitlines()
    assert [json.loads(line)["id"] for line in listed] == [f"{ids['refuted']}:labs"]
    shown = narrawatch("flags", "show", ids["refuted"]).stdout
    assert "suggest (lowered from flag)" in shown
    assert "calls it untrue: “is false”" in shown
    explained = narrawatch("flags", "explain", ids["refuted"]).stdout
    for said in (
        "no date, outlet or country",
        "rebuts, probability",
        "cosine",
        "card version 1",
        "the same",
        "threshold",
    ):
        assert said in explained or said == "threshold"


def test_an_explanation_says_what_has_changed(cluster, encoder, tmp_path) -> None:
    ids = stored(cluster, tmp_path, told=("Laboratories", REPEATED * 3, "news"))
    import_cards(cluster, [LABS], encoder, author="ana", reason="test")
    (flag,) = flags_after_match(cluster, encoder, ids).values()
    identifier = f"{ids['told']}:labs"

    def explained() -> Explanation:
        return explain(cluster, get_flag(cluster, identifier), lambda: encoder)

    def change(index: str, name: str, **fields: object) -> None:
        assert not bulk.write(cluster, [bulk.Action(index, name, fields, "update")], refresh=True).failed

    same = explained()
    assert same.differences == same.because == ()
    assert same.now is not None
    assert same.now["score"] == pytest.approx(flag["score"], abs=0.005)
    assert same.calibration["fingerprint"] == flag["calibration"]
    changed = replace(
        LABS, title="Secret American laboratories breed viruses", phrases={"en": ("breed* dangerous virus*",)}
    )
    below = Narrative(id="viruses", title="Viruses are bred in Ukraine", broader="labs")
    import_cards(cluster, [changed, below], encoder, author="ana", reason="test")
    other = explained()
    assert "semantic" in other.differences
    assert other.because[0] == "the card is at version 2, the flag was made from version 1"
    assert other.rules == ("breed dangerous viruses",)
    assert (same.narrower, other.narrower) == ((), ("viruses",))
    change("flags", identifier, calibration="0ther", matcher="another")
    assert [cause.partition(" is ")[0] for cause in explained().because[:3]] == [
        "the card", "the matcher", "the calibration",
    ]  # fmt: skip
    change("flags", identifier, matcher=ANALYST)
    assert explained().not_again == "it stands on an analyst's word"
    change("flags", identifier, matcher="another")
    change("articles", ids["told"], text_hash="another")
    assert explained().not_again == "its article has another wording now"
    cluster.client.delete(index=cluster.name("articles"), id=ids["told"], refresh=True)
    assert explained().not_again == "its article is gone"
    cluster.client.delete(index=cluster.name("narratives"), id="labs", refresh=True)
    assert explained().not_again == "its card is gone"

"""Analysts' rules: phrases, required and excluded words, as written and in every script."""

import pytest

from processing.match.rules import Found, Rules, rules_of
from processing.narrative import Narrative


def rules(**words: dict[str, tuple[str, ...]]) -> Rules:
    return Rules(**{"phrases": {}, "required": {}, "excluded": {}, **words})


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("harbour was sold", "Yes: the Harbour, was\nSOLD.", ["Harbour, was\nSOLD"]),
        ("harbour was sold", "The harbourmaster was sold out.", []),
        ("порт* продан*", "Говорят, порты проданы.", ["порты проданы"]),
        ("порт* продан*", "Аэропорты проданы.", []),
        ("порт", "порты", []),
        ("м'яч", "Дайте мʼяч або м’яч", ["мʼяч", "м’яч"]),
        ("ميناء", "باع ميناء المدينة", ["ميناء"]),
        ("ნავსადგური გაიყიდა", "ნავსადგური გაიყიდა!", ["ნავსადგური გაიყიდა"]),
        ("a.b (c)", "a.b (c) and axb c", ["a.b (c"]),
        ("…", "… …", []),
    ],
)
def test_phrases(phrase: str, text: str, found: list[str]):
    hits = list(rules(phrases={"*": (phrase,)}).find(text, "ru"))
    assert [hit.phrase for hit in hits] == found
    assert all(text[hit.start : hit.end] == hit.phrase for hit in hits)


def test_phrases_count_in_their_language():
    some = rules(phrases={"ru": ("порт",), "en": ("port",), "*": ("sela",)})
    assert [hit.phrase for hit in some.find("порт port Sela", "ru")] == ["порт", "Sela"]
    assert list(some.find("port", "uk")) == []


def test_the_fuller_phrase_is_the_evidence():
    some = rules(phrases={"*": ("the port", "the port was sold")})
    assert list(some.find("So the port was sold", "en")) == [Found("the port was sold", 3, 20)]


@pytest.mark.parametrize(
    ("text", "language", "allowed"),
    [
        ("the port of Sela", "en", True),
        ("the harbours of Sela", "en", True),
        ("the beach of Sela", "en", False),
        ("der Strand", "de", True),
        ("the port, a satire", "en", False),
        ("der Strand, Satire", "de", True),
    ],
)
def test_required_and_excluded_words(text: str, language: str, allowed: bool):
    some = rules(required={"en": ("port", "harbour*")}, excluded={"en": ("satire",)})
    assert some.allow(text, language) is allowed


def test_only_cards_with_rules_have_some():
    cards = [Narrative(id="a", title="A"), Narrative(id="b", title="B", excluded={"*": ("x",)})]
    assert list(rules_of(cards)) == ["b"]
    assert rules().allow("anything", "en")
    assert list(rules().find("anything", "en")) == []


def test_letters_that_grow_in_lower_case_keep_their_places():
    """The capital dotted I of Turkish is two characters in lower case."""
    text = "İİİ port"
    assert [text[hit.start : hit.end] for hit in rules(phrases={"*": ("PORT",)}).find(text, "tr")] == ["port"]


def test_hostile_text_is_read_in_one_pass():
    """Quadratic in the length, this would take hours and run into the time limit of tests."""
    some = rules(phrases={"*": ("a* b* c* d*", "a b c d e")})
    assert list(some.find("a " * 300_000, "en")) == []
    assert list(some.find("a" * 600_000, "en")) == []
    assert list(some.find("a," * 10 + " " * 300_000, "en")) == []

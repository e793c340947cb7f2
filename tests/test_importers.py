"""Cards in, from good and bad files; every bad card is named with file and line, and no other is lost."""

import gzip
import json
import random
from pathlib import Path

import pytest

from processing.importers import CardProblem, Reading, read, read_all
from processing.importers.euvsdisinfo import split_closing
from processing.importers.names import iso_date, language_code
from processing.importers.source import MAX_LINE
from processing.narrative import MAX_SLUG_BYTES, Narrative, slug, title_key

CARDS = Path(__file__).parent / "fixtures" / "cards"
SHARED = Path(__file__).parents[2] / "shared" / "data" / "narratives"


def split(path: Path, **options) -> tuple[list[Narrative], list[CardProblem]]:
    items = list(read(path, Reading(**options)))
    return [i for i in items if isinstance(i, Narrative)], [i for i in items if isinstance(i, CardProblem)]


def written(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_text_card():
    (card,), problems = split(CARDS / "harbour.txt")
    assert problems == []
    assert card.id == "the-harbour-of-port-sela-was-sold-to-a-foreign-army"
    assert card.title == "The harbour of Port Sela was sold to a foreign army"
    assert card.summary.startswith("The government")
    assert card.summary.endswith("in spring.")
    assert card.response.startswith("There is no evidence")
    assert card.response.endswith("See also the statement by the harbour office here.")
    assert card.related_claims == (
        "Selania's railways, airports and roads belong to strangers",
        "the Selanian army was dissolved in secret",
        "the lighthouse signals to foreign ships",
        "fishermen need a permit from abroad",
    )
    assert (card.date, card.language, card.languages, card.url) == (None, "en", (), None)


def test_text_card_with_a_given_id():
    (card,), problems = split(CARDS / "harbour.txt", id="sela:harbour")
    assert (card.id, problems) == ("sela:harbour", [])


@pytest.mark.parametrize("name", ["broader", "parent"])
def test_a_wider_card_is_named_by_its_id(tmp_path: Path, name: str):
    given = (" sela:1 ", None, "", "c3", "two words", "x" * 300, 17)
    rows = [{"id": f"c{row}", "title": "A claim", name: wider} for row, wider in enumerate(given)]
    file = written(tmp_path, "cards.jsonl", "\n".join(json.dumps(row) for row in rows))
    cards, problems = split(file)
    assert [card.broader for card in cards] == ["sela:1", None, None, None, None, None, "17"]
    assert [(problem.line, problem.warning) for problem in problems] == [(4, True), (5, True), (6, True)]
    assert (
        problems[0].message == f"`{name}` 'c3' is left out; write the id of another card, that of the wider narrative"
    )


def test_text_card_from_another_system():
    (card,), problems = split(CARDS / "crlf_bom.txt")
    assert problems == []
    assert card.title == "Bread will be rationed from Monday"
    assert (card.summary, card.response) == ("From Monday, families get one loaf a week.", "No such decree exists.")


def test_several_text_cards_in_one_file():
    cards, problems = split(CARDS / "several.txt")
    assert problems == []
    assert [card.title for card in cards] == [
        "Schools teach that the earth is hollow",
        "Cats spread the river fever",
        "Only a title is known of this one",
    ]
    assert cards[1].response == "River fever comes with mosquitoes."
    assert cards[1].related_claims == ("dogs spread it", "the vaccine is made of river water")
    assert (cards[2].summary, cards[2].response) == (None, None)
    kept, (second, third) = split(CARDS / "several.txt", id="one")
    assert len(kept) == 1
    assert (second.line, third.line) == (5, 7)


@pytest.mark.parametrize(
    ("response", "rest", "claims"),
    [
        ("Facts.\nSee other examples, such as claims that A1 or that B1.", "Facts.", ["A1", "B1"]),
        ("Facts. See similar cases claiming that one, two and three.", "Facts.", ["one, two and three"]),
        (
            "Facts. See other claims alleging that X1, led by the US, wins, and that Y1",
            "Facts.",
            ["X1, led by the US, wins", "Y1"],
        ),
        ("Facts.\nRead more narratives, such as that A1; that B1; or that C1.", "Facts.", ["A1", "B1", "C1"]),
        (
            "Facts. See earlier disinformation cases alleging that U.S. troops, with Mr. Hill, landed, claims that No. 5 "
            "fell, as well as claims that the moon is cheese.",
            "Facts.",
            ["U.S. troops, with Mr. Hill, landed", "No. 5 fell", "the moon is cheese"],
        ),
        (
            "Facts.\nSee other examples of similar\nnarratives, such as claims\nthat A1\nor that B1.",
            "Facts.",
            ["A1", "B1"],
        ),
        (
            "Facts. See similar cases claiming that A1 came. Read our analysis here.",
            "Facts.\nRead our analysis here.",
            ["A1 came"],
        ),
        (
            "Facts.\nSee other examples of claims that a law that nobody read was passed.",
            "Facts.",
            ["a law that nobody read was passed"],
        ),
        ("Facts. See other disinformation cases about the river.", None, []),
        ("It is not true that it rained, or that it snowed.", None, []),
        ("See other examples, such as claims that", None, []),
        ("", None, []),
    ],
)
def test_closing_sentence(response: str, rest: str | None, claims: list[str]):
    assert split_closing(response) == (response if rest is None else rest, tuple(claims))


def test_a_reference_in_the_middle_is_no_closing_sentence():
    response = (
        "See other examples of claims that it rained.\n" + "But the weather service measured nothing at all. " * 10
    )
    assert split_closing(response) == (response, ())


def test_malformed_text_cards():
    cards, problems = split(CARDS / "one_bad_of_three.txt")
    assert [card.title for card in cards] == ["The town hall will be painted black"]
    assert [problem.line for problem in problems] == [4, 6]
    assert "second SUMMARY" in problems[0].message
    assert "without a word" in problems[1].message
    for name, line, words in (
        ("no_title.txt", 1, "'The harbour was sold' comes before any title; begin the card with `DISINFO: `"),
        ("text_before_section.txt", 2, "'It will not open again.' is in no section; put SUMMARY or RESPONSE"),
        ("latin1.txt", 1, "byte 0xe9 is not UTF-8; save the file as UTF-8"),
    ):
        cards, (problem,) = split(CARDS / name)
        assert cards == []
        assert str(problem).startswith(f"{CARDS / name}:{line}: ")
        assert words in problem.message


def test_json_lines(tmp_path: Path):
    cards, problems = split(CARDS / "good.jsonl")
    assert problems == []
    first, second, third, fourth = cards
    assert (first.date, first.languages, first.keywords) == ("2015-05-26", ("ru", "sk", "uk"), ("sea", "money"))
    assert first.translations == {"uk": "Морякам заплатили, щоб вони лишалися на суходолі"}
    assert first.claims_by_field["en"] == "Sailors were paid to stay on land. A foreign fund paid sailors."
    assert first.claims_by_field["uk"] == first.translations["uk"]
    assert (second.date, second.summary) == ("2015-01-25", None)
    assert second.title.endswith("…")
    assert second.claim == "There is a state-supported tradition of hiding"
    assert third.id == "у-порту-бачили-іноземні-кораблі"
    assert (third.language, third.languages) == ("uk", ("uk", "ru"))
    assert list(third.claims_by_field) == ["uk"]
    assert fourth.id == "17"
    packed = written(tmp_path, "good.jsonl.gz", gzip.compress((CARDS / "good.jsonl").read_bytes()))
    assert split(packed) == (cards, [])


def test_malformed_json_lines():
    cards, problems = split(CARDS / "bad.jsonl")
    assert [card.id for card in cards] == ["ok:1", "warned", "ok:2"]
    assert cards[-1].title == "The last good [31m card", "a terminal would obey the control character"
    expected = {
        2: "is no JSON",
        3: "is no card; write an object",
        4: "there is no `title`",
        5: "`title` is ['a', 'list'], not text",
        6: "without a word",
        7: "`summary` is 7, not text",
        8: "`keywords` is {'a': 1}, not a list",
        9: "`outlets` is 3, not text",
        10: "`id` is 'bad id'; use up to",
        11: "`id` is True, not text",
        12: "NUL character",
        13: "not UTF-8",
        14: "`titles` is ['a'], not an object",
        15: f"id 'ok:1' is taken by the card at {CARDS / 'bad.jsonl'}:1",
    }
    lost = [problem for problem in problems if not problem.warning]
    assert [problem.line for problem in lost] == list(expected)
    for problem in lost:
        assert expected[problem.line] in problem.message
    warned = [str(problem) for problem in problems if problem.warning]
    assert [line.startswith(f"{CARDS / 'bad.jsonl'}:16: warning: ") for line in warned] == [True] * 4
    assert all("is left out; " in line for line in warned)
    card = cards[1]
    assert (card.date, card.languages, card.url, card.translations) == (None, ("ru",), None, {"de": "Karte"})


def test_csv():
    cards, problems = split(CARDS / "good.csv")
    assert problems == []
    assert cards[0] == Narrative(
        id="csv:1",
        title='A "quoted" claim, with a comma',
        summary="Two\nlines",
        date="2020-02-03",
        languages=("ru", "uk"),
        keywords=("a", "b", "c"),
        related_claims=("first phrase", "second phrase"),
        translations={"uk": "Твердження"},
    )
    assert cards[1] == Narrative(id="a-row-without-an-id", title="A row without an id")
    (card,), problems = split(CARDS / "semicolons.csv")
    assert (card.title, card.keywords, problems) == ("Semicolons between cells", ("one", "two"), [])
    (card,), problems = split(CARDS / "tabs.tsv")
    assert (card.id, card.title, problems) == ("t:1", "Tabs between cells", [])


def test_malformed_csv():
    cards, problems = split(CARDS / "bad.csv")
    assert [card.id for card in cards] == ["ok:1", "ok:2", "ok:3"]
    assert [problem.line for problem in problems] == [3, 4, 5, 7, 8]
    assert "2 cells, the header 3" in problems[0].message
    assert "close its quotes" in problems[2].message
    assert "without a word" in problems[3].message or "no `title`" in problems[3].message
    assert "not UTF-8" in problems[4].message
    cards, (problem,) = split(CARDS / "no_title_column.csv")
    assert (cards, problem.line) == ([], 1)
    assert "no column `title` among ['id', 'heading']" in problem.message


def test_json_lists():
    cards, (problem,) = split(CARDS / "list.json")
    assert [card.id for card in cards] == ["list:1", "list:2"]
    assert (problem.line, problem.message.split(";")[0]) == (3, "17 is no card")
    cards, (problem,) = split(CARDS / "broken_list.json")
    assert [card.id for card in cards] == ["list:1"]
    assert problem.line == 3
    assert "no JSON from here on" in problem.message
    (card,), problems = split(CARDS / "single.json")
    assert (card.id, problems) == ("single", [])


def test_ids_are_compared_across_files(tmp_path: Path):
    first = written(tmp_path, "a.jsonl", '{"id": "x", "title": "One"}\n')
    second = written(tmp_path, "b.csv", "id,title\ny,Two\nx,Three\n")
    items = list(read_all([first, second]))
    assert [item.id for item in items if isinstance(item, Narrative)] == ["x", "y"]
    assert str(items[-1]) == f"{second}:3: id 'x' is taken by the card at {first}:1; remove one, or give it another id"


def test_an_id_is_for_a_text_card_only():
    cards, (problem,) = split(CARDS / "good.csv", id="mine")
    assert cards == []
    assert "text card only" in problem.message


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("page.html", (CARDS / "page.html").read_bytes(), "neither an EUvsDisinfo report nor ClaimReview data"),
        ("deep.html", b"<div>" * 200_000 + b"b-report__", "neither an EUvsDisinfo report nor ClaimReview data"),
        ("empty.html", b"<!-- -->", "is no HTML that can be read"),
        ("empty.jsonl", b"", "is empty"),
        ("blank.txt", b"\xef\xbb\xbf \r\n\n", "is empty"),
        ("zeros.txt", b"\0" * 9, "comes before any title"),
        ("picture.png", b"\x89PNG\r\n\x1a\n", "is neither a text card"),
        ("utf16.txt", "DISINFO: A title".encode("utf-16"), "is not UTF-8"),
        ("cut.jsonl.gz", gzip.compress(b'{"title": "A card"}\n')[:-6], "cannot be unpacked"),
        ("plain.jsonl.gz", b'{"title": "A card"}\n', "cannot be unpacked"),
        ("deep.jsonl", b'{"title": ' + b"[" * 200_000 + b"\n", "nested too deeply"),
        ("deep.json", b'[{"title": ' + b"[" * 200_000, "nested too deeply"),
        ("number.jsonl", b'{"title": "A", "id": ' + b"9" * 5000 + b"}\n", "a number is too long"),
        ("long.jsonl", b'{"title": "' + b"a" * MAX_LINE + b'"}\n', "line is longer than"),
        ("title.jsonl", b'{"title": "' + b"a" * 3000 + b'"}\n', "`title` has 3000 characters"),
        ("cell.csv", b"title\n" + b"a" * 200_000 + b"\n", "the row cannot be read"),
        ("items.jsonl", json.dumps({"title": "A", "keywords": ["k"] * 2000}).encode(), "`keywords` has 2000 items"),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_hostile_files(tmp_path: Path, name: str, content: bytes, words: str):
    cards, problems = split(written(tmp_path, name, content))
    assert len(problems) == 1, problems
    assert words in problems[0].message
    assert len(str(problems[0])) < 400 + len(str(tmp_path))
    assert "\n" not in str(problems[0])
    assert len(cards) <= 1


def test_a_file_that_is_not_there(tmp_path: Path):
    cards, (problem,) = split(tmp_path / "nothing.jsonl")
    assert cards == []
    assert "No such file" in problem.message


def test_a_card_after_a_huge_line_is_read(tmp_path: Path):
    path = written(tmp_path, "cards.jsonl", b"x" * (2 * MAX_LINE + 5) + b'\n{"title": "After it"}\n')
    (card,), (problem,) = split(path)
    assert (card.title, problem.line) == ("After it", 1)


def test_random_damage_never_raises(tmp_path: Path):
    """Every file here with bytes changed, removed or doubled: cards or problems come out, no exception."""
    dice = random.Random(3)
    for path in sorted(CARDS.iterdir()):
        original = path.read_bytes()
        for _ in range(30):
            damaged = bytearray(original)
            for _ in range(dice.randrange(1, 6) if damaged else 0):
                at = dice.randrange(len(damaged))
                damaged[at : at + dice.randrange(4)] = dice.randbytes(dice.randrange(4))
                damaged = damaged or bytearray(b" ")
            for item in read(written(tmp_path, path.name, bytes(damaged))):
                assert isinstance(item, CardProblem) or (item.id and item.claim and item.content_hash)


@pytest.mark.parametrize(
    ("raw", "iso"),
    [
        ("2015-05-26", "2015-05-26"),
        ("2015-05-26T23:30:00+03:00", "2015-05-26"),
        ("26 May 2015", "2015-05-26"),
        ("6 Dec 2015", "2015-12-06"),
        ("May 26, 2015", "2015-05-26"),
        ("26th May 2015", "2015-05-26"),
        ("26.05.2015", "2015-05-26"),
        ("31 February 2015", None),
        ("05/06/2015", None),  # May or June: not guessed
        ("2015", None),
        ("soon", None),
    ],
)
def test_dates(raw: str, iso: str | None):
    assert iso_date(raw) == iso


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("Russian", "ru"),
        ("slovak", "sk"),
        ("en", "en"),
        ("English", "en"),
        ("Greek", "el"),
        ("Armenian", "hy"),
        ("Norwegian", "no"),
        ("nb", "no"),
        ("pt-BR", "pt"),
        ("Português (Brazil)", "pt"),
        ("Moldavian", "ro"),
        ("Montenegrin", "sr"),
        ("Chechen", "ce"),
        ("Serbia", None),
        ("", None),
    ],
)
def test_languages(raw: str, code: str | None):
    assert language_code(raw) == code


def test_slugs():
    assert slug("Maidan in 2014 was a coup d'état!") == "maidan-in-2014-was-a-coup-detat"
    assert slug("Крим — це «Крим»") == "крим-це-крим"
    long = slug("The same beginning of a long title " * 8 + "one")
    assert long != slug("The same beginning of a long title " * 8 + "two")
    assert len(long.encode()) <= MAX_SLUG_BYTES
    assert len(slug("Слово" * 60).encode()) <= MAX_SLUG_BYTES
    assert slug("!!!") != slug("???")
    assert title_key("EU’s  “army” …") == title_key("eus army")


def test_content_hash():
    card = Narrative(id="a", title="A title")
    assert card.content_hash == Narrative(id="b", title="A title").content_hash
    assert card.content_hash == Narrative(id="a", title="A title", summary=None, keywords=()).content_hash
    assert card.content_hash != Narrative(id="a", title="A title", keywords=("k",)).content_hash
    assert card.content_hash != Narrative(id="a", title="A title", language="uk").content_hash


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.exists(), reason="no evaluation data beside the checkout")
def test_real_cards():
    (card,), problems = split(SHARED / "euvsdisinfo" / "000_cdeca96852aa79aa.txt")
    assert (len(card.related_claims), problems) == (4, [])
    assert card.related_claims[3].endswith("anti-government protests in Belarus")
    for folder, count in (("euvsdisinfo", 11_446), ("checkthat2022_2a", 14_231), ("stopfake", 1_171), ("voxcheck", 82)):
        cards, problems = split(SHARED / folder / "cards.jsonl.gz")
        assert len(cards) == count
        assert all(problem.warning for problem in problems)
        assert len(problems) < 10


def test_saved_report_page_since_2023():
    (card,), problems = split(CARDS / "report_2024.html")
    assert problems == []
    assert card == Narrative(
        id="euvs:the-lighthouse-of-selania-signals-to-foreign-ships",
        title="The lighthouse of Selania signals to foreign ships",
        summary="At night the lighthouse of Port Sela tells foreign ships where to land.\nThe keeper is paid from abroad.",
        response="Every lighthouse on that coast blinks as the list of lights says.",
        date="2024-01-17",
        languages=("ru", "uk"),
        countries=("Selania", "Ukraine"),
        outlets=("Coast Herald",),
        keywords=("lighthouse", "sea"),
        related_claims=("the harbour was sold", "fishermen need a permit"),
        url="https://euvsdisinfo.eu/report/the-lighthouse-of-selania-signals-to-foreign-ships/",
    )


def test_saved_report_page_of_the_older_layout():
    (card,), problems = split(CARDS / "report_2020.html")
    assert problems == []
    assert (card.id, card.date) == ("euvs:sailors-were-paid-to-stay-on-land", "2020-02-26")
    assert card.title == "Sailors of Selania were paid to stay on land"
    assert card.summary == "Sailors got money for every day on land."
    assert card.response == "The fleet's pay list shows no such payment."
    assert (card.languages, card.countries, card.keywords) == (("de",), ("Selania",), ("fleet", "wages"))


def test_claim_reviews_in_a_page():
    (card,), (problem,) = split(CARDS / "claimreview_page.html")
    assert card == Narrative(
        id="facts.example:river-fever-comes-from-the-new-bridge",
        title="River fever comes from the new bridge",
        response="Facts of Selania rates this claim: False.",
        date="2026-02-27",
        outlets=("river.example", "bridge.example", "Bridge Watch"),
        url="https://www.facts.example/check/river",
    )
    assert "'It rained all March' was found true by its review" in problem.message


def test_claim_reviews_in_a_list_single_and_in_lines(tmp_path: Path):
    cards, problems = split(CARDS / "claimreview.json")
    assert problems == []
    assert [card.id for card in cards] == [
        "facts.example:the-town-hall-is-haunted",
        "other.example:the-town-hall-is-haunted",
    ]
    assert cards[0].response == "Nobody saw a ghost, and the creaking is the stairs."
    assert cards[1].response == "The review rates this claim: Mostly false."
    values = json.loads((CARDS / "claimreview.json").read_text())
    assert split(written(tmp_path, "single.json", json.dumps(values[0], indent=1))) == ([cards[0]], [])
    assert split(written(tmp_path, "lines.jsonl", "\n".join(map(json.dumps, values)))) == (cards, [])
    feed = {"@type": "DataFeed", "dataFeedElement": [{"@type": "DataFeedItem", "item": values}]}
    assert split(written(tmp_path, "feed.json", json.dumps(feed))) == (cards, [])


@pytest.mark.parametrize(
    ("review", "words"),
    [
        ({"claimReviewed": 7}, "there is no `title`"),
        ({"claimReviewed": "…"}, "without a word"),
        ({"claimReviewed": "It is so", "reviewRating": {"alternateName": "True."}}, "was found true"),
        ({"claimReviewed": "It is so", "reviewRating": [{"ratingValue": 2, "bestRating": 2}]}, "was found true"),
    ],
)
def test_claim_reviews_without_a_card(tmp_path: Path, review: dict, words: str):
    cards, (problem,) = split(written(tmp_path, "one.json", json.dumps({"@type": "ClaimReview", **review})))
    assert cards == []
    assert words in problem.message


def test_columns_with_other_names(tmp_path: Path):
    columns = {"title": "claim", "response": "Fact check", "outlets": "seen in"}
    (card,), problems = split(CARDS / "columns.csv", columns=columns)
    assert problems == []
    assert card == Narrative(
        id="the-moon-is-a-mirror", title="The moon is a mirror", response="It is rock.", outlets=("Coast Herald",)
    )
    path = written(tmp_path, "cards.jsonl", json.dumps({"claim": "The moon is a mirror", "title": "internal"}))
    (card,), problems = split(path, columns={"title": "claim"})
    assert (card.title, problems) == ("The moon is a mirror", [])
    cards, (problem,) = split(CARDS / "columns.csv", columns={"title": "Behauptung"})
    assert cards == []
    assert "no column `Behauptung`" in problem.message

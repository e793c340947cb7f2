"""languages.yml: every line usable, every code understood."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pycountry
import pytest
import yaml

from index_config.apply import apply
from index_config.bulk import Action, write
from index_config.cluster import Cluster, connect
from index_config.languages import LanguagesError, languages, map_code, read, text_field
from narrawatch.settings import load

SAMPLES = yaml.safe_load(Path(__file__).with_name("fixtures").joinpath("language_names.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def indices(node: str) -> Iterator[Cluster]:
    """One set of indices for all tests here; their documents do not meet."""
    prefix = f"test-{uuid.uuid4().hex[:12]}-"
    ours = connect(load({**os.environ, "ELASTICSEARCH_URL": node, "NARRAWATCH_INDEX_PREFIX": prefix}))
    with ours.client as client:
        apply(ours)
        yield ours
        client.indices.delete(index=list(client.indices.get(index=f"{prefix}*")))


def tokens(indices: Cluster, analyzer: str, text: str) -> list[str]:
    response = indices.client.indices.analyze(index=indices.name("articles"), analyzer=analyzer, text=text)
    return [token["token"] for token in response["tokens"]]


def test_every_language_has_a_sample():
    assert SAMPLES.keys() == languages().keys()


def test_every_language_finds_its_sample_again(indices: Cluster):
    actions = [Action("articles", code, {"text": {code: f"1999 {text} 2001"}}) for code, text in SAMPLES.items()]
    assert write(indices, actions, refresh=True).failed == ()
    for code, text in SAMPLES.items():
        query = {"match": {f"text.{text_field(code)}": {"query": text, "operator": "and"}}}
        hits = indices.client.search(index=indices.name("articles"), query=query)["hits"]["hits"]
        assert [hit["_id"] for hit in hits] == [code], (code, text)


def test_codes_are_the_shortest_of_iso_639():
    for code in languages():
        language = pycountry.languages.get(**{"alpha_2" if len(code) == 2 else "alpha_3": code})
        assert language, f"{code} is no code of ISO 639"
        assert code == getattr(language, "alpha_2", language.alpha_3)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        (" pt-BR ", "pt"),
        ("zh_Hans_CN", "zh"),
        ("zh-tw", "zh"),
        ("sr-Latn", "sr"),
        ("sh", "sr"),
        ("nb", "no"),
        ("nn-NO", "no"),
        ("no", "no"),
        ("iw", "he"),
        ("in_ID", "id"),
        ("ji", "yi"),
        ("fil", "tl"),
        ("mo", "ro"),
        ("rus", "ru"),
        ("ger", "de"),
        ("nds", "nds"),
        ("jv", "jv"),
        ("und", None),
        ("english", None),
        ("xx", None),
        ("-", None),
        ("", None),
        (None, None),
        ("руc", None),
    ],
)
def test_codes_of_pages_and_detectors(raw: str | None, code: str | None):
    assert map_code(raw) == code


def test_text_field():
    assert text_field("kk") == "kk"
    assert text_field("no") == "no"
    assert text_field("nds") == text_field("und") == "other"


GOOD = "languages:\n  en: {name: English, analyzer: english}\nsame:\n  eng: en\n"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (
            "  en:",
            "  no: {name: Norwegian, analyzer: norwegian}\n  en:",
            r":2: YAML reads no as a truth value.*'no' in quotes",
        ),
        ("eng: en", "nb: no", r":4: YAML reads no as a truth value"),
        ("same:", "  en: {name: English, analyzer: folding}\nsame:", r":3: `en` is there twice"),
        (", analyzer: english", "", r":2: `en` needs `name` and `analyzer`"),
        ("eng: en", "deu: de", r"`deu: de` under `same` must lead"),
        ("eng: en", "en: en", r"`en: en` under `same` must lead"),
        ("  en:", "  English:", r":2: `English` is no code"),
        ("english}", "3}", r":2: expected a word"),
        ("english}", "english", r"not YAML"),
        ("same:\n  eng: en\n", "", r"it needs `languages` and `same`"),
        (GOOD, "", r"expected `key: value` lines"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path: Path, old: str, new: str, complaint: str):
    path = tmp_path / "languages.yml"
    path.write_text(GOOD, "utf-8")
    assert read(path).lines.keys() == {"en"}
    path.write_text(GOOD.replace(old, new), "utf-8")
    with pytest.raises(LanguagesError, match=rf"languages\.yml.*{complaint}") as error:
        read(path)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_said_to_be_missing(tmp_path: Path):
    with pytest.raises(LanguagesError, match="cannot be read"):
        read(tmp_path / "languages.yml")


def test_folding_makes_spellings_of_one_word_equal(indices: Cluster):
    for spellings in (
        "об'єкт об’єкт обʼєкт об`єкт ОБ'ЄКТ",
        "oʻzbek o‘zbek o'zbek",
        "Łódź lodz",
        "воéнный военный".replace("é", "е\u0301"),
        "كتاب کتاب",
        "İzmir izmir",
    ):
        assert len(set(tokens(indices, "folding", spellings))) == 1, spellings


def test_a_word_inside_unspaced_text_is_found(indices: Cluster):
    assert set(tokens(indices, "trigrams", "နိုင်ငံ")) <= set(tokens(indices, "trigrams", "မြန်မာနိုင်ငံတော်"))

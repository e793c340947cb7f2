"""What analysts add to a card, and what it would flag before anything is saved: the commands, on a real archive."""

import datetime as dt
import json
from pathlib import Path

import pytest

from index_config.cluster import Cluster
from narrawatch.demo import CARDS
from narrawatch.demo.server import DemoSites
from processing.cards import CardError
from processing.drafts import Additions, edited
from processing.narrative import Narrative

PORT = {
    "id": "port",
    "title": "The port of Sela was secretly sold to a foreign bank",
    "examples": ["Nobody was told that the port of Sela was sold to a foreign bank, in secret and for a song."],
    "counter_examples": ["The rowing club won the cup on Sunday after a close race."],
}
CARD = Narrative(id="port", title=PORT["title"], phrases={"ru": ("порт* продан*",)}, examples=("An example.",))


def test_additions_are_added_once() -> None:
    found = edited(
        CARD,
        Additions(
            words={"phrases": {"ru": ["порт* продан*", "порт ушёл"], "*": ["sela*"]}, "excluded": {"en": ["satire"]}},
            translations={"uk": "Порт Села таємно продали"},
            texts={"examples": ["An example.", "Another one."]},
        ),
    )
    assert found.phrases == {"ru": ("порт* продан*", "порт ушёл"), "*": ("sela*",)}
    assert found.excluded == {"en": ("satire",)}
    assert found.translations == {"uk": "Порт Села таємно продали"}
    assert found.examples == ("An example.", "Another one.")
    assert edited(found, Additions(clear=("phrases", "examples"))).phrases == {}
    assert edited(CARD, Additions()) == CARD


def test_what_no_card_may_hold_is_refused() -> None:
    with pytest.raises(CardError, match=r"port: .*xx"):
        edited(CARD, Additions(words={"phrases": {"xx": ["x"]}}))


@pytest.fixture
def archive(cluster: Cluster, narrawatch, tmp_path: Path) -> Cluster:
    """The demo's outlets, crawled and matched with the demo's cards and one that nobody tells."""
    path = tmp_path / "port.jsonl"
    path.write_text(json.dumps(PORT))
    narrawatch("narratives", "import", *CARDS, path)
    with DemoSites(now=dt.datetime.now(dt.UTC)) as sites:
        narrawatch("run", "--outlets", sites.outlets_dir)
    return cluster


def rows(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_card_is_tried_before_it_is_saved(archive: Cluster, narrawatch, tmp_path: Path) -> None:
    before = state(archive)
    done = narrawatch("narratives", "test", "port")
    assert "2 of 2 examples as wanted" in done.stdout
    stay = sum("article" in one and one["narrative"] == "port" for one in before.values())
    assert f"0 articles would be flagged anew, {stay} stay flagged, 0 would lose the flag" in done.stdout

    options = ("--phrase", "en=swing bridge", "--counter-example", "The swing bridge is closed.")
    done = narrawatch("narratives", "test", "port", *options, "--json", check=False)
    assert done.returncode == 3, "a counter-example is found"
    examples = [row for row in rows(done.stdout) if "example" in row]
    assert [row["right"] for row in examples] == [True, True, False]
    articles = [row for row in rows(done.stdout) if row.get("news") == "new"]
    assert articles
    assert {(row["news"], row["level"], row["phrase"].lower()) for row in articles} == {
        ("new", "suggest", "swing bridge")
    }
    assert state(archive) == before, "nothing was saved, and no copy is left"

    done = narrawatch("narratives", "edit", "port", *options[:2], "--reason", "told so")
    assert "port is at version 2" in done.stdout
    done = narrawatch("match")
    assert f"{len(articles)} flags new" in done.stdout
    again = narrawatch("narratives", "test", "port", "--json")
    assert [row["news"] for row in rows(again.stdout) if row.get("news")] == ["still"] * (stay + len(articles))
    cleared = narrawatch("narratives", "test", "port", "--clear", "phrases", "--json")
    assert [row["article"] for row in rows(cleared.stdout) if row.get("news") == "gone"] == [
        row["article"] for row in articles
    ]

    nothing = narrawatch("narratives", "edit", "port", *options[:2], "--reason", "told so")
    assert "nothing to do" in nothing.stdout
    history = narrawatch("narratives", "history", "port").stdout
    assert "told so" in history
    assert "phrases" in history


def test_a_card_in_a_file_is_tried_with_its_own_words(archive: Cluster, narrawatch, tmp_path: Path) -> None:
    """A new title is looked for in a copy of the cards, so that its words count as they would."""
    path = tmp_path / "new.jsonl"
    path.write_text(json.dumps({"id": "bridge", "title": "The swing bridge is closed for six weeks"}))
    before = state(archive)
    missing = narrawatch("narratives", "test", "bridge", check=False)
    assert missing.returncode == 1
    assert "bridge" in missing.stderr
    done = narrawatch("narratives", "test", "bridge", "--with", path, "--json")
    found = rows(done.stdout)
    assert any(row["news"] == "new" and row["score"] > 0.4 for row in found)
    assert state(archive) == before
    table = narrawatch("narratives", "test", "bridge", "--with", path).stdout
    assert "Would be flagged" in table
    assert "The card has no examples" in table
    other = narrawatch("narratives", "test", "port", "--with", path, check=False)
    assert "has no card 'port'" in other.stderr


def state(cluster: Cluster) -> dict[str, dict]:
    """Every document of cards and flags, and every index there is."""
    names = [cluster.name(alias) for alias in ("narratives", "narratives-history", "narrative-vectors", "flags")]
    cluster.client.indices.refresh(index=names)
    hits = cluster.client.search(index=names, size=5_000)["hits"]["hits"]
    indices = {name: {"index": name} for name in cluster.client.indices.get(index=f"{cluster.prefix}*")}
    return {hit["_id"]: hit["_source"] for hit in hits} | indices


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--phrase", "ru"), "LANGUAGE=WORDS"),
        (("--phrase", "=x"), "LANGUAGE=WORDS"),
        (("--example", "@missing.txt"), "missing.txt"),
        (("--example", " "), "needs words"),
        (("--clear", "title"), "title"),
        ((), "say what to change"),
    ],
)
def test_wrong_usage(cluster: Cluster, narrawatch, tmp_path: Path, options, message: str) -> None:
    path = tmp_path / "port.jsonl"
    path.write_text(json.dumps(PORT))
    narrawatch("narratives", "import", path)
    done = narrawatch("narratives", "edit", "port", "--reason", "x", *options, check=False)
    assert done.returncode == 2
    assert message in done.stderr

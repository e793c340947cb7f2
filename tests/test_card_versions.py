"""Cards out and back in, their versions compared, retired and restored: the commands, on a real index."""

import json
from pathlib import Path

import pytest

from index_config.bulk import Action, write_all
from index_config.cluster import Cluster

CARD = {
    "id": "sela:harbour",
    "title": "The harbour of Port Sela was sold",
    "summary": "The government sold it in secret.",
    "date": "2024-05-01",
    "languages": ["ru", "uk"],
    "phrases": {"ru": ["порт* продан*"], "*": ["sela harbour sale"]},
    "required": {"*": ["sela"]},
    "excluded": {"en": ["satire"]},
    "examples": ["The harbour is foreign now."],
    "counter_examples": ["The harbour opens a new pier."],
    "translations": {"uk": "Порт продано"},
}


def written(path: Path, *cards: dict) -> Path:
    path.write_text("".join(json.dumps(card, ensure_ascii=False) + "\n" for card in cards))
    return path


@pytest.fixture
def cards(cluster: Cluster, narrawatch, tmp_path: Path) -> Path:
    other = {"id": "sela:sold", "title": "the harbour of Port Sela was sold!", "date": "2024-06-01"}
    path = written(tmp_path / "cards.jsonl", CARD, other)
    narrawatch("narratives", "import", path)
    return path


def test_what_is_exported_is_imported_unchanged(cards: Path, narrawatch, tmp_path: Path):
    assert narrawatch("narratives", "export", "--out", tmp_path / "out.jsonl").stdout.startswith("2 cards in ")
    exported = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert exported[0] == {**CARD, "language": "en"}
    assert "2 unchanged" in narrawatch("narratives", "import", tmp_path / "out.jsonl").stdout
    assert json.loads(narrawatch("narratives", "export", "sela:harbour").stdout) == exported[0]


def test_the_same_claim_is_linked_and_one_family(cards: Path, narrawatch):
    harbour, sold = (
        json.loads(narrawatch("narratives", "show", name, "--json").stdout) for name in ("sela:harbour", "sela:sold")
    )
    assert (harbour["family"], harbour["retold"]) == ("sela:harbour", ["sela:sold"])
    assert (sold["family"], sold["retold"]) == ("sela:harbour", ["sela:harbour"])
    older = written(cards.with_name("older.jsonl"), {"id": "a", "title": CARD["title"], "date": "2023-01-01"})
    narrawatch("narratives", "import", older)
    shown = json.loads(narrawatch("narratives", "show", "sela:sold", "--json").stdout)
    assert (shown["family"], shown["retold"], shown["version"]) == ("a", ["a", "sela:harbour"], 1)


def test_diff(cards: Path, narrawatch):
    assert "one version only" in narrawatch("narratives", "diff", "sela:harbour").stdout
    for title in ("The harbour of Port Sela was given away", "The harbour was given away"):
        narrawatch("narratives", "import", written(cards, {**CARD, "title": title}), "--reason", f"now {title}")
    assert "Sela was [-sold-] {+given away+}" in narrawatch("narratives", "diff", "sela:harbour", "1", "2").stdout
    last = narrawatch("narratives", "diff", "sela:harbour").stdout
    assert "version 2 to 3" in last
    assert "The harbour [-of Port Sela-] was given away" in last
    (row,) = [
        json.loads(line)
        for line in narrawatch("narratives", "diff", "sela:harbour", "1", "3", "--json").stdout.splitlines()
    ]
    assert row == {"field": "title", "old": CARD["title"], "new": "The harbour was given away"}
    unknown = narrawatch("narratives", "diff", "sela:harbour", "7", check=False)
    assert unknown.returncode == 1
    assert "has no version 7; it has 1, 2, 3" in unknown.stderr


def test_retire_and_restore(cards: Path, cluster: Cluster, narrawatch):
    flags = {name: {"article": name, "narrative": "sela:harbour", "still_matched": True} for name in ("a", "b")}
    flags["b"]["verdict"] = "confirmed"
    flags["c"] = {"article": "a", "narrative": "sela:sold", "still_matched": True}
    write_all(cluster, [Action("flags", name, flag) for name, flag in flags.items()], refresh=True)
    done = narrawatch("narratives", "retire", "sela:harbour", "--reason", "told no more", "--as", "ana").stdout
    assert "1 flags nobody reviewed are gone, 1 with a verdict" in done
    cluster.client.indices.refresh(index=cluster.name("flags"))
    found = cluster.client.search(index=cluster.name("flags"))["hits"]["hits"]
    left = {hit["_id"]: hit["_source"]["still_matched"] for hit in found}
    assert left == {"b": False, "c": True}
    assert "was retired already" in narrawatch("narratives", "retire", "sela:harbour", "--reason", "again").stdout
    assert "sela:harbour" not in narrawatch("narratives", "export").stdout
    assert "sela:harbour" in narrawatch("narratives", "export", "--retired").stdout
    assert "is matched again" in narrawatch("narratives", "restore", "sela:harbour", "--reason", "told again").stdout
    versions = [
        json.loads(line) for line in narrawatch("narratives", "history", "sela:harbour", "--json").stdout.splitlines()
    ]
    assert [(card["retired"], card["reason"]) for card in versions[1:]] == [
        (True, "told no more"),
        (False, "told again"),
    ]
    assert versions[1]["author"] == "ana"
    unknown = narrawatch("narratives", "retire", "sela:harbor", "--reason", "x", check=False)
    assert unknown.returncode == 1
    assert "did you mean sela:harbour" in unknown.stderr

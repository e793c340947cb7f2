"""Setting up indices on a real node: created, extended, migrated, and whole again after being killed anywhere."""

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import BadRequestError

from index_config import mappings
from index_config.apply import MappingChanged, NameTaken, apply
from index_config.bulk import Action, write
from index_config.cluster import ALIASES, Cluster, ClusterError, connect
from index_config.migrate import MigrationError, running
from narrawatch.settings import Settings, load
from processing.article import Article, Extracted, Language

DOCUMENTS = {
    f"a{number}": {"title": f"Title {number}", "text": {"ru": "слово"}, "characters": number} for number in range(30)
}
Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def fresh(settings: Settings) -> Iterator[Cluster]:
    """An installation nobody has set up yet."""
    ours = connect(settings)
    with ours.client:
        yield ours


@pytest.fixture
def small(fresh: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The same with one index instead of nine: enough to see what becomes of an index, and much faster."""
    monkeypatch.setattr("index_config.apply.ALIASES", ("articles",))
    return fresh


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return copied(tmp_path / "files")


def copied(target: Path) -> Path:
    files = shutil.ignore_patterns("*.py", "__pycache__", "kibana")
    return Path(shutil.copytree(mappings.FOLDER, target, ignore=files))


def edit(folder: Path, name: str, change: Edit) -> None:
    path = folder / f"{name}.json"
    body = json.loads(path.read_text("utf-8"))
    change(body["mappings"]["properties"])
    path.write_text(json.dumps(body), "utf-8")


def characters_as_text(properties: dict[str, Any]) -> None:
    properties["characters"] = {"type": "keyword"}


def fill(cluster: Cluster) -> None:
    assert write(cluster, [Action("articles", name, body) for name, body in DOCUMENTS.items()]).failed == ()


def articles(cluster: Cluster) -> dict[str, Any]:
    cluster.client.indices.refresh(index=cluster.name("articles"))
    hits = cluster.client.search(index=cluster.name("articles"), size=1000)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def names(cluster: Cluster, alias: str) -> list[str]:
    return sorted(cluster.client.indices.get(index=f"{cluster.name(alias)}-v*", expand_wildcards="all").body)


# Created


def test_every_alias_gets_a_strict_index_and_once_is_enough(fresh: Cluster):
    assert apply(fresh) == [f"created {fresh.name(alias)}-v1" for alias in ALIASES]
    assert apply(fresh) == []
    assert apply(fresh, migrate=True) == []
    for alias in ALIASES:
        (body,) = fresh.client.indices.get(index=fresh.name(alias)).body.values()
        assert body["mappings"]["dynamic"] == "strict"
        assert body["aliases"] == {fresh.name(alias): {"is_write_index": True}}


def test_fields_nobody_declared_are_refused(fresh: Cluster):
    apply(fresh)
    strange: list[tuple[str, dict[str, Any]]] = [(alias, {"colour": "red"}) for alias in ALIASES]
    strange += [("articles", {"text": {"tlh": "nuqneH"}}), ("articles", {"warc": {"colour": 1}})]
    strange += [("narratives", {"claim": {"tlh": "nuqneH"}}), ("crawls", {"fetch": {"teapot": 1}})]
    result = write(fresh, [Action(alias, f"x{number}", body) for number, (alias, body) in enumerate(strange)])
    assert [failure.alias for failure in result.failed] == [alias for alias, _ in strange]
    assert all("strict_dynamic_mapping_exception" in failure.reason for failure in result.failed)


def test_an_article_fits_and_so_does_a_hostile_one(fresh: Cluster):
    apply(fresh)
    long = "x" * 40_000
    page = Extracted(
        title=long,
        text="текст " * 20_000 + long,
        authors=(long,),
        published="2026-05-01T10:00:00+03:00",
        updated="2026-05-02",
        canonical_url=long,
        amp_url=long,
        declared_language=long,
        image=long,
        section=long,
        tags=(long, "tag"),
    )
    article = Article(
        id="hostile",
        url=long,
        urls=(long,),
        outlet="example",
        country="kz",
        kind="news",
        page=page,
        language=Language("ru", 0.9),
        fetched="2026-05-02T00:00:00Z",
        run="r",
        warc="a.warc.gz",
        offset=2**40,
    )
    actions = [Action(alias, article.id, article.to_document("ru")) for alias in ("articles", "article-versions")]
    assert write(fresh, actions).failed == ()


def test_cards_keep_any_translation_and_vectors_any_bytes(fresh: Cluster):
    apply(fresh)
    card = {"title": "T", "claim": {"en": "T", "uk": "Т", "other": "T"}, "translations": {"tlh": {"deep": [1, "x"]}}}
    actions = [Action(alias, "card", card) for alias in ("narratives", "narratives-history")]
    actions.append(Action("narrative-vectors", "use:card", {"narrative": "card", "vector": "AACAPw=="}))
    assert write(fresh, actions).failed == ()


# Extended


def test_new_properties_are_put_in_place(fresh: Cluster, folder: Path):
    apply(fresh, folder=folder)
    fill(fresh)
    edit(folder, "articles", lambda properties: properties.update(mood={"type": "keyword"}))
    path = folder / "languages.yml"
    path.write_text(
        path.read_text("utf-8").replace("same:\n", "  tlh: {name: Klingon, analyzer: folding}\nsame:\n"), "utf-8"
    )
    done = apply(fresh, folder=folder)
    assert f"added text.tlh, mood to {fresh.name('articles')}-v1" in done
    assert f"added claim.tlh to {fresh.name('narratives-history')}-v1" in done
    assert len(done) == 4
    assert apply(fresh, folder=folder) == []
    assert write(fresh, [Action("articles", "new", {"mood": "calm", "text": {"tlh": "nuqneH"}})]).failed == ()
    assert len(articles(fresh)) == len(DOCUMENTS) + 1


# Changed


def test_an_incompatible_change_is_named_and_changes_nothing(fresh: Cluster, folder: Path):
    apply(fresh, folder=folder)
    fill(fresh)
    edit(folder, "articles", characters_as_text)
    edit(folder, "flags", lambda properties: properties.pop("matcher"))
    with pytest.raises(MappingChanged) as error:
        apply(fresh, folder=folder)
    message = str(error.value)
    assert f"{fresh.name('articles')}-v1: characters;" in message
    assert f"{fresh.name('flags')}-v1: matcher)" in message
    assert "`narrawatch setup --migrate`" in message
    assert "\n" not in message
    assert articles(fresh) == DOCUMENTS
    assert names(fresh, "articles") == [f"{fresh.name('articles')}-v1"]


def test_migrate_copies_every_document_behind_the_alias(small: Cluster, folder: Path):
    apply(small, folder=folder)
    fill(small)  # and no refresh: documents that no search can see yet are copied too
    edit(folder, "articles", characters_as_text)
    first, second, third = (f"{small.name('articles')}-v{number}" for number in (1, 2, 3))
    assert apply(small, folder=folder, migrate=True) == [f"copied 30 documents from {first} to {second}"]
    assert names(small, "articles") == [second]
    assert articles(small) == DOCUMENTS
    assert small.client.indices.get_mapping(index=second)[second]["mappings"]["properties"]["characters"] == {
        "type": "keyword"
    }
    assert apply(small, folder=folder, migrate=True) == apply(small, folder=folder) == []
    assert write(small, [Action("articles", "later", {"characters": "many"})]).failed == ()
    assert write(small, [Action("articles", "later", operation="delete")]).failed == ()
    shutil.rmtree(folder)
    assert apply(small, folder=copied(folder), migrate=True) == [f"copied 30 documents from {second} to {third}"]
    assert articles(small) == DOCUMENTS


def test_a_new_sub_field_holds_the_old_documents_too(small: Cluster, folder: Path):
    apply(small, folder=folder)
    fill(small)
    edit(folder, "articles", lambda properties: properties["title"]["fields"].update(exact={"type": "keyword"}))
    with pytest.raises(MappingChanged, match="articles-v1: title"):
        apply(small, folder=folder)
    apply(small, folder=folder, migrate=True)
    assert small.client.count(index=small.name("articles"), query={"term": {"title.exact": "Title 3"}})["count"] == 1


def test_a_changed_analyzer_is_noticed(small: Cluster, folder: Path):
    apply(small, folder=folder)
    path = folder / "analysis.json"
    path.write_text(
        path.read_text("utf-8").replace('"lowercase", "decimal_digit", "arabic', '"lowercase", "arabic'), "utf-8"
    )
    with pytest.raises(MappingChanged, match=r"articles-v1: analysis\.analyzer\.folding\.filter"):
        apply(small, folder=folder)
    assert len(apply(small, folder=folder, migrate=True)) == 1
    assert apply(small, folder=folder) == []


def test_a_document_that_does_not_fit_stops_the_copy(small: Cluster, folder: Path):
    apply(small, folder=folder)
    fill(small)
    edit(folder, "articles", lambda properties: properties.pop("characters"))
    with pytest.raises(
        MigrationError, match=r"document 'a\d+' does not fit the new mapping .*characters.*nothing was changed"
    ) as error:
        apply(small, folder=folder, migrate=True)
    assert "\n" not in str(error.value)
    assert names(small, "articles") == [f"{small.name('articles')}-v1"]
    assert write(small, [Action("articles", "a0", DOCUMENTS["a0"])]).failed == ()
    assert articles(small) == DOCUMENTS


def test_the_operators_replicas_and_blocks_are_left_alone(small: Cluster, folder: Path):
    apply(small, folder=folder)
    own = {"index.auto_expand_replicas": False, "index.number_of_replicas": 0, "index.blocks.write": True}
    small.client.indices.put_settings(index=small.name("articles"), settings=own)
    assert apply(small, folder=folder) == []
    edit(folder, "articles", characters_as_text)
    with pytest.raises(MappingChanged):
        apply(small, folder=folder)
    (settings,) = small.client.indices.get_settings(index=small.name("articles")).body.values()
    assert settings["settings"]["index"]["blocks"] == {"write": "true"}
    apply(small, folder=folder, migrate=True)
    (settings,) = small.client.indices.get_settings(index=small.name("articles")).body.values()
    assert settings["settings"]["index"]["auto_expand_replicas"] == "false"


# In the way


def test_an_index_in_the_place_of_an_alias_is_named(small: Cluster):
    small.client.indices.create(index=small.name("articles"))
    with pytest.raises(NameTaken, match=rf"an index sits at {small.name('articles')}, where an alias should be"):
        apply(small)
    assert small.client.indices.exists(index=small.name("articles"))


def test_an_index_that_lost_its_alias_is_named_and_kept(small: Cluster):
    apply(small)
    fill(small)
    index = f"{small.name('articles')}-v1"
    small.client.indices.delete_alias(index=index, name=small.name("articles"))
    with pytest.raises(NameTaken, match=rf"{index} without the alias {small.name('articles')};"):
        apply(small, migrate=True)
    small.client.indices.put_alias(index=index, name=small.name("articles"))
    assert articles(small) == DOCUMENTS


def test_an_alias_of_two_indices_is_named(small: Cluster):
    apply(small)
    small.client.indices.create(index=f"{small.name('articles')}-v7", aliases={small.name("articles"): {}})
    with pytest.raises(NameTaken, match=rf"the alias {small.name('articles')} leads to .*-v1 and .*-v7"):
        apply(small)


def test_an_unknown_version_is_neither_used_nor_removed(small: Cluster, folder: Path):
    apply(small, folder=folder)
    fill(small)
    kept = f"{small.name('articles')}-v4"
    small.client.indices.create(index=kept)
    edit(folder, "articles", characters_as_text)
    apply(small, folder=folder, migrate=True)
    assert names(small, "articles") == [kept, f"{small.name('articles')}-v5"]
    assert articles(small) == DOCUMENTS


@pytest.mark.parametrize("ending", ["b-", "articles-", "articles-v", "articles-v1-", "article-"])
def test_installations_whose_prefixes_overlap_keep_apart(small: Cluster, folder: Path, ending: str):
    other = replace(small, prefix=small.prefix + ending)
    apply(small, folder=folder)
    apply(other, folder=folder)
    fill(small)
    write(other, [Action("articles", "theirs", {"title": "x"})])
    before = other.client.indices.get(index=other.name("articles")).body
    edit(folder, "articles", characters_as_text)
    assert len(apply(small, folder=folder, migrate=True)) == 1
    assert other.client.indices.get(index=other.name("articles")).body == before
    assert articles(other) == {"theirs": {"title": "x"}}
    assert articles(small) == DOCUMENTS


def test_a_lost_cluster_is_one_line():
    nowhere = connect(load({"ELASTICSEARCH_URL": "http://127.0.0.1:9"}))
    with pytest.raises(ClusterError, match="was lost while setting up the indices"):
        apply(nowhere)
    nowhere.client.close()


# Killed

MORTAL = """
import os, signal, sys
from pathlib import Path
import elastic_transport
from index_config import apply as apply_module
from index_config.cluster import connect
from narrawatch.settings import load

apply_module.ALIASES = tuple(sys.argv[3:])
lives, perform = int(sys.argv[1]), elastic_transport.Transport.perform_request

def mortal(self, *args, **kwargs):
    global lives
    if not lives:
        os.kill(os.getpid(), signal.SIGKILL)
    lives -= 1
    return perform(self, *args, **kwargs)

elastic_transport.Transport.perform_request = mortal
apply_module.apply(connect(load()), migrate=True, folder=Path(sys.argv[2]))
"""


def killed(environ: dict[str, str], folder: Path, lives: int, *aliases: str) -> bool:
    """Migrate in another process that is killed before its request number `lives` + 1; False when it needed no more."""
    command = [sys.executable, "-c", MORTAL, str(lives), str(folder), *aliases]
    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr
    return ended.returncode != 0


def test_killed_before_any_request_nothing_is_lost(small: Cluster, environ: dict[str, str], tmp_path: Path):
    plain, changed = copied(tmp_path / "plain"), copied(tmp_path / "changed")
    edit(changed, "articles", characters_as_text)
    apply(small, folder=plain)
    fill(small)
    lives, target, half_filled, blocked = 0, changed, 0, 0
    while killed(environ, target, lives, "articles"):
        assert articles(small) == DOCUMENTS, lives  # readers never notice
        while any(running(small.client, index) for index in names(small, "articles")):  # it outlives the command
            time.sleep(0.05)
        half_filled += len(names(small, "articles")) == 2
        (settings,) = small.client.indices.get_settings(index=small.name("articles")).body.values()
        blocked += "blocks" in settings["settings"]["index"]
        try:
            apply(small, folder=target)
        except MappingChanged:  # the alias had not moved yet, so the old index must be in service again
            assert len(names(small, "articles")) == 1, lives
        assert write(small, [Action("articles", "a0", DOCUMENTS["a0"])]).failed == (), lives
        apply(small, folder=target, migrate=True)
        assert articles(small) == DOCUMENTS, lives
        assert len(names(small, "articles")) == 1, lives
        lives, target = lives + 1, plain if target == changed else changed
    assert lives > 10
    assert half_filled > blocked > 5
    assert articles(small) == DOCUMENTS


def test_set_up_killed_before_any_request_can_be_repeated(fresh: Cluster, environ: dict[str, str]):
    made = 0
    for lives in (0, 1, 2, 5):  # what earlier rounds made stays
        assert killed(environ, mappings.FOLDER, lives, *ALIASES)
        made += max(0, lives - 1)
    assert len(apply(fresh)) == len(ALIASES) - made
    assert apply(fresh) == []


def test_a_copy_that_outlived_its_command_is_waited_for_or_begun_again(small: Cluster, folder: Path):
    apply(small, folder=folder)
    fill(small)
    edit(folder, "articles", characters_as_text)
    old, new = (f"{small.name('articles')}-v{number}" for number in (1, 2))
    small.client.indices.create(index=new, mappings={"_meta": {"copy_of": old}})
    small.client.indices.add_block(index=old, block="write")
    small.client.indices.refresh(index=old)
    slow = {"requests_per_second": 1, "wait_for_completion": False}
    small.client.reindex(source={"index": old, "size": 10}, dest={"index": new}, **slow)
    with pytest.raises(MigrationError, match=rf"is being copied into {new}; wait for that"):
        apply(small, folder=folder)
    assert apply(small, folder=folder, migrate=True) == [
        f"removed {new}, left half-filled by a migration that was cut short",
        f"copied 30 documents from {old} to {new}",
    ]
    assert running(small.client, new) == []
    assert articles(small) == DOCUMENTS


def test_interference_while_copying_is_noticed(small: Cluster, folder: Path):
    apply(small, folder=folder)
    fill(small)
    edit(folder, "articles", characters_as_text)
    old, new = (f"{small.name('articles')}-v{number}" for number in (1, 2))

    def interfere(index: str, done: int, total: int) -> None:
        if done == total == 30:
            small.client.indices.remove_block(index=old, block="write")
            write(small, [Action("articles", "late", {"title": "written between copy and swap"})])

    with pytest.raises(MigrationError, match="interfered"):
        apply(small, folder=folder, migrate=True, progress=interfere)
    assert names(small, "articles") == [old]
    assert articles(small).keys() == {*DOCUMENTS, "late"}
    assert not small.client.indices.exists(index=new)


def test_ctrl_c_puts_the_old_index_back_in_service(small: Cluster, folder: Path):
    apply(small, folder=folder)
    fill(small)
    edit(folder, "articles", characters_as_text)

    def stop(index: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        apply(small, folder=folder, migrate=True, progress=stop)
    assert names(small, "articles") == [f"{small.name('articles')}-v1"]
    assert write(small, [Action("articles", "a0", DOCUMENTS["a0"])]).failed == ()
    assert articles(small) == DOCUMENTS


def test_a_mapping_elasticsearch_refuses_is_one_line(small: Cluster, folder: Path):
    edit(folder, "articles", lambda properties: properties.update(mood={"type": "feeling"}))
    with pytest.raises(ClusterError, match=r"mapper type \[feeling\]") as error:
        apply(small, folder=folder)
    assert isinstance(error.value.__cause__, BadRequestError)
    assert "\n" not in str(error.value)

"""Bulk writing against a real node: every refusal read, every passing one retried."""

import os
import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace

import pytest

from index_config import bulk
from index_config.apply import apply
from index_config.bulk import Action, write
from index_config.cluster import Cluster, ClusterError, connect
from narrawatch.settings import load


@pytest.fixture(scope="module")
def indices(node: str) -> Iterator[Cluster]:
    """One set of indices for all tests here; their documents do not meet."""
    prefix = f"test-{uuid.uuid4().hex[:12]}-"
    ours = connect(load({**os.environ, "ELASTICSEARCH_URL": node, "NARRAWATCH_INDEX_PREFIX": prefix}))
    with ours.client as client:
        apply(ours)
        yield ours
        client.indices.delete(index=list(client.indices.get(index=f"{prefix}*")))


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bulk, "FIRST_PAUSE", 0.05)


def stored(indices: Cluster, alias: str, name: str) -> dict:
    return indices.client.get(index=indices.name(alias), id=name)["_source"]


def test_each_operation(indices: Cluster):
    result = write(
        indices,
        [
            Action("verdicts", "one", {"note": "a"}),
            Action("flags", "one", {"level": "flag"}, "create"),
            Action("flags", "two", {"verdict": "confirmed"}, "update", doc_as_upsert=True),
        ],
    )
    assert (result.ok, result.failed) == (3, ())
    assert write(indices, [Action("flags", "one", {"verdict": "rejected"}, "update")]).ok == 1
    assert stored(indices, "flags", "one") == {"level": "flag", "verdict": "rejected"}
    assert stored(indices, "flags", "two") == {"verdict": "confirmed"}
    assert write(indices, [Action("flags", "two", operation="delete")], refresh=True).ok == 1
    assert indices.client.count(index=indices.name("flags"))["count"] == 1


def test_deleting_what_is_not_there_is_done(indices: Cluster):
    assert write(indices, [Action("flags", "never", operation="delete")]).ok == 1


def test_refusals_come_back_with_their_documents(indices: Cluster):
    write(indices, [Action("verdicts", "there", {"note": "first"})])
    result = write(
        indices,
        [
            Action("verdicts", "there", {"note": "second"}, "create"),
            Action("verdicts", "misfit", {"at": "yesterday"}),
            Action("verdicts", "unknown", {"colour": "red"}),
            Action("verdicts", "missing", {"note": "x"}, "update"),
            Action("verdicts", "good", {"note": "kept"}),
        ],
    )
    assert result.ok == 1
    assert [(failure.id, failure.alias, failure.status) for failure in result.failed] == [
        ("there", "verdicts", 409),
        ("misfit", "verdicts", 400),
        ("unknown", "verdicts", 400),
        ("missing", "verdicts", 404),
    ]
    assert result.failed[1].document == {"at": "yesterday"}
    assert "yesterday" in result.failed[1].reason
    assert "colour" in result.failed[2].reason
    assert stored(indices, "verdicts", "there") == {"note": "first"}


def test_a_document_that_spoils_the_request_goes_alone(indices: Cluster):
    actions = [Action("urls", f"u{number}", {"attempts": number}) for number in range(20)]
    actions[7] = Action("urls", "x" * 600, {})  # Elasticsearch refuses the whole request for one id over 512 bytes
    result = write(indices, actions)
    assert result.ok == 19
    assert [(failure.status, len(failure.id)) for failure in result.failed] == [(400, 600)]
    assert stored(indices, "urls", "u19") == {"attempts": 19}


def test_many_documents_stream_through(indices: Cluster):
    result = write(
        indices, (Action("crawls", str(number), {"discovered": number}) for number in range(2345)), refresh=True
    )
    assert (result.ok, result.failed) == (2345, ())
    assert indices.client.count(index=indices.name("crawls"))["count"] == 2345


def test_one_id_in_two_indices_is_two_documents(indices: Cluster):
    result = write(
        indices, [Action("articles", "same", {"title": "ok"}), Action("urls", "same", {"title": "no such field"})]
    )
    assert [(failure.id, failure.alias) for failure in result.failed] == [("same", "urls")]


@pytest.mark.parametrize(
    "block",
    [
        "read_only_allow_delete",  # what a full disk sets: status 429
        "write",  # what copying into a new index sets: status 403
    ],
)
def test_what_passes_is_retried(indices: Cluster, block: str):
    index = f"{indices.name('articles')}-v1"
    indices.client.indices.put_settings(index=index, settings={f"index.blocks.{block}": True})
    lift = threading.Timer(
        0.3, indices.client.indices.put_settings, kwargs={"index": index, "settings": {f"index.blocks.{block}": None}}
    )
    lift.start()
    name = f"late-{block}"
    result = write(indices, [Action("articles", name, {"title": "x"}), Action("flags", name, {"title": "y"})])
    lift.join()
    assert (result.ok, result.failed) == (2, ())
    assert stored(indices, "articles", name) == {"title": "x"}


def test_what_does_not_pass_is_handed_back(indices: Cluster, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bulk, "FIRST_PAUSE", 0.001)
    index = f"{indices.name('articles')}-v1"
    indices.client.indices.put_settings(index=index, settings={"index.blocks.read_only_allow_delete": True})
    try:
        result = write(indices, [Action("articles", "stuck", {"title": "x"}), Action("flags", "free", {"title": "y"})])
    finally:
        indices.client.indices.put_settings(index=index, settings={"index.blocks.read_only_allow_delete": None})
    assert result.ok == 1
    assert [(failure.id, failure.status, failure.document) for failure in result.failed] == [
        ("stuck", 429, {"title": "x"})
    ]


def test_an_index_that_is_not_set_up_is_not_made_up(indices: Cluster):
    elsewhere = replace(indices, prefix=f"{indices.prefix}nowhere-")
    with pytest.raises(ClusterError, match=r"nowhere-flags is not there; run `narrawatch setup` first"):
        write(elsewhere, [Action("flags", "one", {"title": "x"})])
    assert not elsewhere.client.indices.exists(index=elsewhere.name("flags"))


def test_a_lost_cluster_is_one_line():
    nowhere = connect(load({"ELASTICSEARCH_URL": "http://127.0.0.1:9"}))
    with pytest.raises(ClusterError, match="was lost while writing documents") as error:
        write(nowhere, [Action("flags", "one", {"title": "x"})])
    assert "\n" not in str(error.value)
    nowhere.client.close()


def test_write_all_takes_no_refusal(cluster: Cluster) -> None:
    with pytest.raises(ClusterError, match="urls: document bad was refused"):
        bulk.write_all(cluster, [bulk.Action("urls", "bad", {"no_such_field": 1})])
    bulk.write_all(cluster, [bulk.Action("urls", "good", {"outlet": "daily"})], refresh=True)
    assert cluster.client.count(index=cluster.name("urls"))["count"] == 1

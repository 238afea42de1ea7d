"""Vectors: packed into bytes, compared by their signs first, found in one pass among those of the reader's rooms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.recall.vector_codes import likeness, pack_vector, sign_bits
from gateway.recall.vector_index import VectorIndex
from tests.fakes.models.embeddings import letter_group_vector


def packed(text: str) -> bytes:
    return pack_vector(letter_group_vector(text))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=64))
def test_a_packed_vector_points_where_the_vector_does(values: list[float]) -> None:
    found = pack_vector(values)
    assert len(found) == len(values)
    assert likeness(found, found) == pytest.approx(1.0 if any(found) else 0.0)


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [float("nan"), 1.0], [float("inf"), 1.0]])
def test_what_is_no_direction_is_like_nothing(values: list[float]) -> None:
    assert likeness(pack_vector(values), pack_vector([1.0] * len(values))) == 0.0


def test_one_bit_for_each_sign() -> None:
    assert sign_bits(pack_vector([1.0, -1.0, 0.0, -0.5])) == 0b0101
    assert sign_bits(b"") == 0


def test_likeness_is_that_of_the_texts() -> None:
    asked = packed("deployment of the gateway")
    assert likeness(asked, packed("we deploy the gateway")) > 0.35
    assert likeness(asked, packed("lunch at noon")) < 0.35


def filled(*texts: tuple[str, str], most: int = 100) -> VectorIndex:
    index = VectorIndex(most)
    for number, (room, text) in enumerate(texts, start=1):
        index.add(number, room, packed(text))
    return index


def test_the_nearest_of_the_readers_rooms() -> None:
    index = filled(("a", "deploying the gateway"), ("b", "deploy the gateways"), ("a", "lunch at noon"), ("a", "rain"))
    asked = packed("deployment of gateways")
    assert set(index.nearest(asked, None, 2)) == {1, 2}
    assert index.nearest(asked, {"a"}, 1) == [1]
    assert index.nearest(asked, set(), 5) == []
    assert len(index.nearest(asked, None, 50)) == 4


def test_of_equal_ones_the_newest_and_the_number_is_bounded() -> None:
    index = filled(*[("a", "the same")] * 250, most=100)
    assert 100 <= len(index) <= 110
    found = index.nearest(packed("the same"), None, 3)
    assert found == [250, 249, 248]


def test_an_empty_index_finds_nothing() -> None:
    assert VectorIndex(10).nearest(packed("x"), None, 5) == []

"""Names that a reader could confuse have one key; and the fast way for ASCII gives the same key as the full one."""

from __future__ import annotations

import random
import string

import pytest

from gateway.rooms.lookalike_names import lookalike_key

ALIKE = [
    ("alice", "A1ice"),
    ("alice", "al-ice"),
    ("alice", "АLIСЕ"),
    ("bob", "6o6"),
    ("b0b", "bob"),
    ("o!", "OI"),
    ("x y", "XY"),
]
COMBINING_ACUTE = "\u0301"  # has no letter of its own, so it changes no key


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_names_that_look_alike_have_one_key(one: str, other: str) -> None:
    assert lookalike_key(one) == lookalike_key(other)
    assert lookalike_key(one) != lookalike_key(f"{one}z")


def test_the_key_of_an_ascii_name_is_that_of_the_full_way() -> None:
    chosen = random.Random(1)
    texts = [*map(chr, range(128)), *("".join(chosen.choices(string.printable, k=12)) for _ in range(500))]
    for text in texts:
        assert lookalike_key(text) == lookalike_key(COMBINING_ACUTE + text), text

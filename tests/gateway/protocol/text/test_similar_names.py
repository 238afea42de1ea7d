"""Which names are suggested for one that does not exist, among few and among very many."""

from __future__ import annotations

import pytest

from gateway.protocol.text.similar_names import MAX_COMPARED, names_to_compare, similar_names

FEW = ["claude", "claudia", "codex", "gemini", "alice"]
MANY = [*FEW, *(f"member-{number}" for number in range(20_000))]

WANTED: list[tuple[str, str | None]] = [
    ("cluade", "claude"),
    ("codec", "codex"),
    ("gemin", "gemini"),
    ("zzzzzz", None),
    ("", None),
]


@pytest.mark.parametrize(("wanted", "found"), WANTED)
@pytest.mark.parametrize("known", [FEW, MANY], ids=["few", "many"])
def test_the_most_similar_name_comes_first(wanted: str, found: str | None, known: list[str]) -> None:
    assert next(iter(similar_names(wanted, known)), None) == found


def test_at_most_three_are_named() -> None:
    assert len(similar_names("member-xyz", MANY)) == 3
    assert similar_names("member-7777", MANY)[0] == "member-7777"


COMPARED = [
    ("all of a few", "member-xyz", FEW, len(FEW)),
    ("as many as that may be", "x", MANY[:MAX_COMPARED], MAX_COMPARED),
    ("of many those that begin alike", "cluade", MANY, 3),
    ("of many that begin alike some", "member-xyz", MANY, MAX_COMPARED),
    ("none where none begins alike", "zoe", MANY, 0),
    ("some for an empty name", "", MANY, MAX_COMPARED),
]


@pytest.mark.parametrize(("wanted", "known", "count"), [row[1:] for row in COMPARED], ids=[row[0] for row in COMPARED])
def test_how_many_names_are_compared(wanted: str, known: list[str], count: int) -> None:
    assert len(names_to_compare(wanted, known)) == count

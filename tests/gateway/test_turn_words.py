"""The words in an answer that a floor understands, and the many that it must not."""

from __future__ import annotations

import pytest

from gateway import turn_words as words


@pytest.mark.parametrize(
    ("text", "agrees"),
    [
        ("[LGTM]", True),
        ("Fine.\n[lgtm] thanks", True),
        ("All good. **[LGTM]**", True),
        ("[CONTINUE]: the tests", False),
        ("[LGTM]\nNo, wait.\n[CONTINUE]", False),
        ("I cannot write [LGTM] here yet", None),
        ("```\n[LGTM]\n```", None),
        ("~~~\n[LGTM]\n~~~\n[CONTINUE]", False),
        ("LGTM", None),
        ("", None),
    ],
)
def test_tags(text: str, agrees: bool | None) -> None:
    assert words.agrees(text) is agrees


@pytest.mark.parametrize(
    ("text", "vote"),
    [
        ("VOTE: B", "B"),
        ("vote: b, because", "B"),
        ("**VOTE: A**", "A"),
        ("> VOTE: [C]", "C"),
        ("VOTE: A\nVOTE: B", "B"),
        ("VOTE: Z", None),
        ("VOTE: B\nVOTE: Z", "B"),
        ("my VOTE: B", None),
        ("```\nVOTE: B\n```", None),
        ("VOTE: Because", None),
    ],
)
def test_votes(text: str, vote: str | None) -> None:
    assert words.vote_in(text, ["A", "B", "C"]) == vote


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("@bob do it", "bob"),
        ("Well.\n  @Bob: do it", "bob"),
        ("NEXT: cy", "cy"),
        ("next: @cy.", "cy"),
        ("**NEXT: bob**", "bob"),
        ("@all go\n@cy now", "cy"),
        ("mail me@bob", None),
        ("ask @bob", None),
        ("```\n@bob\n```", None),
        ("@zed", None),
    ],
)
def test_who_is_next(text: str, name: str | None) -> None:
    assert words.next_in(text, ["bob", "cy"]) == name


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("@working", ""),
        ("@working on it\n", "on it"),
        ("WORKING: tests", "tests"),
        ("working on it", None),
        ("@working on it\nand more", None),
        ("@workings", None),
    ],
)
def test_at_work(text: str, note: str | None) -> None:
    assert words.working_note(text) == note


def test_done_and_status() -> None:
    assert words.is_done("Result.\n[DONE]") and not words.is_done("not [DONE] yet")
    assert words.asks_for_status(" @mode.status ") and not words.asks_for_status("@mode.status please")

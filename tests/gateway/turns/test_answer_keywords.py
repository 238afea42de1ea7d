"""The words in an answer that a floor understands, and the many that it must not."""

from __future__ import annotations

import pytest

from gateway.turns import answer_keywords as words


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
    assert words.next_speaker_in(text, ["bob", "cy"]) == name


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
    assert words.parse_working_note(text) == note


def test_done_and_status() -> None:
    assert words.says_done("Result.\n[DONE]") and words.says_done("That is all. **[done]**")
    assert not words.says_done("not [DONE] yet") and not words.says_done("```\n[DONE]\n```")
    assert words.asks_for_status(" @mode.status ") and not words.asks_for_status("@mode.status please")

"""What stands in a code block: one scanner for votes, turn words, addressed lines and the chat's Markdown."""

from __future__ import annotations

import pytest

from gateway.protocol.text.code_fences import outside_code, with_fences

TEXTS: list[tuple[str, str, list[str]]] = [
    ("no block", "a\nb", ["a", "b"]),
    ("a block", "a\n```\nb\n```\nc", ["a", "c"]),
    ("with a language", "```python title\nb\n```\nc", ["c"]),
    ("tildes", "~~~\nb\n~~~\nc", ["c"]),
    ("longer fences", "`````\nb\n`````\nc", ["c"]),
    ("indented, as in a list", "1. a\n     ```\n     b\n     ```\nc", ["1. a", "c"]),
    ("two blocks", "```\na\n```\nb\n~~~\nc\n~~~\nd", ["b", "d"]),
    ("a block without an end", "a\n```\nb", ["a"]),
    ("an empty block", "```\n```\na", ["a"]),
    ("marks within a line", "a ```b``` c", ["a ```b``` c"]),
    ("two marks are no fence", "``\na\n``", ["``", "a", "``"]),
    ("empty lines stay", "a\n\n```\n\n```\n", ["a", "", ""]),
    ("nothing", "", [""]),
]


@pytest.mark.parametrize(("text", "outside"), [row[1:] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_what_is_outside_code(text: str, outside: list[str]) -> None:
    assert list(outside_code(text.split("\n"))) == outside


def test_the_fences_belong_to_the_block() -> None:
    lines = ["a", "```", "b", "~~~", "c"]
    assert list(with_fences(lines)) == list(zip(lines, (False, True, True, True, False), strict=True))


@pytest.mark.parametrize("text", [row[1] for row in TEXTS], ids=[row[0] for row in TEXTS])
def test_no_line_is_lost(text: str) -> None:
    assert [line for line, _ in with_fences(text.split("\n"))] == text.split("\n")

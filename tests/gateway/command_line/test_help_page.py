"""The layout of a help page: what stands where, in lines that fit."""

from __future__ import annotations

import pytest

from gateway.command_line.help_page import (
    ASCII,
    ROUND,
    Look,
    Page,
    Panel,
    Row,
    drawn,
    first_sentence,
    split_examples,
)

TEXT = """Send a message. It is on disk
before it is acknowledged.

A second paragraph.

Examples:
  groupchat send hello
  groupchat send @claude hello
"""


def test_a_page() -> None:
    page = Page("Usage: groupchat send WORDS...", TEXT, (Panel("Options", (Row("--room ROOM", "The room."),)),))
    assert drawn(page, Look(40, ROUND)).splitlines() == [
        "Usage: groupchat send WORDS...",
        "",
        "Send a message. It is on disk before it",
        "is acknowledged.",
        "",
        "A second paragraph.",
        "",
        "Examples:",
        "  groupchat send hello",
        "  groupchat send @claude hello",
        "",
        "╭─ Options ────────────────────────────╮",
        "│ --room ROOM  The room.               │",
        "╰──────────────────────────────────────╯",
    ]


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize(
    "row",
    [
        Row("--short", "word " * 40),
        Row("--a-name-that-is-longer-than-the-column VALUE", "A text."),
        Row("--x", "a-word-without-any-blank-" * 10),
        Row("--nothing", ""),
    ],
)
def test_every_line_of_a_panel_fills_its_box(width: int, row: Row) -> None:
    lines = drawn(
        Page("Usage: x", "", (Panel("Options", (row, Row("--y", "More."))),)), Look(width, ASCII)
    ).splitlines()
    box = lines[lines.index("") + 1 :]
    assert {len(line) for line in box} == {width}
    assert all(line[0] in "|+" and line[-1] in "|+" for line in box)
    assert "".join(row.text.split()) in "".join("".join(line.strip("|+-") for line in box).split())


def test_an_empty_panel_is_left_out() -> None:
    assert "Options" not in drawn(Page("Usage: x", "", (Panel("Options", ()),)), Look(80, ROUND))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Send it.", "Send it."),
        ("Send it. It is kept.", "Send it."),
        ("Send it\nto all. More.", "Send it to all."),
        ("One.\n\nTwo.", "One."),
        ("", ""),
    ],
)
def test_the_summary_is_the_first_sentence(text: str, wanted: str) -> None:
    assert first_sentence(text) == wanted


def test_a_text_without_examples() -> None:
    assert split_examples("Send it.\n") == ("Send it.", [])

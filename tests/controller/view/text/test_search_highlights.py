"""The words of a search are marked where they stand."""

from __future__ import annotations

import pytest

from controller.view.state.chat_state import ChatState
from controller.view.stream.chat_rows import StreamRows
from controller.view.stream.list_overlay import overlay_of_messages
from controller.view.styles.name_styles import NameStyles
from controller.view.text.row_types import Row
from controller.view.text.search_highlights import SearchHighlights
from controller.view.text.text_rows import width_of
from tests.controller.streams import said


def marked(words: str, text: str) -> list[str]:
    return [part for style, part in SearchHighlights(words).mark((("", text),)) if style == "class:hit"]


@pytest.mark.parametrize(
    ("words", "text", "hits"),
    [
        ("disk full", "The DISK is full, fully", ["DISK", "full"]),
        ('"disk is full"', "the disk  is full; a full disk", ["disk  is full"]),
        ("full*", "full, fully, doubtful", ["full", "full"]),
        ("a.b", "a.b, a-b, ab", ["a.b", "a-b"]),
        ("(", "(nothing)", []),
        ("naïve", "Naïve", ["Naïve"]),
        ("ill", "will", []),
    ],
)
def test_which_words_are_marked(words: str, text: str, hits: list[str]) -> None:
    assert marked(words, text) == hits


def text_of(row: Row) -> str:
    return "".join(part for _, part in row)


def test_the_list_marks_its_hits_and_the_choice_fills_its_row() -> None:
    found = [said(1, "the disk is full"), said(2, "disk?", "ada")]
    overlay = overlay_of_messages("2 in #general", found, NameStyles(), SearchHighlights("disk"))
    rows = overlay.rows(60, 10)
    assert len(rows) == 10
    assert [width_of(text_of(row)) for row in rows[:3]] == [60, 60, width_of(text_of(rows[2]))]
    assert all("reverse" in style for style, _ in rows[1])
    assert ("class:hit reverse", "disk") in rows[1]
    assert ("class:hit", "disk") in rows[2]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_list_keeps_its_width_and_height(width: int) -> None:
    overlay = overlay_of_messages("t", [said(1, "日本語 disk " * 9)], NameStyles(), SearchHighlights("disk"))
    rows = overlay.rows(width, 12)
    assert len(rows) == 12
    assert all(width_of(text_of(row)) <= width for row in rows)


def test_the_message_that_was_gone_to_stands_out_and_shows_its_words() -> None:
    state = ChatState("alice")
    for event in (said(1, "the disk is full"), said(2, "which disk?")):
        state.take(event, 0)
    stream = StreamRows(state)
    before = stream(1)
    stream.marks = SearchHighlights("disk", target=2)
    assert ("class:hit", "disk") in stream(0)[-1]
    assert not any("found" in style for style, _ in stream(0)[-1])
    assert any("found" in style for style, _ in stream(1)[-1])
    stream.marks = None
    assert stream(1) == before

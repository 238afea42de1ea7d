"""What is written for characters that a terminal cannot show, or that terminals disagree about."""

from __future__ import annotations

import pytest

from controller.chat.full_screen.layout import place_cells
from controller.view.panels.roster_rows import roster_rows
from controller.view.state.chat_state import ChatState
from controller.view.text.character_support import encodable_text, has_disputed_width, output_encoding
from controller.view.text.text_rows import width_of
from gateway.protocol.types.core_types import Activity, Presence
from tests.controller.streams import agent, welcome


@pytest.mark.parametrize(
    ("text", "encoding", "written"),
    [
        ("✓ 11 answered · gus held", "ascii", "+ 11 answered . gus held"),
        ("● ◆ ? ! ✗ ○ …", "ascii", "o * ? ! x - ~"),
        ("│─┃┌↳→‖", "ascii", "|-|,>>="),
        ("🔒 alice → claude", "ascii", "DM alice > claude"),
        ("2 design•3", "ascii", "2 design*3"),
        ("é 日本 🎉", "ascii", "? ???? ??"),
        ("é ✓ 日", "latin-1", "é + ??"),
        ("日 ✓", "euc-jp", "日 +"),
        ("é ✓ 日", "utf-8", "é ✓ 日"),
    ],
)
def test_what_an_encoding_can_write(text: str, encoding: str, written: str) -> None:
    assert encodable_text(text, encoding) == written
    assert width_of(written) == width_of(text)


@pytest.mark.parametrize(
    ("encoding", "signs", "limit"),
    [
        ("utf-8", "auto", ""),
        ("UTF8", "auto", ""),
        ("iso8859-1", "auto", "iso8859-1"),
        ("ANSI_X3.4-1968", "auto", "ansi-x3.4-1968"),
        (None, "auto", "ascii"),
        ("utf-8", "ascii", "ascii"),
        ("iso8859-1", "unicode", ""),
    ],
)
def test_when_the_screen_is_limited(encoding: str | None, signs: str, limit: str) -> None:
    assert output_encoding(encoding, signs) == limit
    assert encodable_text("a", limit or "ascii") == "a"


def test_states_stay_different_in_ascii() -> None:
    state = ChatState("alice")
    agents = [agent(str(one), one) for one in Activity if one is not Activity.UNKNOWN]
    state.take(welcome(*agents, agent("absent", presence=Presence.AWAY)), 0)
    rows = [row for row in roster_rows(state, 27, 9) if len(row) > 2]
    signs = [place_cells(row, 0, 27, "ascii")[0].char for row in rows]
    assert len(signs) == 7
    assert len(set(signs)) == 7
    assert all(one.isascii() for one in signs)


@pytest.mark.parametrize("disputed", ["👍", "🎉", "ि", "\u0301", "\U0001fae8", "☰", "\ue0b0", "ᄒ", "е́"])
def test_what_terminals_disagree_about(disputed: str) -> None:
    assert has_disputed_width(disputed)


@pytest.mark.parametrize("agreed", ["a", "é", "日", "한", "✓", "│", "●", "…", "ä", "Ж"])
def test_what_they_agree_about(agreed: str) -> None:
    assert not has_disputed_width(agreed)

"""What a click is on, and that one click alone answers nothing."""

from __future__ import annotations

import pytest

from controller.view.approvals.approval_rows import CardView, card_rows
from controller.view.approvals.question_view import QuestionView
from controller.view.panels.room_bar import room_bar, room_tabs, tab_at
from controller.view.panels.roster_rows import member_at, member_in_line_at, roster_line, roster_rows
from controller.view.state.chat_state import ChatState
from controller.view.stream.click_targets import (
    DOUBLE_CLICK_S,
    SECOND_CLICK_WITHIN_S,
    OptionClicks,
    entry_target,
    option_at,
)
from controller.view.text.row_types import Row
from controller.view.text.text_rows import width_of
from gateway.protocol.types.core_types import Activity, Ask, Option
from tests.controller.streams import STAMP, agent, welcome

ROW_OF_A_MEMBER: Row = (("class:dim", "12:03 "), ("class:ask", ""), ("", " 1  Yes"))
QUESTION = Ask(
    "claude",
    4,
    "d" * 16,
    "Do you want to proceed?",
    STAMP,
    options=(Option("1", "Yes"), Option("2", "Yes, and never ask again for this very long command"), Option("3", "No")),
    detail=" 1  Yes\nrm -rf ./build",
    approvers=("alice",),
    allow="1",
    deny="3",
)


def text(row: Row) -> str:
    return "".join(part for _, part in row)


@pytest.mark.parametrize("height", [30, 8, 4, 2])
def test_each_option_of_a_card_is_under_its_own_words(height: int) -> None:
    rows = card_rows(QuestionView.of(QUESTION), CardView("alice", 60, height, chosen=True))
    found = {(option_at(row, column), text(row)) for row in rows for column in range(60)}
    shown = {option for option, _ in found if option}
    assert shown <= {"1", "2", "3"}
    assert height < 8 or shown == {"1", "2", "3"}
    for option, row in found:
        assert not option or f" {option} " in row
        assert "rm -rf" not in row or not option, "the words of an agent are no option, whatever they look like"


def test_what_a_member_wrote_is_no_option() -> None:
    assert option_at(ROW_OF_A_MEMBER, 12) == ""
    assert entry_target((3, 0), ROW_OF_A_MEMBER, 12).option == ""
    assert entry_target((3, 0), (("class:fold", "… 3 more rows"),), 2).folded


WAITS = [
    ([0.0], [False]),
    ([0.0, DOUBLE_CLICK_S], [False, True]),
    ([0.0, 0.1], [False, False]),
    ([0.0, 0.1, 0.2], [False, False, False]),
    ([0.0, 0.1, 2.0], [False, False, True]),
    ([number / 10 for number in range(200)], [False] * 200),  # however often and however long
    ([0.0, 0.3, 0.6, 0.9, 1.2], [False] * 5),
    ([0.0, 0.3, 0.6, 0.6 + DOUBLE_CLICK_S], [False, False, False, True]),
    ([0.0, SECOND_CLICK_WITHIN_S + 1], [False, False]),
    ([0.0, 1.0, 2.0], [False, True, False]),
]


@pytest.mark.parametrize(("times", "answers"), WAITS)
def test_only_a_second_deliberate_click_answers(times: list[float], answers: list[bool]) -> None:
    clicks = OptionClicks()
    assert [clicks.is_confirmed(4, "1", now) for now in times] == answers


def test_a_click_on_something_else_begins_anew() -> None:
    clicks = OptionClicks()
    assert not clicks.is_confirmed(4, "1", 0)
    assert not clicks.is_confirmed(4, "2", 1)
    assert not clicks.is_confirmed(5, "2", 2), "another card has taken its place"
    assert not clicks.is_confirmed(4, "1", 3)
    clicks.forget()
    assert not clicks.is_confirmed(4, "1", 4)


@pytest.mark.parametrize("width", [80, 30, 18, 8])
def test_each_room_of_the_header_is_under_its_own_name(width: int) -> None:
    tabs = room_tabs(["general", "design", "ops"], "design", {"ops": 12, "elsewhere": 3})
    bar = text(tuple(room_bar(tabs, width)))
    for column in range(width + 5):
        tab = tab_at(tabs, width, column)
        if tab is not None:
            assert column < width_of(bar) and bar[column] in tab.text
    found = [tab for tab in tabs if any(tab_at(tabs, width, column) == tab for column in range(width))]
    assert [one for one in tabs if one.text in bar.split("  ") or f" {one.text} " in bar] == found


@pytest.mark.parametrize("height", [12, 6, 3, 1, 0])
def test_each_row_of_the_roster_is_its_members(height: int) -> None:
    state = team("ada", "ben", "cleo", "dan")
    rows = roster_rows(state, 26, height)
    names = [member_at(state, 26, height, number) for number in range(len(rows) + 2)]
    for name, row in zip(names, map(text, rows), strict=False):
        assert name in row or row.startswith("  ")
        assert bool(name) == (bool(row) and not row.startswith("+"))
    assert names[len(rows) :] == ["", ""]


@pytest.mark.parametrize("width", [60, 14, 3, 0])
def test_each_name_of_the_line_is_under_itself(width: int) -> None:
    state = team("ada", "ben", "cleo")
    line = text(roster_line(state, width))
    for column in range(len(line)):
        name = member_in_line_at(state, width, column)
        assert name in line and (name or "+" in line)
    assert member_in_line_at(state, width, len(line)) == ""


def team(*names: str) -> ChatState:
    state = ChatState("alice")
    state.take(welcome(*(agent(name, Activity.IDLE) for name in names)), 0)
    return state

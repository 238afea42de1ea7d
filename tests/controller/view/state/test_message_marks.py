"""Reactions, pins and replaced messages: events and answers in, what stands below a message out."""

from __future__ import annotations

import pytest

from controller.view.state.chat_state import ChatState
from controller.view.state.message_marks import MAX_MARKED_MESSAGES, MessageMarks
from controller.view.stream.chat_rows import StreamRows
from controller.view.stream.mark_rows import mark_rows
from gateway.protocol.events import PinEvent, ReactionEvent
from gateway.protocol.results import MessageReactions, PinView, Reaction
from tests.controller.streams import STAMP, said


def reacted(by: str, sign: str = "ok", message: int = 1, *, removed: bool = False) -> ReactionEvent:
    return ReactionEvent(9, "general", message, by, sign, STAMP, removed=removed)


def pinned(by: str = "bob", *, removed: bool = False) -> PinEvent:
    return PinEvent(9, "general", 1, by, STAMP, removed=removed)


def below(marks: MessageMarks, width: int = 60, number: int = 1) -> list[str]:
    return ["".join(text for _, text in row) for row in mark_rows(number, marks, 2, width)]


@pytest.mark.parametrize(
    ("events", "rows"),
    [
        ((), []),
        ((reacted("bob", "👍"), reacted("ada", "👍"), reacted("cleo", "done")), ["  👍 bob, ada · done cleo"]),
        ((reacted("bob"), reacted("bob")), ["  ok bob"]),
        ((reacted("bob"), reacted("ada"), reacted("bob", removed=True)), ["  ok ada"]),
        ((reacted("bob"), reacted("bob", removed=True)), []),
        ((pinned(),), ["  pinned"]),
        ((pinned(), reacted("bob")), ["  pinned · ok bob"]),
        ((pinned(), pinned(removed=True)), []),
        ((said(8, "new", replaces=1),), ["  replaced by #8"]),
        ((reacted("bob", message=2),), []),
        (tuple(reacted(f"m{one}") for one in range(8)), ["  ok m0, m1, m2, m3, m4, m5, 2 more"]),
    ],
)
def test_what_stands_below_a_message(events: tuple[object, ...], rows: list[str]) -> None:
    marks = MessageMarks()
    for event in events:
        marks.take(event)
    assert below(marks) == rows


@pytest.mark.parametrize("width", [24, 40, 200])
def test_marks_never_leave_their_width(width: int) -> None:
    marks = MessageMarks()
    for sign in ("👍", "done", "👩🏽\N{ZERO WIDTH JOINER}🚒", "x" * 16):
        for by in ("bob", "a-very-long-name-of-a-member"):
            marks.take(reacted(by, sign))
    assert all(len(row) <= width for row in below(marks, width))


@pytest.mark.parametrize(
    ("late", "then"),
    [
        ((), {"ok": ("ada",)}),
        ((reacted("bob"),), {"ok": ("ada", "bob")}),
        ((reacted("ada", removed=True),), {}),
        ((reacted("ada"),), {"ok": ("ada",)}),
    ],
)
def test_an_event_that_comes_before_the_answer_is_not_lost(late: tuple[ReactionEvent, ...], then: object) -> None:
    state = ChatState("alice")
    with state.noting_events() as for_one, state.noting_events() as for_another:
        for event in late:
            state.take(event, 0)
    for meanwhile in (for_one, for_another):  # a page that is loaded twice at the same time
        state.marks.restore((1,), (MessageReactions(1, (Reaction("ok", ("ada",)),)),), meanwhile)
        assert state.marks.reactions.get(1, {}) == then


def test_what_was_taken_off_while_the_chat_was_away_is_gone() -> None:
    marks = MessageMarks()
    marks.take(reacted("bob"))
    assert marks.restore((1, 2), ()) == [1]
    assert below(marks) == []


def test_only_so_many_messages_keep_their_marks() -> None:
    marks = MessageMarks()
    for number in range(MAX_MARKED_MESSAGES + 5):
        marks.take(reacted("bob", message=number))
    marks.restore((), ())
    assert len(marks.reactions) == MAX_MARKED_MESSAGES and 0 not in marks.reactions


def test_the_pins_of_a_room() -> None:
    marks = MessageMarks()
    assert marks.restore_pins((PinView(said(1), "bob", STAMP),)) == [1]
    assert below(marks) == ["  pinned"]


@pytest.mark.parametrize(("late", "rows"), [(pinned(removed=True), []), (pinned("ada"), ["  pinned"])])
def test_a_pin_that_changes_before_the_answer_is_as_it_was_changed(late: PinEvent, rows: list[str]) -> None:
    state = ChatState("alice")
    with state.noting_events() as meanwhile:
        state.take(late, 0)
    state.marks.restore_pins((PinView(said(1), "bob", STAMP),), meanwhile)
    assert below(state.marks) == rows


def test_the_rows_of_the_stream_follow() -> None:
    state = ChatState("alice")
    rows = StreamRows(state)
    state.take(said(1, "look at a.py", "alice", deliveries=("ada",)), 0)

    def shown() -> str:
        return "\n".join("".join(text for _, text in row) for row in rows(0))

    assert "· ada queued" in shown()
    state.take(reacted("bob", "👍"), 0)
    assert "👍 bob" in shown()
    state.take(said(8, "look at b.py", "alice", replaces=1), 0)
    assert "replaced by #8" in shown() and "ada queued" not in shown()
    assert "#8" in "".join(text for _, text in rows(1)[0]) and "(instead of #1)" in str(rows(1))

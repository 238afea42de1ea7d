"""The painted cells of the chat's rows when all text of members is hostile."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest

from controller.chat.full_screen.layout import place_cells
from controller.view.approvals.question_view import QuestionView
from controller.view.panels.roster_rows import roster_line, roster_rows
from controller.view.state.chat_state import ChatState
from controller.view.state.draft_target import DraftTarget, TargetKind
from controller.view.stream import list_overlay
from controller.view.stream.chat_rows import StreamRows
from controller.view.stream.message_selection import MessageFacts, action_of
from controller.view.text.row_types import Row
from controller.view.text.search_highlights import SearchHighlights
from controller.wording.decision_text import DecisionCard, decision_lines
from gateway.protocol.events import (
    ContextEvent,
    DecisionEvent,
    PartialText,
    PinEvent,
    ReactionEvent,
    RoomAction,
    RoomEvent,
    SessionEvent,
)
from gateway.protocol.types.core_types import Ask, ContextAction, FloorView, MessageKind, Option, Part, Rung
from gateway.protocol.types.decision_types import AnswerKind, Decision, DecisionAction, DecisionState, Given
from gateway.protocol.types.session_types import Session, SessionAction
from tests.controller.streams import STAMP, agent, receipt, said, seen, welcome
from tests.hostile.strings import LINE_ENDS, STRINGS, WORST, problems

ALL = {**STRINGS, "worst": WORST}
WIDTHS = (24, 60, 120)


def everything(text: str) -> ChatState:
    """A room with this text of mallory in every place that can hold a text, also in an older store."""
    state = ChatState("alice")
    options = (Option(text[:16] or "x", text), Option("2", text))
    ask = Ask("mallory", 20, "d" * 16, text, text, options=options, tool=text, detail=text, reason=text)
    given = Given("mallory", AnswerKind.VOTE, text, text, text)
    decision = Decision(
        *("d-30", 30, 30, "general", "mallory", text, text, "majority"),
        voters=("alice",),
        options=options,
        answers=(given,),
        result=text,
    )
    over = Decision(
        *("d-31", 31, 31, "general", "mallory", text, STAMP, "first"), state=DecisionState.EXPIRED, result=text
    )
    fields = {one.name: text for one in msgspec.structs.fields(Part)}
    session = Session("s", 40, 40, "general", "mallory", text, goal=text, closing=text)
    events = (
        welcome(agent("mallory", role=text, note=text, display=text, project=text)),
        seen(agent("mallory", role=text, note=text, vendor=text)),
        said(1, text, "mallory"),
        said(2, f"> {text}\n```\n{text}\n```\n**{text}** [x]({text})", "mallory"),
        said(3, "boss has approved it", "mallory", kind=MessageKind.SYSTEM),
        said(60, "see", "mallory", parts=(Part(**fields), Part("file", text), Part(text)), context={text: [text]}),
        said(61, text, "mallory", context=dict.fromkeys(("file", "lines", "revision", "text"), text)),
        said(4, text, "mallory", timestamp=text, reply_to=1),
        ReactionEvent(70, "general", 1, "mallory", text, text),
        ReactionEvent(71, "general", 1, text, "ok", STAMP),
        PinEvent(72, "general", 1, text, STAMP),
        said(5, "mine", "alice", deliveries=("mallory",)),
        receipt(6, 5, Rung.HELD, "mallory", text),
        receipt(7, 5, Rung.FAILED, "mallory", text),
        RoomEvent(8, "general", RoomAction.TOPIC, "mallory", text, text=text),
        RoomEvent(9, "general", RoomAction.TURN, "mallory", STAMP, text=text, floor=FloorView("debate", text, text)),
        ContextEvent(10, "#general", "main", 1, ContextAction.PUT, "mallory", text, document={text: text}),
        DecisionEvent(30, DecisionAction.ANSWERED, "mallory", decision, text, given),
        DecisionEvent(31, DecisionAction.CLOSED, "mallory", over, STAMP),
        SessionEvent(40, SessionAction.OPENED, "mallory", session, text),
        PartialText("mallory", "general", text, to=(text,)),
    )
    for event in events:
        state.take(event, 0.0)
    state.ask(QuestionView.of(ask))
    state.decisions[50] = DecisionCard(decision)
    return state


def painted(row: Row, width: int) -> str:
    return "".join(one.char for _, one in sorted(place_cells(row, 0, width).items()))


def rows_of(text: str, width: int) -> Iterator[Row]:
    state = everything(text)
    stream = StreamRows(state)
    stream.width = width
    stream.unfolded = set(state.stream.keys)
    for place in range(len(state.stream.keys)):
        yield from stream(place)
    yield from roster_rows(state, min(width, 28), 40)
    yield from roster_rows(state, min(width, 28), 2)
    yield roster_line(state, width)
    pairs = [(text[:40], text), ("x", text)]
    yield from list_overlay.overlay_of_pairs(text, pairs).rows(width, 200)
    yield from list_overlay.overlay_of_text(
        "t", "\n".join(f"  {one}" for one in decision_lines(next(iter(state.decisions.values())).decision))
    ).rows(width, 200)
    found = [said(1, text, "mallory", timestamp=text, context={"file": text, "text": text})]
    for kind in TargetKind:
        yield (("", DraftTarget(kind, said(1, text, "mallory", recipients=("alice",))).words("alice")),)
    yield (("", str(action_of(text, MessageFacts(1, "mallory")))),)
    yield from list_overlay.overlay_of_messages("t", found, state.names, SearchHighlights(text)).rows(width, 200)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.slow
def test_nothing_but_letters_stands_in_a_cell_and_no_row_is_forged(name: str) -> None:
    for width in WIDTHS:
        for row in set(rows_of(ALL[name], width)):
            assert problems(painted(row, width)) == []


@pytest.mark.parametrize("text", ["\U0001fa77", "\U00031350", "\ue0b0", "\u0378"])
def test_a_character_that_python_does_not_know_stands_in_a_cell(text: str) -> None:
    assert painted((("", f"a{text}b"),), 20) == f"a{text}b"
    assert any(text in painted(row, 60) for row in rows_of(text, 60))


def test_only_the_gateway_is_shown_without_its_name() -> None:
    state = ChatState("alice")
    state.take(welcome(agent("mallory")), 0.0)
    state.take(said(3, "boss has approved it", "mallory", kind=MessageKind.SYSTEM), 0.0)
    state.take(said(4, "mallory joined", "system", kind=MessageKind.SYSTEM), 0.0)
    stream = StreamRows(state)
    shown = ["".join(text for _, text in row) for place in range(len(state.stream.keys)) for row in stream(place)]
    assert any("mallory" in row and "boss has approved it" in row for row in shown)
    assert any(row.endswith(" mallory joined") and "system" not in row for row in shown)


@pytest.mark.parametrize("name", LINE_ENDS)
def test_no_line_end_hides_what_follows(name: str) -> None:
    state = ChatState("alice")
    state.take(said(1, f"one{LINE_ENDS[name]}two", "mallory"), 0.0)
    rows = ["".join(text for _, text in row) for row in StreamRows(state)(0)]
    assert any("one" in row for row in rows) and any(row.strip() == "two" for row in rows)

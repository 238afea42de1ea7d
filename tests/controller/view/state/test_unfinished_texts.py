"""What is shown of messages that are not finished: it grows, it may lack a part, and it makes room for the message."""

from __future__ import annotations

import pytest

from controller.view.state.chat_state import ChatState
from controller.view.state.unfinished_texts import MAX_KEPT_CHARS, UnfinishedText, UnfinishedTexts
from controller.view.stream.chat_rows import StreamRows
from controller.view.styles.symbols import LOCK
from gateway.client import ConnectionLost
from gateway.protocol.events import MemberView, Message, PartialText, PresenceChanged
from gateway.protocol.types.core_types import MemberKind, MessageKind, Presence


def said(text: str, at: int = 0, **fields: object) -> PartialText:
    return PartialText("ada", "general", text, at, **fields)  # type: ignore[arg-type]


def message(name: str, seq: int = 9) -> Message:
    return Message(seq, "m", "general", name, ("*",), MessageKind.CHAT, "hello", "2026-12-01T10:00:00Z")


def presence(name: str, now: Presence) -> PresenceChanged:
    return PresenceChanged(MemberView(name, MemberKind.AGENT, presence=now))


@pytest.mark.parametrize(
    ("events", "text"),
    [
        ([said("one")], "one"),
        ([said("one"), said(" two", 3)], "one two"),
        ([said("one"), said("new")], "new"),
        ([said(" two", 3)], "… two"),
        ([said("one"), said("four", 8)], "one…four"),
        ([said("one"), said(" two", 3, ended=True)], None),
        ([said("one"), message("ada")], None),
        ([said("one"), message("bob")], "one"),
        ([said("one"), presence("ada", Presence.AWAY)], None),
        ([said("one"), presence("ada", Presence.ONLINE)], "one"),
        ([said("one"), ConnectionLost("x", 1.0)], None),
        ([said("x" * 5000)], "x" * MAX_KEPT_CHARS),
    ],
)
def test_what_is_known_of_it(events: list[object], text: str | None) -> None:
    texts = UnfinishedTexts()
    for event in events:
        texts.take(event)
    assert [one.text for one in texts.of_room("general")] == ([] if text is None else [text])
    assert texts.of_room("lab") == []


def rows(state: ChatState, width: int = 60) -> list[str]:
    made = StreamRows(state)
    made.width = width
    return ["".join(text for _, text in row) for place in range(len(state.stream.keys)) for row in made(place)]


def test_it_stands_below_the_newest_message_until_the_message_is_there() -> None:
    state = ChatState("alice")
    state.take(message("bob", 7), 0.0)
    state.take(said("one two three four five six seven", to=("alice",)), 0.0)
    shown = rows(state, 30)
    assert shown[-3].strip().endswith("ada writes:") and LOCK in shown[-3]
    assert [row.strip() for row in shown[-2:]] == ["one two three four five six", "seven"]
    state.take(said("\x1b[31mred", 33), 0.0)
    assert "\x1b" not in "".join(rows(state))
    state.take(message("ada", 8), 0.0)
    assert not any(isinstance(one, UnfinishedText) for one in state.stream.entries.values())
    assert rows(state)[-1].endswith("hello")


def test_of_a_long_one_the_last_rows_are_shown() -> None:
    state = ChatState("alice")
    state.take(said("\n".join(f"row {number}" for number in range(40))), 0.0)
    shown = rows(state)
    assert "the last rows:" in shown[0]
    assert [row.strip() for row in shown[1:]] == [f"row {number}" for number in range(32, 40)]


def test_it_is_there_when_the_person_has_read_on_to_the_newest_message() -> None:
    state = ChatState("alice")
    state.show([message("bob", 7)], more_before=False, at_tail=False)
    state.take(said("one"), 0.0)
    assert not any("one" in row for row in rows(state))
    state.newer([message("bob", 8)], more=False)
    assert rows(state)[-1].strip() == "one"


def test_one_in_another_room_is_not_shown_here() -> None:
    state = ChatState("alice")
    state.take(PartialText("ada", "lab", "one"), 0.0)
    assert rows(state) == []

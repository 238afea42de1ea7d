"""What is on its way: orders of events in, the messages of the chat out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from controller.view.state.chat_state import ChatState
from controller.view.state.stream_entries import Notice
from controller.view.state.unsent_messages import OutgoingMessage
from controller.view.stream.chat_rows import StreamRows
from gateway.client import ConnectionLost
from gateway.protocol.events import Message
from gateway.protocol.text.addressing import AddressedText, parse_line
from tests.controller.streams import STAMP, agent, said, welcome

Do = Callable[[ChatState], object]


def post(text: str, message_id: str) -> Do:
    line = parse_line(text)
    assert isinstance(line, AddressedText)
    return lambda chat: chat.post(message_id, line, text, STAMP)


def event(seq: int, text: str, message_id: str = "", sender: str = "alice") -> Do:
    return lambda chat: chat.take(said(seq, text, sender, id=message_id or f"m{seq}"), 0)


def page(*messages: Message) -> Do:
    return lambda chat: chat.show(messages, more_before=False, at_tail=True)


def accepted(message_id: str, seq: int) -> Do:
    return lambda chat: chat.mark_accepted(message_id, seq)


def refused(message_id: str) -> Do:
    return lambda chat: chat.mark_refused(message_id, "no")


def lost(chat: ChatState) -> None:
    chat.take(ConnectionLost("refused", 0.2), 0)


def back(last_seq: int) -> Do:
    return lambda chat: chat.take(welcome(agent("claude"), last_seq=last_seq), 0)


def enter(room: str) -> Do:
    def entered(chat: ChatState) -> None:
        chat.room = room
        chat.show((), more_before=False, at_tail=True)

    return entered


def stream(chat: ChatState) -> list[str]:
    found = []
    for key in chat.stream.keys:
        match chat.stream.entries[key]:
            case Message(content=text, seq=seq):
                found.append(f"#{seq} {text}")
            case OutgoingMessage(said=words, stage=stage):
                found.append(f"{stage.value}: {words.text}")
    return found


ONE, TWO = post("one", "a"), post("two", "b")
CASES: dict[str, tuple[list[Do], list[str]]] = {
    "at once": ([ONE], ["sending: one"]),
    "answer, then event": ([ONE, accepted("a", 5), event(5, "one", "a")], ["#5 one"]),
    "answer alone": ([ONE, accepted("a", 5)], ["accepted: one"]),
    "event, then answer": ([ONE, event(5, "one", "a"), accepted("a", 5)], ["#5 one"]),
    "both twice": ([ONE, *[event(5, "one", "a"), accepted("a", 5)] * 2], ["#5 one"]),
    "answer, and it is not shown here": ([ONE, accepted("a", 5), event(6, "hi", sender="claude")], ["#6 hi"]),
    "answer before the replay that holds it": ([ONE, lost, back(5), accepted("a", 5)], ["accepted: one"]),
    "answer, then the replay": ([ONE, lost, back(5), accepted("a", 5), event(5, "one", "a")], ["#5 one"]),
    "answer to a repeat, the event was before it": ([event(5, "x"), ONE, accepted("a", 5)], ["#5 x"]),
    "refused": ([ONE, refused("a")], ["refused: one"]),
    "refused, another sent": (
        [ONE, refused("a"), TWO, accepted("b", 5), event(5, "two", "b")],
        ["#5 two", "refused: one"],
    ),
    "refused, and sent again": ([ONE, refused("a"), post("one", "c")], ["sending: one"]),
    "refused, and taken back": ([ONE, TWO, refused("a"), lambda chat: chat.take_back("one")], ["sending: two"]),
    "a refusal that is late": ([ONE, accepted("a", 5), refused("a"), event(5, "one", "a")], ["#5 one"]),
    "lost in between": ([ONE, lost, back(0)], ["sending: one"]),
    "lost after the commit": ([ONE, lost, back(5), event(5, "one", "a"), accepted("a", 5)], ["#5 one"]),
    "in a row": ([ONE, TWO, post("three", "c")], ["sending: one", "sending: two", "sending: three"]),
    "the first of a row": ([ONE, TWO, event(5, "one", "a")], ["#5 one", "sending: two"]),
    "others say something": ([ONE, event(5, "hi", sender="claude")], ["#5 hi", "sending: one"]),
    "the same words of another": ([ONE, event(5, "one", sender="claude")], ["#5 one", "sending: one"]),
    "a page that holds it": ([ONE, page(said(5, "one", "alice", id="a"))], ["#5 one"]),
    "a page that does not": ([ONE, page(said(4, "before"))], ["#4 before", "sending: one"]),
    "another room": ([ONE, enter("design")], []),
    "back in the room": ([ONE, enter("design"), enter("general")], ["sending: one"]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_on_its_way(name: str) -> None:
    chat = ChatState("alice")
    chat.take(welcome(agent("claude")), 0)
    steps, wanted = CASES[name]
    for step in steps:
        step(chat)
    assert stream(chat) == wanted
    assert chat.stream.keys == sorted(set(chat.stream.keys))
    assert not any(isinstance(one, Notice) and "missed" not in one.text for one in chat.stream.entries.values())


def rows(chat: ChatState, width: int) -> list[str]:
    made = StreamRows(chat)
    made.width = width
    return ["".join(text for _, text in row) for place in range(len(chat.stream.keys)) for row in made(place)]


@pytest.mark.parametrize("width", [40, 60, 100])
@pytest.mark.parametrize(
    "text", ["@claude hello", "hello", "@claude " + "many words " * 30, "@all !look", "!!stop it", "a\nb"]
)
def test_nothing_moves_when_it_becomes_a_message(text: str, width: int) -> None:
    chat = ChatState("alice")
    chat.take(welcome(agent("claude")), 0)
    post(text, "a")(chat)
    before = rows(chat, width)
    line = parse_line(text)
    assert isinstance(line, AddressedText)
    names = ("claude",) if "@claude" in text else ()
    real = said(
        7,
        line.text,
        "alice",
        id="a",
        recipients=names,
        deliveries=("claude",),
        urgent=line.urgent,
        interrupt=line.interrupt,
        timestamp=STAMP,
    )
    chat.take(real, 0)
    after = rows(chat, width)
    assert [one.replace("#…", "#7").rstrip() for one in before[:-1]] == [one.rstrip() for one in after[:-1]]
    assert (before[-1].strip(), after[-1].strip()) == ("· sending", "· claude queued")


def test_a_refused_one_says_why_in_whole_words() -> None:
    chat = ChatState("alice")
    chat.take(welcome(agent("claude")), 0)
    post("hello", "a")(chat)
    made = StreamRows(chat)
    made.width = 120
    made(0)
    chat.mark_refused("a", "The room 'design' is for invited members.")
    told = ["".join(text for _, text in row).strip() for row in made(0)]
    assert told[-1] == "✗ not sent: The room 'design' is for invited members. The Up key brings it back."

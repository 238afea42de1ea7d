"""The order of the queue, and that no message is delivered twice."""

from dataclasses import replace
from typing import Any

import pytest

from gateway.protocol.events import Message
from gateway.protocol.types.core_types import MessageKind, Rung
from sidecar.messages.inbox import InboxEntry, MessageQueue, ReplyAudience, audience_of_answer


def entry(number: int, sender: str = "alice", text: str = "x", **fields: Any) -> InboxEntry:
    when = "2026-11-21T10:00:00Z"
    room = fields.pop("room", "general")
    return InboxEntry(Message(number, f"m{number}", room, sender, (), MessageKind.CHAT, text, when, **fields))


def filled(*entries: InboxEntry) -> MessageQueue:
    inbox = MessageQueue()
    for one in entries:
        inbox.add(one)
    return inbox


def test_urgent_first_then_priority_then_age() -> None:
    inbox = filled(entry(1), entry(2, priority=9), entry(3), entry(4, urgent=True))
    assert [one.number for one in inbox.waiting()] == [4, 2, 1, 3]


def test_a_message_is_taken_once_even_after_it_is_over() -> None:
    inbox = filled(entry(1))
    assert not inbox.add(entry(1))
    inbox.put(replace(entry(1), rung=Rung.ANSWERED))
    assert not inbox.add(entry(1))
    assert inbox.waiting() == []


def test_a_retry_is_taken_again() -> None:
    inbox = filled(entry(1))
    inbox.put(replace(entry(1), rung=Rung.FAILED))
    inbox.again(entry(1))
    assert [one.number for one in inbox.waiting()] == [1]


def test_what_was_typed_no_longer_waits() -> None:
    inbox = filled(entry(1), entry(2))
    inbox.put(replace(entry(1), rung=Rung.TYPED))
    assert [one.number for one in inbox.waiting()] == [2]
    assert [one.number for one in inbox.in_hand()] == [1]


TO_ME: dict[str, Any] = {"recipients": ("claude",)}


@pytest.mark.parametrize(
    ("waiting", "together"),
    [
        pytest.param([entry(1), entry(2, "bob"), entry(3)], [1, 2, 3], id="said to everyone, by anybody"),
        pytest.param([entry(1), entry(2, urgent=True)], [2], id="an urgent one goes alone"),
        pytest.param([entry(1, **TO_ME), entry(2), entry(3, **TO_ME)], [1, 3], id="direct ones of the same person"),
        pytest.param([entry(1, **TO_ME), entry(2, "bob", **TO_ME)], [1], id="direct ones of others wait"),
        pytest.param([entry(1, text="x" * 9000), entry(2)], [1], id="a long one goes alone"),
        pytest.param([entry(1), entry(2, text="x" * 9000), entry(3)], [1], id="order is kept"),
        pytest.param([entry(number) for number in range(1, 22)], list(range(1, 22)), id="many, as a digest"),
        pytest.param([entry(number) for number in range(1, 200)], list(range(1, 101)), id="not too many"),
        pytest.param(
            [entry(1), *(entry(number, **TO_ME) for number in range(2, 30)), entry(30)], [1, 30], id="of one audience"
        ),
        pytest.param([entry(1), entry(2, room="design"), entry(3)], [1, 3], id="of one room"),
        pytest.param([entry(1), entry(2, wakes=("claude",)), entry(3)], [1, 2, 3], id="said in public to one"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_which_messages_form_one_prompt(waiting: list[InboxEntry], together: list[int]) -> None:
    assert [one.number for one in filled(*waiting).parcel()] == together


GENERAL, DESIGN = ReplyAudience("general"), ReplyAudience("design")
CLOSED = ("lab", "vault")
HEARERS: list[tuple[list[InboxEntry], ReplyAudience | None]] = [
    ([entry(1, room="lab"), entry(2)], ReplyAudience("lab")),  # what is said there is not for general
    ([entry(1), entry(2, room="lab")], ReplyAudience("lab")),
    ([entry(1, room="vault"), entry(2, room="lab")], None),
    ([entry(1, room="lab"), entry(2, room="lab", **TO_ME)], ReplyAudience("lab", "alice")),
    ([entry(1, room="lab"), entry(2, **TO_ME)], None),  # who is to hear both?
    ([entry(1), entry(2, room="lab", **TO_ME)], ReplyAudience("lab", "alice")),
    ([], None),
    ([entry(1), entry(2)], GENERAL),
    ([entry(1), entry(2, room="design")], DESIGN),  # the newest message came into a running turn
    ([entry(3), entry(2, room="design")], GENERAL),
    ([entry(1, **TO_ME), entry(2)], ReplyAudience("general", "alice")),
    ([entry(1, **TO_ME), entry(2, room="design")], ReplyAudience("general", "alice")),
    ([entry(1, **TO_ME), entry(2, "bob", **TO_ME)], None),
    ([entry(1, **TO_ME), entry(2, room="design", **TO_ME)], None),
]


@pytest.mark.parametrize(("turn", "hearer"), HEARERS)
def test_who_gets_the_whole_answer_to_a_turn(turn: list[InboxEntry], hearer: ReplyAudience | None) -> None:
    assert audience_of_answer(turn, lambda room: room not in CLOSED) == hearer


def test_a_plain_program_gets_no_digest() -> None:
    inbox = filled(*(entry(number) for number in range(1, 30)))
    inbox.catches_up = False
    assert [one.number for one in inbox.parcel()] == list(range(1, 21))

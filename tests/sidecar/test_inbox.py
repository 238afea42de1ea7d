"""Order, and never twice."""

from dataclasses import replace

from gateway.protocol.events import Message
from gateway.protocol.nouns import MessageKind, Rung
from sidecar.inbox import Entry, Inbox


def entry(number: int, *, urgent: bool = False, priority: int = 5, ttl: float | None = None) -> Entry:
    when = "2026-11-21T10:00:00Z"
    return Entry(
        Message(number, f"m{number}", "general", "alice", (), MessageKind.CHAT, "x", when, ttl=ttl)
        if not urgent and priority == 5
        else Message(
            number,
            f"m{number}",
            "general",
            "alice",
            (),
            MessageKind.CHAT,
            "x",
            when,
            urgent=urgent,
            priority=priority,
            ttl=ttl,
        )
    )


def filled(*entries: Entry) -> Inbox:
    inbox = Inbox()
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

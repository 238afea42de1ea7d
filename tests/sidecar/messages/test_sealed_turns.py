"""Which messages are typed, and when a turn counts as sealed."""

from __future__ import annotations

import pytest

from gateway.encryption.member_client.checked_messages import MessageProof
from gateway.protocol.events import Message
from sidecar.messages.replies import replies_from_answer, withheld_reply
from sidecar.messages.sealed_turns import (
    NOT_SEALED_TEXT,
    SealedPlace,
    SealedTurn,
    is_sealed,
    why_not_typed,
    without_vendor_text,
)
from tests.sidecar.fake_sealing import checked, message_of

PLAIN, SEALED = message_of(1, "general"), checked(message_of(2))
DIRECT = checked(message_of(3, "general", recipients=("claude",)))


@pytest.mark.parametrize(
    ("message", "typed"),
    [
        (message_of(1, "general"), True),
        (checked(message_of(1, "general"), MessageProof.UNSIGNED, was_sealed=False), True),
        (checked(message_of(1, "general"), MessageProof.SIGNED, was_sealed=False), True),
        (checked(message_of(1, "general"), MessageProof.VERIFIED, was_sealed=False), True),
        (checked(message_of(1, "general"), MessageProof.WRONG, was_sealed=False), False),
        (checked(message_of(1, "general"), MessageProof.SIGNED), True),
        (checked(message_of(1, "general"), MessageProof.WRONG), False),
        (checked(message_of(1, "general"), MessageProof.UNREADABLE), False),
        (checked(message_of(1, "lab"), MessageProof.SIGNED), True),
        (checked(message_of(1, "lab"), MessageProof.VERIFIED), True),
        (checked(message_of(1, "lab"), MessageProof.WRONG), False),
        (checked(message_of(1, "lab"), MessageProof.VERIFIED, was_sealed=False), False),
        (message_of(1, "lab"), False),
        (message_of(1, "lab", sender="system"), False),
    ],
)
def test_only_what_its_writer_wrote_is_typed(message: Message, typed: bool) -> None:
    why = why_not_typed("claude", message, lambda room: room == "lab")
    assert (why == "") is typed


def test_a_refused_message_gives_the_sentence_of_its_check() -> None:
    assert why_not_typed("claude", checked(message_of(1), MessageProof.WRONG), lambda _: True) == "hello"
    assert why_not_typed("claude", message_of(1), lambda _: True) == NOT_SEALED_TEXT


def test_one_sealed_message_makes_its_turn_sealed_until_another_turn_begins() -> None:
    kept: list[tuple[SealedPlace | None, bool]] = []
    turn = SealedTurn(note=lambda place, has_been: kept.append((place, has_been)))

    def state() -> tuple[SealedPlace | None, bool]:
        return turn.place, turn.has_been

    turn.note_typing([PLAIN])
    assert state() == (None, False)
    turn.note_typing([SEALED])
    assert state() == (SealedPlace("lab"), True), "before its text is on the screen"
    turn.note_in_hand([PLAIN, SEALED])
    turn.note_in_hand([])
    assert state() == (SealedPlace("lab"), True), "while the agent rests after it"
    turn.note_in_hand([PLAIN])
    assert state() == (None, True), "its screen may still show it"
    turn.note_in_hand([DIRECT])
    assert state() == (SealedPlace("general", "alice"), True)
    assert kept == [(SealedPlace("lab"), True), (None, True), (SealedPlace("general", "alice"), True)]


def test_replies_to_sealed_messages_are_sealed_and_so_are_their_lines() -> None:
    for messages, sealed in (([PLAIN], False), ([SEALED], True), ([DIRECT], True), ([PLAIN, SEALED], True)):
        replies = replies_from_answer("claude", messages, "done\n@bob look", ("bob",))
        assert [one.sealed for one in replies] == [sealed, sealed]
        assert withheld_reply("claude", messages, "").sealed is sealed


@pytest.mark.parametrize(
    ("reason", "left"),
    [
        ("the turn failed: API Error: 400 the secret plan", "the turn failed"),
        ("the turn failed", "the turn failed"),
        ("interrupted by alice", "interrupted by alice"),
        ("", ""),
    ],
)
def test_what_a_vendor_says_of_a_turn_may_quote_it(reason: str, left: str) -> None:
    assert without_vendor_text(reason) == left


def test_a_message_that_no_key_has_opened_still_counts_as_sealed() -> None:
    assert is_sealed(checked(message_of(1), MessageProof.UNREADABLE))
    assert not is_sealed(PLAIN)


def test_who_reads_what_the_agent_does() -> None:
    def is_sealed_room(room: str) -> bool:
        return room == "lab"

    assert SealedPlace("lab").readers(is_sealed_room) == ()
    assert SealedPlace("lab", "alice").readers(is_sealed_room) == (), "all of the room"
    assert SealedPlace("general", "alice").readers(is_sealed_room) == ("alice",)

"""Select mode: what a key does with the chosen message, why it does nothing, and which message is next."""

from __future__ import annotations

import pytest

from controller.view.state.chat_state import ChatState
from controller.view.state.stream_entries import EntryKey
from controller.view.stream.message_selection import (
    ASCII_SIGNS,
    OFFERED_SIGNS,
    SELECT_KEYS,
    MessageFacts,
    SelectAction,
    action_of,
    chosen_at_first,
    command_lines,
    facts_of,
    footer_line,
    quoted,
    signs_line,
    step,
)
from controller.view.text.text_rows import width_of
from gateway.protocol.types.core_types import Rung
from tests.controller.streams import receipt, said

BOBS = MessageFacts(9, "bob")
PRIVATE = MessageFacts(9, "bob", private=True)
WAITS = MessageFacts(9, "alice", mine=True, waiting=("ada", "cleo"))
BEGUN = MessageFacts(9, "alice", mine=True, waiting=("ada",), begun=("cleo",))
FAILED = MessageFacts(9, "alice", mine=True, failed=("ada", "cleo"))
SEEN = MessageFacts(9, "alice", mine=True, begun=("ada", "cleo"))


@pytest.mark.parametrize(
    ("key", "facts", "does"),
    [
        ("r", BOBS, SelectAction.REPLY),
        ("t", BOBS, SelectAction.THREAD),
        ("y", BOBS, SelectAction.COPY),
        ("q", BOBS, SelectAction.QUOTE),
        ("+", BOBS, SelectAction.REACT),
        ("p", BOBS, SelectAction.PIN),
        ("p", PRIVATE, "#9 is a direct message; only what everyone reads can be pinned."),
        ("e", BOBS, "#9 is bob's: you resend only your own messages."),
        ("c", BOBS, "#9 is bob's: you cancel only your own messages."),
        ("R", BOBS, "#9 is bob's: you retry only your own messages."),
        ("e", WAITS, SelectAction.RESEND),
        ("c", WAITS, SelectAction.CANCEL),
        ("R", WAITS, "No delivery of #9 has failed, so there is nothing to retry."),
        ("e", BEGUN, "cleo began to read #9. Send a new message that corrects it."),
        ("c", BEGUN, SelectAction.CANCEL),
        ("e", SEEN, "ada and 1 more began to read #9. Send a new message that corrects it."),
        ("c", SEEN, "No delivery of #9 waits, so there is nothing to take back."),
        ("e", FAILED, "No delivery of #9 waits, so there is nothing to take back."),
        ("R", FAILED, SelectAction.RETRY),
    ],
)
def test_what_a_key_does(key: str, facts: MessageFacts, does: SelectAction | str) -> None:
    assert action_of(key, facts) == does


@pytest.mark.parametrize("key", ["x", "A", "1", "日", "\x17", "\x7f", "\x1b[1;6A", "\u202e"])
def test_any_other_key_is_answered_with_those_that_work(key: str) -> None:
    told = action_of(key, BOBS)
    assert isinstance(told, str)
    assert told.startswith(f"'{key}' does nothing here" if key.isprintable() else "That key does nothing here")
    assert "r reply" in told and "Esc leaves" in told and told.isprintable()


@pytest.mark.parametrize(
    ("action", "facts", "lines"),
    [
        (SelectAction.PIN, BOBS, ("/pin 9",)),
        (SelectAction.PIN, MessageFacts(9, "bob", pinned=True), ("/unpin 9",)),
        (SelectAction.RETRY, FAILED, ("/retry 9 ada", "/retry 9 cleo")),
        (SelectAction.CANCEL, WAITS, ("/cancel 9",)),
        (SelectAction.COPY, BOBS, ("/copy 9",)),
        (SelectAction.THREAD, BOBS, ("/thread 9",)),
        (SelectAction.REPLY, BOBS, ()),
        (SelectAction.REACT, BOBS, ()),
    ],
)
def test_the_commands_behind_keys(action: SelectAction, facts: MessageFacts, lines: tuple[str, ...]) -> None:
    assert command_lines(action, facts) == lines


@pytest.mark.parametrize("width", [60, 80, 120, 200])
@pytest.mark.parametrize("facts", [BOBS, PRIVATE, WAITS, FAILED, SEEN])
def test_the_footer_names_the_keys_that_work_and_the_way_out(width: int, facts: MessageFacts) -> None:
    line = footer_line(facts, width)
    assert width_of(line) <= width and "#9" in line and "r reply" in line and "Esc" in line
    for key, action in SELECT_KEYS.items():
        named = f" {key} {action.value}" in line or (f" {key} " in line and width < 80)
        assert named == isinstance(action_of(key, facts), SelectAction)


def test_a_narrow_footer_still_names_the_way_out() -> None:
    assert footer_line(WAITS, 30).endswith("Esc") and width_of(footer_line(WAITS, 30)) <= 30


def test_five_signs_are_offered_and_ones_own_is_taken_off() -> None:
    line = signs_line(("👀",))
    assert "1 👍" in line and "2 take off 👀" in line and "3 done" in line and "w own" in line
    assert width_of(line) <= 60 and len(OFFERED_SIGNS) == 5


def test_without_utf_8_only_words_are_offered() -> None:
    assert signs_line((), ASCII_SIGNS).isascii() and len(ASCII_SIGNS) == len(OFFERED_SIGNS)


@pytest.mark.parametrize(
    ("steps", "waiting", "begun", "failed"),
    [
        ({}, (), (), ()),
        ({"ada": Rung.QUEUED, "cleo": Rung.HELD}, ("ada", "cleo"), (), ()),
        ({"ada": Rung.TYPED, "cleo": Rung.QUEUED}, ("cleo",), ("ada",), ()),
        ({"ada": Rung.FAILED, "ben": Rung.CANCELLED, "cleo": Rung.EXPIRED}, (), (), ("ada", "ben", "cleo")),
        ({"ada": Rung.ANSWERED}, (), ("ada",), ()),
    ],
)
def test_the_facts_of_a_message(
    steps: dict[str, Rung], waiting: tuple[str, ...], begun: tuple[str, ...], failed: tuple[str, ...]
) -> None:
    state = ChatState("alice")
    state.take(said(1, "x", "alice", deliveries=tuple(steps)), 0)
    for name, rung in steps.items():
        state.take(receipt(2, 1, rung, name), 0)
    message = state.stream.message(1)
    assert message is not None
    facts = facts_of(state, message)
    assert (facts.waiting, facts.begun, facts.failed) == (waiting, begun, failed)


def room_of_three() -> ChatState:
    """Three messages, with a notice between the first two."""
    state = ChatState("alice")
    state.take(said(1), 0)
    state.say("a notice")
    state.take(said(3), 0)
    state.take(said(4), 0)
    state.say("another notice")
    return state


@pytest.mark.parametrize(
    ("chosen", "by", "then"),
    [((4, 0), -1, (3, 0)), ((3, 0), -1, (1, 0)), ((1, 0), -1, (1, 0)), ((1, 0), 1, (3, 0)), ((4, 0), 1, (4, 0))],
)
def test_the_arrows_go_from_message_to_message(chosen: EntryKey, by: int, then: EntryKey) -> None:
    state = room_of_three()
    assert step(state.stream.keys, state.stream.entries, chosen, by) == then


@pytest.mark.parametrize(("near", "key"), [(None, (4, 0)), ((3, 0), (3, 0)), ((1, 1), (1, 0)), ((0, 0), (1, 0))])
def test_the_message_that_is_chosen_first(near: EntryKey | None, key: EntryKey) -> None:
    state = room_of_three()
    assert chosen_at_first(state.stream.keys, state.stream.entries, near) == key


def test_without_messages_nothing_is_chosen() -> None:
    assert chosen_at_first([], {}, None) is None


def test_a_quote_goes_before_what_is_written() -> None:
    assert quoted("one\ntwo\n", "my draft") == "> one\n> two\nmy draft"

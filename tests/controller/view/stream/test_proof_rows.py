"""Messages with what was found about them, as rows of the chat and as lines for a screen reader."""

from __future__ import annotations

import msgspec
import pytest

from controller.view.state.chat_state import ChatState
from controller.view.stream.chat_rows import StreamRows
from controller.view.stream.copied_text import text_to_copy
from controller.view.stream.plain_lines import plain_lines
from controller.view.text.character_support import encodable_text
from gateway.encryption.member_client.checked_messages import MessageProof, SealingNotice
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Message
from gateway.protocol.types.core_types import SealedContent
from tests.controller.streams import STAMP, said, welcome
from tests.controller.wording.test_proof_text import found

SENTENCE = "bob addressed this message to others than it is shown to."
WRONG = found(SENTENCE, proof=MessageProof.WRONG, was_sealed=True)
CLOSED = found("This message of bob is not sealed to alice.", proof=MessageProof.UNREADABLE, was_sealed=True)
NOTED = found("hello", proof=MessageProof.VERIFIED, notes=("3 messages of bob are missing before this one.",))


def state_with(message: Message) -> ChatState:
    state = ChatState("alice")
    state.take(welcome(), 0)
    state.show([message], more_before=False, at_tail=True)
    return state


def rows_of(message: Message, width: int = 80) -> list[list[tuple[str, str]]]:
    rows = StreamRows(state_with(message))
    rows.width = width
    return [list(row) for row in rows(0)][1:]


def text_of(message: Message, width: int = 80) -> str:
    return "\n".join("".join(part for _, part in row) for row in rows_of(message, width))


def test_marks_stand_behind_the_number() -> None:
    assert "bob #20 ▣✓  hello" in text_of(found(proof=MessageProof.VERIFIED, was_sealed=True))
    assert "bob #20 •  hello" in text_of(found(proof=MessageProof.SIGNED))
    assert "claude #1  hello" in text_of(said(1))


def test_what_is_wrong_is_loud_and_has_no_text_of_its_writer() -> None:
    rows = rows_of(WRONG)
    assert "▣✗ WRONG" in text_of(WRONG)
    assert any(("class:bad", SENTENCE) in row for row in rows)
    assert any(style == "class:dim" and "not sealed to alice" in text for row in rows_of(CLOSED) for style, text in row)


@pytest.mark.parametrize("width", [30, 52, 80, 200])
def test_notes_are_rows_of_their_own(width: int) -> None:
    rows = [row for row in rows_of(NOTED, width) if any(style == "class:warning" for style, _ in row)]
    told = " ".join("".join(text for _, text in row).strip() for row in rows)
    assert told == "! 3 messages of bob are missing before this one."


def test_marks_are_different_without_unicode() -> None:
    assert encodable_text("▣✓ • ✗", "ascii") == "S+ * x"


def test_a_screen_reader_hears_words() -> None:
    assert plain_lines(NOTED, "alice", "general") == [
        "bob to all, #20, verified: hello",
        "  Note: 3 messages of bob are missing before this one.",
    ]
    assert plain_lines(WRONG, "alice", "general") == [f"Warning: bob to all, #20, sealed, WRONG: {SENTENCE}"]
    assert plain_lines(SealingNotice("A key changed.", loud=True), "alice", "general") == ["Warning: A key changed."]
    assert plain_lines(SealingNotice("A key is new."), "alice", "general") == ["A key is new."]


def test_what_has_no_text_is_not_copied_and_names_nobody() -> None:
    with pytest.raises(BadRequest, match="no text to copy"):
        text_to_copy(WRONG)
    state = state_with(said(1))
    mention = found("@alice pay me", proof=MessageProof.UNREADABLE)
    assert not state.is_for_me(mention)


def test_a_chat_without_keys_says_that_something_is_sealed() -> None:
    closed = said(20, "", "bob", sealed=SealedContent(0, "AAAA"))
    assert "▣closed  (sealed: only the members' own programs can read it)" in text_of(closed)
    (line,) = plain_lines(closed, "alice", "general")
    assert line.startswith("bob to all, #20, sealed, unreadable: (sealed")


def test_a_wrong_message_rings_and_a_sealed_one_is_not_quoted_to_other_programs() -> None:
    state = state_with(said(1))
    alert = state.take(WRONG, 0)
    assert alert is not None
    sealed = found("the code is 0000", proof=MessageProof.VERIFIED, was_sealed=True)
    for_me = msgspec.structs.replace(sealed, recipients=("alice",), seq=21)
    told = state.take(for_me, 0)
    assert told is not None
    assert "0000" not in told.text


def test_a_loud_notice_stays_when_its_room_is_entered_again() -> None:
    state = state_with(said(1))
    alert = state.note_sealing(SealingNotice("THE KEY OF bob HAS CHANGED.", loud=True, member="bob"), STAMP)
    assert alert is not None
    state.note_sealing(SealingNotice("bob has renewed the key."), STAMP)
    for _ in range(2):
        state.enter("general")
        state.show([said(1)], more_before=False, at_tail=True)
        shown = [getattr(entry, "text", "") for entry in state.stream.entries.values()]
        assert "! THE KEY OF bob HAS CHANGED." in shown
        assert "bob has renewed the key." not in shown


def test_a_notice_of_a_room_stands_in_that_room() -> None:
    state = state_with(said(1))
    state.note_sealing(SealingNotice("A ghost.", loud=True, room="design"), STAMP)
    assert "! A ghost." not in [getattr(entry, "text", "") for entry in state.stream.entries.values()]
    state.enter("design")
    state.show([], more_before=False, at_tail=True)
    assert "! A ghost." in [getattr(entry, "text", "") for entry in state.stream.entries.values()]

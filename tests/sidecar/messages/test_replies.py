"""Replies made from an answer."""

import pytest

from gateway.protocol.events import Message
from gateway.protocol.types.core_types import MAX_CONTENT_BYTES, MessageKind
from sidecar.messages.replies import Reply, addressed_lines, cut_to_bytes, replies_from_answer

NAMES = ("alice", "bob", "claude")


def message(*, direct: bool) -> Message:
    recipients = ("claude",) if direct else ()
    return Message(7, "m", "general", "alice", (), MessageKind.CHAT, "x", "", recipients=recipients)


def test_a_direct_message_is_answered_directly() -> None:
    assert replies_from_answer("claude", [message(direct=True)], "yes", NAMES) == [
        Reply("yes", ("@alice",), "general", 7, "reply-claude-7", is_answer=True)
    ]


def test_a_message_of_the_gateway_to_it_alone_gets_no_reply() -> None:
    told = Message(7, "m", "general", "system", (), MessageKind.SYSTEM, "x", "", recipients=("claude",))
    assert replies_from_answer("claude", [told], "I see.\n@bob look", NAMES) == []


def test_a_message_to_everyone_is_answered_to_everyone() -> None:
    assert replies_from_answer("claude", [message(direct=False)], "yes", NAMES)[0].to == ()


def test_a_line_for_somebody_else_reaches_them_too() -> None:
    found = replies_from_answer(
        "claude", [message(direct=True)], "Done.\n@bob please test\n@carol hi\n@alice ok\n", NAMES
    )
    assert [(one.to, one.content) for one in found[1:]] == [(("@bob",), "please test")]


def test_an_empty_answer_says_nothing() -> None:
    assert replies_from_answer("claude", [message(direct=True)], " \n", NAMES) == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("@bob hi", [("bob", "hi")]),
        ("ask @bob hi", []),
        ("```\n@bob hi\n```\n@bob yes", [("bob", "yes")]),
        ("@bob", []),
        ("@Bob: hi", [("bob", "hi")]),
    ],
)
def test_lines_with_an_address(text: str, lines: list[tuple[str, str]]) -> None:
    assert list(addressed_lines(text)) == lines


def test_too_long_an_answer_is_cut_visibly_and_never_inside_a_character() -> None:
    cut = cut_to_bytes("é" * MAX_CONTENT_BYTES)
    assert len(cut.encode()) <= MAX_CONTENT_BYTES
    assert cut.endswith("é\n[...]")

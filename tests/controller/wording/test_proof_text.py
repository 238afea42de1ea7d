"""What was found about a message, in words and in signs."""

from __future__ import annotations

import msgspec
import pytest

from controller.wording.proof_text import has_no_text, is_wrong, proof_signs, proof_words
from gateway.encryption.member_client.checked_messages import CheckedMessage, MessageCheck, MessageProof
from gateway.protocol.events import Message
from tests.controller.streams import said


def found(content: str = "hello", **check: object) -> CheckedMessage:
    message = said(20, content, "bob")
    fields = {name: getattr(message, name) for name in Message.__struct_fields__}
    return CheckedMessage(**fields, check=MessageCheck(**check))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("proof", "was_sealed", "words", "signs"),
    [
        (MessageProof.UNSIGNED, False, "", ""),
        (MessageProof.SIGNED, False, "signed", "•"),
        (MessageProof.VERIFIED, False, "verified", "✓"),
        (MessageProof.SIGNED, True, "sealed, signed", "▣•"),
        (MessageProof.VERIFIED, True, "sealed, verified", "▣✓"),
        (MessageProof.UNREADABLE, True, "sealed, unreadable", "▣closed"),
        (MessageProof.WRONG, False, "WRONG", "✗ WRONG"),
        (MessageProof.WRONG, True, "sealed, WRONG", "▣✗ WRONG"),
    ],
)
def test_each_proof_has_words_and_signs(proof: MessageProof, was_sealed: bool, words: str, signs: str) -> None:
    message = found(proof=proof, was_sealed=was_sealed)
    assert (proof_words(message), proof_signs(message.check)) == (words, signs)
    assert is_wrong(message) is (proof is MessageProof.WRONG)
    assert has_no_text(message) is (proof in (MessageProof.WRONG, MessageProof.UNREADABLE))


def test_a_message_of_a_plain_client_is_unmarked() -> None:
    assert proof_words(said(1)) == ""
    assert msgspec.json.decode(msgspec.json.encode(found(proof=MessageProof.SIGNED)))["check"] == {
        "proof": "signed",
        "was_sealed": False,
        "notes": [],
    }

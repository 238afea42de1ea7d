"""What this machine has found about a message, in words and signs: sealed, signed, verified, wrong, unreadable. Pure.

A message without a signature has no mark: most members have no key, and their messages are no alarm.
"""

from __future__ import annotations

from gateway.encryption.member_client.checked_messages import CheckedMessage, MessageCheck, MessageProof, check_of
from gateway.protocol.events import Message

SEALED_SIGN, SIGNED_SIGN, VERIFIED_SIGN, WRONG_SIGN = "▣", "•", "✓", "✗"
SIGNS_HELP = f"{SEALED_SIGN} sealed · {SIGNED_SIGN} signed by a key that nobody compared · {VERIFIED_SIGN} verified"

_WORDS = {
    MessageProof.UNSIGNED: "",
    MessageProof.SIGNED: "signed",
    MessageProof.VERIFIED: "verified",
    MessageProof.WRONG: "WRONG",
    MessageProof.UNREADABLE: "unreadable",
}
_SIGNS = {
    MessageProof.SIGNED: SIGNED_SIGN,
    MessageProof.VERIFIED: VERIFIED_SIGN,
    MessageProof.WRONG: f"{WRONG_SIGN} WRONG",
    MessageProof.UNREADABLE: "closed",
}


def finding_of(message: Message) -> MessageCheck:
    """What this machine has found. A chat without keys opens nothing, and knows at least that something is sealed."""
    if isinstance(message, CheckedMessage) or message.sealed is None:
        return check_of(message)
    return MessageCheck(MessageProof.UNREADABLE, was_sealed=True)


def proof_words(message: Message) -> str:
    """`sealed, verified`; empty for an ordinary message."""
    check = finding_of(message)
    return ", ".join(filter(None, ("sealed" if check.was_sealed else "", _WORDS[check.proof])))


def proof_signs(check: MessageCheck) -> str:
    """`▣✓`; empty for an ordinary message."""
    return ("" if not check.was_sealed else SEALED_SIGN) + _SIGNS.get(check.proof, "")


def note_lines(message: Message) -> list[str]:
    """What people must be told besides: that messages are missing before it, that it came late."""
    return list(finding_of(message).notes)


def is_wrong(message: Message) -> bool:
    return finding_of(message).proof is MessageProof.WRONG


def has_no_text(message: Message) -> bool:
    """Whether its content is not its writer's, but a sentence about why there is none."""
    return finding_of(message).proof.is_refused

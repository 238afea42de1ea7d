"""Messages as a member's own machine has found them: what is proven of each, and what people must be told. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from gateway.protocol.events import Message


class MessageProof(StrEnum):
    """UNSIGNED: nothing proves who wrote it but the gateway's word. SIGNED: by the key that was first seen of its
    writer. VERIFIED: by a key whose fingerprint a person has compared. WRONG: what came is not what its writer wrote,
    or nobody knows who wrote it. UNREADABLE: it is sealed, and not to a key of this machine."""

    UNSIGNED = "unsigned"
    SIGNED = "signed"
    VERIFIED = "verified"
    WRONG = "wrong"
    UNREADABLE = "unreadable"

    @property
    def is_refused(self) -> bool:
        """Whether the message has no text that may be shown as its writer's, or typed into an agent."""
        return self in (MessageProof.WRONG, MessageProof.UNREADABLE)


class MessageCheck(msgspec.Struct, frozen=True):
    """`notes` are sentences for people, such as that messages are missing before this one."""

    proof: MessageProof = MessageProof.UNSIGNED
    was_sealed: bool = False
    notes: tuple[str, ...] = ()


class CheckedMessage(Message, frozen=True, omit_defaults=True, tag_field="ev", tag="message", rename={"from_": "from"}):
    """A message with the finding of this machine. It is made here alone, and never decoded from what a gateway sends.
    An opened message has the text and the attachments as they were written; where the proof is refused, `content` is
    the sentence that says why, and there are no attachments."""

    check: MessageCheck = MessageCheck()


def check_of(message: Message) -> MessageCheck:
    return message.check if isinstance(message, CheckedMessage) else MessageCheck()


@dataclass(frozen=True)
class SealingNotice:
    """Something about keys that people of the chat must know. `loud`: it may be an attack, or somebody new reads."""

    text: str
    loud: bool = False
    room: str = ""
    member: str = ""


MAX_NOTICES_PER_MINUTE = 120
MINUTE_S = 60.0
FLOOD = SealingNotice(
    "MORE HAPPENS TO KEYS THAN CAN BE SHOWN HERE. Somebody may want to hide one notice behind many. "
    "`groupchat key list` lists what is trusted.",
    loud=True,
)


class NoticeLimit:
    """A gateway that makes up keys must not bury what matters, or fill the memory. Time is an argument."""

    def __init__(self) -> None:
        self._shown: deque[float] = deque(maxlen=MAX_NOTICES_PER_MINUTE)
        self._is_flooded = False

    def shown(self, notice: SealingNotice, now: float) -> SealingNotice | None:
        """The notice; the one that says that there are too many; or None while that is so."""
        is_full = len(self._shown) == MAX_NOTICES_PER_MINUTE and now - self._shown[0] < MINUTE_S
        if is_full:
            first, self._is_flooded = not self._is_flooded, True
            return FLOOD if first else None
        self._is_flooded = False
        self._shown.append(now)
        return notice

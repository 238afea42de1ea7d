"""Letters: what is inside a sealed message, signed, and its comparison with what the gateway says of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.encryption.member_keys.key_records import MAX_KEY_VERSION, KeyVersion, Signature
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.encryption.room_keys.room_key import ROOM_KEY_ID_BYTES
from gateway.protocol.types.core_types import MAX_ADDRESSES, MAX_PARTS, MessageKind, Part

LETTER_FORMAT = 1
MAX_TEXT_BYTES = 176 * 1024  # with padding, names and base64, 256 kB on the wire
DIGEST_BYTES = 32
STREAM_BYTES = 16

MAX_COUNTER = 2**53

Name = Annotated[str, Meta(max_length=64)]
Id = Annotated[str, Meta(max_length=200)]
Digest = Annotated[bytes, Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)]
Stream = Annotated[bytes, Meta(min_length=STREAM_BYTES, max_length=STREAM_BYTES)]
RoomKeyVersion = Annotated[int, Meta(ge=0, le=MAX_KEY_VERSION)]  # 0: a direct message
FIRST_PREVIOUS = bytes(DIGEST_BYTES)  # what stands for the message before the first one


class Letter(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A message with all that gives it its meaning. `recipients` and `wakes` are the names, or other addresses, as
    the writer gave them; nobody: everyone. `stream`, `counter` and `previous` are its place in its writer's chain.
    `context` is JSON; empty: none. `is_plain`: it travels signed beside its text, and not in a box."""

    format: int
    house: Id
    sender: Name
    sender_key: KeyVersion
    room: Name
    recipients: Annotated[tuple[Name, ...], Meta(max_length=MAX_ADDRESSES)]
    client_id: Id
    room_key: RoomKeyVersion
    room_key_id: Annotated[bytes, Meta(max_length=ROOM_KEY_ID_BYTES)]
    reply_to: int | None
    kind: MessageKind
    stream: Stream
    counter: Annotated[int, Meta(ge=0, le=MAX_COUNTER)]
    previous: Digest
    text: str
    wakes: Annotated[tuple[Name, ...], Meta(max_length=MAX_ADDRESSES)] = ()
    parts: Annotated[tuple[Part, ...], Meta(max_length=MAX_PARTS)] = ()
    context: str = ""
    is_plain: bool = False
    replaces: int | None = None
    interrupt: bool = False


class SignedLetter(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """The bytes of a letter as they were signed."""

    letter: bytes
    signature: Signature

    @property
    def digest(self) -> bytes:
        """What the next letter of this stream names as the one before it."""
        return letter_digest(self.letter)


def letter_digest(letter: bytes) -> bytes:
    return hashlib.blake2b(letter, digest_size=DIGEST_BYTES).digest()


@dataclass(frozen=True)
class StampedFacts:
    """What the gateway says of a message that it cannot read. `house` is the id of its log, as first pinned."""

    house: str
    sender: str
    room: str
    recipients: tuple[str, ...]
    client_id: str
    reply_to: int | None
    kind: MessageKind
    wakes: tuple[str, ...] = ()
    replaces: int | None = None
    interrupt: bool = False


# In this order, so that a message moved as a whole is called that. `{sender}` is who it claims to be from.
_COMPARED: tuple[tuple[SealingFault, Callable[[Letter], object], Callable[[StampedFacts], object], str], ...] = (
    (
        SealingFault.OTHER_CHAT,
        lambda letter: letter.house,
        lambda stamped: stamped.house,
        "This message of {sender} was written in another chat, not in this one.",
    ),
    (
        SealingFault.OTHER_SENDER,
        lambda letter: letter.sender,
        lambda stamped: stamped.sender,
        "This message is shown as one of {sender}, but somebody else wrote it.",
    ),
    (
        SealingFault.OTHER_ROOM,
        lambda letter: letter.room,
        lambda stamped: stamped.room,
        "{sender} wrote this message in another place, not here.",
    ),
    (
        SealingFault.OTHER_RECIPIENTS,
        lambda letter: frozenset(letter.recipients),
        lambda stamped: frozenset(stamped.recipients),
        "{sender} addressed this message to others than it is shown to.",
    ),
    (
        SealingFault.OTHER_ID,
        lambda letter: letter.client_id,
        lambda stamped: stamped.client_id,
        "This message of {sender} was put in the place of another one.",
    ),
    (
        SealingFault.OTHER_REPLY,
        lambda letter: letter.reply_to,
        lambda stamped: stamped.reply_to,
        "{sender} did not write this as an answer to the message that it is shown under.",
    ),
    (
        SealingFault.OTHER_KIND,
        lambda letter: letter.kind,
        lambda stamped: stamped.kind,
        "{sender} wrote this as a message of another kind.",
    ),
    (
        SealingFault.OTHER_RECIPIENTS,
        lambda letter: frozenset(letter.wakes),
        lambda stamped: frozenset(stamped.wakes),
        "{sender} meant this message for others than it is shown to wake.",
    ),
    (
        SealingFault.OTHER_REPLY,
        lambda letter: letter.replaces,
        lambda stamped: stamped.replaces,
        "{sender} did not write this in the place of an earlier one.",
    ),
    (
        SealingFault.OTHER_KIND,
        lambda letter: letter.interrupt,
        lambda stamped: stamped.interrupt,
        "{sender} did not interrupt anybody with this message, or wanted to.",
    ),
)


def check_letter(letter: Letter, stamped: StampedFacts) -> None:
    """Refuse a letter that the gateway shows as something else than its writer made it."""
    for reason, written, shown, sentence in _COMPARED:
        if written(letter) != shown(stamped):
            raise SealingRefused(reason, sentence.format(sender=stamped.sender))


def check_letter_size(letter: Letter) -> None:
    """Refuse what would not fit once it is sealed: text and attachments together."""
    attached = (text for part in letter.parts for text in (part.text, part.path, part.url) if text)
    size = sum(len(text.encode()) for text in (letter.text, letter.context, *attached))
    if size > MAX_TEXT_BYTES:
        raise SealingRefused(
            SealingFault.TOO_LARGE,
            f"A sealed message holds at most {MAX_TEXT_BYTES // 1024} kB of text. Send it in parts.",
        )

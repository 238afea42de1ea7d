"""Seals and opens messages: for the members of a room by its room key, or for named recipients by a key of its own.

Pure, but for random keys and nonces. The order of the checks is part of the design: nothing is decoded before it is
known who made it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from nacl.bindings import sodium_pad, sodium_unpad
from nacl.exceptions import CryptoError
from nacl.secret import SecretBox
from nacl.utils import random

from gateway.encryption.member_keys.key_records import KeyRecord, KeyVersion
from gateway.encryption.member_keys.private_keys import MemberKeys
from gateway.encryption.member_keys.purpose_signatures import Purpose, is_signed_for, sign_for
from gateway.encryption.member_keys.wrapped_keys import MESSAGE_KEY_LABEL, WrappedKey, unwrap_key, wrap_key
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.encryption.room_keys.room_key import RoomKey
from gateway.encryption.sealed_messages.letters import (
    LETTER_FORMAT,
    MAX_TEXT_BYTES,
    Letter,
    Name,
    RoomKeyVersion,
    SignedLetter,
    StampedFacts,
    check_letter,
    check_letter_size,
)
from gateway.protocol.errors import GroupChatError
from gateway.protocol.types.core_types import MAX_ADDRESSES, Part, check_json_depth

SEALED_FORMAT = 1
PADDING_BYTES = 256
MAX_BOX_BYTES = MAX_TEXT_BYTES + 16 * 1024
DIRECT = 0  # the version of the room key in a direct message


class SealedMessage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the gateway gets: which keys open it, and a box. `wrapped` holds the key of a direct message, for each
    recipient and for the sender."""

    format: int
    sender_key: KeyVersion
    box: Annotated[bytes, Meta(max_length=MAX_BOX_BYTES)]
    room_key: RoomKeyVersion = DIRECT
    wrapped: Annotated[dict[Name, WrappedKey], Meta(max_length=MAX_ADDRESSES + 1)] = {}


@dataclass(frozen=True)
class ReadersKeys:
    """What a member can open and check messages of one room or of its direct messages with. `senders` holds the records
    that are pinned and may be used, by name and version."""

    name: str
    own: Mapping[int, MemberKeys]
    senders: Mapping[tuple[str, int], KeyRecord]
    room_keys: Mapping[int, RoomKey] = field(default_factory=dict)


@dataclass(frozen=True)
class ShownText:
    """What a message in plain text says."""

    text: str
    parts: tuple[Part, ...] = ()
    context: dict[str, Any] | None = None


@dataclass(frozen=True)
class OpenedMessage:
    """A letter whose writer and place are proven; `digest` is for the chain."""

    letter: Letter
    signed: SignedLetter

    @property
    def digest(self) -> bytes:
        return self.signed.digest


def seal_for_room(letter: Letter, keys: MemberKeys, room_key: RoomKey) -> SealedMessage:
    """For all who have this room key. The letter must name it."""
    _check_own_letter(letter, keys)
    if (letter.room, letter.room_key, letter.room_key_id) != (room_key.room, room_key.version, room_key.id):
        raise SealingRefused(SealingFault.OTHER_ROOM_KEY, "This message was written for another key of the room.")
    box = _seal_box(_sign(letter, keys), room_key.secret)
    return SealedMessage(SEALED_FORMAT, keys.record.version, box, room_key.version)


def seal_for_recipients(letter: Letter, keys: MemberKeys, recipients: Mapping[str, KeyRecord]) -> SealedMessage:
    """For the recipients that the letter names, and for its writer. Refused if one of them has no key: a message is
    never sent to a part of its recipients, or in plain text."""
    _check_own_letter(letter, keys)
    if letter.room_key != DIRECT or letter.room_key_id:
        raise SealingRefused(SealingFault.OTHER_ROOM_KEY, "A direct message has no key of a room.")
    if missing := sorted(set(letter.recipients) - set(recipients)):
        raise SealingRefused(SealingFault.MISSING_KEYS, f"Nothing was sent: there is no key for {', '.join(missing)}.")
    readers = {**{name: recipients[name] for name in letter.recipients}, letter.sender: keys.record}
    secret = random(SecretBox.KEY_SIZE)
    wrapped = {name: wrap_key(secret, MESSAGE_KEY_LABEL, keys, record) for name, record in readers.items()}
    return SealedMessage(SEALED_FORMAT, keys.record.version, _seal_box(_sign(letter, keys), secret), DIRECT, wrapped)


def open_sealed(sealed: SealedMessage, stamped: StampedFacts, keys: ReadersKeys) -> OpenedMessage:
    """The letter, if its writer wrote exactly this, here, to these recipients; otherwise SealingRefused says why not.
    Its place in the chain is for the caller to check."""
    if sealed.format != SEALED_FORMAT:
        raise SealingRefused(
            SealingFault.FORMAT, f"{stamped.sender} sealed this with a newer version of groupchat. Update this one."
        )
    if len(sealed.box) > MAX_BOX_BYTES:
        raise SealingRefused(SealingFault.TOO_LARGE, f"This sealed message of {stamped.sender} is too large to be one.")
    sender = keys.senders.get((stamped.sender, sealed.sender_key))
    if sender is None:
        raise SealingRefused(
            SealingFault.NO_SENDER_KEY,
            f"There is no trusted key of {stamped.sender}, version {sealed.sender_key}, to check this message with.",
        )
    room_key = None if sealed.room_key == DIRECT else _room_key_of(sealed, stamped, keys)
    secret = room_key.secret if room_key else _message_key(sealed, stamped, keys, sender)
    signed = _open_box(sealed.box, secret, stamped.sender)
    letter = _checked_letter(signed, sender)
    if letter.sender_key != sealed.sender_key:
        raise SealingRefused(
            SealingFault.OTHER_KEY_VERSION, f"{stamped.sender} wrote this message under another version of the key."
        )
    if letter.is_plain:
        raise SealingRefused(
            SealingFault.OTHER_ROOM_KEY, f"{stamped.sender} wrote this message for all to read. It was put into a box."
        )
    check_letter(letter, stamped)
    if (letter.room_key, letter.room_key_id) != (sealed.room_key, room_key.id if room_key else b""):
        raise SealingRefused(
            SealingFault.OTHER_ROOM_KEY, f"{stamped.sender} sealed this message with another room key."
        )
    return OpenedMessage(letter, signed)


def sign_plain(letter: Letter, keys: MemberKeys) -> SignedLetter:
    """For a message that travels in plain text: proves its writer, and hides nothing."""
    _check_own_letter(letter, keys)
    if not letter.is_plain or letter.room_key != DIRECT or letter.room_key_id:
        raise SealingRefused(SealingFault.OTHER_ROOM_KEY, "A message in plain text has no key of a room.")
    return _sign(letter, keys)


def check_plain(signed: SignedLetter, stamped: StampedFacts, shown: ShownText, sender: KeyRecord) -> OpenedMessage:
    """The letter, if its writer signed exactly what is shown; otherwise SealingRefused says why not."""
    letter = _checked_letter(signed, sender)
    if not letter.is_plain:
        raise SealingRefused(SealingFault.OTHER_ROOM_KEY, f"{stamped.sender} sealed this message. It was made public.")
    check_letter(letter, stamped)
    if letter.sender_key != sender.version:
        raise SealingRefused(
            SealingFault.OTHER_KEY_VERSION, f"{stamped.sender} wrote this message under another version of the key."
        )
    if (letter.text, letter.parts, context_value(letter)) != (shown.text, shown.parts, shown.context):
        raise SealingRefused(SealingFault.OTHER_TEXT, f"{stamped.sender} wrote something else than what is shown here.")
    return OpenedMessage(letter, signed)


def is_letter_signed(signed: SignedLetter, sender: KeyRecord) -> bool:
    """Whether the holder of this key wrote exactly these bytes; needs no other key, so exports can be checked."""
    return is_signed_for(Purpose.MESSAGE, signed.letter, signed.signature, sender.signing)


def context_value(letter: Letter) -> dict[str, Any] | None:
    """The context as its writer gave it; nothing nested deeper than the protocol allows."""
    if not letter.context:
        return None
    try:
        value: dict[str, Any] = msgspec.json.decode(letter.context, type=dict[str, Any])
        check_json_depth(value)
    except (msgspec.MsgspecError, ValueError, RecursionError, GroupChatError):
        raise SealingRefused(
            SealingFault.DAMAGED, f"The attachments of this message of {letter.sender} are damaged."
        ) from None
    return value


def _check_own_letter(letter: Letter, keys: MemberKeys) -> None:
    check_letter_size(letter)
    if (letter.format, letter.sender, letter.sender_key) != (LETTER_FORMAT, keys.record.name, keys.record.version):
        raise SealingRefused(SealingFault.OTHER_SENDER, "A letter is sealed with its own writer's key.")


def _sign(letter: Letter, keys: MemberKeys) -> SignedLetter:
    data = msgspec.msgpack.encode(letter)
    return SignedLetter(data, sign_for(Purpose.MESSAGE, data, keys.signing))


def _seal_box(signed: SignedLetter, secret: bytes) -> bytes:
    padded = sodium_pad(signed.signature + signed.letter, PADDING_BYTES)
    return bytes(SecretBox(secret).encrypt(padded))


def _open_box(box: bytes, secret: bytes, sender: str) -> SignedLetter:
    try:
        content = sodium_unpad(SecretBox(secret).decrypt(box), PADDING_BYTES)
    except (CryptoError, ValueError):
        raise SealingRefused(
            SealingFault.DAMAGED, f"This message of {sender} was changed on its way, or is incomplete."
        ) from None
    at = 64
    if len(content) <= at:
        raise SealingRefused(SealingFault.DAMAGED, f"This message of {sender} is incomplete.")
    return SignedLetter(content[at:], content[:at])


def _checked_letter(signed: SignedLetter, sender: KeyRecord) -> Letter:
    if not is_letter_signed(signed, sender):
        raise SealingRefused(
            SealingFault.SIGNATURE, f"{sender.name} did not sign this message. Somebody else wrote it."
        )
    try:
        letter = msgspec.msgpack.decode(signed.letter, type=Letter)
    except (msgspec.MsgspecError, ValueError):
        raise SealingRefused(SealingFault.DAMAGED, f"This message of {sender.name} cannot be read.") from None
    if letter.format != LETTER_FORMAT:
        raise SealingRefused(SealingFault.FORMAT, f"{sender.name} wrote this with a newer version of groupchat.")
    check_letter_size(letter)
    return letter


def _room_key_of(sealed: SealedMessage, stamped: StampedFacts, keys: ReadersKeys) -> RoomKey:
    found = keys.room_keys.get(sealed.room_key)
    if found is None or found.room != stamped.room:
        raise SealingRefused(
            SealingFault.NO_ROOM_KEY,
            f"{keys.name} has no key of version {sealed.room_key} for #{stamped.room}: the message was sealed before "
            f"{keys.name} was admitted, after {keys.name} left, or the key was not handed over.",
        )
    return found


def _message_key(sealed: SealedMessage, stamped: StampedFacts, keys: ReadersKeys, sender: KeyRecord) -> bytes:
    """The key of a direct message. Between the sender's key and ours: so nobody else can have wrapped it."""
    wrapped = sealed.wrapped.get(keys.name)
    if wrapped is None:
        raise SealingRefused(SealingFault.NO_OWN_KEY, f"This message of {stamped.sender} is not sealed to {keys.name}.")
    own = keys.own.get(wrapped.version)
    if own is None:
        raise SealingRefused(
            SealingFault.NO_OWN_KEY,
            f"This message is sealed to version {wrapped.version} of your key, which is not on this machine.",
        )
    secret = unwrap_key(wrapped, MESSAGE_KEY_LABEL, own, sender)
    if secret is None:
        raise SealingRefused(SealingFault.DAMAGED, f"This message of {stamped.sender} was changed on its way.")
    return secret

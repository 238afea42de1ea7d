"""Opens and checks one message with what a machine has. Changes nothing; the chain is checked elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import msgspec

from gateway.encryption.member_client.checked_messages import CheckedMessage, MessageCheck, MessageProof
from gateway.encryption.member_client.member_machine import MemberMachine
from gateway.encryption.member_keys.key_records import KeyRecord
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.encryption.room_keys.room_key import RoomKey
from gateway.encryption.sealed_messages.base64_values import value_from_text
from gateway.encryption.sealed_messages.letter_facts import stamped_facts
from gateway.encryption.sealed_messages.letters import SignedLetter
from gateway.encryption.sealed_messages.sealing import (
    DIRECT,
    OpenedMessage,
    ReadersKeys,
    SealedMessage,
    ShownText,
    check_plain,
    context_value,
    open_sealed,
)
from gateway.encryption.sealed_messages.signed_letter_text import letter_of_signed, named_key
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Message
from gateway.protocol.types.core_types import SYSTEM_NAME, MessageKind, Signed

# Why a message cannot be read, though nothing says that somebody changed it.
_UNREADABLE = frozenset({SealingFault.NO_OWN_KEY, SealingFault.NO_ROOM_KEY, SealingFault.FORMAT})


@dataclass(frozen=True)
class Opened:
    """A message as it is shown; `letter` is what was proven of it, for its chain."""

    message: CheckedMessage
    letter: OpenedMessage | None = None


@dataclass(frozen=True)
class ReadingPlace:
    """Where a message was found: in which chat, and with which keys of its room. `is_sealed`: all members' messages
    there are sealed, so one that is not was written by nobody of them. `admitted`: who has, or had, a key of the room;
    None: this is not known."""

    house: str
    room_keys: Mapping[int, RoomKey]
    is_sealed: bool = False
    admitted: Collection[str] | None = None


def open_message(message: Message, machine: MemberMachine, place: ReadingPlace) -> Opened:
    try:
        if message.sealed is not None:
            return _open_box(message, machine, place)
        if place.is_sealed and not _may_be_plain(message):
            raise SealingRefused(
                SealingFault.SIGNATURE,
                f"This is shown as a message of {message.from_}, and it is not sealed. Nobody knows who wrote it.",
            )
        if message.signed is not None and named_key(message.signed) is not None:
            return _check_signed(message, message.signed, machine, place)
    except SealingRefused as refused:
        proof = MessageProof.UNREADABLE if refused.reason in _UNREADABLE else MessageProof.WRONG
        return Opened(refused_message(message, proof, refused.message))
    except GroupChatError as error:  # an address that is none, for example
        return Opened(refused_message(message, MessageProof.WRONG, f"This message is not one. {error.message}"))
    return Opened(checked(message, MessageCheck()))


def _may_be_plain(message: Message) -> bool:
    """The gateway's own notices hold nothing of members, and are typed into no agent."""
    return message.from_ == SYSTEM_NAME and message.kind is MessageKind.SYSTEM and not message.deliveries


def _open_box(message: Message, machine: MemberMachine, place: ReadingPlace) -> Opened:
    assert message.sealed is not None
    sealed = value_from_text(message.sealed.data, SealedMessage, f"This message of {message.from_}")
    if sealed.room_key != message.sealed.room_key:
        raise SealingRefused(SealingFault.OTHER_ROOM_KEY, f"This message of {message.from_} was changed on its way.")
    keys = ReadersKeys(machine.name, machine.keys, machine.senders(), place.room_keys)
    if place.is_sealed and sealed.room_key == DIRECT:
        _check_admitted(message, machine, place)
    opened = open_sealed(sealed, stamped_facts(place.house, message), keys)
    letter = opened.letter
    if sealed.room_key == DIRECT and set(message.recipients) != set(letter.recipients):
        raise SealingRefused(
            SealingFault.OTHER_RECIPIENTS, f"{message.from_} addressed this message to others than it is shown to."
        )
    proof = MessageProof.VERIFIED if machine.is_verified(message.from_) else MessageProof.SIGNED
    shown = checked(
        message,
        MessageCheck(proof, was_sealed=True),
        content=letter.text,
        parts=letter.parts,
        context=context_value(letter),
    )
    return Opened(shown, opened)


def _check_admitted(message: Message, machine: MemberMachine, place: ReadingPlace) -> None:
    """To seal a message to some members one needs no key of the room. Whoever is in it by the gateway's word alone must
    not give orders there, nor read the answers."""
    known = place.admitted
    if known is not None and message.from_ not in known and message.from_ != machine.name:
        raise SealingRefused(
            SealingFault.NOT_ADMITTED, f"{message.from_} wrote this, and no member has admitted {message.from_} here."
        )


def _check_signed(message: Message, signed: Signed, machine: MemberMachine, place: ReadingPlace) -> Opened:
    sender = _sender_of(message, signed, machine)
    if sender is None:
        return Opened(checked(message, MessageCheck(notes=(_unknown_signer_text(message, machine),))))
    shown = ShownText(message.content, message.parts, message.context)
    opened = check_plain(_letter_in(message, signed), stamped_facts(place.house, message), shown, sender)
    proof = MessageProof.VERIFIED if machine.is_verified(message.from_) else MessageProof.SIGNED
    return Opened(checked(message, MessageCheck(proof)), opened)


def _sender_of(message: Message, signed: Signed, machine: MemberMachine) -> KeyRecord | None:
    name, version = named_key(signed) or ("", 0)
    if name != message.from_:
        raise SealingRefused(SealingFault.OTHER_SENDER, f"{name} signed this, not {message.from_}.")
    return machine.senders().get((name, version))


def _unknown_signer_text(message: Message, machine: MemberMachine) -> str:
    if machine.pins.trust_of(message.from_) is None:
        return f"Signed, but no key of {message.from_} is known here to check it with."
    return f"Signed, but not by a key of {message.from_} that is trusted here."


def _letter_in(message: Message, signed: Signed) -> SignedLetter:
    return letter_of_signed(signed, f"The signature of this message of {message.from_}")


def refused_message(message: Message, proof: MessageProof, sentence: str) -> CheckedMessage:
    """What is shown in the place of a message that cannot be read, or is wrong: the sentence, and no attachments."""
    check = MessageCheck(proof, was_sealed=message.sealed is not None)
    return checked(message, check, content=sentence, parts=(), context=None)


def unchecked(event: object, why: str) -> object:
    """An event that could not be checked: a message has no text then."""
    if not isinstance(event, Message):
        return event
    return refused_message(event, MessageProof.WRONG, f"This message of {event.from_} could not be checked. {why}")


def checked(message: Message, check: MessageCheck, **changed: object) -> CheckedMessage:
    fields = {name: getattr(message, name) for name in Message.__struct_fields__}
    return CheckedMessage(**{**fields, **changed}, check=check)


def with_notes(message: CheckedMessage, notes: tuple[str, ...]) -> CheckedMessage:
    check = msgspec.structs.replace(message.check, notes=(*message.check.notes, *notes))
    return msgspec.structs.replace(message, check=check)

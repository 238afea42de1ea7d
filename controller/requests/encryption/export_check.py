"""Checks an export of a room, or a transcript in JSON, without a gateway: signatures, chains, and what is sealed if it
opens here.

The keys are those that this machine trusts, or those of a file that a person got from the members themselves. Nothing
is taken from the export but what it must prove: whoever made it could have put keys into it.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from gateway.encryption.key_storage.key_files import list_keys
from gateway.encryption.key_storage.member_memory import MemberMemory
from gateway.encryption.key_storage.pin_book import PinBook
from gateway.encryption.key_storage.pin_file import read_pins, write_pins
from gateway.encryption.member_client.chain_watch import ChainWatch
from gateway.encryption.member_client.checked_messages import CheckedMessage, MessageProof
from gateway.encryption.member_client.member_machine import MemberMachine
from gateway.encryption.member_client.message_opening import Opened, ReadingPlace, open_message, refused_message
from gateway.encryption.member_client.room_keyring import RoomKeyring
from gateway.encryption.member_keys.key_records import REVOCATION_WORD, parse_key_record, read_revocation
from gateway.encryption.member_keys.pinned_keys import PinnedKey, compare_with_pin, revoke_pin
from gateway.encryption.member_keys.private_keys import MemberKeys
from gateway.encryption.refusals import SealingRefused
from gateway.encryption.room_keys.notices import RoomPlace
from gateway.encryption.room_keys.room_key import RoomKey
from gateway.encryption.sealed_messages.letters import Letter
from gateway.encryption.sealed_messages.message_chains import ChainFinding
from gateway.encryption.sealed_messages.signed_letter_text import letter_of_signed, named_key
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Message
from gateway.protocol.types.core_types import SYSTEM_NAME

READER = "reader"  # who checks, without a key of their own


@dataclass(frozen=True)
class ExportedRoom:
    """What a file holds. `house` is the log that it says it is of; `texts` are what it shows of sealed messages."""

    room: str
    house: str
    is_sealed: bool
    messages: tuple[Message, ...]
    notices: tuple[str, ...] = ()
    texts: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Checker:
    """Who checks: the keys that are trusted, and own keys, by version, that open what is sealed."""

    pins: Mapping[str, PinnedKey]
    name: str = ""
    keys: Mapping[int, MemberKeys] = field(default_factory=dict, repr=False)
    room_keys: Mapping[int, RoomKey] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class ExportFinding:
    """Of one message. `is_missing`: others are missing before it."""

    message: CheckedMessage
    is_missing: bool = False

    @property
    def is_wrong(self) -> bool:
        return self.message.check.proof is MessageProof.WRONG or self.is_missing

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a person must read of it."""
        why = (self.message.content,) if self.message.check.proof.is_refused else ()
        return (*why, *self.message.check.notes)


@dataclass(frozen=True)
class ExportReport:
    room: str
    findings: tuple[ExportFinding, ...]
    problems: tuple[str, ...] = ()  # about keys of the room

    @property
    def is_wrong(self) -> bool:
        return any(one.is_wrong for one in self.findings) or bool(self.problems)

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(_kind_of(one.message) for one in self.findings)
        return {kind: found[kind] for kind in (*map(str, MessageProof), "system")}


def _kind_of(message: CheckedMessage) -> str:
    is_unsigned = message.check.proof is MessageProof.UNSIGNED
    return "system" if is_unsigned and message.from_ == SYSTEM_NAME else str(message.check.proof)


def check_export(exported: ExportedRoom, checker: Checker) -> ExportReport:
    """Every message in the order of its number, each with its place in its writer's chain."""
    house = exported.house or _house_in_letters(exported.messages)
    with _reading_machine(checker) as machine:
        memory = MemberMemory.open(machine.state, machine.name, house or "unknown", 1)
        try:
            keyring = RoomKeyring(machine, memory, RoomPlace(house, exported.room))
            problems = tuple(_take_notices(keyring, exported.notices)) if checker.keys else ()
            place = ReadingPlace(house, {**checker.room_keys, **keyring.keys()}, exported.is_sealed)
            chains = ChainWatch(memory)
            ordered = sorted(exported.messages, key=lambda one: one.seq)
            found = tuple(_check_one(one, machine, place, chains, exported.texts.get(one.seq)) for one in ordered)
        finally:
            memory.close()
    return ExportReport(exported.room, found, problems)


def _check_one(
    message: Message, machine: MemberMachine, place: ReadingPlace, chains: ChainWatch, shown: str | None
) -> ExportFinding:
    if message.sealed is not None and not machine.keys:
        closed = refused_message(message, MessageProof.UNREADABLE, "It is sealed, and no key was given that opens it.")
        return ExportFinding(closed)
    opened = open_message(message, machine, place)
    if shown is not None and opened.letter is not None and opened.letter.letter.text != shown:
        text = f"{message.from_} did not write the text that this file shows."
        return ExportFinding(refused_message(opened.message, MessageProof.WRONG, text))
    step = chains.step(opened)
    told: Opened = chains.shown(opened, step)
    return ExportFinding(told.message, step.finding is ChainFinding.GAP)


def _take_notices(keyring: RoomKeyring, notices: Sequence[str]) -> Iterator[str]:
    for notice in notices:
        try:
            keyring.take(notice)
        except SealingRefused as refused:
            yield refused.message


@contextmanager
def _reading_machine(checker: Checker) -> Iterator[MemberMachine]:
    """A machine that remembers nothing of other chats: what is in a file must fit together by itself."""
    with tempfile.TemporaryDirectory(prefix="groupchat-verify-") as folder:
        state = Path(folder)
        if checker.pins:
            write_pins(state, checker.pins)
        yield MemberMachine(state, checker.name or READER, checker.keys, PinBook(state))


def _house_in_letters(messages: Sequence[Message]) -> str:
    """The log that the first signed letter names. All others are then compared with it."""
    for message in messages:
        if message.signed is not None and named_key(message.signed) is not None:
            try:
                letter = letter_of_signed(message.signed, "The first signature")
                return msgspec.msgpack.decode(letter.letter, type=Letter).house
            except (SealingRefused, msgspec.MsgspecError, ValueError):
                continue
    return ""


def pins_of_file(text: str) -> dict[str, PinnedKey]:
    """The keys of a file with one line for each, as `key export` prints them, and revocations. All are taken as
    verified: the person who names the file vouches for it."""
    pins: dict[str, PinnedKey] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith(REVOCATION_WORD):
            name = read_revocation(line)[0].name
            if name in pins:
                pins[name] = revoke_pin(pins[name], line)
            continue
        came = parse_key_record(line)
        name = came.record.name
        pins[name] = compare_with_pin(pins.get(name), came).pin
        if pins[name].waiting:
            raise BadRequest(f"The file holds two keys of {name}, and neither vouches for the other.")
    return {name: msgspec.structs.replace(pin, verified=True) for name, pin in pins.items()}


def pins_of_machine(state: Path) -> dict[str, PinnedKey]:
    return read_pins(state)


def own_pins(state: Path) -> dict[str, PinnedKey]:
    """One's own keys, for checking what one has signed: that takes no passphrase."""
    pins: dict[str, PinnedKey] = {}
    for key in list_keys(state):
        name, before = key.published.record.name, pins.get(key.published.record.name)
        earlier = (*before.earlier, before.pinned) if before else ()
        pins[name] = PinnedKey(key.published.text, verified=True, revoked=key.is_revoked, earlier=earlier)
    return pins


def room_keys_of_machine(machine: MemberMachine, house: str, room: str) -> dict[int, RoomKey]:
    """The keys of a room that this machine has accepted in its own time."""
    if not machine.keys or not house or not machine.has_memory_of(house):
        return {}
    memory = machine.remember(house)
    try:
        return dict(RoomKeyring(machine, memory, RoomPlace(house, room)).keys())
    finally:
        memory.close()

"""Members with keys, and their letters, for the tests of sealed messages and rooms."""

from __future__ import annotations

from typing import Any

import msgspec

from gateway.encryption.member_keys.private_keys import draw_keys
from gateway.encryption.room_keys.room_key import draw_room_key
from gateway.encryption.sealed_messages.letters import FIRST_PREVIOUS, LETTER_FORMAT, Letter, StampedFacts
from gateway.encryption.sealed_messages.sealing import DIRECT, ReadersKeys
from gateway.protocol.types.core_types import MessageKind

HOUSE, ROOM = "house-1", "lab"
ADA, BOB, CLEO, MALLORY = (draw_keys(name, 1) for name in ("ada", "bob", "cleo", "mallory"))
ALL = {keys.record.name: keys for keys in (ADA, BOB, CLEO, MALLORY)}
RECORDS = {name: keys.record for name, keys in ALL.items()}
SENDERS = {(name, 1): record for name, record in RECORDS.items()}
ROOM_KEY = draw_room_key(ROOM, 3)


def letter_of(text: str = "the deploy is at nine", **changed: Any) -> Letter:
    """A message of ada to the room."""
    letter = Letter(
        format=LETTER_FORMAT,
        house=HOUSE,
        sender="ada",
        sender_key=1,
        room=ROOM,
        recipients=("bob", "cleo"),
        client_id="id-1",
        room_key=ROOM_KEY.version,
        room_key_id=ROOM_KEY.id,
        reply_to=12,
        kind=MessageKind.CHAT,
        stream=b"s" * 16,
        counter=0,
        previous=FIRST_PREVIOUS,
        text=text,
    )
    return msgspec.structs.replace(letter, **changed)


def direct_letter(text: str = "the deploy is at nine", **changed: Any) -> Letter:
    return letter_of(text, **{"room": "", "room_key": DIRECT, "room_key_id": b"", **changed})


def stamped(letter: Letter) -> StampedFacts:
    """What an honest gateway says of it."""
    return StampedFacts(
        letter.house, letter.sender, letter.room, letter.recipients, letter.client_id, letter.reply_to, letter.kind
    )


def reader(name: str) -> ReadersKeys:
    return ReadersKeys(name, {1: ALL[name]}, SENDERS, {ROOM_KEY.version: ROOM_KEY})

"""Claim: sealing a message of 4 kB, and opening and checking it, takes less than 0.2 ms of processor time each; a new
key for a room of 50 is made, and checked by a member, in less than 1 s."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from statistics import median

import msgspec

from benchmarks.figures import Cell, Outcome, Table, Verdict
from gateway.encryption.member_keys.private_keys import MemberKeys, draw_keys
from gateway.encryption.room_keys.admissions import Admission, sign_admission
from gateway.encryption.room_keys.notices import KeyHolders, RoomPlace, RosterEntry, check_notice, make_notice
from gateway.encryption.room_keys.room_key import RoomKey, draw_room_key
from gateway.encryption.sealed_messages.letters import FIRST_PREVIOUS, LETTER_FORMAT, Letter, StampedFacts
from gateway.encryption.sealed_messages.sealing import (
    DIRECT,
    ReadersKeys,
    open_sealed,
    seal_for_recipients,
    seal_for_room,
)
from gateway.protocol.types.core_types import MessageKind

TEXT = "x" * 4096
LIMIT_MS, ROTATION_LIMIT_MS = 0.2, 1000.0
MEMBERS = 50
ROUNDS, BATCH = 15, 100
PLACE = RoomPlace("house", "lab")


def measure(folder: Path, *, quick: bool) -> Outcome:
    rounds = 5 if quick else ROUNDS
    steps = {**_message_steps(), **_rotation_steps()}
    times = {name: _cpu_ms(step, rounds, batch) for name, (step, batch) in steps.items()}
    rows: tuple[dict[str, Cell], ...] = tuple({"step": name, "CPU ms": round(took, 4)} for name, took in times.items())
    verdicts = (
        *(
            Verdict(f"4 kB: {name}, CPU ms", times[name], LIMIT_MS, at_least=False)
            for name in ("seal for a room", "open in a room", "seal for one", "open from one")
        ),
        *(
            Verdict(f"{name}, CPU ms", times[name], ROTATION_LIMIT_MS, at_least=False)
            for name in ("make a key for 50", "check a key for 50")
        ),
    )
    note = f"Median of {rounds} rounds; a text of {len(TEXT)} bytes; opening checks the signature and all facts."
    return Outcome("sealing", (Table("Sealing and opening", rows, note),), verdicts)


def _message_steps() -> dict[str, tuple[Callable[[], object], int]]:
    ada, bob = draw_keys("ada", 1), draw_keys("bob", 1)
    key = draw_room_key(PLACE.room, 1)
    in_room, direct = _letter(PLACE.room, key), _letter("", None)
    records = {"ada": ada.record, "bob": bob.record}
    keys = ReadersKeys("bob", {1: bob}, {("ada", 1): ada.record}, {1: key})
    for_room, for_one = seal_for_room(in_room, ada, key), seal_for_recipients(direct, ada, records)
    return {
        "seal for a room": (lambda: seal_for_room(in_room, ada, key), BATCH),
        "open in a room": (lambda: open_sealed(for_room, _stamped(in_room), keys), BATCH),
        "seal for one": (lambda: seal_for_recipients(direct, ada, records), BATCH),
        "open from one": (lambda: open_sealed(for_one, _stamped(direct), keys), BATCH),
    }


def _rotation_steps() -> dict[str, tuple[Callable[[], object], int]]:
    people = [draw_keys(f"m{number}", 1) for number in range(MEMBERS)]
    founder = people[0]
    records = {keys.record.name: keys.record for keys in people}
    roster = tuple(_entry(keys, keys is founder) for keys in people)
    admitted = tuple(sign_admission(_admission(keys, founder), founder) for keys in people[1:])
    holders = KeyHolders(roster, records, admitted)
    signed, _ = make_notice(PLACE, None, founder, holders)
    return {
        "make a key for 50": (lambda: make_notice(PLACE, None, founder, holders), 1),
        "check a key for 50": (lambda: check_notice(signed, PLACE, None, records, "m1"), 1),
    }


def box_chars(text: str) -> int:
    """How many characters of base64 this text becomes in a sealed room."""
    key, ada = draw_room_key(PLACE.room, 1), draw_keys("ada", 1)
    sealed = seal_for_room(_letter(PLACE.room, key, text), ada, key)
    return len(b64encode(msgspec.msgpack.encode(sealed)))


def _letter(room: str, key: RoomKey | None, text: str = TEXT) -> Letter:
    version, key_id = (key.version, key.id) if key else (DIRECT, b"")
    return Letter(
        format=LETTER_FORMAT,
        house=PLACE.house,
        sender="ada",
        sender_key=1,
        room=room,
        recipients=("bob",),
        client_id="id",
        room_key=version,
        room_key_id=key_id,
        reply_to=None,
        kind=MessageKind.CHAT,
        stream=b"s" * 16,
        counter=0,
        previous=FIRST_PREVIOUS,
        text=text,
    )


def _stamped(letter: Letter) -> StampedFacts:
    return StampedFacts(
        letter.house, letter.sender, letter.room, letter.recipients, letter.client_id, letter.reply_to, letter.kind
    )


def _entry(keys: MemberKeys, may_admit: bool) -> RosterEntry:
    return RosterEntry(keys.record.name, keys.record.version, keys.record.fingerprint, may_admit)


def _admission(keys: MemberKeys, by: MemberKeys) -> Admission:
    record = keys.record
    return Admission(PLACE.house, PLACE.room, record.name, record.fingerprint, False, 0, by.record.name, 1)


def _cpu_ms(step: Callable[[], object], rounds: int, batch: int) -> float:
    """Processor time of one step: not what the machine does beside it."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(batch):
            step()
        times.append((time.process_time() - began) / batch * 1000)
    return median(times)

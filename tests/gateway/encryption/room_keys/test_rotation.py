"""Rotation: a table of what the gateway shows, and who gets the next key."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.encryption.member_keys.private_keys import MemberKeys, renew_keys
from gateway.encryption.room_keys.admissions import Admission
from gateway.encryption.room_keys.notices import RoomKeyNotice, RosterEntry
from gateway.encryption.room_keys.rotation import plan_rotation
from tests.gateway.encryption.people import ADA, BOB, CLEO, HOUSE, MALLORY, RECORDS, ROOM

BOB_ANEW = renew_keys(BOB, 2)
WITHOUT_BOB = {name: record for name, record in RECORDS.items() if name != "bob"}


def entry(keys: MemberKeys, may_admit: bool = False) -> RosterEntry:
    return RosterEntry(keys.record.name, keys.record.version, keys.record.fingerprint, may_admit)


def admits(keys: MemberKeys, fingerprint: bytes = b"", may_admit: bool = False) -> Admission:
    mine = fingerprint or keys.record.fingerprint
    return Admission(HOUSE, ROOM, keys.record.name, mine, may_admit, 4, "ada", 1)


NOTICE = RoomKeyNotice(1, HOUSE, ROOM, 4, b"p" * 16, b"k" * 16, "ada", 1, (entry(ADA, True), entry(BOB)))
HERE = ("ada", "bob")


@pytest.mark.parametrize(
    ("shown", "pins", "admissions", "expected"),
    [
        (HERE, RECORDS, (), {}),
        (("bob", "ada"), RECORDS, (), {}),
        (("ada",), RECORDS, (), {"is_due": True, "gone": ("bob",)}),
        ((), RECORDS, (), {"is_due": True, "gone": ("ada", "bob")}),
        (HERE, {**RECORDS, "bob": BOB_ANEW.record}, (), {"is_due": True, "renewed": ("bob",)}),
        (HERE, WITHOUT_BOB, (), {"is_due": True, "barred": ("bob",)}),
        ((*HERE, "mallory"), RECORDS, (), {"ghosts": ("mallory",)}),
        ((*HERE, "cleo"), RECORDS, (admits(CLEO),), {"is_due": True, "admitted": ("cleo",)}),
        (HERE, RECORDS, (admits(CLEO),), {}),  # has not come yet
        ((*HERE, "cleo"), RECORDS, (admits(CLEO, MALLORY.record.fingerprint),), {"ghosts": ("cleo",)}),
        ((*HERE, "cleo"), {"ada": ADA.record, "bob": BOB.record}, (admits(CLEO),), {"ghosts": ("cleo",)}),
        (HERE, RECORDS, (admits(BOB, may_admit=True),), {"is_due": True, "admitted": ("bob",)}),
        (HERE, RECORDS, (admits(BOB),), {}),
        (("ada", "mallory"), RECORDS, (), {"is_due": True, "gone": ("bob",), "ghosts": ("mallory",)}),
    ],
)
def test_who_gets_the_next_key(
    shown: Collection[str], pins: Any, admissions: Collection[Admission], expected: dict[str, Any]
) -> None:
    plan = plan_rotation(NOTICE, shown, pins, admissions)
    found = {name: getattr(plan, name) for name in ("is_due", "gone", "renewed", "admitted", "ghosts", "barred")}
    assert {name: value for name, value in found.items() if value} == expected


names = st.sets(st.sampled_from(sorted(RECORDS)))


@given(names, names, names)
def test_nobody_without_key_admission_or_presence_is_in_a_roster(
    shown: set[str], pinned: set[str], admitted: set[str]
) -> None:
    people = {"ada": ADA, "bob": BOB, "cleo": CLEO, "mallory": MALLORY}
    pins = {name: RECORDS[name] for name in pinned}
    plan = plan_rotation(NOTICE, shown, pins, [admits(people[name]) for name in admitted])
    roster = {one.name for one in plan.roster}
    assert roster == shown & pinned & ({"ada", "bob"} | admitted)
    assert set(plan.ghosts) == shown - {"ada", "bob"} - roster
    assert {one.name for one in plan.roster if one.may_admit} <= {"ada"}
    assert plan.is_due == (roster != {"ada", "bob"})

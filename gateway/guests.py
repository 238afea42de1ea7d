"""Members that a dialect registers for callers without a token. Pure.

A dialect stands to its guests as the team token stands to the members that it made: it may speak for whom it
registered itself, for nobody else, and from the moment a guest is given a token of its own no more for that one.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway import members
from gateway import room as rooms
from gateway.house import Clerk, Fact, House, MemberRecord, Ruling
from gateway.protocol.errors import Conflict, NameTaken
from gateway.protocol.events import MemberAction
from gateway.protocol.nouns import DEFAULT_ROOM, RESERVED_NAMES, Member
from gateway.protocol.results import Done
from gateway.rights import Actor

MOST_GUESTS = 1000
NOT_FOR_GUESTS = RESERVED_NAMES | {members.TEAM_MEMBER}


def guests_of(house: House, dialect: str) -> Iterator[Member]:
    return (record.member for record in house.members.values() if record.dialect == dialect)


def is_guest(house: House, dialect: str, name: str) -> bool:
    record = house.members.get(name)
    return record is not None and record.dialect == dialect


def speaker(house: House, dialect: str, name: str) -> Actor:
    """Whom the dialect speaks as, if it may."""
    record = house.members.get(name)
    if record is None or record.dialect != dialect:
        raise NameTaken(f"{name!r} is not a guest of {dialect}: it needs a token of its own to speak.")
    return Actor(name, record.member.kind)


def arrive(house: House, dialect: str, wish: Member, clerk: Clerk) -> tuple[Fact, ...]:
    """A guest as it wishes to be: new, back again, or still here."""
    known = house.members.get(wish.name)
    if wish.name in NOT_FOR_GUESTS or (known is not None and known.dialect != dialect):
        raise NameTaken(f"{wish.name!r} belongs to somebody else.")
    if known is None:
        _room_for_another(house, dialect)
        record, action = MemberRecord(wish, dialect=dialect), MemberAction.REGISTERED
    else:
        record, action = _again(known, wish), _action(known)
    facts: list[Fact] = []
    if record != known:
        facts.append(members.member_fact(clerk, action, record, wish.name))
    if DEFAULT_ROOM not in house.rooms_of[wish.name]:
        facts.append(rooms.joined(clerk, DEFAULT_ROOM, wish.name, wish.name))
    return tuple(facts)


def _room_for_another(house: House, dialect: str) -> None:
    """Whoever can reach the port can make members, and members stay: there must be an end to it."""
    if sum(1 for _ in guests_of(house, dialect)) >= MOST_GUESTS:
        raise Conflict(f"{MOST_GUESTS} members came by {dialect} already, and no more are let in without a token.")


def _again(known: MemberRecord, wish: Member) -> MemberRecord:
    member = msgspec.structs.replace(
        known.member, hidden=False, inbox=known.member.inbox or wish.inbox, project=wish.project or known.member.project
    )
    return msgspec.structs.replace(known, member=member)


def _action(known: MemberRecord) -> MemberAction:
    return MemberAction.RETURNED if known.member.hidden else MemberAction.CHANGED


def leave(house: House, dialect: str, name: str, clerk: Clerk) -> Ruling:
    """Hide a guest that has gone; what waits for it stays. Who has a token by now stays as well."""
    if not is_guest(house, dialect, name):
        return Ruling(Done())
    return members.leave_house(house, name, name, clerk)

"""Members that a dialect registers for callers without a token. Pure.

A dialect stands to its guests as the team token stands to the members that it made: it may speak for whom it
registered itself, for nobody else, and from the moment a guest is given a token of its own no more for that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from gateway.access.permissions import Actor
from gateway.model.log_events import Change, Clerk, Fact, Ruling
from gateway.model.member_state import Live
from gateway.model.records import MemberRecord
from gateway.model.state import House
from gateway.protocol.errors import Conflict, NameTaken
from gateway.protocol.events import MemberAction
from gateway.protocol.results import Done
from gateway.protocol.types import RESERVED_NAMES, SYSTEM, TEAM, Member, MemberKind
from gateway.rooms import members, removal, room_changes

MOST_GUESTS = 1000
KEPT_CALLERS = 200
NOT_HERE = Live()
NOT_FOR_GUESTS = RESERVED_NAMES | {members.TEAM_MEMBER, TEAM}


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


def arrive(house: House, wish: MemberRecord, clerk: Clerk) -> tuple[Fact, ...]:
    """A guest as it wishes to be: new, back again, or still here."""
    name = members.described(wish.member).name
    known = house.members.get(name)
    if name in NOT_FOR_GUESTS or (known is not None and known.dialect != wish.dialect):
        raise NameTaken(f"{name!r} belongs to somebody else.")
    facts: list[Fact] = []
    if known is None:
        fact = members.member_fact(clerk, MemberAction.REGISTERED, wish, name)
        facts.append(Fact(fact.event, changes=(*_room_for_another(house, wish.dialect), *fact.changes)))
    elif (record := _again(known, wish)) != known:
        facts.append(members.member_fact(clerk, _action(known), record, name))
    facts.extend(members.joined_by_itself(house, name, name, clerk))
    if known is None:
        facts.extend(_rooms_of_nobody(house, frozenset(forgotten_by(facts)), clerk))
    return tuple(facts)


def forgotten_by(facts: Iterable[Fact]) -> list[str]:
    """Who is a member no more with these."""
    changes = (change for fact in facts for change in fact.changes)
    return [change.key for change in changes if change.kind == "member" and change.value is None]


def _room_for_another(house: House, dialect: str) -> tuple[Change, ...]:
    """Whoever can reach the port can make members: there must be an end to it, and yet a newcomer must get in. So the
    one makes way that has been away for the longest; rather one that nothing waits for, and that has proven no key."""
    mine = [record for record in house.members.values() if record.dialect == dialect]
    if len(mine) < MOST_GUESTS:
        return _callers_forgotten(house, dialect)
    away = [one for one in mine if not _live(house, one).connections]
    if not away:
        raise Conflict(f"{MOST_GUESTS} guests are connected by {dialect}, and no more are let in without a token.")
    return _forgotten(house, min(away, key=lambda one: _worth(house, one)).member.name)


def _worth(house: House, record: MemberRecord) -> tuple[bool, bool, float]:
    return house.queued.get(record.member.name, 0) > 0, record.proven, _live(house, record).lost


def _live(house: House, record: MemberRecord) -> Live:
    return house.live.get(record.member.name, NOT_HERE)


def _forgotten(house: House, name: str) -> tuple[Change, ...]:
    outside = tuple(Change("membership", f"{room}/{name}", None) for room in house.rooms_of[name])
    return (*outside, Change("member", name, None))


def _rooms_of_nobody(house: House, forgotten: frozenset[str], clerk: Clerk) -> Iterator[Fact]:
    """Guests make only so many rooms together: those go whose maker is forgotten, and in which nobody is."""
    itself = Actor(SYSTEM, MemberKind.SYSTEM)
    for record in [one for one in house.rooms.values() if not one.removed]:
        made_by = record.created_by
        is_known = made_by in house.members and made_by not in forgotten
        if room_changes.came_without_token(house, made_by) and not is_known and house.in_room[record.name] <= forgotten:
            yield from removal.removed_room(house, itself, record, clerk).facts


def _callers_forgotten(house: House, dialect: str) -> tuple[Change, ...]:
    """The member of a guest that has gone for good: nothing waits for it, and it has no key to come back with. The
    last ones are kept, so that what they have just said has an author."""
    gone = [
        one.member.name
        for one in house.members.values()
        if one.dialect == dialect and one.member.hidden and not one.member.inbox and not one.key
    ]
    return _forgotten(house, gone[0]) if len(gone) >= KEPT_CALLERS else ()


def _again(known: MemberRecord, wish: MemberRecord) -> MemberRecord:
    before, after = known.member, wish.member
    member = msgspec.structs.replace(
        before,
        hidden=False,
        inbox=before.inbox or after.inbox,
        project=after.project or before.project,
        capabilities=after.capabilities or before.capabilities,
    )
    return msgspec.structs.replace(known, member=member, proven=known.proven or wish.proven)


def _action(known: MemberRecord) -> MemberAction:
    return MemberAction.RETURNED if known.member.hidden else MemberAction.CHANGED


def leave(house: House, dialect: str, name: str, clerk: Clerk) -> Ruling:
    """Hide a guest that has gone; what waits for it stays. Who has a token by now stays as well."""
    if not is_guest(house, dialect, name):
        return Ruling(Done())
    return members.leave_house(house, name, name, clerk)


def depart(house: House, dialect: str, name: str, clerk: Clerk) -> Ruling:
    """A guest that is there only while it is connected: it leaves the rooms as well. Nobody writes to it meanwhile."""
    if not is_guest(house, dialect, name):
        return Ruling(Done())
    outside = tuple(room_changes.left(clerk, room, name) for room in sorted(house.rooms_of[name]))
    ruling = members.leave_house(house, name, name, clerk)
    return Ruling(ruling.result, (*outside, *ruling.facts))

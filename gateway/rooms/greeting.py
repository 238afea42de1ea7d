"""The rules of a hello: who comes, as what, and into which rooms. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from gateway.access.permissions import Actor
from gateway.model.log_events import Clerk, Fact
from gateway.model.records import MemberRecord
from gateway.model.state import House
from gateway.protocol import OLDEST_VERSION, VERSION
from gateway.protocol.errors import VersionMismatch
from gateway.protocol.events import MemberAction, RoomEvent
from gateway.protocol.requests import Hello
from gateway.protocol.types import DEFAULT_ROOM, Member, member_name_of, room_name_of
from gateway.rooms import room_changes
from gateway.rooms.lookalike_names import need_own_display
from gateway.rooms.members import TEAM_MEMBER_DISPLAY, admit, described, is_let_in, member_fact


def hello(house: House, actor: Actor, request: Hello, clerk: Clerk) -> tuple[Fact, ...]:
    if request.version < OLDEST_VERSION:
        raise VersionMismatch(
            f"This gateway speaks versions {OLDEST_VERSION} to {VERSION} of the protocol, not {request.version}."
        )
    if actor.read_only:
        _need_nothing_new(house, actor, request)
        return ()
    facts = [*admit(house, actor, clerk)]
    known = house.members.get(actor.name)
    before = known.member if known else Member(actor.name, actor.kind, TEAM_MEMBER_DISPLAY)
    if request.display is not None and request.display != before.display:
        need_own_display(house, actor.name, request.display)
    after = _as_asked(before, request)
    if after != before:
        action = MemberAction.RETURNED if before.hidden else MemberAction.CHANGED
        record = msgspec.structs.replace(known, member=after) if known else MemberRecord(after, actor.team)
        facts.append(member_fact(clerk, action, record, actor.name))
    joined_now = {fact.event.room for fact in facts if isinstance(fact.event, RoomEvent)}
    for name in _rooms_to_join(house, actor, request):
        if name not in house.rooms_of[actor.name] and name not in joined_now:
            facts.append(room_changes.joined(clerk, name, actor.name, actor.name))
            joined_now.add(name)
    return tuple(facts)


def _need_nothing_new(house: House, actor: Actor, request: Hello) -> None:
    """A read-only token may listen, and is nobody by that."""
    wishes = (request.inbox, request.role, request.project, request.display, request.priority, request.capabilities)
    if any(wishes):
        actor.need_write("its hello cannot ask for an inbox, nor say who one is")
    for text in request.rooms:
        if room_name_of(text) not in house.rooms_of[actor.name]:
            house.room(room_name_of(text), actor)
            actor.need_write(f"its hello cannot enter the room {text[:80]!r}")


def _as_asked(member: Member, request: Hello) -> Member:
    described(
        Member(member.name, member.kind, request.display, None, request.project, capabilities=request.capabilities)
    )
    return msgspec.structs.replace(
        member,
        hidden=False,
        inbox=member.inbox or request.inbox,
        role=member_name_of(request.role) if request.role else member.role,
        project=request.project or member.project,
        display=request.display or member.display,
        priority=request.priority or member.priority,
        capabilities=request.capabilities or member.capabilities,
    )


def _rooms_to_join(house: House, actor: Actor, request: Hello) -> Iterable[str]:
    """Those it asks for; without a wish the default room, unless it was put out of that."""
    if not request.rooms and is_let_in(house, actor.name):
        yield DEFAULT_ROOM
    for text in request.rooms:
        record = house.room(room_name_of(text), actor)
        if actor.name not in house.in_room[record.name]:
            room_changes.need_let_in(house, record, actor)
        yield record.name

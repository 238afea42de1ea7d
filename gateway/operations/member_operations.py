"""Requests of members and rooms that need more than a rule: registering, leaving, and who is here."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.model.paging import page
from gateway.operations.token_operations import expected
from gateway.protocol import requests as r
from gateway.protocol import results as out
from gateway.protocol.types import bare_name, check_text, room_name_of
from gateway.rooms import members, removal
from gateway.runtime import departed_members
from gateway.runtime.hub import Hub


async def register(hub: Hub, actor: Actor, request: r.Register) -> out.Result:
    done = await hub.carry_out(members.register(hub.house, actor, request, hub.clerk(), hub.entropy()))
    return expected(hub, done)


async def whoami(hub: Hub, actor: Actor, request: r.WhoAmI) -> out.Identity:
    me, house = hub.house.member(actor.name), hub.house
    rooms = tuple(sorted(house.rooms_of[actor.name]))
    return out.Identity(me.name, me.kind, me.role, rooms, house.queued.get(actor.name, 0), actor.read_only)


async def bye(hub: Hub, actor: Actor, request: r.Bye) -> out.Result:
    return await hub.carry_out(members.leave_house(hub.house, actor.name, actor.name, hub.clerk()))


async def set_activity(hub: Hub, actor: Actor, request: r.SetActivity) -> out.Done:
    check_text(request.note, what="note")
    live = hub.house.live[actor.name]
    live.activity, live.composer, live.note = request.activity, request.composer, request.note
    live.heard, live.tells_activity = hub.now, True
    hub.presence.touch(actor.name)
    return out.Done()


async def remove_member(hub: Hub, actor: Actor, request: r.RemoveMember) -> out.Result:
    ruling = removal.remove_member(hub.house, actor, request, hub.clerk())
    done = await hub.carry_out(ruling)
    name = bare_name(request.member)
    await departed_members.settle(hub, name, f"{name} was removed by {actor.name}")
    return done


async def rooms(hub: Hub, actor: Actor, request: r.Rooms) -> out.RoomList:
    house = hub.house
    known = (one for one in house.rooms.values() if house.may_know(one, actor) and not one.removed)
    gone = (one for one in house.rooms.values() if one.removed and request.removed and house.may_read(one, actor))
    shown, more = page(
        (*known, *gone), lambda one: one.name, request.after, request.limit, lambda one: house.room_seen(one, actor)
    )
    return out.RoomList(shown, more)


async def members_of(hub: Hub, actor: Actor, request: r.Members) -> out.MemberList:
    house = hub.house
    names = {name for name, record in house.members.items() if not record.removed}
    if request.room is not None:
        names &= house.in_room[house.readable_room(room_name_of(request.room), actor).name]
    here = (house.members[name].member for name in names)
    wanted = (one for one in here if request.all or not one.hidden)
    shown, more = page(wanted, lambda one: one.name, request.after, request.limit, lambda one: house.view(one, hub.now))
    return out.MemberList(shown, more)

"""Requests about members and rooms that need more than a rule: register, leave, list."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.model.paging import cut_page
from gateway.operations.token_operations import expect_member
from gateway.protocol.requests import Bye, Members, Register, RemoveMember, Rooms, SetActivity, WhoAmI
from gateway.protocol.results import Done, Identity, MemberList, Result, RoomList
from gateway.protocol.types import bare_name, canonical_room_name, check_message_text
from gateway.rooms import members, removal
from gateway.runtime import departed_members
from gateway.runtime.hub import Hub


async def answer_register(hub: Hub, actor: Actor, request: Register) -> Result:
    done = await hub.carry_out(members.register_member(hub.state, actor, request, hub.sequencer(), hub.entropy()))
    return expect_member(hub, done)


async def answer_whoami(hub: Hub, actor: Actor, request: WhoAmI) -> Identity:
    me, state = hub.state.member(actor.name), hub.state
    rooms = tuple(sorted(state.rooms_of[actor.name]))
    return Identity(me.name, me.kind, me.role, rooms, state.queued.get(actor.name, 0), actor.read_only)


async def answer_bye(hub: Hub, actor: Actor, request: Bye) -> Result:
    return await hub.carry_out(members.leave_house(hub.state, actor.name, actor.name, hub.sequencer()))


async def answer_set_activity(hub: Hub, actor: Actor, request: SetActivity) -> Done:
    check_message_text(request.note, what="note")
    live = hub.state.live[actor.name]
    live.activity, live.composer, live.note = request.activity, request.composer, request.note
    live.heard, live.tells_activity = hub.now, True
    hub.presence.note_change(actor.name)
    return Done()


async def answer_remove_member(hub: Hub, actor: Actor, request: RemoveMember) -> Result:
    outcome = removal.remove_member(hub.state, actor, request, hub.sequencer())
    done = await hub.carry_out(outcome)
    name = bare_name(request.member)
    await departed_members.end_deliveries_of(hub, name, f"{name} was removed by {actor.name}")
    return done


async def answer_rooms(hub: Hub, actor: Actor, request: Rooms) -> RoomList:
    state = hub.state
    known = (one for one in state.rooms.values() if state.may_know(one, actor) and not one.removed)
    gone = (one for one in state.rooms.values() if one.removed and request.removed and state.may_read(one, actor))
    shown, more = cut_page(
        (*known, *gone),
        lambda one: one.name,
        request.after,
        request.limit,
        lambda one: state.room_as_seen_by(one, actor),
    )
    return RoomList(shown, more)


async def answer_members(hub: Hub, actor: Actor, request: Members) -> MemberList:
    state = hub.state
    names = {name for name, record in state.members.items() if not record.removed}
    if request.room is not None:
        names &= state.in_room[state.readable_room(canonical_room_name(request.room), actor).name]
    here = (state.members[name].member for name in names)
    wanted = (one for one in here if request.all or not one.hidden)
    shown, more = cut_page(
        wanted, lambda one: one.name, request.after, request.limit, lambda one: state.view(one, hub.now)
    )
    return MemberList(shown, more)

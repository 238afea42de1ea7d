"""Requests about members and rooms that need more than a rule: register, leave, list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_rules, resume_notices, usage_limit_notices
from gateway.marks import mutes
from gateway.model.paging import cut_page
from gateway.model.rule_outcome import RuleOutcome
from gateway.operations.access.token_operations import expect_member
from gateway.protocol.requests.agent_requests import SetActivity, SetCondition, SetConversation, SetFolder
from gateway.protocol.requests.connection_requests import Bye
from gateway.protocol.requests.member_requests import Members, Register, RemoveMember, WhoAmI
from gateway.protocol.requests.room_requests import Kick, Leave, RemoveRoom, Rooms
from gateway.protocol.results import Done, Identity, MemberList, Result, RoomList
from gateway.protocol.types.core_types import bare_name, canonical_room_name, check_message_text
from gateway.rooms import members, removal, room_rules
from gateway.runtime import departed_member_deliveries
from gateway.runtime.hub import Hub


async def answer_register(hub: Hub, actor: Actor, request: Register) -> Result:
    done = await hub.carry_out(members.register_member(hub.state, actor, request, hub.rule_context(), hub.entropy()))
    return expect_member(hub, done)


async def answer_whoami(hub: Hub, actor: Actor, request: WhoAmI) -> Identity:
    me, state = hub.state.member(actor.name), hub.state
    rooms = tuple(sorted(state.rooms_of[actor.name]))
    waiting, muted = state.queued.get(actor.name, 0), mutes.rooms_muted_by(state, actor.name)
    return Identity(me.name, me.kind, me.role, rooms, waiting, actor.read_only, muted)


async def answer_bye(hub: Hub, actor: Actor, request: Bye) -> Result:
    return await hub.carry_out(members.leave_chat(hub.state, actor.name, actor.name, hub.rule_context()))


async def answer_set_activity(hub: Hub, actor: Actor, request: SetActivity) -> Done:
    check_message_text(request.note, what="note")
    live = hub.state.live[actor.name]
    live.begin_activity(request.activity, request.note, hub.now)
    live.activity, live.composer, live.note = request.activity, request.composer, request.note
    live.heard, live.tells_activity = hub.now, True
    hub.presence.note_change(actor.name)
    return Done()


async def answer_set_condition(hub: Hub, actor: Actor, request: SetCondition) -> Result:
    """The room is told before the next presence shows it. A limit that was told already is not told again."""
    live, condition = hub.state.live[actor.name], request.condition
    usage_limit_notices.check_condition(condition)
    notices = usage_limit_notices.limit_notices(hub.state, actor.name, condition, hub.rule_context())
    live.condition = condition
    live.told_limit = usage_limit_notices.told_limit_after(live.told_limit, condition, is_told_now=bool(notices))
    hub.presence.note_change(actor.name)
    return await hub.carry_out(RuleOutcome(Done(), notices))


async def answer_set_conversation(hub: Hub, actor: Actor, request: SetConversation) -> Result:
    resume_notices.check_report(request)
    live, context = hub.state.live[actor.name], hub.rule_context()
    notices = resume_notices.return_notices(hub.state, actor.name, request, context, hub.now)
    live.conversation = request.start
    if notices:
        live.told_return = (resume_notices.report_key(request), hub.now)
    hub.presence.note_change(actor.name)
    return await hub.carry_out(RuleOutcome(Done(), notices))


async def answer_set_folder(hub: Hub, actor: Actor, request: SetFolder) -> Done:
    hub.state.live[actor.name].folder = request.folder
    return Done()


async def answer_remove_member(hub: Hub, actor: Actor, request: RemoveMember) -> Result:
    """In one commit with the end of all that is open for the member; what others add meanwhile ends after it."""
    name = bare_name(request.member)
    why = f"{name} was removed by {actor.name}"
    opened = await departed_member_deliveries.open_messages_of(hub, (name,))
    outcome = removal.remove_member(hub.state, actor, request, hub.rule_context())
    ends = (delivery_rules.end_delivery(*one, hub.rule_context(), why) for one in opened)
    done = await hub.carry_out(
        RuleOutcome(outcome.result, (*outcome.events, *(fact for fact in ends if fact is not None)))
    )
    await departed_member_deliveries.end_deliveries_of(hub, name, why)
    return done


async def answer_kick(hub: Hub, actor: Actor, request: Kick) -> Result:
    name, room = bare_name(request.member), canonical_room_name(request.room)
    put_out = Removal(room, (name,), f"{actor.name} removed {name} from the room {room}")
    return await put_out.carry_out(hub, lambda: room_rules.kick_member(hub.state, actor, request, hub.rule_context()))


async def answer_leave(hub: Hub, actor: Actor, request: Leave) -> Result:
    room = canonical_room_name(request.room)
    left = Removal(room, (actor.name,), f"{actor.name} left the room {room}")
    return await left.carry_out(hub, lambda: room_rules.leave_room(hub.state, actor, request, hub.rule_context()))


async def answer_remove_room(hub: Hub, actor: Actor, request: RemoveRoom) -> Result:
    room = canonical_room_name(request.room)
    names = tuple(sorted(hub.state.in_room.get(room, ())))
    removed = Removal(room, names, f"{actor.name} removed the room {room}")
    return await removed.carry_out(hub, lambda: removal.remove_room(hub.state, actor, request, hub.rule_context()))


@dataclass(frozen=True)
class Removal:
    """Who is put out of a room, and why."""

    room: str
    names: tuple[str, ...]
    why: str

    async def carry_out(self, hub: Hub, decide: Callable[[], RuleOutcome]) -> Result:
        """In one commit, take back what waits in the room for those who are put out of it; not what tells them so."""
        opened = await departed_member_deliveries.open_messages_of(
            hub, departed_member_deliveries.with_waiting_messages(hub, self.names)
        )
        outcome = decide()
        taken = delivery_rules.take_back_waiting(opened, self.room, self.why, hub.rule_context())
        done = await hub.carry_out(RuleOutcome(outcome.result, (*outcome.events, *taken)))
        before = outcome.events[0].event.seq
        await departed_member_deliveries.take_back_late_ones(hub, self.names, self.room, before, self.why)
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

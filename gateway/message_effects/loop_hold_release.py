"""Shows the loop guard's holds, and lifts them: `continue` delivers the held messages. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.agent_control import agent_orders, delivery_rules
from gateway.loop_guard.holds import STORED_AS, HeldMessage, LoopHold
from gateway.model.deliveries.recent_messages import MessageHeader
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.model.system_messages import room_notice
from gateway.protocol.events import ControlAction, Message
from gateway.protocol.requests.agent_requests import Continue
from gateway.protocol.results import Continued
from gateway.protocol.types.core_types import Delivery, Rung, bare_name, canonical_room_name
from gateway.protocol.types.loop_limits import LoopHoldView

HELD_REASON = "loop guard: not delivered until a person sends /continue"


MAX_SHOWN_MESSAGES = 12


def lift_holds(state: GatewayState, actor: Actor, request: Continue, rule_context: RuleContext) -> RuleOutcome:
    """Lift holds in one room or all, for one agent or all, and deliver the held messages in order, each once."""
    actor.require(Permission.CONTINUE)
    name = state.member(bare_name(request.member)).name if request.member else None
    rooms = (
        [state.readable_room(canonical_room_name(request.room), actor).name]
        if request.room
        else _visible_rooms(state, actor)
    )
    stand = [hold for room in rooms if (hold := state.loop_holds.get(room)) and _is_about(hold, name)]
    facts = tuple(fact for hold in stand for fact in _lift_hold_events(state, hold, name, actor, rule_context))
    woken = tuple(one for fact in facts for one in fact.deliveries)
    return RuleOutcome(Continued(tuple(hold.room for hold in stand), woken), facts)


def _visible_rooms(state: GatewayState, actor: Actor) -> list[str]:
    return [
        name for name in sorted(state.loop_holds) if name in state.rooms and state.may_read(state.rooms[name], actor)
    ]


def _is_about(hold: LoopHold, name: str | None) -> bool:
    holds_messages = any(name is None or name in one.names for one in hold.held)
    return holds_messages or any(name is None or name in one.names for one in hold.trips)


def _lift_hold_events(
    state: GatewayState, hold: LoopHold, name: str | None, actor: Actor, rule_context: RuleContext
) -> Iterator[EventToCommit]:
    """The notice comes first, because its number marks up to where the limits are reset."""
    after, found = hold.lift(rule_context.last_seq + 1, name)
    woken = [one for one in found if one.deadline is None or one.deadline > rule_context.now]
    members = {each for one in hold.trips if name is None or name in one.names for each in one.names}
    context = {"continued": {"by": actor.name, "members": sorted(members)}}
    text = _lift_text(actor, name, woken, hold.beyond if name is None else 0)
    yield room_notice(hold.room, text, rule_context, context, (StateChange(STORED_AS, hold.room, after),))
    for one in woken:
        for member in _remaining_members(state, hold.room, one.names):
            yield from _wake_events(hold.room, one, member, actor, rule_context)


def _remaining_members(state: GatewayState, room: str, names: Sequence[str]) -> list[str]:
    """The names without members that were removed meanwhile, from the room or altogether."""
    return [name for name in names if name in state.in_room[room] and state.members[name].member.inbox]


def _lift_text(actor: Actor, name: str | None, woken: Sequence[HeldMessage], beyond: int) -> str:
    numbers = ", ".join(f"#{one.message} for {', '.join(one.names)}" for one in woken[:MAX_SHOWN_MESSAGES])
    more = f" and {len(woken) - MAX_SHOWN_MESSAGES} more" if len(woken) > MAX_SHOWN_MESSAGES else ""
    rest = f" {beyond} more were not kept and will not be delivered; read them in the history." if beyond else ""
    wakes = f" Delivered now: {numbers}{more}." if woken else ""
    return f"{actor.name} lifted the loop guard for {name or 'all agents'}.{wakes}{rest}"


def _wake_events(
    room: str, held: HeldMessage, member: str, actor: Actor, rule_context: RuleContext
) -> Iterator[EventToCommit]:
    """Begin the delivery, and notify the sidecar, which has already seen the message without a delivery."""
    yield delivery_rules.begun(
        MessageHeader(room, held.sender), held.message, member, f"woken by {actor.name}", rule_context
    )
    yield agent_orders.order_about_message(ControlAction.RETRY, member, held.message, rule_context)


def visible_holds(state: GatewayState, actor: Actor) -> tuple[LoopHoldView, ...]:
    seen = (state.loop_holds[name] for name in _visible_rooms(state, actor))
    return tuple(one.view() for one in seen if one.trips or one.held)


def held_recipients(state: GatewayState, message: Message) -> tuple[Delivery, ...]:
    """The members for whom the loop guard holds this message, shown as held deliveries."""
    hold = state.loop_holds.get(message.room)
    names = (name for one in (hold.held if hold else ()) if one.message == message.seq for name in one.names)
    return tuple(Delivery(message.seq, name, Rung.HELD, HELD_REASON, message.timestamp) for name in names)


def drop_taken_back(
    state: GatewayState, message: Message, events: tuple[EventToCommit, ...]
) -> tuple[EventToCommit, ...]:
    """The events that end deliveries of a message, with the hold that no longer keeps it for those members: otherwise
    `continue` would deliver what was taken back."""
    names = {one.member for event in events for one in event.deliveries if one.message == message.seq}
    stored = (one.value for event in events for one in event.changes if one.kind == STORED_AS)
    *_, hold = (state.loop_holds.get(message.room), *stored)
    if not isinstance(hold, LoopHold) or (after := hold.without_message(message.seq, names)) == hold:
        return events
    *rest, last = events
    change = StateChange(STORED_AS, message.room, after.or_none())
    return (*rest, msgspec.structs.replace(last, changes=(*last.changes, change)))

"""The rule of muted rooms: a member's own wish, which its clients follow. Pure: (state, request, rule_context) ->
outcome.

Muting changes no delivery. Only notifications and unread counts follow it, so only that member learns of it.
"""

from __future__ import annotations

from gateway.access.permissions import Actor, Permission
from gateway.model.records.stored_records import MutedRoom
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.protocol.events import MuteEvent
from gateway.protocol.requests.mark_requests import Mute
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import canonical_room_name


def mute_room(state: GatewayState, actor: Actor, request: Mute, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.SEND)
    room = state.own_room(canonical_room_name(request.room), actor).name
    key = f"{room}/{actor.name}"
    if (key in state.muted) is request.on:
        return RuleOutcome(Done())
    event = MuteEvent(rule_context.seq(), room, actor.name, request.on, rule_context.stamp)
    record = MutedRoom(room, actor.name) if request.on else None
    return RuleOutcome(
        Done(event.seq), (EventToCommit(event, ends=(actor.name,), changes=(StateChange("muted", key, record),)),)
    )


def rooms_muted_by(state: GatewayState, name: str) -> tuple[str, ...]:
    """Only rooms in which the member still is."""
    found = (room for room in sorted(state.rooms_of.get(name, ())) if f"{room}/{name}" in state.muted)
    return tuple(found)

"""The rule of read marks: how far a person has been shown a room. Pure: (state, request, rule_context) -> outcome.

They are kept, because an agent's answer may wait for days until somebody looks.
"""

from __future__ import annotations

from gateway.access.permissions import Actor, Permission
from gateway.model.records.stored_records import ReadMark
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import ReadEvent
from gateway.protocol.requests.mark_requests import MarkRead
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import MemberKind, canonical_room_name


def mark_read(state: GatewayState, actor: Actor, request: MarkRead, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.SEND)
    room = state.own_room(canonical_room_name(request.room), actor).name
    if request.message > rule_context.last_seq:
        raise BadRequest(f"There is no message {request.message} yet.")
    key = f"{room}/{actor.name}"
    before = state.reads_of_room.get(room, {}).get(actor.name, 0)
    if actor.kind is not MemberKind.HUMAN or before >= request.message:
        return RuleOutcome(Done())
    event = ReadEvent(rule_context.seq(), room, actor.name, request.message, rule_context.stamp)
    change = StateChange("read", key, ReadMark(room, actor.name, request.message))
    return RuleOutcome(Done(event.seq), (EventToCommit(event, ends=(actor.name,), changes=(change,)),))


def done_agents_in(state: GatewayState, room: str) -> tuple[str, ...]:
    """The agents whose last answer is in this room and whose look may change with a read mark."""
    return tuple(
        name
        for name in state.in_room.get(room, ())
        if (cost := state.costs.get(name)) and cost.last and cost.last.room == room
    )

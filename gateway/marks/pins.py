"""The rules of pins: messages that a room keeps at hand. Pure: (state, message, request, rule_context) -> outcome."""

from __future__ import annotations

from gateway.access.permissions import Actor, Permission
from gateway.model.records.stored_records import PinRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, Conflict
from gateway.protocol.events import Message, PinEvent
from gateway.protocol.requests.mark_requests import Pin
from gateway.protocol.results import Done

MAX_PINS_PER_ROOM = 50


def pin_message(
    state: GatewayState, actor: Actor, request: Pin, message: Message, rule_context: RuleContext
) -> RuleOutcome:
    """`message` is one that the actor may read."""
    actor.require(Permission.SEND)
    room = state.own_room(message.room, actor).name
    if message.recipients:
        raise BadRequest(
            f"Message {message.seq} is a direct message. Only what everyone in a room reads can be pinned."
        )
    key = f"{room}/{message.seq}"
    if (key in state.pins) is not request.remove:
        return RuleOutcome(Done())
    if not request.remove and len(pins_of(state, room)) >= MAX_PINS_PER_ROOM:
        raise Conflict(f"{MAX_PINS_PER_ROOM} messages are pinned in {room!r}. Remove one of the pins first.")
    event = PinEvent(rule_context.seq(), room, message.seq, actor.name, rule_context.stamp, removed=request.remove)
    record = None if request.remove else PinRecord(room, message.seq, event.seq, actor.name, rule_context.stamp)
    return RuleOutcome(Done(event.seq), (EventToCommit(event, changes=(StateChange("pin", key, record),)),))


def pins_of(state: GatewayState, room: str) -> list[PinRecord]:
    """The pins of a room, oldest first."""
    return sorted((one for one in state.pins.values() if one.room == room), key=lambda one: one.seq)


def pins_after(state: GatewayState, room: str, message: int) -> list[PinRecord]:
    """The pins of a room after the pin of this message; all of them if it is not pinned."""
    found = pins_of(state, room)
    place = next((at for at, one in enumerate(found, 1) if one.message == message), 0)
    return found[place:]

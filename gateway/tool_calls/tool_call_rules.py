"""The rules of custom tools: offer operations, call them, answer a call, and what time does to an open call. Pure.

A call is a fact of the log: it begins with one event and ends with another, so a tool, a caller or a gateway that was
away finds what it has missed. Caller and tool get the events; the room reads a line when the call ends.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.model.paging import cut_page
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange, StoreOnlyDocument
from gateway.model.state import GatewayState
from gateway.model.system_messages import room_notice
from gateway.protocol import codec
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, NotFound
from gateway.protocol.events import CallEvent, ToolEvent
from gateway.protocol.results import CallView, Done, ToolList
from gateway.protocol.text.similar_names import similar_names
from gateway.protocol.tool_calls.tool_call_requests import AnswerCall, CallTool, OfferTools, ToolOffers
from gateway.protocol.tool_calls.tool_call_types import CallOfTool, CallState, ToolOffer, ToolOperation
from gateway.protocol.types.core_types import DEFAULT_ROOM, bare_name, canonical_room_name
from gateway.protocol.types.timestamps import iso_from_seconds, seconds_from_iso
from gateway.sealed_rooms.keyless_members import refuse_in_sealed_room
from gateway.tool_calls.argument_check import MAX_RESULT_BYTES, check_arguments, check_offer, check_size
from gateway.tool_calls.call_notices import call_line

MAX_OPEN_CALLS_OF_CALLER = 20
MAX_OPEN_CALLS_OF_TOOL = 100
MAX_KEPT_ENDED = 200  # ended calls that memory keeps, without their arguments and results; the store keeps all
RETURN_GRACE_S = 10.0  # a tool that comes back so soon may still answer
STORE_KIND = "call"


# offers


def offer_operations(state: GatewayState, actor: Actor, request: OfferTools, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.OFFER_TOOLS)
    check_offer(request.operations)
    before = state.tools.get(actor.name)
    if codec.encode(before.operations if before else ()) == codec.encode(request.operations):
        return RuleOutcome(Done())
    offer = ToolOffer(actor.name, request.operations, rule_context.stamp) if request.operations else None
    names = tuple(one.name for one in request.operations)
    event = ToolEvent(rule_context.seq(), actor.name, names, rule_context.stamp)
    return RuleOutcome(Done(event.seq), (EventToCommit(event, changes=(StateChange("tool", actor.name, offer),)),))


def list_offers(state: GatewayState, actor: Actor, request: ToolOffers, rule_context: RuleContext) -> RuleOutcome:
    found = cut_page(
        _offers_for(state, actor),
        lambda one: one.tool,
        request.after,
        request.limit,
        lambda one: msgspec.structs.replace(one, connected=_is_connected(state, one.tool)),
    )
    return RuleOutcome(ToolList(*found))


def _offers_for(state: GatewayState, actor: Actor) -> Iterator[ToolOffer]:
    """The offers of tools that share a room with this member."""
    rooms = state.rooms_of.get(actor.name, set())
    sees_all = actor.may(Permission.READ_DIRECT)
    for name, offer in state.tools.items():
        if sees_all or rooms & state.rooms_of.get(name, set()):
            yield offer


def _is_connected(state: GatewayState, name: str) -> bool:
    live = state.live.get(name)
    return live is not None and live.is_connected


# calls


def open_call(state: GatewayState, actor: Actor, request: CallTool, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.CALL_TOOLS)
    if (again := _find_repeated(state, actor, request)) is not None:
        return RuleOutcome(CallView(again))
    tool = bare_name(request.tool)
    room = _room_of_call(state, actor, tool, request.room)
    refuse_in_sealed_room(state, room, "the arguments and the result of a call would be readable")
    operation = _operation_of(state, tool, request.operation)
    if not _is_connected(state, tool):
        raise Conflict(f"The tool {tool} is not connected now. Nothing was called.")
    _check_open_calls(state, actor.name, tool)
    check_arguments(operation, request.arguments)
    limit = min(request.time_limit or operation.time_limit, operation.time_limit)
    call = CallOfTool(
        number=rule_context.seq(),
        room=room,
        by=actor.name,
        tool=tool,
        operation=operation.name,
        at=rule_context.stamp,
        expires=iso_from_seconds(rule_context.now + limit),
        arguments=request.arguments,
        id=request.id or "",
    )
    return RuleOutcome(CallView(call), (_call_event(call.number, call, call, rule_context, _forget_old(state)),))


def _find_repeated(state: GatewayState, actor: Actor, request: CallTool) -> CallOfTool | None:
    if request.id is None:
        return None
    return next((one for one in state.calls.values() if (one.by, one.id) == (actor.name, request.id)), None)


def _room_of_call(state: GatewayState, actor: Actor, tool: str, named: str | None) -> str:
    """The room that reads of the call. A tool with which one shares none is not there."""
    shared = sorted(state.rooms_of.get(actor.name, set()) & state.rooms_of.get(tool, set()))
    room = state.own_room(canonical_room_name(named), actor).name if named else None
    if tool not in state.tools or not shared or (room is not None and room not in shared):
        offers = [one.tool for one in _offers_for(state, actor)]
        where = f"the room {room!r}" if room else "your rooms"
        raise NotFound(f"There is no tool {tool[:64]!r} in {where}.", nearest=similar_names(tool, offers))
    return room or (DEFAULT_ROOM if DEFAULT_ROOM in shared else shared[0])


def _operation_of(state: GatewayState, tool: str, name: str) -> ToolOperation:
    offered = {one.name: one for one in state.tools[tool].operations}
    if name not in offered:
        text = f"{tool} has no operation {name[:64]!r}. It offers {', '.join(offered)}."
        raise NotFound(text, nearest=similar_names(name, offered))
    return offered[name]


def _check_open_calls(state: GatewayState, caller: str, tool: str) -> None:
    if len(state.open_calls_of.get(tool, ())) >= MAX_OPEN_CALLS_OF_TOOL:
        raise Conflict(f"{tool} has {MAX_OPEN_CALLS_OF_TOOL} open calls. Try again when some have ended.")
    if sum(one.is_open and one.by == caller for one in state.calls.values()) >= MAX_OPEN_CALLS_OF_CALLER:
        raise Conflict(f"{caller} has {MAX_OPEN_CALLS_OF_CALLER} open calls. Wait for the end of one.")


def _forget_old(state: GatewayState) -> tuple[StateChange, ...]:
    ended = [key for key, one in state.calls.items() if not one.is_open]
    return tuple(StateChange("call", key, None) for key in ended[: max(0, len(ended) - MAX_KEPT_ENDED)])


# the end of a call


def answer_call(state: GatewayState, actor: Actor, request: AnswerCall, rule_context: RuleContext) -> RuleOutcome:
    """The first answer counts. A later one is refused, so that a tool knows that nobody reads it."""
    actor.require(Permission.OFFER_TOOLS)
    call = require_call(state, actor, request.call)
    if call.tool != actor.name:
        raise Forbidden(f"The call #{call.number} is not for {actor.name}.")
    if not call.is_open:
        raise Conflict(f"The call #{call.number} has already ended ({call.state}). This answer reaches nobody.")
    if request.error and request.result is not None:
        raise BadRequest("Send a result or an error, not both.")
    check_size("result", request.result, MAX_RESULT_BYTES)
    how = CallState.FAILED if request.error else CallState.ANSWERED
    answered = msgspec.structs.replace(call, result=request.result, error=request.error)
    facts = _end_call(state, answered, how, rule_context)
    return RuleOutcome(Done(facts[0].event.seq), facts)


def process_due_call(
    state: GatewayState, key: str, rule_context: RuleContext, started: float = 0.0
) -> tuple[tuple[EventToCommit, ...], float | None]:
    """The effect of time on a call: no answer in time, or a tool that went away and did not return."""
    call = state.calls.get(key)
    if call is None or not call.is_open:
        return (), None
    expires, lost = seconds_from_iso(call.expires), _time_of_loss(state, call, started)
    due = min(expires, lost)
    if due > rule_context.now:
        return (), due
    how, why = (
        (CallState.LOST, f"{call.tool} went away before it answered.")
        if lost < expires
        else (CallState.EXPIRED, f"{call.tool} did not answer within {expires - seconds_from_iso(call.at):g} s.")
    )
    return _end_call(state, msgspec.structs.replace(call, error=why), how, rule_context), None


def _time_of_loss(state: GatewayState, call: CallOfTool, started: float) -> float:
    """When a call of a tool that is not connected is lost; never while it is."""
    if _is_connected(state, call.tool):
        return float("inf")
    live = state.live.get(call.tool)
    return max(live.lost if live else started, started) + RETURN_GRACE_S


def _end_call(
    state: GatewayState, call: CallOfTool, how: CallState, rule_context: RuleContext
) -> tuple[EventToCommit, ...]:
    whole = msgspec.structs.replace(call, state=how, ended=rule_context.stamp)
    told = msgspec.structs.replace(whole, arguments={})
    kept = msgspec.structs.replace(told, result=None, error="")
    ended = _call_event(rule_context.seq(), told, kept, rule_context)
    ended = msgspec.structs.replace(
        ended, store_only_documents=(StoreOnlyDocument(STORE_KIND, str(call.number), whole),), about=call.number
    )
    room = state.rooms.get(call.room)
    if room is None or room.removed:
        return (ended,)
    return (ended, room_notice(call.room, call_line(whole), rule_context))


def _call_event(
    seq: int, told: CallOfTool, kept: CallOfTool, rule_context: RuleContext, besides: tuple[StateChange, ...] = ()
) -> EventToCommit:
    """`told`: what caller and tool get; `kept`: what memory keeps."""
    change = StateChange("call", str(kept.number), kept)
    return EventToCommit(
        CallEvent(seq, told, rule_context.stamp), ends=(told.by, told.tool), changes=(change, *besides)
    )


# who sees a call


def may_see_call(actor: Actor, call: CallOfTool) -> bool:
    return actor.name in (call.by, call.tool) or actor.may(Permission.READ_DIRECT)


def require_call(state: GatewayState, actor: Actor, number: int) -> CallOfTool:
    call = state.calls.get(str(number))
    if call is None or not may_see_call(actor, call):
        raise unknown_call_error(actor, number)
    return call


def unknown_call_error(actor: Actor, number: int) -> NotFound:
    return NotFound(f"There is no call #{number} that {actor.name} can see.")


def calls_to_answer(state: GatewayState, tool: str) -> Iterator[CallOfTool]:
    """The open calls of a tool, oldest first."""
    return (state.calls[key] for key in sorted(state.open_calls_of.get(tool, ()), key=int))

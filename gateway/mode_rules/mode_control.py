"""The rules of turn modes: how people control a mode, and how time advances it. Pure: (state, ..., rule_context) ->
events.

`gateway.turns.engine` decides; `gateway.mode_rules.turn_effects` turns its decisions into events.
"""

from __future__ import annotations

from gateway.access.permissions import Actor, Permission
from gateway.mode_rules import speaker_roles
from gateway.mode_rules.turn_effects import effect_events, floor_after, mode_notice, turn_events, withdraw_prompts
from gateway.model.deliveries.delivery_states import RETRIABLE_RUNGS
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome
from gateway.model.state import AWAY_AFTER_S, GatewayState
from gateway.protocol.errors import BadRequest, Conflict
from gateway.protocol.requests.mode_requests import EndMode, ExtendTurn, GetMode, Modes, NextTurn, SetMode, Working
from gateway.protocol.results import ModeList, ModeStanding
from gateway.protocol.types.core_types import (
    SYSTEM_NAME,
    Activity,
    ModeInfo,
    Rung,
    canonical_room_name,
    check_message_text,
)
from gateway.sealed_rooms.keyless_members import refuse_in_sealed_room
from gateway.turns.engine import (
    Floor,
    ModeBegan,
    ModeEnded,
    SpeakerSigns,
    TimePassed,
    TurnExtended,
    TurnPassed,
    WorkReported,
    apply_event,
    next_check_at,
)
from gateway.turns.floor_view import floor_view_of
from gateway.turns.mode import FREEFORM, Mode

WORKING_ACTIVITIES = (Activity.BUSY, Activity.ASKING, Activity.STARTING)


# requests


def begin_mode_request(state: GatewayState, actor: Actor, request: SetMode, rule_context: RuleContext) -> RuleOutcome:
    room = _check_may_lead(state, actor, request.room)
    refuse_in_sealed_room(state, room, "a mode would have to read along, so there is none")
    check_message_text(request.topic, what="topic")
    if request.mode.lower() == FREEFORM:
        return end_running_mode(state, actor, room, rule_context)
    wish = speaker_roles.mode_start_from(state, rule_context.settings.modes, request, room, actor.name)
    return start_mode(state, room, wish, rule_context, replace=request.replace)


def end_running_mode(state: GatewayState, actor: Actor, room: str, rule_context: RuleContext) -> RuleOutcome:
    said = f"Mode: {FREEFORM.upper()}"
    facts = turn_events(state, room, ModeEnded(said), rule_context, actor.name)
    return _mode_outcome(state, room, facts or (mode_notice(state, room, said, rule_context),))


def start_mode(
    state: GatewayState, room: str, wish: ModeBegan, rule_context: RuleContext, *, replace: bool = False
) -> RuleOutcome:
    before = state.floor(room)
    if before.running and not replace:
        raise Conflict(
            f"{before.name} runs in {room!r} already ({before.speaker} has the turn). End it first, or set `replace`."
        )
    facts = withdraw_prompts(state, room, before, rule_context)
    step = apply_event(replace_mode(before), wish, rule_context.now)
    return _mode_outcome(state, room, (*facts, *effect_events(state, room, before, step, rule_context, wish.by)))


def replace_mode(before: Floor) -> Floor:
    return Floor(past=(*before.past, *before.prompts), taken=before.taken)


def show_mode(state: GatewayState, actor: Actor, request: GetMode, rule_context: RuleContext) -> RuleOutcome:
    room = state.readable_room(canonical_room_name(request.room), actor).name
    return RuleOutcome(ModeStanding(floor_view_of(state.floor(room))))


def pass_turn_on(state: GatewayState, actor: Actor, request: NextTurn, rule_context: RuleContext) -> RuleOutcome:
    room = _check_may_lead(state, actor, request.room)
    _check_mode_runs(state, room)
    return _mode_outcome(state, room, turn_events(state, room, TurnPassed(), rule_context, actor.name))


def extend_turn(state: GatewayState, actor: Actor, request: ExtendTurn, rule_context: RuleContext) -> RuleOutcome:
    room = _check_may_lead(state, actor, request.room)
    _check_mode_runs(state, room)
    return _mode_outcome(
        state,
        room,
        turn_events(
            state, room, TurnExtended(request.seconds, rule_context.settings.patience), rule_context, actor.name
        ),
    )


def end_mode(state: GatewayState, actor: Actor, request: EndMode, rule_context: RuleContext) -> RuleOutcome:
    room = _check_may_lead(state, actor, request.room)
    _check_mode_runs(state, room)
    why = f"{state.floor(room).name.upper()} ended by {actor.name}."
    return _mode_outcome(state, room, turn_events(state, room, ModeEnded(why), rule_context, actor.name))


def report_working(state: GatewayState, actor: Actor, request: Working, rule_context: RuleContext) -> RuleOutcome:
    """The speaker reports that it still works. A report of anybody else changes nothing."""
    room = state.readable_room(canonical_room_name(request.room), actor).name
    check_message_text(request.note, what="note")
    before = state.floor(room)
    facts = turn_events(
        state,
        room,
        WorkReported(actor.name, rule_context.settings.patience),
        rule_context,
        actor.name,
        note=request.note,
    )
    return RuleOutcome(ModeStanding(floor_view_of(floor_after(facts) or before), extended=bool(facts)), facts)


def list_modes(state: GatewayState, actor: Actor, request: Modes, rule_context: RuleContext) -> RuleOutcome:
    return RuleOutcome(ModeList(tuple(mode_info(one) for _, one in sorted(rule_context.settings.modes.items()))))


def mode_info(mode: Mode) -> ModeInfo:
    phases = tuple(one.name for one in mode.phases)
    return ModeInfo(mode.name, mode.about, phases, mode.roles, mode.topic, mode.rounds, mode.members, mode.turns)


def _check_may_lead(state: GatewayState, actor: Actor, room: str) -> str:
    actor.require(Permission.MODE)
    find = state.room if actor.may(Permission.ADMINISTER) else state.own_room
    return find(canonical_room_name(room), actor).name


def _check_mode_runs(state: GatewayState, room: str) -> None:
    if not state.floor(room).running:
        raise BadRequest("The mode freeform has no turns. Start another mode first.")


def _mode_outcome(state: GatewayState, room: str, facts: tuple[EventToCommit, ...]) -> RuleOutcome:
    return RuleOutcome(ModeStanding(floor_view_of(floor_after(facts) or state.floor(room))), facts)


# time


def process_due_floor(
    state: GatewayState, room: str, rule_context: RuleContext, started: float
) -> tuple[tuple[EventToCommit, ...], float | None]:
    """Advance a floor by time and by the state of its speaker. Returns the events and when to check again."""
    floor = state.floor(room)
    if not floor.running:
        return (), None
    signs = speaker_signs(state, room, floor, rule_context, started)
    facts = turn_events(state, room, TimePassed(signs, rule_context.settings.patience), rule_context, SYSTEM_NAME)
    now = floor_after(facts) or floor
    return facts, next_check_at(
        now, signs if now.prompts == floor.prompts else SpeakerSigns(), rule_context.settings.patience
    )


def speaker_signs(
    state: GatewayState, room: str, floor: Floor, rule_context: RuleContext, started: float
) -> SpeakerSigns:
    patience = rule_context.settings.patience
    name = floor.speaker
    record = state.members.get(name)
    if record is None or name not in state.in_room[room]:
        return SpeakerSigns(outside=True)
    live = state.live[name]
    delivery = state.latest_deliveries.get((floor.prompts[-1], name)) if floor.prompts else None
    silent = delivery is not None and delivery.rung is Rung.ANSWERED
    lost = f"{delivery.rung}: {delivery.reason}" if delivery is not None and delivery.rung in RETRIABLE_RUNGS else ""
    gone = None
    if not live.is_connected and live.lost > started:
        gone = live.lost if record.member.hidden else live.lost + AWAY_AFTER_S - patience.gone
    elif record.member.hidden:
        gone = floor.since
    busy = live.activity in WORKING_ACTIVITIES and live.is_connected
    taken_back = delivery is not None and delivery.rung is Rung.CANCELLED
    return SpeakerSigns(busy=busy, lost=lost, taken_back=taken_back, silent=silent, gone=gone)

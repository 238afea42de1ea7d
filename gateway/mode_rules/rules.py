"""The rules by which people lead a mode, and by which time moves it on. Pure: (house, ..., clerk) -> facts.

The engine is `gateway.turns.engine`; what it decides is written down in `gateway.mode_rules.turn_effects`.
"""

from __future__ import annotations

from gateway.access.permissions import Action, Actor
from gateway.mode_rules import roles
from gateway.mode_rules.turn_effects import after, line, moved, withdrawn, written
from gateway.model.delivery_states import RETRIABLE
from gateway.model.log_events import Clerk, Fact, Ruling
from gateway.model.state import AWAY_AFTER, House
from gateway.protocol.errors import BadRequest, Conflict
from gateway.protocol.modes import EndMode, ExtendTurn, GetMode, Modes, NextTurn, SetMode, Working
from gateway.protocol.results import ModeList, ModeStanding
from gateway.protocol.types import SYSTEM, Activity, ModeInfo, Rung, check_text, room_name_of
from gateway.turns.engine import Began, End, Extend, Floor, Looked, Next, Signs, handle, next_look
from gateway.turns.engine import Working as AtWork
from gateway.turns.mode import FREEFORM, Mode
from gateway.turns.view import view_of

AT_WORK = (Activity.BUSY, Activity.ASKING, Activity.STARTING)


# asked


def set_mode(house: House, actor: Actor, request: SetMode, clerk: Clerk) -> Ruling:
    room = _led(house, actor, request.room)
    check_text(request.topic, what="topic")
    if request.mode.lower() == FREEFORM:
        return freeform(house, actor, room, clerk)
    wish = roles.wish(house, clerk.settings.modes, request, room, actor.name)
    return started(house, room, wish, clerk, replace=request.replace)


def freeform(house: House, actor: Actor, room: str, clerk: Clerk) -> Ruling:
    said = f"Mode: {FREEFORM.upper()}"
    facts = moved(house, room, End(said), clerk, actor.name)
    return _ruled(house, room, facts or (line(house, room, said, clerk),))


def started(house: House, room: str, wish: Began, clerk: Clerk, *, replace: bool = False) -> Ruling:
    before = house.floor(room)
    if before.running and not replace:
        raise Conflict(
            f"{before.name} runs in {room!r} already ({before.speaker} has the turn). End it first, or replace it."
        )
    facts = withdrawn(house, room, before, clerk)
    step = handle(replaced(before), wish, clerk.now)
    return _ruled(house, room, (*facts, *written(house, room, before, step, clerk, wish.by)))


def replaced(before: Floor) -> Floor:
    return Floor(past=(*before.past, *before.prompts), taken=before.taken)


def get_mode(house: House, actor: Actor, request: GetMode, clerk: Clerk) -> Ruling:
    room = house.readable_room(room_name_of(request.room), actor).name
    return Ruling(ModeStanding(view_of(house.floor(room))))


def next_turn(house: House, actor: Actor, request: NextTurn, clerk: Clerk) -> Ruling:
    room = _led(house, actor, request.room)
    _need_turns(house, room)
    return _ruled(house, room, moved(house, room, Next(), clerk, actor.name))


def extend_turn(house: House, actor: Actor, request: ExtendTurn, clerk: Clerk) -> Ruling:
    room = _led(house, actor, request.room)
    _need_turns(house, room)
    return _ruled(house, room, moved(house, room, Extend(request.seconds, clerk.settings.patience), clerk, actor.name))


def end_mode(house: House, actor: Actor, request: EndMode, clerk: Clerk) -> Ruling:
    room = _led(house, actor, request.room)
    _need_turns(house, room)
    why = f"{house.floor(room).name.upper()} ended by {actor.name}."
    return _ruled(house, room, moved(house, room, End(why), clerk, actor.name))


def working(house: House, actor: Actor, request: Working, clerk: Clerk) -> Ruling:
    """By whoever has the turn; of all others it changes nothing."""
    room = house.readable_room(room_name_of(request.room), actor).name
    check_text(request.note, what="note")
    before = house.floor(room)
    facts = moved(house, room, AtWork(actor.name, clerk.settings.patience), clerk, actor.name, note=request.note)
    return Ruling(ModeStanding(view_of(after(facts) or before), extended=bool(facts)), facts)


def modes(house: House, actor: Actor, request: Modes, clerk: Clerk) -> Ruling:
    return Ruling(ModeList(tuple(info_of(one) for _, one in sorted(clerk.settings.modes.items()))))


def info_of(mode: Mode) -> ModeInfo:
    phases = tuple(one.name for one in mode.phases)
    return ModeInfo(mode.name, mode.about, phases, mode.roles, mode.topic, mode.rounds, mode.members, mode.turns)


def _led(house: House, actor: Actor, room: str) -> str:
    actor.need(Action.MODE)
    find = house.room if actor.may(Action.ADMINISTER) else house.own_room
    return find(room_name_of(room), actor).name


def _need_turns(house: House, room: str) -> None:
    if not house.floor(room).running:
        raise BadRequest("There are no turns in freeform.")


def _ruled(house: House, room: str, facts: tuple[Fact, ...]) -> Ruling:
    return Ruling(ModeStanding(view_of(after(facts) or house.floor(room))), facts)


# time


def due(house: House, room: str, clerk: Clerk, started: float) -> tuple[tuple[Fact, ...], float | None]:
    """What time, and what became of the speaker, does to a floor. And when to look again."""
    floor = house.floor(room)
    if not floor.running:
        return (), None
    signs = signs_of(house, room, floor, clerk, started)
    facts = moved(house, room, Looked(signs, clerk.settings.patience), clerk, SYSTEM)
    now = after(facts) or floor
    return facts, next_look(now, signs if now.prompts == floor.prompts else Signs(), clerk.settings.patience)


def signs_of(house: House, room: str, floor: Floor, clerk: Clerk, started: float) -> Signs:
    patience = clerk.settings.patience
    name = floor.speaker
    record = house.members.get(name)
    if record is None or name not in house.in_room[room]:
        return Signs(outside=True)
    live = house.live[name]
    ladder = house.ladders.get((floor.prompts[-1], name)) if floor.prompts else None
    silent = ladder is not None and ladder.rung is Rung.ANSWERED
    lost = f"{ladder.rung}: {ladder.reason}" if ladder is not None and ladder.rung in RETRIABLE else ""
    gone = None
    if live.connections == 0 and live.lost > started:
        gone = live.lost if record.member.hidden else live.lost + AWAY_AFTER - patience.gone
    elif record.member.hidden:
        gone = floor.since
    busy = live.activity in AT_WORK and live.connections > 0
    taken_back = ladder is not None and ladder.rung is Rung.CANCELLED
    return Signs(busy=busy, lost=lost, taken_back=taken_back, silent=silent, gone=gone)

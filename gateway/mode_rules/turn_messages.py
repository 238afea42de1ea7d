"""What is said in a room where a mode runs: whether it is the turn, and whom it wakes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum

from gateway.access.permissions import Actor
from gateway.conversation.reply_targets import also_answered
from gateway.mode_rules.turn_effects import moved
from gateway.model.log_events import Change, Clerk, Fact
from gateway.model.state import MACHINES, House
from gateway.protocol.events import Message
from gateway.protocol.requests import Send
from gateway.protocol.types import MessageKind
from gateway.turns import keywords as words
from gateway.turns.engine import MOST_TRIES, Answered, Heard, Line, Wondered, handle
from gateway.turns.engine import Working as AtWork


class Place(Enum):
    """What a message is to the floor of its room: nothing, the turn itself, a line of it that names somebody, or a word
    out of turn."""

    FREE = "free"
    TURN = "turn"
    LINE = "line"
    ASIDE = "aside"


def place_of(house: House, actor: Actor, request: Send, room: str, names: Collection[str]) -> Place:
    """What a message will be to the floor, before it is written."""
    floor = house.floor(room)
    if actor.kind not in MACHINES or not (floor.running or floor.past):
        return Place.FREE
    answers = {request.reply_to, *also_answered(request)}
    if names and request.kind is MessageKind.REPLY and answers & {*floor.prompts, *floor.past}:
        return Place.LINE
    if not floor.running:
        return Place.FREE
    if actor.name == floor.speaker:
        return Place.TURN if _is_the_turn(house, actor, request, names, answers & {*floor.prompts}) else Place.FREE
    if not names:
        return Place.ASIDE
    machines = any(house.members[one].member.kind in MACHINES for one in names if one in house.members)
    return Place.ASIDE if machines and floor.speaker not in names else Place.FREE


def _is_the_turn(
    house: House, actor: Actor, request: Send, names: Collection[str], answers: Collection[object]
) -> bool:
    if request.kind is MessageKind.REPLY and not actor.hands:
        return not names and (bool(answers) or request.reply_to is None)
    return not names or house.members[actor.name].by_team


def wakes(house: House, place: Place, name: str) -> bool:
    """Whom a message reaches at once. What is said in turn or out of turn wakes no agent; who only polls reads it."""
    if place is Place.FREE:
        return True
    record = house.members[name]
    return record.member.kind not in MACHINES or record.by_team


def after_saying(
    house: House, message: Message, place: Place, clerk: Clerk, news: Sequence[Fact] = ()
) -> tuple[tuple[Change, ...], tuple[Fact, ...]]:
    """What a message that is about to be committed does to the floor: what goes with it, and what
    follows it. `news` are votes that stand in it."""
    floor = house.floor(message.room)
    if not floor.running or place is Place.LINE or (place is Place.FREE and message.recipients):
        return (), ()
    line = Line(message.seq, message.from_, message.content, place is Place.ASIDE, message.deliveries)
    if place is Place.TURN and words.working_note(message.content) is not None:
        told = AtWork(message.from_, clerk.settings.patience, answered=True)
        return (), moved(house, message.room, told, clerk, message.from_)
    if place is Place.TURN and words.asks_for_status(message.content) and floor.tries < MOST_TRIES:
        return (), moved(house, message.room, Wondered(), clerk, message.from_)
    if place is Place.TURN:
        return (), moved(house, message.room, Answered(line, message.id), clerk, message.from_, news=news)
    if place is Place.ASIDE and message.recipients:
        return (), ()
    after = handle(floor, Heard(line, message.id), clerk.now).floor
    return (Change("floor", message.room, after),), ()

"""The turns of the simple interface: modes of one phase, in which everybody speaks in turn, round after round."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.access.permissions import Action, Actor
from gateway.mode_rules import roles, rules
from gateway.model.log_events import Clerk, Ruling
from gateway.model.state import MACHINES, House
from gateway.protocol.errors import BadRequest
from gateway.protocol.modes import SetMode
from gateway.protocol.types import DEFAULT_ROOM, bare_name, check_text
from gateway.turns.engine import Began, Floor
from gateway.turns.mode import EACH, FREEFORM, MAX_ROUNDS, MAX_TURNS, Mode, Phase

NAMES = ("debate", "consensus", "autopilot")
TELL = "Speak to the topic, in the light of what the others wrote. This is round {round} of {rounds}."
ROUND = Phase("turns", EACH, TELL, otherwise="turns")
REST = 0.1
MODES = {name: Mode(name, phases=(ROUND,), topic=name == "consensus", rest=REST) for name in NAMES}


def begin(  # noqa: PLR0913, PLR0917 - what a simple client sends
    house: House, actor: Actor, mode: str, topic: str, agents: tuple[str, ...] | None, rounds: int, clerk: Clerk
) -> Ruling:
    actor.need(Action.MODE)
    if mode == FREEFORM:
        return rules.set_mode(house, actor, SetMode(mode=FREEFORM), clerk)
    if mode not in MODES:
        raise BadRequest("Invalid mode")
    check_text(topic, what="topic")
    return rules.started(
        house, DEFAULT_ROOM, wish(house, actor, MODES[mode], topic, agents, rounds), clerk, replace=True
    )


def wish(  # noqa: PLR0913, PLR0917 - what a simple client sends
    house: House, actor: Actor, mode: Mode, topic: str, agents: tuple[str, ...] | None, rounds: int
) -> Began:
    if mode.topic and not topic.strip():
        raise BadRequest(f"A {mode.name} needs a topic: what is to be agreed on?")
    order = roles.speakers(house, DEFAULT_ROOM, None if agents is None else _machines(house, agents))
    if not order:
        raise BadRequest(f"The mode {mode.name} needs agents, and none is here.")
    if not 1 <= rounds <= MAX_ROUNDS:
        raise BadRequest(f"rounds must be between 1 and {MAX_ROUNDS}, not {rounds}.")
    return Began(mode, topic, actor.name, order, {}, rounds, MAX_TURNS)


def _machines(house: House, names: Sequence[str]) -> tuple[str, ...]:
    """The existing clients name everybody whom `/agents` lists, people too; those need no turn."""
    people = {name for name, one in house.members.items() if one.member.kind not in MACHINES}
    return tuple(one for one in names if bare_name(one.strip()) not in people)


def floor_of(house: House) -> Floor:
    return house.floor(DEFAULT_ROOM)

"""The turns of the simple interface: modes of one phase, in which all speak in turn, round after round."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.access.permissions import Action, Actor
from gateway.mode_rules import roles, rules
from gateway.model.log_events import Outcome, Sequencer
from gateway.model.state import MACHINES, GatewayState
from gateway.protocol.errors import BadRequest
from gateway.protocol.modes import SetMode
from gateway.protocol.types import DEFAULT_ROOM, bare_name, check_message_text
from gateway.turns.engine import Floor, ModeBegan
from gateway.turns.mode import EACH_SPEAKER, FREEFORM, MAX_ROUNDS, MAX_TURNS, Mode, Phase

MODE_NAMES = ("debate", "consensus", "autopilot")
INSTRUCTION = "Speak to the topic, in the light of what the others wrote. This is round {round} of {rounds}."
ROUND_PHASE = Phase("turns", EACH_SPEAKER, INSTRUCTION, otherwise="turns")
REST_S = 0.1
SIMPLE_MODES = {name: Mode(name, phases=(ROUND_PHASE,), topic=name == "consensus", rest=REST_S) for name in MODE_NAMES}


def begin_mode(  # noqa: PLR0913, PLR0917 - what a simple client sends
    state: GatewayState,
    actor: Actor,
    mode: str,
    topic: str,
    agents: tuple[str, ...] | None,
    rounds: int,
    sequencer: Sequencer,
) -> Outcome:
    actor.require(Action.MODE)
    if mode == FREEFORM:
        return rules.begin_mode_request(state, actor, SetMode(mode=FREEFORM), sequencer)
    if mode not in SIMPLE_MODES:
        raise BadRequest("Invalid mode")
    check_message_text(topic, what="topic")
    return rules.start_mode(
        state, DEFAULT_ROOM, mode_wish(state, actor, SIMPLE_MODES[mode], topic, agents, rounds), sequencer, replace=True
    )


def mode_wish(  # noqa: PLR0913, PLR0917 - what a simple client sends
    state: GatewayState, actor: Actor, mode: Mode, topic: str, agents: tuple[str, ...] | None, rounds: int
) -> ModeBegan:
    if mode.topic and not topic.strip():
        raise BadRequest(f"A {mode.name} needs a topic: what is to be agreed on?")
    order = roles.choose_speakers(state, DEFAULT_ROOM, None if agents is None else _members_with_turns(state, agents))
    if not order:
        raise BadRequest(f"The mode {mode.name} needs agents, and none is here.")
    if not 1 <= rounds <= MAX_ROUNDS:
        raise BadRequest(f"rounds must be between 1 and {MAX_ROUNDS}, not {rounds}.")
    return ModeBegan(mode, topic, actor.name, order, {}, rounds, MAX_TURNS)


def _members_with_turns(state: GatewayState, names: Sequence[str]) -> tuple[str, ...]:
    """The members that get turns. Existing clients send all names from `/agents`, people too, who need no turn."""
    people = {name for name, one in state.members.items() if one.member.kind not in MACHINES}
    return tuple(one for one in names if bare_name(one.strip()) not in people)


def simple_floor(state: GatewayState) -> Floor:
    return state.floor(DEFAULT_ROOM)

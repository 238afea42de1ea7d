"""The turns of the simple interface: modes of one phase, in which all speak in turn, round after round."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.access.permissions import Actor, Permission
from gateway.mode_rules import mode_control, speaker_roles
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import RuleOutcome
from gateway.model.state import MACHINES, GatewayState
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.mode_requests import SetMode
from gateway.protocol.types.core_types import DEFAULT_ROOM, bare_name, check_message_text
from gateway.turns.engine import Floor, ModeBegan
from gateway.turns.mode import EACH_SPEAKER, FREEFORM, MAX_ROUNDS, MAX_TURNS, Mode, Phase

MODE_NAMES = ("debate", "consensus", "autopilot")
INSTRUCTION = "Give your view on the topic and respond to what the others wrote. This is round {round} of {rounds}."
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
    rule_context: RuleContext,
) -> RuleOutcome:
    actor.require(Permission.MODE)
    if mode == FREEFORM:
        return mode_control.begin_mode_request(state, actor, SetMode(mode=FREEFORM), rule_context)
    if mode not in SIMPLE_MODES:
        raise BadRequest("Invalid mode")
    check_message_text(topic, what="topic")
    return mode_control.start_mode(
        state,
        DEFAULT_ROOM,
        mode_wish(state, actor, SIMPLE_MODES[mode], topic, agents, rounds),
        rule_context,
        replace=True,
    )


def mode_wish(  # noqa: PLR0913, PLR0917 - what a simple client sends
    state: GatewayState, actor: Actor, mode: Mode, topic: str, agents: tuple[str, ...] | None, rounds: int
) -> ModeBegan:
    if mode.topic and not topic.strip():
        raise BadRequest(f"The mode {mode.name} needs a topic. Give one.")
    order = speaker_roles.choose_speakers(
        state, DEFAULT_ROOM, None if agents is None else _members_with_turns(state, agents)
    )
    if not order:
        raise BadRequest(f"The mode {mode.name} needs agents, but none is connected. Start one first.")
    if not 1 <= rounds <= MAX_ROUNDS:
        raise BadRequest(f"rounds must be between 1 and {MAX_ROUNDS}, not {rounds}.")
    return ModeBegan(mode, topic, actor.name, order, {}, rounds, MAX_TURNS)


def _members_with_turns(state: GatewayState, names: Sequence[str]) -> tuple[str, ...]:
    """The members that get turns. Existing clients send all names from `/agents`, people too, who need no turn."""
    people = {name for name, one in state.members.items() if one.member.kind not in MACHINES}
    return tuple(one for one in names if bare_name(one.strip()) not in people)


def simple_floor(state: GatewayState) -> Floor:
    return state.floor(DEFAULT_ROOM)

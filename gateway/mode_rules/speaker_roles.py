"""Chooses the speakers of a mode and their roles. Pure: (state, request) -> what the turn engine needs."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from gateway.model.state import MACHINES, GatewayState
from gateway.protocol.errors import BadRequest, NotFound
from gateway.protocol.requests.mode_requests import SetMode
from gateway.protocol.text.addressing import outside_room_text
from gateway.protocol.types.core_types import bare_name
from gateway.turns.engine import ModeBegan
from gateway.turns.mode import FREEFORM, MAX_ROUNDS, MAX_TURNS, Mode


def mode_start_from(state: GatewayState, modes: Mapping[str, Mode], request: SetMode, room: str, by: str) -> ModeBegan:
    mode = find_mode(modes, request.mode)
    topic = request.topic.strip()
    if mode.topic and not topic:
        raise BadRequest(f"The mode {mode.name} needs a topic. Give one.")
    order = choose_speakers(state, room, request.agents)
    if len(order) < mode.members:
        here = ", ".join(order) or "none"
        raise BadRequest(f"The mode {mode.name} needs {mode.members} agents; the room has {here}.")
    rounds = _check_range("rounds", request.rounds, mode.rounds, MAX_ROUNDS)
    budget = _check_range("turns", request.turns, mode.turns, MAX_TURNS)
    return ModeBegan(mode, topic, by, order, assign_roles(state, mode, order, request.cast), rounds, budget)


def find_mode(modes: Mapping[str, Mode], name: str) -> Mode:
    found = modes.get(name.strip().lower())
    if found is None:
        known = [*modes, FREEFORM]
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
        raise NotFound(f"There is no mode {name[:40]!r}. There are: {', '.join(sorted(known))}.", nearest=near)
    return found


def _check_range(what: str, asked: int | None, default: int, most: int) -> int:
    number = default if asked is None else asked
    if not 1 <= number <= most:
        raise BadRequest(f"{what} must be between 1 and {most}, not {number}.")
    return number


def choose_speakers(state: GatewayState, room: str, agents: Sequence[str] | None) -> tuple[str, ...]:
    """The named agents, without duplicates; without names, all agents of the room."""
    if agents is None:
        return tuple(one for one in state.agents() if one in state.in_room[room])
    return tuple(dict.fromkeys(require_speaker(state, room, one) for one in agents))


def require_speaker(state: GatewayState, room: str, name: str) -> str:
    wanted = bare_name(name.strip())
    record = state.members.get(wanted)
    if record is None or record.member.hidden:
        known = [f"@{one}" for one in choose_speakers(state, room, None)]
        near = difflib.get_close_matches(f"@{wanted}", known, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Agents here: {', '.join(known) or 'none'}."
        raise NotFound(f"No agent here is called {wanted[:80]!r}. {hint}", nearest=near)
    if record.member.kind not in MACHINES:
        raise BadRequest(f"{wanted} is a person. People can speak at any time and need no turn.")
    if wanted not in state.in_room[room]:
        raise BadRequest(outside_room_text([wanted], room))
    return wanted


def assign_roles(state: GatewayState, mode: Mode, order: Sequence[str], cast: Mapping[str, str]) -> dict[str, str]:
    """For each role: the named member, else a member with that role in the room, else the next member without a role in
    the mode, else the members in turn."""
    unknown = [role for role in cast if role not in mode.roles]
    if unknown:
        known = ", ".join(mode.roles) or "none"
        raise BadRequest(f"The mode {mode.name} has no role {unknown[0][:40]!r}. Its roles: {known}.")
    found = {role: bare_name(name.strip()) for role, name in cast.items()}
    for role, name in found.items():
        if name not in order:
            raise BadRequest(
                f"{name[:40]} cannot be the {role}: it does not take part. Participants: {', '.join(order)}."
            )
    for role in mode.roles:
        if role not in found:
            same = [one for one in order if state.members[one].member.role == role and one not in found.values()]
            found |= {role: same[0]} if same else {}
    for at, role in enumerate(mode.roles):
        free = [one for one in order if one not in found.values()]
        found.setdefault(role, free[0] if free else order[at % len(order)])
    return {role: found[role] for role in mode.roles}

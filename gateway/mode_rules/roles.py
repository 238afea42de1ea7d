"""Who takes part in a mode, and in which role. Pure: a wish and a house in, what the engine needs out."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from gateway.model.state import MACHINES, House
from gateway.protocol.errors import BadRequest, NotFound
from gateway.protocol.modes import SetMode
from gateway.protocol.types import bare_name
from gateway.turns.engine import Began
from gateway.turns.mode import FREEFORM, MAX_ROUNDS, MAX_TURNS, Mode


def wish(house: House, modes: Mapping[str, Mode], request: SetMode, room: str, by: str) -> Began:
    mode = named(modes, request.mode)
    topic = request.topic.strip()
    if mode.topic and not topic:
        raise BadRequest(f"The mode {mode.name} needs a topic: what is it about?")
    order = speakers(house, room, request.agents)
    if len(order) < mode.members:
        here = ", ".join(order) or "none"
        raise BadRequest(f"The mode {mode.name} needs {mode.members} agents, and there is {here}.")
    rounds = _within("rounds", request.rounds, mode.rounds, MAX_ROUNDS)
    budget = _within("turns", request.turns, mode.turns, MAX_TURNS)
    return Began(mode, topic, by, order, roles(house, mode, order, request.cast), rounds, budget)


def named(modes: Mapping[str, Mode], name: str) -> Mode:
    found = modes.get(name.strip().lower())
    if found is None:
        known = [*modes, FREEFORM]
        near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
        raise NotFound(f"There is no mode {name[:40]!r}. There are: {', '.join(sorted(known))}.", nearest=near)
    return found


def _within(what: str, asked: int | None, default: int, most: int) -> int:
    number = default if asked is None else asked
    if not 1 <= number <= most:
        raise BadRequest(f"{what} must be between 1 and {most}, not {number}.")
    return number


def speakers(house: House, room: str, agents: Sequence[str] | None) -> tuple[str, ...]:
    """As named, each once; without names all agents of the room."""
    if agents is None:
        return tuple(one for one in house.agents() if one in house.in_room[room])
    return tuple(dict.fromkeys(speaker(house, room, one) for one in agents))


def speaker(house: House, room: str, name: str) -> str:
    wanted = bare_name(name.strip())
    record = house.members.get(wanted)
    if record is None or record.member.hidden:
        known = [f"@{one}" for one in speakers(house, room, None)]
        near = difflib.get_close_matches(f"@{wanted}", known, n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Here are: {', '.join(known) or 'none'}."
        raise NotFound(f"No agent here is called {wanted[:80]!r}. {hint}", nearest=near)
    if record.member.kind not in MACHINES:
        raise BadRequest(f"{wanted} is a person: people speak whenever they like, and need no turn.")
    if wanted not in house.in_room[room]:
        raise BadRequest(f"{wanted} is not in the room {room!r}. Let it join first.")
    return wanted


def roles(house: House, mode: Mode, order: Sequence[str], cast: Mapping[str, str]) -> dict[str, str]:
    """As named; else whoever has that role in the room; else the next who has none here; else in turn."""
    unknown = [role for role in cast if role not in mode.roles]
    if unknown:
        known = ", ".join(mode.roles) or "none"
        raise BadRequest(f"The mode {mode.name} has no role {unknown[0][:40]!r}. Its roles: {known}.")
    found = {role: bare_name(name.strip()) for role, name in cast.items()}
    for role, name in found.items():
        if name not in order:
            raise BadRequest(f"{name[:40]} cannot be the {role}: it does not take part. {', '.join(order)} do.")
    for role in mode.roles:
        if role not in found:
            same = [one for one in order if house.members[one].member.role == role and one not in found.values()]
            found |= {role: same[0]} if same else {}
    for at, role in enumerate(mode.roles):
        free = [one for one in order if one not in found.values()]
        found.setdefault(role, free[0] if free else order[at % len(order)])
    return {role: found[role] for role in mode.roles}

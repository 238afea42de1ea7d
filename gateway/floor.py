"""The plain turn loop of the simple interface: an order of speakers, rounds, warnings, time-outs.

Pure: (standing, what happened, now) -> the new standing and what the gateway says about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import msgspec

from gateway.protocol.errors import BadRequest

MAX_ROUNDS = 100


class Mode(StrEnum):
    FREEFORM = "freeform"
    DEBATE = "debate"
    CONSENSUS = "consensus"
    AUTOPILOT = "autopilot"


@dataclass(frozen=True)
class Patience:
    """How long a turn may last before the room is warned, and before it passes on (seconds)."""

    warn: float = 90.0
    timeout: float = 120.0


class Floor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose turn it is in one room."""

    mode: Mode = Mode.FREEFORM
    topic: str = ""
    round: int = 0
    rounds: int = 0
    order: tuple[str, ...] = ()
    index: int = 0
    since: float = 0.0
    warned: bool = False

    @property
    def current(self) -> str | None:
        return self.order[self.index] if self.mode is not Mode.FREEFORM and self.order else None


Said = tuple[str, ...]


def begin(mode: str, topic: str, order: tuple[str, ...], rounds: int, now: float) -> tuple[Floor, Said]:
    try:
        chosen = Mode(mode)
    except ValueError:
        raise BadRequest("Invalid mode") from None
    if chosen is Mode.FREEFORM:
        return Floor(), ("Mode: FREEFORM",)
    if chosen is Mode.CONSENSUS and not topic.strip():
        raise BadRequest("A consensus needs a topic: what is to be agreed on?")
    if not order:
        raise BadRequest(f"The mode {chosen} needs agents, and none is here.")
    if not 1 <= rounds <= MAX_ROUNDS:
        raise BadRequest(f"rounds must be between 1 and {MAX_ROUNDS}, not {rounds}.")
    floor = Floor(chosen, topic, 1, rounds, order, 0, now)
    said = [f"Mode: {chosen.upper()}"]
    if topic:
        said.append(f"Topic: {topic}")
    return floor, (*said, _your_turn(floor))


def advance(floor: Floor, now: float) -> tuple[Floor, Said]:
    """The next speaker; after the last one the next round; after the last round freeform."""
    if floor.current is None:
        raise BadRequest("There are no turns in freeform.")
    index = floor.index + 1
    if index < len(floor.order):
        after = msgspec.structs.replace(floor, index=index, since=now, warned=False)
        return after, (_your_turn(after),)
    if floor.round >= floor.rounds:
        return Floor(), (f"{floor.mode.upper()} complete.",)
    after = msgspec.structs.replace(floor, index=0, round=floor.round + 1, since=now, warned=False)
    return after, (f"Round {after.round}", _your_turn(after))


def extended(floor: Floor, speaker: str, now: float) -> Floor:
    """The current speaker says that it is working: its time begins anew."""
    if floor.current != speaker:
        return floor
    return msgspec.structs.replace(floor, since=now, warned=False)


def tick(floor: Floor, now: float, patience: Patience) -> tuple[Floor, Said]:
    """What the passing of time does."""
    if floor.current is None:
        return floor, ()
    silent = now - floor.since
    if silent >= patience.timeout:
        after, said = advance(floor, now)
        return after, (f"[TIMEOUT] @{floor.current} did not respond. Advancing turn.", *said)
    if silent >= patience.warn and not floor.warned:
        warned = msgspec.structs.replace(floor, warned=True)
        return warned, (f"[WARNING] @{floor.current} turn has exceeded {patience.warn:g}s.",)
    return floor, ()


def next_look(floor: Floor, patience: Patience) -> float | None:
    """When time will next change something."""
    if floor.current is None:
        return None
    return floor.since + (patience.timeout if floor.warned else min(patience.warn, patience.timeout))


def _your_turn(floor: Floor) -> str:
    return f"@{floor.current} - Your turn."

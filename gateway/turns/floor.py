"""The floor of a room (the right to speak): whose turn it is, which lines each speaker has not seen. Frozen values."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from gateway.turns.mode import FREEFORM, Mode, Phase

MAX_KEPT_LINES = 60
MAX_LINE_CHARS = 6000
replace = msgspec.structs.replace


@dataclass(frozen=True)
class TurnTimeouts:
    """Time limits of a turn in seconds: silence before the room is warned, silence before the turn passes on, the
    longest turn of a working speaker, and the wait for a speaker that has left."""

    warn: float = 90.0
    timeout: float = 120.0
    most: float = 1800.0
    gone: float = 15.0


class SpokenLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line said while the mode runs. `had`: the members who got it other than by a turn prompt."""

    seq: int
    from_: str
    text: str
    aside: bool = False
    had: tuple[str, ...] = ()


class VoteOption(msgspec.Struct, frozen=True, omit_defaults=True):
    key: str
    text: str
    by: str = ""


class VoteStatus(msgspec.Struct, frozen=True, omit_defaults=True):
    """The status of the phase's decision: who has voted, whether it has ended, and which option wins if it ends now."""

    voted: tuple[str, ...] = ()
    over: bool = False
    outcome: str = ""


class Floor(msgspec.Struct, frozen=True, omit_defaults=True):
    """The state of all turns of a room, with the mode as it was at the start. Without a `speaker` everyone may
    speak."""

    mode: Mode = Mode(FREEFORM)
    topic: str = ""
    by: str = ""
    order: tuple[str, ...] = ()
    cast: dict[str, str] = {}
    rounds: int = 0
    budget: int = 0
    phase: int = 0
    round: int = 0
    index: int = 0
    speaker: str = ""
    picked: str = ""
    since: float = 0.0
    heard: float = 0.0
    granted: float = 0.0
    warned: bool = False
    rests: float = 0.0
    tries: int = 0
    noted: bool = False
    turns: int = 0
    silent: int = 0
    prompts: tuple[int, ...] = ()
    shown: int = 0
    past: tuple[int, ...] = ()
    taken: tuple[str, ...] = ()
    lines: tuple[SpokenLine, ...] = ()
    seen: dict[str, int] = {}
    options: tuple[VoteOption, ...] = ()
    decision: str = ""
    ballot: VoteStatus = VoteStatus()

    @property
    def name(self) -> str:
        return self.mode.name

    @property
    def current(self) -> str | None:
        return self.speaker or None

    @property
    def running(self) -> bool:
        return bool(self.speaker)

    @property
    def now_in(self) -> Phase:
        return self.mode.phases[self.phase]

    @property
    def left(self) -> int:
        return self.budget - self.turns

    @property
    def others(self) -> tuple[str, ...]:
        return tuple(one for one in self.order if one not in self.cast.values())


def add_line(floor: Floor, line: SpokenLine) -> Floor:
    text = (
        line.text
        if len(line.text) <= MAX_LINE_CHARS
        else f"{line.text[:MAX_LINE_CHARS]}\n[cut; #{line.seq} has it all]"
    )
    kept = [one for one in floor.lines if _is_unseen_by_any(floor, one)]
    return replace(floor, lines=(*kept, replace(line, text=text))[-MAX_KEPT_LINES:])


def _is_unseen_by_any(floor: Floor, line: SpokenLine) -> bool:
    return any(is_news(floor, line, name) for name in floor.order)


def is_news(floor: Floor, line: SpokenLine, name: str) -> bool:
    return line.seq > floor.seen.get(name, 0) and name != line.from_ and name not in line.had


def unseen_lines_for(floor: Floor, name: str) -> tuple[SpokenLine, ...]:
    return tuple(one for one in floor.lines if is_news(floor, one, name))


def record_prompt(floor: Floor, seq: int) -> Floor:
    """Remember the number of the turn's prompt. The prompt shows all lines so far, so its reader has seen them."""
    return replace(floor, prompts=(*floor.prompts, seq), shown=max((one.seq for one in floor.lines), default=0))

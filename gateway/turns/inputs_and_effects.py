"""The inputs of the turn engine (events) and its outputs (effects). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.turns.floor import Floor, SpokenLine, TurnTimeouts, VoteOption
from gateway.turns.mode import Mode

# events


@dataclass(frozen=True)
class ModeBegan:
    mode: Mode
    topic: str
    by: str
    order: tuple[str, ...]
    cast: dict[str, str]
    rounds: int
    budget: int


@dataclass(frozen=True)
class TurnAnswered:
    """The speaker has answered: this line is its turn."""

    line: SpokenLine
    id: str = ""


@dataclass(frozen=True)
class OtherMessage:
    """Another message was sent in the room."""

    line: SpokenLine
    id: str = ""


@dataclass(frozen=True)
class WorkReported:
    """The speaker is still at work; `answered`: it said so in its answer, so that another answer will follow."""

    member: str
    patience: TurnTimeouts
    answered: bool = False


@dataclass(frozen=True)
class StatusAsked:
    """The speaker's answer asks for the status of the mode: it gets its prompt again."""


@dataclass(frozen=True)
class SpeakerSigns:
    """The observed state of the speaker. `lost`: why its prompt did not arrive; `taken_back`: somebody cancelled the
    prompt; `silent`: it took the prompt and ended its turn without an answer; `gone`: since when it is absent;
    `outside`: it is not in the room, so it cannot be prompted."""

    busy: bool = False
    lost: str = ""
    taken_back: bool = False
    silent: bool = False
    gone: float | None = None
    outside: bool = False


@dataclass(frozen=True)
class TimePassed:
    signs: SpeakerSigns
    patience: TurnTimeouts


@dataclass(frozen=True)
class TurnPassed:
    """A person skips the current speaker."""


@dataclass(frozen=True)
class TurnExtended:
    seconds: float
    patience: TurnTimeouts


@dataclass(frozen=True)
class ModeEnded:
    why: str


TurnEvent = (
    ModeBegan
    | TurnAnswered
    | OtherMessage
    | WorkReported
    | StatusAsked
    | TimePassed
    | TurnPassed
    | TurnExtended
    | ModeEnded
)


# effects


@dataclass(frozen=True)
class PromptSpeaker:
    """Prompt the speaker; `again`: the first prompt did not arrive."""

    speaker: str
    again: bool = False


@dataclass(frozen=True)
class Announce:
    text: str


@dataclass(frozen=True)
class OpenVote:
    """Open a decision among these voters, with these options; without options: yes or no."""

    voters: tuple[str, ...]
    rule: str
    options: tuple[VoteOption, ...] = ()


@dataclass(frozen=True)
class CloseVote:
    """The phase is over: count the votes of its decision."""


TurnEffect = PromptSpeaker | Announce | OpenVote | CloseVote


@dataclass(frozen=True)
class TurnStep:
    floor: Floor
    effects: tuple[TurnEffect, ...] = ()

    def __iter__(self) -> Any:
        return iter((self.floor, self.effects))

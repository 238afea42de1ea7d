"""What a floor is told, and what comes of it: facts in, effects out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.turns.mode import Mode
from gateway.turns.state import Floor, SpokenLine, TurnTimeouts, VoteOption

# facts


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
    """The speaker has spoken: this is its turn."""

    line: SpokenLine
    id: str = ""


@dataclass(frozen=True)
class OtherMessage:
    """Something else was said in the room."""

    line: SpokenLine
    id: str = ""


@dataclass(frozen=True)
class WorkReported:
    """The speaker says that it is still at work; `answered`: as its answer, so that another one will come."""

    member: str
    patience: TurnTimeouts
    answered: bool = False


@dataclass(frozen=True)
class StatusAsked:
    """The speaker asks in its answer where the mode stands: it is told with its prompt, once more."""


@dataclass(frozen=True)
class SpeakerSigns:
    """What can be seen of the speaker when time is looked at. `lost`: why its prompt did not reach it, `taken_back`:
    somebody wanted it so; `silent`: it took the prompt and ended without a word; `gone`: since when it is not here;
    `outside`: it cannot be prompted."""

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
    """A person passes the turn on."""


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
    """Give the speaker its turn; `again`: it did not get it the first time."""

    speaker: str
    again: bool = False


@dataclass(frozen=True)
class Announce:
    text: str


@dataclass(frozen=True)
class OpenVote:
    """Open a decision among these, with these options; yes or no without any."""

    voters: tuple[str, ...]
    rule: str
    options: tuple[VoteOption, ...] = ()


@dataclass(frozen=True)
class CloseVote:
    """The phase is over: what its decision has got counts."""


TurnEffect = PromptSpeaker | Announce | OpenVote | CloseVote


@dataclass(frozen=True)
class TurnStep:
    floor: Floor
    effects: tuple[TurnEffect, ...] = ()

    def __iter__(self) -> Any:
        return iter((self.floor, self.effects))

"""What a floor is told, and what comes of it: facts in, effects out. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gateway.turns.mode import Mode
from gateway.turns.state import Floor, Line, Option, Patience

# facts


@dataclass(frozen=True)
class Began:
    mode: Mode
    topic: str
    by: str
    order: tuple[str, ...]
    cast: dict[str, str]
    rounds: int
    budget: int


@dataclass(frozen=True)
class Answered:
    """The speaker has spoken: this is its turn."""

    line: Line
    id: str = ""


@dataclass(frozen=True)
class Heard:
    """Something else was said in the room."""

    line: Line
    id: str = ""


@dataclass(frozen=True)
class Working:
    """The speaker says that it is still at work; `answered`: as its answer, so that another one will come."""

    member: str
    patience: Patience
    answered: bool = False


@dataclass(frozen=True)
class Wondered:
    """The speaker asks in its answer where the mode stands: it is told with its prompt, once more."""


@dataclass(frozen=True)
class Signs:
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
class Looked:
    signs: Signs
    patience: Patience


@dataclass(frozen=True)
class Next:
    """A person passes the turn on."""


@dataclass(frozen=True)
class Extend:
    seconds: float
    patience: Patience


@dataclass(frozen=True)
class End:
    why: str


Fact = Began | Answered | Heard | Working | Wondered | Looked | Next | Extend | End


# effects


@dataclass(frozen=True)
class Prompt:
    """Give the speaker its turn; `again`: it did not get it the first time."""

    speaker: str
    again: bool = False


@dataclass(frozen=True)
class Say:
    text: str


@dataclass(frozen=True)
class Poll:
    """Open a decision among these, with these options; yes or no without any."""

    voters: tuple[str, ...]
    rule: str
    options: tuple[Option, ...] = ()


@dataclass(frozen=True)
class Count:
    """The phase is over: what its decision has got counts."""


Effect = Prompt | Say | Poll | Count


@dataclass(frozen=True)
class Step:
    floor: Floor
    effects: tuple[Effect, ...] = ()

    def __iter__(self) -> Any:
        return iter((self.floor, self.effects))

"""What a mode is: phases, who speaks in each, what they are told, where it goes on. Data; reading it is pure.

A phase is over when all its speakers have had their turn. Then the mode goes on in `agreed` (all of them said
`[LGTM]`), `decided` (its vote has a winner) or `otherwise`; where that is not named, in the phase that follows. Going
to the same or an earlier phase begins a new round, and so does a phase with `new_round`; where no round is left the
mode goes on in the phase that follows. So every mode has a last turn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.protocol.errors import BadRequest

END = "end"
EACH, OTHERS, PICKED = "each", "others", "picked"
FREEFORM = "freeform"
MAX_ROUNDS = 100
MAX_TURNS = 1000
MOST_PHASES = 20
MOST_MEMBERS = 100
LONGEST_INSTRUCTION = 4000
PLACES = ("topic", "speaker", "round", "rounds", "options", "members", "left")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_PLACE = re.compile(r"\{(\w*)\}")


class Phase(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`who`: each, others (who has no role), picked (by whoever spoke last), or a role. `proposes`: each answer is an
    option of a later vote. `vote`: the answers are votes. `tags`: `[LGTM]` and `[CONTINUE]` are asked for; `done`:
    `[DONE]` ends the mode."""

    name: str
    who: str
    tell: str
    agreed: str = ""
    decided: str = ""
    otherwise: str = ""
    new_round: bool = False
    proposes: bool = False
    vote: bool = False
    options: tuple[str, ...] = ()
    done: bool = False
    picks: bool = False


class Mode(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`rest`: seconds between an answer and the next turn."""

    name: str
    about: str = ""
    phases: tuple[Phase, ...] = ()
    roles: tuple[str, ...] = ()
    topic: bool = True
    rounds: int = 1
    members: int = 1
    turns: int = MAX_TURNS
    rest: float = 0.0

    def at(self, name: str) -> int:
        return next(at for at, one in enumerate(self.phases) if one.name == name)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    about: str = ""
    phase: tuple[Phase, ...] = ()
    roles: tuple[str, ...] = ()
    topic: bool = True
    rounds: int = 1
    members: int = 1
    turns: int = MAX_TURNS


def mode_of(value: Mapping[str, Any], file: str) -> Mode:
    """A mode as its file tells it, or a sentence that names the file and the key."""
    try:
        told = msgspec.convert(value, _File)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{file}: {_sentence(str(error))}") from None
    mode = Mode(told.name, told.about, told.phase, told.roles, told.topic, told.rounds, told.members, told.turns)
    for key, wrong in _faults(mode):
        raise BadRequest(f"{file}: {key}: {wrong}")
    return mode


def _sentence(error: str) -> str:
    what, _, path = error.partition(" - at ")
    key = path.strip("`").removeprefix("$.").removeprefix("$")
    return f"{key}: {what}." if key else f"{what}."


def _faults(mode: Mode) -> list[tuple[str, str]]:
    """What a file may say by its form and must not say by its sense; the first is told."""
    found: list[tuple[str, str]] = []
    if not _NAME.fullmatch(mode.name) or mode.name == FREEFORM:
        found.append(("name", f"{mode.name[:40]!r} cannot be a mode's name: a-z, 0-9 and '-', and not {FREEFORM!r}."))
    numbers = (
        ("phase", len(mode.phases), MOST_PHASES),
        ("rounds", mode.rounds, MAX_ROUNDS),
        ("turns", mode.turns, MAX_TURNS),
        ("members", mode.members, MOST_MEMBERS),
    )
    found += [(key, f"it must be between 1 and {most}, not {n}.") for key, n, most in numbers if not 1 <= n <= most]
    for role in mode.roles:
        if not _NAME.fullmatch(role) or role in (EACH, OTHERS, PICKED):
            found.append(("roles", f"{role[:40]!r} cannot be a role's name here."))
    names = [one.name for one in mode.phases]
    for at, phase in enumerate(mode.phases):
        found += [(f"phase[{at}].{key}", wrong) for key, wrong in _faults_of(phase, mode, names)]
    return found


def _faults_of(phase: Phase, mode: Mode, names: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if not _NAME.fullmatch(phase.name) or phase.name == END or names.count(phase.name) > 1:
        found.append(("name", f"{phase.name[:40]!r} cannot be the name of a phase, or is so twice."))
    if phase.who not in (EACH, OTHERS, PICKED, *mode.roles):
        known = ", ".join((EACH, OTHERS, PICKED, *mode.roles))
        found.append(("who", f"{phase.who[:40]!r} speaks here, but it is neither of {known}."))
    for key in ("agreed", "decided", "otherwise"):
        target = getattr(phase, key)
        if target not in ("", END, *names):
            found.append((key, f"there is no phase {target[:40]!r}; there are {', '.join(names)} and {END}."))
    unknown = [one for one in _PLACE.findall(phase.tell) if one not in PLACES]
    if unknown:
        found.append(("tell", f"{{{unknown[0][:40]}}} is not known; there are {', '.join(PLACES)}."))
    if not phase.tell.strip() or len(phase.tell) > LONGEST_INSTRUCTION:
        found.append(("tell", f"it says to the speaker what to do, in 1 to {LONGEST_INSTRUCTION} characters."))
    return found


def filled(text: str, places: Mapping[str, str]) -> str:
    """Each place once: what is put in is not looked at again."""
    return _PLACE.sub(lambda match: places.get(match[1], match[0]), text)

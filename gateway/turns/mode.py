"""A mode as data: its phases, the speakers and prompt of each, and the phase that follows. Parsing is pure.

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

END_PHASE = "end"
EACH_SPEAKER, OTHER_SPEAKERS, PICKED_SPEAKER = "each", "others", "picked"
FREEFORM = "freeform"
MAX_ROUNDS = 100
MAX_TURNS = 1000
MAX_PHASES = 20
MAX_MEMBERS = 100
MAX_INSTRUCTION_CHARS = 4000
PLACEHOLDERS = ("topic", "speaker", "round", "rounds", "options", "members", "left")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_PLACEHOLDER = re.compile(r"\{(\w*)\}")


class Phase(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """`who`: each, others (members without a role), picked (by the last speaker), or a role. `proposes`: each answer is
    an option of a later vote. `vote`: the answers are votes. `done`:
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


class _ModeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    about: str = ""
    phase: tuple[Phase, ...] = ()
    roles: tuple[str, ...] = ()
    topic: bool = True
    rounds: int = 1
    members: int = 1
    turns: int = MAX_TURNS


def parse_mode(value: Mapping[str, Any], file: str) -> Mode:
    """Parse a mode file. An error names the file and the key."""
    try:
        told = msgspec.convert(value, _ModeFile)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{file}: {_error_text(str(error))}") from None
    mode = Mode(told.name, told.about, told.phase, told.roles, told.topic, told.rounds, told.members, told.turns)
    for key, wrong in _find_faults(mode):
        raise BadRequest(f"{file}: {key}: {wrong}")
    return mode


def _error_text(error: str) -> str:
    what, _, path = error.partition(" - at ")
    key = path.strip("`").removeprefix("$.").removeprefix("$")
    return f"{key}: {what}." if key else f"{what}."


def _find_faults(mode: Mode) -> list[tuple[str, str]]:
    """Check what the schema cannot: report the first setting that makes no sense."""
    found: list[tuple[str, str]] = []
    if not _NAME.fullmatch(mode.name) or mode.name == FREEFORM:
        found.append(
            (
                "name",
                f"{mode.name[:40]!r} is not a valid name of a mode. Use a-z, 0-9 and '-'; {FREEFORM!r} is reserved.",
            )
        )
    numbers = (
        ("phase", len(mode.phases), MAX_PHASES),
        ("rounds", mode.rounds, MAX_ROUNDS),
        ("turns", mode.turns, MAX_TURNS),
        ("members", mode.members, MAX_MEMBERS),
    )
    found += [(key, f"it must be between 1 and {most}, not {n}.") for key, n, most in numbers if not 1 <= n <= most]
    for role in mode.roles:
        if not _NAME.fullmatch(role) or role in (EACH_SPEAKER, OTHER_SPEAKERS, PICKED_SPEAKER):
            found.append(("roles", f"{role[:40]!r} is not a valid name of a role."))
    names = [one.name for one in mode.phases]
    for at, phase in enumerate(mode.phases):
        found += [(f"phase[{at}].{key}", wrong) for key, wrong in _find_phase_faults(phase, mode, names)]
    return found


def _find_phase_faults(phase: Phase, mode: Mode, names: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    if not _NAME.fullmatch(phase.name) or phase.name == END_PHASE or names.count(phase.name) > 1:
        found.append(("name", f"{phase.name[:40]!r} is not a valid name of a phase, or two phases have it."))
    if phase.who not in (EACH_SPEAKER, OTHER_SPEAKERS, PICKED_SPEAKER, *mode.roles):
        known = ", ".join((EACH_SPEAKER, OTHER_SPEAKERS, PICKED_SPEAKER, *mode.roles))
        found.append(("who", f"{phase.who[:40]!r} is not a speaker. Use one of {known}."))
    for key in ("agreed", "decided", "otherwise"):
        target = getattr(phase, key)
        if target not in ("", END_PHASE, *names):
            found.append((key, f"there is no phase {target[:40]!r}. Use one of {', '.join(names)}, {END_PHASE}."))
    unknown = [one for one in _PLACEHOLDER.findall(phase.tell) if one not in PLACEHOLDERS]
    if unknown:
        found.append(
            ("tell", f"{{{unknown[0][:40]}}} is not a known placeholder. Use one of {', '.join(PLACEHOLDERS)}.")
        )
    if not phase.tell.strip() or len(phase.tell) > MAX_INSTRUCTION_CHARS:
        found.append(("tell", f"the instruction to the speaker must have 1 to {MAX_INSTRUCTION_CHARS} characters."))
    return found


def fill_placeholders(text: str, places: Mapping[str, str]) -> str:
    """Fill each placeholder once; inserted text is not expanded again."""
    return _PLACEHOLDER.sub(lambda match: places.get(match[1], match[0]), text)

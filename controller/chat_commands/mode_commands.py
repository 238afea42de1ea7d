"""Parses mode commands, and describes modes in words. Pure."""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterator, Sequence

from msgspec import structs

from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.mode_requests import SetMode
from gateway.protocol.text.printable_text import local_time_text
from gateway.protocol.types.core_types import FloorView, ModeInfo, bare_name

FREEFORM_MODE = "freeform"
MODE_OPTIONS = ("--rounds", "--agents", "--turns", "--cast", "--replace")
MODE_USAGE = '/mode debate "TOPIC" --rounds 3 --agents claude,codex --cast synthesizer=codex'
STRAIGHT_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"'})


def parse_mode_command(mode: str, rest: str, room: str) -> SetMode:
    """Parse `"topic" --rounds 3 --agents claude,codex`. The topic may be unquoted, before or between the options."""
    request = SetMode(mode=mode, room=room)
    topic: list[str] = []
    words = iter(_split_words(rest))
    for word in words:
        name, equals, value = word.partition("=")
        if not name.startswith("--"):
            topic.append(word)
        elif name == "--replace":
            request = structs.replace(request, replace=True)
        elif name in MODE_OPTIONS:
            request = _with_option(request, name, value if equals else next(words, ""))
        else:
            near = difflib.get_close_matches(name, MODE_OPTIONS, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise BadRequest(f"/mode has no option {name[:40]}.{hint} Usage: {MODE_USAGE}")
    return structs.replace(request, topic=" ".join(topic))


def _split_words(rest: str) -> list[str]:
    """An apostrophe does not quote here: `don't` is a word of a topic."""
    lexer = shlex.shlex(rest.translate(STRAIGHT_QUOTES), posix=True)
    lexer.whitespace_split, lexer.quotes, lexer.escape, lexer.commenters = True, '"', "", ""
    try:
        return list(lexer)
    except ValueError:
        raise BadRequest(f"A quotation mark is missing in {rest[:60]!r}. Usage: {MODE_USAGE}") from None


def _with_option(request: SetMode, name: str, value: str) -> SetMode:
    if not value or value.startswith("--"):
        raise BadRequest(f"{name} needs a value. Usage: {MODE_USAGE}")
    match name:
        case "--agents":
            return structs.replace(request, agents=split_names(value))
        case "--cast":
            return structs.replace(request, cast=request.cast | dict(parse_cast(one) for one in value.split(",")))
        case "--rounds":
            return structs.replace(request, rounds=parse_number(name, value))
    return structs.replace(request, turns=parse_number(name, value))


def split_names(text: str) -> tuple[str, ...]:
    return tuple(bare_name(one.strip()) for one in text.split(",") if one.strip())


def parse_cast(text: str) -> tuple[str, str]:
    role, equals, name = text.partition("=")
    if not (role.strip() and equals and name.strip()):
        raise BadRequest(f"{text[:40]!r} is not a ROLE=NAME pair, such as --cast judge=claude")
    return role.strip(), bare_name(name.strip())


def parse_number(name: str, value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise BadRequest(f"{name} needs a whole number, not {value[:20]!r}.") from None


def parse_seconds(text: str | None) -> float:
    """Parse `300`, `5m`, `90s`; the default is two minutes."""
    word = (text or "120").strip().lower()
    unit = {"m": 60, "s": 1, "h": 3600}.get(word[-1:], 0)
    try:
        found = float(word[:-1] if unit else word) * (unit or 1)
    except ValueError:
        found = 0
    if not 0 < found <= 86400:
        raise BadRequest(f"{word[:20]!r} is not a duration. Give seconds, or 5m.")
    return found


def mode_label(floor: FloorView) -> str:
    """`debate, responses, round 2 of 3`."""
    phase = f", {floor.phase}" if floor.phase not in ("", "turns") else ""
    rounds = f", round {floor.round} of {floor.rounds}" if 1 < floor.rounds < 100 else ""
    budget = f", turn {floor.turns} of {floor.budget}" if floor.budget and floor.budget < 1000 else ""
    return f"{floor.mode}{phase}{rounds}{budget}"


def mode_status_line(floor: FloorView | None) -> str:
    """The mode for the status line; empty if nobody has the turn."""
    if floor is None or not floor.speaker:
        return ""
    late = ", late" if floor.warned else ""
    return f"{mode_label(floor)}: {floor.speaker} has the turn since {_local_time(floor.since)}{late}"


def _local_time(stamp: str) -> str:
    return local_time_text(stamp) if stamp else "now"


def mode_rows(floor: FloorView) -> list[tuple[str, str]]:
    if not floor.speaker:
        return [("mode", f"{FREEFORM_MODE}: everybody speaks freely")]
    late = ", longer than it should" if floor.warned else ""
    found = [("mode", mode_label(floor)), ("topic", floor.topic)]
    found += [("has the turn", f"{floor.speaker} since {_local_time(floor.since)}{late}")]
    found += [("in order", ", ".join(floor.order)), *floor.cast.items()]
    return [(name, value) for name, value in found if value]


def mode_list_rows(found: Sequence[ModeInfo], *, brief: bool = False) -> Iterator[tuple[str, str]]:
    for one in found:
        roles = f" Roles: {', '.join(one.roles)}." if one.roles else ""
        yield one.name, one.about if brief else f"{one.about} Phases: {', '.join(one.phases)}.{roles}"
    yield FREEFORM_MODE, "Everybody speaks freely."

"""Parses and resolves the addresses of a line.

`@claude text`, `@a @b text`, `@all text`, `@role:coder text`, `@any:coder text`, `@any:coder:least_busy text`;
a leading `!` is urgent, `!!` interrupts first; `/word` is a command, never a message; a leading backslash makes the
rest plain text. A name inside prose is not an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from gateway.protocol.errors import BadRequest, UnknownRecipient
from gateway.protocol.text.similar_names import similar_names
from gateway.protocol.types.core_types import (
    EVERYONE_ALIASES,
    EVERYONE_NAME,
    MAX_ADDRESSES,
    Activity,
    Pick,
    canonical_name,
)


@dataclass(frozen=True)
class Everyone:
    def __str__(self) -> str:
        return f"@{EVERYONE_NAME}"


@dataclass(frozen=True)
class Named:
    name: str

    def __str__(self) -> str:
        return f"@{self.name}"


@dataclass(frozen=True)
class WithRole:
    role: str

    def __str__(self) -> str:
        return f"@role:{self.role}"


@dataclass(frozen=True)
class AnyWithRole:
    role: str
    pick: Pick = Pick.ROUND_ROBIN

    def __str__(self) -> str:
        return f"@any:{self.role}:{self.pick}"


Address = Everyone | Named | WithRole | AnyWithRole


@dataclass(frozen=True)
class SlashCommand:
    """A line that begins with `/`: the word and the rest."""

    word: str
    rest: str = ""


@dataclass(frozen=True)
class AddressedText:
    """A line that is a message: its addresses (none means everyone), its text, whether it is urgent, and whether it
    interrupts the agent first."""

    to: tuple[Address, ...]
    text: str
    urgent: bool = False
    interrupt: bool = False


@dataclass(frozen=True)
class Candidate:
    """The data about one member that resolving an address needs."""

    name: str
    role: str | None = None
    activity: Activity = Activity.UNKNOWN
    queued: int = 0
    priority: int = 5


@dataclass(frozen=True)
class Audience:
    """The resolved recipients: everyone in the room, or exactly these names; and the member picked for each role."""

    everyone: bool
    names: tuple[str, ...] = ()
    picked: tuple[tuple[str, str], ...] = ()


_LEADING = re.compile(r"@([A-Za-z0-9_][A-Za-z0-9_.:-]*)(?:[,:]?(?:\s+|$)|,(?=@))")


@lru_cache(4096)
def parse_address(text: str) -> Address:
    """An address in any of the forms people and programs write: `@claude`, `claude`, `*`, `role:coder`."""
    bare = text.strip().removeprefix("@")
    if bare == "*" or bare.lower() in (EVERYONE_NAME, *EVERYONE_ALIASES):
        return Everyone()
    head, _, tail = bare.partition(":")
    if not tail:
        return Named(canonical_name(bare))
    if head.lower() == "role":
        return WithRole(canonical_name(tail))
    if head.lower() == "any":
        role, _, pick = tail.partition(":")
        return AnyWithRole(canonical_name(role), _pick(pick))
    raise BadRequest(f"{text[:80]!r} is not an address. Use @name, @all, @role:ROLE or @any:ROLE[:PICK].")


def _pick(text: str) -> Pick:
    try:
        return Pick(text.lower()) if text else Pick.ROUND_ROBIN
    except ValueError:
        raise BadRequest(f"{text[:40]!r} is not a way to pick a member. Use {', '.join(Pick)}.") from None


def parse_line(line: str) -> SlashCommand | AddressedText:
    """Parse a line that a person typed. The text keeps every character that is not part of an address."""
    if line.startswith("\\"):
        return AddressedText((), line[1:])
    if line.startswith("/"):
        word, _, rest = line[1:].partition(" ")
        return SlashCommand(word.lower(), rest.strip())
    marks, line = _strip_urgent_marks(line)
    addresses, text = _leading_addresses(line)
    if addresses and not marks:
        marks, text = _strip_urgent_marks(text)
    return AddressedText(addresses, text, urgent=marks > 0, interrupt=marks > 1)


_URGENT_MARKS = re.compile(r"!{1,2}(?=[^\s!=])|!(?=!{2,}[^\s!=])")


def _strip_urgent_marks(line: str) -> tuple[int, str]:
    """Strip the leading marks: one `!` means urgent, two interrupt. A lone `!`, and text such as `!=`, stay."""
    match = _URGENT_MARKS.match(line)
    return (len(match[0]), line[len(match[0]) :]) if match else (0, line)


def _leading_addresses(line: str) -> tuple[tuple[Address, ...], str]:
    found: list[Address] = []
    end = len(line) - len(line.lstrip())
    while match := _LEADING.match(line, end):
        check_address_count(len(found) + 1)
        found.append(parse_address(match[1].rstrip(",:.-")))
        end = match.end()
    return tuple(found), line[end:] if found else line


def check_address_count(number: int) -> None:
    if number > MAX_ADDRESSES:
        raise BadRequest(
            f"The message has more than {MAX_ADDRESSES} addresses. Send several messages, or address a role."
        )


def resolve(
    addresses: Sequence[Address],
    directory: Mapping[str, Candidate],
    sender: str,
    last_picked: Mapping[str, str] | None = None,
) -> Audience:
    """Resolve addresses to names. An address without a match is an error that lists the nearest names."""
    check_address_count(len(addresses))
    names: dict[str, None] = {}
    picked: list[tuple[str, str]] = []
    for address in addresses:
        found = tuple(_resolve_one(address, directory, sender, last_picked or {}))
        names.update(dict.fromkeys(found))
        if isinstance(address, AnyWithRole):
            picked.append((address.role, found[0]))
    if not addresses or any(isinstance(address, Everyone) for address in addresses):
        return Audience(True)
    return Audience(False, tuple(names), tuple(picked))


def _resolve_one(
    address: Address, directory: Mapping[str, Candidate], sender: str, last_picked: Mapping[str, str]
) -> Iterable[str]:
    match address:
        case Named(name):
            if name not in directory:
                raise unknown_recipient_error(address, directory)
            return (name,)
        case WithRole(role):
            return (candidate.name for candidate in _with_role(address, role, directory, sender))
        case AnyWithRole(role, pick):
            return (_pick_one(_with_role(address, role, directory, sender), pick, last_picked.get(role)),)
        case Everyone():
            return ()


def _with_role(address: Address, role: str, directory: Mapping[str, Candidate], sender: str) -> list[Candidate]:
    found = [one for one in directory.values() if one.role == role and one.name != sender]
    if not found:
        raise unknown_recipient_error(address, directory)
    return sorted(found, key=lambda one: one.name)


def _pick_one(candidates: Sequence[Candidate], pick: Pick, last: str | None) -> str:
    match pick:
        case Pick.ROUND_ROBIN:
            after = [one.name for one in candidates if last is None or one.name > last]
            return after[0] if after else candidates[0].name
        case Pick.LEAST_BUSY:
            return min(candidates, key=lambda one: (one.queued, one.activity is not Activity.IDLE)).name
        case Pick.PRIORITY:
            return max(candidates, key=lambda one: one.priority).name


def outside_room_text(names: Sequence[str], room: str) -> str:
    """The error for members that are not in the room, with the commands that change it."""
    are, first = "is" if len(names) == 1 else "are", names[0]
    return (
        f"{', '.join(names)} {are} not in the room {room!r}. `/invite {first}` or "
        f"`groupchat rooms invite {room} {first}` changes that."
    )


def unknown_recipient_error(address: Address, directory: Mapping[str, Candidate]) -> UnknownRecipient:
    match address:
        case WithRole(role) | AnyWithRole(role, _):
            known = sorted({f"@role:{one.role}" for one in directory.values() if one.role})
            near = similar_names(f"@role:{role}", known)
            what = f"No member has the role {role!r}."
        case _:
            known = sorted(f"@{name}" for name in directory)
            near = similar_names(str(address), known)
            what = f"Nobody here is called {str(address)[1:]!r}."
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return UnknownRecipient(what + hint, nearest=near)

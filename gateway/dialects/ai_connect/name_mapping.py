"""Maps AI-Connect names such as `Name (Project)` to members, and resolves partial names. Pure.

A peer's full name is its member's `display`. The member name is a slug of it, since it allows fewer characters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import count

from gateway.model.records.stored_records import MemberRecord
from gateway.model.state import GatewayState
from gateway.protocol.errors import InvalidName, UnknownRecipient
from gateway.protocol.text.printable_text import REPLACEMENT_CHAR, printable_line
from gateway.protocol.text.similar_names import similar_names
from gateway.protocol.types.core_types import SYSTEM_NAME, Member, MemberKind
from gateway.rooms import guests

AI_CONNECT = "ai-connect"
EVERYONE_NAME = "*"
MAX_NAME_CHARS = 100
MAX_SLUG_CHARS = 56  # leaves space for a number at the end

_VIEWER_NAME = re.compile(r"_.+_")
_WITH_PROJECT = re.compile(r".*\S \((.+)\)")
_NOT_IN_A_SLUG = re.compile(r"[^a-z0-9_.-]+")


@dataclass(frozen=True)
class RequestedName:
    """The name and project with which a peer registers."""

    name: str
    project: str | None
    watches: bool = False

    @staticmethod
    def of(name: str, project: str | None, observer: bool = False) -> RequestedName:
        name = _clean_name(name)
        if not name:
            raise InvalidName("The name is empty. Choose one.")
        if _VIEWER_NAME.fullmatch(name):
            return RequestedName(name, None, watches=True)
        if match := _WITH_PROJECT.fullmatch(name):
            return RequestedName(name.removesuffix(f" ({match[1]})"), match[1], observer)
        return RequestedName(name, _clean_name(project or "") or None, observer)

    def full(self, number: int = 1) -> str:
        """`Name (Project)`, with a number if another peer already has that name."""
        name = self.name if number == 1 else f"{self.name}-{number}"
        return name if self.project is None else f"{name} ({self.project})"


def _clean_name(text: str) -> str:
    """One line of printable text: it is shown in other people's terminals."""
    return " ".join(printable_line(text).replace(REPLACEMENT_CHAR, " ").split())[:MAX_NAME_CHARS].strip()


def slug_of(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NOT_IN_A_SLUG.sub("-", plain).strip("-.")[:MAX_SLUG_CHARS].rstrip("-.") or "peer"


def guest_for(state: GatewayState, wanted: RequestedName) -> Member:
    """The guest with this full name, or a new one. A full name of any other member is not given away, not even one that
    only looks the same."""
    for number in count(1):
        full = wanted.full(number)
        mine = next((one for one in guests.guests_of(state, AI_CONNECT) if one.display == full), None)
        if mine is not None or not _is_name_taken(state, full):
            break
    kind = MemberKind.TOOL if wanted.watches else MemberKind.AGENT
    name = mine.name if mine is not None else _free_name(state, slug_of(full))
    return Member(name, kind, full, project=wanted.project, inbox=not wanted.watches)


def _is_name_taken(state: GatewayState, full: str) -> bool:
    folded = full.casefold()
    if folded in guests.FORBIDDEN_GUEST_NAMES:
        return True
    return any(folded in _full_names(record.member) for record in state.members.values())


def _full_names(member: Member) -> tuple[str, ...]:
    return (member.name,) if member.display is None else (member.name, member.display.casefold())


def _free_name(state: GatewayState, base: str) -> str:
    names = (base if number == 1 else f"{base}-{number}" for number in count(1))
    return next(one for one in names if one not in state.members and one not in guests.FORBIDDEN_GUEST_NAMES)


def is_viewer(record: MemberRecord) -> bool:
    """Whether this is a viewer, which sees messages to everyone, and to which nobody can write."""
    return record.dialect == AI_CONNECT and not record.member.inbox


def full_name_of(state: GatewayState, name: str) -> str:
    """A peer's full name; other members use their member name, since a display name proves nothing."""
    record = state.members.get(name)
    guest = record is not None and record.dialect == AI_CONNECT
    return (record.member.display if record is not None and guest else None) or name


def find_recipient(state: GatewayState, text: str, sender: str, here: Collection[str]) -> str:
    """The one member with this name or name prefix; among several, the only one that is present. It is resolved before
    anything is stored, so that it also holds for absent members."""
    wanted = text.strip().removeprefix("@").casefold()
    others = [one for one in state.members.values() if not is_viewer(one) and one.member.name != sender]
    if wanted and wanted in (sender, full_name_of(state, sender).casefold()):
        raise UnknownRecipient("This is your own name. Name another peer.")
    for found in _looser_matches(state, wanted, others, here) if wanted else ():
        if len(found) == 1:
            return found[0]
        if found:
            raise _ambiguous_error(state, text, found)
    raise _unknown_error(state, text, others)


def _looser_matches(
    state: GatewayState, wanted: str, others: Collection[MemberRecord], here: Collection[str]
) -> Iterator[list[str]]:
    def those(meant: Callable[[MemberRecord], bool]) -> list[str]:
        return sorted(one.member.name for one in others if meant(one))

    yield those(lambda one: full_name_of(state, one.member.name).casefold() == wanted)
    yield those(lambda one: one.member.name == wanted)
    yield those(lambda one: wanted in _full_names(one.member))
    beginning = those(lambda one: any(called.startswith(wanted) for called in _full_names(one.member)))
    yield [name for name in beginning if name in here]
    yield beginning


def _ambiguous_error(state: GatewayState, text: str, found: Collection[str]) -> UnknownRecipient:
    names = [full_name_of(state, name) for name in found]
    several = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
    return UnknownRecipient(
        f"{text[:MAX_NAME_CHARS]!r} matches several peers: {several}. Give a longer part of the name.",
        nearest=names[:3],
    )


def _unknown_error(state: GatewayState, text: str, others: Collection[MemberRecord]) -> UnknownRecipient:
    names = {full_name_of(state, one.member.name).casefold(): full_name_of(state, one.member.name) for one in others}
    near = [names[one] for one in similar_names(text.strip().casefold(), names)]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return UnknownRecipient(f"Nobody here is called {text[:MAX_NAME_CHARS]!r}.{hint}", nearest=near)


def recipients_text(state: GatewayState, names: Collection[str]) -> str:
    return ", ".join(full_name_of(state, name) for name in names) or EVERYONE_NAME


def sender_text(state: GatewayState, name: str) -> str:
    return SYSTEM_NAME if name == SYSTEM_NAME else full_name_of(state, name)

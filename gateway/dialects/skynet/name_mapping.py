"""Maps Skynet's agent ids to members, its channels to rooms, and its agent types to roles. Pure.

An agent id may have capital letters and 128 characters, a member name neither. A guest whose id is no member name keeps
the id as its `display`, and gets the nearest member name that is free. The id of every other member is its name.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import count

from gateway.model.records.stored_records import MemberRecord
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, InvalidName, NameTaken, NotFound, ReservedName, UnknownRecipient
from gateway.protocol.text.similar_names import similar_names
from gateway.protocol.types.core_types import (
    DEFAULT_ROOM,
    RESERVED_NAMES,
    SYSTEM_NAME,
    Member,
    MemberKind,
    canonical_name,
    canonical_room_name,
)
from gateway.rooms import guests
from gateway.rooms.lookalike_names import lookalike_key

SKYNET = "skynet"
DEFAULT_CHANNEL = "default"
DEFAULT_TYPE = "generic"
MONITOR_TYPE = "monitor"
DEFAULT_PRIORITY = 5
GLOBAL_AGENT = "__global__"  # stands for all agents, where a context is asked for
MAX_ID_CHARS = 128
MAX_CHANNEL_CHARS = 128
MAX_SLUG_CHARS = 50  # leaves space for a digest or a number at the end

AGENT_ID_TEXT = f"Use 1 to {MAX_ID_CHARS} of a-z, A-Z, 0-9, '_' and '-'."
_AGENT_ID = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_NOT_IN_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")
_NOT_IN_A_NAME = re.compile(r"[^a-z0-9_.-]+")


def check_agent_id(text: str) -> str:
    if not _AGENT_ID.fullmatch(text):
        raise BadRequest(f"{text[:80]!r} is not a valid agent id. {AGENT_ID_TEXT}")
    return text


def _slug_of(text: str) -> str:
    """The text as a name if it is one, else a name that resembles it, with a digest of the whole."""
    lower = text.lower()
    if _is_name(lower):
        return lower
    short = _NOT_IN_A_NAME.sub("-", lower).strip("-.")[:MAX_SLUG_CHARS]
    return f"{short}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-.")


def _is_name(text: str) -> bool:
    try:
        return canonical_name(text) == text
    except InvalidName:
        return False


# agents


def is_skynet_guest(record: MemberRecord | None) -> bool:
    return record is not None and record.dialect == SKYNET


def agent_id_of(state: GatewayState, name: str) -> str:
    """The agent id of a member. A display name counts only for our guests: for others it proves nothing."""
    record = state.members.get(name)
    if record is not None and record.dialect == SKYNET and record.member.display:
        return record.member.display
    return _id_of_name(name)


def _id_of_name(name: str) -> str:
    """A member name as an agent id, which may have no dot."""
    if not _NOT_IN_AN_ID.search(name):
        return name
    return f"{_NOT_IN_AN_ID.sub('-', name)}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def member_with_agent_id(state: GatewayState, agent_id: str) -> str | None:
    """The member with this agent id, whether it is connected or not. Upper and lower case are the same id."""
    likely = agent_id.lower()
    if likely in state.members and agent_id_of(state, likely) == agent_id:
        return likely
    return _with_spelling(state, agent_id, state.members)


def _with_spelling(state: GatewayState, agent_id: str, members: Iterable[str]) -> str | None:
    """The member with exactly this id, else one whose id differs from it only by case."""
    wanted = agent_id.lower()
    found = [name for name in members if agent_id_of(state, name).lower() == wanted]
    return next((name for name in found if agent_id_of(state, name) == agent_id), next(iter(found), None))


def require_member(state: GatewayState, agent_id: str) -> str:
    """The member with this id, if a message can reach it now or later."""
    name = member_with_agent_id(state, agent_id)
    record = state.members[name] if name else None
    if name is None or record is None or record.removed or not _is_reachable(record):
        raise unknown_agent_error(state, agent_id)
    return name


def _is_reachable(record: MemberRecord) -> bool:
    """Nobody can write to a monitor, nor to a member that has left and has no inbox."""
    return record.member.inbox or not (record.member.hidden or is_skynet_guest(record))


def unknown_agent_error(state: GatewayState, agent_id: str) -> UnknownRecipient:
    known = [agent_id_of(state, name) for name, one in state.members.items() if not (one.member.hidden or one.removed)]
    near = similar_names(agent_id, known)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    return UnknownRecipient(f"There is no agent {agent_id[:MAX_ID_CHARS]!r}.{hint}", nearest=near)


def unknown_id_error(agent_id: str) -> NotFound:
    return NotFound(f"There is no agent {agent_id[:MAX_ID_CHARS]!r}.")


def guest_with_agent_id(
    state: GatewayState, agent_id: str, agent_type: str = "", priority: int | None = None
) -> Member:
    """The guest with this agent id, or a new one. The id of another member is not given away. A guest that is known
    keeps the type and the priority that it does not name. A monitor is a tool, to which nobody can write."""
    check_agent_id(agent_id)
    watches = agent_type.lower() == MONITOR_TYPE
    name = _guest_name(state, agent_id)
    known = state.members[name].member if name in state.members else None
    return Member(
        name,
        MemberKind.TOOL if watches else MemberKind.AGENT,
        display=agent_id if not _is_name(agent_id) else None,
        role=named_role(agent_type) or (known.role if known else None) or (role_of(agent_type) if agent_type else None),
        priority=priority or (known.priority if known else DEFAULT_PRIORITY),
        inbox=not watches,
    )


def check_same_use(state: GatewayState, agent_id: str, wish: Member) -> None:
    """Refuse a monitor with the id of an agent, and an agent with the id of a connected monitor: they are different
    things to whoever writes to them."""
    known = state.members.get(wish.name)
    if known is None or known.member.inbox == wish.inbox or (wish.inbox and known.member.hidden):
        return
    other = "an agent" if known.member.inbox else "a monitor"
    raise NameTaken(f"The agent id {agent_id!r} is used by {other}. Choose another one.")


def _guest_name(state: GatewayState, agent_id: str) -> str:
    slug = _slug_of(agent_id)
    if slug in guests.FORBIDDEN_GUEST_NAMES or agent_id.lower() == GLOBAL_AGENT:
        raise ReservedName(f"The agent id {agent_id!r} is reserved. Choose another one.")
    known = state.members.get(slug)
    if known is not None and known.dialect != SKYNET:
        raise NameTaken(
            f"The agent id {agent_id!r} belongs to a member that has a token of its own. "
            "Connect with that token, or choose another id."
        )
    if (mine := _with_spelling(state, agent_id, [one.name for one in guests.guests_of(state, SKYNET)])) is not None:
        return mine
    _check_resembles_no_member(state, agent_id)
    return slug if known is None else next(one for one in _numbered(slug) if one not in state.members)


def _check_resembles_no_member(state: GatewayState, agent_id: str) -> None:
    """An id is shown as it is, so it must not look like the name of a person or of an agent with a token. Guests can
    pass for one another anyway, and `worker-1` must not shut out `worker1`."""
    shown = lookalike_key(agent_id)
    alike = (name for name, one in state.members.items() if one.dialect != SKYNET and lookalike_key(name) == shown)
    if (taken := next(alike, None)) is not None:
        raise NameTaken(f"The agent id {agent_id!r} looks like {taken!r}. Choose another one.")


def _numbered(slug: str) -> Iterator[str]:
    return (f"{slug}-{number}" for number in count(2))


# types


def named_role(agent_type: str) -> str | None:
    """The role that a type names; none for a type that says nothing about a member that has a role."""
    return None if agent_type.lower() in ("", DEFAULT_TYPE, MONITOR_TYPE) else role_of(agent_type)


def role_of(agent_type: str) -> str:
    """An agent type as a role. Types are free text; a role is a name."""
    role = _slug_of(agent_type.strip())
    return f"{role}-agent" if role in RESERVED_NAMES else role


def type_of(member: Member) -> str:
    return member.role or (DEFAULT_TYPE if member.kind is MemberKind.AGENT else str(member.kind))


# channels


def check_channel_name(text: str) -> str:
    if not 1 <= len(text.strip()) <= MAX_CHANNEL_CHARS or not text.isprintable():
        raise BadRequest(f"{text[:80]!r} is not a valid channel. Use 1 to {MAX_CHANNEL_CHARS} printable characters.")
    return text.strip()


def room_behind_channel(channel: str) -> str:
    """The name of the room for a channel. Every channel has one; upper and lower case are the same channel."""
    bare = check_channel_name(channel).removeprefix("#")
    if bare.lower() == DEFAULT_CHANNEL:
        return DEFAULT_ROOM
    try:
        return canonical_room_name(bare)
    except InvalidName:
        return _slug_of(bare)


def channel_for_room(room: str) -> str:
    return DEFAULT_CHANNEL if room == DEFAULT_ROOM else room


def sender_id(state: GatewayState, name: str) -> str:
    return SYSTEM_NAME if name == SYSTEM_NAME else agent_id_of(state, name)

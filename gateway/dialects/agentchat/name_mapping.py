"""Maps agent ids to members and channels to rooms. Pure.

AgentChat knows its agents by an id, `@1a2b3c4d`; a guest's member name is the name it gave and that id
(`scout-1a2b3c4d`). The id of all other members is their name. AgentChat's channels may have capital letters, and our
names may hold characters that it does not know: each side has a form of the other's names that can be mapped back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import msgspec

from gateway.model.records.stored_records import MemberRecord, RoomRecord
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, InvalidName, UnknownRoom
from gateway.protocol.types.core_types import Member, MemberKind, canonical_room_name
from gateway.rooms import guests

AGENTCHAT = "agentchat"
MAX_ID_CHARS = 32
MAX_CHANNEL_CHARS = 31  # without the leading sign
ID_LENGTHS = (8, 16, 24)
PROVEN, UNPROVEN = "proven", "unproven"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_CHANNEL = re.compile(r"#[A-Za-z0-9_-]{1,31}")
_DISALLOWED_CHARS = re.compile(r"[^A-Za-z0-9_-]")


def check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadRequest(f"{name[:80]!r} is not a valid agent name. Use 1 to 32 of A-Z, a-z, 0-9, '_' and '-'.")
    return name


def check_channel(channel: str) -> str:
    if not _CHANNEL.fullmatch(channel):
        raise InvalidName(
            f"{channel[:80]!r} is not a valid channel. Use '#' and 1 to 31 of A-Z, a-z, 0-9, '_' and '-'."
        )
    return channel


def _fit_name(name: str, most: int) -> str:
    """The name if it fits AgentChat, else a shortened form with a digest of the whole."""
    if len(name) <= most and not _DISALLOWED_CHARS.search(name):
        return name
    return f"{_DISALLOWED_CHARS.sub('-', name)[: most - 9]}-{_name_digest(name)[:8]}"


def _name_digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# agents


def is_agentchat_guest(record: MemberRecord | None) -> bool:
    return record is not None and record.dialect == AGENTCHAT


def agentchat_id_of(state: GatewayState, name: str) -> str:
    return id_of_guest(name) if is_agentchat_guest(state.members.get(name)) else _fit_name(name, MAX_ID_CHARS)


def id_of_guest(guest: str) -> str:
    return guest.rpartition("-")[2]


def at_id(state: GatewayState, name: str) -> str:
    return f"@{agentchat_id_of(state, name)}"


def member_with_id(state: GatewayState, wanted: str) -> str | None:
    """The member with this `@id`."""
    bare = wanted.removeprefix("@")
    mine = (one.name for one in guests.guests_of(state, AGENTCHAT) if agentchat_id_of(state, one.name) == bare)
    if (guest := next(mine, None)) is not None:
        return guest
    name = bare.lower()
    if name in state.members and not is_agentchat_guest(state.members[name]):
        return name if agentchat_id_of(state, name) == name else None
    return next((one for one in state.members if agentchat_id_of(state, one) == bare), None)


def guest_with_key(state: GatewayState, pem: str) -> MemberRecord | None:
    return next((one for one in state.members.values() if one.dialect == AGENTCHAT and one.key == pem), None)


def new_guest(state: GatewayState, name: str, pem: str, taken: Callable[[str], bool]) -> MemberRecord:
    """A guest identified by its key: its id has as many digits of the key's digest as make it unique. Eight digits
    alone can be forged by trial."""
    guests_to_be = (guest_record(name, _name_digest(pem)[:length], pem) for length in ID_LENGTHS)
    return next(
        one
        for one in guests_to_be
        if not taken(id_of_guest(one.member.name)) and _is_unused_name(state, one.member.name)
    )


def _is_unused_name(state: GatewayState, name: str) -> bool:
    return name not in state.members and is_free_id(state, id_of_guest(name))


def is_free_id(state: GatewayState, wanted: str) -> bool:
    return member_with_id(state, wanted) is None and wanted not in guests.FORBIDDEN_GUEST_NAMES


def guest_record(name: str, id_: str, key: str = "") -> MemberRecord:
    """The record for a new guest. No messages are kept for it: it gets only those that arrive while it is connected."""
    known_by = (UNPROVEN,) if key else ()
    member = Member(f"{name.lower().strip('-') or 'agent'}-{id_}", MemberKind.AGENT, capabilities=known_by)
    return MemberRecord(member, dialect=AGENTCHAT, key=key)


def mark_guest_proven(guest: MemberRecord) -> MemberRecord:
    member = msgspec.structs.replace(guest.member, capabilities=(PROVEN,))
    return msgspec.structs.replace(guest, member=member, proven=True)


# channels


def room_name_for_channel(channel: str) -> str:
    """The name of a room for this channel; ours may not begin or end with '-'."""
    bare = channel.removeprefix("#").lower()
    return bare if _is_room_name(bare) else f"_{bare}_"


def channel_of_room(room: str) -> str:
    inner = room[1:-1]
    wrapped = room == f"_{inner}_" and _CHANNEL.fullmatch(f"#{inner}") and not _is_room_name(inner)
    return f"#{inner if wrapped else _fit_name(room, MAX_CHANNEL_CHARS)}"


def _is_room_name(name: str) -> bool:
    try:
        return canonical_room_name(name) == name
    except InvalidName:
        return False


def room_of_channel(state: GatewayState, channel: str) -> RoomRecord | None:
    wanted = check_channel(channel).lower()
    record = state.rooms.get(room_name_for_channel(wanted))
    if record is not None and channel_of_room(record.name) == wanted:
        return record
    return next((one for one in state.rooms.values() if channel_of_room(one.name) == wanted), None)


def require_room(state: GatewayState, channel: str) -> RoomRecord:
    record = room_of_channel(state, channel)
    if record is None or record.removed:
        raise UnknownRoom(f"There is no channel {channel}.")
    return record

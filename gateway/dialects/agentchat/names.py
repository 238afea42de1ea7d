"""Who is who in AgentChat, and which of its channels is which of our rooms. Pure: values in, values out.

Its agents are known by an id, `@1a2b3c4d`; a guest's member is called by the name it gave and that id
(`scout-1a2b3c4d`). All others have their member's name for an id. Its channels may have capital letters, and ours
names of other kinds: each side has a form for the other's that leads back to the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

import msgspec

from gateway.model.records import MemberRecord, RoomRecord
from gateway.model.state import House
from gateway.protocol.errors import BadRequest, InvalidName, UnknownRoom
from gateway.protocol.types import DEFAULT_ROOM, Member, MemberKind, room_name_of
from gateway.rooms import guests

AGENTCHAT = "agentchat"
MAX_ID = 32
MAX_CHANNEL = 31  # without the sign before it
ID_LENGTHS = (8, 16, 24)
PROVEN, UNPROVEN = "proven", "unproven"

_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_CHANNEL = re.compile(r"#[A-Za-z0-9_-]{1,31}")
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")


def check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadRequest(f"{name[:80]!r} cannot be an agent's name: use 1 to 32 of A-Z, a-z, 0-9, '_' and '-'.")
    return name


def check_channel(channel: str) -> str:
    if not _CHANNEL.fullmatch(channel):
        raise InvalidName(f"{channel[:80]!r} cannot be a channel: use '#' and 1 to 31 of A-Z, a-z, 0-9, '_' and '-'.")
    return channel


def _fitted(name: str, most: int) -> str:
    """The name itself where AgentChat can bear it, else what is left of it and a mark of the whole."""
    if len(name) <= most and not _FOREIGN.search(name):
        return name
    return f"{_FOREIGN.sub('-', name)[: most - 9]}-{_digest(name)[:8]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# agents


def is_guest(record: MemberRecord | None) -> bool:
    return record is not None and record.dialect == AGENTCHAT


def id_of(house: House, name: str) -> str:
    return id_in(name) if is_guest(house.members.get(name)) else _fitted(name, MAX_ID)


def id_in(guest: str) -> str:
    return guest.rpartition("-")[2]


def at(house: House, name: str) -> str:
    return f"@{id_of(house, name)}"


def member_with_id(house: House, wanted: str) -> str | None:
    """The member that is meant by `@id`."""
    bare = wanted.removeprefix("@")
    mine = (one.name for one in guests.guests_of(house, AGENTCHAT) if id_of(house, one.name) == bare)
    if (guest := next(mine, None)) is not None:
        return guest
    name = bare.lower()
    if name in house.members and not is_guest(house.members[name]):
        return name if id_of(house, name) == name else None
    return next((one for one in house.members if id_of(house, one) == bare), None)


def guest_with_key(house: House, pem: str) -> MemberRecord | None:
    return next((one for one in house.members.values() if one.dialect == AGENTCHAT and one.key == pem), None)


def newcomer(house: House, name: str, pem: str, taken: Callable[[str], bool]) -> MemberRecord:
    """A guest known by its key: as many digits of its digest as nobody else has. Eight can be had by trying."""
    guests_to_be = (guest(name, _digest(pem)[:length], pem) for length in ID_LENGTHS)
    return next(one for one in guests_to_be if not taken(id_in(one.member.name)) and _is_new(house, one.member.name))


def _is_new(house: House, name: str) -> bool:
    return name not in house.members and is_free(house, id_in(name))


def is_free(house: House, wanted: str) -> bool:
    return member_with_id(house, wanted) is None and wanted not in guests.NOT_FOR_GUESTS


def guest(name: str, id_: str, key: str = "") -> MemberRecord:
    """The member a newcomer would be. Nothing waits for it: it gets what is said while it is there."""
    known_by = (UNPROVEN,) if key else ()
    member = Member(f"{name.lower().strip('-') or 'agent'}-{id_}", MemberKind.AGENT, capabilities=known_by)
    return MemberRecord(member, dialect=AGENTCHAT, key=key)


def as_proven(guest: MemberRecord) -> MemberRecord:
    member = msgspec.structs.replace(guest.member, capabilities=(PROVEN,))
    return msgspec.structs.replace(guest, member=member, proven=True)


# channels


def room_for(channel: str) -> str:
    """What a room that is made for this channel is called; ours may not begin or end with a '-'."""
    bare = channel.removeprefix("#").lower()
    return bare if _is_room(bare) else f"_{bare}_"


def channel_of(room: str) -> str:
    inner = room[1:-1]
    wrapped = room == f"_{inner}_" and _CHANNEL.fullmatch(f"#{inner}") and not _is_room(inner)
    return f"#{inner if wrapped else _fitted(room, MAX_CHANNEL)}"


def _is_room(name: str) -> bool:
    try:
        return room_name_of(name) == name
    except InvalidName:
        return False


def room_of(house: House, channel: str) -> RoomRecord | None:
    wanted = check_channel(channel).lower()
    record = house.rooms.get(room_for(wanted))
    if record is not None and channel_of(record.name) == wanted:
        return record
    return next((one for one in house.rooms.values() if channel_of(one.name) == wanted), None)


def need_room(house: House, channel: str) -> RoomRecord:
    record = room_of(house, channel)
    if record is None or record.removed:
        raise UnknownRoom(f"There is no channel {channel}.")
    return record


def meeting_room(house: House, one: str, other: str) -> str | None:
    """A room that both are in: what is said between two is said somewhere."""
    common = house.rooms_of[one] & house.rooms_of[other]
    return DEFAULT_ROOM if DEFAULT_ROOM in common else min(common, default=None)

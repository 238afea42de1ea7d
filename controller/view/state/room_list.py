"""The rooms as one member sees them: their order and their changes. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from gateway.protocol.events import RoomAction, RoomEvent
from gateway.protocol.types.core_types import DEFAULT_ROOM, Room


def rooms_after(rooms: Mapping[str, Room], event: RoomEvent) -> dict[str, Room]:
    """The rooms after this event. A room that another member creates becomes known by it."""
    found = dict(rooms)
    known = found.get(event.room) or Room(event.room, created_by=event.by)
    if event.sealed:  # for ever
        known = msgspec.structs.replace(known, sealed=True)
    match event.action:
        case RoomAction.CREATED | RoomAction.TOPIC:
            found[event.room] = msgspec.structs.replace(known, topic=event.text)
        case RoomAction.JOINED | RoomAction.LEFT if event.member is not None:
            others = tuple(one for one in known.members if one != event.member)
            members = (*others, event.member) if event.action is RoomAction.JOINED else others
            found[event.room] = msgspec.structs.replace(known, members=members)
    return found


def rooms_of(rooms: Mapping[str, Room], me: str, shown: str) -> tuple[str, ...]:
    """The rooms of this member in the order of their numbers: the default room, then by name. The shown room is always
    one of them."""
    mine = {name for name, one in rooms.items() if me in one.members and not one.removed} | {shown}
    return tuple(sorted(mine, key=lambda name: (name != DEFAULT_ROOM, name)))

"""Lists the keys of a sealed room: the notices are read from the log, a few at a time, because each may be large."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.protocol import codec
from gateway.protocol.errors import Forbidden
from gateway.protocol.events import RoomKeyEvent
from gateway.protocol.requests.room_requests import RoomKeys
from gateway.protocol.results import RoomKeyList, RoomKeyView
from gateway.protocol.types.core_types import canonical_room_name
from gateway.runtime.hub import Hub
from gateway.sealed_rooms.room_key_rules import keys_of
from gateway.store import MAX_PAGE_BYTES, StoredEvent

READ_AT_ONCE = 8


async def answer_room_keys(hub: Hub, actor: Actor, request: RoomKeys) -> RoomKeyList:
    """For members alone, also after their room was removed: an observer has no key that a notice hands out."""
    room = hub.state.readable_room(canonical_room_name(request.room), actor)
    if actor.link is not None or not hub.state.reads_in(room.name, actor.name):
        raise Forbidden(f"{actor.name} is not in the room {room.name!r}. Only its members get its keys.")
    if not room.sealed:
        return RoomKeyList((), sealed=False)
    keys, members = keys_of(hub.state, room.name), tuple(sorted(hub.state.in_room[room.name]))
    invited = tuple(one for one in room.invited if one not in members)
    waiting = tuple(one.admission for one in hub.state.admissions_of(room.name).values())
    found = await _read_notices(hub, keys.first, request) if keys.first else []
    more = bool(found) and found[-1].version < keys.version
    return RoomKeyList(tuple(found), waiting, keys.version, keys.due, more, members, invited)


async def _read_notices(hub: Hub, first: int, request: RoomKeys) -> list[RoomKeyView]:
    """Versions follow each other from 1, so the place of a notice in the log is its version."""
    found: list[RoomKeyView] = []
    size = 0
    while len(found) < request.limit:
        wanted = min(READ_AT_ONCE, request.limit - len(found))
        records = await hub.store.about(first, request.after + len(found), wanted, "room.key")
        for record in records:
            size += len(record.event)
            if found and size > MAX_PAGE_BYTES:
                return found
            found.append(_view(record))
        if len(records) < wanted:
            break
    return found


def _view(record: StoredEvent) -> RoomKeyView:
    event = codec.decode_durable(record.event)
    assert isinstance(event, RoomKeyEvent)
    return RoomKeyView(event.version, event.by, event.notice, event.seq)

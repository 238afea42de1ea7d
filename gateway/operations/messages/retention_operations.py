"""Sets how long a room keeps its messages, and tells how far they were removed."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.room_requests import RoomRetention, SetRetention
from gateway.protocol.results import Result, RetentionStanding
from gateway.protocol.types.core_types import canonical_room_name
from gateway.retention.retention_rules import FOREVER, set_retention
from gateway.retention.room_trimming import RETENTION_ERRAND
from gateway.runtime.hub import Hub


async def answer_set_retention(hub: Hub, actor: Actor, request: SetRetention) -> Result:
    outcome = set_retention(hub.state, actor, request, hub.rule_context())
    if hub.store.retention is None and request.keep.strip().lower() != FOREVER:
        raise BadRequest(
            "Nothing can be removed from a log in Redis: each entry is chained to the one before, and a new gateway "
            "makes its copy from all of them. Keep everything, or use a log in SQLite."
        )
    done = await hub.carry_out(outcome)
    hub.scheduler.schedule(RETENTION_ERRAND)
    return done


async def answer_retention(hub: Hub, actor: Actor, request: RoomRetention) -> RetentionStanding:
    record = hub.state.readable_room(canonical_room_name(request.room), actor)
    reached = hub.trimming.reached.get(record.name, 0)
    return RetentionStanding(record.name, record.keep, record.cut, min(reached, record.cut))

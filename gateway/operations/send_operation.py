"""Sending a message: decided at once, or after what it answers was read from the store."""

from __future__ import annotations

from collections.abc import Awaitable, Collection

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_updates
from gateway.conversation import reply_targets
from gateway.operations.message_queries import message_of
from gateway.protocol import requests as r
from gateway.protocol import results as out
from gateway.rooms import messages
from gateway.runtime.hub import Hub


def send(hub: Hub, actor: Actor, request: r.Send) -> Awaitable[out.Result]:
    """Decided at once, unless it answers something older than memory: then that is looked up first."""
    if missing := reply_targets.not_in_memory(hub.house, actor.name, request):
        return _send_after(hub, actor, request, missing)
    return hub.carry_out(messages.send(hub.house, actor, request, hub.clerk()))


async def _send_after(hub: Hub, actor: Actor, request: r.Send, missing: Collection[int]) -> out.Result:
    for number in missing:
        if number not in hub.house.recent:
            record = await hub.store.one(number)
            if record is None or record.kind != "message":
                raise delivery_updates.unknown(number, actor)
            hub.house.recent.note(message_of(record))
        if (stored := await hub.store.delivery(number, actor.name)) is not None:
            hub.house.deliveries.known(stored)
    return await hub.carry_out(messages.send(hub.house, actor, request, hub.clerk()))

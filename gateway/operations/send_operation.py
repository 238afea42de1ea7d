"""Sends a message: decided at once, or after the message it answers was read from the store."""

from __future__ import annotations

from collections.abc import Awaitable, Collection

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_updates
from gateway.conversation import reply_targets
from gateway.operations.message_queries import decode_message
from gateway.protocol.requests import Send
from gateway.protocol.results import Result
from gateway.rooms import messages
from gateway.runtime.hub import Hub


def send_message(hub: Hub, actor: Actor, request: Send) -> Awaitable[Result]:
    """Decide at once, unless the message answers one that is no longer in memory: then read that one first."""
    if missing := reply_targets.numbers_missing_in_memory(hub.state, actor.name, request):
        return _send_after_lookup(hub, actor, request, missing)
    return hub.carry_out(messages.post_message(hub.state, actor, request, hub.sequencer()))


async def _send_after_lookup(hub: Hub, actor: Actor, request: Send, missing: Collection[int]) -> Result:
    for number in missing:
        if number not in hub.state.recent:
            record = await hub.store.one(number)
            if record is None or record.kind != "message":
                raise delivery_updates.unknown_message_error(number, actor)
            hub.state.recent.note(decode_message(record))
        if (stored := await hub.store.delivery(number, actor.name)) is not None:
            hub.state.deliveries.known(stored)
    return await hub.carry_out(messages.post_message(hub.state, actor, request, hub.sequencer()))

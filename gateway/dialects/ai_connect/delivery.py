"""Sends the waiting messages of one AI-Connect peer: the first page as `unread`, every later message by itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.access.permissions import Actor
from gateway.dialects.acknowledged_delivery import AcknowledgedDelivery
from gateway.dialects.ai_connect import frames
from gateway.model.deliveries.delivery_states import WAITING_RUNGS
from gateway.operations.delivery.inbox_operations import WaitingMessage
from gateway.push.event_broadcaster import Connection
from gateway.runtime.hub import Hub

MAX_HIDDEN_MESSAGES = 10_000


class PeerDelivery:
    def __init__(self, hub: Hub, connection: Connection, actor: Callable[[], Actor]) -> None:
        self._hub = hub
        self._connection = connection
        self._brought = 0  # the last message that was sent to it
        self._begun = False
        self._delivery = AcknowledgedDelivery(hub, connection, actor, self._send)

    def answered(self, pong: bytes) -> None:
        self._delivery.answered(pong)

    def stop(self) -> None:
        self._delivery.stop()

    async def undelivered_messages(self) -> set[int]:
        """The oldest waiting messages. Nothing may show them to the peer before they are sent."""
        stored = await self._hub.store.open_deliveries(self._connection.name, self._brought, MAX_HIDDEN_MESSAGES)
        return {one.message for one in map(self._hub.state.deliveries.known, stored) if one.rung in WAITING_RUNGS}

    def _send(self, waiting: Sequence[WaitingMessage]) -> int:
        entries = frames.fit_into_frame(frames.message_entry(self._hub.state, one.message) for one in waiting)
        if not self._begun:
            self._connection.say(frames.unread_frame(entries))
        else:
            for entry in entries:
                self._connection.say(frames.message_frame(entry))
        self._begun = True
        if entries:
            self._brought = waiting[len(entries) - 1].message.seq
        return len(entries)

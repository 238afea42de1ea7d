"""Delivers the waiting messages of one AI-Connect peer, and detects when they have arrived.

The protocol has no acknowledgement, but every WebSocket client answers pings in order: a pong means that everything
sent before the ping was read. Only then a message counts as *accepted*. If the connection ends before, the message
keeps waiting, and is sent again with the same id when the peer reconnects: twice is better than never.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from gateway.access.permissions import Actor
from gateway.api import frames
from gateway.client.process.tasks import spawn
from gateway.dialects.ai_connect import frames as words
from gateway.model.delivery_states import WAITING_RUNGS
from gateway.operations import inbox_operations
from gateway.operations.inbox_operations import WaitingMessage
from gateway.protocol.errors import GroupChatError
from gateway.protocol.results import Result
from gateway.protocol.types import TAKEN_BY_ITSELF
from gateway.push.broadcaster import Connection
from gateway.runtime.hub import Hub

log = structlog.get_logger("gateway.ai_connect")

PAGE_MESSAGES = 100
MAX_HIDDEN_MESSAGES = 10_000


class PeerDelivery:
    """Sends one batch at a time, the next after the client has read the last. A client that does not read blocks
    nobody, and its messages wait in the log, not in memory."""

    def __init__(self, hub: Hub, connection: Connection, actor: Callable[[], Actor]) -> None:
        self._hub = hub
        self._connection = connection
        self._actor = actor
        self.brought = 0  # the last message that was sent to it
        self._number = 0
        self._sent: Sequence[WaitingMessage] = ()
        self._accepted: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._task = spawn(self._deliver_all(), f"ai-connect {connection.name}")

    def answered(self, pong: bytes) -> None:
        """Handle a pong immediately, not in the task: the client's next frame may close the connection."""
        if pong != b"%d" % self._number or not self._sent:
            return
        outcome, _ = inbox_operations.plan_hand_over(self._hub, self._sent, TAKEN_BY_ITSELF)
        self._sent = ()
        written, waiting = self._hub.carry_out(outcome), self._accepted
        written.add_done_callback(lambda done: _copy_result(done, waiting))

    async def undelivered_messages(self) -> set[int]:
        """The oldest waiting messages. Nothing may show them to the peer before they are sent."""
        stored = await self._hub.store.open_deliveries(self._connection.name, self.brought, MAX_HIDDEN_MESSAGES)
        return {one.message for one in map(self._hub.state.deliveries.known, stored) if one.rung in WAITING_RUNGS}

    def stop(self) -> None:
        self._task.cancel()

    async def _deliver_all(self) -> None:
        try:
            await self._deliver_page(as_unread=True)
            while not self._connection.is_gone:
                mail = self._hub.wakeups.delivery_signal(self._connection.name)
                if not await self._deliver_page():
                    await mail.wait()
        except GroupChatError as error:
            log.warning("! nothing more reaches a peer here", member=self._connection.name, error=error.message)
            self._connection.close()
        except Exception:
            log.exception("! bringing failed", member=self._connection.name)
            self._connection.close()

    async def _deliver_page(self, *, as_unread: bool = False) -> bool:
        waiting = await inbox_operations.waiting_messages(self._hub, self._actor(), PAGE_MESSAGES)
        entries = words.fit_into_frame(words.message_entry(self._hub.state, one.message) for one in waiting)
        if as_unread:
            self._connection.say(words.unread_frame(entries))
        else:
            for entry in entries:
                self._connection.say(words.message_frame(entry))
        if entries:
            self.brought = waiting[len(entries) - 1].message.seq
            await self._wait_until_read(waiting[: len(entries)])
        return bool(entries)

    async def _wait_until_read(self, sent: Sequence[WaitingMessage]) -> None:
        self._number += 1
        self._sent = sent
        self._accepted = asyncio.get_running_loop().create_future()
        self._connection.say(frames.encode_ping(b"%d" % self._number))
        await self._accepted


def _copy_result(done: asyncio.Future[Result], waiting: asyncio.Future[Result]) -> None:
    """Pass the result on if somebody still waits for it; the delivery may have been stopped meanwhile."""
    error = done.exception()
    if error is not None:
        log.warning("! what was read could not be written down, and will come again", error=str(error))
    if waiting.done():
        return
    if error is None:
        waiting.set_result(done.result())
    else:
        waiting.set_exception(error)

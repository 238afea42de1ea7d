"""Brings what waits for one peer of AI-Connect, and knows when it has arrived.

The dialect has no word for "I have read this", but every WebSocket answers a ping, in its turn: what was sent before it
has been read by then. Only so a message counts as *accepted*. Where the connection ends before, the message waits, and
comes again with the same id when the peer is back: rather twice than never.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from gateway.access.permissions import Actor
from gateway.api import frames
from gateway.client.process.tasks import spawn
from gateway.dialects.ai_connect import frames as words
from gateway.model.delivery_states import WAITING
from gateway.operations import inbox_operations
from gateway.operations.inbox_operations import Waiting
from gateway.protocol.errors import GroupChatError
from gateway.protocol.results import Result
from gateway.protocol.types import BY_ITSELF
from gateway.push.broadcaster import Connection
from gateway.runtime.hub import Hub

log = structlog.get_logger("gateway.ai_connect")

PAGE = 100
MOST_HIDDEN = 10_000


class Carrier:
    """One batch after the other, the next when the client has read the last: a client that does not read holds up
    nobody, and what waits for it waits in the log and not in memory."""

    def __init__(self, hub: Hub, connection: Connection, actor: Callable[[], Actor]) -> None:
        self._hub = hub
        self._connection = connection
        self._actor = actor
        self.brought = 0  # the last message that was sent to it
        self._number = 0
        self._sent: Sequence[Waiting] = ()
        self._accepted: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._task = spawn(self._carry(), f"ai-connect {connection.name}")

    def answered(self, pong: bytes) -> None:
        """At once, and not when the task comes to it: the next frame may be the client's goodbye."""
        if pong != b"%d" % self._number or not self._sent:
            return
        ruling, _ = inbox_operations.handing_over(self._hub, self._sent, BY_ITSELF)
        self._sent = ()
        written, waiting = self._hub.carry_out(ruling), self._accepted
        written.add_done_callback(lambda done: _pass_on(done, waiting))

    async def still_to_bring(self) -> set[int]:
        """Of the oldest that wait. Nothing may show them to the peer before they are brought."""
        stored = await self._hub.store.open_deliveries(self._connection.name, self.brought, MOST_HIDDEN)
        return {one.message for one in map(self._hub.house.deliveries.known, stored) if one.rung in WAITING}

    def stop(self) -> None:
        self._task.cancel()

    async def _carry(self) -> None:
        try:
            await self._carry_page(as_unread=True)
            while not self._connection.gone:
                mail = self._hub.wakeups.mail(self._connection.name)
                if not await self._carry_page():
                    await mail.wait()
        except GroupChatError as error:
            log.warning("! nothing more reaches a peer here", member=self._connection.name, error=error.message)
            self._connection.close()
        except Exception:
            log.exception("! bringing failed", member=self._connection.name)
            self._connection.close()

    async def _carry_page(self, *, as_unread: bool = False) -> bool:
        waiting = await inbox_operations.waiting_messages(self._hub, self._actor(), PAGE)
        entries = words.fitting(words.listed(self._hub.house, one.message) for one in waiting)
        if as_unread:
            self._connection.say(words.unread(entries))
        else:
            for entry in entries:
                self._connection.say(words.said(entry))
        if entries:
            self.brought = waiting[len(entries) - 1].message.seq
            await self._until_read(waiting[: len(entries)])
        return bool(entries)

    async def _until_read(self, sent: Sequence[Waiting]) -> None:
        self._number += 1
        self._sent = sent
        self._accepted = asyncio.get_running_loop().create_future()
        self._connection.say(frames.ping(b"%d" % self._number))
        await self._accepted


def _pass_on(done: asyncio.Future[Result], waiting: asyncio.Future[Result]) -> None:
    """To whoever still waits for it; the carrier may have been stopped meanwhile."""
    error = done.exception()
    if error is not None:
        log.warning("! what was read could not be written down, and will come again", error=str(error))
    if waiting.done():
        return
    if error is None:
        waiting.set_result(done.result())
    else:
        waiting.set_exception(error)

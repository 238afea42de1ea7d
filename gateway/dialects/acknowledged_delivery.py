"""Delivers the messages that wait in the inbox of a dialect's client, and detects when they have arrived.

Most dialects have no acknowledgement, but every WebSocket client answers pings in order: a pong means that everything
sent before the ping was read. Only then a message counts as *accepted*. If the connection ends before, the message
keeps waiting, and is sent again with the same id when the client reconnects: twice is better than never.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from gateway.access.permissions import Actor
from gateway.api import stream_frames
from gateway.operations.delivery import inbox_operations
from gateway.operations.delivery.inbox_operations import WaitingMessage
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError
from gateway.protocol.results import Result
from gateway.protocol.types.core_types import TAKEN_BY_ITSELF
from gateway.push.event_broadcaster import Connection
from gateway.runtime.hub import Hub

log = structlog.get_logger("gateway.dialects")

PAGE_MESSAGES = 100
PageSender = Callable[[Sequence[WaitingMessage]], int]


class AcknowledgedDelivery:
    """Sends one batch at a time, the next after the client has read the last. A client that does not read blocks
    nobody, and its messages wait in the log, not in memory."""

    def __init__(  # noqa: PLR0913 - what a delivery is
        self,
        hub: Hub,
        connection: Connection,
        actor: Callable[[], Actor],
        send: PageSender,
        *,
        by_rank: bool = False,
        failed: Callable[[], None] | None = None,
    ) -> None:
        """`send` sends the first of these messages and returns their number. With `by_rank`, urgent messages and those
        of a high priority come first. The first page is sent even if it is empty. `failed` ends the connection after
        an error; by default it is closed, so that the client connects again."""
        self._hub = hub
        self._connection = connection
        self._actor = actor
        self._send = send
        self._by_rank = by_rank
        self._failed = failed or connection.close
        self._number = 0
        self._sent: Sequence[WaitingMessage] = ()
        self._accepted: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._task = spawn(self._deliver_all(), f"delivery to {connection.name}")

    def answered(self, pong: bytes) -> None:
        """Handle a pong immediately, not in the task: the client's next frame may close the connection."""
        if pong != b"%d" % self._number or not self._sent:
            return
        outcome, _ = inbox_operations.plan_hand_over(self._hub, self._sent, TAKEN_BY_ITSELF)
        self._sent = ()
        written, waiting = self._hub.carry_out(outcome), self._accepted
        written.add_done_callback(lambda done: _copy_result(done, waiting))

    def stop(self) -> None:
        self._task.cancel()

    async def _deliver_all(self) -> None:
        try:
            await self._deliver_page(first=True)
            while not self._connection.is_gone:
                mail = self._hub.wakeups.delivery_signal(self._connection.name)
                if not await self._deliver_page():
                    await mail.wait()
        except GroupChatError as error:
            log.warning("! a client cannot be reached any more", member=self._connection.name, error=error.message)
            self._failed()
        except Exception:
            log.exception("! delivery failed", member=self._connection.name)
            self._failed()

    async def _deliver_page(self, *, first: bool = False) -> bool:
        waiting = await inbox_operations.waiting_messages(
            self._hub, self._actor(), PAGE_MESSAGES, by_rank=self._by_rank
        )
        sent = waiting[: self._send(waiting)] if waiting or first else ()
        if sent:
            await self._wait_until_read(sent)
        return bool(sent)

    async def _wait_until_read(self, sent: Sequence[WaitingMessage]) -> None:
        self._number += 1
        self._sent = sent
        self._accepted = asyncio.get_running_loop().create_future()
        self._connection.say(stream_frames.encode_ping(b"%d" % self._number))
        await self._accepted


def _copy_result(done: asyncio.Future[Result], waiting: asyncio.Future[Result]) -> None:
    """Pass the result on if somebody still waits for it; the delivery may have been stopped meanwhile."""
    error = done.exception()
    if error is not None:
        log.warning("! a read receipt could not be stored; the message will be delivered again", error=str(error))
    if waiting.done():
        return
    if error is None:
        waiting.set_result(done.result())
    else:
        waiting.set_exception(error)

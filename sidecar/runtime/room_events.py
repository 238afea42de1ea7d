"""Passes each event from the room to the part of the sidecar that handles it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from gateway.encryption.member_client.checked_messages import SealingNotice
from gateway.protocol.events import (
    Control,
    ControlAction,
    MemberEvent,
    Message,
    Receipt,
    RoomEvent,
    TerminalWatched,
    Welcome,
)
from sidecar.approvals.approval_relay import ApprovalRelay
from sidecar.connection.room_connection import MembershipLost
from sidecar.connection.room_reporter import RoomClient, RoomReporter
from sidecar.connection.terminal_stream import TerminalStream
from sidecar.orders.room_orders import RoomOrders
from sidecar.runtime.ghost_log import GhostLog
from sidecar.runtime.observation_handler import ObservationHandler
from sidecar.runtime.room_members import RoomMembers

log = structlog.get_logger("sidecar")


class RoomEvents:
    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        room: RoomClient,
        orders: RoomOrders,
        approval_relay: ApprovalRelay,
        members: RoomMembers,
        observation_handler: ObservationHandler,
        ghost_log: GhostLog,
        terminal_stream: TerminalStream,
        introduce: Callable[[], None],
        reporter: RoomReporter,
    ) -> None:
        """`introduce` tells the room what it forgets when the gateway ends. `reporter` seals what it could not seal
        before when keys have changed."""
        self._reporter = reporter
        self._room, self._orders, self._approval_relay, self._members = room, orders, approval_relay, members
        self._observation_handler, self._ghost_log = observation_handler, ghost_log
        self._terminal_stream, self._introduce = terminal_stream, introduce
        self._welcomed = False

    async def run(self) -> None:
        """Handle the first welcome only once, because its content may have changed since."""
        if not self._welcomed:
            self._welcome(self._room.welcome)
            self._welcomed = True
        async for event in self._room.events():
            await self._heard(event)

    async def _heard(self, event: Any) -> None:
        """One event that fails must not stop the others."""
        try:
            await self._handle(event)
        except Exception:
            log.exception("failed to handle an event", kind=type(event).__name__)

    async def _handle(self, event: Any) -> None:
        match event:
            case Message():
                self._orders.message(event)
            case Control(action=ControlAction.ANSWER):
                self._approval_relay.order(event)
            case Control():
                await self._orders.control(event)
            case Receipt():
                self._orders.receipt(event)
            case MemberEvent() | RoomEvent():
                self._members.changed(event)
            case _:
                self._handle_connection(event)
        self._observation_handler.soon()

    def _handle_connection(self, event: Any) -> None:
        """What the gateway says of this connection."""
        match event:
            case SealingNotice():
                self._note_keys(event)
            case TerminalWatched():
                self._terminal_stream.watch(event.on)
            case MembershipLost():
                self._ghost_log.trouble(f"[CSP not in the room] {event.reason}")
            case Welcome():
                self._ghost_log.trouble("")
                self._observation_handler.again()
                self._orders.mark_connected(event.last_seq)
                self._welcome(event)

    def _note_keys(self, notice: SealingNotice) -> None:
        """People learn of it from their own clients, which no gateway can silence; here it lands in the log."""
        (log.warning if notice.loud else log.info)("keys", said=notice.text, room=notice.room, member=notice.member)
        self._reporter.try_kept_replies()

    def _welcome(self, welcome: Welcome) -> None:
        self._members.are(welcome)
        self._approval_relay.welcome(welcome)
        self._orders.welcome(welcome)
        self._terminal_stream.watch(welcome.watched)
        self._reporter.try_kept_replies()
        self._introduce()

"""Hears the events of the room for a connector: mail, orders to stop or to pause, and who is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog

from gateway.protocol.events import (
    Control,
    ControlAction,
    MemberEvent,
    Message,
    Receipt,
    RoomEvent,
    Welcome,
)
from gateway.protocol.types.core_types import STOP_KEY
from sidecar.connection.room_connection import MembershipLost
from sidecar.connection.room_reporter import RoomClient
from sidecar.connectors.connector_loop import ConnectorLoop
from sidecar.connectors.connector_reports import ConnectorReports
from sidecar.connectors.turn_log import TurnLog
from sidecar.runtime.room_members import RoomMembers

log = structlog.get_logger("sidecar.connectors.connector_events")


class ConnectorEvents:
    """`restart` ends this run, and the supervisor begins another one."""

    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        me: str,
        room: RoomClient,
        loop: ConnectorLoop,
        reports: ConnectorReports,
        members: RoomMembers,
        turn_log: TurnLog,
        restart: Callable[[], None],
    ) -> None:
        self._me, self._room, self._loop, self._reports = me, room, loop, reports
        self._members, self._turn_log, self._restart = members, turn_log, restart
        self._missed_until = 0

    async def run(self) -> None:
        self._welcome(self._room.welcome)
        async for event in self._room.events():
            try:
                self._handle(event)
            except Exception:
                log.exception("failed to handle an event", kind=type(event).__name__)

    def _handle(self, event: Any) -> None:
        match event:
            case Message():
                self._message(event)
            case Receipt() if event.member == self._me:
                self._loop.look_for_mail()
            case Control() if not event.to or self._me in event.to:
                self._order(event)
            case MemberEvent() | RoomEvent():
                self._members.changed(event)
            case Welcome():
                self._missed_until = event.last_seq
                self._members.are(event)
                self._welcome(event)
            case MembershipLost():
                self._turn_log.line(f"not in the room: {event.reason}")

    def _message(self, message: Message) -> None:
        if self._me not in message.deliveries:
            return
        if message.interrupt:
            self._loop.stop(f"by {message.from_}")
        self._loop.look_for_mail()

    def _welcome(self, welcome: Welcome) -> None:
        journal = self._reports.journal
        if journal.adopt_store(welcome.store_id, welcome.run, welcome.began):
            log.warning("the store is another one or was restored from a backup: known message numbers are dropped")
            self._reports.reporter.forget_numbers()
        self._loop.share = welcome.share or "replies"
        self._loop.pause(on=welcome.paused)
        self._reports.introduce()

    def _order(self, order: Control) -> None:
        match order.action:
            case ControlAction.PAUSE | ControlAction.RESUME:
                self._loop.pause(on=order.action is ControlAction.PAUSE)
            case ControlAction.SHARE:
                self._loop.share = order.text
            case ControlAction.RETRY | ControlAction.CANCEL:
                self._loop.look_for_mail()
            case ControlAction.KEYS | ControlAction.RESTART if order.seq <= self._missed_until:
                log.warning("an order came too late", order=str(order.action), sender=order.from_)
            case ControlAction.KEYS if order.text == STOP_KEY:
                self._stop(order)
            case ControlAction.RESTART:
                self._turn_log.line(f"started again by {order.from_}")
                self._restart()
            case _:
                log.warning("an order that a connector cannot carry out", order=str(order.action), sender=order.from_)

    def _stop(self, order: Control) -> None:
        is_stopped = self._loop.stop(f"by {order.from_}")
        self._turn_log.line(
            f"stopped by {order.from_}" if is_stopped else f"{order.from_} said stop; nothing was asked"
        )

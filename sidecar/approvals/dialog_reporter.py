"""Tells the room of dialogs, one after the other, and repeats each report until the room has it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

import structlog

from gateway.protocol.errors import BadRequest, GroupChatError, RateLimited, TimedOut, Unavailable
from gateway.protocol.requests.approval_requests import OpenAsk
from gateway.protocol.results import Done
from sidecar.approvals.approval_inputs_and_effects import (
    AnnounceDialog,
    ApprovalEffect,
    ReportEffect,
    WithdrawDialog,
    WithdrawForgotten,
)
from sidecar.approvals.approval_rules import Approvals
from sidecar.approvals.dialog_requests import close_forgotten_request, close_request, open_request, without_new_fields
from sidecar.approvals.sealed_dialogs import SealedDialogs
from sidecar.connection.room_reporter import RoomClient

RETRY_DELAY_S = 0.5
_RETRY_ERRORS = (Unavailable, TimedOut, RateLimited, OSError, TimeoutError)
log = structlog.get_logger("sidecar.approvals.dialog_reporter")


class DialogReporter:
    """`approvals` learns what the room knows by now. `answered_by_room` is set after each report. `sealed` seals the
    dialogs of sealed turns."""

    def __init__(self, room: RoomClient, approvals: Approvals, sealed: SealedDialogs | None = None) -> None:
        self._room, self._approvals, self._sealed = room, approvals, sealed or SealedDialogs()
        self._reports: deque[ReportEffect] = deque()
        self._news = asyncio.Event()
        self.answered_by_room = asyncio.Event()

    def add(self, effects: Sequence[ApprovalEffect]) -> None:
        """Report those effects that are for the room."""
        for effect in effects:
            if isinstance(effect, AnnounceDialog):
                self._sealed.note_announced(effect.dialog)
        if reports := [one for one in effects if isinstance(one, ReportEffect)]:
            self._reports += reports
            self._news.set()

    async def run(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._reports:
                await self._report(self._reports[0])
                self._reports.popleft()
                self.answered_by_room.set()

    async def _report(self, effect: ReportEffect) -> None:
        """Repeat until the room has it."""
        while True:
            try:
                await self._report_once(effect)
                return
            except _RETRY_ERRORS as error:
                log.warning("cannot reach the room", error=str(error))
                await asyncio.sleep(RETRY_DELAY_S)
            except GroupChatError as error:
                log.error("the gateway refused an ask", error=error.message)
                self._note_refusal(effect)
                return

    async def _report_once(self, effect: ReportEffect) -> None:
        match effect:
            case AnnounceDialog(dialog, question, reason):
                ask = await self._sealed.sealed(dialog, open_request(question, reason))
                done = await announce_ask(self._room, ask)
                self._approvals.note_number(dialog, done.seq)
            case WithdrawDialog(dialog, state, reason):
                if (number := self._approvals.number_of(dialog)) is not None:
                    await self._room.request(close_request(number, state, reason), Done)
                self._approvals.note_closed(dialog)
            case WithdrawForgotten(number):
                await self._room.request(close_forgotten_request(number), Done)

    def _note_refusal(self, effect: ReportEffect) -> None:
        """What the gateway refuses is not repeated."""
        match effect:
            case AnnounceDialog(dialog):
                self._approvals.note_rejected(dialog)
            case WithdrawDialog(dialog):
                self._approvals.note_closed(dialog)


async def announce_ask(room: RoomClient, ask: OpenAsk) -> Done:
    """A gateway that does not know some of its fields gets it without them."""
    try:
        return await room.request(ask, Done)
    except BadRequest as error:
        log.warning("the gateway only accepts an older form of asks", error=error.message)
        return await room.request(without_new_fields(ask), Done)

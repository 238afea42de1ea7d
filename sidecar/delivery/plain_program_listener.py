"""Listens to the turns of a plain program for the delivery loop. Its output is the only answer it gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.protocol.events import Message
from gateway.protocol.types.core_types import Activity, Rung
from sidecar.delivery.message_progress import DeliveryProgress
from sidecar.delivery.typist import ComposerObserver
from sidecar.messages.inbox import InboxEntry
from sidecar.messages.plain_program_output import PlainTurns

BEGIN_TIMEOUT_S = 0.6


class PlainProgramListener:
    """`turns` is None for an agent that reports its turns itself."""

    def __init__(
        self, turns: PlainTurns | None, observer: ComposerObserver, progress: DeliveryProgress, now: Callable[[], float]
    ) -> None:
        self._turns, self._observer, self._progress, self._now = turns, observer, progress, now
        self._local = 0

    @property
    def wanted(self) -> bool:
        return self._turns is not None and self._progress.replies.share != "none"

    def begins(self, typed: str, *, joins: bool = False) -> None:
        """An urgent message joins the running turn: the output of that turn answers both."""
        if self._turns and self.wanted and not (joins and self._turns.listens):
            picture = self._observer.look().picture
            column, row = picture.cursor
            self._turns.begin(typed, picture.rows[row][:column].ljust(column) if row < len(picture.rows) else "")

    async def asked(self) -> list[Message]:
        """What the program asks of the room, once it waits at its prompt again. It first gets time to begin."""
        hand = [one for one in self._progress.inbox.in_hand() if one.rung is Rung.SUBMITTED]
        if self._turns is None or not hand or not self._waits(hand):
            return []
        found = []
        for asked in self._progress.plain_turn(hand, self._turns.end()):
            self._local -= 1
            found.append(await self._progress.fetch_room_answer(asked, hand[-1].message.room, self._local))
        return found

    def _waits(self, hand: Sequence[InboxEntry]) -> bool:
        idle = self._observer.look().verdict.activity is Activity.IDLE
        return idle and self._now() - max(one.since for one in hand) >= BEGIN_TIMEOUT_S

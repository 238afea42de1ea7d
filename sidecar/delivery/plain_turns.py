"""Listens to a plain program's turns for the courier: its output is all the answer there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gateway.protocol.events import Message
from gateway.protocol.types import Activity, Rung
from sidecar.delivery.delivery_progress import DeliveryProgress
from sidecar.delivery.typist import ComposerObserver
from sidecar.messages.inbox import InboxEntry
from sidecar.messages.plain_output import PlainTurns

BEGIN_TIMEOUT_S = 0.6


class PlainTurnListener:
    """`turns` is None for an agent that tells of its turns itself."""

    def __init__(
        self, turns: PlainTurns | None, eyes: ComposerObserver, ledger: DeliveryProgress, now: Callable[[], float]
    ) -> None:
        self._turns, self._eyes, self._ledger, self._now = turns, eyes, ledger, now
        self._local = 0

    @property
    def wanted(self) -> bool:
        return self._turns is not None and self._ledger.share != "none"

    def begins(self, typed: str, *, joins: bool = False) -> None:
        """What is urgent joins the turn that is under way: its output answers both."""
        if self._turns and self.wanted and not (joins and self._turns.listens):
            picture = self._eyes.look().picture
            column, row = picture.cursor
            self._turns.begin(typed, picture.rows[row][:column].ljust(column) if row < len(picture.rows) else "")

    async def asked(self) -> list[Message]:
        """What it wants to be told, now that it waits at its prompt again, after it was given time to begin."""
        hand = [one for one in self._ledger.inbox.in_hand() if one.rung is Rung.SUBMITTED]
        if self._turns is None or not hand or not self._waits(hand):
            return []
        found = []
        for asked in self._ledger.plain_turn(hand, self._turns.end()):
            self._local -= 1
            found.append(await self._ledger.say_room_answer(asked, hand[-1].message.room, self._local))
        return found

    def _waits(self, hand: Sequence[InboxEntry]) -> bool:
        idle = self._eyes.look().verdict.activity is Activity.IDLE
        return idle and self._now() - max(one.since for one in hand) >= BEGIN_TIMEOUT_S

"""Follows the conversation of one run: which id it has, and whether the agent came back to the one that was meant."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from gateway.process_basics.tasks import spawn
from gateway.protocol.types.conversation_starts import ConversationStart
from gateway.protocol.types.core_types import Activity
from sidecar.conversation.conversation_recorder import ConversationKeeper
from sidecar.conversation.start_choice import ChosenStart
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind

SHOWN_ACTIVITIES = (Activity.IDLE, Activity.BUSY)
TURN_KINDS = (TurnFactKind.MODEL, TurnFactKind.ANSWER, TurnFactKind.ENDED)
WRITTEN_AFTER_S = (0.0, 0.3, 1.0, 3.0)  # a vendor writes its transcript shortly after it has shown an answer
OTHER_BEGUN_TEXT = "its program began another one"
log = structlog.get_logger("sidecar")


class ConversationWatch:
    """`report` is told once how the conversation began, when the agent shows itself."""

    def __init__(
        self, keeper: ConversationKeeper, start: ChosenStart, report: Callable[[ChosenStart], None], session: str = ""
    ) -> None:
        self._keeper, self._start, self._report = keeper, start, report
        self._is_shown = self._turn_seen = self._checking = False
        self.session = session
        if session:
            keeper.note_session(session)

    def call_session(self, name: str) -> None:
        """The vendor's id of the conversation, whenever it becomes known or changes."""
        if not name or name == self.session:
            return
        before, self.session = self.session, name
        if self._start.resumes and not self._turn_seen and self._keeper.is_written(before) is False:
            self._keeper.note_refusal(before, OTHER_BEGUN_TEXT)
            self._start = ChosenStart(ConversationStart.LOST, self._start.conversation, OTHER_BEGUN_TEXT)
            self._report(self._start)
        self._keeper.note_session(name)

    def observe(self, activity: Activity) -> None:
        """Called at each change of the agent's activity."""
        if activity in SHOWN_ACTIVITIES and not self._is_shown:
            self._is_shown = True
            self._report(self._start)
            self._keeper.note_shown(self.session)

    def fact(self, fact: TurnFact) -> None:
        if fact.kind not in TURN_KINDS or not self.session:
            return
        self._turn_seen = True
        if self._keeper.awaits_turn:
            self._check_soon()
        elif fact.kind is not TurnFactKind.MODEL:
            self._keeper.note_turn(self.session, is_written=True)

    def _check_soon(self) -> None:
        if not self._checking:
            self._checking = True
            spawn(self._check_until_written(), "conversation")

    async def _check_until_written(self) -> None:
        """In a thread, because a vendor may have thousands of files."""
        try:
            for delay in WRITTEN_AFTER_S:
                await asyncio.sleep(delay)
                session = self.session
                is_written = await asyncio.to_thread(self._keeper.is_written, session)
                self._keeper.note_turn(session, is_written=is_written)
                if is_written is not False:
                    return
        finally:
            self._checking = False

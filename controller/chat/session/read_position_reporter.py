"""Tells the gateway how far this person has been shown a room, so that an agent whose answer is in sight is not `done`
any more: for the messages of agents only, and at most once a second."""

from __future__ import annotations

import asyncio
import contextlib

from controller.view.state.chat_state import ChatState
from gateway.client import Client
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests.mark_requests import MarkRead
from gateway.protocol.results import Done

REPORT_INTERVAL_S = 1.0


class ReadReporter:
    def __init__(self, client: Client, state: ChatState) -> None:
        self._client, self._state = client, state
        self._told: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    def note_shown(self) -> None:
        """Something has been painted. What a gateway refuses, or does not know, is not told again."""
        if self._news() and (self._task is None or self._task.done()):
            self._task = spawn(self._report(), "read mark")

    def _news(self) -> int:
        """The last message of the room that was shown, if one of an agent is among those that were not told."""
        room = self._state.room
        shown, told = self._state.reads.get(room, 0), self._told.get(room, 0)
        return shown if shown > told and self._state.has_agent_message_between(told, shown) else 0

    async def _report(self) -> None:
        while shown := self._news():
            room = self._state.room
            self._told[room] = shown
            with contextlib.suppress(GroupChatError, OSError, TimeoutError):
                await self._client.request(MarkRead(room=room, message=shown), Done)
            await asyncio.sleep(REPORT_INTERVAL_S)

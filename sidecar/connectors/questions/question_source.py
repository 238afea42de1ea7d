"""Reads from the room what the next question to the model is made of: the messages that wait, what was said before, the
shared documents, and what an earlier run has left."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from gateway.client.paged_requests import fetch_all_pages
from gateway.protocol.errors import GroupChatError, RateLimited, TimedOut, Unavailable
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import History, Show, Waiting
from gateway.protocol.requests.request import Request
from gateway.protocol.requests.room_requests import Rooms
from gateway.protocol.requests.shared_document_requests import Contexts, GetContext
from gateway.protocol.results import ContextDocument, ContextList, MessageDetail, MessageList, RoomList, WaitingList
from gateway.protocol.types.core_types import DEFAULT_ROOM, Room, Rung
from sidecar.connection.room_reporter import RoomClient
from sidecar.connectors.questions.conversation_packing import SeenConversation, SharedText
from sidecar.messages.inbox import ReplyAudience

T = TypeVar("T")
MAX_TOGETHER = 20  # messages that one answer answers
MAX_EARLIER = 300
MAX_DOCUMENTS = 20
MAX_ANSWERS_READ = 200
RETRY_DELAY_S = 0.5
RETRY_ERRORS = (Unavailable, TimedOut, RateLimited, OSError, TimeoutError)
BEGUN_RUNGS = (Rung.SUBMITTED, Rung.ACCEPTED, Rung.SEEN)
log = structlog.get_logger("sidecar.connectors.questions.question_source")


@dataclass(frozen=True)
class BegunBatch:
    """Messages that an earlier run has asked about. `answer`: the number of its reply, if the room has it."""

    messages: Sequence[Message] = ()
    answer: int | None = None


def audience_of_message(message: Message) -> ReplyAudience:
    return ReplyAudience(message.room, message.from_ if message.recipients else "")


class QuestionSource:
    def __init__(self, me: str, room: RoomClient) -> None:
        self._me, self._room = me, room
        self._rooms: dict[str, Room] = {}

    async def next_batch(self) -> list[Message]:
        """The next message that waits, with those that its answer can answer, too: of the same room, or of the same
        sender to this member alone."""
        waiting = await self.insist(Waiting(limit=100), WaitingList)
        first = waiting.messages[:1]
        together = [
            one for one in waiting.messages if first and audience_of_message(one) == audience_of_message(first[0])
        ]
        return sorted(together[:MAX_TOGETHER], key=lambda one: one.seq)

    async def room_named(self, name: str) -> Room | None:
        """None if this member cannot see it. What of it matters here never changes, so it is asked for once."""
        if name not in self._rooms:
            listed = await fetch_all_pages(self.insist, Rooms(), RoomList)
            self._rooms = {one.name: one for one in listed.rooms}
        return self._rooms.get(name)

    async def conversation(self, asked: Sequence[Message]) -> SeenConversation:
        room = asked[-1].room or DEFAULT_ROOM
        found = await self.insist(History(room=room, limit=MAX_EARLIER), MessageList)
        earlier = [one for one in found.messages if one.sealed is None]
        return SeenConversation(self._me, asked, earlier, await self._documents(room), found.more)

    async def _documents(self, room: str) -> list[SharedText]:
        """Those of the room, the last changed one first. One that was deleted meanwhile is left out."""
        listed = (await self.insist(Contexts(scope=f"#{room}"), ContextList)).contexts
        found = []
        for one in sorted(listed, key=lambda one: one.at, reverse=True)[:MAX_DOCUMENTS]:
            try:
                got = await self.insist(GetContext(scope=one.scope, name=one.name), ContextDocument)
            except GroupChatError:
                continue
            found.append(SharedText(got.name, got.version, got.by, got.document))
        return found

    async def begun(self, numbers: Sequence[int]) -> BegunBatch:
        """Of these messages, those that the room believes to be in progress; and whether they were answered after all:
        a run that died between its reply and its last report has left that."""
        messages = [one for number in numbers if (one := await self._begun_message(number)) is not None]
        if not messages:
            return BegunBatch()
        last = messages[-1]
        asked = History(room=last.room or DEFAULT_ROOM, from_=self._me, after=last.seq, limit=MAX_ANSWERS_READ)
        replies = (await self.insist(asked, MessageList)).messages
        wanted = {one.seq for one in messages}
        return BegunBatch(messages, next((one.seq for one in replies if one.reply_to in wanted), None))

    async def _begun_message(self, number: int) -> Message | None:
        try:
            detail = await self.insist(Show(message=number), MessageDetail)
        except GroupChatError as error:
            log.error("cannot fetch a message", number=number, error=error.message)
            return None
        is_begun = any(one.member == self._me and one.rung in BEGUN_RUNGS for one in detail.deliveries)
        return detail.message if is_begun else None

    async def insist(self, request: Request, kind: type[T]) -> T:
        """Ask until the gateway answers. Raises what it refuses."""
        while True:
            try:
                return await self._room.request(request, kind)
            except RETRY_ERRORS as error:
                log.warning("cannot reach the room", error=str(error))
                await asyncio.sleep(getattr(error, "retry_after", None) or RETRY_DELAY_S)

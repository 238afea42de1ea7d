"""Answers one batch of messages after the other: claims it in the room, asks the model, shows the answer as it comes,
and posts it once.

What the room is told of each message, as for an agent with a terminal:

    submitted   the request is about to go out, and the room has recorded that
    accepted    the vendor has begun to answer
    answered    the answer is posted as the reply
    failed      it will not be: with the reason

A reply has an id made of its messages, so that a repeated one is the same message. A connector that died is started
again: it looks whether the room has the reply, else posts the answer that it has kept on disk, else asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import Report
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import DEFAULT_ROOM, Rung, Step
from gateway.protocol.types.delivery_reasons import interrupted_reason
from sidecar.connection.room_reporter import MAX_REASON_CHARS, RoomClient
from sidecar.connectors.answers.kept_answer import KeptAnswer, keep_answer, read_kept_answer
from sidecar.connectors.answers.model_call import BROKEN_TEXT, CallListener, ModelAnswer, ModelCall
from sidecar.connectors.answers.partial_text_stream import PartialTextStream
from sidecar.connectors.connector_interface import (
    DEFAULT_ANSWER_TOKENS,
    DEFAULT_PATIENCE_S,
    Connector,
    ModelError,
    ModelQuestion,
)
from sidecar.connectors.connector_reports import ConnectorReports
from sidecar.connectors.questions.conversation_packing import DEFAULT_BUDGET_TOKENS, count_tokens, pack_conversation
from sidecar.connectors.questions.instructions import instructions_for
from sidecar.connectors.questions.question_source import QuestionSource
from sidecar.connectors.questions.vendor_reading import why_vendor_may_not_read
from sidecar.connectors.turn_log import TurnLog
from sidecar.connectors.vendors.api_keys import hide_key
from sidecar.messages.duplicate_guard import MessageProgress
from sidecar.messages.replies import expects_no_answer, replies_from_answer
from sidecar.runtime.room_members import RoomMembers

SILENT_TEXT = "the model answered nothing"
NOTICE_TEXT = "a notice, which the next request shows"
RETRY_DELAY_S = 1.0
log = structlog.get_logger("sidecar.connectors.connector_loop")


@dataclass(frozen=True)
class ConnectorPlan:
    """`own_instructions` are what the person who connected it wants it to know. `key` is hidden in all that is told."""

    me: str
    role: str = ""
    own_instructions: str = ""
    budget_tokens: int = DEFAULT_BUDGET_TOKENS
    answer_tokens: int = DEFAULT_ANSWER_TOKENS
    patience_s: float = DEFAULT_PATIENCE_S
    key: str = ""


@dataclass
class CurrentTurn:
    """The turn that runs now. `stopped`: by whom, once somebody has stopped it. `first`: when the answer began."""

    messages: Sequence[Message]
    begun: float
    work: asyncio.Task[ModelAnswer | ModelError] | None = None
    stopped: str = ""
    first: float | None = None


class ConnectorLoop:
    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        plan: ConnectorPlan,
        room: RoomClient,
        connector: Connector,
        reports: ConnectorReports,
        members: RoomMembers,
        turn_log: TurnLog,
    ) -> None:
        self._plan, self._room, self._connector, self._reports = plan, room, connector, reports
        self._members, self._turn_log = members, turn_log
        self._source = QuestionSource(plan.me, room)
        self._turn: CurrentTurn | None = None
        self._news = asyncio.Event()
        self._news.set()
        self._is_paused = False
        self.share = "replies"

    # what others tell it

    def look_for_mail(self) -> None:
        self._news.set()

    def pause(self, *, on: bool) -> None:
        self._is_paused = on
        self._news.set()

    def stop(self, how: str) -> bool:
        """End the turn that runs now, as in `by alice`. Returns whether one did."""
        turn = self._turn
        if turn is None or turn.work is None or turn.work.done():
            return False
        turn.stopped = turn.stopped or how
        turn.work.cancel()
        return True

    # the loop

    async def run(self) -> None:
        await self._take_up()
        while True:
            await self._news.wait()
            self._news.clear()
            while not self._is_paused and (batch := await self._source.next_batch()):
                await self._take(batch)

    async def _take_up(self) -> None:
        """What an earlier run has begun."""
        numbers = self._reports.journal.unfinished()
        found = await self._source.begun(numbers)
        begun = [one.seq for one in found.messages]
        self._reports.end(number for number in numbers if number not in begun)
        if found.answer is not None:
            self._reports.step(found.messages, Rung.ANSWERED, "before it was started again")
        elif found.messages:
            store = self._room.welcome.store_id
            kept = read_kept_answer(self._reports.folder, store, begun)
            await self._run_turn(found.messages, ModelAnswer(kept.text, kept.tokens) if kept else None)

    async def _take(self, batch: Sequence[Message]) -> None:
        notices = [one for one in batch if expects_no_answer(one)]
        for one in notices:
            await self._claim(one, Step(Rung.ACCEPTED, reason=NOTICE_TEXT))
        asked = [one for one in batch if one not in notices]
        if why := await self._why_unread(asked):
            for one in asked:
                await self._claim(one, Step(Rung.FAILED, reason=why))
            return
        if not self._reports.remember([one.seq for one in asked], MessageProgress.SUBMITTING):
            await asyncio.sleep(RETRY_DELAY_S)
            self._news.set()
            return
        claimed = [one for one in asked if await self._claim(one, Step(Rung.SUBMITTED))]
        if claimed:
            await self._run_turn(claimed)

    async def _why_unread(self, messages: Sequence[Message]) -> str:
        if not messages:
            return ""
        room = await self._source.room_named(messages[-1].room or DEFAULT_ROOM)
        return why_vendor_may_not_read(room, messages)

    async def _claim(self, message: Message, step: Step) -> bool:
        """Whether the message is ours: it may have been taken back. The room knows before anything goes out."""
        try:
            await self._source.insist(Report(message=message.seq, steps=(step,)), Done)
        except GroupChatError as error:
            log.warning("not taken", number=message.seq, error=error.message)
            self._reports.end((message.seq,))
            return False
        log.info("step", number=message.seq, rung=str(step.rung), reason=step.reason)
        return True

    # one turn

    async def _run_turn(self, messages: Sequence[Message], known: ModelAnswer | None = None) -> None:
        """`known` is the answer that an earlier run has got already."""
        turn = self._turn = CurrentTurn(messages, asyncio.get_running_loop().time())
        partial = PartialTextStream(self._room, messages[-1])
        showing = spawn(partial.run(), "unfinished answer")
        self._reports.busy()
        try:
            turn.work = spawn(self._answer(turn, partial, known), "model")
            posted = self._settle(turn, await turn.work)
        except asyncio.CancelledError:
            if not turn.stopped:
                raise
            posted = self._fail(messages, interrupted_reason(turn.stopped))
        except Exception:
            log.exception("a turn failed")
            posted = self._fail(messages, BROKEN_TEXT)
        finally:
            showing.cancel()
            self._turn = None
        if not posted:
            await partial.end()
        self._reports.idle()
        await self._reports.wait_until_told(messages)

    async def _answer(
        self, turn: CurrentTurn, partial: PartialTextStream, known: ModelAnswer | None
    ) -> ModelAnswer | ModelError:
        if known is not None:
            return known
        question = await self._question(turn.messages)
        call = ModelCall(self._connector, self._listener(turn, partial), self._plan.patience_s, clean=self._clean)
        try:
            answer = await call.ask(question)
        except ModelError as error:
            return error
        finally:
            self._reports.used(call.spent)
        numbers = tuple(one.seq for one in turn.messages)
        keep_answer(self._reports.folder, KeptAnswer(self._room.welcome.store_id, numbers, answer.text, answer.tokens))
        self._reports.unlimited()
        return answer

    async def _question(self, messages: Sequence[Message]) -> ModelQuestion:
        plan, room = self._plan, messages[-1].room or DEFAULT_ROOM
        turns = pack_conversation(await self._source.conversation(messages), plan.budget_tokens)
        names = self._members.names_in(room)
        instructions = instructions_for(plan.me, plan.role, room, names, plan.own_instructions)
        size = count_tokens(instructions) + sum(count_tokens(turn.text) for turn in turns)
        self._turn_log.asks(messages, size)
        return ModelQuestion(instructions, turns, plan.answer_tokens)

    def _listener(self, turn: CurrentTurn, partial: PartialTextStream) -> CallListener:
        now = asyncio.get_running_loop().time

        def piece(text: str) -> None:
            if self.share != "none":
                partial.add(text)
            if turn.first is None:
                turn.first = now()
                self._reports.step(turn.messages, Rung.ACCEPTED, "the model has begun to answer")
                self._turn_log.first_piece(turn.messages, turn.first - turn.begun)

        def broken(error: ModelError, pause: float) -> None:
            partial.begin_again()
            self._turn_log.waits(str(error), pause)
            self._reports.limited(str(error), self._reports.clock() + timedelta(seconds=pause))

        return CallListener(piece, broken)

    def _settle(self, turn: CurrentTurn, answer: ModelAnswer | ModelError) -> bool:
        """Returns whether a message follows."""
        if isinstance(answer, ModelError):
            return self._fail(turn.messages, str(answer), is_login=answer.is_login)
        return self._post(turn, answer)

    def _post(self, turn: CurrentTurn, answer: ModelAnswer) -> bool:
        messages, names = turn.messages, self._members.names_in(turn.messages[-1].room or DEFAULT_ROOM)
        replies = replies_from_answer(self._plan.me, messages, answer.text, names)
        if not replies:
            return self._fail(messages, SILENT_TEXT)
        is_posted = self.share != "none"
        if is_posted:
            self._reports.post(replies, answer.tokens)
        self._reports.step(messages, Rung.ANSWERED, "" if is_posted else "its answers are not shared")
        seconds = asyncio.get_running_loop().time() - turn.begun
        self._turn_log.answered(messages, seconds, answer.tokens, len(answer.text))
        return is_posted

    def _fail(self, messages: Sequence[Message], why: str, *, is_login: bool = False) -> bool:
        why = self._clean(why)[:MAX_REASON_CHARS]
        self._turn_log.failed(messages, why)
        self._reports.step(messages, Rung.FAILED, why)
        if is_login:
            self._reports.login_needed(why)
        else:
            self._reports.unlimited()
        return False

    def _clean(self, text: str) -> str:
        return hide_key(text, self._plan.key)

"""Sends what the sidecar reports to the room: replies, delivery steps, activity. Nothing else reports to it, but
dialogs (`sidecar/approvals/dialog_reporter.py`) and pictures of the terminal (`terminal_stream.py`).

While the agent works on sealed messages, or rests after them, no report tells what it reads or does:

| report | then |
|---|---|
| answers and lines for others | sealed; what cannot be sealed stays here, and the delivery says so |
| delivery steps | sent, without the vendor's words about a failed turn |
| activity | sent, without its note |
| limits and logins | sent, without the vendor's words |
| how the conversation began, the work folder | sent, without the vendor's words |
| tool, file, folder, branch | sealed to the room, or to the sender of a direct message; otherwise blank |
| tokens, unseen results | sent |
| files written | withheld |
| dialogs | sealed to the same; otherwise without text and options |
| pictures of the terminal | withheld, from the first sealed message on |
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import structlog

from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.protocol.errors import GroupChatError, RateLimited, TimedOut, Unavailable, UnknownMessage, WrongRung
from gateway.protocol.events import Message, Welcome
from gateway.protocol.requests.agent_requests import (
    ReportWrites,
    SetActivity,
    SetCondition,
    SetConversation,
    SetFolder,
    SetWork,
)
from gateway.protocol.requests.message_requests import Deliveries, History, Report, Send, Show, Waiting
from gateway.protocol.requests.mode_requests import GetMode
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Accepted, DeliveryList, Done, MessageDetail, MessageList, ModeStanding, WaitingList
from gateway.protocol.text.text_validation import flatten_lines
from gateway.protocol.types.agent_conditions import MAX_CONDITION_CHARS, Condition
from gateway.protocol.types.agent_work import MAX_FILE_WRITES, FileWrite, UnseenResult, Work
from gateway.protocol.types.conversation_starts import ConversationStart
from gateway.protocol.types.core_types import DEFAULT_ROOM, Activity, Composer, FloorView, MessageKind, Rung, Step
from sidecar.connection.sealing import NO_SEALING, Sealing, no_own_key
from sidecar.conversation.conversation_file import iso_time
from sidecar.conversation.start_choice import ChosenStart
from sidecar.messages.replies import KEPT_ANSWER_TEXT, Reply, unsealed_line_notice
from sidecar.messages.sealed_turns import SealedPlace, SealedTurn, without_vendor_text
from sidecar.run_files.kept_answers_file import KeptAnswers

T = TypeVar("T")
# Only the newest of each is reported.
Snapshot = SetActivity | SetCondition | SetConversation | SetFolder | SetWork | ReportWrites
RETRY_DELAY_S = 0.5
KEPT_RETRY_S = 5.0
MAX_REPORTS_PER_REQUEST = 32
MAX_REASON_CHARS = 300
MAX_FOLDER_CHARS = 1000
MAX_SESSION_CHARS = 100
_RETRY_ERRORS = (Unavailable, TimedOut, RateLimited, OSError, TimeoutError)
log = structlog.get_logger("sidecar.connection.room_reporter")


class RoomClient(Protocol):
    """What `gateway.client.Client` offers."""

    @property
    def welcome(self) -> Welcome: ...

    async def send(self, content: str, **fields: Any) -> Accepted: ...

    async def request(self, request: Request, result_type: type[T]) -> T: ...

    def events(self) -> AsyncIterator[Any]: ...


class ReportReceiver(Protocol):
    """Who must know how the room received a report: `sidecar.delivery.message_progress.DeliveryProgress`."""

    def reported(self, number: int, rung: Rung) -> None: ...

    def contested(self, number: int) -> None: ...


def _clean_text(text: str, most: int) -> str:
    """A vendor's error text or a folder's name may contain half a character and several lines."""
    return flatten_lines(text.encode(errors="replace").decode()).strip()[:most]


def _context_of(reply: Reply) -> dict[str, object] | None:
    """What the room is told besides the text: which messages it answers, and what it cost."""
    answers: dict[str, object] = {"answers": list(reply.answers)} if reply.answers else {}
    tokens: dict[str, object] = {"tokens": reply.tokens} if reply.tokens else {}
    return answers | tokens or None


def _tell_nobody() -> None:
    """Nobody wants to know of answers."""


class RoomReporter:
    """Reports to the room in order and retries until the room has it. The steps of one message go together; of the
    activity, only the newest is reported. `sealed_turn`: whether the agent works on sealed messages. `kept`: answers
    that could not be sealed, also by an earlier run."""

    def __init__(
        self,
        room: RoomClient,
        wall: Callable[[], str],
        sealing: Sealing = NO_SEALING,
        sealed_turn: SealedTurn | None = None,
        kept: KeptAnswers | None = None,
    ) -> None:
        self._room, self._wall, self._sealing = room, wall, sealing
        self._sealed_turn = sealed_turn or SealedTurn()
        self._kept = kept or KeptAnswers()
        self._work_place: SealedPlace | None = None
        self._steps: dict[int, list[Step]] = {}
        self._holds: dict[int, list[Step]] = {}
        self._replies: list[Reply] = []
        self._snapshots: dict[type[Snapshot], Snapshot] = {}
        self._news = asyncio.Event()
        self._reporting: Report | None = None
        self._at_once = MAX_REPORTS_PER_REQUEST
        self._on_answer: Callable[[], None] = _tell_nobody

    def step(self, number: int, rung: Rung, reason: str = "") -> None:
        """Steps of messages in progress are reported before hold reasons, of which there may be many."""
        waits = rung is Rung.HELD and number not in self._steps
        steps = (self._holds if waits else self._steps).setdefault(number, [])
        if not waits:
            steps += self._holds.pop(number, ())
        reason = without_vendor_text(reason) if self._is_sealed else reason
        steps.append(Step(rung, self._wall(), _clean_text(reason, MAX_REASON_CHARS)))
        self._news.set()

    @property
    def _is_sealed(self) -> bool:
        return self._sealed_turn.place is not None

    def untold(self, number: int) -> bool:
        """Whether a step of this message is still to be reported."""
        return number in self._steps or number in self._holds

    def post_reply(self, reply: Reply) -> None:
        self._replies.append(reply)
        self._news.set()
        if reply.is_answer or not reply.to:
            self._on_answer()

    def when_answered(self, on_answer: Callable[[], None]) -> None:
        """`on_answer` is called for each answer of the agent that goes to the room."""
        self._on_answer = on_answer

    def activity(self, activity: Activity, composer: Composer, note: str) -> None:
        note = "" if self._is_sealed else flatten_lines(note)[:1000]
        self._report_snapshot(SetActivity(activity=activity, composer=composer, note=note))

    def condition(self, condition: Condition | None) -> None:
        """What keeps the agent from working. A gateway of an earlier version refuses the report, and loses nothing
        else."""
        if condition is not None:
            text = "" if self._is_sealed else _clean_text(condition.text, MAX_CONDITION_CHARS)
            condition = Condition(condition.kind, text, condition.until)
        self._report_snapshot(SetCondition(condition=condition))

    def conversation(self, start: ChosenStart, *, announce: bool) -> None:
        """How the agent's conversation began, before its activity: whoever waits for the agent then knows both. A loss
        is always announced. A gateway of an earlier version refuses this,
        and loses nothing else."""
        one, is_lost = start.conversation, start.start is ConversationStart.LOST
        since, session = (iso_time(one.since), one.session) if one is not None else ("", "")
        told = SetConversation(
            start=start.start,
            since=since,
            session=_clean_text(session, MAX_SESSION_CHARS),
            why="" if self._sealed_turn.has_been else _clean_text(start.why, MAX_REASON_CHARS),
            announce=announce or is_lost,
        )
        self._snapshots = {
            SetConversation: told,
            **{kind: one for kind, one in self._snapshots.items() if kind is not SetConversation},
        }
        self._news.set()

    def work(self, work: Work, unseen: UnseenResult, place: SealedPlace | None = None) -> None:
        """What the agent is at; `place`: for which sealed conversation. A gateway of an earlier version refuses the
        report, and loses nothing else."""
        self._work_place = place
        self._report_snapshot(SetWork(work=work, unseen=unseen))

    def wrote(self, files: Iterable[FileWrite]) -> None:
        """The agent has written these files. What could not be reported yet is reported with them."""
        waiting = self._snapshots.get(ReportWrites)
        earlier = waiting.files if isinstance(waiting, ReportWrites) else ()
        found = {one.key: one for one in (*earlier, *files)}
        self._report_snapshot(ReportWrites(files=tuple(found.values())[-MAX_FILE_WRITES:]))

    def work_folder(self, folder: str) -> None:
        """The folder in which the agent works. The room forgets it when the gateway restarts."""
        self._report_snapshot(SetFolder(folder=_clean_text(folder, MAX_FOLDER_CHARS)))

    def _report_snapshot(self, newest: Snapshot) -> None:
        self._snapshots[type(newest)] = newest
        self._news.set()

    def forget_numbers(self) -> None:
        """The numbers now mean other messages. Answers are still posted, but as replies to none of them."""
        self._steps.clear()
        self._holds.clear()
        self._reporting = None
        self._replies = [replace(one, reply_to=None, answers=()) for one in self._replies]
        self._kept.clear()

    @property
    def empty(self) -> bool:
        return not (self._steps or self._holds or self._replies or self._snapshots)

    async def run(self, progress: ReportReceiver) -> None:
        while True:
            await self._wait_for_news()
            self._news.clear()
            await self.flush(progress)

    async def _wait_for_news(self) -> None:
        """A person may trust a key by a command on this machine, of which nobody tells the sidecar: what is kept is
        tried again after a while."""
        try:
            async with asyncio.timeout(KEPT_RETRY_S if self._kept.answers else None):
                await self._news.wait()
        except TimeoutError:
            self.try_kept_replies()

    async def flush(self, progress: ReportReceiver) -> None:
        while not self.empty:
            try:
                await self._one(progress)
            except _RETRY_ERRORS as error:
                await self._rest(error)

    async def fetch(self, number: int) -> MessageDetail | None:
        """A message by its number with its deliveries, or None if this member cannot read it."""
        while True:
            try:
                return await self._room.request(Show(message=number), MessageDetail)
            except _RETRY_ERRORS as error:
                await self._rest(error)
            except GroupChatError as error:
                log.error("cannot fetch a message", number=number, error=error.message)
                return None

    async def history(self, count: int, room: str) -> tuple[Message, ...]:
        """The last messages of a room that this member may read, oldest first."""
        while True:
            try:
                found = await self._room.request(History(room=room or DEFAULT_ROOM, limit=count), MessageList)
                return tuple(reversed(found.messages))
            except _RETRY_ERRORS as error:
                await self._rest(error)
            except GroupChatError as error:
                log.error("cannot fetch the history", room=room, error=error.message)
                return ()

    async def floor(self, room: str) -> FloorView:
        """Which mode runs in a room, and who has the turn."""
        while True:
            try:
                return (await self._room.request(GetMode(room=room or DEFAULT_ROOM), ModeStanding)).floor
            except _RETRY_ERRORS as error:
                await self._rest(error)
            except GroupChatError as error:
                log.error("cannot fetch the mode", room=room, error=error.message)
                return FloorView("unknown")

    async def begun_after(self, number: int) -> DeliveryList:
        """Our deliveries after this message that were begun and have not ended."""
        while True:
            try:
                return await self._room.request(Deliveries(after=number, begun=True), DeliveryList)
            except _RETRY_ERRORS as error:
                await self._rest(error)
            except GroupChatError as error:
                log.error("cannot fetch open deliveries", number=number, error=error.message)
                return DeliveryList(())

    async def waiting_after(self, number: int, limit: int) -> WaitingList:
        """The next messages that wait for us after this one, in the order in which they are delivered."""
        while True:
            try:
                return await self._room.request(Waiting(after=number, limit=limit), WaitingList)
            except _RETRY_ERRORS as error:
                await self._rest(error)
            except GroupChatError as error:
                log.error("cannot fetch waiting messages", number=number, error=error.message)
                return WaitingList(())

    @staticmethod
    async def _rest(error: Exception) -> None:
        log.warning("cannot reach the room", error=str(error))
        await asyncio.sleep(getattr(error, "retry_after", None) or RETRY_DELAY_S)

    async def _one(self, progress: ReportReceiver) -> None:
        """Replies are posted before the steps that mention them, so an answer exists before its message is called
        answered."""
        if self._replies:
            await self._send_reply(self._replies[0])
            self._replies.pop(0)
        elif (number := self._next_to_report()) is not None:
            await self._report(number, progress)
        elif self._snapshots:
            newest = next(iter(self._snapshots.values()))
            await self._refused(await self._sealed_work(newest) if isinstance(newest, SetWork) else newest)
            if self._snapshots[type(newest)] is newest:
                del self._snapshots[type(newest)]
        elif self._holds:
            await self._report(next(iter(self._holds)), progress)

    def _next_to_report(self) -> int | None:
        """A report without a result is repeated before anything else is reported."""
        if self._reporting is not None:
            return self._reporting.message
        return next(iter(self._steps), None)

    def _pending(self, number: int) -> dict[int, list[Step]]:
        return self._steps if number in self._steps else self._holds

    async def _report(self, number: int, progress: ReportReceiver) -> None:
        """A report whose result was lost is repeated exactly, so that the room recognizes it."""
        steps = self._pending(number)[number]
        report = self._reporting or Report(message=number, steps=tuple(steps[: self._at_once]))
        self._reporting = report
        refused = await self._refused(report)
        if self._reporting is not report:
            return
        self._reporting = None
        if refused and len(report.steps) > 1:
            self._at_once = 1
            return
        if isinstance(refused, WrongRung):
            progress.contested(number)
        self._at_once = MAX_REPORTS_PER_REQUEST
        pending = self._pending(number)
        del pending[number][: len(report.steps)]
        if not pending[number]:
            del pending[number]
        progress.reported(number, report.steps[-1].rung)

    async def _sealed_work(self, newest: SetWork) -> SetWork:
        """The numbers of tokens stay readable; where the rest cannot be sealed, it is left out."""
        place, work = self._work_place, newest.work
        if place is None:
            return newest
        try:
            work = await self._sealing.seal_work(work, place)
        except SealingRefused as error:
            log.info("what the agent is at is left out", why=error.message)
            work = Work(turn_tokens=work.turn_tokens, day_tokens=work.day_tokens)
        return SetWork(work=work, unseen=newest.unseen)

    async def _send_reply(self, reply: Reply) -> None:
        try:
            await self._post_linked(reply)
            self._kept.remove(reply)
        except _RETRY_ERRORS:
            raise
        except SealingRefused as error:
            self._keep_reply(reply, error.message)
        except GroupChatError as error:
            log.error("the room refused a reply", reply_to=reply.reply_to, error=error.message)
            self._kept.remove(reply)
            for number in reply.settled:
                self._fail_answered(number, f"the room refused the answer: {error.message}")

    async def _post_linked(self, reply: Reply) -> None:
        """Linked to what it answers, if the room still has that: it may be removed by now, or lost by a restore. The
        answer must not go with it."""
        try:
            await self._post(reply)
        except UnknownMessage:
            if reply.reply_to is None:
                raise
            log.warning("the room no longer has what this reply answers", reply_to=reply.reply_to)
            await self._post(replace(reply, reply_to=None, answers=()))

    async def _post(self, reply: Reply) -> None:
        """The client seals what goes to a sealed room. What comes of a sealed direct message is sealed to the members
        that it names, whatever the gateway says of the room by now."""
        fields: dict[str, Any] = {
            "id": reply.id,
            "kind": MessageKind.REPLY,
            "to": reply.to,
            "room": reply.room or None,
            "reply_to": reply.reply_to,
            "context": _context_of(reply),
        }
        if reply.sealed and not self._sealing.has_key:
            raise no_own_key()
        if not reply.sealed or self._sealing.is_sealed_room(reply.room):
            await self._room.send(reply.content, **fields)
        elif reply.to:
            await self._sealing.send_sealed(Send(content=reply.content, **fields))
        else:
            raise SealingRefused(SealingFault.OTHER_ROOM, f"#{reply.room or DEFAULT_ROOM} is not sealed")

    def _keep_reply(self, reply: Reply, why: str) -> None:
        """It is never posted in plain text. It stays here until its key may be used again."""
        reason, is_new = KEPT_ANSWER_TEXT.format(why=why), self._kept.keep(reply)
        if is_new:
            log.error("a reply cannot be sealed", reply_to=reply.reply_to, why=why)
        for number in reply.settled:
            if is_new:
                self._fail_answered(number, reason)
            else:
                self._replace_answered(number, reason)
        if is_new and not reply.is_answer and not self._sealing.is_sealed_room(reply.room):
            self._replies.append(unsealed_line_notice(reply, why))

    def try_kept_replies(self) -> None:
        """The keys of members have changed: what could not be sealed may be sealed now."""
        if self._kept.answers:
            self._replies += self._kept.answers
            self._news.set()

    def _fail_answered(self, number: int, reason: str) -> None:
        """The answer is lost, so nobody may be told that the message is answered: its sender would wait for a reply."""
        if not self._replace_answered(number, reason):
            self.step(number, Rung.FAILED, reason)

    def _replace_answered(self, number: int, reason: str) -> bool:
        """Whether the room was still to be told that the message is answered."""
        pending = self._pending(number).get(number, [])
        for at, step in enumerate(pending):
            if step.rung is Rung.ANSWERED:
                pending[at] = Step(Rung.FAILED, step.at, _clean_text(reason, MAX_REASON_CHARS))
                return True
        return False

    async def _refused(self, request: Report | Snapshot) -> GroupChatError | None:
        """Why the room refuses it. A refused request is not repeated."""
        try:
            await self._room.request(request, Done)
        except _RETRY_ERRORS:
            raise
        except GroupChatError as error:
            log.error("the room refused a report", request=type(request).__name__, error=error.message)
            return error
        return None

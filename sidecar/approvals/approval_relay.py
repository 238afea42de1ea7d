"""Brings a dialog to the room and an answer to the dialog: carries out what `approval_rules` decides."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import structlog

from gateway.protocol.delivery_reasons import HoldReason
from gateway.protocol.errors import BadRequest, GroupChatError, RateLimited, TimedOut, Unavailable
from gateway.protocol.events import Control, Welcome
from gateway.protocol.requests import CloseAsk, OpenAsk
from gateway.protocol.results import Done
from gateway.protocol.text.text_validation import flatten_lines
from gateway.protocol.types import MAX_DETAIL_BYTES, Activity, AskState, Option
from sidecar.activity.observer import AgentSnapshot, Observer
from sidecar.agents import Adapter
from sidecar.agents.adapter.adapter import HookQuestion
from sidecar.approvals.approval_rules import (
    HOOK_KEY,
    PERSON_TYPES_S,
    AnnounceDialog,
    AnswerOrder,
    ApprovalEffect,
    Approvals,
    DecideHook,
    DialogSighting,
    PressKey,
    PressResult,
    WithdrawDialog,
)
from sidecar.approvals.dialogs import ESCAPE_KEY, MOST_OPTIONS, Question, cut_question, read_question
from sidecar.approvals.pending_hook_questions import HookDecision, PendingHookQuestions
from sidecar.approvals.question_matching import MatchedQuestion, match_question
from sidecar.connection.room_reporter import RoomClient
from sidecar.delivery.terminal_writer import TerminalWriter, TypingMove, TypingStage
from sidecar.messages.envelope import clean_text
from sidecar.typing.gate import MoveDecision, Permission

MAX_PRESSES = 2
PRESS_TIMEOUT_S = 2.0
DECISION_TIMEOUT_S = 2.0
CHECK_INTERVAL_S = 0.02
RETRY_DELAY_S = 0.5
PERSON_AT_TERMINAL = "a person at its terminal"
UNREAD_DIALOG_TEXT = "It shows a dialog that cannot be read here: look at its terminal."
_RETRY_ERRORS = (Unavailable, TimedOut, RateLimited, OSError, TimeoutError)
log = structlog.get_logger("sidecar.approvals.approval_relay")


class DialogObserver(Protocol):
    """What `sidecar.activity.observation_loop.ObservationLoop` offers for dialogs."""

    def look(self) -> AgentSnapshot: ...

    def since_key(self) -> float: ...

    def mark_answered(self) -> None: ...

    def soon(self, seconds: float) -> None: ...

    @property
    def watch(self) -> Observer: ...


@dataclass(eq=False)
class _RelayedAsk:
    """One dialog from its start to its end, with the number that the room gives it once it knows it. The same question
    asked again later is another dialog."""

    digest: str
    number: int | None = None
    heard: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True)
class _AskReport:
    """What to tell the room about a dialog."""

    ask: _RelayedAsk
    what: OpenAsk | WithdrawDialog


class ApprovalRelay:
    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators
        self,
        name: str,
        agent: Adapter,
        observer: DialogObserver,
        writer: TerminalWriter,
        room: RoomClient,
        now: Callable[[], float],
        denied: Callable[[str], None],
    ) -> None:
        """`denied` is called with who denies a question of the agent, when the denial is on its way to the agent."""
        self._name, self._agent, self._observer, self._writer, self._room, self._now = (
            name,
            agent,
            observer,
            writer,
            room,
            now,
        )
        self._denied = denied
        self._approvals = Approvals()
        self._heard = PendingHookQuestions(now)
        self._drawn: tuple[str | None, float] = (None, float("-inf"))
        self._standing: _RelayedAsk | None = None
        self._telling: deque[_AskReport | CloseAsk] = deque()
        self._orders: asyncio.Queue[AnswerOrder] = asyncio.Queue()
        self._news = asyncio.Event()

    # Events in

    def observe(self, moment: AgentSnapshot) -> None:
        """Called at each look at the agent."""
        now = self._now()
        self._do(self._approvals.observe(self._look_at_dialog(moment), now))
        for due in (self._approvals.due(now), self._heard.look_again()):
            if due is not None:
                self._observer.soon(due)

    async def handle_hook_question(self, asked: HookQuestion) -> Mapping[str, object]:
        """A hook reports a question. A hook that decides waits here until somebody in the room decides. It is cancelled
        when a person at the terminal is faster."""
        heard = self._heard.add(asked, self._observer.since_key())
        self._observer.soon(0)
        if not asked.decides:
            return {}
        try:
            given = await heard.decision
            if given is None:
                return {}
            decide = self._agent.approvals.decide if self._agent.approvals else None
            return decide(given.allow, given.by, given.words) if decide else {}
        finally:
            self._heard.mark_ended(heard)
            self._observer.soon(0)

    def mark_refused(self, how: str) -> None:
        """A key that ends the turn goes to the agent; it also denies the dialog on the screen."""
        self._approvals.mark_refused(self._now(), f"refused {how}, who ended its turn")

    def note_key_pressed(self, keys: bytes) -> None:
        """A person pressed these keys at the terminal."""
        standing = self._approvals.told
        if standing is not None and keys and keys in (standing.key("deny"), ESCAPE_KEY):
            self._denied(PERSON_AT_TERMINAL)

    def welcome(self, welcome: Welcome) -> None:
        """Close each dialog that the room still shows and that is gone here, and announce the current one again."""
        standing = self._approvals.told
        for ask in welcome.asks:
            if ask.member == self._name and (standing is None or ask.digest != standing.digest):
                self._tell(CloseAsk(ask=ask.number, state=AskState.WITHDRAWN, reason="its terminal began anew"))
        self._do(self._approvals.announce_again())

    def order(self, control: Control) -> None:
        if control.ask is not None and control.may_approve and self._name in control.to:
            ask = control.ask
            self._orders.put_nowait(
                AnswerOrder(ask.number, ask.digest, control.text, control.from_, clean_text(ask.said))
            )

    # Effects out

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._report_all(), name="tell asks")
            group.create_task(self._answer_all(), name="answer asks")

    def _do(self, effects: list[ApprovalEffect]) -> None:
        """Carry out the effects that only report. `_answer_all` does presses and decisions, one after the other."""
        for effect in effects:
            match effect:
                case AnnounceDialog(question=question, reason=reason):
                    if self._standing is None or self._standing.digest != question.digest:
                        self._standing = _RelayedAsk(question.digest)
                    self._tell(_AskReport(self._standing, self._opening(question, reason)))
                case WithdrawDialog() if self._standing is not None:
                    ask, self._standing = self._standing, None
                    self._tell(_AskReport(ask, effect))

    def _opening(self, question: Question, reason: str) -> OpenAsk:
        detail = clean_text(question.detail)
        return OpenAsk(
            digest=question.digest,
            question=cut_question(clean_text(question.question)) or UNREAD_DIALOG_TEXT,
            options=tuple(Option(one.key, flatten_lines(one.text)) for one in question.choices[:MOST_OPTIONS]),
            allow=HOOK_KEY if question.hook else question.allow,
            deny=HOOK_KEY if question.hook else question.deny,
            tool=flatten_lines(clean_text(question.tool))[:200],
            detail=detail[:MAX_DETAIL_BYTES],
            reason=flatten_lines(reason),
            about=question.about,
            left_out=max(0, len(detail) - MAX_DETAIL_BYTES),
            readable=question.readable,
            words=question.words,
        )

    def _tell(self, what: _AskReport | CloseAsk) -> None:
        self._telling.append(what)
        self._news.set()

    async def _report_all(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            while self._telling:
                await self._one(self._telling[0])
                self._telling.popleft()

    async def _one(self, telling: _AskReport | CloseAsk) -> None:
        """Repeat until the room has it."""
        while True:
            try:
                await self._told(telling)
                break
            except _RETRY_ERRORS as error:
                log.warning("cannot reach the room", error=str(error))
                await asyncio.sleep(RETRY_DELAY_S)
            except GroupChatError as error:
                log.error("the gateway refused an ask", error=error.message)
                break
        if isinstance(telling, _AskReport):
            telling.ask.heard.set()

    async def _told(self, telling: _AskReport | CloseAsk) -> None:
        if isinstance(telling, CloseAsk):
            await self._room.request(telling, Done)
            return
        ask, what = telling.ask, telling.what
        if isinstance(what, OpenAsk):
            done = await self._opened(what)
            ask.number = ask.number if done.seq is None else done.seq
        elif ask.number is not None:
            await self._room.request(
                CloseAsk(ask=ask.number, state=what.state, reason=flatten_lines(what.reason)[:1000]), Done
            )

    async def _opened(self, what: OpenAsk) -> Done:
        try:
            return await self._room.request(what, Done)
        except BadRequest as error:
            log.warning("the gateway only accepts an older form of asks", error=error.message)
            return await self._room.request(without_new_fields(what), Done)

    async def _answer_all(self) -> None:
        while True:
            order = await self._orders.get()
            while (standing := self._standing) is not None and not standing.heard.is_set():
                await standing.heard.wait()  # meanwhile another dialog may be shown that the room does not know yet
            if self._is_for_shown_dialog(order):
                await self._answer(self._approvals.take_order(order, self._look_at_dialog(self._observer.look())))
            else:
                log.warning("an answer for another dialog", ask=order.number, by=order.by)

    def _is_for_shown_dialog(self, order: AnswerOrder) -> bool:
        """The order must name this very dialog, not one that looks the same."""
        standing = self._standing
        return standing is not None and (standing.number, standing.digest) == (order.number, order.digest)

    async def _answer(self, effects: list[ApprovalEffect]) -> None:
        self._do(effects)
        for effect in effects:
            if isinstance(effect, PressKey | DecideHook):
                result = await (self._press(effect) if isinstance(effect, PressKey) else self._decide(effect))
                log.info("answered", answer=effect.order.answer, by=effect.order.by, result=str(result))
                sight = self._look_at_dialog(self._observer.look())
                await self._answer(self._approvals.handle_result(effect, result, sight))
        self._observer.soon(0)

    async def _decide(self, effect: DecideHook) -> PressResult:
        order = effect.order
        heard = self._heard.waiting(order.digest)
        if heard is None:
            return PressResult.STANDS if self._question() else PressResult.CHANGED
        self._approvals.mark_acted(self._now(), "decided by its own hook")
        heard.decision.set_result(HookDecision(effect.allow, order.by, order.words))
        return await self._gone(order.digest, DECISION_TIMEOUT_S)

    async def _press(self, effect: PressKey) -> PressResult:
        """Press the key once, and again only if the very same dialog has been shown untouched for two seconds."""
        move = TypingMove(TypingStage.SUBMITTED, effect.key, self._may(effect))
        for pressed in range(1 if effect.once else MAX_PRESSES):
            outcome = await self._writer.put([move], partial(self._mark_answering, effect))
            if outcome.stage is not TypingStage.SUBMITTED:
                return self._why_not(effect.order.digest, again=pressed > 0)
            if await self._gone(effect.order.digest, PRESS_TIMEOUT_S) is PressResult.GONE:
                return PressResult.GONE
        return PressResult.STANDS

    def _may(self, effect: PressKey) -> Callable[[], Permission]:
        """Looks anew immediately before the key is pressed."""

        def may() -> Permission:
            sight = self._look_at_dialog(self._observer.look())
            question = sight.question
            order = effect.order
            shown = (
                question is not None and question.digest == order.digest and question.key(order.answer) == effect.key
            )
            if not shown or not self._is_for_shown_dialog(order):
                return Permission(MoveDecision.STOP, HoldReason.ASKING)
            return (
                Permission(MoveDecision.STOP, HoldReason.PERSON_TYPES)
                if sight.since_key < PERSON_TYPES_S
                else Permission(MoveDecision.NOW)
            )

        return may

    def _why_not(self, digest: str, *, again: bool) -> PressResult:
        question = self._question()
        if question is not None and question.digest == digest:
            return PressResult.PERSON
        return PressResult.GONE if again else PressResult.CHANGED

    def _mark_answering(self, effect: PressKey, _: TypingStage) -> None:
        name = "Escape" if effect.key == ESCAPE_KEY else effect.key.decode()
        self._approvals.mark_acted(self._now(), f"{name} was pressed")
        self._heard.mark_answered(effect.order.digest)
        question = self._approvals.told
        if question is not None and effect.key == question.key("deny"):
            self._denied(effect.order.by)
        self._observer.mark_answered()

    async def _gone(self, digest: str, patience: float) -> PressResult:
        until = self._now() + patience
        while self._now() < until:
            question = self._question()
            if question is None or question.digest != digest:
                return PressResult.GONE
            await asyncio.sleep(CHECK_INTERVAL_S)
        return PressResult.STANDS

    # What the screen shows

    def _look_at_dialog(self, moment: AgentSnapshot) -> DialogSighting:
        since_key = self._observer.since_key()
        found = self._stands(moment, since_key)
        if found.told:
            self._heard.mark_drawn(found.told.name, found.drawn)
        return self._approvals.known(DialogSighting(found.question, since_key, moment.picture.columns))

    def _stands(self, moment: AgentSnapshot, since_key: float) -> MatchedQuestion:
        dialog, options = moment.verdict.dialog, self._observer.watch.rules.options
        asks = moment.verdict.activity is Activity.ASKING
        self._heard.observe(asks=asks)
        hints = tuple(text for one in self._heard.candidates() for text in one.asked.texts)
        screen = read_question(dialog, options, hints) if dialog and options else None
        if (screen and screen.digest) != self._drawn[0]:
            self._drawn = (screen.digest if screen else None, self._now())
        told = self._heard.candidates(self._drawn[1])
        asks = asks or self._heard.is_expecting()
        return match_question(screen, told, asks=asks, untouched=self._heard.untouched(since_key))

    def _question(self) -> Question | None:
        return self._look_at_dialog(self._observer.look()).question


def without_new_fields(ask: OpenAsk) -> OpenAsk:
    """The ask as every gateway accepts it. Its reason says that the terminal may show more."""
    return OpenAsk(
        digest=ask.digest,
        question=ask.question[:1000],
        options=ask.options,
        allow=ask.allow,
        deny=ask.deny,
        tool=ask.tool,
        detail=ask.detail[:4000],
        reason="the gateway is older than this agent's sidecar: look at the terminal, here it may be cut",
    )

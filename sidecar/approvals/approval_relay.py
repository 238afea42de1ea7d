"""Brings a dialog to the room and an answer to the dialog: carries out what `approval_rules` decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import structlog
from msgspec import structs

from gateway.protocol.events import Control, Welcome
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.agents import Adapter
from sidecar.agents.adapter.adapter import HookQuestion
from sidecar.approvals.answer_giver import AnswerGiver
from sidecar.approvals.approval_inputs_and_effects import AnswerEffect, ApprovalEffect, OrderVerdict, WithdrawDialog
from sidecar.approvals.approval_rules import Approvals
from sidecar.approvals.dialog_reporter import DialogReporter
from sidecar.approvals.dialog_states import AnswerOrder
from sidecar.approvals.open_question import DialogObserver, DialogReader
from sidecar.approvals.questions.dialog_parser import ESCAPE_KEY
from sidecar.approvals.questions.pending_hook_questions import PendingHookQuestions
from sidecar.approvals.sealed_dialogs import SealedDialogs
from sidecar.connection.room_reporter import RoomClient
from sidecar.delivery.terminal_writer import TerminalWriter
from sidecar.messages.envelope import clean_text

PERSON_AT_TERMINAL = "a person at its terminal"
log = structlog.get_logger("sidecar.approvals.approval_relay")


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
        sealed: SealedDialogs | None = None,
    ) -> None:
        """`denied` is called with who denies a question of the agent, when the denial is on its way to the agent.
        `sealed` keeps the dialogs of sealed turns secret, and says which answers to them count."""
        self._sealed = sealed or SealedDialogs()
        self._name, self._agent, self._observer = name, agent, observer
        self._now, self._denied = now, denied
        self._approvals = Approvals()
        self._hook_questions = PendingHookQuestions(now)
        self._reader = DialogReader(observer, self._hook_questions, now)
        self._reporter = DialogReporter(room, self._approvals, self._sealed)
        self._giver = AnswerGiver(self._approvals, self._reader, self._hook_questions, writer, observer, now, denied)
        self._orders: asyncio.Queue[tuple[AnswerOrder, Control]] = asyncio.Queue()

    # Events in

    def observe(self, moment: AgentSnapshot) -> None:
        """Called at each look at the agent."""
        now, before = self._now(), self._approvals.told
        sight = self._reader.read(moment)
        effects = self._approvals.observe(sight, now)
        if before is not None and any(isinstance(effect, WithdrawDialog) for effect in effects):
            self._hook_questions.mark_withdrawn(before.digest, sight.since_key)
        self._reporter.add(effects)
        for due in (self._approvals.due(now), self._hook_questions.look_again()):
            if due is not None:
                self._observer.soon(due)

    async def handle_hook_question(self, asked: HookQuestion) -> Mapping[str, object]:
        """A hook reports a question. A hook that decides waits here until somebody in the room decides. It is cancelled
        when a person at the terminal is faster."""
        if self._hook_questions.drop_late(asked):
            return {}
        pending = self._hook_questions.add(asked, self._observer.since_key())
        self._observer.soon(0)
        if not asked.decides:
            return {}
        try:
            given = await pending.decision
            if given is None:
                return {}
            decide = self._agent.approvals.decide if self._agent.approvals else None
            return decide(given.allow, given.by, given.words) if decide else {}
        finally:
            self._hook_questions.mark_ended(pending)
            self._observer.soon(0)

    def mark_refused(self, how: str) -> None:
        """A key that ends the turn goes to the agent; it also denies the dialog on the screen."""
        self._approvals.mark_refused(self._now(), f"refused {how}, who ended its turn")

    def note_key_pressed(self, keys: bytes) -> None:
        """A person pressed these keys at the terminal."""
        told = self._approvals.told
        if told is not None and keys and keys in (told.key("deny"), ESCAPE_KEY):
            self._denied(PERSON_AT_TERMINAL)

    def shows_question(self, digest: str) -> bool:
        """Whether the screen shows this question now."""
        return self._approvals.known(self._reader.look()).shows(digest)

    def welcome(self, welcome: Welcome) -> None:
        """Close each dialog that the room still shows and that is gone here, and announce the current one again."""
        asks = (structs.replace(ask, digest=self._sealed.inner_digest(ask.digest)) for ask in welcome.asks)
        self._reporter.add(self._approvals.welcome(self._name, asks))

    def order(self, control: Control) -> None:
        if control.ask is not None and control.may_approve and self._name in control.to:
            ask = control.ask
            digest = self._sealed.inner_digest(ask.digest)
            order = AnswerOrder(ask.number, digest, control.text, control.from_, clean_text(ask.said))
            self._orders.put_nowait((order, control))

    # Effects out

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._reporter.run(), name="tell asks")
            group.create_task(self._answer_all(), name="answer asks")

    async def _answer_all(self) -> None:
        """One order after the other."""
        while True:
            order, control = await self._orders.get()
            while (verdict := self._approvals.judge(order)) is OrderVerdict.WAIT:
                self._reporter.answered_by_room.clear()
                await self._reporter.answered_by_room.wait()  # by then another dialog may be shown
            if verdict is OrderVerdict.TAKE and (why := await self._why_no_answer(control)):
                log.warning("an answer that nobody has signed", ask=order.number, by=order.by, why=why)
                await self._carry_out(self._approvals.announce_again(why))
            elif verdict is OrderVerdict.TAKE:
                await self._carry_out(self._approvals.take_order(order, self._reader.look()))
            else:
                log.warning("an answer for another dialog", ask=order.number, by=order.by)

    async def _why_no_answer(self, control: Control) -> str:
        current = self._approvals.current
        return await self._sealed.why_no_answer(current.count, control) if current is not None else ""

    async def _carry_out(self, effects: list[ApprovalEffect]) -> None:
        self._reporter.add(effects)
        for effect in effects:
            if isinstance(effect, AnswerEffect):
                result = await self._giver.give(effect)
                log.info("answered", answer=effect.order.answer, by=effect.order.by, result=str(result))
                await self._carry_out(self._approvals.handle_result(effect, result, self._reader.look()))
        self._observer.soon(0)

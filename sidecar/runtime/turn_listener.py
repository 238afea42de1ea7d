"""Reads what an agent reports about its turns beside its screen: hooks as they fire, its transcript as it grows.

The final answer of a turn goes from here to `DeliveryProgress.fact`, which finds the turn's messages;
`sidecar/delivery/reply_posting.py` posts the answer as their reply.
A hook can also ask: whether to refuse this prompt, and how to answer a question.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import structlog

from gateway.process_basics.tasks import spawn
from sidecar.activity.observation_loop import ObservationLoop
from sidecar.agents.adapter.adapter import HookQuestion, Hooks
from sidecar.approvals.approval_relay import ApprovalRelay
from sidecar.conversation.conversation_watch import ConversationWatch
from sidecar.delivery.delivery_loop import DeliveryLoop
from sidecar.delivery.message_progress import DeliveryProgress
from sidecar.evidence.turn_evidence import Evidence, EvidenceSource, ToolUse, TurnFact, TurnFactKind
from sidecar.evidence_sources.last_transcript import note_down
from sidecar.evidence_sources.new_session_detector import ChangedFolder
from sidecar.evidence_sources.transcript import session_in
from sidecar.evidence_sources.turn_reports import TurnReports
from sidecar.orders.stop_order import AgentStopper
from sidecar.run_files.run_plan import RunPlan
from sidecar.runtime.agent_launch import Conversation

TAIL_INTERVAL_S = 0.05
TOOL_READ_INTERVAL_S = 1.0
MOVED_SEARCH_INTERVAL_S = 1.0
SEARCH_REST_FACTOR = 20  # after a search, the next one waits this many times as long as it took
MAX_TURNS = 64
log = structlog.get_logger("sidecar")


class WorkReceiver(Protocol):
    """Who keeps what the agent is at: `sidecar.work.work_reporter`."""

    def used(self, use: ToolUse) -> None: ...

    def count_tokens(self, tokens: int) -> None: ...


class FactReceiver(Protocol):
    """Who learns from turns whether the agent's vendor limits it: `sidecar.runtime.condition_reporter`."""

    def fact(self, fact: TurnFact) -> None: ...


@dataclass(frozen=True)
class TurnReceivers:
    """Who is told about turns and questions, beside the progress of deliveries."""

    stop: AgentStopper
    delivery_loop: DeliveryLoop
    approval_relay: ApprovalRelay
    conditions: FactReceiver
    conversation: ConversationWatch
    work: WorkReceiver
    reports: TurnReports


class TurnListener:
    """Takes what hooks and the transcript tell about turns, and passes it on. The observation loop gets what a hook
    says about the agent's state. `progress` is asked about each prompt before it is submitted, and gets the facts of
    hooks and transcript with the tokens that a turn used; it turns the answer of a turn into a reply. Questions of
    hooks go to the approval relay. If the answer `decides`, the hook waits for it, and is cancelled when the question
    is gone. The conversation's watch gets the vendor's id of it whenever it changes, and its turns."""

    def __init__(
        self,
        plan: RunPlan,
        conversation: Conversation,
        observation_loop: ObservationLoop,
        progress: DeliveryProgress,
        receivers: TurnReceivers,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._agent, self._folder = plan.agent, plan.folder
        self._child, self._tail = conversation.child, conversation.tail
        find_folder = self._agent.transcript.conversations_in if self._agent.transcript else None
        self._transcripts = ChangedFolder(find_folder(self._child) if find_folder else None)
        self._observation_loop, self._progress = observation_loop, progress
        self._stop, self._delivery_loop = receivers.stop, receivers.delivery_loop
        self._approval_relay, self._conditions = receivers.approval_relay, receivers.conditions
        self._conversation = receivers.conversation
        self._work, self._tool_read_at = receivers.work, float("-inf")
        self._reports = receivers.reports
        self._is_new = not plan.start.resumes
        self._begun: deque[str] = deque(maxlen=MAX_TURNS)
        self._searching, self._search_again = asyncio.Lock(), 0.0
        self._words, self._closed = "", False

    def follow(self, transcript: Path | None, *, fresh: bool = False) -> None:
        if transcript and transcript != self._tail.path and not self._closed:
            self._tail.follow(transcript, fresh=fresh)
            self._conversation.call_session(session_in(self._agent, transcript))
            self._loop.run_in_executor(None, note_down, self._folder, transcript)

    @property
    def transcript(self) -> Path | None:
        return self._tail.path

    @property
    def session(self) -> str:
        return self._conversation.session

    async def hook(self, event: Mapping[str, object]) -> Mapping[str, object]:
        """Returns the answer for the agent. If anything fails here, the agent continues as if nobody had listened."""
        if (hooks := self._agent.hooks) is None:
            return {}
        self._reports.note_hook(hooks.signal(event))
        asked = self._agent.approvals.asked(event) if self._agent.approvals else None
        if use := hooks.tool(event):
            self._hear_tool(use)
            if asked is None:
                return {}
        await self._find()
        self._follow_conversation(hooks.transcript(event), hooks.session(event))
        if fact := hooks.fact(event):
            self._reports.note_fact(fact)
        if fact and fact.kind is TurnFactKind.PROMPT and (reason := self._progress.check_prompt(fact)):
            log.info("refused", reason=reason)
            return hooks.refuse(reason)
        if says := hooks.signal(event):
            self._observation_loop.signal(Evidence(EvidenceSource.HOOK, says, self._loop.time()))
        if fact:
            self._hear_hook(hooks, fact, event)
        return await self._question(asked) if asked else {}

    def _hear_tool(self, use: ToolUse) -> None:
        """The tool waits for the answer, so the transcript, which tells the tokens so far, is read beside it, and not
        for each of many calls."""
        self._work.used(use)
        if self._loop.time() - self._tool_read_at >= TOOL_READ_INTERVAL_S:
            self._tool_read_at = self._loop.time()
            self.read_transcript_now()

    def _follow_conversation(self, named: Path | None, session: str) -> None:
        """The agent's person may begin another conversation, or go back to an earlier one."""
        current, transcript = self._tail.path, self._agent.transcript
        if named:
            self.follow(named)
        elif session and session != self.session and current is not None and transcript is not None:
            self.follow(transcript.of_session(current, session))
        self._conversation.call_session(session)

    def _hear_hook(self, hooks: Hooks, fact: TurnFact, event: Mapping[str, object]) -> None:
        """The transcript is read before the end of a turn is reported, because it holds what was said before. A prompt
        that arrives while its turn runs waits inside the agent: only the transcript tells which turn takes it."""
        if fact.kind in (TurnFactKind.ANSWER, TurnFactKind.ENDED):
            self._read_on()
        if fact.kind is TurnFactKind.ENDED:
            fact = replace(fact, text=hooks.answer(event, self._words) if hooks.answer and self._words else "")
        if fact.kind is not TurnFactKind.PROMPT or fact.turn not in self._begun:
            self._hear(fact)
        if fact.turn and fact.turn not in self._begun:
            self._begun.append(fact.turn)

    async def _question(self, asked: HookQuestion) -> Mapping[str, object]:
        log.info("asked", tool=asked.tool)
        if asked.decides:
            return await self._approval_relay.handle_hook_question(asked)
        self._beside(self._approval_relay.handle_hook_question(asked))
        return {}

    def _beside(self, work: Coroutine[Any, Any, object]) -> None:
        spawn(work, "turn_listener")

    def close(self) -> None:
        """Close for good: a late hook of an ending agent opens no file again."""
        self._closed = True
        self._tail.close()

    async def listen(self, while_needed: Callable[[], Awaitable[None]]) -> None:
        """The transcript is read only while a message waits for its proof."""
        while True:
            await while_needed()
            await asyncio.sleep(TAIL_INTERVAL_S)
            if self._loop.time() >= self._search_again:
                await self._find()
                await self._find_moved()
            self._read_on()

    def read_transcript_now(self) -> None:
        """Read the transcript now, even if no message waits for its proof. The moment for it may come after the end."""
        if not self._closed:
            self._beside(self._find_and_read_on())

    async def _find_and_read_on(self) -> None:
        await self._find()
        self._read_on()

    def _read_on(self) -> None:
        facts = () if self._closed else self._tail.new()
        if spent := self._tail.spent():
            self._progress.replies.count_tokens(spent)
            self._work.count_tokens(spent)
        for use in () if self._closed else self._tail.uses():
            self._work.used(use)
        for question in () if self._closed else self._tail.questions():
            self._beside(self._question(question))
        for fact in facts:
            self._reports.note_fact(fact)
            self._hear(fact)

    async def _find(self) -> None:
        """Runs in a thread, because it may look at all processes. Only one search runs at a time, so hooks keep their
        order."""
        if (transcript := self._agent.transcript) is None or not self._is_wanted():
            return
        async with self._searching:
            known = self._tail.path
            began = self._loop.time()
            found = await asyncio.to_thread(transcript.find, self._child)
            self._search_again = self._loop.time() + SEARCH_REST_FACTOR * (self._loop.time() - began)
            if found and self._tail.path == known:
                self.follow(found.path, fresh=found.fresh and known is None)

    async def _find_moved(self) -> None:
        """Another release may keep its conversations in other folders. All of a conversation that began with this run
        is new."""
        transcript, expected = self._agent.transcript, self._tail.path
        if transcript is None or expected is None or self._tail.is_found:
            return
        self._search_again = max(self._search_again, self._loop.time() + MOVED_SEARCH_INTERVAL_S)
        found = await asyncio.to_thread(transcript.moved, expected)
        if found and self._tail.path == expected and not self._tail.is_found:
            log.warning("its transcript is in another folder", folder=str(found.parent))
            self.follow(found, fresh=self._is_new and self._child.place.session in expected.name)

    def _is_wanted(self) -> bool:
        """Whether no transcript is known, or its vendor has just made another one."""
        return self._tail.path is None or self._transcripts.is_changed()

    def _hear(self, fact: TurnFact) -> None:
        log.info("fact", kind=str(fact.kind), source=str(fact.source))
        if fact.kind is TurnFactKind.REFUSED:
            return self._conditions.fact(fact)
        self._words = (fact.text or self._words) if fact.kind is TurnFactKind.MODEL else ""
        self._conditions.fact(fact)
        self._conversation.fact(fact)
        self._stop.fact(fact)
        self._progress.fact(fact)
        self._delivery_loop.wake()
        return None

"""A fake of everything that a turn listener reports to. It records each call and answers as a test asks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from sidecar.agents.adapter.adapter import Adapter, HookQuestion, LaunchContext, RunningAgent
from sidecar.conversation.conversation_recorder import ConversationKeeper
from sidecar.conversation.conversation_watch import ConversationWatch
from sidecar.conversation.start_choice import NEW
from sidecar.evidence.turn_evidence import Evidence, ToolUse, TurnFact
from sidecar.evidence_sources.transcript import TranscriptTail
from sidecar.evidence_sources.turn_reports import TurnReports
from sidecar.run_files.run_plan import RunPlan
from sidecar.runtime.agent_launch import Conversation
from sidecar.runtime.turn_listener import TurnListener, TurnReceivers


async def no_word(_: HookQuestion) -> Mapping[str, object]:
    return {}


class FakeReceivers:
    """Stands in for the progress, observation loop, approval relay, run journal and delivery loop."""

    def __init__(self) -> None:
        self.facts: list[TurnFact] = []
        self.signals: list[Evidence] = []
        self.sessions: list[str] = []
        self.work = FakeWork()
        self.forget()

    def forget(self) -> None:
        """As if it were new: nothing was heard, nothing is refused, no question is answered."""
        self.facts.clear()
        self.signals.clear()
        self.sessions.clear()
        self.refuses: Callable[[TurnFact], str] = lambda fact: ""
        self.answers: Callable[[HookQuestion], Awaitable[Mapping[str, object]]] = no_word
        self.spent = 0
        self.work.forget()

    def fact(self, fact: TurnFact) -> None:
        self.facts.append(fact)

    def check_prompt(self, fact: TurnFact) -> str:
        return self.refuses(fact)

    @property
    def replies(self) -> FakeReceivers:
        """Where the progress counts tokens."""
        return self

    def count_tokens(self, tokens: int) -> None:
        self.spent += tokens

    def signal(self, evidence: Evidence) -> None:
        self.signals.append(evidence)

    def session(self, name: str) -> None:
        self.sessions.append(name)

    def wake(self) -> None:
        """Nobody sleeps here."""

    def handle_hook_question(self, asked: HookQuestion) -> Awaitable[Mapping[str, object]]:
        return self.answers(asked)


class FakeWork:
    """In place of `sidecar.work.work_reporter.WorkReporter`."""

    def __init__(self) -> None:
        self.uses: list[ToolUse] = []
        self.tokens = 0

    def forget(self) -> None:
        self.uses.clear()
        self.tokens = 0

    def used(self, use: ToolUse) -> None:
        self.uses.append(use)

    def count_tokens(self, tokens: int) -> None:
        self.tokens += tokens


class Unstoppable:
    """In place of `sidecar.orders.stop_order.AgentStopper`."""

    def fact(self, fact: TurnFact) -> None:
        """No turn was stopped."""


class Unlimited:
    """In place of `sidecar.runtime.condition_reporter.ConditionReporter`."""

    def fact(self, fact: TurnFact) -> None:
        """No vendor limits it."""


def turn_listener_of(  # noqa: PLR0917 - a run of an agent
    hearers: FakeReceivers,
    agent: Adapter,
    folder: Path,
    child: RunningAgent | None = None,
    tail: TranscriptTail | None = None,
    session: str = "",
) -> TurnListener:
    plan = RunPlan(agent.name, agent, (agent.name,), folder, folder, {})
    child = child or RunningAgent(LaunchContext(folder, folder, "", "", {}), 1, 0.0)
    anyone: Any = hearers
    stop: Any = Unstoppable()
    tail = tail or TranscriptTail(agent, None)
    reports = TurnReports(agent, tail, lambda: 0.0)
    conversation = Conversation(child, tail, anyone, session)
    watch = ConversationWatch(ConversationKeeper(agent, child.place), NEW, anyone, session)
    receivers = TurnReceivers(stop, anyone, anyone, Unlimited(), watch, hearers.work, reports)
    return TurnListener(plan, conversation, anyone, anyone, receivers)

"""The scheduler: one timer for turns, decisions, sessions and asks, and for deliveries and tokens that expire.

Each item has a kind, a key, and one time at which it is checked next; without items no timer runs. A table maps each
kind to its function: a *rule* decides from the state in memory, an *errand* reads the store first.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from gateway.agent_control import approvals
from gateway.decisions import decision_rules
from gateway.mode_rules import mode_control
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, StateChange
from gateway.model.state import GatewayState
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError
from gateway.protocol.results import Result
from gateway.protocol.types.core_types import SYSTEM_NAME
from gateway.protocol.types.decision_types import Decision
from gateway.sessions import sessions
from gateway.tool_calls import tool_call_rules

log = structlog.get_logger("gateway.timing.scheduler")

Rule = Callable[
    [GatewayState, str, RuleContext, float], tuple[tuple[EventToCommit, ...], float | None]
]  # the due events, and the time of the next check
Errand = Callable[[float], Awaitable[float | None]]  # takes the time, returns the time of the next check
DueKey = tuple[str, str]

RULES: Mapping[str, Rule] = {
    "floor": mode_control.process_due_floor,
    "decision": decision_rules.process_due_decision,
    "session": sessions.process_due_session,
    "ask": approvals.process_due_asks,
    "call": tool_call_rules.process_due_call,
}
ALL = ""  # the key of an errand, which checks all items of its kind in the store

RETRY_DELAY_S = 1.0
LEAST_DELAY_S = 0.02


class Scheduler:
    """`carry_out` gets the due events of a rule, and returns a future for their commit."""

    def __init__(  # noqa: PLR0913 - its collaborators, and two tables
        self,
        state: GatewayState,
        rule_context: Callable[[], RuleContext],
        carry_out: Callable[[Sequence[EventToCommit]], asyncio.Future[Result]],
        started: float,
        *,
        rules: Mapping[str, Rule] = RULES,
        retry_delay: float = RETRY_DELAY_S,
    ) -> None:
        self._state, self._sequencer, self._carry_out, self._started = state, rule_context, carry_out, started
        self._rules, self._retry_delay = rules, retry_delay
        self._errands: dict[str, Errand] = {}
        self._heap: list[tuple[float, DueKey]] = []
        self._wanted: dict[DueKey, float] = {}
        self._alarm: asyncio.TimerHandle | None = None
        self._rings_at = 0.0
        self._stopped = False
        self._is_paused = False

    # schedule

    def add_errand(self, kind: str, errand: Errand) -> None:
        self._errands[kind] = errand

    def pause(self) -> None:
        """Nothing is due here for as long as another gateway decides."""
        self._is_paused = True

    def resume(self) -> None:
        """Whatever is to be checked is scheduled after this."""
        self._is_paused = False

    def schedule(self, kind: str, key: str = ALL, at: float = 0.0) -> None:
        """Check the item at this time (without a time, as soon as possible), unless an earlier check is scheduled.
        A kind without a rule or errand is never due."""
        thing = (kind, key)
        if kind not in self._rules and kind not in self._errands:
            return
        planned = self.next_look(kind, key)
        if self._stopped or self._is_paused or (planned is not None and planned <= at):
            return
        self._wanted[thing] = at
        heapq.heappush(self._heap, (at, thing))
        self._set_alarm()

    def update_schedule(self, change: StateChange) -> None:
        """Schedule an item again after its state has changed."""
        if change.kind in self._rules:
            self.schedule(change.kind, change.key)
        if isinstance(change.value, Decision) and change.value.by == SYSTEM_NAME:
            self.schedule("floor", change.value.room)

    def move(self, step: float) -> None:
        """The clock was set: check each item again, so that it is scheduled by the new time."""
        self._started += step
        known = list(self._wanted)
        self._heap.clear()
        self._wanted.clear()
        for thing in known:
            self.schedule(*thing)

    def next_look(self, kind: str, key: str = ALL) -> float | None:
        """When the item is checked next, if it is."""
        return self._wanted.get((kind, key))

    def stop(self) -> None:
        self._stopped = True
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    # timer

    def _set_alarm(self) -> None:
        at = self._heap[0][0]
        if self._alarm is not None:
            if self._rings_at <= at:
                return
            self._alarm.cancel()
        self._rings_at = at
        delay = max(LEAST_DELAY_S, at - self._sequencer().now)
        self._alarm = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        for thing in self._due(self._sequencer().now):
            self._check_safely(thing)
        if self._heap and not self._stopped:
            self._set_alarm()

    def _due(self, now: float) -> list[DueKey]:
        found: list[DueKey] = []
        while self._heap and self._heap[0][0] <= now:
            at, thing = heapq.heappop(self._heap)
            if self._wanted.get(thing) == at:
                del self._wanted[thing]
                found.append(thing)
        return found

    # checks

    def _check_safely(self, thing: DueKey) -> None:
        """One check that fails does not stop the others."""
        kind, key = thing
        try:
            if (errand := self._errands.get(kind)) is not None:
                spawn(self._run(thing, errand), f"{kind} errand")
            else:
                self._decide(kind, key)
        except Exception:
            log.exception("! a due task failed", what=thing)
            self._retry(thing)

    def _decide(self, kind: str, key: str) -> None:
        facts, ahead = self._rules[kind](self._state, key, self._sequencer(), self._started)
        if facts:
            self._carry_out(facts).add_done_callback(lambda done: self._wait_until_committed((kind, key), done))
        if ahead is not None:
            self.schedule(kind, key, ahead)

    def _wait_until_committed(self, thing: DueKey, done: asyncio.Future[Result]) -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("! the result of a due task could not be stored", what=thing, error=str(error))
            self._retry(thing)

    async def _run(self, thing: DueKey, errand: Errand) -> None:
        try:
            ahead = await errand(self._sequencer().now)
        except GroupChatError as error:
            log.error("! what is due could not be carried out", what=thing, error=error.message)
            self._retry(thing)
        except Exception:
            log.exception("! what is due could not be carried out", what=thing)
            self._retry(thing)
        else:
            if ahead is not None:
                self.schedule(*thing, ahead)

    def _retry(self, thing: DueKey) -> None:
        self.schedule(*thing, self._sequencer().now + self._retry_delay)

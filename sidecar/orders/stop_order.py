"""Carries out a stop order: presses the agent's interrupt key, ends tools left running, and checks whether it
worked."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from gateway.protocol.types.core_types import Activity
from sidecar.activity.activity_verdict import CALM_ACTIVITIES
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.agents import Adapter
from sidecar.delivery.stop_rules import STILL_WORKING_TEXT, StopOrder, StopRefusal, decided
from sidecar.evidence.turn_evidence import TurnFact, TurnFactKind
from sidecar.supervision.process_table import ProcessInfo, age_of_process, list_processes, send_signal

KEY_INTERVAL_S = 1.0  # two presses within this time mean something else to some agents: Claude opens its rewind
TOOL_EXIT_TIMEOUT_S = 0.25  # time for the agent to end its tools itself
KILL_AFTER_S = 0.3
GIVE_UP_AFTER_S = 5.0
CHECK_INTERVAL_S = 0.05
CLOCK_SLACK_S = 0.05
log = structlog.get_logger("sidecar.orders.stop_order")


class StopTarget(Protocol):
    """What a stop order needs from the sidecar."""

    def look(self) -> AgentSnapshot: ...

    def end_turn(self, how: str) -> None: ...

    def tell(self, name: str, text: str, number: int) -> None: ...


@dataclass
class _KeyPressed:
    order: StopOrder
    at: float
    turn: float  # seconds that the turn had lasted
    refused: bool = False  # the key has only denied a dialog, and must be pressed again
    over: bool = False


class AgentStopper:
    """`leader` is the agent's process."""

    def __init__(self, name: str, agent: Adapter, target: StopTarget, leader: int, now: Callable[[], float]) -> None:
        self._name, self._agent, self._target, self._leader, self._now = name, agent, target, leader, now
        self._began = now()
        self._pressed: asyncio.Queue[_KeyPressed] = asyncio.Queue()
        self._standing: _KeyPressed | None = None

    def observe(self, moment: AgentSnapshot) -> None:
        """Called at each look at the agent: notes when its turn began and whether it is over."""
        if moment.verdict.activity in CALM_ACTIVITIES:
            self._began = self._now()
            self._is_over()

    def fact(self, fact: TurnFact) -> None:
        if fact.kind is not TurnFactKind.MODEL:
            self._is_over()

    @property
    def at_rest(self) -> bool:
        """Whether all orders are over and their results were checked."""
        return self._pressed.empty() and (self._standing is None or self._standing.over)

    def _is_over(self) -> None:
        if self._standing:
            self._standing.over = True

    def order(self, order: StopOrder) -> bool:
        """Return whether the key was pressed. The result is checked afterwards."""
        activity = self._target.look().verdict.activity
        why = decided(activity, order)
        if why is not None:
            self._not_done(order, why)
            return False
        if later := self._seconds_until_allowed():
            asyncio.get_running_loop().call_later(later, self.order, order)
            return False
        if self._has_just_pressed():
            log.warning("stopped by the key before", sender=order.by)
            return False
        refuses = activity is Activity.ASKING and self._agent.interrupt.only_refuses
        pressed = _KeyPressed(order, self._now(), self._now() - self._began, refuses)
        self._standing = pressed
        self._press(order)
        self._pressed.put_nowait(pressed)
        return True

    def _has_just_pressed(self) -> bool:
        """The previous key is about to end what the agent works on."""
        last = self._standing
        return last is not None and not last.over and self._now() - last.at < KEY_INTERVAL_S

    def _seconds_until_allowed(self) -> float:
        """The agent would take a key that comes sooner for something else, also in its next turn."""
        last = self._standing
        return max(0.0, self._agent.interrupt.interval_s - (self._now() - last.at)) if last is not None else 0.0

    def _press(self, order: StopOrder) -> None:
        log.warning("stopped", sender=order.by)
        self._target.end_turn(f"by {order.by}")

    def _not_done(self, order: StopOrder, why: StopRefusal) -> None:
        log.warning("not stopped", sender=order.by, why=why.why)
        if why.told:
            self._target.tell(order.by, f"{self._name} was not stopped: {why.why}.", order.number)

    async def run(self) -> None:
        while True:
            await self._see_through(await self._pressed.get())

    async def _see_through(self, pressed: _KeyPressed) -> None:
        """The key is pressed only once: the agent begins its queued prompts at once, and a second key would end
        those. Where it has only denied a dialog, it is pressed once more when the agent works again; and in a dialog
        that was drawn just before, and took no key."""
        if self._agent.interrupt.leaves_tools:
            await asyncio.sleep(TOOL_EXIT_TIMEOUT_S)
            await self._end_tools(pressed)
        last = pressed.at
        while not pressed.over and self._now() - pressed.at < GIVE_UP_AFTER_S:
            if pressed.refused and self._is_due_again(last):
                last = self._now()
                pressed.refused = self._target.look().verdict.activity is not Activity.BUSY
                self._press(pressed.order)
            await asyncio.sleep(CHECK_INTERVAL_S)
        if not pressed.over and decided(self._target.look().verdict.activity, pressed.order) is None:
            self._not_done(pressed.order, StopRefusal(STILL_WORKING_TEXT))

    def _is_due_again(self, last: float) -> bool:
        activity = self._target.look().verdict.activity
        return activity is Activity.BUSY or (activity is Activity.ASKING and self._now() - last >= KEY_INTERVAL_S)

    async def _end_tools(self, pressed: _KeyPressed) -> None:
        """A tool that ends at the first signal is not killed."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            ago = self._now() - pressed.at
            left = await asyncio.to_thread(_signal_tools, self._leader, pressed.turn + ago, ago, number)
            if not left:
                return
            log.warning("tools were left running", ended=[one.pid for one in left], signal=number.name)
            await asyncio.sleep(KILL_AFTER_S)


def _signal_tools(leader: int, turn: float, ago: float, number: signal.Signals) -> Sequence[ProcessInfo]:
    left = find_left_running(leader, list_processes(b""), age_of_process, turn, ago)
    for one in left:
        send_signal(one, number)
    return left


def find_left_running(
    leader: int, there: Collection[ProcessInfo], age: Callable[[ProcessInfo], float], turn: float, ago: float
) -> list[ProcessInfo]:
    """The agent's descendants that belong to the turn that ended `ago` seconds ago. A process older than the turn is
    not one of its tools. A process younger than its end belongs to the next turn, unless a tool of this turn started
    it."""
    found: dict[int, ProcessInfo] = {}
    parents = {leader}
    while new := [one for one in there if one.parent in parents and one.pid not in found]:
        found |= {one.pid: one for one in new}
        parents = {one.pid for one in new}
    ended: dict[int, ProcessInfo] = {}
    for one in found.values():  # parents first
        is_of_turn = age(one) >= ago - CLOCK_SLACK_S or one.parent in ended
        if is_of_turn and age(one) <= turn + CLOCK_SLACK_S:
            ended[one.pid] = one
    return list(ended.values())

"""Handles each look at the agent: tells the room, wakes the delivery loop, and brings dialogs to the room."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from gateway.protocol.types.core_types import Activity, Composer
from sidecar.activity.activity_verdict import CALM_ACTIVITIES
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.activity.observation_loop import ObservationLoop
from sidecar.approvals.approval_relay import ApprovalRelay
from sidecar.connection.room_reporter import RoomReporter
from sidecar.connection.terminal_stream import TerminalStream
from sidecar.delivery.delivery_loop import DeliveryLoop
from sidecar.orders.stop_order import AgentStopper
from sidecar.runtime.condition_reporter import ConditionReporter
from sidecar.runtime.ghost_log import GhostLogUpdater
from sidecar.runtime.turn_listener import TurnListener
from sidecar.work.work_reporter import WorkReporter

TRANSCRIPT_DELAY_S = 0.2  # an agent writes its transcript shortly after its turn
log = structlog.get_logger("sidecar")


@dataclass(frozen=True)
class ObservationReceivers:
    """Who is told what the look showed. `beginning` follows how the agent begins."""

    reporter: RoomReporter
    delivery_loop: DeliveryLoop
    turn_listener: TurnListener
    approval_relay: ApprovalRelay
    stop: AgentStopper
    ghost: GhostLogUpdater
    terminal_stream: TerminalStream
    conditions: ConditionReporter
    beginning: Callable[[Activity], None]
    work: WorkReporter


class ObservationHandler:
    def __init__(self, observation_loop: ObservationLoop, observed: ObservationReceivers) -> None:
        self._observation_loop, self._observed = observation_loop, observed
        self._loop = asyncio.get_running_loop()
        self._told: tuple[Activity, Composer, tuple[str, ...]] | None = None

    async def run(self) -> None:
        while True:
            self._looked(await self._observation_loop.next())

    def last(self) -> None:
        """The agent has ended."""
        self._observation_loop.mark_exited()
        self._looked(self._observation_loop.now())

    def soon(self) -> None:
        self._observation_loop.soon()

    def again(self) -> None:
        """The room has forgotten what it was told."""
        self._told = None
        self._observed.conditions.again()
        self._observed.work.again()
        self._observation_loop.soon(0)

    def _looked(self, moment: AgentSnapshot) -> None:
        verdict = moment.verdict
        why_unknown = verdict.because if verdict.activity is Activity.UNKNOWN else ()
        seen = (verdict.activity, verdict.composer, why_unknown)
        if seen != self._told:
            self._told = seen
            self._changed(moment)
        self._observed.conditions.observe(moment)
        self._observed.approval_relay.observe(moment)
        self._observed.stop.observe(moment)
        self._observed.terminal_stream.note_look()
        if title := self._observation_loop.watch.signals.get("title"):
            self._observed.ghost.overwritten(title.at)

    def _changed(self, moment: AgentSnapshot) -> None:
        verdict, to = moment.verdict, self._observed
        to.beginning(verdict.activity)
        to.reporter.activity(verdict.activity, verdict.composer, "; ".join(verdict.because))
        log.info("=", activity=str(verdict.activity), composer=str(verdict.composer), because=verdict.because)
        to.delivery_loop.wake()
        to.work.activity(verdict.activity)
        if verdict.activity is Activity.ASKING and self._observed.turn_listener.transcript is not None:
            to.turn_listener.read_transcript_now()  # where there are no hooks, it holds the question
        if verdict.activity in CALM_ACTIVITIES and self._reads_after_turn():
            self._loop.call_later(TRANSCRIPT_DELAY_S, to.turn_listener.read_transcript_now)

    def _reads_after_turn(self) -> bool:
        """Where all answers are shared, the transcript may hold one. One that is known tells what the turn has cost."""
        to = self._observed
        return to.delivery_loop.progress.replies.share == "all" or to.turn_listener.transcript is not None

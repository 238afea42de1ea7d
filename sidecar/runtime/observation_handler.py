"""What follows from each look at the agent: the room is told, what waits may go in, dialogs are brought to the room."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from gateway.protocol.types import Activity, Composer
from sidecar.activity.activity import CALM_ACTIVITIES
from sidecar.activity.observation_loop import ObservationLoop
from sidecar.activity.observer import AgentSnapshot
from sidecar.approvals.approval_relay import ApprovalRelay
from sidecar.connection.room_reporter import RoomReporter
from sidecar.delivery.delivery_loop import DeliveryLoop
from sidecar.delivery.ghost_log import GhostLogUpdater
from sidecar.orders.stop_order import AgentStopper
from sidecar.runtime.turn_listener import Ears

WRITTEN_BY_S = 0.2  # after its turn an agent writes its transcript
log = structlog.get_logger("sidecar")


@dataclass(frozen=True)
class Observed:
    """Who needs to know what is seen."""

    outbox: RoomReporter
    courier: DeliveryLoop
    ears: Ears
    asks: ApprovalRelay
    stop: AgentStopper
    ghost: GhostLogUpdater


class ObservationHandler:
    def __init__(self, eyes: ObservationLoop, observed: Observed) -> None:
        self._eyes, self._observed = eyes, observed
        self._loop = asyncio.get_running_loop()
        self._told: tuple[Activity, Composer] | None = None

    async def run(self) -> None:
        while True:
            self._looked(await self._eyes.next())

    def last(self) -> None:
        """The agent has ended."""
        self._eyes.mark_exited()
        self._looked(self._eyes.now())

    def soon(self) -> None:
        self._eyes.soon()

    def again(self) -> None:
        """The room has forgotten what it was told."""
        self._told = None
        self._eyes.soon(0)

    def _looked(self, moment: AgentSnapshot) -> None:
        seen = (moment.verdict.activity, moment.verdict.composer)
        if seen != self._told:
            self._told = seen
            self._changed(moment)
        self._observed.asks.observe(moment)
        self._observed.stop.observe(moment)
        if title := self._eyes.watch.signals.get("title"):
            self._observed.ghost.overwritten(title.at)

    def _changed(self, moment: AgentSnapshot) -> None:
        verdict, to = moment.verdict, self._observed
        to.outbox.activity(verdict.activity, verdict.composer, "; ".join(verdict.because))
        log.info("=", activity=str(verdict.activity), composer=str(verdict.composer), because=verdict.because)
        to.courier.wake()
        if verdict.activity in CALM_ACTIVITIES and to.courier.ledger.share == "all":
            self._loop.call_later(WRITTEN_BY_S, to.ears.catch_up)

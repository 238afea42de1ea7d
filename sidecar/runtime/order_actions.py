"""What an order does to the agent: press keys, end its turn, restart it, and tell the sender."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.protocol.results import DeliveryList, MessageDetail, WaitingList
from sidecar.activity.agent_observer import AgentSnapshot
from sidecar.activity.observation_loop import ObservationLoop
from sidecar.approvals.approval_relay import ApprovalRelay
from sidecar.connection.room_reporter import RoomReporter
from sidecar.delivery.delivery_loop import DeliveryLoop
from sidecar.delivery.stop_rules import StopOrder
from sidecar.messages.replies import Reply
from sidecar.orders.stop_order import AgentStopper
from sidecar.run_files.run_plan import RunPlan
from sidecar.runtime.agent_input import AgentInput
from sidecar.runtime.shutdown import Shutdown


class AgentActions:
    """Implements what `sidecar.orders.stop_order` needs."""

    def __init__(
        self,
        plan: RunPlan,
        observation_loop: ObservationLoop,
        keys: AgentInput,
        approval_relay: ApprovalRelay,
        reporter: RoomReporter,
    ) -> None:
        self._plan, self._observation_loop, self._keys, self._approval_relay, self._reporter = (
            plan,
            observation_loop,
            keys,
            approval_relay,
            reporter,
        )

    def look(self) -> AgentSnapshot:
        return self._observation_loop.look()

    def since_person(self) -> float:
        return self._keys.since_person()

    def shows_question(self, digest: str) -> bool:
        return self._approval_relay.shows_question(digest)

    def press(self, keys: Sequence[bytes], by: str) -> None:
        for key in keys:
            self._keys.pressed(key, f"by {by}")

    def end_turn(self, how: str) -> None:
        """A message that is being typed is held and delivered next."""
        self._approval_relay.mark_refused(how)
        self._keys.put_in(self._plan.agent.interrupt.key, how)
        self._observation_loop.soon(0)

    def tell(self, name: str, text: str, number: int) -> None:
        """Tell one member, and nobody else, about an order that it gave."""
        self._reporter.post_reply(Reply(text, (f"@{name}",), "", None, f"order-{self._plan.name}-{number}"))


class OrderedActions:
    """Implements what `sidecar.orders.room_orders` needs."""

    def __init__(
        self,
        actions: AgentActions,
        stop: AgentStopper,
        delivery_loop: DeliveryLoop,
        reporter: RoomReporter,
        shutdown: Shutdown,
    ) -> None:
        self._actions, self._stop, self._delivery_loop, self._reporter, self._shutdown = (
            actions,
            stop,
            delivery_loop,
            reporter,
            shutdown,
        )

    def look(self) -> AgentSnapshot:
        return self._actions.look()

    def since_person(self) -> float:
        return self._actions.since_person()

    def shows_question(self, digest: str) -> bool:
        return self._actions.shows_question(digest)

    def press(self, keys: Sequence[bytes], by: str) -> None:
        self._actions.press(keys, by)

    def tell(self, name: str, text: str, number: int) -> None:
        self._actions.tell(name, text, number)

    def stop_turn(self, order: StopOrder) -> None:
        if self._stop.order(order):
            self._delivery_loop.expect_returned_prompt()

    def restart(self) -> None:
        self._shutdown.restart()

    async def fetch(self, number: int) -> MessageDetail | None:
        return await self._reporter.fetch(number)

    async def begun_after(self, number: int) -> DeliveryList:
        return await self._reporter.begun_after(number)

    async def waiting_after(self, number: int, limit: int) -> WaitingList:
        return await self._reporter.waiting_after(number, limit)

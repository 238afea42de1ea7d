"""Expires deliveries past their deadline: each one ends, and its sender and recipient are notified.

The deadline comes from the `ttl` of the message (`gateway/rooms/messages.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from gateway.agent_control import delivery_rules
from gateway.commit.committer import MAX_BATCH_EVENTS
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import RuleOutcome
from gateway.model.state import GatewayState
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.results import Result
from gateway.protocol.types.core_types import Delivery
from gateway.store import Store

log = structlog.get_logger("gateway.runtime.delivery_expiry")

RETRY_DELAY_S = 1.0


class DeliveryExpiry:
    def __init__(
        self,
        store: Store,
        state: GatewayState,
        rule_context: Callable[[], RuleContext],
        carry_out: Callable[[RuleOutcome], asyncio.Future[Result]],
    ) -> None:
        self._store, self._state, self._sequencer, self._carry_out = store, state, rule_context, carry_out

    async def expire(self, now: float) -> float | None:
        """Expire the overdue deliveries. Returns the next deadline, if there is one."""
        overdue, ahead = await self._store.overdue(now, MAX_BATCH_EVENTS)
        expired = await asyncio.gather(*map(self._expire_safely, overdue))  # together: one batch for the disk
        if not all(expired):
            return now + RETRY_DELAY_S
        return now if len(overdue) == MAX_BATCH_EVENTS else ahead

    async def _expire_safely(self, delivery: Delivery) -> bool:
        """Whether it was handled. One that fails does not stop the others."""
        try:
            await self._expire_one(delivery)
        except Exception:
            log.exception("! could not expire a delivery", message=delivery.message, member=delivery.member)
            return False
        return True

    async def _expire_one(self, delivery: Delivery) -> None:
        record = await self._store.one(delivery.message)
        if record is not None:
            event = codec.decode_durable(record.event)
            assert isinstance(event, Message)
            fact = delivery_rules.expire_delivery(event, self._state.deliveries.known(delivery), self._sequencer())
            if fact is not None:
                await self._carry_out(RuleOutcome(Result(), (fact,)))

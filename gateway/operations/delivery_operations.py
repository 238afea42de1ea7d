"""Requests about deliveries: report, cancel, retry, and list the open ones."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.agent_control import agent_orders, delivery_updates
from gateway.agent_control.delivery_updates import MessageDelivery
from gateway.model.delivery_states import HANDED_OVER_RUNGS, OPEN_RUNGS
from gateway.model.log_events import Outcome
from gateway.operations.inbox_operations import check_has_inbox
from gateway.operations.message_queries import read_message, readable_message, receipts_of
from gateway.protocol.events import ControlAction, Message, Receipt
from gateway.protocol.requests import Cancel, Deliveries, Report, Retry
from gateway.protocol.results import DeliveryList, Done, Result
from gateway.protocol.timestamps import seconds_from_iso
from gateway.protocol.types import bare_name
from gateway.runtime.hub import Hub


async def _message_and_delivery(hub: Hub, actor: Actor, number: int, member: str) -> MessageDelivery:
    """A message and the state of its delivery; memory is newer than the store."""
    message = await read_message(hub, actor, number)
    stored = await hub.store.delivery(number, member)
    if stored is None or member != actor.name:
        delivery_updates.check_may_read(hub.state, actor, message)
    return MessageDelivery(message, None if stored is None else hub.state.deliveries.known(stored))


async def answer_report(hub: Hub, actor: Actor, request: Report) -> Result:
    standing = await _message_and_delivery(hub, actor, request.message, actor.name)
    if delivery_updates.was_retried(standing.delivery):
        told = await receipts_of(hub, request.message)
        if delivery_updates.was_reported_before(told, actor.name, request.steps):
            return Done()
        standing = await _message_and_delivery(hub, actor, request.message, actor.name)
    outcome = delivery_updates.report_steps(hub.state, actor, request, standing, hub.sequencer())
    _count(hub, standing, outcome)
    return await hub.carry_out(outcome)


def _count(hub: Hub, standing: MessageDelivery, outcome: Outcome) -> None:
    """Count a delivery when the recipient's sidecar or client first reports that it was taken."""
    before = standing.delivery
    after = outcome.events[0].deliveries[0] if outcome.events and outcome.events[0].deliveries else None
    if before is None or after is None or before.rung not in OPEN_RUNGS or after.rung not in HANDED_OVER_RUNGS:
        return
    hub.metrics.delivered.inc()
    hub.metrics.delivery_seconds.observe(max(0.0, hub.now - seconds_from_iso(standing.message.timestamp)))


async def answer_cancel(hub: Hub, actor: Actor, request: Cancel) -> Result:
    message = await readable_message(hub, actor, request.message)
    stored = await hub.store.deliveries(message.seq)
    deliveries = [hub.state.deliveries.known(one) for one in stored]
    outcome = delivery_updates.cancel_message(actor, request, message, deliveries, hub.sequencer())
    return await hub.carry_out(_add_order_to_sidecars(hub, outcome, ControlAction.CANCEL, message))


async def answer_retry(hub: Hub, actor: Actor, request: Retry) -> Result:
    member = hub.state.member(bare_name(request.member)).name
    standing = await _message_and_delivery(hub, actor, request.message, member)
    outcome = delivery_updates.retry_delivery(actor, request, standing, hub.sequencer())
    return await hub.carry_out(_add_order_to_sidecars(hub, outcome, ControlAction.RETRY, standing.message))


def _add_order_to_sidecars(hub: Hub, outcome: Outcome, action: ControlAction, message: Message) -> Outcome:
    """Add an order for each sidecar with this message. Orders are stored, so an absent sidecar gets it later."""
    sequencer = hub.sequencer()
    told = [
        agent_orders.order_about_message(action, fact.event.member, message.seq, sequencer)
        for fact in outcome.events
        if isinstance(fact.event, Receipt)
    ]
    return Outcome(outcome.result, (*outcome.events, *told))


async def open_deliveries_page(hub: Hub, member: str, after: int, limit: int, *, begun: bool = False) -> DeliveryList:
    found = await hub.store.open_deliveries(member, after, limit + 1, begun=begun)
    return DeliveryList(tuple(found[:limit]), more=len(found) > limit)


async def answer_deliveries(hub: Hub, actor: Actor, request: Deliveries) -> DeliveryList:
    check_has_inbox(hub, actor)
    return await open_deliveries_page(hub, actor.name, request.after, request.limit, begun=request.begun)

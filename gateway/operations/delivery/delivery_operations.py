"""Requests about deliveries: report, cancel, retry, and list the open ones."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.agent_control import agent_orders, delivery_rules
from gateway.agent_control.delivery_rules import MessageDelivery
from gateway.message_effects import loop_hold_release
from gateway.model.rule_outcome import RuleOutcome
from gateway.operations.delivery.inbox_operations import check_has_inbox
from gateway.operations.messages.message_queries import read_message, readable_message, receipts_of
from gateway.protocol.events import ControlAction, Message, Receipt
from gateway.protocol.requests.message_requests import Cancel, Deliveries, Report, Retry
from gateway.protocol.results import DeliveryList, Done, Result
from gateway.protocol.types.core_types import bare_name
from gateway.runtime.hub import Hub


async def _message_and_delivery(hub: Hub, actor: Actor, number: int, member: str) -> MessageDelivery:
    """A message and the state of its delivery; memory is newer than the store."""
    message = await read_message(hub, actor, number)
    stored = await hub.store.delivery(number, member)
    if stored is None or member != actor.name:
        delivery_rules.check_may_read(hub.state, actor, message)
    return MessageDelivery(message, None if stored is None else hub.state.deliveries.known(stored))


async def answer_report(hub: Hub, actor: Actor, request: Report) -> Result:
    standing = await _message_and_delivery(hub, actor, request.message, actor.name)
    if delivery_rules.was_retried(standing.delivery):
        told = await receipts_of(hub, request.message)
        if delivery_rules.was_reported_before(told, actor.name, request.steps):
            return Done()
        standing = await _message_and_delivery(hub, actor, request.message, actor.name)
    return await hub.carry_out(delivery_rules.report_steps(hub.state, actor, request, standing, hub.rule_context()))


async def answer_cancel(hub: Hub, actor: Actor, request: Cancel) -> Result:
    message = await readable_message(hub, actor, request.message)
    stored = await hub.store.deliveries(message.seq)
    deliveries = [hub.state.deliveries.known(one) for one in stored]
    deliveries += loop_hold_release.held_recipients(hub.state, message)
    outcome = delivery_rules.cancel_message(actor, request, message, deliveries, hub.rule_context())
    ended = RuleOutcome(outcome.result, loop_hold_release.drop_taken_back(hub.state, message, outcome.events))
    return await hub.carry_out(_add_order_to_sidecars(hub, ended, ControlAction.CANCEL, message))


async def answer_retry(hub: Hub, actor: Actor, request: Retry) -> Result:
    member = hub.state.member(bare_name(request.member)).name
    standing = await _message_and_delivery(hub, actor, request.message, member)
    outcome = delivery_rules.retry_delivery(actor, request, standing, hub.rule_context())
    return await hub.carry_out(_add_order_to_sidecars(hub, outcome, ControlAction.RETRY, standing.message))


def _add_order_to_sidecars(hub: Hub, outcome: RuleOutcome, action: ControlAction, message: Message) -> RuleOutcome:
    """Add an order for each sidecar with this message. Orders are stored, so an absent sidecar gets it later."""
    rule_context = hub.rule_context()
    told = [
        agent_orders.order_about_message(action, fact.event.member, message.seq, rule_context)
        for fact in outcome.events
        if isinstance(fact.event, Receipt)
    ]
    return RuleOutcome(outcome.result, (*outcome.events, *told))


async def open_deliveries_page(hub: Hub, member: str, after: int, limit: int, *, begun: bool = False) -> DeliveryList:
    found = await hub.store.open_deliveries(member, after, limit + 1, begun=begun)
    return DeliveryList(tuple(found[:limit]), more=len(found) > limit)


async def answer_deliveries(hub: Hub, actor: Actor, request: Deliveries) -> DeliveryList:
    check_has_inbox(hub, actor)
    return await open_deliveries_page(hub, actor.name, request.after, request.limit, begun=request.begun)

"""Requests about deliveries: reporting a step, cancelling, trying again, and listing those that are open."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.agent_control import agent_orders, delivery_updates
from gateway.agent_control.delivery_updates import Standing
from gateway.model.delivery_states import HANDED_OVER, OPEN
from gateway.model.log_events import Ruling
from gateway.operations.inbox_operations import need_inbox
from gateway.operations.message_queries import message_for, read_message, receipts_of
from gateway.protocol import requests as r
from gateway.protocol import results as out
from gateway.protocol.events import ControlAction, Message, Receipt
from gateway.protocol.timestamps import moment
from gateway.protocol.types import bare_name
from gateway.runtime.hub import Hub


async def _standing(hub: Hub, actor: Actor, number: int, member: str) -> Standing:
    """A message and where its delivery stands; what memory knows is newer than what the store says."""
    message = await read_message(hub, actor, number)
    stored = await hub.store.delivery(number, member)
    if stored is None or member != actor.name:
        delivery_updates.need_read(hub.house, actor, message)
    return Standing(message, None if stored is None else hub.house.deliveries.known(stored))


async def report(hub: Hub, actor: Actor, request: r.Report) -> out.Result:
    standing = await _standing(hub, actor, request.message, actor.name)
    if delivery_updates.was_retried(standing.delivery):
        told = await receipts_of(hub, request.message)
        if delivery_updates.told_before(told, actor.name, request.steps):
            return out.Done()
        standing = await _standing(hub, actor, request.message, actor.name)
    ruling = delivery_updates.report(hub.house, actor, request, standing, hub.clerk())
    _count(hub, standing, ruling)
    return await hub.carry_out(ruling)


def _count(hub: Hub, standing: Standing, ruling: Ruling) -> None:
    """Count a delivery when its recipient's side first says that it was taken."""
    before = standing.delivery
    after = ruling.facts[0].deliveries[0] if ruling.facts and ruling.facts[0].deliveries else None
    if before is None or after is None or before.rung not in OPEN or after.rung not in HANDED_OVER:
        return
    hub.metrics.delivered.inc()
    hub.metrics.delivery_seconds.observe(max(0.0, hub.now - moment(standing.message.timestamp)))


async def cancel(hub: Hub, actor: Actor, request: r.Cancel) -> out.Result:
    message = await message_for(hub, actor, request.message)
    stored = await hub.store.ladders(message.seq)
    ladders = [hub.house.deliveries.known(one) for one in stored]
    ruling = delivery_updates.cancel(actor, request, message, ladders, hub.clerk())
    return await hub.carry_out(_and_tell(hub, ruling, ControlAction.CANCEL, message))


async def retry(hub: Hub, actor: Actor, request: r.Retry) -> out.Result:
    member = hub.house.member(bare_name(request.member)).name
    standing = await _standing(hub, actor, request.message, member)
    ruling = delivery_updates.retry(actor, request, standing, hub.clerk())
    return await hub.carry_out(_and_tell(hub, ruling, ControlAction.RETRY, standing.message))


def _and_tell(hub: Hub, ruling: Ruling, action: ControlAction, message: Message) -> Ruling:
    """The sidecars that hold this message must hear of it even when they are away now."""
    clerk = hub.clerk()
    told = [
        agent_orders.told(action, fact.event.member, message.seq, clerk)
        for fact in ruling.facts
        if isinstance(fact.event, Receipt)
    ]
    return Ruling(ruling.result, (*ruling.facts, *told))


async def open_deliveries(hub: Hub, member: str, after: int, limit: int, *, begun: bool = False) -> out.DeliveryList:
    found = await hub.store.open_deliveries(member, after, limit + 1, begun=begun)
    return out.DeliveryList(tuple(found[:limit]), more=len(found) > limit)


async def deliveries(hub: Hub, actor: Actor, request: r.Deliveries) -> out.DeliveryList:
    need_inbox(hub, actor)
    return await open_deliveries(hub, actor.name, request.after, request.limit, begun=request.begun)

"""What waits in an inbox, and handing it over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import msgspec

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_updates
from gateway.agent_control.ack_messages import acknowledged
from gateway.model.delivery_states import WAITING
from gateway.model.log_events import Fact, Ruling
from gateway.operations.message_queries import message_of
from gateway.protocol import requests as r
from gateway.protocol import results as out
from gateway.protocol.errors import Forbidden
from gateway.protocol.events import Message
from gateway.protocol.types import Delivery, Rung
from gateway.runtime.hub import Hub
from gateway.store import InboxQuery, Record


class Waiting(msgspec.Struct, frozen=True):
    """A message that waits in an inbox, and its delivery."""

    message: Message
    delivery: Delivery


async def waiting(hub: Hub, actor: Actor, request: r.Waiting) -> out.WaitingList:
    """What memory knows is newer than the page: an answer never shows as waiting what an event before it has ended."""
    need_inbox(hub, actor)
    query = InboxQuery(actor.name, request.after, request.limit, by_rank=True)
    page: list[Waiting] = []
    more = True
    while more and not page:
        stored, more = await hub.store.inbox(query)
        page = _still_waiting(hub, stored)
        query = replace(query, after=stored[-1][0].message if stored else 0)
    return out.WaitingList(
        tuple(one.message for one in page),
        tuple(one.delivery for one in page),
        more=more,
        waiting=hub.house.queued.get(actor.name, 0),
    )


def need_inbox(hub: Hub, actor: Actor) -> None:
    if not hub.house.member(actor.name).inbox:
        raise Forbidden(f'{actor.name} has no inbox. Say so in hello: {{"inbox": true}}.')


async def waiting_messages(
    hub: Hub, actor: Actor, limit: int, *, senders: Collection[str] = (), reply_to: int | None = None
) -> list[Waiting]:
    """What waits for a member, in order. Asking makes it a member with an inbox that is here."""
    need_inbox(hub, actor)
    hub.house.live[actor.name].heard = hub.now
    found: list[Waiting] = []
    query = InboxQuery(actor.name, 0, limit, senders=tuple(sorted(senders)), reply_to=reply_to)
    more = True
    while more and len(found) < limit:
        page, more = await hub.store.inbox(query)
        found += _still_waiting(hub, page)
        query = replace(query, after=page[-1][0].message if page else 0)
    return found[:limit]


def _still_waiting(hub: Hub, stored: Sequence[tuple[Delivery, Record]]) -> list[Waiting]:
    """Another reader may have taken what the store does not know of yet."""
    now = [(hub.house.deliveries.known(delivery), record) for delivery, record in stored]
    return [Waiting(message_of(record), delivery) for delivery, record in now if delivery.rung in WAITING]


async def hand_over(hub: Hub, page: Sequence[Waiting], how: str) -> list[Message]:
    """The messages that are handed over by this; another reader of the same inbox may have been faster."""
    ruling, taken = handing_over(hub, page, how)
    await hub.carry_out(ruling)
    return taken


def handing_over(hub: Hub, page: Sequence[Waiting], how: str) -> tuple[Ruling, list[Message]]:
    clerk = hub.clerk()
    facts: list[Fact] = []
    taken: list[Message] = []
    for one in page:
        current = hub.house.deliveries.known(one.delivery)
        fact = delivery_updates.hand_over(one.message, current, clerk, how)
        if fact is not None:
            facts += (fact, *acknowledged(hub.house, one.message, current, Rung.ACCEPTED, clerk))
            taken.append(one.message)
    return Ruling(out.Done(), tuple(facts)), taken

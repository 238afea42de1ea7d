"""Lists the waiting messages of an inbox, and hands them over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import msgspec

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_rules
from gateway.agent_control.ack_messages import ack_events
from gateway.model.deliveries.delivery_states import WAITING_RUNGS
from gateway.model.rule_outcome import EventToCommit, RuleOutcome
from gateway.operations.messages.message_queries import decode_message
from gateway.protocol.errors import Forbidden
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import Waiting
from gateway.protocol.results import Done, WaitingList
from gateway.protocol.types.core_types import Delivery, Rung
from gateway.runtime.hub import Hub
from gateway.store import InboxQuery, StoredEvent


class WaitingMessage(msgspec.Struct, frozen=True):
    """A message that waits in an inbox, and its delivery."""

    message: Message
    delivery: Delivery


async def answer_waiting(hub: Hub, actor: Actor, request: Waiting) -> WaitingList:
    """Memory is newer than the page from the store: the answer must not list a delivery that an earlier event has
    ended."""
    check_has_inbox(hub, actor)
    query = InboxQuery(actor.name, request.after, request.limit, by_rank=True)
    page: list[WaitingMessage] = []
    more = True
    while more and not page:
        stored, more = await hub.store.inbox(query)
        page = _still_waiting(hub, stored)
        query = replace(query, after=stored[-1][0].message if stored else 0)
    return WaitingList(
        tuple(one.message for one in page),
        tuple(one.delivery for one in page),
        more=more,
        waiting=hub.state.queued.get(actor.name, 0),
    )


def check_has_inbox(hub: Hub, actor: Actor) -> None:
    if not hub.state.member(actor.name).inbox:
        raise Forbidden(f'{actor.name} has no inbox. Ask for one in hello: {{"inbox": true}}.')


async def waiting_messages(  # noqa: PLR0913 - the filters of an inbox
    hub: Hub,
    actor: Actor,
    limit: int,
    *,
    senders: Collection[str] = (),
    reply_to: int | None = None,
    by_rank: bool = False,
) -> list[WaitingMessage]:
    """The waiting messages of a member, in the order of the log or by rank: urgent ones first, then by priority. The
    request gives the member an inbox and marks it as present."""
    check_has_inbox(hub, actor)
    hub.state.live[actor.name].heard = hub.now
    found: list[WaitingMessage] = []
    query = InboxQuery(actor.name, 0, limit, by_rank=by_rank, senders=tuple(sorted(senders)), reply_to=reply_to)
    more = True
    while more and len(found) < limit:
        page, more = await hub.store.inbox(query)
        found += _still_waiting(hub, page)
        query = replace(query, after=page[-1][0].message if page else 0)
    return found[:limit]


def _still_waiting(hub: Hub, stored: Sequence[tuple[Delivery, StoredEvent]]) -> list[WaitingMessage]:
    """Filter out messages that another reader has taken, which the store does not know yet."""
    now = [(hub.state.deliveries.known(delivery), record) for delivery, record in stored]
    return [
        WaitingMessage(decode_message(record), delivery) for delivery, record in now if delivery.rung in WAITING_RUNGS
    ]


async def hand_over_messages(hub: Hub, page: Sequence[WaitingMessage], how: str) -> list[Message]:
    """Hand over messages. Returns those that this call took; another reader of the inbox may have been faster."""
    outcome, taken = plan_hand_over(hub, page, how)
    await hub.carry_out(outcome)
    return taken


def plan_hand_over(hub: Hub, page: Sequence[WaitingMessage], how: str) -> tuple[RuleOutcome, list[Message]]:
    rule_context = hub.rule_context()
    facts: list[EventToCommit] = []
    taken: list[Message] = []
    for one in page:
        current = hub.state.deliveries.known(one.delivery)
        fact = delivery_rules.hand_over_delivery(one.message, current, rule_context, how)
        if fact is not None:
            facts += (fact, *ack_events(hub.state, one.message, current, Rung.ACCEPTED, rule_context))
            taken.append(one.message)
    return RuleOutcome(Done(), tuple(facts)), taken

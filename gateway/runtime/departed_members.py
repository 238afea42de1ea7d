"""Ends the open deliveries of a member that is gone for good, with the reason, so that nobody keeps waiting for it."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.access.tokens import has_own_token, is_valid
from gateway.agent_control import delivery_updates
from gateway.conversation import contexts
from gateway.decisions import decisions
from gateway.model.log_events import Outcome
from gateway.model.state import GatewayState
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.results import Done
from gateway.protocol.types import SYSTEM_NAME, MemberKind
from gateway.rooms import members
from gateway.runtime.hub import Hub

BATCH_DELIVERIES = 500


async def end_deliveries_of(hub: Hub, name: str, why: str) -> None:
    after = 0
    while page := await hub.store.open_deliveries(name, after, BATCH_DELIVERIES):
        after = page[-1].message
        facts = []
        for delivery in map(hub.state.deliveries.known, page):
            record = await hub.store.one(delivery.message)
            event = None if record is None else codec.decode_durable(record.event)
            if (
                isinstance(event, Message)
                and (fact := delivery_updates.end_delivery(event, delivery, hub.sequencer(), why)) is not None
            ):
                facts.append(fact)
        await hub.carry_out(Outcome(Done(), tuple(facts)))


async def end_deliveries_of_departed(hub: Hub) -> None:
    """At the start: catches up for members that left under an earlier version, or just before a crash."""
    for name in departed_names(hub.state, hub.now):
        if hub.state.members[name].member.inbox:
            await hub.carry_out(
                Outcome(Done(), members.leave_without_token(hub.state, name, SYSTEM_NAME, hub.sequencer()))
            )
        if hub.state.queued.get(name):
            await end_deliveries_of(hub, name, f"{name} is gone")
    for scope in contexts.orphaned_scopes(hub.state):
        documents = contexts.remove_scope(hub.state, Actor(SYSTEM_NAME, MemberKind.SYSTEM), scope, hub.sequencer())
        await hub.carry_out(Outcome(Done(), tuple(documents)))
    await hub.carry_out(Outcome(Done(), tuple(decisions.remove_departed_voters(hub.state, hub.sequencer()))))


async def end_deliveries_of_expired(hub: Hub, now: float) -> float | None:
    """End the deliveries of members whose last token has expired. Returns when the next token expires."""
    state = hub.state
    expired = {one.member for one in state.tokens.values() if one.expires is not None and one.expires <= now}
    left = [name for name in departed_names(state, now) if name in expired and state.members[name].member.inbox]
    for name in left:
        if not has_own_token(state.tokens, name, now):  # it may have got a new token during an await
            await hub.carry_out(Outcome(Done(), members.leave_without_token(state, name, SYSTEM_NAME, hub.sequencer())))
            await end_deliveries_of(hub, name, f"the token of {name} has expired")
    ahead = (one.expires for one in state.tokens.values() if one.expires is not None and not one.revoked)
    return min((at for at in ahead if at > now), default=None)


def departed_names(state: GatewayState, now: float) -> list[str]:
    """Members that were removed, and members whose tokens are all expired or revoked."""
    had = {one.member for one in state.tokens.values()}
    have = {one.member for one in state.tokens.values() if not one.hands and is_valid(one, now)}
    without = had - have
    return [
        name
        for name, record in state.members.items()
        if record.removed or (name in without and not record.by_team and not record.dialect)
    ]

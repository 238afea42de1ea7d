"""Ends the open deliveries of a member that is gone for good or out of a room, with the reason, so that nobody keeps
waiting for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

from gateway.access.permissions import Actor
from gateway.access.tokens import has_own_token, is_valid
from gateway.agent_control import delivery_rules
from gateway.decisions import decision_rules
from gateway.model.rule_outcome import RuleOutcome
from gateway.model.state import GatewayState
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import SYSTEM_NAME, Delivery, MemberKind
from gateway.rooms import members
from gateway.runtime.hub import Hub
from gateway.sessions import shared_documents

BATCH_DELIVERIES = 500
MAX_READ_TRIES = 20

OpenMessage = tuple[Message, Delivery]


async def end_deliveries_of(hub: Hub, name: str, why: str) -> None:
    async for page in _open_messages(hub, name):
        ends = (delivery_rules.end_delivery(message, delivery, hub.rule_context(), why) for message, delivery in page)
        await hub.carry_out(RuleOutcome(Done(), tuple(fact for fact in ends if fact is not None)))


def with_waiting_messages(hub: Hub, names: Collection[str]) -> list[str]:
    """The members for whom something waits, or may do so in a moment. Nothing is read for the others, so what they do
    is decided at once, in the order in which it was asked for."""
    waiting = hub.state.queued
    return [name for name in names if waiting.get(name) or hub.committer.has_deliveries_to((name,))]


async def open_messages_of(hub: Hub, names: Collection[str]) -> list[OpenMessage]:
    """What is open for these members at this very moment: whoever decides on it must not wait for anything in between.
    A message on its way to the disk has no delivery yet, so this waits for it. Where messages come without a pause, it
    gives up after some tries, and `take_back_late_ones` must follow."""
    found: list[OpenMessage] = []
    for _ in range(MAX_READ_TRIES):
        if hub.committer.has_deliveries_to(names):
            await hub.answers.wait_until_settled()
        before = _begun(hub, names)
        found = [one for name in names async for page in _open_messages(hub, name) for one in page]
        if _begun(hub, names) == before and not hub.committer.has_deliveries_to(names):
            break
    return [(message, hub.state.deliveries.known(delivery)) for message, delivery in found]


def _begun(hub: Hub, names: Collection[str]) -> int:
    return sum(hub.state.deliveries.begun[name] for name in names)


async def take_back_late_ones(hub: Hub, names: Collection[str], room: str, before: int, why: str) -> None:
    """Take back the messages before a number that `open_messages_of` has missed."""
    for name in names:
        async for page in _open_messages(hub, name):
            late = [one for one in page if one[0].seq < before]
            taken = delivery_rules.take_back_waiting(late, room, why, hub.rule_context())
            await hub.carry_out(RuleOutcome(Done(), taken))


async def _open_messages(hub: Hub, name: str) -> AsyncIterator[list[OpenMessage]]:
    """The open deliveries of a member, page by page, each with its message."""
    after = 0
    while page := await hub.store.open_deliveries(name, after, BATCH_DELIVERIES):
        after = page[-1].message
        records = await hub.store.several([one.message for one in page])
        events = {record.seq: codec.decode_durable(record.event) for record in records}
        found = ((events.get(one.message), hub.state.deliveries.known(one)) for one in page)
        yield [(event, delivery) for event, delivery in found if isinstance(event, Message)]


async def end_deliveries_of_departed(hub: Hub) -> None:
    """At the start: catches up for members that left under an earlier version, or just before a crash."""
    for name in departed_names(hub.state, hub.now):
        if hub.state.members[name].member.inbox:
            await hub.carry_out(
                RuleOutcome(Done(), members.leave_without_token(hub.state, name, SYSTEM_NAME, hub.rule_context()))
            )
        if hub.state.queued.get(name):
            await end_deliveries_of(hub, name, f"{name} is gone")
    for scope in shared_documents.orphaned_scopes(hub.state):
        documents = shared_documents.remove_scope(
            hub.state, Actor(SYSTEM_NAME, MemberKind.SYSTEM), scope, hub.rule_context()
        )
        await hub.carry_out(RuleOutcome(Done(), tuple(documents)))
    await hub.carry_out(
        RuleOutcome(Done(), tuple(decision_rules.remove_departed_voters(hub.state, hub.rule_context())))
    )


async def end_deliveries_of_expired(hub: Hub, now: float) -> float | None:
    """End the deliveries of members whose last token has expired. Returns when the next token expires."""
    state = hub.state
    expired = {one.member for one in state.tokens.values() if one.expires is not None and one.expires <= now}
    left = [name for name in departed_names(state, now) if name in expired and state.members[name].member.inbox]
    for name in left:
        if not has_own_token(state.tokens, name, now):  # it may have got a new token during an await
            await hub.carry_out(
                RuleOutcome(Done(), members.leave_without_token(state, name, SYSTEM_NAME, hub.rule_context()))
            )
            await end_deliveries_of(hub, name, f"the token of {name} has expired")
    ahead = (one.expires for one in state.tokens.values() if one.expires is not None and not one.revoked)
    return min((at for at in ahead if at > now), default=None)


def departed_names(state: GatewayState, now: float) -> list[str]:
    """Members that were removed, and members whose tokens are all expired or revoked. A member of an identity provider
    stays without one."""
    had = {one.member for one in state.tokens.values()}
    have = {one.member for one in state.tokens.values() if one.is_own and is_valid(one, now)}
    without = had - have
    return [
        name
        for name, record in state.members.items()
        if record.removed or (name in without and not (record.by_team or record.dialect or record.identity))
    ]

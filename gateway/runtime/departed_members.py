"""What a member that is gone for good was owed: ended, with the reason, so that nobody goes on waiting for it."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.access.tokens import has_own, holds
from gateway.agent_control import delivery_updates
from gateway.conversation import contexts
from gateway.decisions import decisions
from gateway.model.log_events import Ruling
from gateway.model.state import House
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.results import Done
from gateway.protocol.types import SYSTEM, MemberKind
from gateway.rooms import members
from gateway.runtime.hub import Hub

AT_ONCE = 500


async def settle(hub: Hub, name: str, why: str) -> None:
    after = 0
    while page := await hub.store.open_deliveries(name, after, AT_ONCE):
        after = page[-1].message
        facts = []
        for delivery in map(hub.house.deliveries.known, page):
            record = await hub.store.one(delivery.message)
            event = None if record is None else codec.decode_durable(record.event)
            if (
                isinstance(event, Message)
                and (fact := delivery_updates.settled(event, delivery, hub.clerk(), why)) is not None
            ):
                facts.append(fact)
        await hub.carry_out(Ruling(Done(), tuple(facts)))


async def settle_the_gone(hub: Hub) -> None:
    """At a start: those whom an earlier version let go without this, or whom a crash kept from being settled."""
    for name in gone(hub.house, hub.now):
        if hub.house.members[name].member.inbox:
            await hub.carry_out(Ruling(Done(), members.without_token(hub.house, name, SYSTEM, hub.clerk())))
        if hub.house.queued.get(name):
            await settle(hub, name, f"{name} is gone")
    for scope in contexts.orphaned(hub.house):
        documents = contexts.removed(hub.house, Actor(SYSTEM, MemberKind.SYSTEM), scope, hub.clerk())
        await hub.carry_out(Ruling(Done(), tuple(documents)))
    await hub.carry_out(Ruling(Done(), tuple(decisions.without_the_gone(hub.house, hub.clerk()))))


async def settle_the_expired(hub: Hub, now: float) -> float | None:
    """Those whose last token has expired; and when the next token expires."""
    house = hub.house
    expired = {one.member for one in house.tokens.values() if one.expires is not None and one.expires <= now}
    left = [name for name in gone(house, now) if name in expired and house.members[name].member.inbox]
    for name in left:
        if not has_own(house.tokens, name, now):  # nor got one meanwhile
            await hub.carry_out(Ruling(Done(), members.without_token(house, name, SYSTEM, hub.clerk())))
            await settle(hub, name, f"the token of {name} has expired")
    ahead = (one.expires for one in house.tokens.values() if one.expires is not None and not one.revoked)
    return min((at for at in ahead if at > now), default=None)


def gone(house: House, now: float) -> list[str]:
    """Members that were removed, or that have had tokens of which none is left."""
    had = {one.member for one in house.tokens.values()}
    have = {one.member for one in house.tokens.values() if not one.hands and holds(one, now)}
    without = had - have
    return [
        name
        for name, record in house.members.items()
        if record.removed or (name in without and not record.by_team and not record.dialect)
    ]

"""What a member that is gone for good was owed: ended, with the reason, so that nobody goes on waiting for it."""

from __future__ import annotations

from gateway import contexts, decisions, members, receipts
from gateway.house import House, Ruling
from gateway.hub import Hub
from gateway.protocol import codec
from gateway.protocol.events import Message
from gateway.protocol.nouns import SYSTEM, MemberKind
from gateway.protocol.results import Done
from gateway.rights import Actor

AT_ONCE = 500


async def settle(hub: Hub, name: str, why: str) -> None:
    after = 0
    while page := await hub.store.open_deliveries(name, after, AT_ONCE):
        after = page[-1].message
        facts = []
        for delivery in map(hub.house.known, page):
            record = await hub.store.one(delivery.message)
            event = None if record is None else codec.decode_durable(record.event)
            if isinstance(event, Message) and (fact := receipts.settled(event, delivery, hub.clerk(), why)) is not None:
                facts.append(fact)
        await hub.carry_out(Ruling(Done(), tuple(facts)))


async def settle_the_gone(hub: Hub) -> None:
    """At a start: those whom an earlier version let go without this, or whom a crash kept from being settled."""
    for name in gone(hub.house):
        if hub.house.members[name].member.inbox:
            await hub.carry_out(Ruling(Done(), members.without_token(hub.house, name, "system", hub.clerk())))
        if hub.house.queued.get(name):
            await settle(hub, name, f"{name} is gone")
    for scope in contexts.orphaned(hub.house):
        documents = contexts.removed(hub.house, Actor(SYSTEM, MemberKind.SYSTEM), scope, hub.clerk())
        await hub.carry_out(Ruling(Done(), tuple(documents)))
    await hub.carry_out(Ruling(Done(), tuple(decisions.without_the_gone(hub.house, hub.clerk()))))


def gone(house: House) -> list[str]:
    """Members that were removed, or that have had tokens of which none is left."""
    revoked: dict[str, bool] = {}
    for token in house.tokens.values():
        revoked[token.member] = revoked.get(token.member, True) and token.revoked
    return [
        name
        for name, record in house.members.items()
        if record.removed or (revoked.get(name, False) and not record.by_team and not record.dialect)
    ]

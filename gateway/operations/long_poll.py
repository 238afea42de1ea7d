"""What waits in an inbox, handed over: at once, or as soon as something comes. Who waits for each other is told so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Iterator, Mapping

from gateway.access.permissions import Actor
from gateway.conversation import loop_checks
from gateway.model.state import House
from gateway.operations import inbox_operations, message_queries
from gateway.protocol.requests import Poll
from gateway.protocol.results import Inbox
from gateway.protocol.types import BY_ITSELF, Delivery, Rung, bare_name
from gateway.rooms import member_tokens
from gateway.runtime.hub import Hub

UNANSWERABLE = (Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED)


async def poll(hub: Hub, actor: Actor, request: Poll) -> Inbox:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + request.wait
    names = frozenset(hub.house.member(bare_name(one)).name for one in request.from_)
    while True:
        member_tokens.need_token(hub.house, actor, hub.now)
        mail = hub.wakeups.mail(actor.name)
        taken = await _take(hub, actor, request, names)
        remaining = deadline - loop.time()
        if taken.messages or taken.undelivered or remaining <= 0:
            return taken
        with _waits(hub, actor.name, await _awaited(hub, request, names)):
            if circle := circle_of(_edges(hub.house), actor.name):
                return Inbox((), circle=circle)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(mail.wait(), remaining)


async def _take(hub: Hub, actor: Actor, request: Poll, names: Collection[str]) -> Inbox:
    page = await inbox_operations.waiting_messages(
        hub, actor, request.limit + 1, senders=names, reply_to=request.reply_to
    )
    taken = await inbox_operations.hand_over(hub, page[: request.limit], BY_ITSELF)
    undelivered = () if taken or request.reply_to is None else await _undelivered(hub, actor, request.reply_to)
    return Inbox(tuple(taken), more=len(page) > request.limit, undelivered=undelivered)


async def _undelivered(hub: Hub, actor: Actor, number: int) -> tuple[Delivery, ...]:
    """Where one's message reached nobody, no answer will come."""
    message = await message_queries.message_for(hub, actor, number)
    stored = (
        [hub.house.deliveries.known(one) for one in await hub.store.ladders(number)]
        if message.from_ == actor.name
        else []
    )
    asleep = loop_checks.sleepers(hub.house, message) if message.from_ == actor.name else ()
    unanswerable = (stored or asleep) and all(one.rung in UNANSWERABLE for one in stored)
    return (*stored, *asleep) if unanswerable else ()


async def _awaited(hub: Hub, request: Poll, names: frozenset[str]) -> frozenset[str]:
    """Those whose answer is waited for; nobody in particular if anybody's message will do."""
    if request.reply_to is None or names:
        return names
    return frozenset(one.member for one in await hub.store.ladders(request.reply_to))


@contextlib.contextmanager
def _waits(hub: Hub, name: str, awaited: frozenset[str]) -> Iterator[None]:
    """Whoever waits is here."""
    live = hub.house.live[name]
    live.waits.append(awaited)
    live.connections += 1
    hub.presence.touch(name)
    try:
        yield
    finally:
        live.waits.remove(awaited)
        live.connections -= 1
        live.heard = live.lost = hub.now
        hub.presence.touch(name)


def _edges(house: House) -> Mapping[str, frozenset[str]]:
    return {name: frozenset().union(*live.waits) for name, live in house.live.items() if live.waits}


def circle_of(waits: Mapping[str, Collection[str]], start: str) -> tuple[str, ...]:
    """The shortest way from a member back to itself along those who wait; nothing if there is none. Pure."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen = {start}
    for way in ways:
        for name in sorted(waits.get(way[-1], ())):
            if name == start:
                return way
            if name not in seen and name in waits:
                seen.add(name)
                ways.append((*way, name))
    return ()

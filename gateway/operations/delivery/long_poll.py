"""Hands over waiting messages at once, or as soon as one comes. Members who wait for each other are told so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Iterator, Mapping

from gateway.access.permissions import Actor
from gateway.message_effects import loop_hold_release
from gateway.model.state import GatewayState
from gateway.operations.delivery import inbox_operations
from gateway.operations.messages import message_queries
from gateway.protocol.requests.message_requests import Poll
from gateway.protocol.results import Inbox
from gateway.protocol.types.core_types import TAKEN_BY_ITSELF, Delivery, Rung, bare_name
from gateway.rooms import member_tokens
from gateway.runtime.hub import Hub

UNANSWERABLE_RUNGS = (Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED)


async def poll_inbox(hub: Hub, actor: Actor, request: Poll) -> Inbox:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + request.wait
    names = frozenset(hub.state.member(bare_name(one)).name for one in request.from_)
    while True:
        member_tokens.check_token_holds(hub.state, actor, hub.now)
        mail = hub.wakeups.delivery_signal(actor.name)
        taken = await _take_messages(hub, actor, request, names)
        remaining = deadline - loop.time()
        if taken.messages or taken.undelivered or remaining <= 0:
            return taken
        with _mark_waiting(hub, actor.name, await _awaited_members(hub, request, names)):
            if circle := find_wait_circle(_wait_graph(hub.state), actor.name):
                return Inbox((), circle=circle)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(remaining):
                    await mail.wait()


async def _take_messages(hub: Hub, actor: Actor, request: Poll, names: Collection[str]) -> Inbox:
    page = await inbox_operations.waiting_messages(
        hub, actor, request.limit + 1, senders=names, reply_to=request.reply_to
    )
    taken = await inbox_operations.hand_over_messages(hub, page[: request.limit], TAKEN_BY_ITSELF)
    undelivered = () if taken or request.reply_to is None else await _undelivered(hub, actor, request.reply_to)
    return Inbox(tuple(taken), more=len(page) > request.limit, undelivered=undelivered)


async def _undelivered(hub: Hub, actor: Actor, number: int) -> tuple[Delivery, ...]:
    """The deliveries of the member's message if it reached nobody: then no answer will come."""
    message = await message_queries.readable_message(hub, actor, number)
    stored = (
        [hub.state.deliveries.known(one) for one in await hub.store.deliveries(number)]
        if message.from_ == actor.name
        else []
    )
    held = loop_hold_release.held_recipients(hub.state, message) if message.from_ == actor.name else ()
    unanswerable = (stored or held) and all(one.rung in UNANSWERABLE_RUNGS for one in stored)
    return (*stored, *held) if unanswerable else ()


async def _awaited_members(hub: Hub, request: Poll, names: frozenset[str]) -> frozenset[str]:
    """The members whose answer is awaited; empty if a message of anybody will do."""
    if request.reply_to is None or names:
        return names
    return frozenset(one.member for one in await hub.store.deliveries(request.reply_to))


@contextlib.contextmanager
def _mark_waiting(hub: Hub, name: str, awaited: frozenset[str]) -> Iterator[None]:
    """Record that a member waits, which also marks it as present."""
    live = hub.state.live[name]
    live.waits.append(awaited)
    live.connections += 1
    hub.presence.note_change(name)
    try:
        yield
    finally:
        live.waits.remove(awaited)
        live.connections -= 1
        live.heard = live.lost = hub.now
        hub.presence.note_change(name)


def _wait_graph(state: GatewayState) -> Mapping[str, frozenset[str]]:
    return {name: frozenset().union(*live.waits) for name, live in state.live.items() if live.waits}


def find_wait_circle(waits: Mapping[str, Collection[str]], start: str) -> tuple[str, ...]:
    """The shortest cycle of members who wait for each other, from a member back to itself; empty if there is none.
    Pure."""
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

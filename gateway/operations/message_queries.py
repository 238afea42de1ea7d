"""Requests that read messages and other events from the log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.agent_control import delivery_updates
from gateway.protocol import codec
from gateway.protocol import requests as r
from gateway.protocol import results as out
from gateway.protocol.events import AskEvent, Message, Receipt
from gateway.protocol.types import DEFAULT_ROOM, bare_name, room_name_of
from gateway.push import broadcaster
from gateway.runtime.hub import Hub
from gateway.store import MessageQuery, Record, Span, View, fitting


def view_of(hub: Hub, actor: Actor) -> View:
    return View(actor.name, actor.may(Action.READ_DIRECT), frozenset(hub.house.rooms_of[actor.name]))


def message_of(record: Record) -> Message:
    event = codec.decode_durable(record.event)
    assert isinstance(event, Message)
    return event


async def history(hub: Hub, actor: Actor, request: r.History) -> out.MessageList:
    room = None
    if request.room is not None or (request.from_ is None and request.to is None):
        room = hub.house.readable_room(room_name_of(request.room or DEFAULT_ROOM), actor).name
    query = MessageQuery(
        view=view_of(hub, actor),
        room=room,
        sender=_name(request.from_),
        recipient=_name(request.to),
        before=request.before,
        after=request.after,
        limit=request.limit + 1,
    )
    return await _listed(hub, actor, query)


async def last_messages(hub: Hub, actor: Actor, sender: str | None, to: str | None, limit: int) -> list[Message]:
    """The newest messages that an actor may see in the default room, oldest first."""
    recipient = "all" if to in ("broadcast", "all", "*") else _name(to)
    query = MessageQuery(view_of(hub, actor), DEFAULT_ROOM, None, _name(sender), recipient, limit=limit)
    return [*reversed(await messages_of(hub, actor, await hub.store.messages(query)))]


async def search(hub: Hub, actor: Actor, request: r.Search) -> out.MessageList:
    room = None if request.room is None else hub.house.readable_room(room_name_of(request.room), actor).name
    query = MessageQuery(
        view=view_of(hub, actor),
        room=room,
        words=request.query,
        sender=_name(request.from_),
        before=request.before,
        limit=request.limit + 1,
    )
    return await _listed(hub, actor, query)


def _name(text: str | None) -> str | None:
    return None if text is None else bare_name(text)


async def _listed(hub: Hub, actor: Actor, query: MessageQuery) -> out.MessageList:
    """One more than asked for tells whether there is more."""
    found = await hub.store.messages(query)
    page = fitting(found[: query.limit - 1])
    return out.MessageList(await messages_of(hub, actor, page), more=len(found) > len(page))


async def messages_of(hub: Hub, actor: Actor, records: Sequence[Record]) -> tuple[Message, ...]:
    """A page of them, read beside the loop if it is large."""
    size = sum(len(record.event) for record in records)
    return await hub.aside.run(actor.name, size, lambda: tuple(map(message_of, records)))


async def message_for(hub: Hub, actor: Actor, seq: int) -> Message:
    return delivery_updates.need_read(hub.house, actor, await read_message(hub, actor, seq))


async def read_message(hub: Hub, actor: Actor, seq: int) -> Message:
    record = await hub.store.one(seq)
    if record is None or record.kind != "message":
        raise delivery_updates.unknown(seq, actor)
    return message_of(record)


async def show(hub: Hub, actor: Actor, request: r.Show) -> out.MessageDetail:
    message = await message_for(hub, actor, request.message)
    ladders = await hub.store.ladders(message.seq)
    return out.MessageDetail(
        message, tuple(one for one in ladders if delivery_updates.may_follow(actor, message, one.member))
    )


async def story(hub: Hub, actor: Actor, request: r.Receipts) -> out.Story:
    message = await message_for(hub, actor, request.message)
    delivery_updates.need_end(actor, message)
    told = [
        one for one in await receipts_of(hub, message.seq) if delivery_updates.may_follow(actor, message, one.member)
    ]
    ladders = await hub.store.ladders(message.seq)
    shown = [one for one in ladders if delivery_updates.may_follow(actor, message, one.member)]
    return out.Story(message, tuple(told), tuple(shown))


async def receipts_of(hub: Hub, message: int) -> list[Receipt]:
    found = [codec.decode_durable(record.event) for record in await hub.store.about(message)]
    return [one for one in found if isinstance(one, Receipt)]


async def events(hub: Hub, actor: Actor, request: r.Events) -> out.EventPage:
    """One page of the log, waiting up to `wait` seconds for something to come."""
    visible = broadcaster.visible_to(actor.name, hub.house, observer=actor.may(Action.READ_DIRECT))
    hub.house.live[actor.name].heard = hub.now
    deadline = asyncio.get_running_loop().time() + request.wait
    since = asked = min(request.since, hub.committed_seq)
    while True:
        committed = hub.committed_seq
        found, until = await hub.store.read(since, request.limit, visible)
        remaining = deadline - asyncio.get_running_loop().time()
        if found or (until >= committed and remaining <= 0):
            break
        since = until
        if until >= committed:
            await hub.news_after(committed, remaining)
    page = tuple(msgspec.Raw(record.event) for record in found)
    return out.EventPage(page, max(until, asked), more=until < hub.committed_seq)


async def ended_asks(hub: Hub, actor: Actor, request: r.EndedAsks) -> out.AskList:
    """Read from the log, where each has its last event."""
    visible = broadcaster.visible_to(actor.name, hub.house, observer=actor.may(Action.READ_DIRECT))
    span = Span(request.after, request.before)
    found, more = await hub.store.ended_asks(span, request.limit, visible)
    size = sum(len(record.event) for record in found)
    events = await hub.aside.run(actor.name, size, lambda: [codec.decode_durable(one.event) for one in found])
    return out.AskList(tuple(one.ask for one in events if isinstance(one, AskEvent)), more)

"""Requests that read messages and other events from the log."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.agent_control import delivery_rules
from gateway.protocol import codec
from gateway.protocol.events import AskEvent, Message, Receipt
from gateway.protocol.requests.approval_requests import EndedAsks
from gateway.protocol.requests.connection_requests import Events
from gateway.protocol.requests.message_requests import History, Receipts, Search, Show
from gateway.protocol.results import AskList, EventPage, MessageDetail, MessageList, Story
from gateway.protocol.types.core_types import DEFAULT_ROOM, bare_name, canonical_room_name
from gateway.push import event_broadcaster
from gateway.runtime.hub import Hub
from gateway.store import MessageQuery, Span, StoredEvent, Viewer, fit_into_page_bytes


def viewer_of(hub: Hub, actor: Actor) -> Viewer:
    if actor.link is not None:
        return Viewer(actor.name, rooms=frozenset({actor.link.room}))
    return Viewer(actor.name, actor.may(Permission.READ_DIRECT), frozenset(hub.state.rooms_of[actor.name]))


def decode_message(record: StoredEvent) -> Message:
    event = codec.decode_durable(record.event)
    assert isinstance(event, Message)
    return event


async def answer_history(hub: Hub, actor: Actor, request: History) -> MessageList:
    room = None
    if request.room is not None or (request.from_ is None and request.to is None):
        room = hub.state.readable_room(canonical_room_name(request.room or DEFAULT_ROOM), actor).name
    query = MessageQuery(
        view=viewer_of(hub, actor),
        room=room,
        sender=_canonical_name_or_none(request.from_),
        recipient=_canonical_name_or_none(request.to),
        before=request.before,
        after=request.after,
        limit=request.limit + 1,
    )
    return await _query_messages(hub, actor, query)


async def last_messages(hub: Hub, actor: Actor, sender: str | None, to: str | None, limit: int) -> list[Message]:
    """The newest messages that an actor may see in the default room, oldest first."""
    recipient = "all" if to in ("broadcast", "all", "*") else _canonical_name_or_none(to)
    query = MessageQuery(
        viewer_of(hub, actor), DEFAULT_ROOM, None, _canonical_name_or_none(sender), recipient, limit=limit
    )
    return [*reversed(await messages_of(hub, actor, await hub.store.messages(query)))]


async def search_messages(hub: Hub, actor: Actor, request: Search) -> MessageList:
    room = None if request.room is None else hub.state.readable_room(canonical_room_name(request.room), actor).name
    query = MessageQuery(
        view=viewer_of(hub, actor),
        room=room,
        words=request.query,
        sender=_canonical_name_or_none(request.from_),
        before=request.before,
        limit=request.limit + 1,
    )
    return await _query_messages(hub, actor, query)


def _canonical_name_or_none(text: str | None) -> str | None:
    return None if text is None else bare_name(text)


async def _query_messages(hub: Hub, actor: Actor, query: MessageQuery) -> MessageList:
    """It reads one message more than asked for, to know whether there are more."""
    found = await hub.store.messages(query)
    page = fit_into_page_bytes(found[: query.limit - 1])
    return MessageList(await messages_of(hub, actor, page), more=len(found) > len(page))


async def messages_of(hub: Hub, actor: Actor, records: Sequence[StoredEvent]) -> tuple[Message, ...]:
    """Decode a page of messages, in the worker thread if it is large."""
    size = sum(len(record.event) for record in records)
    return await hub.aside.run(actor.name, size, lambda: tuple(map(decode_message, records)))


async def readable_message(hub: Hub, actor: Actor, seq: int) -> Message:
    return delivery_rules.check_may_read(hub.state, actor, await read_message(hub, actor, seq))


async def read_message(hub: Hub, actor: Actor, seq: int) -> Message:
    record = await hub.store.one(seq)
    if record is None or record.kind != "message":
        raise delivery_rules.unknown_message_error(seq, actor)
    return decode_message(record)


async def show_message(hub: Hub, actor: Actor, request: Show) -> MessageDetail:
    message = await readable_message(hub, actor, request.message)
    deliveries = await hub.store.deliveries(message.seq)
    return MessageDetail(
        message, tuple(one for one in deliveries if delivery_rules.may_follow(actor, message, one.member))
    )


async def show_delivery_story(hub: Hub, actor: Actor, request: Receipts) -> Story:
    message = await readable_message(hub, actor, request.message)
    delivery_rules.check_sender_or_observer(actor, message)
    told = [one for one in await receipts_of(hub, message.seq) if delivery_rules.may_follow(actor, message, one.member)]
    deliveries = await hub.store.deliveries(message.seq)
    shown = [one for one in deliveries if delivery_rules.may_follow(actor, message, one.member)]
    return Story(message, tuple(told), tuple(shown))


async def receipts_of(hub: Hub, message: int) -> list[Receipt]:
    found = [codec.decode_durable(record.event) for record in await hub.store.about(message, kind="receipt")]
    return [one for one in found if isinstance(one, Receipt)]


async def answer_events(hub: Hub, actor: Actor, request: Events) -> EventPage:
    """One page of the log; waits up to `wait` seconds for a new event."""
    visible = event_broadcaster.make_visibility_filter(
        actor.name, hub.state, observer=actor.may(Permission.READ_DIRECT)
    )
    hub.state.live[actor.name].heard = hub.now
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
            await hub.wait_for_event_after(committed, remaining)
    page = tuple(msgspec.Raw(record.event) for record in found)
    return EventPage(page, max(until, asked), more=until < hub.committed_seq)


async def answer_ended_asks(hub: Hub, actor: Actor, request: EndedAsks) -> AskList:
    """Read from the log, which holds the last event of each ask."""
    visible = event_broadcaster.make_visibility_filter(
        actor.name, hub.state, observer=actor.may(Permission.READ_DIRECT)
    )
    span = Span(request.after, request.before)
    found, more = await hub.store.ended_asks(span, request.limit, visible)
    size = sum(len(record.event) for record in found)
    events = await hub.aside.run(actor.name, size, lambda: [codec.decode_durable(one.event) for one in found])
    return AskList(tuple(one.ask for one in events if isinstance(one, AskEvent)), more)

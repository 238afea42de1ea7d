"""Requests about marks that need the store: react, pin, list reactions and pins, show a thread."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_rules
from gateway.marks import pins, reactions, read_marks
from gateway.model.deliveries.recent_messages import MessageHeader
from gateway.model.paging import fit_into_page
from gateway.operations.messages.message_queries import decode_message, messages_of, read_message, readable_message
from gateway.protocol import codec
from gateway.protocol.events import Message, ReactionEvent
from gateway.protocol.requests.mark_requests import MarkRead, Pin, Pins, React, Reactions, Thread
from gateway.protocol.results import MessageList, MessageReactions, PinList, PinView, Reaction, ReactionList, Result
from gateway.protocol.types.core_types import DEFAULT_ROOM, canonical_room_name
from gateway.runtime.hub import Hub
from gateway.store import MAX_PAGE_BYTES, StoredEvent, ThreadMessage, fit_into_page_bytes

MAX_THREAD_DEPTH = 200  # how far up the first message of a thread is looked for
MAX_THREAD_MESSAGES = 5000


async def answer_react(hub: Hub, actor: Actor, request: React) -> Result:
    message = await readable_message(hub, actor, request.message)
    given = await _reactions_to(hub, actor, (message.seq,))
    to = reactions.ReactedMessage(message, given.get(message.seq, ()))
    return await hub.carry_out(reactions.react(hub.state, actor, request, to, hub.rule_context()))


async def answer_reactions(hub: Hub, actor: Actor, request: Reactions) -> ReactionList:
    given = await _reactions_to(hub, actor, tuple(dict.fromkeys(request.messages)))
    found = [MessageReactions(number, those) for number, those in given.items() if those]
    return ReactionList(tuple([one for one in found if await _may_read(hub, actor, one.message)]))


async def _reactions_to(hub: Hub, actor: Actor, numbers: Sequence[int]) -> dict[int, tuple[Reaction, ...]]:
    """A sign that is put and removed over and over leaves many events, so they may be decoded in the worker thread."""
    records = await hub.store.about_each(numbers, "reaction")
    size = sum(len(one.event) for those in records.values() for one in those)
    ordered = {number: records[number] for number in numbers if number in records}
    return await hub.aside.run(
        actor.name, size, lambda: {number: _decode_reactions(those) for number, those in ordered.items()}
    )


def _decode_reactions(records: Sequence[StoredEvent]) -> tuple[Reaction, ...]:
    events = (codec.decode_durable(one.event) for one in records)
    return reactions.reactions_after(one for one in events if isinstance(one, ReactionEvent))


async def _may_read(hub: Hub, actor: Actor, number: int) -> bool:
    head = hub.state.recent.get(number) or await read_message(hub, actor, number)
    return delivery_rules.may_read_message(hub.state, actor, head)


async def answer_mark_read(hub: Hub, actor: Actor, request: MarkRead) -> Result:
    """Others then see that somebody has looked at the work of an agent."""
    outcome = read_marks.mark_read(hub.state, actor, request, hub.rule_context())
    done = await hub.carry_out(outcome)
    if outcome.events:
        hub.presence.note_change(*read_marks.done_agents_in(hub.state, canonical_room_name(request.room)))
    return done


async def answer_pin(hub: Hub, actor: Actor, request: Pin) -> Result:
    message = await readable_message(hub, actor, request.message)
    return await hub.carry_out(pins.pin_message(hub.state, actor, request, message, hub.rule_context()))


async def answer_pins(hub: Hub, actor: Actor, request: Pins) -> PinList:
    room = hub.state.readable_room(canonical_room_name(request.room or DEFAULT_ROOM), actor).name
    waiting = pins.pins_after(hub.state, room, request.after)[: request.limit + 1]
    views = [PinView(await read_message(hub, actor, one.message), one.by, one.at) for one in waiting]
    shown, more = fit_into_page(views, request.limit, MAX_PAGE_BYTES)
    return PinList(shown, more)


async def answer_thread(hub: Hub, actor: Actor, request: Thread) -> MessageList:
    """The walk reads only numbers and readers along an index; the texts are those of the page."""
    first = await first_of_thread(hub, actor, await readable_message(hub, actor, request.message))
    numbers = [one for one in await thread_numbers(hub, actor, first.seq) if one > request.after]
    records = await hub.store.several(numbers[: request.limit])
    shown = fit_into_page_bytes(records)
    return MessageList(await messages_of(hub, actor, shown), more=len(numbers) > len(shown))


async def first_of_thread(hub: Hub, actor: Actor, message: Message) -> Message:
    """The oldest message up the chain of answers that the actor may read."""
    for _ in range(MAX_THREAD_DEPTH):
        if message.reply_to is None:
            break
        record = await hub.store.one(message.reply_to)
        if record is None or record.kind != "message":
            break
        above = decode_message(record)
        if not delivery_rules.may_read_message(hub.state, actor, above):
            break
        message = above
    return message


async def thread_numbers(hub: Hub, actor: Actor, first: int) -> list[int]:
    """The messages of the thread that the actor may read. An answer to a message that the actor may not read is left
    out, and so is what answers that."""
    found: dict[int, None] = {}
    for one in await hub.store.thread(first, MAX_THREAD_MESSAGES):
        if (one.seq == first or one.answers in found) and await _may_read_in_thread(hub, actor, one):
            found[one.seq] = None
    return list(found)


async def _may_read_in_thread(hub: Hub, actor: Actor, one: ThreadMessage) -> bool:
    """A message to everyone also belongs to whoever got it and has left the room since, which only its text tells."""
    head = MessageHeader(one.room, one.sender, one.ends or ())
    return delivery_rules.may_read_message(hub.state, actor, head) or (
        one.ends is None and await _may_read(hub, actor, one.seq)
    )

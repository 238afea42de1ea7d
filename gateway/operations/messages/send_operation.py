"""Sends a message: decided at once, or after the messages that it answers or replaces were read from the store."""

from __future__ import annotations

from collections.abc import Awaitable, Collection

from gateway.access.permissions import Actor
from gateway.agent_control import delivery_rules
from gateway.message_effects import answered_messages, loop_hold_release
from gateway.operations.messages.message_queries import decode_message, readable_message
from gateway.protocol.errors import StaleRoomKey
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted, Done, Result
from gateway.rooms import message_replacement, messages
from gateway.rooms.message_replacement import MessageDeliveries
from gateway.runtime.hub import Hub


def send_message(hub: Hub, actor: Actor, request: Send) -> Awaitable[Result]:
    """Decide at once, unless the message answers one that is no longer in memory: then read that one first."""
    if request.replaces is not None:
        return _send_replacement(hub, actor, request, request.replaces)
    if request.new_key is not None and hub.state.chains.knows_message(actor.name, request.id):
        return _send_after_lookup(hub, actor, request, ())
    if missing := answered_messages.numbers_missing_in_memory(hub.state, actor.name, request):
        return _send_after_lookup(hub, actor, request, missing)
    try:
        return hub.carry_out(messages.post_message(hub.state, actor, request, hub.rule_context()))
    except StaleRoomKey as error:
        return _find_repeated(hub, actor, request, error)


async def _find_repeated(hub: Hub, actor: Actor, request: Send, error: StaleRoomKey) -> Result:
    """The same request again, after the room got another key: its sender must hear that it was taken, and not seal the
    text a second time."""
    made = await _message_with_id(hub, actor, request.id)
    if made is None:
        raise error
    return Accepted(made.seq, duplicate=True)


async def _send_after_lookup(hub: Hub, actor: Actor, request: Send, missing: Collection[int]) -> Result:
    if request.new_key is not None and (made := await _message_with_id(hub, actor, request.id)) is not None:
        return Accepted(made.seq, duplicate=True)  # the key of a repeat must not be taken either
    await _read_answered_messages(hub, actor, missing)
    try:
        return await hub.carry_out(messages.post_message(hub.state, actor, request, hub.rule_context()))
    except StaleRoomKey as error:
        return await _find_repeated(hub, actor, request, error)


async def _send_replacement(hub: Hub, actor: Actor, request: Send, number: int) -> Result:
    if request.id is not None and (made := await _message_with_id(hub, actor, request.id)) is not None:
        if made.replaces != number:
            raise message_replacement.used_id_error(request.id)
        return Accepted(made.seq, duplicate=True)
    if missing := answered_messages.numbers_missing_in_memory(hub.state, actor.name, request):
        await _read_answered_messages(hub, actor, missing)
    message = await readable_message(hub, actor, number)
    stored = await hub.store.deliveries(number)
    waiting = [hub.state.deliveries.known(one) for one in stored]
    earlier = MessageDeliveries(message, (*waiting, *loop_hold_release.held_recipients(hub.state, message)))
    return await hub.carry_out(
        message_replacement.replace_message(hub.state, actor, request, earlier, hub.rule_context())
    )


async def _message_with_id(hub: Hub, actor: Actor, message_id: str | None) -> Message | None:
    """The message that this sender sent with this id: usually the same request again, whose answer was lost."""
    if message_id is None:
        return None
    if hub.state.chains.knows_message(actor.name, message_id):
        await hub.answers.answer_in_turn(Done())  # it may be on its way to the disk
    record = await hub.store.sent_as(actor.name, message_id)
    return None if record is None else decode_message(record)


async def _read_answered_messages(hub: Hub, actor: Actor, missing: Collection[int]) -> None:
    for number in missing:
        if number not in hub.state.recent:
            record = await hub.store.one(number)
            if record is None or record.kind != "message":
                raise delivery_rules.unknown_message_error(number, actor)
            hub.state.recent.note(decode_message(record))
        if (stored := await hub.store.delivery(number, actor.name)) is not None:
            hub.state.deliveries.known(stored)

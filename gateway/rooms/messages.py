"""The rules of a message: who may send it, who gets it, what is logged. Pure: (state, request, sequencer) ->
outcome."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.conversation import loop_checks, reply_targets, sessions
from gateway.decisions import proposals
from gateway.mode_rules.turn_messages import MessageRole, apply_message, classify_message, wakes_member
from gateway.model.log_events import LogEvent, Outcome, Sequencer
from gateway.model.member_state import ToolMessage
from gateway.model.records import RoomRecord
from gateway.model.state import GatewayState
from gateway.model.system_messages import EVERYONE_ADDRESS
from gateway.protocol.errors import BadRequest, Forbidden
from gateway.protocol.events import Message
from gateway.protocol.requests import Send
from gateway.protocol.results import Accepted
from gateway.protocol.text.addressing import Address, Audience, check_address_count, parse_address, resolve
from gateway.protocol.text.text_validation import check_one_line
from gateway.protocol.types import (
    DEFAULT_ROOM,
    FILE_CONTEXT_FIELDS,
    MAX_ADDRESS_CHARS,
    MAX_ADDRESSES,
    MAX_CONTEXT_BYTES,
    Delivery,
    MemberKind,
    MessageKind,
    canonical_room_name,
    check_json_depth,
    check_message_text,
)


class Addressed(msgspec.Struct, frozen=True):
    """The recipients of a message, as the sender wrote them and as members."""

    addresses: Sequence[Address]
    audience: Audience


def post_message(state: GatewayState, actor: Actor, request: Send, sequencer: Sequencer) -> Outcome:
    actor.require(Action.SEND)
    if request.urgent or request.interrupt:
        actor.require(Action.URGENT)
    if request.interrupt:
        actor.require(Action.STOP)
    check_message(request)
    if request.kind is MessageKind.SYSTEM and actor.kind is not MemberKind.SYSTEM:
        raise Forbidden("Only the gateway itself says something of the kind 'system'.")
    room = state.own_room(canonical_room_name(request.room or DEFAULT_ROOM), actor)
    reply_targets.check_answerable(state, actor, request)
    addresses = parse_addresses(request.to)
    audience = resolve(addresses, state.directory(room.name), actor.name, state.picked)
    _check_recipients_in_room(state, room, audience)
    state.picked.update(audience.picked)
    if said := _same_tool_message(state, actor, request, room.name, audience.names):
        if said.reply_to == request.reply_to:
            return Outcome(Accepted(said.seq, duplicate=True))
        request = _link_to_tool_message(said, request)
    outcome = _message_events(state, actor, request, room, Addressed(addresses, audience), sequencer)
    if actor.hands and isinstance(outcome.result, Accepted):
        words = ToolMessage(outcome.result.seq, request.content.strip(), room.name, audience.names, request.reply_to)
        state.live[actor.name].spoken.append(words)
    return outcome


def _same_tool_message(
    state: GatewayState, actor: Actor, request: Send, room: str, names: tuple[str, ...]
) -> ToolMessage | None:
    """The message that the agent has just sent through a tool, if its final answer repeats it to the same
    recipients."""
    if request.kind is not MessageKind.REPLY or actor.hands:
        return None
    words, linked = (request.content.strip(), room, names), (request.reply_to, None)
    same = (one for one in state.live[actor.name].spoken if one[1:4] == words and one.reply_to in linked)
    return max(same, key=lambda one: one.reply_to is not None, default=None)


def _link_to_tool_message(said: ToolMessage, request: Send) -> Send:
    """The tool's message did not say what it answers. This reply refers to it, so that the asker finds the answer and
    no one gets it twice."""
    context = {**(request.context or {}), "same_as": said.seq}
    content = f"(answered with #{said.seq})"
    return msgspec.structs.replace(request, kind=MessageKind.ACK, content=content, context=context)


def check_message(request: Send) -> None:
    check_message_text(request.content)
    if not request.content.strip() and not request.parts and request.context is None:
        raise BadRequest("There is nothing in this message: `content` is empty.")
    for part in request.parts:
        for text in (part.type, part.text, part.path, part.lines, part.revision, part.url):
            check_message_text(text or "", what="part")
    if request.context is not None:
        check_json_depth(request.context)
        check_message_text(msgspec.json.encode(request.context).decode(), MAX_CONTEXT_BYTES, "context")
        for key in FILE_CONTEXT_FIELDS:
            check_one_line(str(request.context.get(key, "")), f"{key!r} of the context")


def parse_addresses(to: Sequence[str] | str) -> tuple[Address, ...]:
    names = to.split(maxsplit=MAX_ADDRESSES) if isinstance(to, str) else to
    check_address_count(len(names))
    if max(map(len, names), default=0) > MAX_ADDRESS_CHARS:
        raise BadRequest(f"An address has at most {MAX_ADDRESS_CHARS} characters.")
    return tuple(parse_address(name.strip(",")) for name in names)


def _check_recipients_in_room(state: GatewayState, room: RoomRecord, audience: Audience) -> None:
    outside = [name for name in audience.names if name not in state.in_room[room.name]]
    if outside:
        raise Forbidden(f"{', '.join(outside)} is not in the room {room.name!r}. Invite them, or choose another room.")


def _message_events(  # noqa: PLR0913, PLR0917 - everything that is known of one message
    state: GatewayState,
    actor: Actor,
    request: Send,
    room: RoomRecord,
    to: Addressed,
    sequencer: Sequencer,
) -> Outcome:
    audience = to.audience
    seq, stamp = sequencer.seq(), sequencer.stamp
    said = loop_checks.NewMessage(
        seq, actor, request, room.name, audience.names, loop_checks.hops_of(state, actor, request, sequencer)
    )
    quiet = loop_checks.wakes_nobody(state, actor, request, audience)
    inboxes = [] if quiet else _recipients_with_inbox(state, room, actor, audience, sequencer.now)
    place = classify_message(state, actor, request, room.name, audience.names)
    inboxes = [name for name in inboxes if wakes_member(state, place, name)]
    judged = loop_checks.decide_wakes(state, said, inboxes, sequencer)
    deliveries = tuple([Delivery(seq, name, at=stamp) for name in judged.awake])
    message = Message(
        seq=seq,
        id=request.id or f"m-{seq}",
        room=room.name,
        from_=actor.name,
        to=tuple([str(address) for address in to.addresses]) or EVERYONE_ADDRESS,
        kind=request.kind,
        content=request.content,
        timestamp=stamp,
        recipients=audience.names,
        deliveries=judged.awake,
        parts=request.parts,
        context=request.context,
        reply_to=request.reply_to,
        session=sessions.session_tag_of(state, room.name, actor.name, request.session),
        trace=request.trace,
        hops=said.hops,
        urgent=request.urgent or request.interrupt,
        priority=request.priority,
        ttl=request.ttl,
        ack_wanted=request.ack_wanted,
        signed=request.signed,
        aside=place is MessageRole.ASIDE,
        interrupt=request.interrupt,
    )
    settled = reply_targets.settle_answered_deliveries(
        state, actor, request, sequencer
    )  # events are ordered by their numbers
    counted = proposals.count_spoken_votes(state, message, sequencer)
    changes, then = apply_message(state, message, place, sequencer, counted)
    fact = LogEvent(
        message,
        ends=None if audience.everyone else readers_of_direct(actor.name, audience.names),
        changes=(*judged.changes, *changes),
        deliveries=deliveries,
        client_id=request.id,
        deadline=None if request.ttl is None else sequencer.now + request.ttl,
    )
    after = (*settled, *counted, *then, *loop_checks.guard_notices(room.name, judged, sequencer))
    return Outcome(Accepted(seq, deliveries, asleep=judged.asleep), (fact, *after))


def readers_of_direct(sender: str, names: Sequence[str]) -> tuple[str, ...]:
    return (sender, *(name for name in names if name != sender))


def _recipients_with_inbox(
    state: GatewayState, room: RoomRecord, actor: Actor, audience: Audience, now: float
) -> list[str]:
    """A named member gets the message whenever it connects. A message to everyone goes to those who are present."""
    inboxes = (name for name in state.inboxes(room.name) if name != actor.name)
    if audience.everyone:
        return [name for name in inboxes if state.is_here(name, now)]
    return [name for name in inboxes if name in audience.names]

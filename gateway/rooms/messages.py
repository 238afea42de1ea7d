"""The rules of a message: who may send it, who gets it, what is logged. Pure: (state, request, rule_context) ->
outcome."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.access.permissions import Actor, Permission
from gateway.decisions import decision_handlers
from gateway.message_effects import agent_costs, answered_messages, wake_rules
from gateway.mode_rules.turn_messages import MessageRole, apply_message, classify_message, wakes_member
from gateway.model.deliveries.recent_messages import readers_of_direct
from gateway.model.records.stored_records import RoomRecord
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit, RuleOutcome
from gateway.model.state import GatewayState
from gateway.model.system_messages import EVERYONE_ADDRESS
from gateway.model.transient_member_state import ToolMessage
from gateway.protocol.errors import BadRequest, Forbidden
from gateway.protocol.events import Message
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted
from gateway.protocol.text.addressing import (
    Address,
    Audience,
    check_address_count,
    outside_room_text,
    parse_address,
    resolve,
)
from gateway.protocol.text.text_validation import check_one_line
from gateway.protocol.types.core_types import (
    FILE_CONTEXT_FIELDS,
    MAX_ADDRESS_CHARS,
    MAX_ADDRESSES,
    MAX_CONTEXT_BYTES,
    Delivery,
    MemberKind,
    MessageKind,
    bare_name,
    check_json_depth,
    check_message_text,
)
from gateway.sealed_rooms import sealed_message_rules
from gateway.sealed_rooms.sealed_form import check_sealed_message
from gateway.sessions import sessions


class Addressed(msgspec.Struct, frozen=True):
    """The recipients of a message, as the sender wrote them and as members."""

    addresses: Sequence[Address]
    audience: Audience
    woken: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The members who are spoken to by name, directly or in front of everyone."""
        return self.audience.names or self.woken


def post_message(state: GatewayState, actor: Actor, request: Send, rule_context: RuleContext) -> RuleOutcome:
    actor.require(Permission.SEND)
    if request.urgent or request.interrupt:
        actor.require(Permission.URGENT)
    if request.interrupt:
        actor.require(Permission.STOP)
    check_message(request)
    if request.kind is MessageKind.SYSTEM and actor.kind is not MemberKind.SYSTEM:
        raise Forbidden("Only the gateway sends messages of the kind 'system'. Use another kind.")
    room = state.own_room(answered_messages.room_for_message(state, actor, request), actor)
    answered_messages.check_answerable(state, actor, request)
    addresses = parse_addresses(request.to)
    audience = resolve(addresses, state.directory(room.name), actor.name, state.picked)
    check_members_in_room(state, room, audience.names)
    sealed_message_rules.check_sealing(state, actor, request, room, addresses)
    woken = _woken_by_name(state, room, request, audience)
    state.picked.update(audience.picked)
    if said := _same_tool_message(state, actor, request, room.name, audience.names):
        if said.reply_to == request.reply_to:
            return RuleOutcome(Accepted(said.seq, duplicate=True))
        request = _link_to_tool_message(said, request)
    new_key = sealed_message_rules.new_key_events(state, actor, request, room, rule_context)  # its number comes first
    outcome = _message_events(state, actor, request, room, Addressed(addresses, audience, woken), rule_context)
    if new_key:
        outcome = RuleOutcome(outcome.result, (*new_key, *outcome.events))
    if actor.is_tools_token and isinstance(outcome.result, Accepted) and request.sealed is None:
        words = ToolMessage(outcome.result.seq, request.content.strip(), room.name, audience.names, request.reply_to)
        state.live[actor.name].spoken.append(words)
    return outcome


def _same_tool_message(
    state: GatewayState, actor: Actor, request: Send, room: str, names: tuple[str, ...]
) -> ToolMessage | None:
    """The message that the agent has just sent through a tool, if its final answer repeats it to the same
    recipients. What is sealed or signed stays as it was sent: its writer's next message names it as the one before."""
    if request.kind is not MessageKind.REPLY or actor.is_tools_token or request.sealed or request.signed:
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
    if request.sealed is not None:
        check_sealed_message(request, request.sealed)
    elif not request.content.strip() and not request.parts and request.context is None:
        raise BadRequest("The message is empty. Put its text into `content`.")
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
        raise BadRequest(f"An address is too long; the maximum is {MAX_ADDRESS_CHARS} characters.")
    return tuple(parse_address(name.strip(",")) for name in names)


def _woken_by_name(state: GatewayState, room: RoomRecord, request: Send, audience: Audience) -> tuple[str, ...]:
    if not request.wakes:
        return ()
    if audience.names:
        raise BadRequest("`wakes` is for messages to everyone: leave out `to`, or leave out `wakes`.")
    found = tuple(dict.fromkeys(state.member(bare_name(name)).name for name in request.wakes))
    check_members_in_room(state, room, found)
    return found


def check_members_in_room(state: GatewayState, room: RoomRecord, names: Sequence[str]) -> None:
    outside = [name for name in names if name not in state.in_room[room.name]]
    if outside:
        raise Forbidden(outside_room_text(outside, room.name))


def _message_events(  # noqa: PLR0913, PLR0917 - everything that is known of one message
    state: GatewayState,
    actor: Actor,
    request: Send,
    room: RoomRecord,
    to: Addressed,
    rule_context: RuleContext,
) -> RuleOutcome:
    audience = to.audience
    seq, stamp = rule_context.seq(), rule_context.stamp
    said = wake_rules.NewMessage(
        seq, actor, request, room.name, to.names, wake_rules.hops_of(state, actor, request, rule_context)
    )
    quiet = wake_rules.wakes_nobody(state, actor, request, audience)
    inboxes = [] if quiet else _recipients_with_inbox(state, room, actor, to, rule_context.now)
    place = classify_message(state, actor, request, room.name, audience.names)
    inboxes = [name for name in inboxes if wakes_member(state, place, name)]
    judged = wake_rules.decide_wakes(state, said, inboxes, rule_context)
    deliveries = tuple([Delivery(seq, name, at=stamp) for name in judged.woken])
    message = _build_message(state, said, to, judged, place, stamp)
    settled = answered_messages.settle_answered_deliveries(
        state, actor, request, rule_context
    )  # events are ordered by their numbers
    counted = decision_handlers.count_spoken_votes(state, message, rule_context)
    changes, then = apply_message(state, message, place, rule_context, counted)
    fact = EventToCommit(
        message,
        ends=None if audience.everyone else readers_of_direct(actor.name, audience.names),
        changes=(*judged.changes, *changes, *agent_costs.count_answer(state, actor, message)),
        deliveries=deliveries,
        client_id=request.id,
        deadline=None if request.ttl is None else rule_context.now + request.ttl,
    )
    after = (*settled, *counted, *then, *wake_rules.guard_notices(room.name, judged, rule_context))
    return RuleOutcome(Accepted(seq, deliveries, asleep=judged.held), (fact, *after))


def _build_message(  # noqa: PLR0913, PLR0917 - everything that is known of one message
    state: GatewayState,
    said: wake_rules.NewMessage,
    to: Addressed,
    judged: wake_rules.WakeDecision,
    place: MessageRole,
    stamp: str,
) -> Message:
    sender, request = said.actor.name, said.request
    return Message(
        seq=said.seq,
        id=request.id or f"m-{said.seq}",
        room=said.room,
        from_=sender,
        to=tuple([str(address) for address in to.addresses]) or EVERYONE_ADDRESS,
        kind=request.kind,
        content=request.content,
        timestamp=stamp,
        recipients=to.audience.names,
        deliveries=judged.woken,
        parts=request.parts,
        context=request.context,
        reply_to=request.reply_to,
        session=sessions.session_tag_of(state, said.room, sender, request.session),
        trace=request.trace,
        hops=said.hops,
        urgent=request.urgent or request.interrupt,
        priority=request.priority,
        ttl=request.ttl,
        ack_wanted=request.ack_wanted,
        signed=request.signed,
        aside=place is MessageRole.ASIDE,
        interrupt=request.interrupt,
        wakes=to.woken,
        replaces=request.replaces,
        sealed=request.sealed,
    )


def _recipients_with_inbox(state: GatewayState, room: RoomRecord, actor: Actor, to: Addressed, now: float) -> list[str]:
    """A named member gets the message whenever it connects. A message to everyone goes to those who are present."""
    if to.audience.everyone and not to.woken:
        inboxes = (name for name in state.public_inboxes(room.name) if name != actor.name)
        return [name for name in inboxes if state.is_here(name, now)]
    return [name for name in state.inboxes(room.name) if name != actor.name and name in to.names]

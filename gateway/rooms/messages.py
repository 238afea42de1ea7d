"""The rules of a message: who may send it, who is meant, what is written down. Pure: (request, clerk) -> ruling."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from gateway.access.permissions import Action, Actor
from gateway.conversation import loop_checks, reply_targets, sessions
from gateway.decisions import proposals
from gateway.mode_rules.turn_messages import Place, after_saying, place_of, wakes
from gateway.model.log_events import Clerk, Fact, Ruling
from gateway.model.member_state import Spoken
from gateway.model.records import RoomRecord
from gateway.model.state import House
from gateway.model.system_messages import TO_EVERYONE
from gateway.protocol.errors import BadRequest, Forbidden
from gateway.protocol.events import Message
from gateway.protocol.requests import Send
from gateway.protocol.results import Accepted
from gateway.protocol.text.addressing import Address, Audience, check_count, parse_address, resolve
from gateway.protocol.text.text_validation import one_line
from gateway.protocol.types import (
    DEFAULT_ROOM,
    LINES_OF_CONTEXT,
    MAX_ADDRESS_CHARACTERS,
    MAX_ADDRESSES,
    MAX_CONTEXT,
    Delivery,
    MemberKind,
    MessageKind,
    check_depth,
    check_text,
    room_name_of,
)


class Addressed(msgspec.Struct, frozen=True):
    """To whom a message is said, in its sender's words, and whom that means."""

    addresses: Sequence[Address]
    audience: Audience


def send(house: House, actor: Actor, request: Send, clerk: Clerk) -> Ruling:
    actor.need(Action.SEND)
    if request.urgent or request.interrupt:
        actor.need(Action.URGENT)
    if request.interrupt:
        actor.need(Action.STOP)
    check_message(request)
    if request.kind is MessageKind.SYSTEM and actor.kind is not MemberKind.SYSTEM:
        raise Forbidden("Only the gateway itself says something of the kind 'system'.")
    room = house.own_room(room_name_of(request.room or DEFAULT_ROOM), actor)
    reply_targets.need_answerable(house, actor, request)
    addresses = addresses_of(request.to)
    audience = resolve(addresses, house.directory(room.name), actor.name, house.picked)
    _within(house, room, audience)
    house.picked.update(audience.picked)
    if said := _said_by_hand(house, actor, request, room.name, audience.names):
        if said.reply_to == request.reply_to:
            return Ruling(Accepted(said.seq, duplicate=True))
        request = _link_to(said, request)
    ruling = _written(house, actor, request, room, Addressed(addresses, audience), clerk)
    if actor.hands and isinstance(ruling.result, Accepted):
        words = Spoken(ruling.result.seq, request.content.strip(), room.name, audience.names, request.reply_to)
        house.live[actor.name].spoken.append(words)
    return ruling


def _said_by_hand(house: House, actor: Actor, request: Send, room: str, names: tuple[str, ...]) -> Spoken | None:
    """A final answer that its agent has just given through a tool, word by word and to the same: it is said already."""
    if request.kind is not MessageKind.REPLY or actor.hands:
        return None
    words, linked = (request.content.strip(), room, names), (request.reply_to, None)
    same = (one for one in house.live[actor.name].spoken if one[1:4] == words and one.reply_to in linked)
    return max(same, key=lambda one: one.reply_to is not None, default=None)


def _link_to(said: Spoken, request: Send) -> Send:
    """The tool did not say what it answers. Whoever waits for the answer is told where it stands, and nobody is told it
    twice."""
    context = {**(request.context or {}), "same_as": said.seq}
    content = f"(answered with #{said.seq})"
    return msgspec.structs.replace(request, kind=MessageKind.ACK, content=content, context=context)


def check_message(request: Send) -> None:
    check_text(request.content)
    if not request.content.strip() and not request.parts and request.context is None:
        raise BadRequest("There is nothing in this message: `content` is empty.")
    for part in request.parts:
        for text in (part.type, part.text, part.path, part.lines, part.revision, part.url):
            check_text(text or "", what="part")
    if request.context is not None:
        check_depth(request.context)
        check_text(msgspec.json.encode(request.context).decode(), MAX_CONTEXT, "context")
        for key in LINES_OF_CONTEXT:
            one_line(str(request.context.get(key, "")), f"{key!r} of the context")


def addresses_of(to: Sequence[str] | str) -> tuple[Address, ...]:
    names = to.split(maxsplit=MAX_ADDRESSES) if isinstance(to, str) else to
    check_count(len(names))
    if max(map(len, names), default=0) > MAX_ADDRESS_CHARACTERS:
        raise BadRequest(f"An address has at most {MAX_ADDRESS_CHARACTERS} characters.")
    return tuple(parse_address(name.strip(",")) for name in names)


def _within(house: House, room: RoomRecord, audience: Audience) -> None:
    outside = [name for name in audience.names if name not in house.in_room[room.name]]
    if outside:
        raise Forbidden(f"{', '.join(outside)} is not in the room {room.name!r}. Invite them, or choose another room.")


def _written(  # noqa: PLR0913, PLR0917 - everything that is known of one message
    house: House,
    actor: Actor,
    request: Send,
    room: RoomRecord,
    to: Addressed,
    clerk: Clerk,
) -> Ruling:
    audience = to.audience
    seq, stamp = clerk.seq(), clerk.stamp
    said = loop_checks.Said(
        seq, actor, request, room.name, audience.names, loop_checks.hops_of(house, actor, request, clerk)
    )
    quiet = loop_checks.is_quiet(house, actor, request, audience)
    inboxes = [] if quiet else _inboxes(house, room, actor, audience, clerk.now)
    place = place_of(house, actor, request, room.name, audience.names)
    inboxes = [name for name in inboxes if wakes(house, place, name)]
    judged = loop_checks.judge(house, said, inboxes, clerk)
    ladders = tuple([Delivery(seq, name, at=stamp) for name in judged.awake])
    message = Message(
        seq=seq,
        id=request.id or f"m-{seq}",
        room=room.name,
        from_=actor.name,
        to=tuple([str(address) for address in to.addresses]) or TO_EVERYONE,
        kind=request.kind,
        content=request.content,
        timestamp=stamp,
        recipients=audience.names,
        deliveries=judged.awake,
        parts=request.parts,
        context=request.context,
        reply_to=request.reply_to,
        session=sessions.tag_of(house, room.name, actor.name, request.session),
        trace=request.trace,
        hops=said.hops,
        urgent=request.urgent or request.interrupt,
        priority=request.priority,
        ttl=request.ttl,
        ack_wanted=request.ack_wanted,
        signed=request.signed,
        aside=place is Place.ASIDE,
        interrupt=request.interrupt,
    )
    settled = reply_targets.settled(house, actor, request, clerk)  # facts stand in the order of their numbers
    counted = proposals.heard(house, message, clerk)
    changes, then = after_saying(house, message, place, clerk, counted)
    fact = Fact(
        message,
        ends=None if audience.everyone else ends_of(actor.name, audience.names),
        changes=(*judged.changes, *changes),
        deliveries=ladders,
        client_id=request.id,
        deadline=None if request.ttl is None else clerk.now + request.ttl,
    )
    after = (*settled, *counted, *then, *loop_checks.told(room.name, judged, clerk))
    return Ruling(Accepted(seq, ladders, asleep=judged.asleep), (fact, *after))


def ends_of(sender: str, names: Sequence[str]) -> tuple[str, ...]:
    return (sender, *(name for name in names if name != sender))


def _inboxes(house: House, room: RoomRecord, actor: Actor, audience: Audience, now: float) -> list[str]:
    """Who is named gets it whenever it comes; what is for everyone is for who is here."""
    inboxes = (name for name in house.inboxes(room.name) if name != actor.name)
    if audience.everyone:
        return [name for name in inboxes if house.is_here(name, now)]
    return [name for name in inboxes if name in audience.names]

"""The rules of a room: who may speak in it, who is meant, what is written down. Pure: (request, clerk) -> ruling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from gateway import answering, decisions, loops, proposals, sessions
from gateway.facts import Change, Clerk, Fact, Ruling
from gateway.house import House
from gateway.limits import MAX_ROOMS, MAX_ROOMS_OF_GUESTS, MAX_ROOMS_OF_ONE
from gateway.member_state import Spoken
from gateway.notices import TO_EVERYONE, direct_notice, notice
from gateway.protocol.addressing import Address, Audience, check_count, parse_address, resolve
from gateway.protocol.errors import BadRequest, Conflict, Forbidden, RoomExists
from gateway.protocol.events import Message, RoomAction, RoomEvent
from gateway.protocol.nouns import (
    DEFAULT_ROOM,
    LINES_OF_CONTEXT,
    MAX_ADDRESS_CHARACTERS,
    MAX_ADDRESSES,
    MAX_CONTEXT,
    SYSTEM,
    Delivery,
    MemberKind,
    MessageKind,
    check_depth,
    check_text,
    room_name_of,
)
from gateway.protocol.request_texts import one_line
from gateway.protocol.requests import CreateRoom, Invite, Join, Kick, Leave, Send, SetTopic
from gateway.protocol.results import Accepted, Done
from gateway.records import Membership, RoomRecord
from gateway.rights import Action, Actor
from gateway.turn_hearing import Place, after_saying, place_of, wakes


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
    answering.need_answerable(house, actor, request)
    addresses = addresses_of(request.to)
    audience = resolve(addresses, house.directory(room.name), actor.name, house.picked)
    _within(house, room, audience)
    house.picked.update(audience.picked)
    if said := _said_by_hand(house, actor, request, room.name, audience.names):
        if said.reply_to == request.reply_to:
            return Ruling(Accepted(said.seq, duplicate=True))
        request = _link_to(said, request)
    ruling = _written(house, actor, request, room, (addresses, audience), clerk)
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
    to: tuple[Sequence[Address], Audience],
    clerk: Clerk,
) -> Ruling:
    addresses, audience = to
    seq, stamp = clerk.seq(), clerk.stamp
    said = loops.Said(seq, actor, request, room.name, audience.names, loops.hops_of(house, actor, request, clerk))
    quiet = loops.is_quiet(house, actor, request, audience)
    inboxes = [] if quiet else _inboxes(house, room, actor, audience, clerk.now)
    place = place_of(house, actor, request, room.name, audience.names)
    inboxes = [name for name in inboxes if wakes(house, place, name)]
    judged = loops.judge(house, said, inboxes, clerk)
    ladders = tuple([Delivery(seq, name, at=stamp) for name in judged.awake])
    message = Message(
        seq=seq,
        id=request.id or f"m-{seq}",
        room=room.name,
        from_=actor.name,
        to=tuple([str(address) for address in addresses]) or TO_EVERYONE,
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
    settled = answering.settled(house, actor, request, clerk)  # facts stand in the order of their numbers
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
    after = (*settled, *counted, *then, *loops.told(room.name, judged, clerk))
    return Ruling(Accepted(seq, ladders, asleep=judged.asleep), (fact, *after))


def ends_of(sender: str, names: Sequence[str]) -> tuple[str, ...]:
    return (sender, *(name for name in names if name != sender))


def _inboxes(house: House, room: RoomRecord, actor: Actor, audience: Audience, now: float) -> list[str]:
    """Who is named gets it whenever it comes; what is for everyone is for who is here."""
    inboxes = (name for name in house.inboxes(room.name) if name != actor.name)
    if audience.everyone:
        return [name for name in inboxes if house.is_here(name, now)]
    return [name for name in inboxes if name in audience.names]


def create(house: House, actor: Actor, request: CreateRoom, clerk: Clerk) -> Ruling:
    actor.need(Action.SEND)
    name = room_name_of(request.room)
    if name in house.rooms:
        raise RoomExists(f"There is already a room {name!r}, or there was one: names are not used again.")
    _need_space(house, actor)
    check_text(request.topic, what="topic")
    record = RoomRecord(name, request.topic, request.invite_only, actor.name, (actor.name,))
    facts = (
        _event(clerk, record, RoomAction.CREATED, actor, changes=(Change("room", name, record),), text=request.topic),
        joined(clerk, name, actor.name, actor.name),
    )
    return Ruling(Done(facts[0].event.seq), facts)


def _need_space(house: House, actor: Actor) -> None:
    """Rooms stay, and everybody is told of those that are open. What the gateway itself makes, a person has ordered.
    However many rooms programs have made, a person can make one; and guests take none from members."""
    if actor.kind is MemberKind.SYSTEM:
        return
    makers = Counter(one.created_by for one in house.rooms.values() if not one.removed)
    if makers[actor.name] >= MAX_ROOMS_OF_ONE:
        raise Conflict(f"{actor.name} has made {MAX_ROOMS_OF_ONE} rooms. Remove one of them first.")
    if _is_guest_here(house, actor.name):
        if sum(count for name, count in makers.items() if came_without_token(house, name)) >= MAX_ROOMS_OF_GUESTS:
            raise Conflict(f"{MAX_ROOMS_OF_GUESTS} rooms were made without a token already, and no more are.")
        return
    programs = sum(count for name, count in makers.items() if _is_program(house, name))
    if actor.kind is not MemberKind.HUMAN and not actor.may(Action.ADMINISTER) and programs >= MAX_ROOMS:
        raise Conflict(f"Agents and tools have made {MAX_ROOMS} rooms here. One of them must be removed first.")


def _is_guest_here(house: House, name: str) -> bool:
    record = house.members.get(name)
    return record is not None and bool(record.dialect)


def came_without_token(house: House, name: str) -> bool:
    """Whoever is or was a guest. A name that no member has is of a guest that is forgotten: all others stay members,
    removed or not."""
    return _is_guest_here(house, name) if name in house.members else name not in ("", SYSTEM)


def _is_program(house: House, name: str) -> bool:
    record = house.members.get(name)
    return record is not None and not record.dialect and record.member.kind is not MemberKind.HUMAN


def set_topic(house: House, actor: Actor, request: SetTopic, clerk: Clerk) -> Ruling:
    record = _inside(house, actor, request.room)
    check_text(request.topic, what="topic")
    changed = msgspec.structs.replace(record, topic=request.topic)
    fact = _event(
        clerk, record, RoomAction.TOPIC, actor, changes=(Change("room", record.name, changed),), text=request.topic
    )
    return Ruling(Done(fact.event.seq), (fact,))


def invite(house: House, actor: Actor, request: Invite, clerk: Clerk) -> Ruling:
    record = _inside(house, actor, request.room)
    guest = house.member(request.member.lower().removeprefix("@")).name
    if guest in house.in_room[record.name]:
        return Ruling(Done())
    changed = msgspec.structs.replace(
        record, invited=tuple(sorted({*record.invited, guest})), out=tuple(one for one in record.out if one != guest)
    )
    fact = _event(
        clerk, record, RoomAction.INVITED, actor, member=guest, changes=(Change("room", record.name, changed),)
    )
    return Ruling(Done(fact.event.seq), (fact,))


def join(house: House, actor: Actor, request: Join, clerk: Clerk) -> Ruling:
    record = house.room(room_name_of(request.room), actor)
    if actor.name in house.in_room[record.name]:
        return Ruling(Done())
    need_let_in(house, record, actor)
    fact = joined(clerk, record.name, actor.name, actor.name)
    return Ruling(Done(fact.event.seq), (fact,))


def leave(house: House, actor: Actor, request: Leave, clerk: Clerk) -> Ruling:
    record = house.room(room_name_of(request.room), actor)
    if actor.name not in house.in_room[record.name]:
        raise Conflict(f"{actor.name} is not in the room {record.name!r}.")
    facts = gone_out(house, clerk, record.name, actor.name, actor.name)
    return Ruling(Done(facts[0].event.seq), facts)


def need_let_in(house: House, record: RoomRecord, actor: Actor) -> None:
    if house.may_come_in(record, actor):
        return
    why = "you were put out of it" if actor.name in record.out else "it is for invited members"
    raise Forbidden(f"The room {record.name!r} does not let you in: {why}. Ask one of its members for an invitation.")


def kick(house: House, actor: Actor, request: Kick, clerk: Clerk) -> Ruling:
    """Put a member out of a room, or take back its invitation. It comes in again only by a new one."""
    record = house.room(room_name_of(request.room), actor)
    need_owner(record, actor)
    member = house.member(request.member.lower().removeprefix("@")).name
    if member == actor.name:
        raise BadRequest(f"To leave the room {record.name!r} yourself, leave it.")
    inside = member in house.in_room[record.name]
    if not inside and member not in record.invited:
        raise Conflict(f"{member} is neither in the room {record.name!r} nor invited.")
    out = msgspec.structs.replace(
        record,
        invited=tuple(one for one in record.invited if one != member),
        out=tuple(sorted({*record.out, member})),
    )
    gone = gone_out(house, clerk, record.name, member, actor.name) if inside else ()
    what = "put {} out of the room" if inside else "took back the invitation of {}"
    said = notice(
        record.name, f"{actor.name} {what.format(member)}.", clerk, changes=(Change("room", record.name, out),)
    )
    return Ruling(Done(said.event.seq), (*gone, said, *_told_out(record.name, member, actor.name, clerk, inside)))


def _told_out(room: str, member: str, by: str, clerk: Clerk, inside: bool) -> tuple[Fact, ...]:
    """Whoever is out hears nothing of the room any more, and so is told by itself."""
    if not inside:
        return ()
    text = f"{by} put you out of the room {room}. You can come in again when one of its members invites you."
    return (direct_notice(room, member, text, clerk),)


def need_owner(record: RoomRecord, actor: Actor) -> None:
    """Whoever made it, as long as nobody put that member out of it, and administrators."""
    actor.need(Action.SEND)
    if actor.may(Action.ADMINISTER):
        return
    if actor.name in record.out:
        raise Forbidden(f"You were put out of the room {record.name!r}, and have no say in it. Ask for an invitation.")
    if actor.name != record.created_by:
        owner = f"{record.created_by}, who made it," if record.created_by != SYSTEM else "nobody"
        raise Forbidden(f"This is for the owner of the room {record.name!r} ({owner} or an administrator).")


def joined(clerk: Clerk, room: str, member: str, by: str) -> Fact:
    event = RoomEvent(clerk.seq(), room, RoomAction.JOINED, by, clerk.stamp, member)
    return Fact(event, changes=(Change("membership", f"{room}/{member}", Membership(room, member)),))


def gone_out(house: House, clerk: Clerk, room: str, member: str, by: str) -> tuple[Fact, ...]:
    """Out of a room, and of what it decides."""
    return (left(clerk, room, member, by), *decisions.without_voter(house, member, clerk, room))


def left(clerk: Clerk, room: str, member: str, by: str | None = None) -> Fact:
    event = RoomEvent(clerk.seq(), room, RoomAction.LEFT, by or member, clerk.stamp, member)
    return Fact(event, changes=(Change("membership", f"{room}/{member}", None),))


def _inside(house: House, actor: Actor, room: str) -> RoomRecord:
    record = house.room(room_name_of(room), actor)
    if actor.name not in house.in_room[record.name] and not actor.may(Action.ADMINISTER):
        raise Forbidden(f"{actor.name} is not in the room {record.name!r}. Join it first.")
    return record


def _event(  # noqa: PLR0913 - the fields of one event
    clerk: Clerk,
    room: RoomRecord,
    action: RoomAction,
    actor: Actor,
    *,
    member: str | None = None,
    text: str = "",
    changes: tuple[Change, ...] = (),
) -> Fact:
    event = RoomEvent(clerk.seq(), room.name, action, actor.name, clerk.stamp, member, text)
    alone = (actor.name, member) if action is RoomAction.INVITED and member else None
    return Fact(event, ends=alone, changes=changes)

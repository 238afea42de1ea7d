"""The requests that need the store before they can be answered or decided. They read, then ask a rule."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

import gateway
from gateway import (
    answering,
    asks,
    control,
    greeting,
    loops,
    member_tokens,
    members,
    proposals,
    receipts,
    removal,
    room,
    sessions,
    settling,
    switchboard,
)
from gateway.acknowledging import acknowledged
from gateway.deliveries import WAITING
from gateway.effects import Effect
from gateway.facts import Fact, Ruling
from gateway.hub import Hub
from gateway.paging import WELCOME_BYTES, WELCOME_ENTRIES, page
from gateway.paging import fitting as fitting_page
from gateway.protocol import VERSION, codec
from gateway.protocol import requests as r
from gateway.protocol import results as out
from gateway.protocol.decision_requests import Decisions
from gateway.protocol.errors import Forbidden
from gateway.protocol.events import AskEvent, ControlAction, Message, Receipt, Welcome
from gateway.protocol.nouns import DEFAULT_ROOM, Delivery, Rung, check_text, room_name_of
from gateway.rights import Action, Actor
from gateway.stamps import iso
from gateway.store import InboxQuery, MessageQuery, Record, View, fitting

WELCOME_DELIVERIES = 1000
WELCOME_TRIES = 20


def view_of(hub: Hub, actor: Actor) -> View:
    return View(actor.name, actor.may(Action.READ_DIRECT), frozenset(hub.house.rooms_of[actor.name]))


def message_of(record: Record) -> Message:
    event = codec.decode_durable(record.event)
    assert isinstance(event, Message)
    return event


# saying something


def send(hub: Hub, actor: Actor, request: r.Send) -> Awaitable[out.Result]:
    """Decided at once, unless it answers something older than memory: then that is looked up first."""
    if missing := answering.not_in_memory(hub.house, actor.name, request):
        return _send_after(hub, actor, request, missing)
    return hub.carry_out(room.send(hub.house, actor, request, hub.clerk()))


async def _send_after(hub: Hub, actor: Actor, request: r.Send, missing: Collection[int]) -> out.Result:
    for number in missing:
        if number not in hub.house.recent:
            record = await hub.store.one(number)
            if record is None or record.kind != "message":
                raise receipts.unknown(number, actor)
            hub.house.recent.note(message_of(record))
        if (stored := await hub.store.delivery(number, actor.name)) is not None:
            hub.house.known(stored)
    return await hub.carry_out(room.send(hub.house, actor, request, hub.clerk()))


# coming and going


async def hello(hub: Hub, actor: Actor, request: r.Hello) -> Welcome:
    hub.remembered(request.house, request.known)
    facts = greeting.hello(hub.house, actor, request, hub.clerk())
    if facts:
        hub.throttle.take(Effect.CHANGES, actor.name, time.monotonic())
    if request.inbox:
        hub.house.begin_anew(actor.name)
    await hub.carry_out(Ruling(out.Done(), facts))
    return await welcome(hub, actor, request.version)


async def welcome(hub: Hub, actor: Actor, version: int = VERSION) -> Welcome:
    """How things are after `last_seq`: what is still open is read from the log, so nothing that a later event tells
    may stand in it. Where so much happens that this cannot be had, an event may tell again what the welcome shows."""
    for _ in range(WELCOME_TRIES):
        last_seq = hub.committed_seq
        inbox = hub.house.member(actor.name).inbox
        open_ = await _open(hub, actor.name, 0, WELCOME_DELIVERIES) if inbox else out.DeliveryList(())
        if hub.changed_seq <= last_seq:
            break
        await hub.settled()
    return _welcome(hub, actor, version, last_seq, open_)


def _welcome(hub: Hub, actor: Actor, version: int, last_seq: int, open_: out.DeliveryList) -> Welcome:
    house, lists = hub.house, _lists(hub, actor)
    return Welcome(
        version=min(version, VERSION),
        you=house.member(actor.name),
        **{name: shown for name, (shown, _) in lists.items()},
        last_seq=last_seq,
        deliveries=open_.deliveries,
        more=open_.more,
        observer=actor.may(Action.READ_DIRECT),
        paused=actor.name in house.paused,
        house=house.id,
        run=hub.numbers.run,
        began=hub.numbers.began,
        share=house.shares[actor.name].policy if actor.name in house.shares else "",
        partial=tuple(name for name, (_, more) in lists.items() if more),
    )


def _lists(hub: Hub, actor: Actor) -> dict[str, tuple[Any, bool]]:
    """The first page of each list in a welcome, small enough for everybody's start."""
    house = hub.house
    visible = sorted((one.member for one in house.members.values() if not one.member.hidden), key=lambda one: one.name)
    views: dict[str, Iterable[Any]] = {
        "rooms": (house.room_view(house.rooms[name]) for name in sorted(house.rooms_of[actor.name])),
        "members": (house.view(one, hub.now) for one in visible),
        "asks": asks.listed(house, actor),
        "decisions": sorted(proposals.listed(house, actor, Decisions()), key=lambda one: one.number),
        "sessions": sorted(sessions.seen(house, actor), key=lambda one: one.number),
    }
    return {name: fitting_page(found, WELCOME_ENTRIES, WELCOME_BYTES) for name, found in views.items()}


async def register(hub: Hub, actor: Actor, request: r.Register) -> out.Result:
    done = await hub.carry_out(members.register(hub.house, actor, request, hub.clerk(), hub.entropy()))
    return _expected(hub, done)


def _expected(hub: Hub, done: out.Result) -> out.Result:
    """Whoever has just got a token is about to come."""
    if isinstance(done, out.Registered | out.TokenMade):
        name = done.name if isinstance(done, out.TokenMade) else done.member.name
        hub.house.live[name].expected = hub.now
    return done


async def whoami(hub: Hub, actor: Actor, request: r.WhoAmI) -> out.Identity:
    me, house = hub.house.member(actor.name), hub.house
    rooms = tuple(sorted(house.rooms_of[actor.name]))
    return out.Identity(me.name, me.kind, me.role, rooms, house.queued.get(actor.name, 0), actor.read_only)


async def bye(hub: Hub, actor: Actor, request: r.Bye) -> out.Result:
    return await hub.carry_out(members.leave_house(hub.house, actor.name, actor.name, hub.clerk()))


async def set_activity(hub: Hub, actor: Actor, request: r.SetActivity) -> out.Done:
    check_text(request.note, what="note")
    live = hub.house.live[actor.name]
    live.activity, live.composer, live.note = request.activity, request.composer, request.note
    live.heard, live.tells_activity = hub.now, True
    hub.touch(actor.name)
    return out.Done()


# tokens


async def create_token(hub: Hub, actor: Actor, request: r.CreateToken) -> out.Result:
    made = await hub.carry_out(member_tokens.create_token(hub.house, actor, request, hub.clerk(), hub.entropy()))
    return _expected(hub, made)


async def rotate_token(hub: Hub, actor: Actor, request: r.RotateToken) -> out.Result:
    made = await hub.carry_out(member_tokens.rotate_token(hub.house, actor, request, hub.clerk(), hub.entropy()))
    return _expected(hub, made)


async def revoke_token(hub: Hub, actor: Actor, request: r.RevokeToken) -> out.Result:
    name = member_tokens.member_of_token(hub.house, actor, request.name)
    done = await hub.carry_out(member_tokens.revoke_token(hub.house, actor, request, hub.clerk()))
    if name in settling.gone(hub.house, hub.now):
        await settling.settle(hub, name, f"{name} has no token any more")
    return done


async def remove_member(hub: Hub, actor: Actor, request: r.RemoveMember) -> out.Result:
    ruling = removal.remove_member(hub.house, actor, request, hub.clerk())
    done = await hub.carry_out(ruling)
    name = request.member.lower().removeprefix("@")
    await settling.settle(hub, name, f"{name} was removed by {actor.name}")
    return done


async def tokens(hub: Hub, actor: Actor, request: r.Tokens) -> out.TokenList:
    return member_tokens.tokens(hub.house, actor, hub.now, request)


# reading


async def rooms(hub: Hub, actor: Actor, request: r.Rooms) -> out.RoomList:
    house = hub.house
    known = (one for one in house.rooms.values() if house.may_know(one, actor) and not one.removed)
    gone = (one for one in house.rooms.values() if one.removed and request.removed and house.may_read(one, actor))
    shown, more = page(
        (*known, *gone), lambda one: one.name, request.after, request.limit, lambda one: house.room_seen(one, actor)
    )
    return out.RoomList(shown, more)


async def members_of(hub: Hub, actor: Actor, request: r.Members) -> out.MemberList:
    house = hub.house
    names = {name for name, record in house.members.items() if not record.removed}
    if request.room is not None:
        names &= house.in_room[house.readable_room(room_name_of(request.room), actor).name]
    here = (house.members[name].member for name in names)
    wanted = (one for one in here if request.all or not one.hidden)
    shown, more = page(wanted, lambda one: one.name, request.after, request.limit, lambda one: house.view(one, hub.now))
    return out.MemberList(shown, more)


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


async def ended_asks(hub: Hub, actor: Actor, request: r.EndedAsks) -> out.AskList:
    """Read from the log, where each has its last event."""
    visible = switchboard.visible_to(actor.name, hub.house, observer=actor.may(Action.READ_DIRECT))
    span = (request.after, request.before)
    found, more = await hub.store.ended_asks(span, request.limit, visible)
    size = sum(len(record.event) for record in found)
    events = await hub.aside.run(actor.name, size, lambda: [codec.decode_durable(one.event) for one in found])
    return out.AskList(tuple(one.ask for one in events if isinstance(one, AskEvent)), more)


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
    return None if text is None else text.lower().removeprefix("@")


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
    return receipts.need_read(hub.house, actor, await _message(hub, actor, seq))


async def _message(hub: Hub, actor: Actor, seq: int) -> Message:
    record = await hub.store.one(seq)
    if record is None or record.kind != "message":
        raise receipts.unknown(seq, actor)
    return message_of(record)


async def show(hub: Hub, actor: Actor, request: r.Show) -> out.MessageDetail:
    message = await message_for(hub, actor, request.message)
    ladders = await hub.store.ladders(message.seq)
    return out.MessageDetail(message, tuple(one for one in ladders if receipts.may_follow(actor, message, one.member)))


async def story(hub: Hub, actor: Actor, request: r.Receipts) -> out.Story:
    message = await message_for(hub, actor, request.message)
    receipts.need_end(actor, message)
    told = [one for one in await _told(hub, message.seq) if receipts.may_follow(actor, message, one.member)]
    ladders = await hub.store.ladders(message.seq)
    shown = [one for one in ladders if receipts.may_follow(actor, message, one.member)]
    return out.Story(message, tuple(told), tuple(shown))


async def _told(hub: Hub, message: int) -> list[Receipt]:
    found = [codec.decode_durable(record.event) for record in await hub.store.about(message)]
    return [one for one in found if isinstance(one, Receipt)]


async def events(hub: Hub, actor: Actor, request: r.Events) -> out.EventPage:
    """One page of the log, waiting up to `wait` seconds for something to come."""
    visible = switchboard.visible_to(actor.name, hub.house, observer=actor.may(Action.READ_DIRECT))
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


# deliveries


async def _standing(hub: Hub, actor: Actor, number: int, member: str) -> tuple[Message, Delivery | None]:
    """A message and where its delivery stands; what memory knows is newer than what the store says."""
    message = await _message(hub, actor, number)
    stored = await hub.store.delivery(number, member)
    if stored is None or member != actor.name:
        receipts.need_read(hub.house, actor, message)
    return message, None if stored is None else hub.house.known(stored)


async def report(hub: Hub, actor: Actor, request: r.Report) -> out.Result:
    standing = await _standing(hub, actor, request.message, actor.name)
    if receipts.was_retried(standing[1]):
        told = await _told(hub, request.message)
        if receipts.told_before(told, actor.name, request.steps):
            return out.Done()
        standing = await _standing(hub, actor, request.message, actor.name)
    ruling = receipts.report(hub.house, actor, request, standing, hub.clerk())
    hub.observe_delivery(standing, ruling)
    return await hub.carry_out(ruling)


async def cancel(hub: Hub, actor: Actor, request: r.Cancel) -> out.Result:
    message = await message_for(hub, actor, request.message)
    stored = await hub.store.ladders(message.seq)
    ladders = [hub.house.known(one) for one in stored]
    ruling = receipts.cancel(actor, request, (message, ladders), hub.clerk())
    return await hub.carry_out(_and_tell(hub, ruling, ControlAction.CANCEL, message))


async def retry(hub: Hub, actor: Actor, request: r.Retry) -> out.Result:
    member = hub.house.member(request.member.lower().removeprefix("@")).name
    message, current = await _standing(hub, actor, request.message, member)
    ruling = receipts.retry(actor, request, (message, current), hub.clerk())
    return await hub.carry_out(_and_tell(hub, ruling, ControlAction.RETRY, message))


def _and_tell(hub: Hub, ruling: Ruling, action: ControlAction, message: Message) -> Ruling:
    """The sidecars that hold this message must hear of it even when they are away now."""
    clerk = hub.clerk()
    told = [
        control.told(action, fact.event.member, message.seq, clerk)
        for fact in ruling.facts
        if isinstance(fact.event, Receipt)
    ]
    return Ruling(ruling.result, (*ruling.facts, *told))


async def _open(hub: Hub, member: str, after: int, limit: int, *, begun: bool = False) -> out.DeliveryList:
    found = await hub.store.open_deliveries(member, after, limit + 1, begun=begun)
    return out.DeliveryList(tuple(found[:limit]), more=len(found) > limit)


async def deliveries(hub: Hub, actor: Actor, request: r.Deliveries) -> out.DeliveryList:
    _need_inbox(hub, actor)
    return await _open(hub, actor.name, request.after, request.limit, begun=request.begun)


async def waiting(hub: Hub, actor: Actor, request: r.Waiting) -> out.WaitingList:
    """What memory knows is newer than the page: an answer never shows as waiting what an event before it has ended."""
    _need_inbox(hub, actor)
    query = InboxQuery(actor.name, request.after, request.limit, by_rank=True)
    page: list[tuple[Message, Delivery]] = []
    more = True
    while more and not page:
        stored, more = await hub.store.inbox(query)
        page = _still_waiting(hub, stored)
        query = replace(query, after=stored[-1][0].message if stored else 0)
    return out.WaitingList(
        tuple(message for message, _ in page),
        tuple(delivery for _, delivery in page),
        more=more,
        waiting=hub.house.queued.get(actor.name, 0),
    )


def _need_inbox(hub: Hub, actor: Actor) -> None:
    if not hub.house.member(actor.name).inbox:
        raise Forbidden(f'{actor.name} has no inbox. Say so in hello: {{"inbox": true}}.')


async def create_hands(hub: Hub, actor: Actor, request: r.CreateHands) -> out.Result:
    return await hub.carry_out(member_tokens.create_hands(hub.house, actor, hub.clerk(), hub.entropy()))


async def waiting_messages(
    hub: Hub, actor: Actor, limit: int, *, senders: Collection[str] = (), reply_to: int | None = None
) -> list[tuple[Message, Delivery]]:
    """What waits for a member, in order. Asking makes it a member with an inbox that is here."""
    _need_inbox(hub, actor)
    hub.house.live[actor.name].heard = hub.now
    found: list[tuple[Message, Delivery]] = []
    query = InboxQuery(actor.name, 0, limit, senders=tuple(sorted(senders)), reply_to=reply_to)
    more = True
    while more and len(found) < limit:
        page, more = await hub.store.inbox(query)
        found += _still_waiting(hub, page)
        query = replace(query, after=page[-1][0].message if page else 0)
    return found[:limit]


def _still_waiting(hub: Hub, stored: Sequence[tuple[Delivery, Record]]) -> list[tuple[Message, Delivery]]:
    """Another reader may have taken what the store does not know of yet."""
    now = [(hub.house.known(delivery), record) for delivery, record in stored]
    return [(message_of(record), delivery) for delivery, record in now if delivery.rung in WAITING]


async def hand_over(hub: Hub, page: Sequence[tuple[Message, Delivery]], how: str) -> list[Message]:
    """The messages that are handed over by this; another reader of the same inbox may have been faster."""
    ruling, taken = handing_over(hub, page, how)
    await hub.carry_out(ruling)
    return taken


def handing_over(hub: Hub, page: Sequence[tuple[Message, Delivery]], how: str) -> tuple[Ruling, list[Message]]:
    clerk = hub.clerk()
    facts: list[Fact] = []
    taken: list[Message] = []
    for message, delivery in page:
        current = hub.house.known(delivery)
        fact = receipts.hand_over(message, current, clerk, how)
        if fact is not None:
            facts += (fact, *acknowledged(hub.house, message, current, Rung.ACCEPTED, clerk))
            taken.append(message)
    return Ruling(out.Done(), tuple(facts)), taken


# the gateway itself


async def status(hub: Hub, actor: Actor, request: r.Status) -> out.Health:
    """The number of rooms is of those that the caller may know of."""
    known = sum(hub.house.may_know(one, actor) and not one.removed for one in hub.house.rooms.values())
    return msgspec.structs.replace(health(hub), rooms=known, brakes=loops.standing(hub.house, actor))


def health(hub: Hub) -> out.Health:
    house = hub.house
    visible = [one.member for one in house.members.values() if not one.member.hidden]
    commits = hub.committer.health()
    return out.Health(
        status="stuck" if commits.stuck else "ok",
        version=gateway.__version__,
        uptime=round(hub.now - hub.started_at, 3),
        agents=len(house.agents()),
        members=len(visible),
        rooms=sum(not one.removed for one in house.rooms.values()),
        connections=len(hub.switchboard),
        last_seq=hub.committed_seq,
        queued=sum(house.queued.values()),
        store=hub.store.describe(),
        limits=hub.settings.limits,
        commit_age=commits.age,
        uncommitted=commits.waiting,
        last_error=commits.last_error,
    )


async def ping(hub: Hub, actor: Actor, request: r.Ping) -> out.Pong:
    hub.house.live[actor.name].heard = hub.now
    return out.Pong(iso(hub.now))

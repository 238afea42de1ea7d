"""What the commands ask of the gateway. Nothing here prints."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace

from controller.commands.command_table import Press
from gateway.client import Client, Lost, Seen, new_id
from gateway.client.console.cli_options import Context
from gateway.client.pages import whole
from gateway.protocol.errors import BadRequest, TimedOut, Unavailable, UnknownCommand
from gateway.protocol.events import AskEvent, Message, Receipt, RoomAction, RoomEvent, Welcome
from gateway.protocol.requests import (
    AnswerAsk,
    Asks,
    CreateRoom,
    EndedAsks,
    Hello,
    History,
    Join,
    Keys,
    Leave,
    Members,
    Receipts,
    Rooms,
    Search,
    Send,
    Show,
)
from gateway.protocol.results import Accepted, AskList, Done, MemberList, MessageDetail, MessageList, RoomList, Story
from gateway.protocol.text.addressing import Command, parse_line
from gateway.protocol.types import SYSTEM, Ask, AskState, Delivery, MemberKind, Part, Room, Rung

NEVER_ANSWERED = {Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED}


@dataclass(frozen=True)
class Sending:
    line: str
    room: str | None = None
    urgent: bool = False
    reply_to: int | None = None
    message_id: str | None = None
    wait: float | None = None
    quotes: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Sent:
    seq: int
    deliveries: tuple[Delivery, ...]
    reply: Message | None = None


@dataclass(frozen=True)
class Asked:
    """Whose reply counts: those named, those whom a role meant, or, of what was for everyone, anybody else who may read
    it. `readers` are given for a room by invitation; elsewhere everybody may."""

    number: int
    room: str
    by: str
    recipients: frozenset[str] = frozenset()
    readers: frozenset[str] | None = None

    def is_answered_by(self, message: Message) -> bool:
        return answers(message, self.number) and self.may_answer(message.from_)

    def may_answer(self, name: str) -> bool:
        if self.recipients:
            return name in self.recipients
        return name not in (self.by, SYSTEM) and (self.readers is None or name in self.readers)

    def with_reader(self, room: str, name: str) -> Asked:
        if self.readers is None or room != self.room:
            return self
        return replace(self, readers=self.readers | {name})


@dataclass(frozen=True)
class Listening:
    since: int | None = None
    room: str | None = None
    receipts: bool = False
    count: int = 0


@dataclass(frozen=True)
class RoomWish:
    create: str | None = None
    topic: str = ""
    invite_only: bool = False
    join: str | None = None
    leave: str | None = None


def request_of(wish: Sending) -> Send:
    line = parse_line(wish.line)
    if isinstance(line, Command):
        raise UnknownCommand(f"/{line.word} is a command, not a message. Begin with a backslash to send it as text.")
    if not line.text.strip() and not wish.quotes:
        raise BadRequest('There is nothing to say. Example: groupchat send @claude "review src/app.py"')
    return Send(
        content=line.text,
        to=tuple(str(address) for address in line.to),
        room=wish.room,
        urgent=wish.urgent or line.urgent,
        interrupt=line.interrupt,
        reply_to=wish.reply_to,
        id=wish.message_id or new_id(),
        parts=wish.quotes,
    )


async def press(context: Context, keys: Press) -> tuple[str, ...]:
    """Named keys, in the terminals of those named; of all agents if nobody is."""
    async with Client(context.endpoint()) as client:
        agents = tuple(one.name for one in client.welcome.members if one.kind is MemberKind.AGENT)
        names = keys.names or agents
        for name in names:
            await client.request(Keys(member=name, keys=keys.keys), Done)
    return names


async def send(context: Context, wish: Sending) -> Sent:
    request = request_of(wish)
    async with Client(context.endpoint(), Hello(rooms=(wish.room,) if wish.room else ())) as client:
        accepted = await client.request(request, Accepted)
        if wish.wait is None:
            return Sent(accepted.seq, accepted.deliveries)
    async with Client(context.endpoint(), Hello(since=accepted.seq)) as client:
        return await with_reply(client, accepted, wish.wait)


async def with_reply(client: Client, accepted: Accepted, patience: float) -> Sent:
    if not accepted.deliveries:
        raise TimedOut(f"Message {accepted.seq} is in the room, but nobody there answers by itself.")
    try:
        async with asyncio.timeout(patience):
            reply, ladders = await _until_answered(client, accepted, await _asked(client, accepted.seq))
            return Sent(accepted.seq, ladders, reply)
    except TimeoutError:
        raise TimedOut(
            f"No answer to message {accepted.seq} within {patience:g} s. `groupchat receipts {accepted.seq}` "
            "shows where it stands."
        ) from None


async def _asked(client: Client, number: int) -> Asked:
    found = await client.request(Show(message=number), MessageDetail)
    room = next((one for one in client.welcome.rooms if one.name == found.message.room), None)
    return asked_by(found.message, room)


def asked_by(message: Message, room: Room | None) -> Asked:
    """The gateway has found out who the addresses are: what is for everyone has no recipients."""
    closed = room is not None and room.invite_only and not message.recipients
    readers = frozenset(room.members) if room is not None and closed else None
    return Asked(message.seq, message.room, message.from_, frozenset(message.recipients), readers)


async def _until_answered(
    client: Client, accepted: Accepted, asked: Asked
) -> tuple[Message | None, tuple[Delivery, ...]]:
    """The first reply of somebody who was asked; none when every delivery has ended without one."""
    ladders = {one.member: one for one in accepted.deliveries}
    async for event in client.events():
        match event:
            case RoomEvent(action=RoomAction.JOINED):
                asked = asked.with_reader(event.room, event.member or "")
            case Message() if asked.is_answered_by(event):
                return event, tuple(ladders.values())
            case Receipt(message=number, member=member, steps=steps) if number == accepted.seq:
                last = steps[-1]
                ladders[member] = Delivery(number, member, last.rung, last.reason, last.at)
                if all(one.rung in NEVER_ANSWERED for one in ladders.values()):
                    return None, tuple(ladders.values())
    return None, tuple(ladders.values())


def answers(message: Message, number: int) -> bool:
    """One reply may answer several messages that went in together; its context names them."""
    others = (message.context or {}).get("answers")
    return message.reply_to == number or (isinstance(others, list) and number in others)


async def listen(context: Context, wish: Listening, tell: Callable[[Seen], None]) -> None:
    hello = Hello(since=wish.since, rooms=(wish.room,) if wish.room else (), echo=True)
    heard = 0
    async with Client(context.endpoint(), hello) as client:
        async for event in client.events():
            if not _wanted(event, wish):
                continue
            tell(event)
            heard += isinstance(event, Message)
            if wish.count and heard >= wish.count:
                return


def _wanted(event: Seen, wish: Listening) -> bool:
    if isinstance(event, Lost | Welcome):
        return True
    if isinstance(event, Receipt) and not wish.receipts:
        return False
    return wish.room is None or getattr(event, "room", None) == wish.room


async def members(context: Context, everyone: bool) -> tuple[MemberList, AskList]:
    """With what they ask, as far as one may see it."""
    async with Client(context.endpoint()) as client:
        found = await whole(client.request, Members(all=everyone), MemberList)
        return found, await whole(client.request, Asks(), AskList)


async def rooms(context: Context, wish: RoomWish) -> RoomList:
    async with Client(context.endpoint()) as client:
        if wish.create:
            made = CreateRoom(room=wish.create, topic=wish.topic, invite_only=wish.invite_only)
            await client.request(made, Done)
        if wish.join:
            await client.request(Join(room=wish.join), Done)
        if wish.leave:
            await client.request(Leave(room=wish.leave), Done)
        return await whole(client.request, Rooms(), RoomList)


def history_request(room: str | None, limit: int, before: int | None, from_: str | None, to: str | None) -> History:
    return History(room=room, limit=limit, before=before, from_=from_, to=to)


def search_request(query: str, room: str | None, from_: str | None, limit: int) -> Search:
    return Search(query=query, room=room, from_=from_, limit=limit)


Reading = History | Search


async def messages(context: Context, request: Reading) -> MessageList:
    async with Client(context.endpoint()) as client:
        return await client.request(request, MessageList)


async def story(context: Context, message: int) -> Story:
    async with Client(context.endpoint()) as client:
        return await client.request(Receipts(message=message), Story)


ANSWER_PATIENCE = 15.0


async def asks(context: Context, ended: int = 0) -> AskList:
    """Those that wait, or as many of those that ended last."""
    async with Client(context.endpoint()) as client:
        if ended:
            return await client.request(EndedAsks(limit=ended), AskList)
        return await whole(client.request, Asks(), AskList)


@dataclass(frozen=True)
class Answering:
    """Whose question, which answer, only to which dialog, with which words for the model."""

    member: str
    answer: str
    digest: str | None = None
    words: str = ""


async def answer(context: Context, given: Answering) -> Ask:
    """What became of the answer: the dialog took it, or why it did not."""
    async with Client(context.endpoint()) as client:
        request = AnswerAsk(member=given.member, answer=given.answer, digest=given.digest, words=given.words)
        done = await client.request(request, Done)
        try:
            async with asyncio.timeout(ANSWER_PATIENCE):
                return await _settled(client, done.seq)
        except TimeoutError:
            raise TimedOut(
                f"Nothing is heard of {given.member}'s terminal yet. `groupchat asks` shows where the question stands."
            ) from None


async def _settled(client: Client, number: int | None) -> Ask:
    async for event in client.events():
        if isinstance(event, AskEvent) and event.ask.number == number and event.ask.state is not AskState.ANSWERING:
            return event.ask
    raise Unavailable("The connection ended before the answer arrived. `groupchat asks` shows where it stands.")

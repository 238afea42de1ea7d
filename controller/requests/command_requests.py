"""Requests of the commands to the gateway. Nothing here prints."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from controller.chat_commands.command_table import KeyPress
from controller.requests.encryption.member_client import KeyAccess, open_member_client, sealing_client
from controller.requests.encryption.sealed_search import SearchFound, search_everywhere
from controller.requests.marked_messages import fetch_reactions, fetch_with_reactions
from gateway.client import Client, ClientEvent, ConnectionLost, new_id
from gateway.client.paged_requests import fetch_all_pages
from gateway.console.client_options import ClientOptions
from gateway.encryption.member_client.checked_messages import SealingNotice
from gateway.protocol.errors import BadRequest, TimedOut, Unavailable, UnknownCommand
from gateway.protocol.events import AskEvent, Message, Receipt, RoomAction, RoomEvent, Welcome
from gateway.protocol.requests.agent_requests import Keys
from gateway.protocol.requests.approval_requests import AnswerAsk, Asks, EndedAsks
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import History, Recall, Receipts, Search, Send, Show
from gateway.protocol.requests.room_requests import CreateRoom, Join, Leave, Rooms
from gateway.protocol.results import (
    Accepted,
    AskList,
    Done,
    MemberList,
    MessageDetail,
    MessageList,
    ReactionList,
    Recalled,
    RoomList,
    Story,
)
from gateway.protocol.text.addressing import SlashCommand, parse_line
from gateway.protocol.text.text_validation import flatten_lines
from gateway.protocol.types.core_types import (
    DEFAULT_ROOM,
    SYSTEM_NAME,
    Ask,
    AskState,
    Delivery,
    MemberKind,
    Part,
    Room,
    Rung,
    bare_name,
)

UNANSWERABLE_RUNGS = {Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED}


@dataclass(frozen=True)
class SendOptions:
    line: str
    room: str | None = None
    urgent: bool = False
    reply_to: int | None = None
    message_id: str | None = None
    wait: float | None = None
    quotes: tuple[Part, ...] = ()
    wakes: tuple[str, ...] = ()
    sealed: bool = False


@dataclass(frozen=True)
class SentMessage:
    seq: int
    deliveries: tuple[Delivery, ...]
    reply: Message | None = None


@dataclass(frozen=True)
class ExpectedReply:
    """The members whose reply counts: the named ones, those with the role, or, for a message to everyone, anyone else
    who may read it. `readers` is set for a room by invitation; other rooms are open to everybody."""

    number: int
    room: str
    by: str
    recipients: frozenset[str] = frozenset()
    readers: frozenset[str] | None = None

    def is_answered_by(self, message: Message) -> bool:
        return is_answer_to(message, self.number) and self.may_answer(message.from_)

    def may_answer(self, name: str) -> bool:
        if self.recipients:
            return name in self.recipients
        return name not in (self.by, SYSTEM_NAME) and (self.readers is None or name in self.readers)

    def with_reader(self, room: str, name: str) -> ExpectedReply:
        if self.readers is None or room != self.room:
            return self
        return replace(self, readers=self.readers | {name})


@dataclass(frozen=True)
class ListenOptions:
    since: int | None = None
    room: str | None = None
    receipts: bool = False
    count: int = 0


@dataclass(frozen=True)
class RoomOptions:
    create: str | None = None
    topic: str = ""
    invite_only: bool = False
    sealed: bool = False
    join: str | None = None
    leave: str | None = None


def send_request(wish: SendOptions) -> Send:
    line = parse_line(wish.line)
    if isinstance(line, SlashCommand):
        raise UnknownCommand(f"/{line.word} is a command, not a message. Begin with a backslash to send it as text.")
    if not line.text.strip() and not wish.quotes:
        raise BadRequest('There is no text to send. Example: groupchat send @claude "review src/app.py"')
    return Send(
        content=line.text,
        to=tuple(str(address) for address in line.to),
        room=wish.room,
        urgent=wish.urgent or line.urgent,
        interrupt=line.interrupt,
        reply_to=wish.reply_to,
        id=wish.message_id or new_id(),
        parts=wish.quotes,
        wakes=wish.wakes,
    )


async def press_named_keys(context: ClientOptions, keys: KeyPress) -> tuple[str, ...]:
    """Press named keys in the terminals of the named agents, or of all if none is named."""
    async with Client(context.endpoint()) as client:
        agents = tuple(one.name for one in client.welcome.members if one.kind is MemberKind.AGENT)
        names = keys.names or agents
        for name in names:
            await client.request(Keys(member=name, keys=keys.keys), Done)
    return names


async def send_text(context: ClientOptions, wish: SendOptions) -> SentMessage:
    request, keys = send_request(wish), KeyAccess.of(context)
    async with open_member_client(context.endpoint(), keys, Hello(rooms=(wish.room,) if wish.room else ())) as client:
        accepted = await send_or_seal(client, request, sealed=wish.sealed)
        if wish.wait is None:
            return SentMessage(accepted.seq, accepted.deliveries)
    async with open_member_client(context.endpoint(), keys, Hello(since=accepted.seq)) as client:
        return await wait_for_reply(client, accepted, wish.wait)


async def send_or_seal(client: Client, request: Send, *, sealed: bool, timeout: float | None = None) -> Accepted:
    """`sealed`: only those named can read it; it is refused if that is impossible."""
    if sealed:
        return await sealing_client(client).send_sealed(request, timeout=timeout)
    return await client.request(request, Accepted, timeout=timeout)


async def wait_for_reply(client: Client, accepted: Accepted, patience: float) -> SentMessage:
    if not accepted.deliveries:
        raise TimedOut(f"Message {accepted.seq} is in the room, but nobody there answers by itself.")
    try:
        async with asyncio.timeout(patience):
            reply, ladders = await _wait_until_answered(client, accepted, await _expected_reply(client, accepted.seq))
            return SentMessage(accepted.seq, ladders, reply)
    except TimeoutError:
        raise TimedOut(
            f"No answer to message {accepted.seq} within {patience:g} s. `groupchat receipts {accepted.seq}` "
            "shows where it stands."
        ) from None


async def _expected_reply(client: Client, number: int) -> ExpectedReply:
    found = await client.request(Show(message=number), MessageDetail)
    room = next((one for one in client.welcome.rooms if one.name == found.message.room), None)
    return expected_reply_to(found.message, room)


def expected_reply_to(message: Message, room: Room | None) -> ExpectedReply:
    """The expected reply. The gateway has resolved the addresses: a message to everyone has no recipients."""
    closed = room is not None and room.invite_only and not message.recipients
    readers = frozenset(room.members) if room is not None and closed else None
    return ExpectedReply(message.seq, message.room, message.from_, frozenset(message.recipients), readers)


async def _wait_until_answered(
    client: Client, accepted: Accepted, asked: ExpectedReply
) -> tuple[Message | None, tuple[Delivery, ...]]:
    """The first reply of a member that was asked; None if every delivery ends without one."""
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
                if all(one.rung in UNANSWERABLE_RUNGS for one in ladders.values()):
                    return None, tuple(ladders.values())
    return None, tuple(ladders.values())


def is_answer_to(message: Message, number: int) -> bool:
    """One reply may answer several messages that were typed as one prompt; its context names them."""
    others = (message.context or {}).get("answers")
    return message.reply_to == number or (isinstance(others, list) and number in others)


async def watch_events(context: ClientOptions, wish: ListenOptions, tell: Callable[[ClientEvent], None]) -> None:
    hello = Hello(since=wish.since, rooms=(wish.room,) if wish.room else (), echo=True)
    heard = 0
    keys = KeyAccess.of(context, follows_events=True)
    async with open_member_client(context.endpoint(), keys, hello) as client:
        async for event in client.events():
            if not _is_wanted(event, wish):
                continue
            tell(event)
            heard += isinstance(event, Message)
            if wish.count and heard >= wish.count:
                return


def _is_wanted(event: ClientEvent | SealingNotice, wish: ListenOptions) -> bool:
    if isinstance(event, ConnectionLost | Welcome) or (isinstance(event, SealingNotice) and event.loud):
        return True
    if isinstance(event, Receipt) and not wish.receipts:
        return False
    return wish.room is None or getattr(event, "room", None) == wish.room


async def fetch_members(context: ClientOptions, everyone: bool) -> tuple[MemberList, AskList]:
    """The members with their open questions, as far as the caller may see them."""
    async with open_member_client(context.endpoint(), KeyAccess.of(context)) as client:
        found = await fetch_all_pages(client.request, Members(all=everyone), MemberList)
        return found, await fetch_all_pages(client.request, Asks(), AskList)


async def change_and_fetch_rooms(context: ClientOptions, wish: RoomOptions) -> RoomList:
    async with open_member_client(context.endpoint(), KeyAccess.of(context)) as client:
        if wish.create and wish.sealed:
            if wish.topic:
                raise BadRequest("The topic of a sealed room would be readable, so it has none.")
            await sealing_client(client).create_sealed_room(wish.create)
        elif wish.create:
            made = CreateRoom(room=wish.create, topic=wish.topic, invite_only=wish.invite_only)
            await client.request(made, Done)
        if wish.join:
            await client.request(Join(room=wish.join), Done)
        if wish.leave:
            await client.request(Leave(room=wish.leave), Done)
        return await fetch_all_pages(client.request, Rooms(), RoomList)


def history_request(room: str | None, limit: int, before: int | None, from_: str | None, to: str | None) -> History:
    return History(room=room, limit=limit, before=before, from_=from_, to=to)


def search_request(query: str, room: str | None, from_: str | None, limit: int) -> Search:
    return Search(query=query, room=room, from_=from_, limit=limit)


async def recall_passages(context: ClientOptions, question: str, room: str | None, budget: int) -> Recalled:
    async with Client(context.endpoint()) as client:
        return await client.request(Recall(question=question, room=room, budget=budget), Recalled)


async def fetch_messages(context: ClientOptions, request: History) -> tuple[MessageList, ReactionList]:
    async with open_member_client(context.endpoint(), KeyAccess.of(context)) as client:
        return await fetch_with_reactions(client, request)


async def fetch_found_messages(context: ClientOptions, request: Search) -> tuple[SearchFound, ReactionList]:
    async with open_member_client(context.endpoint(), KeyAccess.of(context)) as client:
        found = await search_everywhere(client, request)
        return found, await fetch_reactions(client, found.messages.messages)


async def fetch_story(context: ClientOptions, message: int | None, room: str | None = None) -> Story:
    """The delivery steps of a message; without a number, of the caller's last message in the room."""
    async with open_member_client(context.endpoint(), KeyAccess.of(context)) as client:
        return await client.request(Receipts(message=message or await _last_own_number(client, room)), Story)


async def _last_own_number(client: Client, room: str | None) -> int:
    own = History(room=room, from_=client.welcome.you.name, limit=1)
    found = await client.request(own, MessageList)
    if not found.messages:
        raise BadRequest(f"You have said nothing in {room or DEFAULT_ROOM} yet.")
    return found.messages[0].seq


ANSWER_TIMEOUT_S = 15.0


async def fetch_asks(context: ClientOptions, ended: int = 0) -> AskList:
    """The open questions, or this many of the last ended ones."""
    async with open_member_client(context.endpoint(), KeyAccess.of(context)) as client:
        if ended:
            return await client.request(EndedAsks(limit=ended), AskList)
        return await fetch_all_pages(client.request, Asks(), AskList)


@dataclass(frozen=True)
class AnswerOptions:
    """An answer: the agent, the option, the digest of the dialog that it is for, and words for the model."""

    member: str
    answer: str
    digest: str | None = None
    words: str = ""


async def answer_question(context: ClientOptions, given: AnswerOptions) -> Ask:
    """The result of the answer: the dialog accepted it, or why not."""
    async with open_member_client(context.endpoint(), KeyAccess.of(context)) as client:
        require_named_question(client.welcome.asks, given)
        request = AnswerAsk(member=given.member, answer=given.answer, digest=given.digest, words=given.words)
        done = await client.request(request, Done)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await _wait_until_settled(client, done.seq)
        except TimeoutError:
            raise TimedOut(
                f"{given.member}'s terminal has not answered yet. `groupchat asks` shows where the question stands."
            ) from None


def require_named_question(asks: Sequence[Ask], given: AnswerOptions) -> None:
    """An answer to a sealed question is signed for exactly this one, so the person must have read it."""
    name = bare_name(given.member)
    sealed = next((one for one in asks if one.member == name and one.sealed is not None), None)
    if sealed is not None and given.digest is None:
        raise BadRequest(
            f"{name} asks under seal: {flatten_lines(sealed.question)} To answer exactly this, add --digest "
            f"{sealed.digest}."
        )


async def _wait_until_settled(client: Client, number: int | None) -> Ask:
    async for event in client.events():
        if isinstance(event, AskEvent) and event.ask.number == number and event.ask.state is not AskState.ANSWERING:
            return event.ask
    raise Unavailable("The connection ended before the answer arrived. `groupchat asks` shows where it stands.")

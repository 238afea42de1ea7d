"""The table of tools: for each a description, its arguments, and its function."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from gateway.client import new_id
from gateway.mcp import arguments, result_text
from gateway.mcp.custom_tools.call_tools import ToolCallArguments, call_tool, tool_list
from gateway.mcp.decision_tools import ask_human, propose, vote
from gateway.mcp.files.file_excerpts import masked_excerpt
from gateway.mcp.shared_document_tools import context_get, context_put
from gateway.mcp.tool_caller import Caller
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Ping
from gateway.protocol.requests.member_requests import SetRole, WhoAmI
from gateway.protocol.requests.message_requests import History, Poll, Recall, Search, Send, Show
from gateway.protocol.requests.mode_requests import Working
from gateway.protocol.requests.room_requests import Join, Rooms
from gateway.protocol.results import (
    Accepted,
    Done,
    Identity,
    Inbox,
    MessageDetail,
    MessageList,
    ModeStanding,
    Pong,
    Recalled,
    RoomList,
)
from gateway.protocol.text.printable_text import printable_line
from gateway.protocol.types.core_types import MessageKind, bare_name

ToolFunction = Callable[[Caller, Any], Awaitable[str]]


@dataclass(frozen=True)
class Tool:
    """`reads`: the tool changes nothing, so a client need not ask its user first. `hands_over`: the tool delivers each
    message once, which a read-only token may not do."""

    name: str
    about: str
    takes: type[arguments.Arguments]
    run: ToolFunction
    reads: bool = False
    hands_over: bool = False

    @property
    def changes_nothing(self) -> bool:
        return self.reads and not self.hands_over


async def peer_list(caller: Caller, given: arguments.NoArguments) -> str:
    me = await caller.ask(WhoAmI(), Identity)
    return result_text.peers_text((await caller.members()).values(), me.name)


async def peer_status(caller: Caller, given: arguments.NoArguments) -> str:
    me = await caller.ask(WhoAmI(), Identity)
    pong = await caller.ask(Ping(), Pong)
    role = f" ({printable_line(me.role)})" if me.role else ""
    return f"You are {me.name}{role}, in {', '.join(me.rooms)}. {me.waiting} messages wait for you. It is {pong.time}."


async def peer_send(caller: Caller, given: arguments.PeerSend) -> str:
    context = await masked_excerpt(caller.project, given.file, given.lines, given.text) if given.file else None
    to = arguments.parse_names(given.to)
    send = Send(
        content=given.message,
        id=new_id(),
        to=to,
        reply_to=given.reply_to,
        context=context,
        room=given.room or None,
    )
    sent = await caller.ask(send, Accepted)
    where = f"Sent as #{sent.seq} to {', '.join(to) or 'everyone'}."
    if sent.asleep:
        where += (
            f" A loop guard holds it back from {', '.join(sent.asleep)} until a person sends /continue. "
            "Do not send it again."
        )
    if not given.wait or (sent.asleep and not sent.deliveries):
        return where
    wait = caller.limit_wait(given.wait)
    inbox = await caller.wait(wait, reply_to=sent.seq)
    if inbox.messages or inbox.circle or inbox.undelivered:
        return f"{where}\n{await to_thread(result_text.inbox_text, inbox, await caller.members(), '')}"
    detail = await caller.ask(Show(message=sent.seq), MessageDetail)
    return (
        f"{where} No answer within {wait:g} s: {result_text.delivery_text(detail)}. "
        f"Call peer_wait with reply_to={sent.seq} to keep waiting."
    )


async def peer_read(caller: Caller, given: arguments.PeerRead) -> str:
    inbox = await caller.ask(Poll(limit=given.limit), Inbox)
    return await to_thread(
        result_text.messages_text, inbox.messages, await caller.members() if inbox.messages else {}, more=inbox.more
    )


async def peer_wait(caller: Caller, given: arguments.PeerWait) -> str:
    names = arguments.parse_names(given.from_)
    wait = caller.limit_wait(given.timeout)
    inbox = await caller.wait(wait, from_=names, reply_to=given.reply_to)
    nothing = f"timeout: no message within {wait:g} s." + " Your client allows no longer wait." * (wait < given.timeout)
    return await to_thread(result_text.inbox_text, inbox, await caller.members() if inbox.messages else {}, nothing)


async def peer_history(caller: Caller, given: arguments.PeerHistory) -> str:
    """The message history. With a peer: the messages between the two, in both directions."""
    if not given.peer:
        page = await caller.ask(History(room=given.room or None, limit=given.limit, before=given.before), MessageList)
        return await to_thread(result_text.messages_text, page.messages[::-1], await caller.members())
    (peer, *more) = arguments.parse_names(given.peer) or ("@all",)
    if more:
        raise BadRequest("peer_history accepts only one peer.")
    me, name = await caller.ask(WhoAmI(), Identity), bare_name(peer)
    found: dict[int, Message] = {}
    for sender, to in ((me.name, name), (name, me.name)):
        request = History(room=given.room or None, from_=sender, to=to, limit=given.limit, before=given.before)
        found |= {one.seq: one for one in (await caller.ask(request, MessageList)).messages}
    return await to_thread(
        result_text.messages_text, [found[seq] for seq in sorted(found)][-given.limit :], await caller.members()
    )


async def peer_context(caller: Caller, given: arguments.PeerContext) -> str:
    context = await masked_excerpt(caller.project, given.file, given.lines, given.text)
    text = given.message or f"Look at {given.file}{f' (lines {given.lines})' if given.lines else ''}"
    send = Send(content=text, id=new_id(), kind=MessageKind.CONTEXT, context=context)
    return f"Shown to everyone as #{(await caller.ask(send, Accepted)).seq}."


async def room_list(caller: Caller, given: arguments.NoArguments) -> str:
    return result_text.rooms_text((await caller.ask(Rooms(), RoomList)).rooms)


async def room_join(caller: Caller, given: arguments.RoomJoin) -> str:
    await caller.ask(Join(room=given.room), Done)
    return f"You are in {given.room}."


async def room_search(caller: Caller, given: arguments.RoomSearch) -> str:
    request = Search(query=given.query, room=given.room or None, limit=given.limit)
    found = (await caller.ask(request, MessageList)).messages
    return (
        await to_thread(result_text.messages_text, found, await caller.members())
        if found
        else f"No message contains {given.query!r}."
    )


async def room_recall(caller: Caller, given: arguments.RecallQuestion) -> str:
    request = Recall(question=given.question, room=given.room or None, budget=given.budget)
    found = await caller.ask(request, Recalled)
    return await to_thread(result_text.passages_text, found, await caller.members() if found.passages else {})


async def set_role(caller: Caller, given: arguments.RoleSet) -> str:
    me = await caller.ask(WhoAmI(), Identity)
    await caller.ask(SetRole(member=me.name, role=given.role), Done)
    return (
        f"Your role is now {given.role}; messages to role:{given.role} reach you."
        if given.role
        else "You have no role now."
    )


async def working(caller: Caller, given: arguments.WorkingNote) -> str:
    standing = await caller.ask(Working(room=given.room, note=given.note), ModeStanding)
    if standing.extended:
        return "Your turn goes on. Give your answer when you are done."
    has = standing.floor.speaker
    return f"It is not your turn: {has} has it." if has else "No mode runs here, so you need no turn."


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool(
            "peer_list",
            "List the people and agents in the group chat, with role and activity.",
            arguments.NoArguments,
            peer_list,
            reads=True,
        ),
        Tool(
            "peer_send",
            "Send a message to a peer, several, a role or everyone; can wait for the answer.",
            arguments.PeerSend,
            peer_send,
        ),
        Tool(
            "peer_read",
            "Take the messages that wait for you. Each is returned once.",
            arguments.PeerRead,
            peer_read,
            reads=True,
            hands_over=True,
        ),
        Tool(
            "peer_wait",
            "Wait for a message; returns as soon as one comes.",
            arguments.PeerWait,
            peer_wait,
            reads=True,
            hands_over=True,
        ),
        Tool(
            "peer_history",
            "Read earlier messages, with a peer or in the room.",
            arguments.PeerHistory,
            peer_history,
            reads=True,
        ),
        Tool("peer_context", "Show lines of a file to everyone.", arguments.PeerContext, peer_context),
        Tool(
            "peer_status",
            "Show your name and role, and how many messages wait for you.",
            arguments.NoArguments,
            peer_status,
            reads=True,
        ),
        Tool("room_list", "The rooms and their members.", arguments.NoArguments, room_list, reads=True),
        Tool("room_join", "Join a room.", arguments.RoomJoin, room_join),
        Tool("room_search", "Search messages.", arguments.RoomSearch, room_search, reads=True),
        Tool(
            "recall",
            "Find what was said earlier that answers a question.",
            arguments.RecallQuestion,
            room_recall,
            reads=True,
        ),
        Tool(
            "context_get",
            "Read a shared JSON document or its history, or list all.",
            arguments.ContextGet,
            context_get,
            reads=True,
        ),
        Tool(
            "context_put",
            "Write to a shared JSON document that everyone here can read.",
            arguments.ContextPut,
            context_put,
        ),
        Tool("tool_list", "List custom tools and their operations.", arguments.NoArguments, tool_list, reads=True),
        Tool("call_tool", "Call an operation of a custom tool; waits for its answer.", ToolCallArguments, call_tool),
        Tool("ask_human", "Ask the people here, and wait for their answer.", arguments.AskHuman, ask_human),
        Tool("propose", "Let peers decide something: a proposal to one, or a vote.", arguments.Proposal, propose),
        Tool("vote", "Vote, or accept or reject a proposal.", arguments.Vote, vote),
        Tool(
            "working",
            "Report that you have the turn and are still working: get more time.",
            arguments.WorkingNote,
            working,
        ),
        Tool("set_role", "Set your role.", arguments.RoleSet, set_role),
    )
}

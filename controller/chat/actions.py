"""What each command of the chat does: a table of coroutines. Each returns a list overlay, a sentence, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from controller.chat import decisions, modes
from controller.chat.context import ActionResult
from controller.chat.key_help import KEY_HELP
from controller.chat.subprocesses import run_groupchat
from controller.commands.command_table import (
    KeyPress,
    ParsedCommand,
    StopRequest,
    help_lines,
    reason_from_words,
    role_from_word,
)
from controller.commands.continue_text import continue_request, continued_text
from controller.commands.state_text import receipt_text, state_text
from controller.requests import file_quotes
from controller.requests.stop_agents import stop_members, stopped_text
from controller.view import list_overlay
from controller.view.chat_rows import time_of_day
from controller.view.chat_state import ChatState
from gateway.client import Client
from gateway.client.paged_requests import fetch_all_pages
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import MemberView
from gateway.protocol.requests import (
    Cancel,
    Invite,
    Join,
    Keys,
    Kick,
    Members,
    Pause,
    Receipts,
    Restart,
    Resume,
    Retry,
    Rooms,
    Search,
    SetRole,
    Share,
)
from gateway.protocol.results import Continued, Done, MemberList, MessageList, RoomList, Story
from gateway.protocol.text.addressing import AddressedText, parse_line
from gateway.protocol.types import DEFAULT_ROOM, MemberKind, Part


class ActionContext(Protocol):
    """What an action needs of the chat."""

    @property
    def client(self) -> Client: ...

    @property
    def state(self) -> ChatState: ...

    async def go_to(self, seq: int) -> None: ...

    async def enter(self, room: str) -> None: ...

    async def restart(self, name: str) -> str | None: ...

    async def answer(self, name: str, answer: str, words: str = "") -> str: ...

    async def show_pane(self, name: str) -> str: ...

    async def say(self, said: AddressedText, line: str, parts: tuple[Part, ...]) -> None: ...

    async def leave(self) -> None: ...


async def show_agents(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    found = await fetch_all_pages(chat.client.request, Members(), MemberList)
    asked = {one.member: "".join(one.subject) for one in chat.state.open_asks()}
    pairs: list[tuple[str, str]] = []
    for one in found.agents:
        pairs.append((f"{one.name}{f' ({one.role})' if one.role else ''}", _member_line(one)))
        pairs += [("", asked[one.name])] if one.name in asked else []
    return list_overlay.overlay_of_pairs("Who is here", pairs)


def _member_line(member: MemberView) -> str:
    words = state_text(member) if member.kind is MemberKind.AGENT else f"{member.kind} · {member.presence}"
    return words + (f" · {member.note}" if member.note else "") + (f" · {member.project}" if member.project else "")


async def show_members(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    found = await fetch_all_pages(chat.client.request, Members(room=chat.state.room), MemberList)
    return list_overlay.overlay_of_pairs(
        f"Members of {chat.state.room}", [(one.name, f"{one.kind} {one.role or ''}") for one in found.agents]
    )


async def show_rooms(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    found = await fetch_all_pages(chat.client.request, Rooms(), RoomList)
    here = chat.state.room
    pairs = [
        (f"{'* ' if one.name == here else ''}{one.name}", f"{one.topic or '-'} · {', '.join(one.members)}")
        for one in found.rooms
    ]
    return list_overlay.overlay_of_pairs("Rooms", pairs)


async def enter_room(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    room = order.get("room") or DEFAULT_ROOM
    await chat.client.request(Join(room=room), Done)
    await chat.enter(room)
    return f"This is {room}."


async def invite_to_room(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    await chat.client.request(Invite(room=chat.state.room, member=_member_name(order)), Done)
    return f"{_member_name(order)} may come into {chat.state.room}."


async def kick_from_room(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    await chat.client.request(Kick(room=chat.state.room, member=_member_name(order)), Done)
    return f"{_member_name(order)} is out of {chat.state.room}."


async def pause_agents(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    name = order.get("name")
    await chat.client.request(Pause(member=name), Done)
    return f"Paused: {name or 'all agents'}. What comes in is kept; /resume lets it flow."


async def stop_agents(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    name = order.get("name")
    return await send_stop(chat, StopRequest((name,) if name else ()))


async def send_stop(chat: ActionContext, wish: StopRequest) -> ActionResult:
    return stopped_text(await stop_members(chat.client, wish))


async def resume_agents(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    name = order.get("name")
    await chat.client.request(Resume(member=name), Done)
    return f"Resumed: {name or 'all agents'}."


async def continue_after_guard(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    request = continue_request(order.get("agent or room"), tuple(chat.state.rooms))
    return continued_text(await chat.client.request(request, Continued))


async def show_history(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    await chat.go_to(int(order.get("number") or 0))
    return "Esc returns to the newest."


async def show_search(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    words = order.get("words") or ""
    found = await chat.client.request(Search(query=words, room=chat.state.room), MessageList)
    if not found.messages:
        return f"Nothing in {chat.state.room} contains {words!r}."
    more = " (the newest)" if found.more else ""
    return list_overlay.overlay_of_messages(f"{len(found.messages)} with {words!r}{more}", found.messages)


async def show_receipts(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    number = int(order.get("number") or 0)
    story = await chat.client.request(Receipts(message=number), Story)
    pairs = [(f"#{number} {story.message.from_}", " ".join(story.message.content.split())[:300])]
    pairs += [("with", one) for one in list_overlay.attachment_lines_of(story.message)]
    for one in story.receipts:
        pairs += [(f"{time_of_day(step.at or one.timestamp)} {one.member}", receipt_text(step)) for step in one.steps]
    return list_overlay.overlay_of_pairs(f"What became of #{number}", pairs)


async def quote_file(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    """Send lines of a file. A relative path starts at the folder in which the chat was started."""
    lines, message = order.values["lines"], order.get("message") or ""
    said = parse_line(message)
    if not isinstance(said, AddressedText):
        raise BadRequest("/quote FILE:LINES takes a message, not a command.")
    part = await asyncio.to_thread(file_quotes.quote_lines_of_file, lines, Path.cwd())
    await chat.say(said, f"/quote {lines} {message}".strip(), (part,))
    return None


async def cancel_delivery(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    await chat.client.request(Cancel(message=_message_number(order), member=order.get("name")), Done)
    return f"#{_message_number(order)} is taken back."


async def retry_message(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    await chat.client.request(Retry(message=_message_number(order), member=_member_name(order)), Done)
    return f"#{_message_number(order)} goes to {_member_name(order)} once more."


async def show_asks(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    waiting = chat.state.open_asks()
    if not waiting:
        return "No agent asks anything."
    pairs: list[tuple[str, str]] = []
    for one in waiting:
        begins, thing = one.subject
        pairs += [(one.member, f"{begins}{thing}")]
        pairs += [(f"  /approve {one.member} {option.key}", option.text) for option in one.options]
    return list_overlay.overlay_of_pairs("Waiting for an answer", pairs)


async def approve_ask(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    return await chat.answer(_member_name(order), order.get("option") or "allow")


async def deny_ask(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    return await chat.answer(_member_name(order), "deny", reason_from_words(order.get("because words") or ""))


async def show_terminal(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    return await chat.show_pane(_member_name(order))


async def explain_agent(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    return list_overlay.overlay_of_text(
        f"What is seen of {_member_name(order)}", await run_groupchat("explain", "--", _member_name(order))
    )


async def share_output(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    policy = order.get("policy") or "replies"
    await chat.client.request(Share(member=_member_name(order), policy=policy), Done)
    return f"The room now sees {policy} of {_member_name(order)}'s output."


async def give_role(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    role = role_from_word(order.values["role"])
    await chat.client.request(SetRole(member=_member_name(order), role=role), Done)
    return (
        f"{_member_name(order)} is {role} now; @role:{role} reaches it."
        if role
        else f"{_member_name(order)} has no role now."
    )


async def restart_part(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    said = await chat.restart(_member_name(order))
    if said is None:
        await chat.client.request(Restart(member=_member_name(order)), Done)
    return said or f"{_member_name(order)} was told to start anew."


async def export_session(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    file = Path(order.get("file") or "").expanduser()
    if file.exists():
        raise BadRequest(f"{file} exists already; name a new file.")
    await run_groupchat("export", f"--output={file}", "--", chat.state.room)
    return f"{chat.state.room} is written to {file}."


async def show_help(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    word = order.get("command")
    return list_overlay.overlay_of_pairs("Help", help_lines(word) + ([] if word else list(KEY_HELP)))


async def quit_chat(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    await chat.leave()
    return None


def _message_number(order: ParsedCommand) -> int:
    return int(order.values["number"])


def _member_name(order: ParsedCommand) -> str:
    return order.values["name"]


ACTIONS: dict[str, Callable[[ActionContext, ParsedCommand], Awaitable[ActionResult]]] = {
    "agents": show_agents,
    "who": show_members,
    "rooms": show_rooms,
    "join": enter_room,
    "invite": invite_to_room,
    "kick": kick_from_room,
    "pause": pause_agents,
    "resume": resume_agents,
    "stop": stop_agents,
    "continue": continue_after_guard,
    "history": show_history,
    "search": show_search,
    "receipts": show_receipts,
    "quote": quote_file,
    "cancel": cancel_delivery,
    "retry": retry_message,
    "asks": show_asks,
    "approve": approve_ask,
    "deny": deny_ask,
    "terminal": show_terminal,
    **decisions.DECISION_ACTIONS,
    "explain": explain_agent,
    "share": share_output,
    "role": give_role,
    "restart": restart_part,
    "export": export_session,
    "help": show_help,
    "quit": quit_chat,
}


async def run_command(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    if order.command.word in modes.MODE_ACTIONS:
        return await modes.MODE_ACTIONS[order.command.word](chat, order)
    return await ACTIONS[order.command.word](chat, order)


async def press_keys_of(chat: ActionContext, keys: KeyPress) -> ActionResult:
    """Press keys at the named agents, or at all present agents if none is named."""
    found = keys.names or tuple(one.name for one in chat.state.agents())
    for name in found:
        await chat.client.request(Keys(member=name, keys=keys.keys), Done)
    return f"{keys.keys} goes to {', '.join(found)}." if found else "No agent is here."

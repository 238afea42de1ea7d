"""What each command of the chat does: a table of coroutines. Each answers with a sheet, a sentence, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from controller.chat import decisions, modes
from controller.chat.key_help import KEY_HELP
from controller.chat.subprocesses import groupchat
from controller.commands.command_table import Halt, Order, Press, because, help_lines, role_of
from controller.commands.continue_text import continued_words, continuing
from controller.commands.state_text import receipt_words, state_words
from controller.requests import file_quotes
from controller.requests.stop_agents import stopped, stopped_words
from controller.view import list_overlay
from controller.view.chat_rows import clock
from controller.view.chat_state import ChatState
from controller.view.list_overlay import Sheet
from gateway.client import Client
from gateway.client.pages import whole
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
from gateway.protocol.text.addressing import Said, parse_line
from gateway.protocol.types import DEFAULT_ROOM, MemberKind, Part

Outcome = Sheet | str | None


class Desk(Protocol):
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

    async def say(self, said: Said, line: str, parts: tuple[Part, ...]) -> None: ...

    async def leave(self) -> None: ...


async def agents(desk: Desk, order: Order) -> Outcome:
    found = await whole(desk.client.request, Members(), MemberList)
    asked = {one.member: "".join(one.matter) for one in desk.state.open_asks()}
    pairs: list[tuple[str, str]] = []
    for one in found.agents:
        pairs.append((f"{one.name}{f' ({one.role})' if one.role else ''}", _about(one)))
        pairs += [("", asked[one.name])] if one.name in asked else []
    return list_overlay.of_pairs("Who is here", pairs)


def _about(member: MemberView) -> str:
    words = state_words(member) if member.kind is MemberKind.AGENT else f"{member.kind} · {member.presence}"
    return words + (f" · {member.note}" if member.note else "") + (f" · {member.project}" if member.project else "")


async def who(desk: Desk, order: Order) -> Outcome:
    found = await whole(desk.client.request, Members(room=desk.state.room), MemberList)
    return list_overlay.of_pairs(
        f"Members of {desk.state.room}", [(one.name, f"{one.kind} {one.role or ''}") for one in found.agents]
    )


async def rooms(desk: Desk, order: Order) -> Outcome:
    found = await whole(desk.client.request, Rooms(), RoomList)
    here = desk.state.room
    pairs = [
        (f"{'* ' if one.name == here else ''}{one.name}", f"{one.topic or '-'} · {', '.join(one.members)}")
        for one in found.rooms
    ]
    return list_overlay.of_pairs("Rooms", pairs)


async def join(desk: Desk, order: Order) -> Outcome:
    room = order.get("room") or DEFAULT_ROOM
    await desk.client.request(Join(room=room), Done)
    await desk.enter(room)
    return f"This is {room}."


async def invite(desk: Desk, order: Order) -> Outcome:
    await desk.client.request(Invite(room=desk.state.room, member=_name(order)), Done)
    return f"{_name(order)} may come into {desk.state.room}."


async def kick(desk: Desk, order: Order) -> Outcome:
    await desk.client.request(Kick(room=desk.state.room, member=_name(order)), Done)
    return f"{_name(order)} is out of {desk.state.room}."


async def pause(desk: Desk, order: Order) -> Outcome:
    name = order.get("name")
    await desk.client.request(Pause(member=name), Done)
    return f"Paused: {name or 'all agents'}. What comes in is kept; /resume lets it flow."


async def stop(desk: Desk, order: Order) -> Outcome:
    name = order.get("name")
    return await halt(desk, Halt((name,) if name else ()))


async def halt(desk: Desk, wish: Halt) -> Outcome:
    return stopped_words(await stopped(desk.client, wish))


async def resume(desk: Desk, order: Order) -> Outcome:
    name = order.get("name")
    await desk.client.request(Resume(member=name), Done)
    return f"Resumed: {name or 'all agents'}."


async def go_on(desk: Desk, order: Order) -> Outcome:
    request = continuing(order.get("agent or room"), tuple(desk.state.rooms))
    return continued_words(await desk.client.request(request, Continued))


async def history(desk: Desk, order: Order) -> Outcome:
    await desk.go_to(int(order.get("number") or 0))
    return "Esc returns to the newest."


async def search(desk: Desk, order: Order) -> Outcome:
    words = order.get("words") or ""
    found = await desk.client.request(Search(query=words, room=desk.state.room), MessageList)
    if not found.messages:
        return f"Nothing in {desk.state.room} contains {words!r}."
    more = " (the newest)" if found.more else ""
    return list_overlay.of_messages(f"{len(found.messages)} with {words!r}{more}", found.messages)


async def receipts(desk: Desk, order: Order) -> Outcome:
    number = int(order.get("number") or 0)
    story = await desk.client.request(Receipts(message=number), Story)
    pairs = [(f"#{number} {story.message.from_}", " ".join(story.message.content.split())[:300])]
    pairs += [("with", one) for one in list_overlay.with_it(story.message)]
    for one in story.receipts:
        pairs += [(f"{clock(step.at or one.timestamp)} {one.member}", receipt_words(step)) for step in one.steps]
    return list_overlay.of_pairs(f"What became of #{number}", pairs)


async def quote(desk: Desk, order: Order) -> Outcome:
    """Lines of a file; a relative path begins at the folder in which the chat was started."""
    lines, message = order.values["lines"], order.get("message") or ""
    said = parse_line(message)
    if not isinstance(said, Said):
        raise BadRequest("/quote FILE:LINES takes a message, not a command.")
    part = await asyncio.to_thread(file_quotes.quote, lines, Path.cwd())
    await desk.say(said, f"/quote {lines} {message}".strip(), (part,))
    return None


async def cancel(desk: Desk, order: Order) -> Outcome:
    await desk.client.request(Cancel(message=_number(order), member=order.get("name")), Done)
    return f"#{_number(order)} is taken back."


async def retry(desk: Desk, order: Order) -> Outcome:
    await desk.client.request(Retry(message=_number(order), member=_name(order)), Done)
    return f"#{_number(order)} goes to {_name(order)} once more."


async def asks(desk: Desk, order: Order) -> Outcome:
    waiting = desk.state.open_asks()
    if not waiting:
        return "No agent asks anything."
    pairs: list[tuple[str, str]] = []
    for one in waiting:
        begins, thing = one.matter
        pairs += [(one.member, f"{begins}{thing}")]
        pairs += [(f"  /approve {one.member} {option.key}", option.text) for option in one.options]
    return list_overlay.of_pairs("Waiting for an answer", pairs)


async def approve(desk: Desk, order: Order) -> Outcome:
    return await desk.answer(_name(order), order.get("option") or "allow")


async def deny(desk: Desk, order: Order) -> Outcome:
    return await desk.answer(_name(order), "deny", because(order.get("because words") or ""))


async def terminal(desk: Desk, order: Order) -> Outcome:
    return await desk.show_pane(_name(order))


async def explain(desk: Desk, order: Order) -> Outcome:
    return list_overlay.of_text(f"What is seen of {_name(order)}", await groupchat("explain", "--", _name(order)))


async def share(desk: Desk, order: Order) -> Outcome:
    policy = order.get("policy") or "replies"
    await desk.client.request(Share(member=_name(order), policy=policy), Done)
    return f"The room now sees {policy} of {_name(order)}'s output."


async def role(desk: Desk, order: Order) -> Outcome:
    role = role_of(order.values["role"])
    await desk.client.request(SetRole(member=_name(order), role=role), Done)
    return f"{_name(order)} is {role} now; @role:{role} reaches it." if role else f"{_name(order)} has no role now."


async def restart(desk: Desk, order: Order) -> Outcome:
    said = await desk.restart(_name(order))
    if said is None:
        await desk.client.request(Restart(member=_name(order)), Done)
    return said or f"{_name(order)} was told to start anew."


async def export(desk: Desk, order: Order) -> Outcome:
    file = Path(order.get("file") or "").expanduser()
    if file.exists():
        raise BadRequest(f"{file} exists already; name a new file.")
    await groupchat("export", f"--output={file}", "--", desk.state.room)
    return f"{desk.state.room} is written to {file}."


async def show_help(desk: Desk, order: Order) -> Outcome:
    word = order.get("command")
    return list_overlay.of_pairs("Help", help_lines(word) + ([] if word else list(KEY_HELP)))


async def quit_chat(desk: Desk, order: Order) -> Outcome:
    await desk.leave()
    return None


def _number(order: Order) -> int:
    return int(order.values["number"])


def _name(order: Order) -> str:
    return order.values["name"]


ACTIONS: dict[str, Callable[[Desk, Order], Awaitable[Outcome]]] = {
    "agents": agents,
    "who": who,
    "rooms": rooms,
    "join": join,
    "invite": invite,
    "kick": kick,
    "pause": pause,
    "resume": resume,
    "stop": stop,
    "continue": go_on,
    "history": history,
    "search": search,
    "receipts": receipts,
    "quote": quote,
    "cancel": cancel,
    "retry": retry,
    "asks": asks,
    "approve": approve,
    "deny": deny,
    "terminal": terminal,
    **decisions.ACTIONS,
    "explain": explain,
    "share": share,
    "role": role,
    "restart": restart,
    "export": export,
    "help": show_help,
    "quit": quit_chat,
}


async def act(desk: Desk, order: Order) -> Outcome:
    if order.command.word in modes.ACTIONS:
        return await modes.ACTIONS[order.command.word](desk, order)
    return await ACTIONS[order.command.word](desk, order)


async def press(desk: Desk, keys: Press) -> Outcome:
    """To those named; to all agents that are here if nobody is."""
    found = keys.names or tuple(one.name for one in desk.state.agents())
    for name in found:
        await desk.client.request(Keys(member=name, keys=keys.keys), Done)
    return f"{keys.keys} goes to {', '.join(found)}." if found else "No agent is here."

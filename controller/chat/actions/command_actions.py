"""What each command of the chat does: a table of coroutines. Each returns a list overlay, a sentence, or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from controller.chat.actions import decision_actions, key_actions, message_actions, mode_actions, room_actions
from controller.chat.actions.action_interface import ActionResult
from controller.chat.actions.pending_question import PendingQuestion
from controller.chat.terminal.cli_command_runner import run_groupchat
from controller.chat_commands.command_table import (
    KeyPress,
    ParsedCommand,
    StopRequest,
    reason_from_words,
    role_from_word,
)
from controller.chat_commands.continue_command import continue_request, continued_text
from controller.chat_commands.help_pages import help_sections_about
from controller.requests import file_attachments
from controller.requests.encryption.sealed_search import search_everywhere
from controller.requests.silence_text import why_rows
from controller.requests.stop_agents import stop_members, stopped_text
from controller.view.state.chat_state import ChatState
from controller.view.stream import list_overlay
from controller.view.text.search_highlights import SearchHighlights
from controller.wording.member_state_text import state_text, vendor_text
from controller.wording.status_text import StatusContext
from gateway.client import Client
from gateway.client.paged_requests import fetch_all_pages
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import MemberView
from gateway.protocol.requests.agent_requests import Keys, Pause, Restart, Resume, Share, WhySilent
from gateway.protocol.requests.member_requests import Members, SetRole
from gateway.protocol.requests.message_requests import Cancel, History, Recall, Receipts, Retry, Search
from gateway.protocol.results import Continued, Done, MemberList, MessageList, Recalled, Story, WhyList
from gateway.protocol.text.addressing import AddressedText, parse_line
from gateway.protocol.text.printable_text import local_moment_text, readable_content
from gateway.protocol.text.receipt_text import receipt_steps, receipt_text
from gateway.protocol.types.agent_work import work_text
from gateway.protocol.types.core_types import MemberKind, Part

MIN_MARKED_CHARS = 4  # shorter words of a question are rarely what it is about


class ActionContext(Protocol):
    """What an action needs of the chat."""

    @property
    def client(self) -> Client: ...

    @property
    def state(self) -> ChatState: ...

    @property
    def key_rows(self) -> Sequence[tuple[str, str]]: ...

    @property
    def about(self) -> StatusContext: ...

    async def go_to(self, seq: int) -> None: ...

    async def enter(self, room: str) -> None: ...

    async def restart(self, name: str) -> str | None: ...

    async def answer(self, name: str, answer: str, words: str = "") -> str: ...

    async def show_pane(self, name: str) -> str: ...

    async def make_large(self) -> str: ...

    async def say(self, said: AddressedText, line: str, parts: tuple[Part, ...]) -> None: ...

    async def copy_text(self, text: str) -> bool: ...

    async def go_to_mention(self) -> None: ...

    async def leave(self) -> None: ...

    async def say_in_public(self, said: AddressedText, line: str, wakes: tuple[str, ...]) -> None: ...

    confirmation: PendingQuestion | None

    def refresh_keys(self) -> None: ...

    def trust_key(self, name: str, fingerprint: str) -> None: ...

    async def say_sealed(self, said: AddressedText, line: str) -> None: ...


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
    return " · ".join(filter(None, (words, vendor_text(member), work_text(member.work), member.note, member.project)))


async def show_members(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    found = await fetch_all_pages(chat.client.request, Members(room=chat.state.room), MemberList)
    return list_overlay.overlay_of_pairs(
        f"Members of {chat.state.room}", [(one.name, f"{one.kind} {one.role or ''}") for one in found.agents]
    )


async def pause_agents(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    name = order.get("name")
    await chat.client.request(Pause(member=name), Done)
    return f"Paused: {name or 'all agents'}. New messages are held; /resume delivers them."


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
    search = await search_everywhere(chat.client, Search(query=words, room=chat.state.room))
    found, remark = search.messages, f" {search.remark}" if search.remark else ""
    if not found.messages:
        return f"Nothing in {chat.state.room} contains {words!r}.{remark}"
    more = " (the newest)" if found.more else ""
    here = ", on this machine" if search.remark else ""
    title = f"{len(found.messages)} in #{chat.state.room} with {words!r}{more}{here}"
    return list_overlay.overlay_of_messages(title, found.messages, chat.state.names, SearchHighlights(words))


async def show_recall(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    question = order.get("question") or ""
    found = await chat.client.request(Recall(question=question, room=chat.state.room), Recalled)
    if not found.passages:
        return f"Nothing in {chat.state.room} answers that. Try other words, or /search."
    title = f"#{chat.state.room}: {question}"
    telling = " ".join(one for one in question.split() if len(one) >= MIN_MARKED_CHARS)
    return list_overlay.overlay_of_passages(title, found.passages, chat.state.names, SearchHighlights(telling))


async def show_receipts(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    number = int(order.get("number") or 0) or await _last_own_number(chat)
    story = await chat.client.request(Receipts(message=number), Story)
    pairs = [(f"#{number} {story.message.from_}", " ".join(readable_content(story.message).split())[:300])]
    pairs += [("with", one) for one in list_overlay.attachment_lines_of(story.message)]
    today = datetime.now().date()
    for member in dict.fromkeys(one.member for one in story.receipts):
        steps = [step for one in story.receipts if one.member == member for step in one.steps]
        pairs += [(f"{local_moment_text(one.at, today)} {member}", receipt_text(one)) for one in receipt_steps(steps)]
    return list_overlay.overlay_of_pairs(f"Delivery of #{number}", pairs)


async def _last_own_number(chat: ActionContext) -> int:
    found = await chat.client.request(History(room=chat.state.room, from_=chat.state.me, limit=1), MessageList)
    if not found.messages:
        raise BadRequest(f"You have said nothing in {chat.state.room} yet.")
    return found.messages[0].seq


async def quote_file(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    """Send lines of a file. A relative path starts at the folder in which the chat was started."""
    lines, message = order.values["lines"], order.get("message") or ""
    said = parse_line(message)
    if not isinstance(said, AddressedText):
        raise BadRequest("/quote FILE:LINES takes a message, not a command.")
    part = await asyncio.to_thread(file_attachments.quote_lines_of_file, lines, Path.cwd())
    await chat.say(said, f"/quote {lines} {message}".strip(), (part,))
    return None


async def cancel_delivery(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    await chat.client.request(Cancel(message=_message_number(order), member=order.get("name")), Done)
    return f"#{_message_number(order)} is cancelled."


async def retry_message(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    await chat.client.request(Retry(message=_message_number(order), member=_member_name(order)), Done)
    return f"#{_message_number(order)} goes to {_member_name(order)} again."


async def show_asks(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    waiting = chat.state.open_asks()
    if not waiting:
        return "No open questions."
    pairs: list[tuple[str, str]] = []
    for one in waiting:
        begins, thing = one.subject
        pairs += [(one.member, f"{begins}{thing}")]
        pairs += [(f"  /approve {one.member} {option.key}", option.text) for option in one.options]
    return list_overlay.overlay_of_pairs("Open questions", pairs)


async def approve_ask(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    return await chat.answer(_member_name(order), order.get("option") or "allow")


async def deny_ask(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    return await chat.answer(_member_name(order), "deny", reason_from_words(order.get("because words") or ""))


async def show_terminal(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    return await chat.show_pane(_member_name(order))


async def make_large(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    """An agent's terminal, or else the chat."""
    name = order.get("name")
    return await (chat.show_pane(name) if name else chat.make_large())


async def explain_silence(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    """Why one agent says nothing, in rows; without a name, a sentence for each."""
    name = order.get("name")
    found = (await chat.client.request(WhySilent(member=name), WhyList)).agents
    if name is None:
        return list_overlay.overlay_of_pairs("Why each is silent", [(one.name, one.sentence) for one in found])
    return list_overlay.overlay_of_pairs(f"Why {name} is silent", why_rows(found[0]))


async def explain_agent(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    return list_overlay.overlay_of_text(
        f"State of {_member_name(order)}", await run_groupchat("explain", "--", _member_name(order))
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
    return said or f"{_member_name(order)} is restarting."


async def write_room_file(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    """Write the room as Markdown or HTML if the file's name says so, else as JSON lines for `groupchat import`."""
    file = Path(order.get("file") or "").expanduser()
    if file.exists():
        raise BadRequest(f"{file} exists already; name a new file.")
    verb = "transcript" if file.suffix.lower() in (".md", ".html") else "export"
    await run_groupchat(verb, f"--output={file}", "--", chat.state.room)
    return f"{chat.state.room} is written to {file}."


async def show_help(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    return list_overlay.overlay_of_sections("Help", help_sections_about(order.get("command"), chat.key_rows))


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
    **room_actions.ROOM_ACTIONS,
    **key_actions.KEY_ACTIONS,
    "pause": pause_agents,
    "resume": resume_agents,
    "stop": stop_agents,
    "continue": continue_after_guard,
    "history": show_history,
    "search": show_search,
    "recall": show_recall,
    "receipts": show_receipts,
    "quote": quote_file,
    "cancel": cancel_delivery,
    "retry": retry_message,
    "asks": show_asks,
    "approve": approve_ask,
    "deny": deny_ask,
    "terminal": show_terminal,
    "large": make_large,
    **decision_actions.DECISION_ACTIONS,
    **message_actions.MESSAGE_ACTIONS,
    "why": explain_silence,
    "explain": explain_agent,
    "share": share_output,
    "role": give_role,
    "restart": restart_part,
    "export": write_room_file,
    "help": show_help,
    "quit": quit_chat,
}


async def run_command(chat: ActionContext, order: ParsedCommand) -> ActionResult:
    if order.command.word in mode_actions.MODE_ACTIONS:
        return await mode_actions.MODE_ACTIONS[order.command.word](chat, order)
    return await ACTIONS[order.command.word](chat, order)


async def press_keys_of(chat: ActionContext, keys: KeyPress) -> ActionResult:
    """Press keys at the named agents, or at all present agents if none is named."""
    found = keys.names or tuple(one.name for one in chat.state.agents())
    for name in found:
        await chat.client.request(Keys(member=name, keys=keys.keys), Done)
    return f"{keys.keys} goes to {', '.join(found)}." if found else "No agent is here."

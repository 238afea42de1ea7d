"""What the chat's commands about a chosen message do: reply, thread, react, pin, copy. Select mode uses them, too."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from controller.chat.actions.action_interface import ActionResult, ChatContext
from controller.chat_commands.command_table import ParsedCommand
from controller.requests.marked_messages import fetch_pins
from controller.view.state.chat_state import ChatState
from controller.view.state.draft_target import DraftTarget, TargetKind
from controller.view.stream import list_overlay
from controller.view.stream.copied_text import text_to_copy
from gateway.protocol.errors import BadRequest, Unavailable
from gateway.protocol.events import Message
from gateway.protocol.requests.mark_requests import Pin, React, Thread
from gateway.protocol.requests.message_requests import Show
from gateway.protocol.results import Done, MessageDetail, MessageList
from gateway.protocol.text.addressing import AddressedText, parse_line
from gateway.protocol.types.core_types import Part

MAX_THREAD_SHOWN = 500


class MessageContext(ChatContext, Protocol):
    """What these actions need of the chat."""

    async def say(self, said: AddressedText, line: str, parts: tuple[Part, ...]) -> None: ...

    async def copy_text(self, text: str) -> bool: ...

    async def go_to_mention(self) -> None: ...


async def _message(chat: ChatContext, order: ParsedCommand) -> Message:
    """The message of this number: a shown one, or one that the gateway has."""
    number = int(order.values["number"])
    known = chat.state.stream.message(number)
    return known or (await chat.client.request(Show(message=number), MessageDetail)).message


async def reply_to_message(chat: MessageContext, order: ParsedCommand) -> ActionResult:
    message, text = await _message(chat, order), order.values["text"]
    said = parse_line(text)
    if not isinstance(said, AddressedText):
        raise BadRequest("/reply NUMBER takes a message, not a command.")
    _check_room(chat.state, message)
    before, target = chat.state.target, DraftTarget(TargetKind.REPLY, message)
    chat.state.target = target
    try:
        await chat.say(said, f"/reply {message.seq} {text}", ())
    except Exception:
        if chat.state.target == target:  # the line names its message itself, and must not aim the next one, too
            chat.state.target = before
        raise
    return None


def _check_room(state: ChatState, message: Message) -> None:
    if message.room != state.room:
        raise BadRequest(f"#{message.seq} is in {message.room}: /join {message.room}, then reply there.")


async def show_thread(chat: MessageContext, order: ParsedCommand) -> ActionResult:
    number = int(order.values["number"])
    found = await chat.client.request(Thread(message=number, limit=MAX_THREAD_SHOWN), MessageList)
    more = " and more" if found.more else ""
    title = f"Thread of #{number}: {len(found.messages)}{more}"
    overlay = list_overlay.overlay_of_messages(title, found.messages, chat.state.names)
    overlay.chosen = next((at for at, one in enumerate(found.messages) if one.seq == number), 0)
    return overlay


async def react_to_message(chat: MessageContext, order: ParsedCommand) -> ActionResult:
    """A sign that this person has put there is taken off again."""
    number, sign = int(order.values["number"]), order.values["sign"]
    remove = sign in chat.state.marks.own_signs(number, chat.state.me)
    await chat.client.request(React(message=number, sign=sign, remove=remove), Done)
    return f"{sign} is {'off' if remove else 'on'} #{number}."


async def pin_to_room(chat: MessageContext, order: ParsedCommand) -> ActionResult:
    number = int(order.values["number"])
    await chat.client.request(Pin(message=number), Done)
    return f"#{number} is pinned; /pins lists what is."


async def unpin_from_room(chat: MessageContext, order: ParsedCommand) -> ActionResult:
    number = int(order.values["number"])
    await chat.client.request(Pin(message=number, remove=True), Done)
    return f"#{number} is no longer pinned."


async def show_pins(chat: MessageContext, order: ParsedCommand) -> ActionResult:
    found = await fetch_pins(chat.client, chat.state.room)
    if not found.pins:
        return f"Nothing is pinned in {chat.state.room}. /pin NUMBER pins a message."
    messages = [one.message for one in found.pins]
    return list_overlay.overlay_of_messages(f"Pinned in {chat.state.room}", messages, chat.state.names)


async def copy_message(chat: MessageContext, order: ParsedCommand) -> ActionResult:
    if "number" in order.values:
        message = await _message(chat, order)
    elif (newest := chat.state.stream.message(chat.state.stream.newest() or 0)) is not None:
        message = newest
    else:
        raise BadRequest("There is no message to copy yet.")
    text, what = text_to_copy(message, order.get("code") or "")
    if not await chat.copy_text(text):
        raise Unavailable(
            f"The text is too long for the terminal's clipboard: `groupchat history` prints #{message.seq}."
        )
    return f"Copied {what}: {len(text)} character{'' if len(text) == 1 else 's'}."


async def show_mention(chat: MessageContext, order: ParsedCommand) -> ActionResult:
    await chat.go_to_mention()
    return None


MESSAGE_ACTIONS: dict[str, Callable[[MessageContext, ParsedCommand], Awaitable[ActionResult]]] = {
    "reply": reply_to_message,
    "thread": show_thread,
    "react": react_to_message,
    "pin": pin_to_room,
    "unpin": unpin_from_room,
    "pins": show_pins,
    "copy": copy_message,
    "mentions": show_mention,
}

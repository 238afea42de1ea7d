"""Mode commands of the chat: start, lead and end a mode."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from controller.chat.context import ActionResult, ChatContext
from controller.commands import mode_text
from controller.commands.command_table import ParsedCommand
from controller.commands.continue_text import health_rows
from controller.view import list_overlay
from controller.view.list_overlay import ListOverlay
from gateway.protocol.modes import EndMode, ExtendTurn, GetMode, Modes, NextTurn
from gateway.protocol.requests import Request, Status
from gateway.protocol.results import Health, ModeList, ModeStanding


async def _send_mode_request(chat: ChatContext, request: Request) -> None:
    """Send the request. Its result is announced in the room and in the status line."""
    await chat.client.request(request, ModeStanding)


async def change_mode(chat: ChatContext, order: ParsedCommand) -> ListOverlay | None:
    name = order.get("mode")
    if name is None:
        found = await chat.client.request(Modes(), ModeList)
        return list_overlay.overlay_of_pairs(
            "Modes", [*mode_text.mode_list_rows(found.modes, brief=True), ("such as", mode_text.MODE_USAGE)]
        )
    await _send_mode_request(chat, mode_text.parse_mode_command(name, order.get("topic") or "", chat.state.room))
    return None


async def show_mode_status(chat: ChatContext, order: ParsedCommand) -> ListOverlay:
    standing = await chat.client.request(GetMode(room=chat.state.room), ModeStanding)
    health = await chat.client.request(Status(), Health)
    floor = mode_text.mode_rows(standing.floor)
    return list_overlay.overlay_of_pairs(f"{chat.state.room}, and the gateway", [*floor, *health_rows(health)])


async def pass_turn(chat: ChatContext, order: ParsedCommand) -> None:
    await _send_mode_request(chat, NextTurn(room=chat.state.room))


async def extend_current_turn(chat: ChatContext, order: ParsedCommand) -> str:
    seconds = mode_text.parse_seconds(order.get("time"))
    standing = await chat.client.request(ExtendTurn(room=chat.state.room, seconds=seconds), ModeStanding)
    return f"{standing.floor.speaker} has {seconds:g} s more."


async def end_current_mode(chat: ChatContext, order: ParsedCommand) -> None:
    await _send_mode_request(chat, EndMode(room=chat.state.room))


MODE_ACTIONS: dict[str, Callable[[ChatContext, ParsedCommand], Awaitable[ActionResult]]] = {
    "mode": change_mode,
    "status": show_mode_status,
    "next": pass_turn,
    "extend": extend_current_turn,
    "end": end_current_mode,
}

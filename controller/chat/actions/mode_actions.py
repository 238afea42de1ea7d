"""Mode commands of the chat: start, lead and end a mode."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from controller.chat.actions.action_interface import ActionResult, ChatContext
from controller.chat_commands import mode_commands
from controller.chat_commands.command_table import ParsedCommand
from controller.view.stream import list_overlay
from controller.view.stream.list_overlay import ListOverlay
from controller.wording.status_text import status_rows
from gateway.protocol.requests.connection_requests import Status
from gateway.protocol.requests.mode_requests import EndMode, ExtendTurn, GetMode, Modes, NextTurn
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Health, ModeList, ModeStanding


async def _send_mode_request(chat: ChatContext, request: Request) -> None:
    """Send the request. Its result is announced in the room and in the status line."""
    await chat.client.request(request, ModeStanding)


async def change_mode(chat: ChatContext, order: ParsedCommand) -> ListOverlay | None:
    name = order.get("mode")
    if name is None:
        found = await chat.client.request(Modes(), ModeList)
        return list_overlay.overlay_of_pairs(
            "Modes", [*mode_commands.mode_list_rows(found.modes, brief=True), ("such as", mode_commands.MODE_USAGE)]
        )
    await _send_mode_request(chat, mode_commands.parse_mode_command(name, order.get("topic") or "", chat.state.room))
    return None


async def show_mode_status(chat: ChatContext, order: ParsedCommand) -> ListOverlay:
    standing = await chat.client.request(GetMode(room=chat.state.room), ModeStanding)
    health = await chat.client.request(Status(), Health)
    floor = mode_commands.mode_rows(standing.floor)
    rows = [("room", chat.state.room), *floor, *status_rows(health, chat.about)]
    return list_overlay.overlay_of_pairs("Room, team and gateway", rows)


async def pass_turn(chat: ChatContext, order: ParsedCommand) -> None:
    await _send_mode_request(chat, NextTurn(room=chat.state.room))


async def extend_current_turn(chat: ChatContext, order: ParsedCommand) -> str:
    seconds = mode_commands.parse_seconds(order.get("time"))
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

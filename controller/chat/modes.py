"""Modes in the chat: beginning, leading and ending one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from controller.commands import mode_text
from controller.commands.command_table import Order
from controller.commands.continue_text import health_pairs
from controller.view import list_overlay
from controller.view.chat_state import ChatState
from controller.view.list_overlay import Sheet
from gateway.client import Client
from gateway.protocol.modes import EndMode, ExtendTurn, GetMode, Modes, NextTurn
from gateway.protocol.requests import Request, Status
from gateway.protocol.results import Health, ModeList, ModeStanding


class Desk(Protocol):
    @property
    def client(self) -> Client: ...

    @property
    def state(self) -> ChatState: ...


async def _led(desk: Desk, request: Request) -> None:
    """What comes of it is told in the room, and on the line that is always there."""
    await desk.client.request(request, ModeStanding)


async def mode(desk: Desk, order: Order) -> Sheet | None:
    name = order.get("mode")
    if name is None:
        found = await desk.client.request(Modes(), ModeList)
        return list_overlay.of_pairs("Modes", [*mode_text.modes(found.modes, brief=True), ("such as", mode_text.USAGE)])
    await _led(desk, mode_text.wish(name, order.get("topic") or "", desk.state.room))
    return None


async def status(desk: Desk, order: Order) -> Sheet:
    standing = await desk.client.request(GetMode(room=desk.state.room), ModeStanding)
    health = await desk.client.request(Status(), Health)
    floor = mode_text.pairs(standing.floor)
    return list_overlay.of_pairs(f"{desk.state.room}, and the gateway", [*floor, *health_pairs(health)])


async def next_turn(desk: Desk, order: Order) -> None:
    await _led(desk, NextTurn(room=desk.state.room))


async def extend(desk: Desk, order: Order) -> str:
    seconds = mode_text.seconds(order.get("time"))
    standing = await desk.client.request(ExtendTurn(room=desk.state.room, seconds=seconds), ModeStanding)
    return f"{standing.floor.speaker} has {seconds:g} s more."


async def end(desk: Desk, order: Order) -> None:
    await _led(desk, EndMode(room=desk.state.room))


ACTIONS: dict[str, Callable[[Desk, Order], Awaitable[Sheet | str | None]]] = {
    "mode": mode,
    "status": status,
    "next": next_turn,
    "extend": extend,
    "end": end,
}

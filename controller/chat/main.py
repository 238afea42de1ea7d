"""Opens the chat in this terminal: connection, state, screen. Run as a module it is the chat of a session's pane."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from controller.chat.chat import Chat, Hands, NoHands
from controller.chat.screen import Screen
from controller.team.pane_scripts import CHAT_OPEN, CHAT_SETTINGS
from controller.team.team import CHAT, ChatSpec
from controller.view.chat_state import ChatState
from gateway.client import Client, Endpoint, find_endpoint, state_folder
from gateway.client.console.cli_options import Context
from gateway.client.console.console_output import complain
from gateway.client.discovery.running_gateway import given_up, running_now, starting_verb
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests import Hello
from gateway.protocol.text.printable_text import short

GATEWAY_WITHIN = 30.0
LOOK_AGAIN = 0.02

FindHands = Callable[[], Awaitable[Hands]]


async def chat(context: Context) -> None:
    """The chat in any terminal. The commands that it runs mean the same team."""
    endpoint, state = context.endpoint(), context.folder
    os.environ.update(context.as_environment())
    await open_chat(endpoint, state, _no_hands, patient=False)


async def chat_of_the_session(state: Path) -> None:
    """In the session's own pane: its gateway may not be there yet."""
    await _open(state)
    await open_chat(find_endpoint(os.environ, state=state), state, lambda: _session_hands(state))


async def open_chat(endpoint: Endpoint, state: Path, find_hands: FindHands, *, patient: bool = True) -> None:
    folder = state / CHAT
    async with Client(endpoint, Hello(echo=True), patient=patient) as client:
        me = client.welcome.you.name
        talk = Chat(
            client,
            ChatState(me),
            find_hands,
            folder / f"{me}.read",
            gave_up=lambda: given_up(state),
            advice=_advice(endpoint, state),
        )
        screen = Screen(talk, _settings(state), history=folder / f"{me}.history")
        _settle_memory()
        await screen.run()
        _tell_unsent(talk)


def _settle_memory() -> None:
    """What was made at the start stays: no collection while a person types walks it again."""
    gc.freeze()


def _advice(endpoint: Endpoint, state: Path) -> str:
    """What helps where the gateway does not come back: a command, if it is one of this machine."""
    return f"try `groupchat {starting_verb(state)}`" if endpoint.socket else "look whether it runs there"


def _tell_unsent(talk: Chat) -> None:
    """On the terminal that is given back."""
    for one in talk.state.outbox.unsent:
        complain(f"Not sent to #{one.room}: {short(one.line, 200)}")


def _settings(state: Path) -> ChatSpec:
    """What the team's file says about the chat."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((state / CHAT_SETTINGS).read_bytes(), type=ChatSpec)
    return ChatSpec()


async def _no_hands() -> Hands:
    return NoHands()


async def _session_hands(state: Path) -> Hands:
    """Looked for when the chat is on the screen already: what knows tmux takes a while to load."""
    from controller.workspace.pane_control import hands_in  # noqa: PLC0415

    return hands_in(state, os.environ) or NoHands()


async def _open(state: Path) -> None:
    """When the gateway is there and every agent has a seat: what is said first reaches all."""
    deadline = time.monotonic() + GATEWAY_WITHIN
    while not ((state / CHAT_OPEN).exists() and _gateway_is_there(state)) and time.monotonic() < deadline:
        await asyncio.sleep(LOOK_AGAIN)


def _gateway_is_there(state: Path) -> bool:
    """Its file is its sign. Where a gateway elsewhere is named there is nothing to wait for."""
    return "CSP_GATEWAY_URL" in os.environ or running_now(state) is not None


def main() -> int:
    try:
        asyncio.run(chat_of_the_session(state_folder(os.environ)))
    except GroupChatError as error:
        complain(error.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

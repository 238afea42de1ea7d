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

from controller.chat.chat import Chat, NoPaneControl, PaneControl
from controller.chat.screen import ChatScreen
from controller.team.pane_scripts import CHAT_OPEN_FILE, CHAT_SETTINGS_FILE
from controller.team.team import CHAT_PANE, ChatSpec
from controller.view.chat_state import ChatState
from gateway.client import Client, Endpoint, find_endpoint, state_folder
from gateway.client.console.cli_options import ClientOptions
from gateway.client.console.console_output import show_error
from gateway.client.discovery.running_gateway import read_live_gateway, read_supervisor_failure, start_command_name
from gateway.protocol.errors import GroupChatError
from gateway.protocol.requests import Hello
from gateway.protocol.text.printable_text import shorten_line

GATEWAY_TIMEOUT_S = 30.0
CHECK_INTERVAL_S = 0.02

FindPaneControl = Callable[[], Awaitable[PaneControl]]


async def run_chat(context: ClientOptions) -> None:
    """The chat in any terminal. Commands that it runs use the same team."""
    endpoint, state = context.endpoint(), context.folder
    os.environ.update(context.as_environment())
    await open_chat(endpoint, state, _no_pane_control, patient=False)


async def run_session_chat(state: Path) -> None:
    """The chat in the session's own pane, where the gateway may not run yet."""
    await _wait_until_open(state)
    await open_chat(find_endpoint(os.environ, state=state), state, lambda: _find_pane_control(state))


async def open_chat(
    endpoint: Endpoint, state: Path, find_pane_control: FindPaneControl, *, patient: bool = True
) -> None:
    folder = state / CHAT_PANE
    async with Client(endpoint, Hello(echo=True), patient=patient) as client:
        me = client.welcome.you.name
        talk = Chat(
            client,
            ChatState(me),
            find_pane_control,
            folder / f"{me}.read",
            gave_up=lambda: read_supervisor_failure(state),
            advice=_reconnect_advice(endpoint, state),
        )
        screen = ChatScreen(talk, _chat_settings(state), history=folder / f"{me}.history")
        _freeze_garbage()
        await screen.run()
        _print_unsent(talk)


def _freeze_garbage() -> None:
    """Exclude all objects made so far from garbage collection, which would otherwise pause the person's typing."""
    gc.freeze()


def _reconnect_advice(endpoint: Endpoint, state: Path) -> str:
    """What to do if the gateway does not come back: a command, if it runs on this machine."""
    return f"try `groupchat {start_command_name(state)}`" if endpoint.socket else "look whether it runs there"


def _print_unsent(talk: Chat) -> None:
    """Print unsent messages on the terminal after the chat has left it."""
    for one in talk.state.outbox.unsent:
        show_error(f"Not sent to #{one.room}: {shorten_line(one.line, 200)}")


def _chat_settings(state: Path) -> ChatSpec:
    """The chat settings of the team file."""
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        return msgspec.json.decode((state / CHAT_SETTINGS_FILE).read_bytes(), type=ChatSpec)
    return ChatSpec()


async def _no_pane_control() -> PaneControl:
    return NoPaneControl()


async def _find_pane_control(state: Path) -> PaneControl:
    """Find the pane control after the chat is on the screen: the tmux library takes long to import."""
    from controller.workspace.pane_control import find_pane_control  # noqa: PLC0415

    return find_pane_control(state, os.environ) or NoPaneControl()


async def _wait_until_open(state: Path) -> None:
    """Wait until the gateway runs and every agent is registered, so that the first message reaches all."""
    deadline = time.monotonic() + GATEWAY_TIMEOUT_S
    while not ((state / CHAT_OPEN_FILE).exists() and _gateway_is_there(state)) and time.monotonic() < deadline:
        await asyncio.sleep(CHECK_INTERVAL_S)


def _gateway_is_there(state: Path) -> bool:
    """Whether the gateway has published its file. A gateway elsewhere is not waited for."""
    return "CSP_GATEWAY_URL" in os.environ or read_live_gateway(state) is not None


def main() -> int:
    try:
        asyncio.run(run_session_chat(state_folder(os.environ)))
    except GroupChatError as error:
        show_error(error.message)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Opens the chat in this terminal: connection, state, screen. Run as a module it is the chat of a session's pane."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from controller.chat.full_screen.appearance import asks_background, make_look, read_chat_settings
from controller.chat.full_screen.chat_screen import ChatScreen
from controller.chat.full_screen.keys import key_help
from controller.chat.plain_chat import PlainChat, PlainTerminal
from controller.chat.session.chat_session import Chat, ChatCallbacks
from controller.chat.session.pane_interface import NoPaneControl, PaneControl
from controller.chat.terminal.terminal_background import ask_background
from controller.chat.terminal.terminal_query_answers import InputWithoutAnswers
from controller.requests.encryption.known_keys import KnownKeys
from controller.requests.encryption.member_client import KeyAccess, open_member_client
from controller.team.pane_scripts import CHAT_OPEN_FILE, CHAT_SETTINGS_FILE
from controller.team.team import CHAT_PANE, ChatSpec
from controller.team.workspace_record import read_workspace_record
from controller.view.state.chat_state import ChatState
from controller.wording.status_text import StatusContext
from gateway.client import Client, Endpoint, find_endpoint, state_folder
from gateway.client.discovery.running_gateway import read_live_gateway, read_supervisor_failure, start_command_name
from gateway.console.client_options import ClientOptions
from gateway.console.console_output import print_lines, show_error, show_prompt
from gateway.encryption.key_storage.key_locations import has_keys
from gateway.protocol.errors import BadRequest, GroupChatError
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.room_requests import Join
from gateway.protocol.results import Done
from gateway.protocol.text.printable_text import shorten_line
from gateway.protocol.types.core_types import DEFAULT_ROOM

GATEWAY_TIMEOUT_S = 30.0
CHECK_INTERVAL_S = 0.02

FindPaneControl = Callable[[], Awaitable[PaneControl]]


async def run_chat(context: ClientOptions, room: str = DEFAULT_ROOM, *, plain: bool = False) -> None:
    """The chat in any terminal, on a screen or line by line. Commands that it runs use the same team."""
    endpoint, access = context.endpoint(), KeyAccess.of(context, tolerant=True, follows_events=True)
    os.environ.update(context.as_environment())
    if plain:
        await _run_lines(endpoint, access, room)
    else:
        await open_chat(endpoint, access, _no_pane_control, patient=False, room=room)


async def _run_lines(endpoint: Endpoint, access: KeyAccess, room: str) -> None:
    state = access.state
    async with open_member_client(endpoint, access, Hello(echo=True)) as client:
        me = client.welcome.you.name
        await _join(client, room)

        def make_chat(callbacks: ChatCallbacks) -> Chat:
            read = state / CHAT_PANE / f"{me}.read"
            about, advice = _status_context(endpoint, state), _reconnect_advice(endpoint, state)
            return Chat(
                client,
                ChatState(me, room),
                _no_pane_control,
                callbacks,
                read,
                advice=advice,
                key_rows=key_help(),
                about=about,
                known_keys=KnownKeys(state, me),
                key_problems=access.problems,
            )

        prompt = show_prompt if sys.stdin.isatty() else _show_no_prompt
        lines = PlainChat(make_chat, PlainTerminal(sys.stdin.fileno(), print_lines, prompt))
        await lines.run()
        _print_unsent(lines.chat)


async def _join(client: Client, room: str) -> None:
    """Join the room that is to be shown; everybody is in the default one."""
    if room != DEFAULT_ROOM:
        await client.request(Join(room=room), Done)


def _show_no_prompt(text: str) -> None:
    """Nobody sees the prompt of a chat whose lines come from a file."""


async def run_session_chat(state: Path) -> None:
    """The chat in the session's own pane, where the gateway may not run yet."""
    await _wait_until_open(state)
    access = KeyAccess(state, ClientOptions().passphrase_path, tolerant=True, follows_events=True)
    await open_chat(find_endpoint(os.environ, state=state), access, lambda: _find_pane_control(state))


async def open_chat(
    endpoint: Endpoint,
    access: KeyAccess,
    find_pane_control: FindPaneControl,
    *,
    patient: bool = True,
    room: str = DEFAULT_ROOM,
) -> None:
    state, folder = access.state, access.state / CHAT_PANE
    _refuse_dumb_terminal(os.environ)
    settings, problem = read_chat_settings(os.environ)
    async with contextlib.AsyncExitStack() as stack:
        opening = open_member_client(endpoint, access, Hello(echo=True), patient=patient)
        # A passphrase is typed before the terminal is asked for its colours: its answers come like typed keys.
        known = await stack.enter_async_context(opening) if has_keys(state) else None
        with ask_background(os.environ, wanted=asks_background(settings, os.environ)) as background:
            client = await stack.enter_async_context(opening) if known is None else known
            look = make_look(settings, os.environ, background.read(), sys.stdout.encoding)
        me = client.welcome.you.name
        await _join(client, room)

        def make_chat(callbacks: ChatCallbacks) -> Chat:
            return Chat(
                client,
                ChatState(me, room),
                find_pane_control,
                callbacks,
                folder / f"{me}.read",
                gave_up=lambda: read_supervisor_failure(state),
                advice=_reconnect_advice(endpoint, state),
                key_rows=key_help(look.bindings),
                about=_status_context(endpoint, state),
                known_keys=KnownKeys(state, me),
                key_problems=access.problems,
            )

        spec = settings.spec(_chat_settings(state))
        keys = InputWithoutAnswers(sys.stdin, background.answers) if background.may_be_late else None
        screen = ChatScreen(make_chat, spec, look=look, history=folder / f"{me}.history", input=keys)
        screen.type_ahead(background.typed)
        screen.say(problem, "class:bad")
        _freeze_garbage()
        await screen.run()
        _print_unsent(screen.chat)


def _refuse_dumb_terminal(env: Mapping[str, str]) -> None:
    if env.get("TERM", "dumb") == "dumb":
        raise BadRequest(
            "This terminal cannot place text (TERM=dumb), so it cannot show the chat. `groupchat chat --plain` "
            "shows it line by line."
        )


def _freeze_garbage() -> None:
    """Exclude all objects made so far from garbage collection, which would otherwise pause the person's typing."""
    gc.freeze()


def _status_context(endpoint: Endpoint, state: Path) -> StatusContext:
    """The team of this chat, unless its gateway runs elsewhere."""
    record = read_workspace_record(state) if endpoint.socket else None
    if record is None:
        return StatusContext(url=endpoint.shown)
    return StatusContext(record.team, record.file, record.session, endpoint.shown, str(state))


def _reconnect_advice(endpoint: Endpoint, state: Path) -> str:
    """What to do if the gateway does not come back: a command, if it runs on this machine."""
    return f"try `groupchat {start_command_name(state)}`" if endpoint.socket else "check whether it runs there"


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

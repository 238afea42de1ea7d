"""A chat without a terminal: keys by a pipe, the screen on an emulator, a real gateway behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO, cast

from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output.vt100 import Vt100_Output
from pyghostty import Terminal as Emulator

from controller.chat.full_screen.appearance import ChatLook
from controller.chat.full_screen.chat_screen import ChatScreen
from controller.chat.full_screen.keys import key_help
from controller.chat.session.chat_session import Chat, ChatCallbacks
from controller.chat.session.pane_interface import NoPaneControl, PaneControl
from controller.requests.encryption.known_keys import KnownKeys
from controller.requests.encryption.member_client import KeyAccess, open_member_client
from controller.team.team import ChatSpec
from controller.view.state.chat_state import ChatState
from gateway.client import Endpoint
from gateway.protocol.requests.connection_requests import Hello
from tests.fakes.retry import retry_until


class EmulatedOutput:
    """What prompt-toolkit writes to, and what is then seen."""

    encoding = "utf-8"

    def __init__(self, columns: int, lines: int) -> None:
        self.size = Size(lines, columns)
        self.bells = 0
        self.written = ""
        self._emulator = Emulator(columns, lines)

    def write(self, data: str) -> int:
        self.bells += data.count("\a")
        self.written += data
        self._emulator.feed(data.encode())
        return len(data)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def resize(self, columns: int, lines: int) -> None:
        self.size = Size(lines, columns)
        self._emulator.resize(columns, lines)

    @property
    def rows(self) -> list[str]:
        return [row.rstrip() for row in str(self._emulator.text()).splitlines()]

    def mode(self, number: int) -> bool:
        return bool(self._emulator.mode(number))


@dataclass
class ChatDriver:
    chat: Chat
    screen: ChatScreen
    keys: PipeInput
    emulated: EmulatedOutput
    running: asyncio.Task[None] = field(repr=False)

    def type(self, text: str) -> None:
        self.keys.send_text(text)

    def enter(self, text: str) -> None:
        self.keys.send_text(text + "\r")

    def resize(self, columns: int, lines: int) -> None:
        self.emulated.resize(columns, lines)
        self.screen.app._on_resize()

    async def pages_until(self, key: str, check: Callable[[], object]) -> None:
        """Press a key again and again, as a person does who looks for something."""

        def pressed() -> bool:
            done = bool(check())
            if not done:
                self.keys.send_text(key)
            return done

        await self.until(pressed)

    @property
    def text(self) -> str:
        return "\n".join(self.emulated.rows)

    async def shows(self, *words: str) -> None:
        await self.until(lambda: all(word in self.text for word in words))

    async def hides(self, *words: str) -> None:
        await self.until(lambda: not any(word in self.text for word in words))

    async def until(self, check: Callable[[], object]) -> None:
        await retry_until(check, 60, describe=lambda: f"\n{self.text}\n{self.running}")


def _found(pane_control: PaneControl) -> Callable[[], Awaitable[PaneControl]]:
    async def find() -> PaneControl:
        return pane_control

    return find


@asynccontextmanager
async def drive_chat(
    endpoint: Endpoint,
    *,
    columns: int = 100,
    lines: int = 24,
    spec: ChatSpec | None = None,
    look: ChatLook | None = None,
    pane_control: PaneControl | None = None,
    folder: Path | None = None,
    gave_up: Callable[[], str] = lambda: "",
    machine: Path | None = None,
) -> AsyncIterator[ChatDriver]:
    """`machine`: the state folder with the keys of the chat's member."""
    emulated = EmulatedOutput(columns, lines)
    output = Vt100_Output(cast(TextIO, emulated), lambda: emulated.size, term="xterm-256color", enable_bell=True)
    with create_pipe_input() as keys:
        access = KeyAccess(machine or Path("/nonexistent"), can_ask=lambda: False, tolerant=True, follows_events=True)
        async with open_member_client(endpoint, access, Hello(echo=True), patient=True) as client:
            me = client.welcome.you.name
            memory = folder / f"{me}.read" if folder else None
            found = _found(pane_control or NoPaneControl())

            def make_chat(callbacks: ChatCallbacks) -> Chat:
                return Chat(
                    client,
                    ChatState(me),
                    found,
                    callbacks,
                    memory,
                    gave_up=gave_up,
                    key_rows=key_help(),
                    known_keys=KnownKeys(machine, me),
                    key_problems=access.problems,
                )

            screen = ChatScreen(
                make_chat, spec, look=look, history=folder / "history" if folder else None, input=keys, output=output
            )
            running = asyncio.get_running_loop().create_task(screen.run(), name="chat")
            one = ChatDriver(screen.chat, screen, keys, emulated, running)
            await one.until(lambda: screen.chat.opened and ">" in one.text)
            try:
                yield one
            finally:
                screen.leave()
                await running

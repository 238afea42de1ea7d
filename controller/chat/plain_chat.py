"""The chat line by line, for screen readers and terminals that can do no more: nothing is ever drawn again.

Messages are printed as they come, and the prompt after them. Lines are read as the terminal gives them.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from controller.chat.session.chat_session import Chat, ChatCallbacks, error_text
from controller.view.state.stream_entries import EntryKey
from controller.view.stream.list_overlay import ListOverlay
from controller.view.stream.plain_lines import overlay_lines, plain_lines
from gateway.protocol.events import Message

SHOWN_AT_START = 10
SHOWN_FROM_HERE = 20
CHUNK_BYTES = 65_536


@dataclass(frozen=True)
class PlainTerminal:
    """Where lines come from and go to. `prompt` shows what a line would do, if a person writes."""

    input: int
    write: Callable[[str], None]
    prompt: Callable[[str], None]


class PlainChat:
    def __init__(self, open_chat: Callable[[ChatCallbacks], Chat], terminal: PlainTerminal) -> None:
        self._terminal = terminal
        self._left = asyncio.Event()
        self._room = ""
        self._warned = ""
        self._early: set[EntryKey] = set()  # printed before the page of the room that is entered
        self._shown: set[EntryKey] = set()  # printed with that page
        self.chat = open_chat(ChatCallbacks(jumped=self._jumped, left=self._left.set, follow_event=self._tell))

    async def run(self) -> None:
        """Until the person leaves, or no more lines come."""
        async with asyncio.TaskGroup() as group:
            listening = [
                group.create_task(self._show_errors(self.chat.run()), name="room"),
                group.create_task(self._show_errors(self.chat.watch_gateway()), name="gateway"),
            ]
            reading = group.create_task(self._read(), name="lines")
            leaving = group.create_task(self._left.wait(), name="leave")
            await asyncio.wait([reading, leaving], return_when=asyncio.FIRST_COMPLETED)
            self.chat.remember()
            for task in (*listening, reading, leaving):
                task.cancel()

    async def _read(self) -> None:
        async for line in lines_of(self._terminal.input):
            if line.strip():
                await self._show_errors(self._carry_out(line.strip()))
            self._prompt()

    async def _carry_out(self, line: str) -> None:
        warning = "" if line == self._warned else self.chat.check(line)
        self._warned = line if warning else ""
        if warning:
            self._print(f"{warning} The same line again sends it.")
            return
        self.chat.begin_line()
        found = await self.chat.submit(line)
        self._print(*(overlay_lines(found) if isinstance(found, ListOverlay) else [found] if found else []))

    async def _show_errors(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            self._print(f"Error: {error_text(error)}")

    # what the chat tells

    def _tell(self, event: object) -> None:
        key = (getattr(event, "seq", 0), 0)
        if isinstance(event, Message) and key in self._shown:  # the page of its room was faster
            return
        if lines := plain_lines(event, self.chat.state.me, self.chat.state.room):
            self._print(*lines)
            if self.chat.state.room != self._room:
                self._early.add(key)
            self._prompt()
            self.chat.state.mark_read()
            self.chat.read_reporter.note_shown()

    def _jumped(self, key: EntryKey | None) -> None:
        """Print the newest entries of a room that is entered, or those from an older message on."""
        state = self.chat.state
        if key is None and state.room == self._room:
            return
        keys = (
            [one for one in state.stream.keys if one not in self._early][-SHOWN_AT_START:]
            if key is None
            else [one for one in state.stream.keys if one >= key][:SHOWN_FROM_HERE]
        )
        self._room, self._early, self._shown = state.room, set(), set(keys)
        count = len(state.agents_here())
        agents = f"{count} agent{'' if count == 1 else 's'}"
        self._print(f"Room {state.room}, {agents}. /help lists the commands, /quit leaves.")
        for one in keys:
            self._print(*plain_lines(state.stream.entries[one], state.me, state.room))
        self._prompt()

    def _print(self, *lines: str) -> None:
        for line in lines:
            self._terminal.write(line)

    def _prompt(self) -> None:
        self._terminal.prompt(f"{self.chat.state.me} in {self.chat.state.room}: ")


async def lines_of(descriptor: int) -> AsyncIterator[str]:
    """Lines from a terminal or a pipe. A thread reads, because a descriptor that does not block is shared with the
    output."""
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def read() -> None:
        rest = b""
        while chunk := _read_some(descriptor):
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                loop.call_soon_threadsafe(lines.put_nowait, line.decode(errors="replace"))
        for last in (rest.decode(errors="replace") or None, None):
            loop.call_soon_threadsafe(lines.put_nowait, last)

    threading.Thread(target=read, daemon=True, name="lines").start()
    while (line := await lines.get()) is not None:
        yield line


def _read_some(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, CHUNK_BYTES)
    except OSError:  # the terminal is gone
        return b""

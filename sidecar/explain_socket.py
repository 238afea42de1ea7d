"""A private unix socket through which the same user may ask a running sidecar what it sees, and why.

A line of JSON, `{"ask": "explain" | "watch" | "save"}`, is answered by a line of JSON; `watch` by one per change.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

from sidecar.errors import NotRunning

SOCKET_FILE = "peephole"
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 10.0
MAX_REPLY_BYTES = 1 << 24
MAX_PATH_BYTES = 100
ExplainReply = dict[str, Any]


@contextlib.contextmanager
def socket_address(folder: Path) -> Iterator[str]:
    """The address to bind or to connect to. A path that is too long is shortened through a descriptor of its folder."""
    path = folder / SOCKET_FILE
    if len(os.fsencode(path)) <= MAX_PATH_BYTES:
        yield str(path)
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{fd}/{SOCKET_FILE}"
    finally:
        os.close(fd)


class ExplainSocket:
    """`look` explains the current state, `save` adds its recording, `looked` is set after each look."""

    def __init__(
        self, look: Callable[[], ExplainReply], save: Callable[[], ExplainReply], looked: asyncio.Event
    ) -> None:
        self._look, self._save, self._looked = look, save, looked
        self._open: set[asyncio.StreamWriter] = set()

    @contextlib.asynccontextmanager
    async def opened(self, folder: Path) -> AsyncIterator[None]:
        (folder / SOCKET_FILE).unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        with socket_address(folder) as address:
            listener.bind(address)
        (folder / SOCKET_FILE).chmod(0o600)
        server = await asyncio.start_unix_server(self._serve, sock=listener)
        try:
            yield
        finally:
            server.close()
            (folder / SOCKET_FILE).unlink(missing_ok=True)
            await self._close_watchers()

    async def _close_watchers(self) -> None:
        """End all watchers, because the screen is about to be closed."""
        while self._open:
            for writer in self._open:
                writer.close()
            self._looked.set()
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(OSError, ValueError, TimeoutError):
            if is_same_user(writer.get_extra_info("socket")):
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    asked = json.loads(await reader.readline())
                await self._answer(asked.get("ask"), writer)
        self._open.discard(writer)
        writer.close()

    async def _answer(self, ask: object, writer: asyncio.StreamWriter) -> None:
        match ask:
            case "explain":
                await _write_reply(writer, self._look())
            case "save":
                await _write_reply(writer, self._save())
            case "watch":
                await self._tell_changes(writer)
            case _:
                await _write_reply(writer, {"error": f"A sidecar cannot be asked {ask!r}."})

    async def _tell_changes(self, writer: asyncio.StreamWriter) -> None:
        """Until the watcher disconnects."""
        before = None
        while not writer.is_closing():
            self._looked.clear()
            facts = self._look()
            verdict = {**facts["verdict"], "look_again": None}
            if verdict != before:
                before = verdict
                await _write_reply(writer, facts)
            await self._looked.wait()


async def _write_reply(writer: asyncio.StreamWriter, facts: ExplainReply) -> None:
    writer.write(json.dumps(facts, ensure_ascii=False).encode(errors="replace") + b"\n")
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        await writer.drain()


def is_same_user(peer: socket.socket) -> bool:
    """Where the system does not tell who connects, only the folder's mode keeps others out."""
    if not hasattr(socket, "SO_PEERCRED"):
        return True
    _, user, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return bool(user == os.getuid())


async def ask_sidecar_for(
    folder: Path, name: str, what: str, within: float = ANSWER_TIMEOUT_S
) -> AsyncIterator[ExplainReply]:
    """The answers of the sidecar that runs under this name. Only the first answer has a time limit; a watched change
    may take any time."""
    try:
        with socket_address(folder) as address:
            reader, writer = await asyncio.open_unix_connection(address, limit=MAX_REPLY_BYTES)
    except OSError as error:
        raise NotRunning(_not_running_text(folder, name)) from error
    try:
        writer.write(json.dumps({"ask": what}).encode() + b"\n")
        yield json.loads(await _read_first(reader, name, within))
        async for line in reader:
            yield json.loads(line)
    finally:
        writer.close()


async def _read_first(reader: asyncio.StreamReader, name: str, within: float) -> bytes:
    try:
        async with asyncio.timeout(within):
            line = await reader.readline()
    except TimeoutError:
        line = b""
    if not line.endswith(b"\n"):
        raise NotRunning(
            f"The sidecar of {name} did not answer within {within:g} s. If this continues, `groupchat restart {name}` "
            "restarts it."
        )
    return line


def _not_running_text(folder: Path, name: str) -> str:
    others = sorted(one.parent.name for one in folder.parent.glob(f"*/{SOCKET_FILE}"))
    running = f" Running here: {', '.join(others)}." if others else " None is running here."
    return f"No sidecar named {name} runs with {folder.parent.parent}.{running}"

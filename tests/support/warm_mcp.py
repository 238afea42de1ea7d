"""The MCP process of a gateway in this process, as a fork of a process that has imported it (see `tests/support/warm`).

Its cold start, which takes two seconds of a processor, is in the tests of real CLIs and in those of `gateway/mcp` that
start the whole gateway or end this process.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence

from tests.support import warm

COMMAND = [sys.executable, "-P", "-m", warm.GATEWAY]


async def start(command: Sequence[str], env: Mapping[str, str]) -> WarmProcess:
    assert list(command[: len(COMMAND)]) == COMMAND and warm.fits(env)
    (given, held), (out, told), (err, warned) = os.pipe(), os.pipe(), os.pipe()
    try:
        fork = warm.Fork(warm.GATEWAY, command[len(COMMAND) :], env, (given, told, warned))
    finally:
        for one in (given, told, warned):
            os.close(one)
    running = WarmProcess(fork, held)
    running.stdout, running.stderr = await running.reader_of(out), await running.reader_of(err)
    return running


class WarmProcess:
    """A fork with the part of `asyncio.subprocess.Process` that the gateway needs."""

    stdout: asyncio.StreamReader
    stderr: asyncio.StreamReader

    def __init__(self, fork: warm.Fork, given: int) -> None:
        """`given`: the end of its standard input that is held open."""
        self.pid = fork.pid
        self.returncode: int | None = None
        self._fork, self._given = fork, given
        self._pipes: list[asyncio.ReadTransport] = []
        self._ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(fork.fileno(), self._end)

    async def reader_of(self, file: int) -> asyncio.StreamReader:
        reader = asyncio.StreamReader()
        pipe, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader),
            open(file, "rb"),  # noqa: SIM115 - the transport closes it
        )
        self._pipes.append(pipe)
        return reader

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fork.fileno())
        self.returncode = self._fork.wait(10)
        os.close(self._given)
        for pipe in self._pipes:
            pipe.close()
        self._ended.set()

    def terminate(self) -> None:
        self._fork.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self._fork.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

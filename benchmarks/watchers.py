"""Sockets that watch a room; the first of them also sends. Every socket checks every number it sees."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from benchmarks.corpus import texts
from benchmarks.jobs import Job, Report, Wire
from benchmarks.raw_socket import RawSocket, connect, done_or_lost
from gateway.client import new_id

MARK = b"/no/"  # also possible in base64
DIGITS = 9
QUIET = 0.7
PATIENCE = 10.0
AT_ONCE = 20
HELLO = {"op": "hello", "n": 1, "echo": True}


class Watcher(RawSocket):
    def __init__(self, seen: Callable[[], None] | None = None) -> None:
        super().__init__()
        self.expected = 0
        self.got = 0
        self.out_of_order = 0
        self._seen = seen

    def text(self, data: bytes, start: int, end: int) -> None:
        at = data.find(MARK, start, end)
        if at < 0:
            return
        number = int(data[at + len(MARK) : at + len(MARK) + DIGITS])
        if number != self.expected:
            self.out_of_order += number < self.expected
        self.expected = number + 1
        self.got += 1
        if self._seen is not None:
            self._seen()


def skynet_broadcast(content: str) -> bytes:
    data = {
        "id": new_id(),
        "from_agent": "watcher",
        "type": "broadcast",
        "channel": "default",
        "payload": {"content": content, "context": {}, "meta": {}},
        "timestamp": "2026-01-01T00:00:00Z",
        "trace_id": "t",
    }
    return msgspec.json.encode({"type": "mcp_message", "data": data})


class Crowd:
    """All sockets of one job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._done = asyncio.Event()
        self._speech = self._frames()
        self._speaker = Watcher(None if job.is_silent else self._say_next)
        self._watchers = [self._speaker, *(Watcher() for _ in range(job.sockets - 1))]
        self._ears = self._watchers
        if job.wire is Wire.SKYNET:  # its senders do not get their own messages: a socket more speaks
            self._mouth = Watcher()
            self._ears = [*self._watchers, self._mouth]
        else:
            self._mouth = self._speaker

    async def connect(self) -> None:
        for start in range(0, len(self._ears), AT_ONCE):
            await asyncio.gather(
                *(self._open(number) for number in range(start, min(start + AT_ONCE, len(self._ears))))
            )
        await self._settle()

    async def _open(self, number: int) -> None:
        watcher, tokens = self._ears[number], self._job.tokens
        await connect(watcher, self._job.port, self._job.path, tokens[number % len(tokens)] if tokens else None)
        if tokens and self._job.wire is Wire.FULL:
            rooms = {"rooms": [self._job.room]} if self._job.room else {}
            watcher.say(msgspec.json.encode({**HELLO, **rooms}))

    async def _settle(self) -> None:
        """Wait until the join events have ended."""
        before = -1
        while before != (now := sum(one.frames for one in self._ears)):
            before = now
            await asyncio.sleep(QUIET)

    def _frames(self) -> Iterator[bytes]:
        source = texts(self._job.size - len(MARK) - DIGITS - 1)
        for number in range(self._job.messages):
            content = f"{MARK.decode()}{number:0{DIGITS}d} {next(source)}"
            if self._job.wire is Wire.SKYNET:
                yield skynet_broadcast(content)
            elif self._job.tokens:
                yield msgspec.json.encode(self._request(number, content))
            else:
                yield content.encode()

    def _request(self, number: int, content: str) -> dict[str, Any]:
        ask = {"op": "send", "n": number + 2, "id": new_id()}
        room = {"room": self._job.room} if self._job.room else {}
        if not self._job.sealed:
            return {**ask, **room, "content": content}
        box = content.replace(" ", "/").replace(".", "/")
        return {**ask, **room, "content": "", "sealed": {"room_key": 1, "data": box}}

    def _say_next(self) -> None:
        """Send one more for each that came back, unless they are sent in their own time."""
        if self._job.interval_s:
            return
        frame = next(self._speech, None)
        if frame is not None:
            self._mouth.say(frame)
        elif self._speaker.got == self._job.messages:
            self._done.set()

    async def run(self) -> Report:
        begun = time.perf_counter()
        if not self._job.is_silent:
            await self._say_all()
        await self._everybody()
        seconds = time.perf_counter() - begun
        got = sum(one.got for one in self._watchers)
        lost = self._job.messages * len(self._watchers) - got
        return Report(seconds, self._job.messages, got, lost, sum(one.out_of_order for one in self._watchers))

    async def _say_all(self) -> None:
        if self._job.interval_s:
            for frame in self._speech:
                self._mouth.say(frame)
                await asyncio.sleep(self._job.interval_s)
            return
        for _ in range(self._job.in_flight):
            self._say_next()
        await done_or_lost(self._done, self._watchers)

    async def _everybody(self) -> None:
        """Run until every socket has every message, or none has arrived for long."""
        progress, since = -1, time.perf_counter()
        while any(one.got < self._job.messages for one in self._watchers):
            got = sum(one.got for one in self._watchers)
            if got != progress:
                progress, since = got, time.perf_counter()
            elif time.perf_counter() - since > PATIENCE:
                return
            await asyncio.sleep(0.001)

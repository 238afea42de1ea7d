"""Sockets that watch a room; the first of them also speaks. Every socket checks every number it sees."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import msgspec

from benchmarks.corpus import texts
from benchmarks.jobs import Job, Report
from benchmarks.raw_socket import RawSocket, connect, done_or_lost
from gateway.client import new_id

MARK = b"#no"
DIGITS = 9
QUIET = 0.7
PATIENCE = 10.0
AT_ONCE = 20
HELLO = b'{"op":"hello","n":1,"echo":true}'


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
        number = int(data[at + 3 : at + 3 + DIGITS])
        if number != self.expected:
            self.out_of_order += number < self.expected
        self.expected = number + 1
        self.got += 1
        if self._seen is not None:
            self._seen()


class Crowd:
    """All sockets of one job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._done = asyncio.Event()
        self._speech = self._frames()
        self._speaker = Watcher(self._say_next)
        self._watchers = [self._speaker, *(Watcher() for _ in range(job.sockets - 1))]

    async def connect(self) -> None:
        for start in range(0, len(self._watchers), AT_ONCE):
            await asyncio.gather(
                *(self._open(number) for number in range(start, min(start + AT_ONCE, len(self._watchers))))
            )
        await self._settle()

    async def _open(self, number: int) -> None:
        watcher, tokens = self._watchers[number], self._job.tokens
        await connect(watcher, self._job.port, self._job.path, tokens[number % len(tokens)] if tokens else None)
        if tokens:
            watcher.say(HELLO)

    async def _settle(self) -> None:
        """Until the talk about who came is over."""
        before = -1
        while before != (now := sum(one.frames for one in self._watchers)):
            before = now
            await asyncio.sleep(QUIET)

    def _frames(self) -> Iterator[bytes]:
        source = texts(self._job.size - len(MARK) - DIGITS - 1)
        for number in range(self._job.messages):
            content = f"{MARK.decode()}{number:0{DIGITS}d} {next(source)}"
            if self._job.tokens:
                ask = {"op": "send", "n": number + 2, "id": new_id(), "content": content}
                yield msgspec.json.encode(ask)
            else:
                yield content.encode()

    def _say_next(self) -> None:
        """One more, for each that came back."""
        frame = next(self._speech, None)
        if frame is not None:
            self._speaker.say(frame)
        elif self._speaker.got == self._job.messages:
            self._done.set()

    async def run(self) -> Report:
        begun = time.perf_counter()
        for _ in range(self._job.in_flight):
            self._say_next()
        await done_or_lost(self._done, self._watchers)
        await self._everybody()
        seconds = time.perf_counter() - begun
        got = sum(one.got for one in self._watchers)
        lost = self._job.messages * len(self._watchers) - got
        return Report(seconds, self._job.messages, got, lost, sum(one.out_of_order for one in self._watchers))

    async def _everybody(self) -> None:
        """Until all have everything, or nothing has come for long."""
        progress, since = -1, time.perf_counter()
        while any(one.got < self._job.messages for one in self._watchers):
            got = sum(one.got for one in self._watchers)
            if got != progress:
                progress, since = got, time.perf_counter()
            elif time.perf_counter() - since > PATIENCE:
                return
            await asyncio.sleep(0.001)

"""Sockets that each send, wait until it is accepted, and send again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import msgspec

from benchmarks.corpus import texts
from benchmarks.jobs import Job, Report
from benchmarks.raw_socket import RawSocket, connect, done_or_lost
from gateway.client import new_id

HELLO = b'{"op":"hello","n":1}'
ACCEPTED = b'"ok":{"seq":'


class Voice(RawSocket):
    def __init__(self, frames: Iterator[bytes], finished: Callable[[], None]) -> None:
        super().__init__()
        self.latencies: list[float] = []
        self.refused = 0
        self._frames = frames
        self._finished = finished
        self._said_at = 0.0

    def text(self, data: bytes, start: int, end: int) -> None:
        if data[start : start + 5] != b'{"re"' or not self._said_at:
            return
        self.latencies.append(time.perf_counter() - self._said_at)
        self.refused += data.find(ACCEPTED, start, end) < 0
        self.say_next()

    def say_next(self) -> None:
        frame = next(self._frames, None)
        if frame is None:
            self._finished()
            return
        self._said_at = time.perf_counter()
        self.say(frame)


class Choir:
    """All senders of one job; they share the messages."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._running = job.sockets
        self._done = asyncio.Event()
        frames = iter(list(self._make_frames()))
        self._voices = [Voice(frames, self._one_less) for _ in range(job.sockets)]

    def _make_frames(self) -> Iterator[bytes]:
        source = texts(self._job.size)
        for number in range(self._job.messages):
            ask = {"op": "send", "n": number + 2, "id": new_id(), "content": next(source)}
            yield msgspec.json.encode({**ask, "to": self._job.to} if self._job.to else ask)

    def _one_less(self) -> None:
        self._running -= 1
        if not self._running:
            self._done.set()

    async def connect(self) -> None:
        for voice, token in zip(self._voices, self._job.tokens, strict=True):
            await connect(voice, self._job.port, self._job.path, token)
            voice.say(HELLO)
        await asyncio.sleep(1)

    async def run(self) -> Report:
        begun = time.perf_counter()
        for voice in self._voices:
            voice.say_next()
        await done_or_lost(self._done, self._voices)
        seconds = time.perf_counter() - begun
        latencies = [one for voice in self._voices for one in voice.latencies]
        refused = sum(one.refused for one in self._voices)
        return Report(seconds, len(latencies), len(latencies) - refused, refused, latencies=tuple(latencies))

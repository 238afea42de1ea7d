"""Sockets that together send at a fixed rate, whatever the answers take, until they are told to stop."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence

import msgspec

from benchmarks.corpus import texts
from benchmarks.raw_socket import RawSocket, connect
from gateway.client import new_id

HELLO = b'{"op":"hello","n":1}'
SIZE = 200
TURN_S = 0.005


class PacedVoice(RawSocket):
    """Answers come in the order of the requests. `waits` holds when each was sent, and how long it waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[tuple[float, float]] = []
        self._sent: deque[float] = deque()

    def text(self, data: bytes, start: int, end: int) -> None:
        if self._sent and data[start : start + 5] == b'{"re"':
            sent = self._sent.popleft()
            self.waits.append((sent, time.perf_counter() - sent))

    def say_at(self, frame: bytes) -> None:
        self._sent.append(time.perf_counter())
        self.say(frame)

    @property
    def waiting(self) -> int:
        return len(self._sent)


async def connected(port: int, tokens: Sequence[str]) -> list[PacedVoice]:
    voices = []
    for token in tokens:
        voice = PacedVoice()
        await connect(voice, port, "/v1/ws", token)
        voice.say(HELLO)
        voices.append(voice)
    await asyncio.sleep(1)
    return voices


async def send_paced(voices: Sequence[PacedVoice], per_second: float, stop: asyncio.Event) -> None:
    """Every few milliseconds as many as are due, spread over the voices."""
    frames, began, said = _frames(), time.perf_counter(), 0
    while not stop.is_set():
        due = int((time.perf_counter() - began) * per_second)
        for _ in range(due - said):
            voices[said % len(voices)].say_at(next(frames))
            said += 1
        await asyncio.sleep(TURN_S)
    while any(voice.waiting for voice in voices):
        await asyncio.sleep(TURN_S)


def _frames() -> Iterator[bytes]:
    source, number = texts(SIZE), 1
    while True:
        number += 1
        yield msgspec.json.encode({"op": "send", "n": number, "id": new_id(), "content": next(source)})


def waits_between(voices: Sequence[PacedVoice], begin: float, end: float) -> list[float]:
    return [wait for voice in voices for sent, wait in voice.waits if begin <= sent <= end]

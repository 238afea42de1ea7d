"""Runs slow work, such as merging large documents, in one thread, so that it does not block the event loop.

The thread does one job at a time, and a member has at most one job there, followed by a pause of the same length: a
member with much work waits for its own jobs, and others hardly notice. `THREAD_SWITCH_INTERVAL_S` bounds how long this
thread keeps Python's interpreter lock while the event loop waits.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TypeVar

T = TypeVar("T")

LARGE_DOCUMENT_BYTES = 32 * 1024
THREAD_SWITCH_INTERVAL_S = 0.0005
MAX_REST_S = 0.25


class WorkerThread:
    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "aside")
        self._turns: dict[str, tuple[asyncio.Lock, int]] = {}

    async def run(self, member: str, size: int, work: Callable[[], T]) -> T:
        """The result of `work` on `size` bytes. A small job runs at once, in the event loop."""
        if size < LARGE_DOCUMENT_BYTES:
            return work()
        loop = asyncio.get_running_loop()
        async with self._turn(member):
            begun = loop.time()
            done = await loop.run_in_executor(self._thread, work)
            await asyncio.sleep(min(loop.time() - begun, MAX_REST_S))
            return done

    @asynccontextmanager
    async def _turn(self, member: str) -> AsyncIterator[None]:
        lock, waiting = self._turns.get(member, (asyncio.Lock(), 0))
        self._turns[member] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._turns[member]
            if waiting > 1:
                self._turns[member] = (lock, waiting - 1)
            else:
                del self._turns[member]

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


def set_thread_switch_interval() -> None:
    """Set once per process: the event loop waits at most this long for another thread that computes."""
    sys.setswitchinterval(THREAD_SWITCH_INTERVAL_S)

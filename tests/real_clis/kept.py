"""One real CLI for many tests of a module, since it takes seconds to start. Each test begins where it is at rest."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass
class Kept(Generic[T]):
    """What `start` starts in a folder of its own, for one test after another. `begin` waits until it is at rest and
    forgets what went before; where it fails, the test before it fails too, and the next test gets a fresh one."""

    start: Callable[[Path], AbstractAsyncContextManager[T]]
    begin: Callable[[T], Awaitable[None]]
    folder: Callable[[], Path]
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _one: T | None = None

    @contextlib.asynccontextmanager
    async def lent(self) -> AsyncIterator[T]:
        if self._one is None:
            self._one = await self._stack.enter_async_context(self.start(self.folder()))
        try:
            yield self._one
            await self.begin(self._one)
        except BaseException:
            await self.end()
            raise

    async def end(self) -> None:
        self._one = None
        await self._stack.aclose()


@contextlib.asynccontextmanager
async def kept(
    start: Callable[[Path], AbstractAsyncContextManager[T]],
    begin: Callable[[T], Awaitable[None]],
    folder: Callable[[], Path],
) -> AsyncIterator[Kept[T]]:
    one = Kept(start, begin, folder)
    try:
        yield one
    finally:
        await one.end()

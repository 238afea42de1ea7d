"""One real CLI for many tests of a module, because it takes seconds to start. Each test begins when it is idle."""

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
    """The object of `start` in a separate folder, for one test after another. `begin` waits until it is idle and
    forgets earlier events; if it fails, the test before it fails too, and the next test gets a new one."""

    start: Callable[[Path], AbstractAsyncContextManager[T]]
    begin: Callable[[T], Awaitable[None]]
    folder: Callable[[], Path]
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _one: T | None = None

    @contextlib.asynccontextmanager
    async def lent(self) -> AsyncIterator[T]:
        one = await self._started()
        try:
            yield one
            await self.begin(one)
        except BaseException:
            await self.end()
            raise

    @contextlib.asynccontextmanager
    async def spent(self) -> AsyncIterator[T]:
        """For a test that uses it up."""
        one = await self._started()
        try:
            yield one
        finally:
            await self.end()

    async def _started(self) -> T:
        if self._one is None:
            self._one = await self._stack.enter_async_context(self.start(self.folder()))
        return self._one

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

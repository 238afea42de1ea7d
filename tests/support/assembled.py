"""A gateway in this process with replaced parts: another clock, a store that fails on demand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.access.tokens import token_digest
from gateway.runtime.hub import Hub
from gateway.server import gateway_process
from gateway.server.state_folder.open_hub import add_modes
from gateway.server.state_folder.open_store import open_sqlite_store
from gateway.server.state_folder.startup_tokens import ensure_operator_token
from gateway.store import LogEntry, Store
from gateway.store.sqlite import SqliteStore
from tests.support.gateways import TEAM_TOKEN, Gateway, config_for


class Clock:
    """A clock that a test sets."""

    def __init__(self, now: float | None = None) -> None:
        self.now = time.time() if now is None else now

    def __call__(self) -> float:
        return self.now


class LateStore(SqliteStore):
    """The real store; while `gate` is closed, commits are not reported (`committed`), or not yet made."""

    def __init__(self, path: Path, *, committed: bool = False) -> None:
        super().__init__(path)
        self.gate = asyncio.Event()
        self.gate.set()
        self._committed = committed

    async def append(self, batch: Sequence[LogEntry]) -> list[int]:
        if self._committed:
            seqs = await super().append(batch)
            await self.gate.wait()
            return seqs
        await self.gate.wait()
        return await super().append(batch)


class StumblingStore(SqliteStore):
    """The real store; while `stumble` is set, every commit fails with the exception that it returns."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.stumble: Callable[[], Exception] | None = None

    async def append(self, batch: Sequence[LogEntry]) -> list[int]:
        if self.stumble is not None:
            raise self.stumble()
        return await super().append(batch)

    async def pragma(self, text: str) -> int:
        """The answer of a PRAGMA on the writer's own connection."""
        return int(await self.text_pragma(text))

    async def text_pragma(self, text: str) -> str:
        return str(await self._write(lambda connection: connection.execute(f"PRAGMA {text}").fetchone()[0]))


@asynccontextmanager
async def assembled(
    state: Path,
    *,
    store: Store | None = None,
    clock: Callable[[], float] | None = None,
    **changes: object,
) -> AsyncIterator[Gateway]:
    config = add_modes(config_for(state, **changes))
    hub = Hub(store or open_sqlite_store(config), config, team_digest=token_digest(TEAM_TOKEN), clock=clock)
    await hub.start()
    try:
        await ensure_operator_token(hub, config)
        async with gateway_process.run_listeners(config, hub) as found:
            yield Gateway(found.url, hub, config, found.listeners)
    finally:
        await hub.stop()

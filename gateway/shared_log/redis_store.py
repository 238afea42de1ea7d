"""The store whose log is in Redis. It appends to the log first, then to this gateway's copy, from which it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from gateway.protocol.errors import GroupChatError, StorageFailed
from gateway.shared_log.lease import Lease
from gateway.shared_log.log_keys import LogKeys
from gateway.shared_log.projected_reads import ProjectedReads
from gateway.shared_log.projection import Projection
from gateway.shared_log.redis_address import RedisAddress
from gateway.shared_log.redis_connection import RedisConnection
from gateway.shared_log.redis_log import RedisLog
from gateway.shared_log.server_promises import (
    NO_DEMANDS,
    Demands,
    RedisServer,
    check_server,
    choose_confirmation,
    read_server,
)
from gateway.store import LogEntry, StartupData

log = structlog.get_logger("gateway.shared_log.redis_store")

STANDBY_INTERVAL_S = 0.25


class RedisStore(ProjectedReads):
    """`gateway` is the id of the state folder: whoever holds its lock takes over from an earlier process at once. A
    standby waits while another gateway decides."""

    def __init__(
        self,
        address: RedisAddress,
        copy: Path,
        gateway: str,
        demands: Demands = NO_DEMANDS,
        *,
        is_standby: bool = False,
    ) -> None:
        super().__init__(Projection(copy))
        self._connection = RedisConnection(address)
        self._lease = Lease(self._connection, LogKeys(), gateway, self._tell_lost)
        self._log = RedisLog(self._connection, LogKeys(), self._lease)
        self._demands, self._is_standby = demands, is_standby
        self._server: RedisServer | None = None
        self._told: Callable[[str], None] = lambda why: None

    def describe(self) -> str:
        return "redis" if self._server is None else self._server.describe(self._log.confirmation)

    def when_lost(self, tell: Callable[[str], None]) -> None:
        self._told = tell

    def _tell_lost(self, why: str) -> None:
        self._told(why)

    async def load(self) -> StartupData:
        """Also after a failure: what the log has is then read again from where the copy ends."""
        await self.check_server()
        if not self._lease.is_claimed:
            await (self._stand_by() if self._is_standby else self._lease.claim_in_time())
        await self._log.open()
        await self._projection.catch_up(self._log)
        loaded = await self._projection.store.load()
        return replace(loaded, store_id=self._log.house, given=loaded.last_seq)

    async def _stand_by(self) -> None:
        """Wait for the lease. Meanwhile the copy follows the log, so that little is left to read."""
        told = False
        while (holder := await self._lease.claim()) is not None:
            if not told:
                log.info("= standing by", decider=holder)
                told = True
            await self._follow_safely()
            await asyncio.sleep(STANDBY_INTERVAL_S)

    async def _follow_safely(self) -> None:
        """What goes wrong here is said when this gateway begins to decide."""
        try:
            if await self._log.look():
                await self._projection.follow_if_it_fits(self._log)
        except GroupChatError as error:
            log.warning("! the copy does not follow the log", error=error.message)

    async def append(self, batch: Sequence[LogEntry]) -> list[int]:
        """Repeated client ids are known from the copy: the script that appends refuses if the log has more."""
        seqs = await self._projection.store.first_seqs(batch)
        new = [entry for entry, seq in zip(batch, seqs, strict=True) if entry.seq == seq]
        new.sort(key=lambda entry: entry.seq)  # one outcome may name its events in another order
        if new:
            await self._log.append(new)
            await self._write_copy(new)
        return seqs

    async def close(self) -> None:
        await self._lease.release()
        await self._projection.close()
        await self._connection.close()

    async def check_server(self) -> None:
        """Once: whether this Redis keeps what it accepts."""
        if self._server is not None:
            return
        server = await read_server(self._connection)
        check_server(server, str(self._connection.address), self._demands)
        for loss in server.ways_to_lose():
            log.warning("! this Redis can lose accepted messages", why=loss)
        self._log.confirmation = choose_confirmation(server, self._demands.replicas)
        self._server = server

    async def _write_copy(self, entries: Sequence[LogEntry]) -> None:
        try:
            await self._projection.write(entries, self._log.house, self._log.end)
        except GroupChatError as error:
            raise StorageFailed(
                f"This is in the log, and this gateway cannot show it yet ({error.message}) Sent again with the same "
                "id, it is stored once."
            ) from error

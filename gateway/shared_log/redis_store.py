"""The store whose log is in Redis. It appends to the log first, then to this gateway's copy, from which it reads."""

from __future__ import annotations

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
from gateway.shared_log.stream_entries import Position
from gateway.store import LogEntry, LogReplaced, StartupData

log = structlog.get_logger("gateway.shared_log.redis_store")


class RedisStore(ProjectedReads):
    """`gateway` is the id of the state folder: whoever holds its lock takes over from an earlier process at once. With
    `may_follow` it follows while another gateway decides; without, it waits a little and then refuses."""

    retention: None = None  # each entry is chained to the one before, and new copies are made from all of them

    def __init__(
        self,
        address: RedisAddress,
        copy: Path,
        gateway: str,
        demands: Demands = NO_DEMANDS,
        *,
        may_follow: bool = False,
    ) -> None:
        super().__init__(Projection(copy))
        self._connection = RedisConnection(address)
        self._keys = LogKeys()
        self._lease = Lease(self._connection, self._keys, gateway, self._tell_lost)
        self._log = RedisLog(self._connection, self._keys, self._lease)
        self._reader = RedisConnection(address)
        self.gateway = gateway
        self._demands, self._may_follow = demands, may_follow
        self._followed = Position()
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
        if not self._lease.is_claimed and not await self._claim_to_start():
            return await self._load_following()
        await self._log.open()
        await self._projection.catch_up(self._log)
        return await self._loaded()

    async def _claim_to_start(self) -> bool:
        if not self._may_follow:
            await self._lease.claim_in_time()
            return True
        return await self.claim()

    async def _load_following(self) -> StartupData:
        await self._log.look()
        reached = await self._projection.follow(self._log)
        if reached is None:
            log.critical("! Redis has lost entries that this gateway has: it takes over, and the log gets a new id")
            await self._lease.claim(takes_over=True)
            return await self.load()
        self._followed = reached
        return replace(await self._loaded(), follows=True)

    async def _loaded(self) -> StartupData:
        loaded = await self._projection.store.load()
        return replace(loaded, store_id=self._log.house, given=loaded.last_seq, run=self._log.house)

    # following

    @property
    def holder(self) -> str:
        """The gateway that decided when this one last asked."""
        return self._lease.holder

    async def claim(self) -> bool:
        """Begin to decide, if no other gateway does."""
        return await self._lease.claim() is None

    async def next_entries(self, seconds: float) -> Sequence[LogEntry]:
        """What another gateway has decided since, as soon as there is anything; it is in the copy then."""
        rows = await self._log.wait_for_rows(self._reader, self._followed, seconds)
        if not rows:
            return ()
        entries = await self._projection.add_rows(rows, self._log.house)
        self._followed = rows[-1].position
        return entries

    async def check_followed(self) -> None:
        """LogReplaced if the log is not the one that this gateway follows, or has lost its end."""
        house = self._log.house
        if not await self._log.look() or self._log.house != house:
            raise LogReplaced("the log in Redis is another one now")
        end, followed = self._log.end, self._followed
        if end.seq < followed.seq or (end.seq == followed.seq and end.chain != followed.chain):
            raise LogReplaced("the log in Redis has lost its end")

    async def last_seq(self) -> int:
        """Where the log ends now."""
        return await self._log.last_seq()

    @property
    def behind(self) -> int:
        """How many events of the log have not been read here yet, as far as we know."""
        return max(0, self._log.end.seq - self._followed.seq)

    # the other gateways

    @property
    def secret(self) -> str:
        """By which the gateways of this log know each other."""
        return self._log.secret

    async def publish(self, record: bytes, seconds: float) -> None:
        """What the others shall know of this gateway, for so long."""
        await self._connection.command("SET", self._keys.gateway(self.gateway), record, "PX", int(seconds * 1000))
        await self._connection.command("SADD", self._keys.gateways, self.gateway)

    async def decider(self) -> bytes | None:
        """What the gateway that decides has published of itself."""
        found = await self._connection.command("GET", self._keys.gateway(self._lease.holder or "-"))
        return found if isinstance(found, bytes) else None

    async def published(self) -> list[bytes]:
        """What each gateway has published of itself. One that has gone is forgotten."""
        names = sorted(one.decode() for one in await self._connection.command("SMEMBERS", self._keys.gateways))
        found = await self._connection.command("MGET", *map(self._keys.gateway, names)) if names else []
        gone = [name for name, record in zip(names, found, strict=True) if record is None]
        if gone:
            await self._connection.command("SREM", self._keys.gateways, *gone)
        return [record for record in found if record is not None]

    async def append(self, batch: Sequence[LogEntry]) -> list[int]:
        """Repeated client ids are known from the copy: the script that appends refuses if the log has more."""
        seqs = await self._projection.store.first_seqs(batch)
        new = [entry for entry, seq in zip(batch, seqs, strict=True) if entry.seq == seq]
        new.sort(key=lambda entry: entry.seq)  # one outcome may name its events in another order
        if new:
            await self._log.append(new)
            await self._write_copy(new)
        return seqs

    async def hand_over(self) -> None:
        """Let another gateway begin to decide at once."""
        await self._lease.release()

    async def close(self) -> None:
        await self._lease.release()
        await self._projection.close()
        await self._reader.close()
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

"""The lease: which gateway decides. It is a key that expires, with a term that grows.

The lease is for liveness only: it keeps gateways from working against each other, and it lets another one go on when
the holder is gone. What keeps the log correct is the term, which the script that appends compares.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable

import structlog

from gateway.process_basics.event_waits import wait_at_most
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import GroupChatError, StorageFailed, Unavailable
from gateway.shared_log import scripts
from gateway.shared_log.log_keys import LogKeys
from gateway.shared_log.redis_connection import RedisConnection, Word
from gateway.shared_log.stream_entries import SCHEMA, Position

log = structlog.get_logger("gateway.shared_log.lease")

LEASE_S = 3.0
LEASE_MS = int(LEASE_S * 1000)
RENEW_INTERVAL_S = 1.0
CLAIM_INTERVAL_S = 0.2
CLAIM_TIMEOUT_S = LEASE_S + 1.5  # a holder that was killed keeps its lease until it expires
RANDOM_BYTES = 8
HOUSE_BYTES = 16
SECRET_BYTES = 32
TAKEN_TEXT = "another gateway has taken over, or the data in Redis is gone"


class LeaseLost(Unavailable):
    """Another gateway decides now, or the log is not the one that this gateway knew."""


class Lease:
    """`gateway` is a word for this gateway, of which only one process runs: a later one takes over from an earlier one
    at once. `lost` is called once, when this gateway may no longer decide."""

    def __init__(self, connection: RedisConnection, keys: LogKeys, gateway: str, lost: Callable[[str], None]) -> None:
        self._connection, self._keys, self._gateway, self._lost = connection, keys, gateway, lost
        self._process = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(RANDOM_BYTES)}"
        self._renewing: asyncio.Task[None] | None = None
        self._ended = asyncio.Event()
        self._is_lost = False
        self.term = 0
        self.holder = ""  # the gateway that held the lease when we last asked

    @property
    def is_claimed(self) -> bool:
        return self.term > 0

    async def claim_in_time(self) -> None:
        """Begin a term, or wait a little until a dead holder's lease has expired."""
        loop = asyncio.get_running_loop()
        until = loop.time() + CLAIM_TIMEOUT_S
        while (holder := await self.claim()) is not None:
            if loop.time() > until:
                raise Unavailable(
                    f"Another gateway ({holder}) keeps its log in the Redis at {self._connection.address}. Stop it "
                    "first: this command works on the log alone."
                )
            await asyncio.sleep(CLAIM_INTERVAL_S)

    async def check_held(self) -> None:
        """LeaseLost if our term does not go on."""
        if self._is_lost:
            raise LeaseLost("This gateway no longer decides, and ends.")
        if not await self._renew():
            raise self.lose(TAKEN_TEXT)

    @property
    def _holder(self) -> str:
        return f"{self._gateway} {self._process}"

    def lose(self, why: str) -> LeaseLost:
        """Stop deciding, for good. Returns the error to raise."""
        if not self._is_lost:
            self._is_lost = True
            log.critical("! this gateway may no longer decide, and ends", why=why, term=self.term)
            self._lost(why)
        return LeaseLost(f"This gateway may no longer decide: {why}. It ends; connect again.", retry_after=1)

    async def release(self) -> None:
        """Let the next gateway begin at once. If Redis does not answer, the lease expires by itself."""
        if self._ended.is_set():
            return
        self._ended.set()
        if self._renewing is not None:
            await asyncio.wait([self._renewing])
        if not self.term or self._is_lost:
            return
        try:
            words: list[Word] = [self._holder, self.term]
            await self._connection.run_script(scripts.RELEASE, [self._keys.lease], words)
        except GroupChatError as error:
            log.warning("! the lease could not be given back; it expires", error=error.message)

    async def claim(self, *, takes_over: bool = False) -> str | None:
        """Begin a term and keep it. Returns the host and the process of another gateway that holds the lease, unless
        we take it over."""
        keys = [self._keys.head, self._keys.lease, self._keys.stream]
        house = secrets.token_hex(HOUSE_BYTES)
        words: list[Word] = [self._gateway, self._process, LEASE_MS, SCHEMA, house, Position().chain]
        words += [secrets.token_hex(SECRET_BYTES), int(takes_over)]
        match await self._connection.run_script(scripts.CLAIM, keys, words):
            case [scripts.OK, term]:
                self.term, self.holder = int(term), self._gateway
                self._renewing = spawn(self._renew_until_lost(), "lease of the shared log")
                return None
            case [scripts.HELD, holder]:
                self.holder, process, _ = holder.decode(errors="replace").split()
                return process.rpartition(":")[0]
            case [scripts.SCHEMA_UNKNOWN, schema]:
                raise StorageFailed(
                    f"The log in the Redis at {self._connection.address} was written by a newer llm-groupchat "
                    f"(format {schema.decode(errors='replace')}, this one knows {SCHEMA}). Update this installation."
                )
        raise StorageFailed(
            f"The log in the Redis at {self._connection.address} is damaged: the key {self._keys.head} is gone, and "
            f"{self._keys.stream} is there. Put a backup of Redis in its place."
        )

    async def _renew(self) -> bool:
        keys = [self._keys.head, self._keys.lease]
        words: list[Word] = [self._holder, self.term, LEASE_MS]
        answer = await self._connection.run_script(scripts.RENEW, keys, words)
        return answer[0] == scripts.OK

    async def _renew_until_lost(self) -> None:
        """No command is cancelled: the loop ends between two of them."""
        while not self._is_lost and not await wait_at_most(self._ended, RENEW_INTERVAL_S):
            try:
                if not await self._renew():
                    self.lose(TAKEN_TEXT)
            except GroupChatError as error:
                log.warning("! the lease could not be renewed", error=error.message)

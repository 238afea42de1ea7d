"""Several gateways on one Redis: kill -9 of any of them, of two at once, or of Redis, under load; and whether their
copies of the log are alike afterwards.

What ends by itself, because another gateway has taken over, is started again, as a supervisor does.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path

from gateway.process_basics.tasks import spawn
from gateway.server.state_folder.open_store import COPY_FILE, GATEWAY_ID_FILE
from tests.fakes.retry import retry_until
from tests.support.gateways import DidNotStart, GatewayProcess
from tests.support.kills import PATIENCE, Ledger, kill_again_and_again, send_to_all_while_killing
from tests.support.redis_server import RedisServer

LEASE, HEAD = "groupchat:{main}:lease", "groupchat:{main}:head"
GATEWAYS = 3
TABLES = ("log", "deliveries", "documents")
LONGEST_PAUSES_S = (0.5, 0.5, 0.5, 4.0)  # before a restart; the lease of a dead decider expires after 3 s
SUPERVISE_INTERVAL_S = 0.05


class Victim(StrEnum):
    """The decider stays down, or is stopped (SIGSTOP), until another gateway goes on; all others are started again
    soon."""

    DECIDER = "decider"
    SLEEPER = "decider, stopped"
    FOLLOWER = "follower"
    TWO = "two gateways"
    REDIS = "redis"
    REDIS_AND_DECIDER = "redis and decider"

    @property
    def is_redis(self) -> bool:
        return self in (Victim.REDIS, Victim.REDIS_AND_DECIDER)


@dataclass
class Cluster:
    """`seconds`: how long it took from each kill to the next message that was accepted after it."""

    server: RedisServer
    gateways: Sequence[GatewayProcess]
    ledger: Ledger = field(default_factory=Ledger)
    seconds: dict[Victim, list[float]] = field(default_factory=lambda: {victim: [] for victim in Victim})
    ended: int = 0  # gateways that ended by themselves
    _down: set[int] = field(default_factory=set)  # killed by us, and not to be started by the supervisor
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    @staticmethod
    def at(server: RedisServer, folder: Path) -> Cluster:
        names = [f"gateway-{number}" for number in range(GATEWAYS)]
        return Cluster(server, [GatewayProcess(folder / name, "--store", server.url) for name in names])

    @property
    def copies(self) -> list[Path]:
        return [one.state / COPY_FILE for one in self.gateways]

    async def decider(self) -> int:
        """The number of the gateway that holds the lease."""
        return await retry_until(partial(self._find_decider, {self._id(n): n for n in range(GATEWAYS)})) - 1

    def _id(self, number: int) -> str:
        return (self.gateways[number].state / GATEWAY_ID_FILE).read_text().strip()

    def _find_decider(self, numbers: dict[str, int]) -> int:
        """One more than its number; 0 while nobody decides."""
        answer = self.server.ask("GET", LEASE).splitlines()
        return numbers[answer[1].split()[0]] + 1 if len(answer) > 1 else 0

    async def run(self, kills: int, seed: int) -> None:
        """Start all, send at all of them and kill, until everybody has everything and all copies are alike."""
        for one in self.gateways:
            await asyncio.to_thread(one.start)
        supervising = spawn(self._supervise(), "supervisor")
        try:
            chance = random.Random(seed)
            rounds = partial(kill_again_and_again, kills, partial(self._kill, chance), self.ledger, seed)
            await send_to_all_while_killing(self.gateways, rounds, self.ledger)
            await retry_until(lambda: are_alike(self.copies), PATIENCE, describe=lambda: differences(self.copies))
            self._down.update(range(GATEWAYS))
            assert [one.stop() for one in self.gateways] == [0] * GATEWAYS
        finally:
            supervising.cancel()
            await asyncio.wait([supervising])
            for one in self.gateways:
                one.kill()

    async def _supervise(self) -> None:
        """Start again what has ended by itself. One that does not start, because Redis is away, is tried again."""
        while True:
            for number, one in enumerate(self.gateways):
                if number not in self._down and one.has_ended:
                    self.ended += 1
                    with contextlib.suppress(DidNotStart):
                        await self._start(number)
            await asyncio.sleep(SUPERVISE_INTERVAL_S)

    async def _kill(self, chance: random.Random) -> None:
        victim = chance.choice([*Victim])
        numbers = await self._choose(victim, chance)
        begun = time.monotonic()
        async with self._harmed(victim, numbers, chance):
            end = self._end_of_log()
            self.ledger.is_bounded = False  # the agent that confirms may be a member of a gateway that is down
            await self._accepted_after(end)
            self.ledger.is_bounded = True
            self.seconds[victim].append(time.monotonic() - begun)

    @asynccontextmanager
    async def _harmed(self, victim: Victim, numbers: Sequence[int], chance: random.Random) -> AsyncIterator[None]:
        """Afterwards all run again. One that slept ends by itself, and the supervisor starts it."""
        if victim is Victim.SLEEPER:
            with self.gateways[numbers[0]].frozen():
                yield
            return
        async with self._starting:
            self._down.update(numbers)
            for number in numbers:
                self.gateways[number].kill()
            if victim.is_redis:
                self.server.kill()
        if victim.is_redis:
            await asyncio.to_thread(self.server.start)
        starting = None if victim is Victim.DECIDER else spawn(self._start_soon(numbers, chance), "restart")
        yield
        await (starting or self._start_all(numbers))

    async def _choose(self, victim: Victim, chance: random.Random) -> Sequence[int]:
        decider = await self.decider()
        followers = [number for number in range(GATEWAYS) if number != decider]
        return {
            Victim.DECIDER: [decider],
            Victim.SLEEPER: [decider],
            Victim.FOLLOWER: [chance.choice(followers)],
            Victim.TWO: chance.sample(range(GATEWAYS), 2),
            Victim.REDIS: [],
            Victim.REDIS_AND_DECIDER: [decider],
        }[victim]

    def _end_of_log(self) -> int:
        return int(self.server.ask("HGET", HEAD, "seq").splitlines()[1])

    async def _accepted_after(self, seq: int) -> None:
        accepted = self.ledger.accepted
        await retry_until(lambda: next(reversed(accepted.values()), 0) > seq, PATIENCE)

    async def _start_soon(self, numbers: Sequence[int], chance: random.Random) -> None:
        await asyncio.sleep(chance.uniform(0, chance.choice(LONGEST_PAUSES_S)))
        await self._start_all(numbers)

    async def _start_all(self, numbers: Sequence[int]) -> None:
        for number in self._down.intersection(numbers):
            await self._start(number)
            self._down.discard(number)

    async def _start(self, number: int) -> None:
        async with self._starting:
            self.gateways[number].kill()
            await asyncio.to_thread(self.gateways[number].start)


def are_alike(copies: Sequence[Path]) -> bool:
    return not differences(copies)


def differences(copies: Sequence[Path]) -> list[str]:
    """The tables that are not the same in all copies, with their sizes."""
    found = []
    for table in TABLES:
        all_rows = [_rows(copy, table) for copy in copies]
        if any(rows != all_rows[0] for rows in all_rows):
            found.append(f"{table}: {[len(rows) for rows in all_rows]}")
    return found


def _rows(copy: Path, table: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(copy)
    try:
        return sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
    finally:
        connection.close()

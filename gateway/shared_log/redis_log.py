"""The log in Redis: a stream with one entry for each event, and the head that says where it ends.

Compare and append keeps it correct: an entry is written only if the log ends where its writer believes and the writer's
term still holds. So an append whose answer was lost may be repeated: if the first one was carried out, the log ends
with its entries, and the hash says so.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

import structlog

from gateway.protocol.errors import StorageFailed
from gateway.shared_log import scripts
from gateway.shared_log.confirmation import Confirmation
from gateway.shared_log.lease import HOUSE_BYTES, LEASE_MS, TAKEN_TEXT, Lease
from gateway.shared_log.log_keys import LogKeys
from gateway.shared_log.redis_connection import RedisConnection, RedisUnreachable, Word
from gateway.shared_log.stream_entries import SCHEMA, Position, StreamRow, chain_entries, check_chain
from gateway.store import LogEntry

log = structlog.get_logger("gateway.shared_log.redis_log")

PAGE_ENTRIES = 500
APPEND_TIMEOUT_S = 8.0
RETRY_DELAY_S = 0.1


class RedisLog:
    """`house` is the id of the log, to which its numbers belong; `end` is where it ends as far as we know.
    `confirmation`: what Redis is asked before an append counts."""

    def __init__(self, connection: RedisConnection, keys: LogKeys, lease: Lease) -> None:
        self._connection, self._keys, self._lease = connection, keys, lease
        self.confirmation = Confirmation()
        self.house, self.secret = "", ""
        self.end = Position()

    async def open(self) -> None:
        """Make sure that our term goes on, and learn where the log ends. Everything up to there is confirmed, so that
        nobody is shown an entry that was refused because too few machines had it."""
        await self._lease.check_held()
        await self._confirm_end()
        if await self._read_head() != self._lease.term:
            raise self._lease.lose(TAKEN_TEXT)

    async def look(self) -> bool:
        """Learn where another gateway's log ends. Returns whether there is one of our format."""
        return await self._read_head() > 0

    async def _read_head(self) -> int:
        """The term of the log; 0 if there is no log that we can read."""
        fields = ("schema", "house", "term", "seq", "chain", "secret")
        schema, house, term, seq, chain, secret = await self._connection.command("HMGET", self._keys.head, *fields)
        if schema != SCHEMA.encode():
            return 0
        self.house, self.end = house.decode(), Position(int(seq), chain)
        self.secret = (secret or b"").decode()
        return int(term)

    async def last_seq(self) -> int:
        """Where the log ends now."""
        return int(await self._connection.command("HGET", self._keys.head, "seq") or 0)

    async def append(self, entries: Sequence[LogEntry]) -> None:
        """Write all entries, or none. RedisUnreachable if it is not known which; NotConfirmed if they are written and
        could still be lost."""
        rows = chain_entries(entries, self.end)
        until = asyncio.get_running_loop().time() + APPEND_TIMEOUT_S
        while True:
            try:
                await self._append_once(rows)
                return
            except RedisUnreachable as error:
                if asyncio.get_running_loop().time() > until:
                    raise
                log.warning("! an append is repeated", error=error.message)
            await asyncio.sleep(RETRY_DELAY_S)

    async def _append_once(self, rows: Sequence[StreamRow]) -> None:
        words: list[Word] = [self.house, self._lease.term, self.end.seq, self.end.chain]
        for row in rows:
            words += [row.position.seq, row.position.chain, row.body]
        reached = rows[-1].position
        keys = [self._keys.head, self._keys.stream]
        commands = self.confirmation.commands
        answer, confirmed = await self._connection.run_script_and(scripts.APPEND, keys, words, commands)
        match answer:
            case [scripts.OK]:
                self.end = reached
                self.confirmation.check(confirmed)
            case [scripts.MOVED, _, reached.chain]:
                log.info("= an append whose answer was lost had been carried out", seq=reached.seq)
                await self._confirm_end()
                self.end = reached
            case [scripts.FENCED]:
                raise self._lease.lose(TAKEN_TEXT)
            case _:
                raise self._lease.lose(f"the log does not end at #{self.end.seq} any more ({answer[0].decode()})")

    async def _confirm_end(self) -> None:
        """The same as for an append, for all that is in the log."""
        if not (commands := self.confirmation.commands):
            return
        words: list[Word] = [self._lease.term, LEASE_MS]
        keys = [self._keys.head, self._keys.lease]
        answer, confirmed = await self._connection.run_script_and(scripts.MARK, keys, words, commands)
        if answer[0] != scripts.OK:
            raise self._lease.lose(TAKEN_TEXT)
        self.confirmation.check(confirmed)

    async def holds(self, position: Position) -> bool:
        """Whether the log has, at this number, the entry that a copy has there."""
        if position == Position():
            return True
        rows = await self._read(f"{position.seq}-0", f"{position.seq}-0", 1)
        return [row.position for row in rows] == [position]

    async def pages(self, after: Position) -> AsyncIterator[Sequence[StreamRow]]:
        """The rows after a position, page by page, up to the end of the log, which may have grown meanwhile."""
        while rows := await self._read(f"({after.seq}-0", "+", PAGE_ENTRIES):
            check_chain(rows, after)
            after = rows[-1].position
            yield rows
        if after.seq < self.end.seq:
            raise StorageFailed(
                f"The log in the Redis at {self._connection.address} should end at #{self.end.seq}, and ends at "
                f"#{after.seq}. Put a backup of Redis in its place."
            )

    async def wait_for_rows(self, reader: RedisConnection, after: Position, seconds: float) -> Sequence[StreamRow]:
        """The next rows after a position, as soon as there are any. `reader` is a connection for this alone, because
        Redis answers nothing else on it meanwhile."""
        block: list[Word] = ["BLOCK", int(seconds * 1000)] if seconds else []
        found = await reader.command(
            "XREAD", "COUNT", PAGE_ENTRIES, *block, "STREAMS", self._keys.stream, f"{after.seq}-0"
        )
        rows = _rows_of(found[0][1]) if found else []
        check_chain(rows, after)
        return rows

    async def take_new_id(self) -> None:
        """From now on this is another log: it has lost entries that clients may know, so they start over."""
        house = secrets.token_hex(HOUSE_BYTES)
        words: list[Word] = [self.house, self._lease.term, house]
        answer = await self._connection.run_script(scripts.RENAME_HOUSE, [self._keys.head], words)
        if answer[0] != scripts.OK:
            raise self._lease.lose(TAKEN_TEXT)
        self.house = house

    async def _read(self, first: str, last: str, limit: int) -> list[StreamRow]:
        found = await self._connection.command("XRANGE", self._keys.stream, first, last, "COUNT", limit)
        return _rows_of(found)


def _rows_of(found: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> list[StreamRow]:
    return [StreamRow(Position(int(number.partition(b"-")[0]), fields[b"c"]), fields[b"e"]) for number, fields in found]

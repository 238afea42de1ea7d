"""What one machine of a member remembers of one chat: how far its own chains and those of others have come, what it was
about to send, and the keys of sealed rooms that it has accepted. A small database for each member and chat.

It holds no text in plain: what was about to be sent lies here as it leaves, and the keys of rooms are wrapped to the
member's own key. What must not be lost (the next place in a chain) is on the disk before a message leaves.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec
from nacl.utils import random

from gateway.encryption.key_storage.key_files import key_folder
from gateway.encryption.refusals import SealingFault, SealingRefused
from gateway.encryption.sealed_messages.letters import FIRST_PREVIOUS, STREAM_BYTES
from gateway.encryption.sealed_messages.message_chains import ChainLink, ChainNeighbors
from gateway.files.private_files import make_own_file, make_private_folder, open_private

MAX_STREAMS = 64  # programs of one member that write at once from one machine
MAX_KEPT_OUTGOING = 500  # sent messages that a repeated request may still ask for
MAX_PLACES, PRUNED_EVERY = 5000, 512  # messages of one chain
BUSY_TIMEOUT_S = 2.0  # the loop stands still meanwhile; other programs write for milliseconds
MEMORY_FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS streams (slot INTEGER PRIMARY KEY, stream BLOB NOT NULL, key_version INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS machine (one INTEGER PRIMARY KEY, place TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS used_answers (nonce BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS chains (stream BLOB, conversation TEXT, counter INTEGER NOT NULL, digest BLOB NOT NULL,
    PRIMARY KEY (stream, conversation)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outgoing (number INTEGER PRIMARY KEY, client_id TEXT UNIQUE NOT NULL, stream BLOB NOT NULL,
    conversation TEXT NOT NULL, counter INTEGER NOT NULL, digest BLOB NOT NULL, request BLOB NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS places (writer TEXT, stream BLOB, conversation TEXT, counter INTEGER, previous BLOB NOT NULL,
    digest BLOB NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (writer, stream, conversation, counter)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS places_by_number ON places (seq);
CREATE INDEX IF NOT EXISTS places_of_writers ON places (writer, conversation, seq);
CREATE TABLE IF NOT EXISTS sealed_rooms (room TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sealed_numbers (seq INTEGER PRIMARY KEY, room TEXT NOT NULL, is_direct INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS room_keys (room TEXT, version INTEGER, notice BLOB NOT NULL, wrapped BLOB,
    PRIMARY KEY (room, version)) WITHOUT ROWID;
"""


class ChainName(msgspec.Struct, frozen=True):
    """A chain: one stream of one writer in one conversation."""

    writer: str
    stream: bytes
    conversation: str


class SealedNumber(msgspec.Struct, frozen=True):
    """A message that was sealed, by its number; `is_direct`: to named members, and not to all of its room."""

    seq: int
    room: str
    is_direct: bool


class ChainPlace(msgspec.Struct, frozen=True):
    """Where the next message of a conversation stands: its number, and the digest of the one before."""

    counter: int
    previous: bytes


@dataclass(frozen=True)
class ChainedMessage:
    """A message as it leaves, and its place. `taken`: the gateway has it."""

    client_id: str
    conversation: str
    place: ChainPlace
    digest: bytes
    request: bytes
    taken: bool = False


@dataclass(frozen=True)
class KeptRoomKey:
    """A notice that was accepted, and the key of it, wrapped to the member's own key; None if none came for it."""

    notice: bytes
    wrapped: bytes | None


class MemberMemory:
    """What leaves is on the disk at once. What was seen of others may be lost with the power; it is seen again then."""

    def __init__(self, database: sqlite3.Connection, seen: sqlite3.Connection, stream: bytes, lock: int) -> None:
        self._database = database
        self._seen = seen
        self._lock = lock
        self.stream = stream

    @classmethod
    def open(cls, state: Path, name: str, house: str, key_version: int) -> Self:
        """The memory of this chat, and a stream of one's own in it: no other program writes in it meanwhile."""
        path = memory_file(state, name, house)
        make_private_folder(path.parent)
        make_own_file(path)
        opened: list[sqlite3.Connection] = []
        try:
            opened += [_connect(path, "FULL"), _connect(path, "NORMAL")]
            _prepare(opened[0], path)
            slot, lock = _lock_slot(path)
            return cls(opened[0], opened[1], _stream_of(opened[0], slot, key_version), lock)
        except sqlite3.Error as error:
            for one in opened:
                one.close()
            raise SealingRefused(
                SealingFault.STORAGE,
                f"{path}, which holds your keys of sealed rooms and what was read, cannot be used ({error}). Restore "
                "it from a backup; if it is lost, move it away, and let others admit you again.",
            ) from None
        except BaseException:
            for one in opened:
                one.close()
            raise

    def close(self) -> None:
        self._database.close()
        self._seen.close()
        os.close(self._lock)

    # what this machine writes

    def next_place(self, conversation: str) -> ChainPlace:
        row = self._database.execute(
            "SELECT counter, digest FROM chains WHERE stream = ? AND conversation = ?", (self.stream, conversation)
        ).fetchone()
        return ChainPlace(row[0] + 1, row[1]) if row else ChainPlace(0, FIRST_PREVIOUS)

    def outgoing(self, client_id: str) -> ChainedMessage | None:
        """What was about to be sent, or was sent, under this id."""
        row = self._database.execute(
            "SELECT conversation, counter, digest, request, taken FROM outgoing WHERE client_id = ?", (client_id,)
        ).fetchone()
        if row is None:
            return None
        conversation, counter, digest, request, taken = row
        return ChainedMessage(client_id, conversation, ChainPlace(counter, b""), digest, request, bool(taken))

    def has_unanswered(self, conversation: str) -> bool:
        """Whether a message of this stream left and nobody knows whether it was taken: its place may be used."""
        found = self._database.execute(
            "SELECT 1 FROM outgoing WHERE stream = ? AND conversation = ? AND taken = 0", (self.stream, conversation)
        ).fetchone()
        return found is not None

    def has_own_place_taken(self, name: str, conversation: str) -> bool:
        """Whether a message of ours stands at the next place already: another machine writes with a copy of this
        memory, or this one was restored from a backup."""
        found = self._database.execute(
            "SELECT 1 FROM places WHERE writer = ? AND stream = ? AND conversation = ? AND counter >= ? LIMIT 1",
            (name, self.stream, conversation, self.next_place(conversation).counter),
        ).fetchone()
        return found is not None

    def begin(self, message: ChainedMessage) -> None:
        """Keep a message before it leaves."""
        self._database.execute(
            "INSERT OR REPLACE INTO outgoing (client_id, stream, conversation, counter, digest, request, taken) "
            "VALUES (?, ?, ?, ?, ?, ?, 0)",
            (
                message.client_id,
                self.stream,
                message.conversation,
                message.place.counter,
                message.digest,
                message.request,
            ),
        )

    def settle(self, client_id: str) -> None:
        """The gateway has taken the message: the next one of its stream follows it."""
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            row = self._database.execute(
                "SELECT stream, conversation, counter, digest FROM outgoing WHERE client_id = ?", (client_id,)
            ).fetchone()
            if row is not None:
                self._database.execute(
                    "INSERT INTO chains VALUES (?, ?, ?, ?) ON CONFLICT (stream, conversation) DO UPDATE "
                    "SET counter = excluded.counter, digest = excluded.digest WHERE counter < excluded.counter",
                    row,
                )
            self._database.execute("UPDATE outgoing SET taken = 1 WHERE client_id = ?", (client_id,))
            self._database.execute(
                "DELETE FROM outgoing WHERE number <= (SELECT max(number) FROM outgoing) - ?",
                (MAX_KEPT_OUTGOING,),
            )

    def drop(self, client_id: str) -> None:
        """The gateway has refused the message: its place is free."""
        self._database.execute("DELETE FROM outgoing WHERE client_id = ? AND taken = 0", (client_id,))

    def begin_new_stream(self) -> None:
        """Continue under another stream: the last place of the one so far is not sure. What has left stays as it is,
        so that a repeated request sends the same bytes."""
        fresh = random(STREAM_BYTES)
        with self._database:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("UPDATE streams SET stream = ? WHERE stream = ?", (fresh, self.stream))
        self.stream = fresh

    # what others wrote

    @contextlib.contextmanager
    def noting_together(self) -> Iterator[None]:
        """All that is noted meanwhile is written at once. Nothing may be awaited in between: others would wait."""
        self._seen.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._seen.execute("ROLLBACK")
            raise
        self._seen.execute("COMMIT")

    def neighbors(self, chain: ChainName, counter: int) -> ChainNeighbors:
        """The messages of a chain that this machine has seen at and around a place."""
        key = chain.writer, chain.stream, chain.conversation, counter
        return ChainNeighbors(
            same=self._place("counter = ? LIMIT 1", key),
            below=self._place("counter < ? ORDER BY counter DESC LIMIT 1", key),
            above=self._place("counter > ? ORDER BY counter LIMIT 1", key),
        )

    def _place(self, where: str, key: tuple[str, bytes, str, int]) -> ChainLink | None:
        row = self._seen.execute(
            "SELECT counter, previous, digest, seq FROM places WHERE writer = ? AND stream = ? AND conversation = ? "
            f"AND {where}",
            key,
        ).fetchone()
        return ChainLink(*row) if row else None

    def note_place(self, chain: ChainName, link: ChainLink) -> None:
        self._seen.execute(
            "INSERT OR IGNORE INTO places VALUES (?, ?, ?, ?, ?, ?, ?)",
            (chain.writer, chain.stream, chain.conversation, link.counter, link.previous, link.digest, link.seq),
        )
        if link.counter % PRUNED_EVERY == 0:
            self._forget_old(chain, link.counter - MAX_PLACES)

    def _forget_old(self, chain: ChainName, below: int) -> None:
        """A message from before what is kept stands too late if it is repeated, so it is noticed all the same."""
        self._seen.execute(
            "DELETE FROM places WHERE writer = ? AND stream = ? AND conversation = ? AND counter < ?",
            (chain.writer, chain.stream, chain.conversation, below),
        )

    def knows_earlier_stream(self, chain: ChainName, seq: int) -> bool:
        """Whether this writer wrote in this conversation under another stream before this number."""
        found = self._seen.execute(
            "SELECT 1 FROM places WHERE writer = ? AND conversation = ? AND stream != ? AND seq < ? LIMIT 1",
            (chain.writer, chain.conversation, chain.stream, seq),
        ).fetchone()
        return found is not None

    # sealed rooms

    def note_sealed(self, room: str) -> None:
        self._database.execute("INSERT OR IGNORE INTO sealed_rooms VALUES (?)", (room,))

    def note_sealed_message(self, message: SealedNumber) -> None:
        """Remember that the message with this number is sealed, and where: an answer to it is sealed, too."""
        self._seen.execute(
            "INSERT OR IGNORE INTO sealed_numbers VALUES (?, ?, ?)", (message.seq, message.room, message.is_direct)
        )

    def sealed_message(self, seq: int) -> SealedNumber | None:
        row = self._seen.execute("SELECT room, is_direct FROM sealed_numbers WHERE seq = ?", (seq,)).fetchone()
        return SealedNumber(seq, row[0], bool(row[1])) if row else None

    def is_known_sealed(self, room: str) -> bool:
        """Whether this room was ever sealed: then nothing goes there in plain, whatever the gateway says of it."""
        return self._database.execute("SELECT 1 FROM sealed_rooms WHERE room = ?", (room,)).fetchone() is not None

    def take_sealed_rooms(self, earlier: Path) -> None:
        """Rooms that were sealed in an earlier log of the same gateway stay sealed in this one."""
        if not earlier.exists():
            return
        with contextlib.closing(sqlite3.connect(earlier, timeout=BUSY_TIMEOUT_S, isolation_level=None)) as other:
            for (room,) in other.execute("SELECT room FROM sealed_rooms"):
                self.note_sealed(room)

    def use_answer(self, nonce: bytes) -> bool:
        """Whether this signed answer is used for the first time."""
        return self._database.execute("INSERT OR IGNORE INTO used_answers VALUES (?)", (nonce,)).rowcount > 0

    def last_number(self) -> int:
        """The highest number of a message that was seen here."""
        row = self._seen.execute("SELECT max(seq) FROM places").fetchone()
        return int(row[0] or 0)

    def room_keys(self, room: str) -> dict[int, KeptRoomKey]:
        rows = self._database.execute(
            "SELECT version, notice, wrapped FROM room_keys WHERE room = ? ORDER BY version", (room,)
        )
        return {version: KeptRoomKey(notice, wrapped) for version, notice, wrapped in rows}

    def keep_room_key(self, room: str, version: int, kept: KeptRoomKey) -> None:
        """The first one of a version stays: another one of it was refused."""
        self._database.execute(
            "INSERT OR IGNORE INTO room_keys VALUES (?, ?, ?, ?)", (room, version, kept.notice, kept.wrapped)
        )


def memory_file(state: Path, name: str, house: str) -> Path:
    """A gateway names its own log, so the name becomes no part of a path."""
    digest = hashlib.blake2b(house.encode(errors="surrogatepass"), digest_size=16).hexdigest()
    return key_folder(state, name) / f"memory-{digest}.sqlite"


def _connect(path: Path, synchronous: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(f"PRAGMA synchronous = {synchronous}")
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    """Make the tables. A copy of this file (another machine, a backup) writes under other streams: else two programs
    would claim the same places, and each would be taken for a forger."""
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > MEMORY_FORMAT:
        raise SealingRefused(
            SealingFault.FORMAT, f"{path} was written by a newer version of groupchat. Update this one."
        )
    database.executescript(_TABLES)
    where = f"{path.stat().st_ino} {platform.node()}"
    with database:
        database.execute("BEGIN IMMEDIATE")
        before = database.execute("SELECT place FROM machine").fetchone()
        if before != (where,):
            database.execute("DELETE FROM streams")
            database.execute("INSERT OR REPLACE INTO machine VALUES (1, ?)", (where,))
        database.execute(f"PRAGMA user_version = {MEMORY_FORMAT}")


def _lock_slot(path: Path) -> tuple[int, int]:
    for slot in range(MAX_STREAMS):
        handle = open_private(path.with_suffix(f".{slot}.lock"), os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
        else:
            return slot, handle
    raise SealingRefused(
        SealingFault.STORAGE, f"More than {MAX_STREAMS} programs of one member are connected from this machine."
    )


def _stream_of(database: sqlite3.Connection, slot: int, key_version: int) -> bytes:
    """A new version of the key is a new stream, and so is what a program left without knowing whether it was taken."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        row = database.execute("SELECT stream, key_version FROM streams WHERE slot = ?", (slot,)).fetchone()
        if row is not None and row[1] == key_version:
            return bytes(row[0])
        stream = random(STREAM_BYTES)
        database.execute("INSERT OR REPLACE INTO streams VALUES (?, ?, ?)", (slot, stream, key_version))
    return stream


@contextlib.contextmanager
def storage_errors() -> Iterator[None]:
    """A full disk, a damaged database or a missing file is a refusal like others: programs expect no other errors."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise SealingRefused(
            SealingFault.STORAGE, f"What this machine keeps of keys cannot be read or written: {error}."
        ) from error

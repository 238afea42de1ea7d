"""The interface of the store, small enough that another database can implement it.

A store appends batches atomically and in order, reads events after a seq, answers the few queries that need an index,
and loads the state that was written with the events. It must not know rules, permissions or sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from gateway.model.deliveries.delivery_states import NORMAL_RANK
from gateway.protocol.errors import StorageFailed
from gateway.protocol.types.core_types import Delivery


@dataclass(frozen=True, slots=True)
class Document:
    """A piece of state under (kind, key); no body means that it is deleted. All *documents* are loaded at the start;
    *asides* are too large for that and are read one at a time."""

    kind: str
    key: str
    body: bytes | None


class LogEntry(msgspec.Struct, frozen=True):  # made for each event: a frozen dataclass takes four times as long
    """One event with everything that must be written in the same transaction."""

    seq: int
    kind: str
    event: bytes
    room: str | None = None
    sender: str | None = None
    client_id: str | None = None
    ends: tuple[str, ...] | None = None
    about: int | None = None
    text: str | None = None
    deliveries: tuple[Delivery, ...] = ()
    rank: int = NORMAL_RANK
    deadline: float | None = None
    documents: tuple[Document, ...] = ()
    asides: tuple[Document, ...] = ()


class StoredEvent(msgspec.Struct, frozen=True):
    """An event from the log, with the fields that decide who may see it."""

    seq: int
    kind: str
    room: str | None
    sender: str | None
    ends: tuple[str, ...] | None
    event: bytes


class ThreadMessage(msgspec.Struct, frozen=True):
    """A message of a thread without its text: what it answers, and the fields that decide who may see it."""

    seq: int
    answers: int | None
    room: str
    sender: str
    ends: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Viewer:
    """The reader: a member sees public messages of its rooms and direct messages from or to it; an observer sees
    all."""

    member: str
    observer: bool = False
    rooms: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MessageQuery:
    """A query for messages of one room or of all visible ones, filtered by words, sender and recipient."""

    view: Viewer
    room: str | None = None
    words: str | None = None
    sender: str | None = None
    recipient: str | None = None
    before: int | None = None
    after: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class RecallQuery:
    """A query for messages in which words of a question occur: each word with its forms, any of which counts. The
    messages of `senders` are looked at even if others say more of the words, and those with the numbers `also` in any
    case."""

    view: Viewer
    words: tuple[tuple[str, ...], ...]
    room: str | None = None
    senders: tuple[str, ...] = ()
    also: tuple[int, ...] = ()
    limit: int = 256


@dataclass(frozen=True)
class Candidates:
    """Messages that may answer a question, and what each of its words weighs: the fewer messages contain it, the
    more."""

    events: Sequence[StoredEvent]
    weights: tuple[float, ...]


class StoredVector(msgspec.Struct, frozen=True):
    """What an embedding model made of a public message; empty for one without text."""

    seq: int
    room: str
    vector: bytes


@dataclass(frozen=True)
class VectorWindow:
    """The newest public messages: those after `after`, of which so many wait for a vector."""

    after: int
    waiting: int


@dataclass(frozen=True, slots=True)
class InboxQuery:
    """A query for a member's waiting messages after a given one, in log order or by rank; `senders` and `reply_to`
    filter."""

    member: str
    after: int = 0
    limit: int = 100
    by_rank: bool = False
    senders: tuple[str, ...] = ()
    reply_to: int | None = None


@dataclass(frozen=True)
class StartupData:
    """The data that a gateway loads at the start. `store_id` is the id of the store, to which its numbers belong.
    `given`: the highest number ever given out, above `last_seq` if the log was restored from a backup. `run`: the word
    for who numbers the log, if that is not this process alone. `follows`: another gateway decides."""

    last_seq: int
    documents: Sequence[Document] = ()
    queued: Mapping[str, int] = field(default_factory=dict)
    next_deadline: float | None = None
    store_id: str = ""
    given: int = 0
    run: str = ""
    follows: bool = False


@dataclass(frozen=True)
class Span:
    """A range of the log: after `after` and, if given, before `before`."""

    after: int = 0
    before: int | None = None


@dataclass(frozen=True)
class DiskUse:
    """The size of the log on disk, and how much more fits."""

    used_bytes: int
    free_bytes: int


@dataclass(frozen=True)
class RemovalStep:
    """The next `limit` events of a room to remove: those after `after`, up to `until`, without those in `spared`."""

    room: str
    after: int
    until: int
    limit: int
    spared: tuple[int, ...] = ()


@dataclass(frozen=True)
class VersionsToRemove:
    """The versions of a shared document up to one, with the keys of their full copies among the asides of a kind.
    `document` is the event that created it."""

    document: int
    until: int
    kind: str
    copies: tuple[str, ...]


class Retention(Protocol):
    """What a store from which old events can be removed offers for that."""

    async def message_at(self, room: str, newer: int) -> int | None:
        """The public message of a room that so many newer ones follow."""
        ...

    async def last_message_before(self, room: str, stamp: str) -> int:
        """The newest public message of a room that is older than this time; 0 if there is none."""
        ...

    async def first_message_since(self, room: str, span: tuple[int, int], stamp: str) -> int | None:
        """The first message of a room in a span of numbers (after, until) that is not older than this time."""
        ...

    async def first_open_delivery(self, room: str, until: int) -> int | None:
        """The oldest message of a room, up to this one, that somebody has not taken yet."""
        ...

    async def count_messages(self, room: str, after: int, until: int) -> int: ...

    async def count_versions(self, document: int, until: int) -> int:
        """How many of the versions of a document in the log were made up to this event."""
        ...

    async def progress(self, room: str) -> int:
        """Up to which event the room was removed already."""
        ...

    async def remove_step(self, step: RemovalStep) -> int:
        """Remove the next few messages of a room. Returns how far it came, with that on disk, too."""
        ...

    async def remove_versions(self, versions: VersionsToRemove) -> None: ...


IsVisible = Callable[[StoredEvent], bool]
NO_LIMIT = -1
MAX_PAGE_BYTES = 8 * 1024 * 1024  # the bound of a page, however many events were asked for


def fit_into_page_bytes(records: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
    """The first records that fit into one page."""
    size = 0
    for number, record in enumerate(records):
        size += len(record.event)
        if size > MAX_PAGE_BYTES and number:
            return records[:number]
    return records


class LogReplaced(StorageFailed):
    """The log is not the one that this gateway knows: another one is in its place, or it has lost entries."""


class Store(Protocol):
    """Its methods raise StorageFull or StorageFailed. A batch that raised has written nothing."""

    def describe(self) -> str: ...

    @property
    def retention(self) -> Retention | None:
        """None: nothing can be removed from this store."""
        ...

    def disk_use(self) -> DiskUse: ...

    def when_lost(self, tell: Callable[[str], None]) -> None:
        """Call `tell` with the reason when this gateway may no longer write: another one does, or the log is gone."""
        ...

    async def load(self) -> StartupData: ...

    async def append(self, batch: Sequence[LogEntry]) -> list[int]:
        """Commit all entries. Returns the seq of each: its own, or that of the earlier entry with the same client
        id."""
        ...

    async def read(self, after: int, limit: int, visible: IsVisible) -> tuple[list[StoredEvent], int]:
        """Visible events after a seq, oldest first, and how far the log was read."""
        ...

    async def read_back(self, before: int | None, limit: int, visible: IsVisible) -> tuple[list[StoredEvent], int]:
        """Visible events before a seq, newest first, and the seq before which to go on: 0 at the log's beginning."""
        ...

    async def messages(self, query: MessageQuery) -> list[StoredEvent]:
        """Messages newest first (oldest first with `after`)."""
        ...

    async def candidates(self, query: RecallQuery) -> Candidates:
        """A bounded number of messages in which the rarer words of a question occur, with what they answer and what
        answers them. The reader may not see all of those: whoever asks must check."""
        ...

    async def vector_model(self) -> str | None:
        """The embedding model that made the stored vectors."""
        ...

    async def begin_vectors(self, model: str) -> None:
        """Drop all vectors: from now on they are of this model."""
        ...

    async def put_vectors(self, vectors: Sequence[StoredVector]) -> None: ...

    async def vectors_before(self, before: int | None, limit: int) -> list[StoredVector]:
        """The vectors of the newest messages before a seq, newest first."""
        ...

    async def vectors_of(self, numbers: Sequence[int]) -> list[StoredVector]: ...

    async def vector_window(self, most: int) -> VectorWindow: ...

    async def without_vector(self, after: int, before: int | None, limit: int) -> list[StoredEvent]:
        """Public messages between the two that have no vector, newest first."""
        ...

    async def ended_asks(self, span: Span, limit: int, visible: IsVisible) -> tuple[list[StoredEvent], bool]:
        """The last events of asks, newest first: after a seq, and before another one; and whether there may be more."""
        ...

    async def one(self, seq: int) -> StoredEvent | None: ...

    async def several(self, seqs: Sequence[int]) -> list[StoredEvent]:
        """Those of these events that exist, oldest first."""
        ...

    async def sent_as(self, sender: str, client_id: str) -> StoredEvent | None:
        """The event to which its sender gave this id."""
        ...

    async def thread(self, first: int, limit: int) -> list[ThreadMessage]:
        """A message and those that answer it, directly or through others: the first ones of the thread, by number."""
        ...

    async def about(
        self, number: int, skip: int = 0, limit: int = NO_LIMIT, kind: str | None = None
    ) -> list[StoredEvent]:
        """The events about an event, in order: the receipts, reactions and answers of a message."""
        ...

    async def about_each(self, numbers: Sequence[int], kind: str) -> dict[int, list[StoredEvent]]:
        """The events of a kind about each of these events, in order, in one query."""
        ...

    async def aside(self, kind: str, key: str) -> bytes | None: ...

    async def deliveries(self, message: int) -> list[Delivery]: ...

    async def delivery(self, message: int, member: str) -> Delivery | None: ...

    async def open_deliveries(self, member: str, after: int, limit: int, *, begun: bool = False) -> list[Delivery]:
        """The open deliveries, oldest message first; with `begun` only those that no longer wait."""
        ...

    async def inbox(self, query: InboxQuery) -> tuple[list[tuple[Delivery, StoredEvent]], bool]:
        """The waiting deliveries, each with its message, and whether there are more."""
        ...

    async def overdue(self, now: float, limit: int) -> tuple[list[Delivery], float | None]:
        """Open deliveries past their deadline, and the next deadline."""
        ...

    async def close(self) -> None: ...

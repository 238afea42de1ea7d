"""Where the log is kept: one small interface, cut so that another engine can stand behind it.

A store appends batches atomically and in order, reads after a seq, answers the few questions that need an index, and
gives back the state that was written beside the events. It must not know rules, rights or sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from gateway.model.delivery_states import NORMAL_RANK
from gateway.protocol.types import Delivery


@dataclass(frozen=True, slots=True)
class Document:
    """A piece of state under (kind, key); no body means it is gone. All *documents* are loaded at the start; *asides*
    are too large for that and are read one at a time."""

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
    """An event as it stands in the log, with what is needed to decide who may see it."""

    seq: int
    kind: str
    room: str | None
    sender: str | None
    ends: tuple[str, ...] | None
    event: bytes


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whose eyes: a member sees public messages of the rooms and direct messages it is an end of; an observer all."""

    member: str
    observer: bool = False
    rooms: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MessageQuery:
    """Which messages: of one room or of all in view, narrowed by words, sender and recipient."""

    view: Viewer
    room: str | None = None
    words: str | None = None
    sender: str | None = None
    recipient: str | None = None
    before: int | None = None
    after: int | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class InboxQuery:
    """What waits for a member, after a message, in the order of the log or by rank; `senders` and `reply_to` pick."""

    member: str
    after: int = 0
    limit: int = 100
    by_rank: bool = False
    senders: tuple[str, ...] = ()
    reply_to: int | None = None


@dataclass(frozen=True)
class StartupData:
    """What a gateway needs in memory when it starts. `house` is made once per store: numbers are its own. `given`: the
    highest of them that was ever given out, more than `last_seq` where the log was put back from a backup."""

    last_seq: int
    documents: Sequence[Document] = ()
    queued: Mapping[str, int] = field(default_factory=dict)
    next_deadline: float | None = None
    house: str = ""
    given: int = 0


@dataclass(frozen=True)
class Span:
    """Numbers of the log: later than `after`, and earlier than `before` if that is given."""

    after: int = 0
    before: int | None = None


IsVisible = Callable[[StoredEvent], bool]
NO_LIMIT = -1
MAX_PAGE_BYTES = 8 * 1024 * 1024  # no page is longer, however many events were asked for


def fit_into_page_bytes(records: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
    """As many of them, from the first, as go into one page."""
    size = 0
    for number, record in enumerate(records):
        size += len(record.event)
        if size > MAX_PAGE_BYTES and number:
            return records[:number]
    return records


class Store(Protocol):
    """Raises StorageFull or StorageFailed; a batch that raised has left nothing behind."""

    def describe(self) -> str: ...

    async def load(self) -> StartupData: ...

    async def append(self, batch: Sequence[LogEntry]) -> list[int]:
        """Commit all entries. For each the seq it has: its own, or that of the entry whose client id it repeats."""
        ...

    async def read(self, after: int, limit: int, visible: IsVisible) -> tuple[list[StoredEvent], int]:
        """Visible events after a seq, oldest first, and how far the log was read."""
        ...

    async def messages(self, query: MessageQuery) -> list[StoredEvent]:
        """Messages newest first (oldest first with `after`)."""
        ...

    async def ended_asks(self, span: Span, limit: int, visible: IsVisible) -> tuple[list[StoredEvent], bool]:
        """The last events of asks, newest first: after a seq, and before another one; and whether there may be more."""
        ...

    async def one(self, seq: int) -> StoredEvent | None: ...

    async def about(self, number: int, skip: int = 0, limit: int = NO_LIMIT) -> list[StoredEvent]:
        """The events about an event (the receipts of a message), in order."""
        ...

    async def aside(self, kind: str, key: str) -> bytes | None: ...

    async def ladders(self, message: int) -> list[Delivery]: ...

    async def delivery(self, message: int, member: str) -> Delivery | None: ...

    async def open_deliveries(self, member: str, after: int, limit: int, *, begun: bool = False) -> list[Delivery]:
        """What still asks for work, oldest message first; with `begun` only what waits no longer."""
        ...

    async def inbox(self, query: InboxQuery) -> tuple[list[tuple[Delivery, StoredEvent]], bool]:
        """What waits, each with its message, and whether there is more."""
        ...

    async def overdue(self, now: float, limit: int) -> tuple[list[Delivery], float | None]:
        """Open deliveries past their deadline, and the earliest deadline that is still ahead."""
        ...

    async def close(self) -> None: ...

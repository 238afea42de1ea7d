"""The reading half of the store, answered by this gateway's copy of the log."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.protocol.types.core_types import Delivery
from gateway.shared_log.projection import Projection
from gateway.store import (
    NO_LIMIT,
    Candidates,
    DiskUse,
    InboxQuery,
    IsVisible,
    MessageQuery,
    RecallQuery,
    Span,
    StoredEvent,
    StoredVector,
    ThreadMessage,
    VectorWindow,
)


class ProjectedReads:
    def __init__(self, projection: Projection) -> None:
        self._projection = projection

    def disk_use(self) -> DiskUse:
        return self._projection.store.disk_use()

    async def read(self, after: int, limit: int, visible: IsVisible) -> tuple[list[StoredEvent], int]:
        return await self._projection.store.read(after, limit, visible)

    async def read_back(self, before: int | None, limit: int, visible: IsVisible) -> tuple[list[StoredEvent], int]:
        return await self._projection.store.read_back(before, limit, visible)

    async def messages(self, query: MessageQuery) -> list[StoredEvent]:
        return await self._projection.store.messages(query)

    async def candidates(self, query: RecallQuery) -> Candidates:
        return await self._projection.store.candidates(query)

    async def vector_model(self) -> str | None:
        return await self._projection.store.vector_model()

    async def begin_vectors(self, model: str) -> None:
        await self._projection.store.begin_vectors(model)

    async def put_vectors(self, vectors: Sequence[StoredVector]) -> None:
        await self._projection.store.put_vectors(vectors)

    async def vectors_before(self, before: int | None, limit: int) -> list[StoredVector]:
        return await self._projection.store.vectors_before(before, limit)

    async def vectors_of(self, numbers: Sequence[int]) -> list[StoredVector]:
        return await self._projection.store.vectors_of(numbers)

    async def vector_window(self, most: int) -> VectorWindow:
        return await self._projection.store.vector_window(most)

    async def without_vector(self, after: int, before: int | None, limit: int) -> list[StoredEvent]:
        return await self._projection.store.without_vector(after, before, limit)

    async def ended_asks(self, span: Span, limit: int, visible: IsVisible) -> tuple[list[StoredEvent], bool]:
        return await self._projection.store.ended_asks(span, limit, visible)

    async def one(self, seq: int) -> StoredEvent | None:
        return await self._projection.store.one(seq)

    async def several(self, seqs: Sequence[int]) -> list[StoredEvent]:
        return await self._projection.store.several(seqs)

    async def sent_as(self, sender: str, client_id: str) -> StoredEvent | None:
        return await self._projection.store.sent_as(sender, client_id)

    async def thread(self, first: int, limit: int) -> list[ThreadMessage]:
        return await self._projection.store.thread(first, limit)

    async def about(
        self, number: int, skip: int = 0, limit: int = NO_LIMIT, kind: str | None = None
    ) -> list[StoredEvent]:
        return await self._projection.store.about(number, skip, limit, kind)

    async def about_each(self, numbers: Sequence[int], kind: str) -> dict[int, list[StoredEvent]]:
        return await self._projection.store.about_each(numbers, kind)

    async def aside(self, kind: str, key: str) -> bytes | None:
        return await self._projection.store.aside(kind, key)

    async def deliveries(self, message: int) -> list[Delivery]:
        return await self._projection.store.deliveries(message)

    async def delivery(self, message: int, member: str) -> Delivery | None:
        return await self._projection.store.delivery(message, member)

    async def open_deliveries(self, member: str, after: int, limit: int, *, begun: bool = False) -> list[Delivery]:
        return await self._projection.store.open_deliveries(member, after, limit, begun=begun)

    async def inbox(self, query: InboxQuery) -> tuple[list[tuple[Delivery, StoredEvent]], bool]:
        return await self._projection.store.inbox(query)

    async def overdue(self, now: float, limit: int) -> tuple[list[Delivery], float | None]:
        return await self._projection.store.overdue(now, limit)

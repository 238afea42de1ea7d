"""What was said last, read again at the start: guards against loops count on where they were."""

from __future__ import annotations

from gateway import loops
from gateway.house import House
from gateway.protocol import codec
from gateway.store import Store

RECALLED = 1000  # events


async def recall(store: Store, house: House, last_seq: int) -> None:
    found, _ = await store.read(max(0, last_seq - RECALLED), RECALLED, lambda record: record.kind == "message")
    for record in found:
        loops.note(house, codec.decode_durable(record.event))

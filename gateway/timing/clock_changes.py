"""What is being measured when the clock is set: it moves along, so that a turn, a reminder or a presence lasts as long
as it would have. Moments that somebody chose (an expiry, a deadline) stay: they are wall time by nature. Pure."""

from __future__ import annotations

import msgspec

from gateway.model.records import AskRecord
from gateway.model.state import House
from gateway.turns.engine import Floor


def move(house: House, step: float) -> None:
    house.began += step
    for live in house.live.values():
        live.heard += step
        live.lost += step
        live.expected += step
    house.trails.retime(lambda at: at + step)
    for name, record in list(house.asks.items()):
        house.asks[name] = _ask(record, step)
    for room, floor in list(house.floors.items()):
        house.floors[room] = _floor(floor, step)


def bring_back(house: House, now: float) -> None:
    """After a start: what a clock that was ahead has written down begins now, and not when that time comes."""
    house.trails.retime(lambda at: min(at, now))
    for name, record in list(house.asks.items()):
        if (ahead := record.remind_at - record.pause - now) > 0:
            house.asks[name] = _ask(record, -ahead)
    for room, floor in list(house.floors.items()):
        if (ahead := max(floor.since, floor.heard) - now) > 0:
            house.floors[room] = _floor(floor, -ahead)


def _ask(record: AskRecord, step: float) -> AskRecord:
    return msgspec.structs.replace(
        record, remind_at=record.remind_at + step, until=record.until and record.until + step
    )


def _floor(floor: Floor, step: float) -> Floor:
    moved = {name: at + step for name in ("since", "heard", "granted", "rests") if (at := getattr(floor, name))}
    return msgspec.structs.replace(floor, **moved)

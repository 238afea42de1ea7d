"""Shifts running time measurements when the clock is set, so that a turn, a reminder or a presence lasts as long as
before. Times that somebody chose (an expiry, a deadline) stay, because they are wall time. Pure."""

from __future__ import annotations

import msgspec

from gateway.model.records.stored_records import AskRecord
from gateway.model.state import GatewayState
from gateway.turns.engine import Floor


def shift_clock(state: GatewayState, step: float) -> None:
    state.began += step
    for live in state.live.values():
        live.heard += step
        live.lost += step
        live.expected += step
    state.chains.shift_times(lambda at: at + step)
    state.writes.shift_times(step)
    for name, record in list(state.asks.items()):
        state.asks[name] = _shift_ask(record, step)
    for room, floor in list(state.floors.items()):
        state.floors[room] = _shift_floor(floor, step)


def clamp_future_times(state: GatewayState, now: float) -> None:
    """After a start: times in the future, stored while the clock was ahead, are set to now."""
    state.chains.shift_times(lambda at: min(at, now))
    for name, record in list(state.asks.items()):
        if (ahead := record.remind_at - record.pause - now) > 0:
            state.asks[name] = _shift_ask(record, -ahead)
    for room, floor in list(state.floors.items()):
        if (ahead := max(floor.since, floor.heard) - now) > 0:
            state.floors[room] = _shift_floor(floor, -ahead)


def _shift_ask(record: AskRecord, step: float) -> AskRecord:
    return msgspec.structs.replace(
        record, remind_at=record.remind_at + step, until=record.until and record.until + step
    )


def _shift_floor(floor: Floor, step: float) -> Floor:
    moved = {name: at + step for name in ("since", "heard", "granted", "rests") if (at := getattr(floor, name))}
    return msgspec.structs.replace(floor, **moved)

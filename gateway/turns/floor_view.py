"""A floor as clients see it. Pure."""

from __future__ import annotations

from gateway.protocol.types.core_types import FloorView
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.turns.engine import Floor
from gateway.turns.mode import FREEFORM


def floor_label(floor: Floor) -> str:
    """The floor in one line for people: `debate, positions, round 1 of 3: claude`."""
    if not floor.running:
        return FREEFORM
    phase = f", {floor.now_in.name}" if len(floor.mode.phases) > 1 else ""
    rounds = f", round {floor.round} of {floor.rounds}" if floor.rounds > 1 else ""
    return f"{floor.name}{phase}{rounds}: {floor.speaker}"


def floor_view_of(floor: Floor) -> FloorView:
    if not floor.running:
        return FloorView(FREEFORM)
    return FloorView(
        mode=floor.name,
        topic=floor.topic,
        phase=floor.now_in.name,
        round=floor.round,
        rounds=floor.rounds,
        order=floor.order,
        cast=floor.cast,
        speaker=floor.speaker,
        since=iso_from_seconds(floor.since),
        warned=floor.warned,
        turns=floor.turns,
        budget=floor.budget,
    )

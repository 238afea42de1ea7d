"""Finds a room in which two members can write to each other. Pure."""

from __future__ import annotations

from gateway.model.state import GatewayState
from gateway.protocol.types.core_types import DEFAULT_ROOM


def common_room(state: GatewayState, one: str, other: str) -> str | None:
    """A room of which both are members: each direct message is posted in a room."""
    common = state.rooms_of[one] & state.rooms_of[other]
    return DEFAULT_ROOM if DEFAULT_ROOM in common else min(common, default=None)

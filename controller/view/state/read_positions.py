"""Where a person stopped reading in each room, as text in a file. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gateway.protocol.types.core_types import DEFAULT_ROOM


def positions_from_text(text: str) -> dict[str, int]:
    """The number of the last message that was read, by room. A single number is that of the default room. What is
    damaged counts as nothing read."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    if isinstance(found, int):
        return {DEFAULT_ROOM: found}
    if not isinstance(found, dict):
        return {}
    return {room: number for room, number in found.items() if isinstance(number, int)}


def text_of_positions(positions: Mapping[str, int]) -> str:
    return json.dumps(dict(sorted(positions.items())), ensure_ascii=False)

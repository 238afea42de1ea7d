"""Keys as people order them for a terminal that they watch."""

from __future__ import annotations

from gateway.protocol.events import Control, ControlAction
from gateway.protocol.types.core_types import Ask


def careful_key(digest: str = "") -> Control:
    """As `terminal.key` orders it."""
    ask = Ask("claude", 5, digest, "May I?", "") if digest else None
    return Control(8, ControlAction.KEYS, "alice", ("claude",), "", "enter", None, bool(digest), ask, careful=True)

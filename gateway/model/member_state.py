"""What the gateway knows of a member only while it runs: whether it is connected, and what it is doing. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.protocol.types import Activity, Composer

MAX_KEPT_TOOL_MESSAGES = 20


class ToolMessage(NamedTuple):
    """What an agent has said through a tool: its final answer may be the same once more."""

    seq: int
    content: str
    room: str
    recipients: tuple[str, ...]
    reply_to: int | None


@dataclass
class LiveMember:
    """What is known of a member only while it lasts."""

    connections: int = 0
    heard: float = float("-inf")
    lost: float = float("-inf")  # when the last of its connections ended
    expected: float = float("-inf")  # when it was registered or given a token, and so is to come
    tells_activity: bool = False  # as a sidecar does, which reports each step of a delivery itself
    activity: Activity = Activity.UNKNOWN
    composer: Composer = Composer.UNKNOWN
    note: str = ""
    told_paused: bool = False
    spoken: deque[ToolMessage] = field(default_factory=lambda: deque(maxlen=MAX_KEPT_TOOL_MESSAGES))
    waits: list[frozenset[str]] = field(default_factory=list)  # whom it waits for just now; an empty one: for anybody
    keys: list[str] = field(default_factory=list)

    def orders(self, paused: bool) -> list[str]:
        """What somebody who only polls has not been told yet: whether it is paused, and keys to press."""
        told, self.told_paused = self.told_paused, paused
        keys, self.keys = self.keys, []
        return ([] if told == paused else ["/pause" if paused else "/resume"]) + keys

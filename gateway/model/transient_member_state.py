"""The part of a member's state that is never stored: whether it is connected, and what it is doing. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.protocol.types.agent_conditions import Condition
from gateway.protocol.types.agent_work import UnseenResult, Work
from gateway.protocol.types.conversation_starts import ConversationStart
from gateway.protocol.types.core_types import Activity, Composer

MAX_KEPT_TOOL_MESSAGES = 20
MAX_KEPT_ACTIVITIES = 100
MAX_KEPT_NOTE_CHARS = 200


class BegunActivity(NamedTuple):
    """What an agent began to do, and when it was first reported."""

    at: float
    activity: Activity
    note: str


class ToolMessage(NamedTuple):
    """A message that an agent sent through a tool: its final answer may repeat it."""

    seq: int
    content: str
    room: str
    recipients: tuple[str, ...]
    reply_to: int | None


@dataclass
class LiveMember:
    """The state of a member that is lost when the gateway ends. `connections` are those to this gateway, `elsewhere`
    those to other gateways of the same log."""

    connections: int = 0
    elsewhere: int = 0
    heard: float = float("-inf")
    lost: float = float("-inf")  # when the last of its connections ended
    expected: float = float("-inf")  # when it was registered or got a token, so that it will probably connect soon
    tells_activity: bool = False  # true for a sidecar, which reports each step of a delivery itself
    activity: Activity = Activity.UNKNOWN
    composer: Composer = Composer.UNKNOWN
    note: str = ""
    activities: deque[BegunActivity] = field(default_factory=lambda: deque(maxlen=MAX_KEPT_ACTIVITIES))
    folder: str = ""
    condition: Condition | None = None
    work: Work | None = None
    unseen: UnseenResult = UnseenResult.NOTHING
    told_limit: Condition | None = None  # the limit that its room was told of last
    conversation: ConversationStart | None = None
    told_return: tuple[str, float] = ("", float("-inf"))  # what its room was told of that last, and when
    told_paused: bool = False
    spoken: deque[ToolMessage] = field(default_factory=lambda: deque(maxlen=MAX_KEPT_TOOL_MESSAGES))
    waits: list[frozenset[str]] = field(default_factory=list)  # the members it waits for now; an empty set: anybody
    keys: list[str] = field(default_factory=list)

    def begin_activity(self, activity: Activity, note: str, now: float) -> None:
        """Remember when it began; a repeated report of the same activity changes nothing."""
        if not self.activities or self.activities[-1].activity is not activity:
            self.activities.append(BegunActivity(now, activity, note[:MAX_KEPT_NOTE_CHARS]))

    @property
    def is_connected(self) -> bool:
        return self.connections > 0 or self.elsewhere > 0

    @property
    def since(self) -> float:
        """When the current activity began."""
        return self.activities[-1].at if self.activities else float("-inf")

    def orders(self, paused: bool) -> list[str]:
        """The orders that a polling client has not fetched yet: whether it is paused, and keys to press."""
        told, self.told_paused = self.told_paused, paused
        keys, self.keys = self.keys, []
        return ([] if told == paused else ["/pause" if paused else "/resume"]) + keys

"""What waits for the agent, in order. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from gateway.protocol.events import Message
from gateway.protocol.nouns import Rung


@dataclass(frozen=True)
class Entry:
    """One message and how far it has come here. `recorded`: the agent's transcript shows it; `words`: what was said
    since."""

    message: Message
    rung: Rung = Rung.QUEUED
    reason: str = ""
    attempts: int = 0
    turn: str = ""
    words: str = ""
    recorded: bool = False
    since: float = 0.0

    @property
    def number(self) -> int:
        return self.message.seq

    def at(self, rung: Rung, reason: str, now: float) -> Entry:
        return replace(self, rung=rung, reason=reason, since=now)


_WAITING = (Rung.QUEUED, Rung.HELD)
_OVER = (Rung.ANSWERED, Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED)


@dataclass
class Inbox:
    """Urgent before the rest, then by priority, then in order. At most one entry is in the agent's hands."""

    paused: bool = False
    entries: dict[int, Entry] = field(default_factory=dict)
    known: set[int] = field(default_factory=set)

    def add(self, entry: Entry) -> bool:
        """False for a message that was here before: it is never delivered twice."""
        if entry.number in self.known:
            return False
        self.known.add(entry.number)
        self.entries[entry.number] = entry
        return True

    def again(self, entry: Entry) -> None:
        """A person ordered a retry."""
        self.known.discard(entry.number)
        self.entries.pop(entry.number, None)
        self.add(entry)

    def put(self, entry: Entry) -> None:
        """The entry as it stands now; what is over leaves the inbox."""
        if entry.rung in _OVER:
            self.entries.pop(entry.number, None)
        else:
            self.entries[entry.number] = entry

    def get(self, number: int) -> Entry | None:
        return self.entries.get(number)

    def waiting(self) -> list[Entry]:
        return sorted((one for one in self.entries.values() if one.rung in _WAITING), key=_order)

    def in_hand(self) -> list[Entry]:
        return [one for one in self.entries.values() if one.rung not in _WAITING]

    def next(self) -> Entry | None:
        waiting = self.waiting()
        return waiting[0] if waiting else None

    def expired(self, ages: Iterable[tuple[int, float]]) -> list[Entry]:
        """Those still waiting whose time to live is over; `ages` are (number, seconds since sent)."""
        ttl = {one.number: one.message.ttl for one in self.waiting()}
        return [self.entries[number] for number, age in ages if (limit := ttl.get(number)) is not None and age > limit]


def _order(entry: Entry) -> tuple[bool, int, int]:
    return not entry.message.urgent, -entry.message.priority, entry.number

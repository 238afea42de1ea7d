"""What waits for the agent, in order. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from gateway.protocol.events import Message
from gateway.protocol.nouns import Rung
from sidecar.digest import MOST_AT_ONCE, MOST_WHOLE, is_due


@dataclass(frozen=True)
class Entry:
    """One message and how far it has come here. `turn` is the vendor's name for its turn, `accepted` when that began;
    `recorded`: the agent's transcript shows it; `worked`: the agent was seen at work since; `words`: what was said
    since; `company`: the numbers that went in as one prompt; `received`: when its time to live began here."""

    message: Message
    rung: Rung = Rung.QUEUED
    reason: str = ""
    attempts: int = 0
    turn: str = ""
    accepted: float = 0.0
    words: str = ""
    recorded: bool = False
    worked: bool = False
    company: tuple[int, ...] = ()
    since: float = 0.0
    received: float = float("inf")

    @property
    def number(self) -> int:
        return self.message.seq

    @property
    def audience(self) -> tuple[str, str]:
        """Who hears the answer: the room, or the sender of a direct message."""
        return self.message.room, self.message.from_ if self.message.recipients else ""

    def at(self, rung: Rung, reason: str, now: float) -> Entry:
        return replace(self, rung=rung, reason=reason, since=now)


_WAITING = (Rung.QUEUED, Rung.HELD)
UNSENT = (*_WAITING, Rung.TYPED, Rung.VERIFIED, Rung.UNVERIFIED)
LONGEST_TOGETHER = 8000
OVER = (Rung.ANSWERED, Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED)


@dataclass
class Inbox:
    """Urgent before the rest, then by priority, then in order. At most one entry is in the agent's hands. `catches_up`:
    more than go in whole may go in as a digest."""

    paused: bool = False
    catches_up: bool = True
    entries: dict[int, Entry] = field(default_factory=dict)
    known: set[int] = field(default_factory=set)

    def add(self, entry: Entry) -> bool:
        """False for a message that was here before: it is never delivered twice."""
        if entry.number in self.known:
            return False
        self.known.add(entry.number)
        self.entries[entry.number] = replace(entry, received=entry.since)
        return True

    def forget(self) -> None:
        self.known.clear()
        self.entries.clear()

    def again(self, entry: Entry) -> None:
        """A person ordered a retry."""
        self.known.add(entry.number)
        self.entries.pop(entry.number, None)
        self.entries[entry.number] = entry

    def put(self, entry: Entry) -> None:
        """The entry as it stands now; what is over leaves the inbox."""
        if entry.rung in OVER:
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

    def parcel(self) -> list[Entry]:
        """What goes in as one prompt: the next message, and those after it that the same people hear answered. An
        urgent one goes alone; of very many or old ones, all that a catch-up holds."""
        waiting = self.waiting()
        if waiting and self.catches_up and not waiting[0].message.urgent:
            mine = [one for one in waiting if one.audience == waiting[0].audience][:MOST_AT_ONCE]
            if is_due([one.message for one in mine]):
                return mine
        found, size = waiting[:1], 0
        for one in waiting[1:] if found and not found[0].message.urgent else ():
            size += len(found[-1].message.content)
            if len(found) >= MOST_WHOLE or size + len(one.message.content) > LONGEST_TOGETHER:
                break
            if one.audience == found[0].audience:
                found.append(one)
        return found

    def expired(self, now: float) -> list[Entry]:
        """Those still waiting whose time to live is over. What a person ordered again has none."""
        return [one for one in self.waiting() if one.message.ttl is not None and now - one.received > one.message.ttl]


def _order(entry: Entry) -> tuple[bool, int, int]:
    return not entry.message.urgent, -entry.message.priority, entry.number

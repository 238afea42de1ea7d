"""What waits for the agent, in order. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from gateway.protocol.delivery_reasons import BEFORE_ANSWER, Held, interrupted, refused_by
from gateway.protocol.events import Message
from gateway.protocol.types import Rung
from sidecar.messages.attachment_text import weight
from sidecar.messages.catch_up import MOST_AT_ONCE, MOST_WHOLE, is_due


@dataclass(frozen=True)
class Cut:
    """A key that ends a turn went to the agent while it worked on a message: when, and how that is said. Or it was a No
    to a question of the agent's, and whose."""

    at: float
    how: str = BEFORE_ANSWER
    refused_by: str = ""

    @property
    def reason(self) -> str:
        return refused_by(self.refused_by) if self.refused_by else interrupted(self.how)


@dataclass(frozen=True)
class Entry:
    """One message and how far it has come here. `reason` is what the room was told, `held` why it waits;
    `queued_inside`: the agent was at work when it was submitted, and keeps it for another turn.

    `turn` is the vendor's name for its turn, `accepted` when that began;
    `recorded`: the agent's transcript shows it; `worked`: the agent was seen at work since; `words`: what was said
    since; `company`: the numbers that went in as one prompt; `received`: when its time to live began here; `cut`: its
    turn was probably ended by a key."""

    message: Message
    rung: Rung = Rung.QUEUED
    reason: str = ""
    held: Held | None = None
    queued_inside: bool = False
    attempts: int = 0
    turn: str = ""
    accepted: float = 0.0
    words: str = ""
    recorded: bool = False
    worked: bool = False
    company: tuple[int, ...] = ()
    since: float = 0.0
    received: float = float("inf")
    cut: Cut | None = None

    @property
    def number(self) -> int:
        return self.message.seq

    @property
    def audience(self) -> tuple[str, str]:
        """Who hears the answer: the room, or the sender of a direct message."""
        return self.message.room, self.message.from_ if self.message.recipients else ""

    def at(self, rung: Rung, reason: str, now: float) -> Entry:
        held = reason if isinstance(reason, Held) else None
        return replace(self, rung=rung, reason=reason, held=held, since=now)


WAITING = (Rung.QUEUED, Rung.HELD)
UNSENT = (*WAITING, Rung.TYPED, Rung.VERIFIED, Rung.UNVERIFIED)
LONGEST_TOGETHER = 8000
MOST_NEAR, FEW_NEAR = 200, 150  # the next ones are fetched while a whole catch-up is still here
Place = tuple[bool, int, int]
OVER = (Rung.ANSWERED, Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED)


@dataclass
class Inbox:
    """Urgent before the rest, then by priority, then in order. At most one entry is in the agent's hands. `catches_up`:
    more than go in whole may go in as a digest.

    Only what is near is held here, in order, so that every look at it is short however much waits. `more`: the gateway
    has others, all of which come after these; `beyond` is about how many."""

    paused: bool = False
    catches_up: bool = True
    entries: dict[int, Entry] = field(default_factory=dict)
    known: set[int] = field(default_factory=set)
    more: bool = False
    beyond: int = 0
    _places: list[Place] = field(default_factory=list)
    _read: Place | None = None
    _left: Place | None = None

    def add(self, entry: Entry) -> bool:
        """False for a message that was here before: it is never delivered twice."""
        if entry.number in self.known:
            return False
        self.known.add(entry.number)
        self._set(replace(entry, received=entry.since))
        return True

    def forget(self) -> None:
        self.known.clear()
        self.entries.clear()
        self._places.clear()
        self.more, self.beyond, self._read = False, 0, None

    def again(self, entry: Entry) -> None:
        """A person ordered a retry."""
        self.known.add(entry.number)
        self.remove(entry.number)
        self._set(entry)

    def put(self, entry: Entry) -> None:
        """The entry as it stands now; what is over leaves the inbox."""
        if entry.rung in OVER:
            self.remove(entry.number)
        else:
            self._set(entry)

    def get(self, number: int) -> Entry | None:
        return self.entries.get(number)

    def _set(self, entry: Entry) -> None:
        before = self.entries.get(entry.number)
        waited, waits = before is not None and before.rung in WAITING, entry.rung in WAITING
        self.entries[entry.number] = entry
        if waits and not waited:
            insort(self._places, _place(entry))
        elif waited and not waits:
            self._leave(entry)

    def remove(self, number: int) -> None:
        entry = self.entries.pop(number, None)
        if entry is not None and entry.rung in WAITING:
            self._leave(entry)

    def _leave(self, entry: Entry) -> None:
        del self._places[bisect_left(self._places, _place(entry))]

    # What is near, and what is left to the gateway

    def is_far(self, entry: Entry) -> bool:
        """Whether others come before it than there is room for, or others that are not here yet."""
        is_last = not self._places or _place(entry) > self._places[-1]
        if len(self._places) >= MOST_NEAR:
            return is_last
        return self.more and is_last and not entry.message.urgent

    def defer(self, entry: Entry) -> None:
        """A message is left to the gateway, which has it."""
        self.more = True
        self.beyond += 1
        self._left = min(self._left or _place(entry), _place(entry))

    def read_on(self) -> tuple[int, int]:
        """After which message to read what the gateway has (0: from the beginning), and how many there is room for.
        What was left to it before that place must be read again."""
        if self._left and self._read and self._left <= self._read:
            self._read = None
        self._left = None
        return self._read[-1] if self._read else 0, max(1, MOST_NEAR - len(self._places))

    def was_read(self, page: Sequence[Message], more: bool, count: int) -> None:
        """A page of what waits at the gateway, of `count` in all. What was left to it meanwhile is in no page yet."""
        if page:
            self._read = _place(Entry(page[-1]))
        self.more = more or self._left is not None
        self.beyond = max(0, count - len(self._places)) if self.more else 0

    def expect_more(self) -> None:
        self.more, self._read = True, None

    def make_room(self) -> None:
        """The last ones go back to what the gateway has, unless they were tried already."""
        while len(self._places) > MOST_NEAR:
            entry = self.entries[self._places[-1][-1]]
            if entry.attempts or entry.company:
                return
            self.remove(entry.number)
            self.known.discard(entry.number)
            self.defer(entry)

    @property
    def wants_more(self) -> bool:
        return self.more and len(self._places) < FEW_NEAR

    def waiting(self) -> list[Entry]:
        return [self.entries[place[-1]] for place in self._places]

    @property
    def count(self) -> int:
        """How many wait, here and at the gateway."""
        return len(self._places) + self.beyond

    def in_hand(self) -> list[Entry]:
        return [one for one in self.entries.values() if one.rung not in WAITING]

    def next(self) -> Entry | None:
        return self.entries[self._places[0][-1]] if self._places else None

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
            size += weight(found[-1].message)
            if len(found) >= MOST_WHOLE or size + weight(one.message) > LONGEST_TOGETHER:
                break
            if one.audience == found[0].audience:
                found.append(one)
        return found

    def expired(self, now: float) -> list[Entry]:
        """Those still waiting whose time to live is over. What a person ordered again has none."""
        return [one for one in self.waiting() if one.message.ttl is not None and now - one.received > one.message.ttl]


def _place(entry: Entry) -> Place:
    return not entry.message.urgent, -entry.message.priority, entry.number

"""The queue of messages that wait for the agent. Pure."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from gateway.protocol.events import Message
from gateway.protocol.types.core_types import Rung
from gateway.protocol.types.delivery_reasons import (
    BEFORE_ANSWER,
    HoldReason,
    hold_reason_of,
    interrupted_reason,
    refused_reason,
)
from sidecar.messages.attachment_text import attachment_chars
from sidecar.messages.backlog_digest import MAX_MESSAGES, MAX_WHOLE_MESSAGES, needs_digest


class ReplyAudience(NamedTuple):
    """Who gets the answer: the room, or the `sender` of a direct message."""

    room: str
    sender: str = ""


@dataclass(frozen=True)
class Interruption:
    """A key ended a turn while the agent worked on a message: when, and the words for it. Or somebody denied a question
    of the agent: who."""

    at: float
    how: str = BEFORE_ANSWER
    refused_by: str = ""

    @property
    def reason(self) -> str:
        return refused_reason(self.refused_by) if self.refused_by else interrupted_reason(self.how)


@dataclass(frozen=True)
class InboxEntry:
    """One message and how far it is here. `reason` is what the room was told, `held` why it waits. `queued_inside`: the
    agent was at work when it was submitted, and keeps it for a later turn.

    `turn` is the vendor's id of its turn; `accepted`: when that began; `recorded`: the agent's transcript shows it;
    `worked`: the agent was seen at work since; `words`: what the agent said since; `company`: the numbers of its
    prompt; `received`: when its time to live began here; `cut`: a key probably ended its turn; `limited`: since when a
    usage limit keeps the agent from going on with it.
    """

    message: Message
    rung: Rung = Rung.QUEUED
    reason: str = ""
    held: HoldReason | None = None
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
    cut: Interruption | None = None
    limited: float | None = None

    @property
    def number(self) -> int:
        return self.message.seq

    @property
    def audience(self) -> ReplyAudience:
        return ReplyAudience(self.message.room, self.message.from_ if self.message.recipients else "")

    def at(self, rung: Rung, reason: str, now: float) -> InboxEntry:
        held = hold_reason_of(reason) if rung is Rung.HELD else None
        return replace(self, rung=rung, reason=reason, held=held, since=now)


WAITING = (Rung.QUEUED, Rung.HELD)
UNSENT_RUNGS = (*WAITING, Rung.TYPED, Rung.VERIFIED, Rung.UNVERIFIED)
MAX_PROMPT_CHARS = 8000
MAX_LOADED, LOAD_BELOW = 200, 150  # fetch the next page while a whole digest is still loaded
QueuePosition = tuple[bool, int, int]
FINAL_RUNGS = (Rung.ANSWERED, Rung.FAILED, Rung.EXPIRED, Rung.CANCELLED)


@dataclass
class MessageQueue:
    """Urgent messages come first, then by priority, then in order. The agent has at most one prompt in hand.
    `catches_up`: more messages than fit into one prompt may be typed as a digest. `one_by_one`: without envelopes,
    two messages in one prompt could not be told apart.

    Only the next messages are loaded, so that every look is short however many wait. `more`: the gateway has further
    messages, all after these; `beyond` is about how many.
    """

    paused: bool = False
    catches_up: bool = True
    one_by_one: bool = False
    entries: dict[int, InboxEntry] = field(default_factory=dict)
    known: set[int] = field(default_factory=set)
    more: bool = False
    beyond: int = 0
    _places: list[QueuePosition] = field(default_factory=list)
    _read: QueuePosition | None = None
    _left: QueuePosition | None = None

    def add(self, entry: InboxEntry) -> bool:
        """False for a message that was here before, because it is never delivered twice."""
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

    def again(self, entry: InboxEntry) -> None:
        """A person ordered a retry."""
        self.known.add(entry.number)
        self.remove(entry.number)
        self._set(entry)

    def put(self, entry: InboxEntry) -> None:
        """Store the new state of the entry. An entry in a final state leaves the queue."""
        if entry.rung in FINAL_RUNGS:
            self.remove(entry.number)
        else:
            self._set(entry)

    def get(self, number: int) -> InboxEntry | None:
        return self.entries.get(number)

    def _set(self, entry: InboxEntry) -> None:
        before = self.entries.get(entry.number)
        waited, waits = before is not None and before.rung in WAITING, entry.rung in WAITING
        self.entries[entry.number] = entry
        if waits and not waited:
            insort(self._places, _queue_position(entry))
        elif waited and not waits:
            self._leave(entry)

    def remove(self, number: int) -> None:
        entry = self.entries.pop(number, None)
        if entry is not None and entry.rung in WAITING:
            self._leave(entry)

    def _leave(self, entry: InboxEntry) -> None:
        del self._places[bisect_left(self._places, _queue_position(entry))]

    # What is loaded, and what is left to the gateway

    def is_far(self, entry: InboxEntry) -> bool:
        """Whether more messages come before it than the queue loads, or messages that are not loaded yet."""
        is_last = not self._places or _queue_position(entry) > self._places[-1]
        if len(self._places) >= MAX_LOADED:
            return is_last
        return self.more and is_last and not entry.message.urgent

    def defer(self, entry: InboxEntry) -> None:
        """Leave a message to the gateway, which has it."""
        self.more = True
        self.beyond += 1
        self._left = min(self._left or _queue_position(entry), _queue_position(entry))

    def next_page_position(self) -> tuple[int, int]:
        """The message after which to read the next page (0: from the beginning), and how many fit. Messages before that
        position that were deferred must be read again."""
        if self._left and self._read and self._left <= self._read:
            self._read = None
        self._left = None
        return self._read[-1] if self._read else 0, max(1, MAX_LOADED - len(self._places))

    def page_was_read(self, page: Sequence[Message], more: bool, count: int) -> None:
        """A page of the `count` messages that wait at the gateway was read. Messages deferred meanwhile are in no page
        yet."""
        if page:
            self._read = _queue_position(InboxEntry(page[-1]))
        self.more = more or self._left is not None
        self.beyond = max(0, count - len(self._places)) if self.more else 0

    def expect_more(self) -> None:
        self.more, self._read = True, None

    def drop_far_messages(self) -> None:
        """Defer the last messages, unless they were tried already."""
        while len(self._places) > MAX_LOADED:
            entry = self.entries[self._places[-1][-1]]
            if entry.attempts or entry.company:
                return
            self.remove(entry.number)
            self.known.discard(entry.number)
            self.defer(entry)

    @property
    def wants_more(self) -> bool:
        return self.more and len(self._places) < LOAD_BELOW

    def waiting(self) -> list[InboxEntry]:
        return [self.entries[place[-1]] for place in self._places]

    @property
    def count(self) -> int:
        """How many messages wait, here and at the gateway."""
        return len(self._places) + self.beyond

    def in_hand(self) -> list[InboxEntry]:
        return [one for one in self.entries.values() if one.rung not in WAITING]

    def next(self) -> InboxEntry | None:
        return self.entries[self._places[0][-1]] if self._places else None

    def parcel(self) -> list[InboxEntry]:
        """The messages of the next prompt: the first, and those after it with the same audience. An urgent message goes
        alone. If there are very many or old ones, all that fit into a digest."""
        waiting = self.waiting()
        if self.one_by_one:
            return waiting[:1]
        if waiting and self.catches_up and not waiting[0].message.urgent:
            mine = [one for one in waiting if one.audience == waiting[0].audience][:MAX_MESSAGES]
            if needs_digest([one.message for one in mine]):
                return mine
        found, size = waiting[:1], 0
        for one in waiting[1:] if found and not found[0].message.urgent else ():
            size += attachment_chars(found[-1].message)
            if len(found) >= MAX_WHOLE_MESSAGES or size + attachment_chars(one.message) > MAX_PROMPT_CHARS:
                break
            if one.audience == found[0].audience:
                found.append(one)
        return found

    def expired(self, now: float) -> list[InboxEntry]:
        """The waiting messages whose time to live is over. A message that a person ordered again has none."""
        return [one for one in self.waiting() if one.message.ttl is not None and now - one.received > one.message.ttl]


def audience_of_answer(entries: Sequence[InboxEntry], is_open_room: Callable[[str], bool]) -> ReplyAudience | None:
    """Who gets the whole answer to a turn whose messages came from several audiences, as an urgent message joins a
    running turn: the sender of its only direct message, else its only invite-only room, else the room of the newest
    message. Nobody, if any choice would show somebody what is not for them."""
    direct = {one.audience for one in entries if one.audience.sender}
    closed = {one.audience.room for one in entries if not is_open_room(one.audience.room)}
    if not entries or len(direct) > 1 or len(closed) > 1:
        return None
    if direct:
        (sender,) = direct
        return sender if closed <= {sender.room} else None
    return ReplyAudience(closed.pop()) if closed else max(entries, key=lambda one: one.number).audience


def _queue_position(entry: InboxEntry) -> QueuePosition:
    return not entry.message.urgent, -entry.message.priority, entry.number

"""Which message caused which, and how often members wrote to each other recently. Pure: knows neither state nor store.

Nothing here is stored: a start rebuilds it from the last messages of the log
(`gateway.runtime.state_loader`).
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

from gateway.loop_guard.holds import LoopHold, pair_key
from gateway.loop_guard.text_similarity import Sketch, are_similar, sketch_of
from gateway.protocol.events import Message
from gateway.protocol.types.core_types import SYSTEM_NAME, MessageKind
from gateway.protocol.types.loop_limits import Limits

K = TypeVar("K")
V = TypeVar("V")

MAX_KEPT_MESSAGES = 10_000
MAX_KEPT_TEXTS = 12
MINUTE_S, TEN_MINUTES_S, HOUR_S = 60.0, 600.0, 3600.0
MAX_CHAIN_MESSAGES = 64
MAX_BELIEVED_TOKENS = 10**9


class CausalLink(NamedTuple):
    """A message, and the one that caused it."""

    seq: int
    author: str
    room: str
    at: float
    hops: int = 0
    cause: int | None = None


class Occurrence(NamedTuple):
    at: float
    seq: int


class TextSketch(NamedTuple):
    at: float
    seq: int
    to: tuple[str, ...]
    sketch: Sketch


@dataclass
class RecentTraffic:
    """Which message led to which, and how often machines have woken each other lately. `told`: the last message to each
    machine, also if its chain was too long to wake it; `latest`: the last message from or to it; `free`: the last
    message of a person to it: the counts of the limits begin after that."""

    limits: Limits = field(default_factory=Limits)
    links: OrderedDict[int, CausalLink] = field(default_factory=OrderedDict)
    told: dict[str, int] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)
    free: dict[str, int] = field(default_factory=dict)
    _pairs: OrderedDict[str, deque[Occurrence]] = field(default_factory=OrderedDict)
    _wakes: dict[str, deque[Occurrence]] = field(default_factory=lambda: defaultdict(deque))
    _texts: dict[str, deque[TextSketch]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=MAX_KEPT_TEXTS))
    )
    _spent: dict[str, deque[tuple[Occurrence, int]]] = field(default_factory=lambda: defaultdict(deque))
    _ids: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)

    def knows_message(self, author: str, id_: str | None) -> bool:
        """Whether this is a repeat by a sender that got no acknowledgement."""
        return id_ is not None and (author, id_) in self._ids

    def note(self, message: Message, is_machine: Callable[[str], bool]) -> None:
        if self.knows_message(message.from_, message.id):
            return
        _remember_bounded(self._ids, (message.from_, message.id), None)
        woken = [name for name in message.deliveries if is_machine(name)]
        by_machine = is_machine(message.from_)
        if by_machine or woken:
            self._remember(message, by_machine=by_machine)
        if by_machine:
            self.latest[message.from_] = message.seq
            self._count(message, woken)
        too_far = by_machine and 0 < self.limits.max_hops <= message.hops
        named = message.recipients or message.wakes
        held = [name for name in named if is_machine(name) and name != message.from_] if too_far else ()
        for name in (*woken, *held):
            self.told[name] = self.latest[name] = message.seq
            if not by_machine and message.from_ != SYSTEM_NAME:
                self.free[name] = message.seq

    def _remember(self, message: Message, *, by_machine: bool) -> None:
        cause = message.reply_to or self.told.get(message.from_) if by_machine else None
        at = datetime.fromisoformat(message.timestamp).timestamp()
        _remember_bounded(
            self.links, message.seq, CausalLink(message.seq, message.from_, message.room, at, message.hops, cause)
        )

    def _count(self, message: Message, woken: Sequence[str]) -> None:
        mark = Occurrence(self.links[message.seq].at, message.seq)
        for name in woken:
            _push_bounded(self._wakes[name], mark, self.limits.max_wakes)
            if (message.recipients or message.wakes) and self.limits.max_pair:
                key = pair_key(message.from_, name)
                marks = self._pairs.get(key) or deque()
                _push_bounded(marks, mark, self.limits.max_pair)
                _remember_bounded(self._pairs, key, marks)
        if tokens := tokens_of(message):
            self._spent[message.from_].append((mark, tokens))
        if message.deliveries and self.limits.max_repeats and (found := sketch_of(message.content)):
            self._texts[message.from_].append(TextSketch(mark.at, mark.seq, message.recipients or message.wakes, found))

    def shift_times(self, change: Callable[[float], float]) -> None:
        """Shift all stored times after the clock was set."""
        for seq, link in self.links.items():
            self.links[seq] = link._replace(at=change(link.at))
        for marks in (*self._pairs.values(), *self._wakes.values()):
            _apply_to_each(marks, lambda mark: mark._replace(at=change(mark.at)))
        for texts in self._texts.values():
            _apply_to_each(texts, lambda text: text._replace(at=change(text.at)))
        for spent in self._spent.values():
            _apply_to_each(spent, lambda one: (one[0]._replace(at=change(one[0].at)), one[1]))

    # queries

    def pairs(self, one: str, other: str, now: float, after: int) -> int:
        """How many messages the two exchanged in the last minute, counting those after the number `after`."""
        after = max(after, self.free.get(one, 0), self.free.get(other, 0))
        return _count_since(self._pairs.get(pair_key(one, other), ()), now - MINUTE_S, after)

    def wakes(self, name: str, now: float, after: int) -> int:
        return _count_since(self._wakes.get(name, ()), now - HOUR_S, max(after, self.free.get(name, 0)))

    def spent(self, name: str, now: float, after: int) -> int:
        """The tokens of the last hour."""
        told, after = self._spent.get(name, deque()), max(after, self.free.get(name, 0))
        while told and told[0][0].at <= now - HOUR_S:
            told.popleft()
        return sum(tokens for mark, tokens in told if mark.seq > after)

    def hour_tokens(self, name: str, now: float) -> int:
        """The tokens of the last hour, whoever caused them."""
        return sum(tokens for mark, tokens in self._spent.get(name, ()) if mark.at > now - HOUR_S)

    def hour_wakes(self, name: str, now: float) -> int:
        """How often machines woke the member in the last hour, counted up to the limit."""
        return _count_since(self._wakes.get(name, ()), now - HOUR_S, 0)

    def repeats(self, author: str, to: tuple[str, ...], content: str, now: float, after: int) -> list[int]:
        """Earlier messages of this author to the same recipients with nearly the same text."""
        found = sketch_of(content) if author in self._texts else None
        after, since = max(after, self.free.get(author, 0)), now - TEN_MINUTES_S
        texts = self._texts[author] if found else ()
        return [
            one.seq
            for one in texts
            if found and one.seq > after and one.at > since and one.to == to and are_similar(one.sketch, found)
        ]

    def chain(self, seq: int | None) -> list[CausalLink]:
        """The chain of messages from the first cause to this one."""
        return list(self._back(seq))[::-1]

    def _back(self, seq: int | None) -> Iterator[CausalLink]:
        for _ in range(MAX_CHAIN_MESSAGES):
            link = self.links.get(seq or 0)
            if link is None:
                return
            yield link
            seq = link.cause if link.cause is None or link.cause < link.seq else None


def is_answer(message: Message) -> bool:
    """Whether the message ends a turn of its author: also if it only refers to what a tool has said before."""
    return message.kind is MessageKind.REPLY or (message.context is not None and "same_as" in message.context)


def tokens_of(message: Message) -> int:
    """The tokens that an agent reports as spent; an implausible value counts as 0."""
    tokens = message.context.get("tokens") if message.context and is_answer(message) else None
    return (
        tokens if isinstance(tokens, int) and not isinstance(tokens, bool) and 0 < tokens < MAX_BELIEVED_TOKENS else 0
    )


def hops_after(link: CausalLink | None, name: str, holds: Mapping[str, LoopHold]) -> int:
    """The hops of a message, as counted for its answer; 0 if a person has lifted the hold since."""
    if link is None:
        return 0
    hold = holds.get(link.room)
    return 0 if hold is not None and link.seq <= hold.lifted_until(name) else link.hops


def hops_left(chains: RecentTraffic, name: str, holds: Mapping[str, LoopHold]) -> int | None:
    """How many more answers the chain allows; None until machines answer each other (the first answer is to a
    person)."""
    hops = hops_after(chains.links.get(chains.latest.get(name, 0)), name, holds)
    return max(0, chains.limits.max_hops - hops) if hops > 1 and chains.limits.max_hops else None


def _remember_bounded(table: OrderedDict[K, V], key: K, value: V) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > MAX_KEPT_MESSAGES:
        table.popitem(last=False)


def _apply_to_each(row: deque[V], change: Callable[[V], V]) -> None:
    for place, one in enumerate(row):
        row[place] = change(one)


def _push_bounded(marks: deque[Occurrence], mark: Occurrence, most: int) -> None:
    marks.append(mark)
    while len(marks) > most:
        marks.popleft()


def _count_since(marks: Iterable[Occurrence], at: float, seq: int) -> int:
    return sum(one.at > at and one.seq > seq for one in marks)

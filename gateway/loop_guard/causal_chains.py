"""Who said what because of what, and how often lately. Pure: it is told each message, and knows no house and no store.

Nothing here outlives the process, and nothing needs to: the last messages of the log tell it all again
(`gateway.runtime.state_loader`).
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

from gateway.loop_guard.holds import Brake, pair
from gateway.loop_guard.similarity import Sketch, alike, sketch
from gateway.protocol.events import Message
from gateway.protocol.loop_limits import Limits
from gateway.protocol.types import SYSTEM, MessageKind

K = TypeVar("K")
V = TypeVar("V")

KEPT = 10_000
KEPT_TEXTS = 12
MINUTE, TEN_MINUTES, HOUR = 60.0, 600.0, 3600.0
LONGEST_CHAIN = 64
MOST_TOKENS = 10**9


class Trail(NamedTuple):
    """A message, and the one that caused it."""

    seq: int
    author: str
    room: str
    at: float
    hops: int = 0
    cause: int | None = None


class Mark(NamedTuple):
    at: float
    seq: int


class Text(NamedTuple):
    at: float
    seq: int
    to: tuple[str, ...]
    sketch: Sketch


@dataclass
class Trails:
    """`told`: what each machine was told last, also if that came too late in its chain to wake it; `latest`: what it
    said or was told last; `free`: when a person last spoke to it, from where on all is counted anew."""

    limits: Limits = field(default_factory=Limits)
    trails: OrderedDict[int, Trail] = field(default_factory=OrderedDict)
    told: dict[str, int] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)
    free: dict[str, int] = field(default_factory=dict)
    _pairs: OrderedDict[str, deque[Mark]] = field(default_factory=OrderedDict)
    _wakes: dict[str, deque[Mark]] = field(default_factory=lambda: defaultdict(deque))
    _texts: dict[str, deque[Text]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=KEPT_TEXTS)))
    _spent: dict[str, deque[tuple[Mark, int]]] = field(default_factory=lambda: defaultdict(deque))
    _ids: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict)

    def knows(self, author: str, id_: str | None) -> bool:
        """Whether it was said before: the sender repeats what it got no answer for."""
        return id_ is not None and (author, id_) in self._ids

    def note(self, message: Message, is_machine: Callable[[str], bool]) -> None:
        if self.knows(message.from_, message.id):
            return
        _keep(self._ids, (message.from_, message.id), None)
        woken = [name for name in message.deliveries if is_machine(name)]
        by_machine = is_machine(message.from_)
        if by_machine or woken:
            self._remember(message, by_machine=by_machine)
        if by_machine:
            self.latest[message.from_] = message.seq
            self._count(message, woken)
        too_far = by_machine and 0 < self.limits.max_hops <= message.hops
        asleep = [name for name in message.recipients if is_machine(name) and name != message.from_] if too_far else ()
        for name in (*woken, *asleep):
            self.told[name] = self.latest[name] = message.seq
            if not by_machine and message.from_ != SYSTEM:
                self.free[name] = message.seq

    def _remember(self, message: Message, *, by_machine: bool) -> None:
        cause = message.reply_to or self.told.get(message.from_) if by_machine else None
        at = datetime.fromisoformat(message.timestamp).timestamp()
        _keep(self.trails, message.seq, Trail(message.seq, message.from_, message.room, at, message.hops, cause))

    def _count(self, message: Message, woken: Sequence[str]) -> None:
        mark = Mark(self.trails[message.seq].at, message.seq)
        for name in woken:
            _push(self._wakes[name], mark, self.limits.max_wakes)
            if message.recipients and self.limits.max_pair:
                key = pair(message.from_, name)
                marks = self._pairs.get(key) or deque()
                _push(marks, mark, self.limits.max_pair)
                _keep(self._pairs, key, marks)
        if tokens := tokens_of(message):
            self._spent[message.from_].append((mark, tokens))
        if message.deliveries and self.limits.max_repeats and (found := sketch(message.content)):
            self._texts[message.from_].append(Text(mark.at, mark.seq, message.recipients, found))

    def retime(self, change: Callable[[float], float]) -> None:
        """The clock was set: all that was said was said at another time."""
        for seq, trail in self.trails.items():
            self.trails[seq] = trail._replace(at=change(trail.at))
        for marks in (*self._pairs.values(), *self._wakes.values()):
            _each(marks, lambda mark: mark._replace(at=change(mark.at)))
        for texts in self._texts.values():
            _each(texts, lambda text: text._replace(at=change(text.at)))
        for spent in self._spent.values():
            _each(spent, lambda one: (one[0]._replace(at=change(one[0].at)), one[1]))

    # asking

    def pairs(self, one: str, other: str, now: float, after: int) -> int:
        """How many messages lately, of those after a number."""
        after = max(after, self.free.get(one, 0), self.free.get(other, 0))
        return _since(self._pairs.get(pair(one, other), ()), now - MINUTE, after)

    def wakes(self, name: str, now: float, after: int) -> int:
        return _since(self._wakes.get(name, ()), now - HOUR, max(after, self.free.get(name, 0)))

    def spent(self, name: str, now: float, after: int) -> int:
        """Tokens, in the last hour."""
        told, after = self._spent.get(name, deque()), max(after, self.free.get(name, 0))
        while told and told[0][0].at <= now - HOUR:
            told.popleft()
        return sum(tokens for mark, tokens in told if mark.seq > after)

    def repeats(self, author: str, to: tuple[str, ...], content: str, now: float, after: int) -> list[int]:
        """The messages of this author to the same that said nearly the same."""
        found = sketch(content) if author in self._texts else None
        after, since = max(after, self.free.get(author, 0)), now - TEN_MINUTES
        texts = self._texts[author] if found else ()
        return [
            one.seq
            for one in texts
            if found and one.seq > after and one.at > since and one.to == to and alike(one.sketch, found)
        ]

    def chain(self, seq: int | None) -> list[Trail]:
        """From the first cause to this message."""
        return list(self._back(seq))[::-1]

    def _back(self, seq: int | None) -> Iterator[Trail]:
        for _ in range(LONGEST_CHAIN):
            trail = self.trails.get(seq or 0)
            if trail is None:
                return
            yield trail
            seq = trail.cause if trail.cause is None or trail.cause < trail.seq else None


def tokens_of(message: Message) -> int:
    """What an agent says that it has spent; no more than a number can be believed."""
    tokens = message.context.get("tokens") if message.context and message.kind is MessageKind.REPLY else None
    return tokens if isinstance(tokens, int) and not isinstance(tokens, bool) and 0 < tokens < MOST_TOKENS else 0


def hops_after(trail: Trail | None, name: str, brakes: Mapping[str, Brake]) -> int:
    """The hops of a message, for who answers it; none of what a person has lifted."""
    if trail is None:
        return 0
    brake = brakes.get(trail.room)
    return 0 if brake is not None and trail.seq <= brake.lifted_until(name) else trail.hops


def hops_left(trails: Trails, name: str, brakes: Mapping[str, Brake]) -> int | None:
    """There once machines have begun to answer each other: the first answer is a person's."""
    hops = hops_after(trails.trails.get(trails.latest.get(name, 0)), name, brakes)
    return max(0, trails.limits.max_hops - hops) if hops > 1 and trails.limits.max_hops else None


def _keep(table: OrderedDict[K, V], key: K, value: V) -> None:
    table[key] = value
    table.move_to_end(key)
    if len(table) > KEPT:
        table.popitem(last=False)


def _each(row: deque[V], change: Callable[[V], V]) -> None:
    for place, one in enumerate(row):
        row[place] = change(one)


def _push(marks: deque[Mark], mark: Mark, most: int) -> None:
    marks.append(mark)
    while len(marks) > most:
        marks.popleft()


def _since(marks: Iterable[Mark], at: float, seq: int) -> int:
    return sum(one.at > at and one.seq > seq for one in marks)

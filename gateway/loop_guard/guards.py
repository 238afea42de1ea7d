"""The guards, one function each: whether a machine's message trips one, so that it wakes a machine no more. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.loop_guard.holds import LoopHold, pair_key
from gateway.loop_guard.recent_traffic import CausalLink, RecentTraffic
from gateway.protocol.types.loop_limits import Guard, Trip

MAX_SHOWN_MESSAGES = 12


@dataclass(frozen=True)
class WakeCheck:
    """A message that a machine is about to send: its causal chain and hops, its time (as number and as stamp), the hold
    of its room, and earlier messages of its author with nearly the same text (`alike`)."""

    seq: int
    author: str
    recipients: tuple[str, ...]
    hops: int
    chain: tuple[CausalLink, ...]
    alike: tuple[int, ...]
    now: float
    stamp: str
    hold: LoopHold
    chains: RecentTraffic

    def counted_after(self, *names: str) -> int:
        return max(self.hold.lifted_until(name) for name in names)


GuardKey = tuple[Guard, str]


def tripped_guard(case: WakeCheck, name: str) -> GuardKey | None:
    """The first guard that keeps this machine from being woken, if any."""
    return next((key for guard in GUARDS if (key := guard(case, name))), None)


def _check_hops(case: WakeCheck, name: str) -> GuardKey | None:
    most = case.chains.limits.max_hops
    root = case.chain[0].seq if case.chain else case.seq
    return (Guard.HOPS, str(root)) if most and case.hops >= most else None


def _check_repeats(case: WakeCheck, name: str) -> GuardKey | None:
    return (Guard.REPEATS, case.author) if 0 < case.chains.limits.max_repeats <= len(case.alike) else None


def _check_pair(case: WakeCheck, name: str) -> GuardKey | None:
    """Counts only messages to named recipients: a message to everyone is no dialog of two."""
    key, most = (Guard.PAIR, pair_key(case.author, name)), case.chains.limits.max_pair
    if not case.recipients or not most:
        return None
    count = case.chains.pairs(case.author, name, case.now, case.counted_after(case.author, name))
    return key if case.hold.is_active(*key) or count >= most else None


def _check_wakes(case: WakeCheck, name: str) -> GuardKey | None:
    key, most = (Guard.WAKES, name), case.chains.limits.max_wakes
    if not most:
        return None
    count = case.chains.wakes(name, case.now, case.counted_after(name))
    return key if case.hold.is_active(*key) or count >= most else None


def _check_tokens(case: WakeCheck, name: str) -> GuardKey | None:
    key, most = (Guard.TOKENS, name), case.chains.limits.max_tokens
    if not most:
        return None
    spent = case.chains.spent(name, case.now, case.counted_after(name))
    return key if case.hold.is_active(*key) or spent >= most else None


GUARDS: tuple[Callable[[WakeCheck, str], GuardKey | None], ...] = (
    _check_hops,
    _check_repeats,
    _check_pair,
    _check_wakes,
    _check_tokens,
)


# what is told


def trip_of(case: WakeCheck, key: GuardKey, held: Sequence[str], machines: Callable[[str], bool]) -> Trip:
    guard, word = key
    match guard:
        case Guard.WAKES | Guard.TOKENS:
            names = {word}
        case Guard.PAIR:
            names = set(word.split())
        case Guard.REPEATS:
            names = {case.author, *held}
        case Guard.HOPS:
            names = {case.author, *held, *(one.author for one in case.chain if machines(one.author))}
    led_here = case.alike if guard is Guard.REPEATS else [one.seq for one in case.chain]
    return Trip(guard, word, tuple(sorted(names)), case.stamp, (*led_here, case.seq))


def trip_text(case: WakeCheck, tripped: Trip) -> str:
    """One line: what was reached, how it came to that, and what a person can do."""
    limits = case.chains.limits
    what = {
        Guard.HOPS: f"agents have answered each other {case.hops} times without a person",
        Guard.REPEATS: f"{case.author} has sent nearly the same text for the {_ordinal(limits.max_repeats + 1)} time",
        Guard.PAIR: f"{' and '.join(tripped.names)} have sent each other {limits.max_pair} messages within a minute",
        Guard.WAKES: f"agents have woken {tripped.key} {limits.max_wakes} times within an hour",
        Guard.TOKENS: f"{tripped.key} has spent {limits.max_tokens:,} tokens within an hour",
    }[tripped.guard]
    return (
        f"Loop guard: {what} ({chain_text(case, tripped)}). #{case.seq} is in the room but is not delivered to them. "
        "To deliver it and let them go on, use /continue. To let them go on without it, send them a message."
    )


def chain_text(case: WakeCheck, tripped: Trip) -> str:
    links = case.chains.links
    authors = {seq: links[seq].author for seq in tripped.chain if seq in links} | {case.seq: case.author}
    shown = [f"#{seq} {authors[seq]}" for seq in tripped.chain if seq in authors]
    if len(shown) > MAX_SHOWN_MESSAGES:
        shown = [*shown[:3], "...", *shown[4 - MAX_SHOWN_MESSAGES :]]
    return " -> ".join(shown)


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"

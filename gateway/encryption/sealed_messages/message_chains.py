"""The chain of each writer's messages: finds what was dropped, repeated, reordered or doubled. Pure.

A chain belongs to one stream of one writer in one conversation. A message is compared with the places of the others
that this machine has seen, in whatever order it sees them: live, on a page of the history, or in an inbox.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from gateway.encryption.sealed_messages.letters import FIRST_PREVIOUS, Letter


class ChainFinding(StrEnum):
    """BEGINS: the first message of a stream. JOINED: the first one that this machine sees, and not the first. GAP:
    others are missing before it. REPEATED: it has another number here already. LATE: its number stands behind one that
    was written after it, or before one that was written before it. FORKED: two different messages claim one place."""

    BEGINS = "begins"
    JOINED = "joined"
    IN_ORDER = "in_order"
    GAP = "gap"
    REPEATED = "repeated"
    LATE = "late"
    FORKED = "forked"

    @property
    def is_wrong(self) -> bool:
        """Whether the message is not what it is shown as. What is missing before a message makes it not wrong."""
        return self in (ChainFinding.REPEATED, ChainFinding.LATE, ChainFinding.FORKED)


@dataclass(frozen=True)
class ChainLink:
    """Where a message stands in its chain, as its letter says, its digest, and the number that the gateway gave it."""

    counter: int
    previous: bytes
    digest: bytes
    seq: int

    @staticmethod
    def of(letter: Letter, digest: bytes, seq: int) -> ChainLink:
        return ChainLink(letter.counter, letter.previous, digest, seq)


@dataclass(frozen=True)
class ChainNeighbors:
    """What is known around a place: the message at the place itself, and the nearest ones before and after it."""

    same: ChainLink | None = None
    below: ChainLink | None = None
    above: ChainLink | None = None


@dataclass(frozen=True)
class ChainStep:
    """`missing` is the number of messages of a GAP, which stand between the number `after` and this one."""

    finding: ChainFinding
    missing: int = 0
    after: int = 0


def find_place(link: ChainLink, known: ChainNeighbors) -> ChainStep:
    """Whether a message is where it belongs among those that are known."""
    if wrong := _wrong_place(link, known):
        return ChainStep(wrong)
    below = known.below
    if below is None:
        return ChainStep(ChainFinding.JOINED if link.counter else ChainFinding.BEGINS)
    missing = link.counter - below.counter - 1
    return ChainStep(ChainFinding.GAP, missing, below.seq) if missing else ChainStep(ChainFinding.IN_ORDER)


def _wrong_place(link: ChainLink, known: ChainNeighbors) -> ChainFinding | None:
    same, below, above = known.same, known.below, known.above
    if link.counter == 0 and link.previous != FIRST_PREVIOUS:
        return ChainFinding.FORKED
    if same is not None and same.digest != link.digest:
        return ChainFinding.FORKED
    if same is not None and same.seq != link.seq:
        return ChainFinding.REPEATED
    if (below and link.seq <= below.seq) or (above and link.seq >= above.seq):
        return ChainFinding.LATE
    return ChainFinding.FORKED if _is_torn(link, below, above) else None


def _is_torn(link: ChainLink, below: ChainLink | None, above: ChainLink | None) -> bool:
    """Whether the hashes of neighbors do not fit."""
    from_below = below is not None and below.counter + 1 == link.counter and below.digest != link.previous
    from_above = above is not None and link.counter + 1 == above.counter and link.digest != above.previous
    return from_below or from_above


_WORDS = {
    ChainFinding.REPEATED: "This message of {sender} was here before; it is shown again.",
    ChainFinding.LATE: "{sender} wrote this at another time than it is shown here.",
    ChainFinding.FORKED: "Two different messages of {sender} claim the same place. One of them is not what others see.",
    ChainFinding.BEGINS: "{sender} writes from a machine, or with a key, that is new here.",
    ChainFinding.JOINED: "{sender} wrote here before; those messages were not seen on this machine.",
    ChainFinding.IN_ORDER: "",
}


def chain_finding_text(step: ChainStep, sender: str) -> str:
    """What a person is told; empty if all is in order."""
    if step.finding is ChainFinding.GAP:
        missing = f"One message of {sender} is" if step.missing == 1 else f"{step.missing} messages of {sender} are"
        return f"{missing} missing before this one."
    return _WORDS[step.finding].format(sender=sender)

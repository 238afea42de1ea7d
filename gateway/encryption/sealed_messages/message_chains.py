"""The chain of each writer's messages: finds what was dropped, repeated, reordered or doubled. Pure.

A chain belongs to one stream of one writer in one room, or in the direct messages of the same people. Messages are
given in the gateway's order, each once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.encryption.sealed_messages.letters import FIRST_PREVIOUS, Letter

RECENT_DIGESTS = 64


class ChainFinding(StrEnum):
    """BEGINS: the first message of a stream. JOINED: the first one that this member sees, and not the first. GAP:
    others are missing before it. REPEATED: it was here before. LATE: it was written before one that stands above it.
    FORKED: two different messages claim one place."""

    BEGINS = "begins"
    JOINED = "joined"
    IN_ORDER = "in_order"
    GAP = "gap"
    REPEATED = "repeated"
    LATE = "late"
    FORKED = "forked"


@dataclass(frozen=True)
class ChainLink:
    """Where a message stands in its chain, as its letter says, and its digest."""

    counter: int
    previous: bytes
    digest: bytes

    @staticmethod
    def of(letter: Letter, digest: bytes) -> ChainLink:
        return ChainLink(letter.counter, letter.previous, digest)


@dataclass(frozen=True)
class ChainHead:
    """The message with the highest counter so far, and the places of the last ones, for telling what repeats them."""

    counter: int
    digest: bytes
    recent: tuple[tuple[int, bytes], ...] = ()


@dataclass(frozen=True)
class ChainStep:
    """`missing` is the number of messages of a GAP."""

    head: ChainHead
    finding: ChainFinding
    missing: int = 0


def add_to_chain(head: ChainHead | None, link: ChainLink) -> ChainStep:
    """The chain with one more message, and whether that one is where it belongs. What is wrong moves no head back."""
    begins = link.counter == 0
    if begins and link.previous != FIRST_PREVIOUS:
        return ChainStep(head or _head_with(None, link), ChainFinding.FORKED)
    if head is None:
        return ChainStep(_head_with(None, link), ChainFinding.BEGINS if begins else ChainFinding.JOINED)
    if link.counter <= head.counter:
        known = dict(head.recent)
        if link.counter not in known:
            recent = (*head.recent, (link.counter, link.digest))[-RECENT_DIGESTS:]
            return ChainStep(replace(head, recent=recent), ChainFinding.LATE)
        same = known[link.counter] == link.digest
        return ChainStep(head, ChainFinding.REPEATED if same else ChainFinding.FORKED)
    missing = link.counter - head.counter - 1
    if missing:
        return ChainStep(_head_with(head, link), ChainFinding.GAP, missing)
    fits = link.previous == head.digest
    return ChainStep(_head_with(head, link), ChainFinding.IN_ORDER if fits else ChainFinding.FORKED)


_WORDS = {
    ChainFinding.REPEATED: "This message of {sender} was here before; it is shown again.",
    ChainFinding.LATE: "{sender} wrote this before a message that stands above it.",
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


def _head_with(head: ChainHead | None, link: ChainLink) -> ChainHead:
    recent = (*(head.recent if head else ()), (link.counter, link.digest))
    return ChainHead(link.counter, link.digest, recent[-RECENT_DIGESTS:])

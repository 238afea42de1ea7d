"""Decisions, their voters and answers. Frozen values, the same on the wire and in the store."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from gateway.protocol.types import Option, Signed


class DecisionState(StrEnum):
    """PENDING waits for answers. A proposal between two is ACCEPTED and then COMPLETED or DISPUTED, or it is REJECTED.
    A vote is DECIDED, or UNDECIDED where no option has what the rule asks for. EXPIRED: its time was over before that.
    CANCELLED: its author took it back."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    COMPLETED = "completed"
    DISPUTED = "disputed"
    REJECTED = "rejected"
    DECIDED = "decided"
    UNDECIDED = "undecided"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class AnswerKind(StrEnum):
    ACCEPT = "accept"
    REJECT = "reject"
    VOTE = "vote"
    COMPLETE = "complete"
    DISPUTE = "dispute"


class DecisionAction(StrEnum):
    OPENED = "opened"
    ANSWERED = "answered"
    CLOSED = "closed"


class Given(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer. `choice` is the key of an option (free words where none are offered); `id` is that of the message
    or of the request that gave it."""

    by: str
    kind: AnswerKind
    at: str
    choice: str = ""
    reason: str = ""
    id: str = ""
    details: dict[str, Any] | None = None
    signed: Signed | None = None


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """`number` is the event that opened it, `seq` the newest about it, `asked` the message that asked for it.
    `people`: whoever is a person in the room may answer. `private`: only its author and its one voter see it.
    `answers` are all that were given, in their order: of each voter the last counts. `outcome` is the choice that won,
    `result` says how it ended in a sentence."""

    id: str
    number: int
    seq: int
    room: str
    by: str
    question: str
    at: str
    rule: str
    voters: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    weights: dict[str, int] = {}
    people: bool = False
    private: bool = False
    expires: str = ""
    state: DecisionState = DecisionState.PENDING
    answers: tuple[Given, ...] = ()
    outcome: str = ""
    result: str = ""
    closed: str = ""
    asked: int | None = None
    session: str | None = None
    details: dict[str, Any] | None = None
    signed: Signed | None = None

    @property
    def pending(self) -> bool:
        return self.state is DecisionState.PENDING

    @property
    def over(self) -> bool:
        """Whether the decision can no longer change."""
        return self.state not in (DecisionState.PENDING, DecisionState.ACCEPTED)


def option_words(decision: Decision, key: str) -> str:
    """`B (Postgres)`; free words as they are."""
    text = next((one.text for one in decision.options if one.key == key), "")
    return key if not text or text.casefold() == key.casefold() else f"{key} ({text})"

"""Decisions, their voters and answers. Frozen values, the same on the wire and in the store."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from gateway.protocol.types.core_types import Option, Signed


class DecisionState(StrEnum):
    """PENDING waits for answers. A proposal is REJECTED, or ACCEPTED and later COMPLETED or DISPUTED. A vote is
    DECIDED, or UNDECIDED if no option meets the rule. EXPIRED: the time ran out first. CANCELLED: the author withdrew
    it."""

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
    """One answer. `choice` is the key of an option, or free text if no options are offered. `id` is the id of the
    message or request that gave the answer."""

    by: str
    kind: AnswerKind
    at: str
    choice: str = ""
    reason: str = ""
    id: str = ""
    details: dict[str, Any] | None = None
    signed: Signed | None = None


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """A decision. `number` is the seq of the event that opened it, `seq` the seq of its newest event, `asked` the
    message that asked for it. `people`: every person in the room may answer. `private`: only the author and the one
    voter see it. `answers` lists all answers in order; the last one of each voter counts. `outcome` is the winning
    choice; `result` says in a sentence how the decision ended."""

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
    """Return the key with the option's text, such as `B (Postgres)`; free text is returned unchanged."""
    text = next((one.text for one in decision.options if one.key == key), "")
    return key if not text or text.casefold() == key.casefold() else f"{key} ({text})"

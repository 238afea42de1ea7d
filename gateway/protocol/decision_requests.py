"""What a client may ask about decisions: proposals between two, votes of a room, questions to the people."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from gateway.protocol.decision_nouns import AnswerKind
from gateway.protocol.requests import MAX_DURATION_S, Address, Id, Limit, Request, Seq
from gateway.protocol.types import Option, Prose, Signed

MAX_OPTIONS = 32

Question = Annotated[Prose, Meta(min_length=1, max_length=4000)]
Reason = Annotated[Prose, Meta(max_length=4000)]
Weight = Annotated[int, Meta(ge=1, le=100)]
OptionText = Annotated[str, Meta(max_length=1000)]
Options = Annotated[tuple[Option | OptionText, ...], Meta(max_length=MAX_OPTIONS)]
Voters = Annotated[tuple[Address, ...], Meta(max_length=64)]
Weights = Annotated[dict[Address, Weight], Meta(max_length=64)]


class Propose(Request, frozen=True, tag="propose"):
    """Ask for a decision. `to` is one member, and it stays between you two; else the `voters` of the room decide (its
    members with an inbox, where none are named), or with `people` the people there. An option is a key with its
    words, or just words. `rule` is `recipient`, `first`, `majority`, `unanimous` or `quorum N/M`. A repeated `id` gets
    the decision of the first."""

    question: Question
    room: str | None = None
    to: str | None = None
    people: bool = False
    voters: Voters = ()
    options: Options = ()
    rule: Annotated[str, Meta(max_length=40)] | None = None
    weights: Weights | None = None
    expires_in: Annotated[float, Meta(gt=0, le=MAX_DURATION_S)] | None = None
    session: Id | None = None
    id: Id | None = None
    details: dict[str, Any] | None = None
    signed: Signed | None = None


class AnswerDecision(Request, frozen=True, tag="answer"):
    """Vote, accept, reject; of what was accepted: complete or dispute. While it is open a later answer counts instead
    of your earlier one. `choice` is the key or the words of an option; free words where none are offered."""

    decision: str
    kind: AnswerKind = AnswerKind.VOTE
    choice: Reason = ""
    reason: Reason = ""
    id: Id | None = None
    details: dict[str, Any] | None = None
    signed: Signed | None = None


class CloseDecision(Request, frozen=True, tag="decision.close"):
    """End a decision of yours: with the answers that are there, or without any by taking it back (`cancel`)."""

    decision: str
    cancel: bool = False


class Decisions(Request, frozen=True, tag="decisions"):
    """The decisions you may see that are open, with `all` also those that ended lately; of one room, of a session.
    `after` is the `number` of the last one of the page before."""

    room: str | None = None
    session: Id | None = None
    all: bool = False
    after: Seq = 0
    limit: Limit = 1000


class ShowDecision(Request, frozen=True, tag="decision.show"):
    """One decision with every answer that was given."""

    decision: str

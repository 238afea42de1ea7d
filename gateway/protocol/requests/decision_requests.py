"""Requests about decisions: proposals to one member, votes in a room, questions to people."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from gateway.protocol.requests.request import MAX_DURATION_S, Address, Id, Limit, Request, Seq
from gateway.protocol.types.core_types import Option, Prose, Signed
from gateway.protocol.types.decision_types import AnswerKind

MAX_OPTIONS = 32

Question = Annotated[Prose, Meta(min_length=1, max_length=4000)]
Reason = Annotated[Prose, Meta(max_length=4000)]
Weight = Annotated[int, Meta(ge=1, le=100)]
OptionText = Annotated[str, Meta(max_length=1000)]
Options = Annotated[tuple[Option | OptionText, ...], Meta(max_length=MAX_OPTIONS)]
Voters = Annotated[tuple[Address, ...], Meta(max_length=64)]
Weights = Annotated[dict[Address, Weight], Meta(max_length=64)]


class Propose(Request, frozen=True, tag="propose"):
    """Ask for a decision. With `to` it is a private proposal to one member. Otherwise the `voters` decide (default: the
    room's members with an inbox), or with `people` the people in the room. An option is a key with a text, or only a
    text. `rule` is `recipient`, `first`, `majority`, `unanimous` or `quorum N/M`. A request with an `id` that you used
    before returns the first decision."""

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
    """Vote on a decision, accept or reject a proposal, and complete or dispute an accepted one. While a decision is
    open, a later answer replaces your earlier one. `choice` is the key or the text of an option; if no options are
    offered, it is free text."""

    decision: str
    kind: AnswerKind = AnswerKind.VOTE
    choice: Reason = ""
    reason: Reason = ""
    id: Id | None = None
    details: dict[str, Any] | None = None
    signed: Signed | None = None


class CloseDecision(Request, frozen=True, tag="decision.close"):
    """Close a decision of yours with the answers given so far, or withdraw it with `cancel`."""

    decision: str
    cancel: bool = False


class Decisions(Request, frozen=True, tag="decisions"):
    """List the open decisions that you can see, of one room or one session; `all` includes recently ended ones.
    `after` is the `number` of the last one of the previous page."""

    room: str | None = None
    session: Id | None = None
    all: bool = False
    after: Seq = 0
    limit: Limit = 1000


class ShowDecision(Request, frozen=True, tag="decision.show"):
    """Get one decision with all answers given."""

    decision: str

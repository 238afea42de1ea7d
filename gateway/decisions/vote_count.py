"""Counts votes: parses the rule of a decision, sums its answers, and says whether it has ended. Pure.

A vote ends when no further vote can change its result, or when everybody has voted. Until then members may change
their votes: the last one counts. The order of votes therefore does not change the result of `majority` and `unanimous`;
with `first`, and with a quorum of at most a half, the first votes win by design.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.protocol.errors import BadRequest
from gateway.protocol.types.decision_types import AnswerKind, Decision, DecisionState, Given

S = DecisionState
A = AnswerKind

_QUORUM = re.compile(r"quorum\s+(\d{1,3})\s*(?:/|of)\s*(\d{1,3})")
RULES_HELP = "recipient, first, majority, unanimous, or quorum N/M (such as 2/3)"


class VotingRuleKind(StrEnum):
    RECIPIENT = "recipient"
    FIRST = "first"
    MAJORITY = "majority"
    UNANIMOUS = "unanimous"
    QUORUM = "quorum"


@dataclass(frozen=True)
class VotingRule:
    """`part` of `whole`: the share of the total weight that a quorum needs."""

    kind: VotingRuleKind
    part: int = 0
    whole: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.part}/{self.whole}" if self.kind is VotingRuleKind.QUORUM else str(self.kind)


def parse_rule(text: str) -> VotingRule:
    words = text.strip().lower()
    if match := _QUORUM.fullmatch(words):
        part, whole = int(match[1]), int(match[2])
        if not 1 <= part <= whole:
            raise BadRequest(f"{text[:40]!r} is not a valid quorum. Use N/M with N from 1 to M, such as 2/3.")
        return VotingRule(VotingRuleKind.QUORUM, part, whole)
    if words in (VotingRuleKind.RECIPIENT, VotingRuleKind.FIRST, VotingRuleKind.MAJORITY, VotingRuleKind.UNANIMOUS):
        return VotingRule(VotingRuleKind(words))
    raise BadRequest(f"Unknown rule {text[:40]!r}. Known rules: {RULES_HELP}.")


@dataclass(frozen=True)
class VoteCount:
    """`weights` by choice, the heaviest first; `missing` have not voted; `whole` is the weight of all voters."""

    votes: Mapping[str, Given]
    weights: tuple[tuple[str, int], ...]
    missing: tuple[str, ...]
    whole: int

    @property
    def given(self) -> int:
        return sum(weight for _, weight in self.weights)

    @property
    def leading(self) -> tuple[str, int]:
        """The choice with the most weight; an empty choice if two have the same weight."""
        if not self.weights or (len(self.weights) > 1 and self.weights[0][1] == self.weights[1][1]):
            return "", 0
        return self.weights[0]


def votes_of(decision: Decision) -> dict[str, Given]:
    """The vote of each member that counts: the last one."""
    found: dict[str, Given] = {}
    for one in decision.answers:
        if one.kind not in (A.COMPLETE, A.DISPUTE):
            found.pop(one.by, None)
            found[one.by] = one
    return found


def count_votes(decision: Decision) -> VoteCount:
    votes = votes_of(decision)
    weights: Counter[str] = Counter()
    for name, one in votes.items():
        weights[one.choice] += weight_of(decision, name)
    ordered = tuple(sorted(weights.items(), key=lambda item: (-item[1], item[0])))
    missing = tuple(name for name in decision.voters if name not in votes)
    return VoteCount(votes, ordered, missing, sum(weight_of(decision, name) for name in decision.voters))


def weight_of(decision: Decision, name: str) -> int:
    return decision.weights.get(name, 1)


@dataclass(frozen=True)
class VoteResult:
    state: DecisionState
    outcome: str = ""


class VoteCheck(StrEnum):
    """The occasion of a check: after an answer, at the deadline, or when the author counts the votes."""

    ANSWER = "answer"
    EXPIRY = "expiry"
    COUNT = "count"


def result_at(decision: Decision, moment: VoteCheck) -> VoteResult | None:
    """The result of a pending decision at this moment; None if it stays open."""
    if not decision.pending:
        return None
    rule, count = parse_rule(decision.rule), count_votes(decision)
    if (choice := _WINNER_BY_RULE[rule.kind](rule, count, decision)) is not None:
        return _winning_result(rule, choice, count)
    everybody = not count.missing and not decision.people
    if moment is VoteCheck.ANSWER and not everybody:
        return None
    if (choice := _choice_at_expiry(rule, count)) is not None:
        return VoteResult(S.DECIDED, choice)
    return VoteResult(S.EXPIRED if moment is VoteCheck.EXPIRY else S.UNDECIDED)


def _winning_result(rule: VotingRule, choice: str, count: VoteCount) -> VoteResult:
    if rule.kind is not VotingRuleKind.RECIPIENT:
        return VoteResult(S.DECIDED, choice)
    (answer,) = count.votes.values()
    return VoteResult(S.REJECTED if answer.kind is A.REJECT else S.ACCEPTED, choice)


def _first_choice(rule: VotingRule, count: VoteCount, decision: Decision) -> str | None:
    return next((one.choice for one in count.votes.values()), None)


def _majority_choice(rule: VotingRule, count: VoteCount, decision: Decision) -> str | None:
    choice, weight = count.leading
    return choice if weight * 2 > count.whole else None


def _unanimous_choice(rule: VotingRule, count: VoteCount, decision: Decision) -> str | None:
    return count.weights[0][0] if len(count.weights) == 1 and not count.missing and not decision.people else None


def _quorum_choice(rule: VotingRule, count: VoteCount, decision: Decision) -> str | None:
    choice, weight = count.weights[0] if count.weights else ("", 0)
    return choice if weight and weight * rule.whole >= count.whole * rule.part else None


_WINNER_BY_RULE: dict[VotingRuleKind, Callable[[VotingRule, VoteCount, Decision], str | None]] = {
    VotingRuleKind.RECIPIENT: _first_choice,
    VotingRuleKind.FIRST: _first_choice,
    VotingRuleKind.MAJORITY: _majority_choice,
    VotingRuleKind.UNANIMOUS: _unanimous_choice,
    VotingRuleKind.QUORUM: _quorum_choice,
}


def _choice_at_expiry(rule: VotingRule, count: VoteCount) -> str | None:
    """At the deadline, more than half of the given votes is a majority, even if some did not vote. Other rules need
    all."""
    choice, weight = count.leading
    return choice if rule.kind is VotingRuleKind.MAJORITY and weight * 2 > count.given else None

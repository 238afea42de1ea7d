"""Counting: each rule as a table of votes and ends, and what no order of votes may change."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.decisions.vote_count import (
    VoteCheck,
    VoteResult,
    VotingRule,
    VotingRuleKind,
    count_votes,
    parse_rule,
    result_at,
)
from gateway.protocol.errors import BadRequest
from gateway.protocol.types.decision_types import AnswerKind, Decision, DecisionState, Given
from tests.support.world import STAMP

S = DecisionState
ANSWER, EXPIRY, COUNT = VoteCheck


def decision(rule: str, voters: str, votes: str = "", **fields: object) -> Decision:
    """`votes` are such as `a:x b:y a:y`."""
    answers = tuple(Given(one[0], AnswerKind.VOTE, STAMP, one[2:]) for one in votes.split())
    plain = Decision("d-1", 1, 1, "general", "ann", "Which?", STAMP, rule, tuple(voters), answers=answers)
    return msgspec.structs.replace(plain, **fields)


def decided(choice: str) -> VoteResult:
    return VoteResult(S.DECIDED, choice)


ENDS: list[tuple[str, str, str, VoteCheck, VoteResult | None]] = [
    ("first", "abc", "", ANSWER, None),
    ("first", "abc", "b:x", ANSWER, decided("x")),
    ("first", "abc", "", EXPIRY, VoteResult(S.EXPIRED)),
    ("majority", "abc", "a:x", ANSWER, None),
    ("majority", "abc", "a:x b:x", ANSWER, decided("x")),
    ("majority", "abc", "a:x b:y", ANSWER, None),
    ("majority", "abc", "a:x b:y a:y", ANSWER, decided("y")),
    ("majority", "abc", "a:x b:y c:z", ANSWER, VoteResult(S.UNDECIDED)),
    ("majority", "abcd", "a:x b:x c:y d:y", ANSWER, VoteResult(S.UNDECIDED)),
    ("majority", "abcd", "a:x b:x c:y d:z", ANSWER, VoteResult(S.UNDECIDED)),
    ("majority", "abcd", "a:x", EXPIRY, decided("x")),
    ("majority", "abcd", "a:x b:y", EXPIRY, VoteResult(S.EXPIRED)),
    ("majority", "abcd", "a:x b:x c:y", EXPIRY, decided("x")),
    ("majority", "abcd", "a:x b:y", COUNT, VoteResult(S.UNDECIDED)),
    ("majority", "abcd", "", COUNT, VoteResult(S.UNDECIDED)),
    ("unanimous", "abc", "a:x b:x", ANSWER, None),
    ("unanimous", "abc", "a:x b:y", ANSWER, None),
    ("unanimous", "abc", "a:x b:x c:x", ANSWER, decided("x")),
    ("unanimous", "abc", "a:x b:x c:y", ANSWER, VoteResult(S.UNDECIDED)),
    ("unanimous", "abc", "a:x b:y c:x", ANSWER, VoteResult(S.UNDECIDED)),
    ("unanimous", "abc", "a:x b:y b:x c:x", ANSWER, decided("x")),
    ("unanimous", "abc", "a:x b:x", EXPIRY, VoteResult(S.EXPIRED)),
    ("quorum 2/3", "abc", "a:x", ANSWER, None),
    ("quorum 2/3", "abc", "a:x b:x", ANSWER, decided("x")),
    ("quorum 2/3", "abcdef", "a:x b:x c:x", ANSWER, None),
    ("quorum 2/3", "abcdef", "a:x b:x c:x d:x", ANSWER, decided("x")),
    ("quorum 3/3", "abc", "a:x b:x c:y", ANSWER, VoteResult(S.UNDECIDED)),
    ("quorum 2/3", "abc", "a:x", EXPIRY, VoteResult(S.EXPIRED)),
    ("quorum 1/5", "abcde", "c:y", ANSWER, decided("y")),
    ("recipient", "b", "", ANSWER, None),
    ("recipient", "b", "", EXPIRY, VoteResult(S.EXPIRED)),
    ("recipient", "b", "b:x", ANSWER, VoteResult(S.ACCEPTED, "x")),
]


@pytest.mark.parametrize(("rule", "voters", "votes", "moment", "end"), ENDS)
def test_how_it_ends(rule: str, voters: str, votes: str, moment: VoteCheck, end: VoteResult | None) -> None:
    assert result_at(decision(rule, voters, votes), moment) == end


def test_a_recipient_may_refuse() -> None:
    refused = decision("recipient", "b", answers=(Given("b", AnswerKind.REJECT, STAMP),))
    assert result_at(refused, ANSWER) == VoteResult(S.REJECTED)


def test_weights_count() -> None:
    heavy = decision("majority", "abc", "a:x", weights={"a": 3})
    assert result_at(heavy, ANSWER) == decided("x")
    assert result_at(decision("quorum 2/3", "abc", "a:x b:x", weights={"c": 4}), ANSWER) is None
    assert result_at(decision("quorum 2/3", "abc", "a:x b:y c:y", weights={"c": 4}), ANSWER) == decided("y")


def test_the_count_tells_who_is_missing() -> None:
    count = count_votes(decision("majority", "abc", "c:y a:x c:x", weights={"c": 2}))
    assert (count.weights, count.missing, count.whole, count.given) == ((("x", 3),), ("b",), 4, 3)


@pytest.mark.parametrize("text", ["", "most", "quorum", "quorum 0/3", "quorum 4/3", "quorum 2", "quorum -1/3"])
def test_no_rule(text: str) -> None:
    with pytest.raises(BadRequest):
        parse_rule(text)


@pytest.mark.parametrize("text", ["Quorum 2 of 3", "quorum 2/3", " quorum  2 / 3 "])
def test_a_quorum_in_words(text: str) -> None:
    assert parse_rule(text) == VotingRule(VotingRuleKind.QUORUM, 2, 3)
    assert str(parse_rule(text)) == "quorum 2/3"


VOTERS = "abcde"
ballots = st.dictionaries(st.sampled_from(VOTERS), st.sampled_from("xyz"), min_size=1)
weights = st.dictionaries(st.sampled_from(VOTERS), st.integers(1, 5))


def run(rule: str, votes: list[tuple[str, str]], weighs: dict[str, int]) -> VoteResult | None:
    """One vote after the other, as long as it is open; then its time is over."""
    open_ = decision(rule, VOTERS, weights=weighs)
    for name, choice in votes:
        given_ = Given(name, AnswerKind.VOTE, STAMP, choice)
        open_ = msgspec.structs.replace(open_, answers=(*open_.answers, given_))
        if (end := result_at(open_, ANSWER)) is not None:
            return end
    return result_at(open_, EXPIRY)


@given(ballots, weights, st.sampled_from(["majority", "unanimous", "quorum 3/5", "quorum 2/3", "quorum 5/5"]))
def test_no_order_of_votes_changes_a_result(votes: dict[str, str], weighs: dict[str, int], rule: str) -> None:
    assert len({run(rule, list(order), weighs) for order in permutations(votes.items())}) == 1


@given(ballots, st.sampled_from(["first", "majority", "unanimous", "quorum 2/3"]), st.sampled_from(list(S)[1:]))
def test_what_has_ended_ends_no_second_time(votes: dict[str, str], rule: str, state: DecisionState) -> None:
    over = decision(rule, VOTERS, " ".join(f"{name}:{choice}" for name, choice in votes.items()), state=state)
    assert all(result_at(over, moment) is None for moment in VoteCheck)


@given(ballots, weights)
def test_what_wins_has_more_than_a_half_of_what_was_voted(votes: dict[str, str], weighs: dict[str, int]) -> None:
    end = run("majority", list(votes.items()), weighs)
    shares = {choice: sum(weighs.get(name, 1) for name, one in votes.items() if one == choice) for choice in "xyz"}
    (winner,) = [choice for choice, share in shares.items() if share * 2 > sum(shares.values())] or [""]
    assert end is not None
    assert end.outcome == winner

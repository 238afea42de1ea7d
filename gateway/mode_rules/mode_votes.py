"""The votes and verdicts of a mode: ordinary decisions that the gateway opens for the floor. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.decisions import decision_rules
from gateway.decisions.decision_rules import NewDecision
from gateway.decisions.vote_count import VoteCheck, result_at, votes_of
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import EventToCommit
from gateway.model.state import GatewayState
from gateway.protocol.types import core_types
from gateway.protocol.types.core_types import SYSTEM_NAME
from gateway.protocol.types.decision_types import Decision
from gateway.turns.engine import Floor, OpenVote, VoteStatus, replace


def refresh_vote(state: GatewayState, floor: Floor, news: Sequence[EventToCommit] = ()) -> Floor:
    """The floor with the current votes of its decision; `news` are the events being committed now."""
    decision = decision_of(state, floor, news)
    return floor if decision is None else replace(floor, ballot=vote_status_of(decision))


def decision_of(state: GatewayState, floor: Floor, news: Sequence[EventToCommit] = ()) -> Decision | None:
    newest = [one.value for fact in news for one in fact.changes if one.key == floor.decision]
    found = newest[-1] if newest else state.decisions.get(floor.decision)
    return found if isinstance(found, Decision) else None


def vote_status_of(decision: Decision) -> VoteStatus:
    if not decision.pending:
        return VoteStatus(tuple(votes_of(decision)), True, decision.outcome)
    end = result_at(decision, VoteCheck.COUNT)
    return VoteStatus(tuple(votes_of(decision)), False, end.outcome if end is not None else "")


def open_vote(
    state: GatewayState, room: str, floor: Floor, poll: OpenVote, rule_context: RuleContext
) -> tuple[str, tuple[EventToCommit, ...]]:
    """Open the decision of a phase without a message: the turn prompts ask for the votes."""
    options = tuple(core_types.Option(one.key, f"{one.by}: {one.text}" if one.by else one.text) for one in poll.options)
    question = floor.topic or f"{floor.name}, {floor.now_in.name}"
    question = question if options else f"Is the result acceptable as it is? ({question})"
    motion = NewDecision(room, question, poll.rule, voters=poll.voters, options=options, silent=True)
    decision, facts = decision_rules.open_decision(state, SYSTEM_NAME, motion, rule_context)
    return decision.id, facts


def count_vote(decision: Decision | None, state: GatewayState, rule_context: RuleContext) -> tuple[EventToCommit, ...]:
    return () if decision is None else decision_rules.finish_decision(state, decision, rule_context, VoteCheck.COUNT)[1]


def cancel_vote(decision: Decision | None, state: GatewayState, rule_context: RuleContext) -> tuple[EventToCommit, ...]:
    """Cancel the vote of a mode that has ended before it."""
    if decision is None or not decision.pending:
        return ()
    return decision_rules.cancel_decision(state, decision, rule_context)[1]

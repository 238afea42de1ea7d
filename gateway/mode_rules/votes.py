"""The votes and verdicts of a mode: ordinary decisions that the gateway opens for the floor. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.decisions import decisions
from gateway.decisions.decisions import NewDecision
from gateway.decisions.vote_count import VoteCheck, result_at, votes_of
from gateway.model.log_events import LogEvent, Sequencer
from gateway.model.state import GatewayState
from gateway.protocol import types
from gateway.protocol.decision_nouns import Decision
from gateway.protocol.types import SYSTEM_NAME
from gateway.turns.engine import Floor, OpenVote, VoteStatus, replace


def refresh_vote(state: GatewayState, floor: Floor, news: Sequence[LogEvent] = ()) -> Floor:
    """The floor with the current votes of its decision; `news` are the events being committed now."""
    decision = decision_of(state, floor, news)
    return floor if decision is None else replace(floor, ballot=vote_status_of(decision))


def decision_of(state: GatewayState, floor: Floor, news: Sequence[LogEvent] = ()) -> Decision | None:
    newest = [one.value for fact in news for one in fact.changes if one.key == floor.decision]
    found = newest[-1] if newest else state.decisions.get(floor.decision)
    return found if isinstance(found, Decision) else None


def vote_status_of(decision: Decision) -> VoteStatus:
    if not decision.pending:
        return VoteStatus(tuple(votes_of(decision)), True, decision.outcome)
    end = result_at(decision, VoteCheck.COUNT)
    return VoteStatus(tuple(votes_of(decision)), False, end.outcome if end is not None else "")


def open_vote(
    state: GatewayState, room: str, floor: Floor, poll: OpenVote, sequencer: Sequencer
) -> tuple[str, tuple[LogEvent, ...]]:
    """Open the decision of a phase without a message: the turn prompts ask for the votes."""
    options = tuple(types.Option(one.key, f"{one.by}: {one.text}" if one.by else one.text) for one in poll.options)
    question = floor.topic or f"{floor.name}, {floor.now_in.name}"
    question = question if options else f"Can it stand as it is? ({question})"
    motion = NewDecision(room, question, poll.rule, voters=poll.voters, options=options, silent=True)
    decision, facts = decisions.open_decision(state, SYSTEM_NAME, motion, sequencer)
    return decision.id, facts


def count_vote(decision: Decision | None, state: GatewayState, sequencer: Sequencer) -> tuple[LogEvent, ...]:
    return () if decision is None else decisions.finish_decision(state, decision, sequencer, VoteCheck.COUNT)[1]


def cancel_vote(decision: Decision | None, state: GatewayState, sequencer: Sequencer) -> tuple[LogEvent, ...]:
    """Cancel the vote of a mode that has ended before it."""
    if decision is None or not decision.pending:
        return ()
    return decisions.cancel_decision(state, decision, sequencer)[1]

"""The votes and verdicts of a mode: decisions like all others, which the gateway opens and the floor hears of. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.decisions import decisions
from gateway.decisions.decisions import Motion
from gateway.decisions.vote_count import Moment, ending, votes_of
from gateway.model.log_events import Clerk, Fact
from gateway.model.state import House
from gateway.protocol import types
from gateway.protocol.decision_nouns import Decision
from gateway.protocol.types import SYSTEM
from gateway.turns.engine import Ballot, Floor, Poll, replace


def with_ballot(house: House, floor: Floor, news: Sequence[Fact] = ()) -> Floor:
    """The floor with what its decision has got by now; `news` is what is being written down just now."""
    decision = decision_of(house, floor, news)
    return floor if decision is None else replace(floor, ballot=ballot_of(decision))


def decision_of(house: House, floor: Floor, news: Sequence[Fact] = ()) -> Decision | None:
    newest = [one.value for fact in news for one in fact.changes if one.key == floor.decision]
    found = newest[-1] if newest else house.decisions.get(floor.decision)
    return found if isinstance(found, Decision) else None


def ballot_of(decision: Decision) -> Ballot:
    if not decision.pending:
        return Ballot(tuple(votes_of(decision)), True, decision.outcome)
    end = ending(decision, Moment.COUNT)
    return Ballot(tuple(votes_of(decision)), False, end.outcome if end is not None else "")


def opened(house: House, room: str, floor: Floor, poll: Poll, clerk: Clerk) -> tuple[str, tuple[Fact, ...]]:
    """No message asks for it: the turn prompts do."""
    options = tuple(types.Option(one.key, f"{one.by}: {one.text}" if one.by else one.text) for one in poll.options)
    question = floor.topic or f"{floor.name}, {floor.now_in.name}"
    question = question if options else f"Can it stand as it is? ({question})"
    motion = Motion(room, question, poll.rule, voters=poll.voters, options=options, silent=True)
    decision, facts = decisions.opened(house, SYSTEM, motion, clerk)
    return decision.id, facts


def counted(decision: Decision | None, house: House, clerk: Clerk) -> tuple[Fact, ...]:
    return () if decision is None else decisions.finished(house, decision, clerk, Moment.COUNT)[1]


def dropped(decision: Decision | None, house: House, clerk: Clerk) -> tuple[Fact, ...]:
    """The mode has ended before the vote did."""
    if decision is None or not decision.pending:
        return ()
    return decisions.cancelled(house, decision, clerk)[1]

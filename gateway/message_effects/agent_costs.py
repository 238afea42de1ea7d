"""Counts what each agent's answers have cost, as far as the agents report it. Pure.

The totals are stored with the answers that change them, so they outlive the gateway. The numbers of the last hour are
those of the loop guard, which are counted again from the last messages of the log after a start.
"""

from __future__ import annotations

import msgspec

from gateway.access.permissions import Actor
from gateway.loop_guard.recent_traffic import is_answer, tokens_of
from gateway.model.records.state_tables import COST
from gateway.model.records.stored_records import CostRecord, LastAnswer
from gateway.model.rule_outcome import StateChange
from gateway.model.state import MACHINES, GatewayState
from gateway.protocol.events import Message
from gateway.protocol.results import AgentCost


def count_answer(state: GatewayState, actor: Actor, message: Message) -> tuple[StateChange, ...]:
    """The author's totals and last answer with this one; nothing if the message ends no turn of a machine, or repeats
    one."""
    if actor.kind not in MACHINES or not is_answer(message) or state.chains.knows_message(actor.name, message.id):
        return ()
    before = state.costs.get(actor.name) or CostRecord(actor.name, message.timestamp)
    last = LastAnswer(message.seq, message.room, message.recipients)
    tokens = before.tokens + tokens_of(message)
    after = msgspec.structs.replace(before, answers=before.answers + 1, tokens=tokens, last=last)
    return (StateChange(COST.name, actor.name, after),)


def known_costs(state: GatewayState, now: float) -> tuple[AgentCost, ...]:
    """Of every agent or tool that has answered or was woken by another, by name; also of those that are gone."""
    machines = sorted(name for name, one in state.members.items() if one.member.kind in MACHINES)
    found = (_cost_of(state, name, now) for name in machines)
    return tuple(one for one in found if one.answers or one.hour_wakes)


def _cost_of(state: GatewayState, name: str, now: float) -> AgentCost:
    total = state.costs.get(name) or CostRecord(name)
    return AgentCost(
        name=name,
        answers=total.answers,
        tokens=total.tokens,
        since=total.since,
        hour_tokens=state.chains.hour_tokens(name, now),
        hour_wakes=state.chains.hour_wakes(name, now),
    )

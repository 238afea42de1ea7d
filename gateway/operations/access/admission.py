"""The first request of a member: the team's person becomes one, and a member with a token of its own leaves the team
token behind."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.model.rule_outcome import RuleOutcome
from gateway.protocol.results import Done
from gateway.rooms import members
from gateway.runtime.hub import Hub


async def admit_actor(hub: Hub, actor: Actor) -> Done:
    if actor.team:
        facts = members.admit_team_person(hub.state, actor, hub.rule_context())
    else:
        facts = members.leave_team_token(hub.state, actor.name, hub.rule_context())
    if facts and hub.forwarder is not None:
        await hub.forwarder.admit(actor)
    elif facts:
        await hub.carry_out(RuleOutcome(Done(), facts))
    return Done()

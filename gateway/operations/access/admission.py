"""The first request of a member: the team's person becomes one, a member with a token of its own leaves the team token
behind, and whoever has a token of an identity provider becomes the member that it stands for."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.access.permissions import Actor
from gateway.access.provider_token_record import ProviderMember
from gateway.model.rule_outcome import RuleOutcome
from gateway.operations.access import provider_members
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


def admit_identity(hub: Hub, proven: ProviderMember) -> asyncio.Future[Any]:
    """Keep a record of a token that was checked here or at a follower, and make its member if there is none."""
    if hub.forwarder is not None:
        return hub.forwarder.admit_identity(proven)
    return hub.carry_out(
        provider_members.admit_provider_member(hub.state, proven, hub.config.agents, hub.rule_context())
    )

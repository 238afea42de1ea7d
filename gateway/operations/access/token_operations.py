"""Requests about tokens."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.protocol.requests.member_requests import CreateHands, CreateToken, RevokeToken, RotateToken, Tokens
from gateway.protocol.results import Registered, Result, TokenList, TokenMade
from gateway.rooms import member_tokens
from gateway.runtime import departed_member_deliveries
from gateway.runtime.hub import Hub


def expect_member(hub: Hub, done: Result) -> Result:
    """Mark a member with a new token as expected to connect soon."""
    if isinstance(done, Registered | TokenMade):
        name = done.name if isinstance(done, TokenMade) else done.member.name
        hub.state.live[name].expected = hub.now
    return done


async def answer_create_token(hub: Hub, actor: Actor, request: CreateToken) -> Result:
    made = await hub.carry_out(member_tokens.create_token(hub.state, actor, request, hub.rule_context(), hub.entropy()))
    return expect_member(hub, made)


async def answer_rotate_token(hub: Hub, actor: Actor, request: RotateToken) -> Result:
    made = await hub.carry_out(member_tokens.rotate_token(hub.state, actor, request, hub.rule_context(), hub.entropy()))
    return expect_member(hub, made)


async def answer_revoke_token(hub: Hub, actor: Actor, request: RevokeToken) -> Result:
    name = member_tokens.member_of_token(hub.state, actor, request.name)
    done = await hub.carry_out(member_tokens.revoke_token(hub.state, actor, request, hub.rule_context()))
    if name in departed_member_deliveries.departed_names(hub.state, hub.now):
        await departed_member_deliveries.end_deliveries_of(hub, name, f"{name} has no valid token any more")
    return done


async def answer_tokens(hub: Hub, actor: Actor, request: Tokens) -> TokenList:
    return member_tokens.list_tokens(hub.state, actor, hub.now, request)


async def answer_create_tools_token(hub: Hub, actor: Actor, request: CreateHands) -> Result:
    return await hub.carry_out(member_tokens.create_tools_token(hub.state, actor, hub.rule_context(), hub.entropy()))

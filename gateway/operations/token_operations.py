"""Requests about tokens."""

from __future__ import annotations

from gateway.access.permissions import Actor
from gateway.protocol import requests as r
from gateway.protocol import results as out
from gateway.rooms import member_tokens
from gateway.runtime import departed_members
from gateway.runtime.hub import Hub


def expected(hub: Hub, done: out.Result) -> out.Result:
    """Whoever has just got a token is about to come."""
    if isinstance(done, out.Registered | out.TokenMade):
        name = done.name if isinstance(done, out.TokenMade) else done.member.name
        hub.house.live[name].expected = hub.now
    return done


async def create_token(hub: Hub, actor: Actor, request: r.CreateToken) -> out.Result:
    made = await hub.carry_out(member_tokens.create_token(hub.house, actor, request, hub.clerk(), hub.entropy()))
    return expected(hub, made)


async def rotate_token(hub: Hub, actor: Actor, request: r.RotateToken) -> out.Result:
    made = await hub.carry_out(member_tokens.rotate_token(hub.house, actor, request, hub.clerk(), hub.entropy()))
    return expected(hub, made)


async def revoke_token(hub: Hub, actor: Actor, request: r.RevokeToken) -> out.Result:
    name = member_tokens.member_of_token(hub.house, actor, request.name)
    done = await hub.carry_out(member_tokens.revoke_token(hub.house, actor, request, hub.clerk()))
    if name in departed_members.gone(hub.house, hub.now):
        await departed_members.settle(hub, name, f"{name} has no token any more")
    return done


async def tokens(hub: Hub, actor: Actor, request: r.Tokens) -> out.TokenList:
    return member_tokens.tokens(hub.house, actor, hub.now, request)


async def create_hands(hub: Hub, actor: Actor, request: r.CreateHands) -> out.Result:
    return await hub.carry_out(member_tokens.create_hands(hub.house, actor, hub.clerk(), hub.entropy()))

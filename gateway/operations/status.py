"""How the gateway itself is doing."""

from __future__ import annotations

import msgspec

import gateway
from gateway.access.permissions import Actor
from gateway.conversation import loop_checks
from gateway.protocol import requests as r
from gateway.protocol import results as out
from gateway.protocol.timestamps import iso
from gateway.runtime.hub import Hub


async def status(hub: Hub, actor: Actor, request: r.Status) -> out.Health:
    """The number of rooms is of those that the caller may know of."""
    known = sum(hub.house.may_know(one, actor) and not one.removed for one in hub.house.rooms.values())
    return msgspec.structs.replace(health(hub), rooms=known, brakes=loop_checks.standing(hub.house, actor))


def health(hub: Hub) -> out.Health:
    house = hub.house
    visible = [one.member for one in house.members.values() if not one.member.hidden]
    commits = hub.committer.health()
    return out.Health(
        status="stuck" if commits.stuck else "ok",
        version=gateway.__version__,
        uptime=round(hub.now - hub.started_at, 3),
        agents=len(house.agents()),
        members=len(visible),
        rooms=sum(not one.removed for one in house.rooms.values()),
        connections=len(hub.switchboard),
        last_seq=hub.committed_seq,
        queued=sum(house.queued.values()),
        store=hub.store.describe(),
        limits=hub.config.rules.limits,
        commit_age=commits.age,
        uncommitted=commits.waiting,
        last_error=commits.last_error,
    )


async def ping(hub: Hub, actor: Actor, request: r.Ping) -> out.Pong:
    hub.house.live[actor.name].heard = hub.now
    return out.Pong(iso(hub.now))

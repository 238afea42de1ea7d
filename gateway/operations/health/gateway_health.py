"""The health of the gateway."""

from __future__ import annotations

import msgspec

import gateway
from gateway.access.permissions import Actor, Permission
from gateway.message_effects import agent_costs, loop_hold_release
from gateway.protocol.requests.connection_requests import Ping, Status
from gateway.protocol.results import Health, Pong
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.runtime.hub import Hub


async def answer_status(hub: Hub, actor: Actor, request: Status) -> Health:
    """It counts only the rooms that the caller may know of."""
    known = sum(hub.state.may_know(one, actor) and not one.removed for one in hub.state.rooms.values())
    return msgspec.structs.replace(
        gateway_health(hub),
        rooms=known,
        brakes=loop_hold_release.visible_holds(hub.state, actor),
        costs=agent_costs.known_costs(hub.state, hub.now),
        vectors=None if hub.vectors is None else hub.vectors.progress,
        gateways=hub.role.shared_log.gateways() if hub.role.shared_log is not None else (),
        snapshots=hub.snapshots.standing() if hub.snapshots and actor.may(Permission.SEE_FIGURES) else None,
    )


def gateway_health(hub: Hub) -> Health:
    state = hub.state
    visible = [one.member for one in state.members.values() if not one.member.hidden]
    commits = hub.committer.health()
    return Health(
        status="stuck" if commits.stuck else "ok",
        version=gateway.__version__,
        uptime=round(hub.now - hub.started_at, 3),
        agents=len(state.agents()),
        members=len(visible),
        rooms=sum(not one.removed for one in state.rooms.values()),
        connections=len(hub.broadcaster),
        last_seq=hub.committed_seq,
        queued=sum(state.queued.values()),
        store=hub.store.describe(),
        limits=hub.config.rules.limits,
        commit_age=commits.age,
        uncommitted=commits.waiting,
        last_error=commits.last_error,
    )


async def answer_ping(hub: Hub, actor: Actor, request: Ping) -> Pong:
    hub.state.live[actor.name].heard = hub.now
    return Pong(iso_from_seconds(hub.now))

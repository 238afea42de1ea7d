"""What the REST interface shows of agents, channels and the server. Pure: values in, JSON fields out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import gateway
from gateway.dialects.skynet import name_mapping
from gateway.dialects.skynet.connected_agents import AgentRegistry, RegisteredClient
from gateway.model.records.stored_records import MemberRecord
from gateway.model.state import GatewayState
from gateway.model.transient_member_state import LiveMember
from gateway.protocol.types.core_types import DEFAULT_ROOM, Member, MemberKind, Presence
from gateway.protocol.types.timestamps import iso_from_seconds

API_VERSION = "1.0.0"  # of Skynet's server, whose interface this is
PROTOCOL_VERSION = "MCP/1.0"
FEATURES = ("websocket", "rest_api", "durable_log", "multi_agent_routing", "routing_strategies", "acknowledgements")


def agents_shown(state: GatewayState, agents: AgentRegistry, now: float) -> list[Member]:
    """The connected Skynet agents, and the members of other kinds that are present, by name."""
    connected = {one.name for one in agents}
    present = [
        record.member
        for name, record in state.members.items()
        if name in connected or (not name_mapping.is_skynet_guest(record) and _is_present(state, record.member, now))
    ]
    return sorted(present, key=lambda one: one.name)


def agents_away(state: GatewayState, agents: AgentRegistry, now: float) -> list[Member]:
    """The agents that were connected earlier, and the members of other kinds that have not left, by name. A monitor is
    there only while it is connected."""
    shown = {one.name for one in agents_shown(state, agents, now)}
    away = (
        record.member
        for name, record in state.members.items()
        if name not in shown and not record.removed and _may_come_back(record)
    )
    return sorted(away, key=lambda one: one.name)


def _may_come_back(record: MemberRecord) -> bool:
    return record.member.kind is MemberKind.AGENT if name_mapping.is_skynet_guest(record) else not record.member.hidden


def away_fields(state: GatewayState, agents: AgentRegistry, member: Member, now: float) -> dict[str, Any]:
    """Of an agent that is away: when it was last heard of, if that was since the gateway started."""
    live = state.live.get(member.name) or LiveMember()
    seen = max(live.heard, live.lost)
    metadata = {
        "kind": str(member.kind),
        "presence": str(state.presence(member, now)),
        "last_seen": iso_from_seconds(seen) if seen > 0 else None,
    }
    return {**agent_fields(state, agents, member), "metadata": metadata}


def _is_present(state: GatewayState, member: Member, now: float) -> bool:
    return state.presence(member, now) is Presence.ONLINE


def agent_fields(state: GatewayState, agents: AgentRegistry, member: Member) -> dict[str, Any]:
    client = agents.client_of(member.name)
    return {
        "agent_id": name_mapping.agent_id_of(state, member.name),
        "agent_type": name_mapping.MONITOR_TYPE
        if client is not None and client.watches
        else name_mapping.type_of(member),
        "priority": member.priority,
        "channels": _channels_of(state, member.name, client),
        "message_count": client.received if client else agents.count.to_member[member.name],
        "connected_at": client.connected_at if client else None,
        "metadata": {} if client else {"kind": str(member.kind)},
    }


def _channels_of(state: GatewayState, name: str, client: RegisteredClient | None) -> list[str]:
    """The open channels: who is in a closed one is seen by its members alone."""
    shown = (
        client.subscriptions
        if client
        else {one: name_mapping.channel_for_room(one) for one in sorted(state.rooms_of[name])}
    )
    return [channel for room, channel in shown.items() if not state.rooms[room].invite_only]


def channel_fields(
    state: GatewayState, agents: AgentRegistry, shown: Iterable[Member], rooms: Sequence[str]
) -> list[dict[str, Any]]:
    subscribers: dict[str, list[str]] = {room: [] for room in rooms}
    for member in shown:
        client = agents.client_of(member.name)
        for room in client.subscriptions if client else state.rooms_of[member.name]:
            if room in subscribers:
                subscribers[room].append(name_mapping.agent_id_of(state, member.name))
    return [
        {
            "channel": name_mapping.channel_for_room(room),
            "subscribers": found,
            "message_count": agents.count.in_room[room],
        }
        for room, found in subscribers.items()
    ]


def public_rooms(state: GatewayState) -> list[str]:
    """The channels that everyone may see, the default one first."""
    found = (one.name for one in state.rooms.values() if not (one.invite_only or one.removed))
    return sorted(found, key=lambda name: (name != DEFAULT_ROOM, name))


def health_fields(uptime: float, *, store_ok: bool, agents: int, channels: int) -> dict[str, Any]:
    return {
        "status": "healthy" if store_ok else "degraded",
        "version": API_VERSION,
        "uptime_seconds": uptime,
        "redis_connected": store_ok,
        "total_agents": agents,
        "total_channels": channels,
    }


def info_fields(uptime: float) -> dict[str, Any]:
    return {
        "version": API_VERSION,
        "protocol_version": PROTOCOL_VERSION,
        "features": FEATURES,
        "uptime": uptime,
        "server": f"llm-groupchat {gateway.__version__}",
    }


def routing_fields(agents: Sequence[dict[str, Any]], channels: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "total_agents": len(agents),
        "agents_by_type": Counter(one["agent_type"] for one in agents),
        "total_channels": len(channels),
        "channel_subscribers": {one["channel"]: len(one["subscribers"]) for one in channels},
        "message_counts": {one["agent_id"]: one["message_count"] for one in agents},
    }


def storage_fields(state: GatewayState, online: int) -> dict[str, Any]:
    owners = {key.partition("/")[0] for key in state.contexts}
    return {
        "total_keys": len(state.contexts) + len(state.sessions) + len(state.members) + len(state.rooms),
        "agents_with_context": sum(owner.startswith("@") for owner in owners),
        "agents_with_history": len(state.members),
        "active_sessions": sum(one.status == "active" for one in state.sessions.values()),
        "online_agents": online,
    }

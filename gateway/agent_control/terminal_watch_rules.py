"""The rules of terminals that people watch: who may, and why nothing can be seen. Pure."""

from __future__ import annotations

from gateway.access.permissions import Actor, Permission
from gateway.agent_control.approvals import may_see
from gateway.model.state import GatewayState
from gateway.protocol.errors import BadRequest, Forbidden, GroupChatError
from gateway.protocol.types.core_types import MemberKind, bare_name


def watchable_agent(state: GatewayState, actor: Actor, member: str) -> str:
    """The name of the agent, if this actor may watch its terminal."""
    actor.require(Permission.WATCH)
    return agent_in_reach(state, actor, member)


def agent_in_reach(state: GatewayState, actor: Actor, member: str) -> str:
    """The name of an agent with which this actor shares a room."""
    found = state.member(bare_name(member))
    if found.kind is not MemberKind.AGENT:
        raise BadRequest(f"{found.name} is no agent, so it has no terminal here.")
    if not may_see(state, actor, found.name):
        raise Forbidden(
            f"{actor.name} is in no room with {found.name}, so its terminal is out of reach. Join a room that "
            f"{found.name} is in."
        )
    return found.name


def why_not_watch(state: GatewayState, actor: Actor, member: str) -> str:
    """Why this actor may not watch the terminal any more; empty if it may."""
    try:
        watchable_agent(state, actor, member)
    except GroupChatError as error:
        return error.message
    return ""


def why_no_picture(state: GatewayState, name: str) -> str:
    """Why no picture of this agent's terminal can come now; empty if its sidecar is connected."""
    record, live = state.members.get(name), state.live.get(name)
    if record is None or record.removed:
        return f"{name} has been removed."
    if record.member.hidden:
        return f"{name} has left, so it has no terminal now. It shows here when {name} is started again."
    if live is None or not live.is_connected:
        return (
            f"The sidecar of {name} is not connected, so its terminal cannot be seen now. It shows here when the "
            f"sidecar is back."
        )
    return ""

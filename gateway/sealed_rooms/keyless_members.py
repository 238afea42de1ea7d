"""Who can have keys, and what a sealed room refuses because somebody has none, or because the gateway would have to
read along. Pure."""

from __future__ import annotations

from gateway.access.permissions import Actor, Permission
from gateway.model.records.stored_records import RoomRecord
from gateway.model.state import GatewayState
from gateway.protocol.errors import Forbidden


def check_may_have_keys(state: GatewayState, actor: Actor) -> None:
    """Keys lie on the machine where a member is at home: not in a browser, not with an agent's tools, and not with
    whoever holds the team's token or came without one."""
    actor.require(Permission.SEND)
    actor.require_own_token("publish keys, or change those of a room")
    if actor.team or actor.is_tools_token or is_guest_without_keys(state, actor.name):
        raise Forbidden(f"{actor.name} has no token of its own here, and so no keys. See docs/rights.md.")


def is_guest_without_keys(state: GatewayState, name: str) -> bool:
    """Whether this member came over another system's interface without a token: that system knows nothing of keys."""
    record = state.members.get(name)
    return record is not None and bool(record.dialect)


def check_can_be_in_sealed_room(state: GatewayState, room: RoomRecord, name: str, *, by_team: bool = False) -> None:
    """`by_team`: somebody who holds only the team token wants to enter as this member."""
    if room.sealed and (by_team or is_guest_without_keys(state, name)):
        raise Forbidden(
            f"#{room.name} is sealed, and {name} has no token of its own, so no keys, and could read nothing."
        )


def refuse_in_sealed_room(state: GatewayState, name: str, what: str) -> None:
    """Refuse in a sealed room what the gateway could not do without reading, or would keep readable."""
    record = state.rooms.get(name)
    if record is not None and record.sealed:
        raise Forbidden(f"#{name} is sealed: {what}.")

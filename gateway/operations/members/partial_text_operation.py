"""Takes what a member has said so far of an unfinished message, and shows it to those who will read the message."""

from __future__ import annotations

from gateway.access.permissions import Actor, Permission
from gateway.protocol.errors import Forbidden
from gateway.protocol.events import PartialText
from gateway.protocol.requests.agent_requests import ShowPartialText
from gateway.protocol.results import Done
from gateway.protocol.types.core_types import (
    DEFAULT_ROOM,
    MemberKind,
    bare_name,
    canonical_room_name,
    check_message_text,
)
from gateway.rooms.messages import check_members_in_room
from gateway.runtime.hub import Hub
from gateway.sealed_rooms.keyless_members import refuse_in_sealed_room


async def show_partial_text(hub: Hub, actor: Actor, request: ShowPartialText) -> Done:
    """The sender may show it only to those to whom it may send."""
    actor.require(Permission.SEND)
    if actor.kind not in (MemberKind.AGENT, MemberKind.TOOL):
        raise Forbidden("Only an agent or a tool shows what it is about to say.")
    state = hub.state
    room = state.own_room(canonical_room_name(request.room or DEFAULT_ROOM), actor)
    refuse_in_sealed_room(state, room.name, "an unfinished text would be readable")
    to = tuple(dict.fromkeys(state.member(bare_name(name)).name for name in request.to))
    check_members_in_room(state, room, to)
    text = check_message_text(request.text)
    hub.partial_texts.show(
        PartialText(actor.name, room.name, text, request.at, to, request.reply_to, ended=request.ended)
    )
    return Done()

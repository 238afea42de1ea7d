"""Requests about read-only links: making one, and what whoever reads by it sees at first."""

from __future__ import annotations

import msgspec

from gateway.access.device_credentials import LinkedPlace
from gateway.access.permissions import Actor
from gateway.operations.messages import mark_operations
from gateway.operations.messages.message_queries import readable_message
from gateway.protocol import VERSION
from gateway.protocol.errors import BadRequest
from gateway.protocol.events import Welcome
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateLink
from gateway.protocol.results import Result
from gateway.protocol.types.core_types import Member, Room, canonical_room_name
from gateway.push.share_link_events import ShareLinkFilter
from gateway.rooms import share_links
from gateway.runtime.hub import Hub


async def answer_create_link(hub: Hub, actor: Actor, request: CreateLink) -> Result:
    if request.thread is not None:
        first = await _first_of_shared_thread(hub, actor, request, request.thread)
        request = msgspec.structs.replace(request, thread=first)
    return await hub.carry_out(share_links.create_link(hub.state, actor, request, hub.rule_context(), hub.entropy()))


async def _first_of_shared_thread(hub: Hub, actor: Actor, request: CreateLink, number: int) -> int:
    message = await readable_message(hub, actor, number)
    first = await mark_operations.first_of_thread(hub, actor, message)
    room = canonical_room_name(request.room)
    if first.recipients or message.recipients or {first.room, message.room} != {room}:
        raise BadRequest(f"Message {number} is not one that everybody in #{room} can read.")
    return first.seq


async def view_of_link(hub: Hub, actor: Actor, place: LinkedPlace) -> ShareLinkFilter:
    """Which events go to whoever reads by this link."""
    if not place.thread:
        return ShareLinkFilter(hub.state, actor.token, place)
    numbers = await mark_operations.thread_numbers(hub, actor, place.thread)
    return ShareLinkFilter(hub.state, actor.token, place, set(numbers))


def welcome_to_link(hub: Hub, actor: Actor, place: LinkedPlace, request: Hello) -> Welcome:
    """The room's name and topic, and nothing about its members or other rooms."""
    record = hub.state.rooms[place.room]
    return Welcome(
        version=min(request.version, VERSION),
        you=Member(actor.name, actor.kind),
        rooms=(Room(record.name, record.topic),),
        members=(),
        last_seq=hub.committed_seq,
        store_id=hub.state.id,
        run=hub.numbers.run,
        began=hub.numbers.began,
    )

"""The rules of read-only links: who may share one, what it shows, and when it ends. Pure.

Whoever reads by a link is no member: its actor has a name that no member can have, is in no room, and gets no direct
message. `GatewayState.may_read` opens its one room to it, and `narrow_request` lists all that it may ask.
"""

from __future__ import annotations

import msgspec

from gateway.access.device_credentials import LINK_ENDED_TEXT, LinkedPlace
from gateway.access.permissions import Actor, Permission
from gateway.access.tokens import TokenRecord, create_token_record, has_secret, is_valid
from gateway.model.rule_context import RuleContext
from gateway.model.rule_outcome import RuleOutcome, StateChange
from gateway.model.state import GatewayState
from gateway.protocol.errors import Conflict, Forbidden, Unauthorized
from gateway.protocol.requests.connection_requests import Hello, Ping
from gateway.protocol.requests.mark_requests import Reactions, Thread
from gateway.protocol.requests.member_requests import CreateLink
from gateway.protocol.requests.message_requests import History, Search
from gateway.protocol.requests.request import Request
from gateway.protocol.results import LinkMade
from gateway.protocol.types.core_types import MemberKind, canonical_room_name
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.rooms.member_tokens import token_event
from gateway.sealed_rooms.keyless_members import refuse_in_sealed_room

MAX_LINKS_PER_MEMBER = 50
READER_PREFIX = "link:"  # no member's name has a colon


def create_link(
    state: GatewayState, actor: Actor, request: CreateLink, rule_context: RuleContext, entropy: bytes
) -> RuleOutcome:
    """Share a room that the actor is in, or the thread in it that begins with the message of the request."""
    actor.require_write("it cannot share a link")
    actor.require_own_token("share a link")
    actor.require(Permission.LINK)
    room = state.own_room(canonical_room_name(request.room), actor).name
    refuse_in_sealed_room(state, room, "whoever reads by a link has no keys")
    links = [one for one in state.tokens.values() if one.member == actor.name and one.link is not None]
    if sum(is_valid(one, rule_context.now) for one in links) >= MAX_LINKS_PER_MEMBER:
        raise Conflict(f"{actor.name} shares {MAX_LINKS_PER_MEMBER} links, which is the maximum. Revoke one of them.")
    expires, thread = rule_context.now + request.expires_in, request.thread or 0
    token, record = create_token_record(entropy, actor.name, rule_context.stamp, expires=expires)
    record = msgspec.structs.replace(record, read_only=True, link=LinkedPlace(room, thread))
    fact = token_event(state, actor.name, actor.name, rule_context, (StateChange("token", record.id, record),))
    made = LinkMade(record.id, token.split("_", 2)[2], room, iso_from_seconds(expires), thread)
    return RuleOutcome(made, (fact,))


def identify_link(state: GatewayState, link: str, secret: str, now: float) -> Actor:
    """The actor that reads by this link. All refusals have the same text."""
    record = state.tokens.get(link)
    if not has_secret(record, secret) or record is None or record.link is None or not state.is_in_force(record, now):
        raise Unauthorized(LINK_ENDED_TEXT)
    return actor_of_link(record)


def actor_of_link(record: TokenRecord) -> Actor:
    return Actor(f"{READER_PREFIX}{record.id}", MemberKind.TOOL, token=record.id, read_only=True, link=record.link)


def narrow_request(place: LinkedPlace, request: Request) -> Request:
    """The request, confined to what the link shows; Forbidden for all others."""
    match request:
        case Ping():
            return request
        case Hello():
            return narrow_hello(request)
        case Thread() if place.thread in (0, request.message):
            return request
        case Reactions() if not place.thread:
            return request
        case History() | Search() if not place.thread and canonical_room_name(request.room or place.room) == place.room:
            return msgspec.structs.replace(request, room=place.room)
    shown = f"the thread of message {place.thread}" if place.thread else f"the messages of #{place.room}"
    raise Forbidden(f"This link shows {shown}, and nothing else.")


def narrow_hello(request: Hello) -> Hello:
    """Whoever reads by a link says nothing of itself."""
    return Hello(n=request.n, version=request.version, since=request.since)

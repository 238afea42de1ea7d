"""`POST /sessions` and `GET /sessions/ID`: Skynet's sessions are ours. Their metadata is a shared document of the
session's room, with the name of the session."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from gateway.access.permissions import Actor
from gateway.api.error_responses import json_response
from gateway.dialects.skynet import name_mapping
from gateway.dialects.skynet.name_mapping import SKYNET
from gateway.dialects.skynet.rest.answers import Unprocessable, decode_body_as, require_reader
from gateway.dialects.skynet.shared_state import SERVICE
from gateway.dialects.skynet.wire.frames import AgentId
from gateway.model.records.shared_document_records import encode_document
from gateway.operations import dispatch
from gateway.operations.sessions import session_queries
from gateway.protocol import codec
from gateway.protocol.errors import Conflict, Forbidden, InvalidName, NotFound
from gateway.protocol.requests.session_requests import OpenSession, SessionMessages
from gateway.protocol.requests.shared_document_requests import GetContext, PutContext
from gateway.protocol.text.text_validation import check_request
from gateway.protocol.types.core_types import DEFAULT_ROOM, MemberKind, canonical_name
from gateway.protocol.types.session_types import Session
from gateway.rooms import guests
from gateway.runtime.hub import Hub
from gateway.sessions.shared_documents import find_writable

MAX_COUNTED_MESSAGES = 1000


class SessionBody(msgspec.Struct, forbid_unknown_fields=True):
    participants: Annotated[list[AgentId], Meta(max_length=64)]
    session_id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    goal: Annotated[str, Meta(max_length=4000)] | None = None
    metadata: dict[str, Any] = {}


async def open_posted_session(request: web.Request) -> web.StreamResponse:
    hub, body = request.app[SERVICE].hub, await decode_body_as(SessionBody, request)
    caller = await request.app[SERVICE].caller_of(request)
    members = [name_mapping.require_member(hub.state, one) for one in body.participants]
    actor = caller or _opening_guest(hub, members)
    name, room = _session_name(body.session_id or str(uuid.uuid4())), _shared_room(hub, [actor.name, *members])
    put = PutContext(scope=f"#{room}", name=name, document=body.metadata, version=0)
    if body.metadata:
        _check_metadata(hub, actor, put)
    opened = OpenSession(session=name, room=room, goal=body.goal or "", participants=tuple(members))
    await dispatch.run_operation(hub, actor, opened)
    if body.metadata:
        await dispatch.run_operation(hub, actor, put)
    return json_response(await _session_fields(hub, actor, hub.state.sessions[name]))


def _check_metadata(hub: Hub, actor: Actor, put: PutContext) -> None:
    """Refuse metadata that cannot be stored before the session is opened, so that no session is there without it."""
    check_request(put)
    encode_document(put.document)
    if find_writable(hub.state, actor, put.scope, put.name).version:
        raise Conflict(f"{put.scope} already has a shared document {put.name!r}. Choose another `session_id`.")


def _opening_guest(hub: Hub, members: list[str]) -> Actor:
    """Without a token, the first participant that is a guest opens the session."""
    for name in members:
        if guests.is_guest(hub.state, SKYNET, name):
            return guests.guest_actor(hub.state, SKYNET, name)
    raise Forbidden("Without a token, one of the participants must be a Skynet agent that has connected before.")


def _session_name(text: str) -> str:
    try:
        return canonical_name(text)
    except InvalidName as error:
        raise Unprocessable(f"`session_id`: {error.message}") from None


def _shared_room(hub: Hub, members: list[str]) -> str:
    shared = set.intersection(*(set(hub.state.rooms_of[name]) for name in members))
    if not shared:
        raise NotFound("The participants share no channel. Let them subscribe to one.")
    return DEFAULT_ROOM if DEFAULT_ROOM in shared else min(shared)


async def send_session(request: web.Request) -> web.StreamResponse:
    caller, session_id = await require_reader(request), request.match_info["session_id"]
    hub = request.app[SERVICE].hub
    session = hub.state.sessions.get(session_id.lower())
    if session is None or not _may_see(hub, caller, session):
        raise NotFound(f"There is no session {session_id[:64]!r}.")
    return json_response(await _session_fields(hub, caller or _as_opener(session), session))


def _may_see(hub: Hub, caller: Actor | None, session: Session) -> bool:
    room = hub.state.rooms[session.room]
    return not room.invite_only if caller is None else hub.state.may_read(room, caller)


def _as_opener(session: Session) -> Actor:
    """The messages are counted as the one who opened the session sees them; nothing else is shown of them."""
    return Actor(session.by, MemberKind.AGENT)


async def _session_fields(hub: Hub, actor: Actor, session: Session) -> dict[str, Any]:
    counted = await session_queries.session_messages(
        hub, _as_opener(session), SessionMessages(session=session.name, limit=MAX_COUNTED_MESSAGES)
    )
    newest = await hub.store.one(session.seq)
    metadata = await _metadata(hub, actor, session)
    if session.goal:
        metadata["goal"] = session.goal
    if session.deadline:
        metadata["deadline"] = session.deadline
    return {
        "session_id": session.name,
        "participants": [name_mapping.agent_id_of(hub.state, one) for one in session.participants],
        "status": str(session.status),
        "created_at": session.at,
        "updated_at": codec.decode_durable(newest.event).timestamp if newest else session.at,
        "message_count": len(counted.messages),
        "metadata": metadata,
    }


async def _metadata(hub: Hub, actor: Actor, session: Session) -> dict[str, Any]:
    try:
        found = await dispatch.run_operation(hub, actor, GetContext(scope=f"#{session.room}", name=session.name))
    except (NotFound, Forbidden):
        return {}
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found.document))
    return document

"""`POST /context` and `GET /context/AGENT`: the context of an agent is its shared document."""

from __future__ import annotations

from typing import Any

import msgspec
from aiohttp import web

from gateway.access.permissions import Actor
from gateway.api.error_responses import json_response
from gateway.dialects.skynet import name_mapping
from gateway.dialects.skynet.name_mapping import GLOBAL_AGENT, SKYNET
from gateway.dialects.skynet.rest.answers import admit_caller, decode_body_as, require_reader, require_writer
from gateway.dialects.skynet.rest.context_merge import merge_context_update
from gateway.dialects.skynet.shared_state import SERVICE
from gateway.dialects.skynet.wire.frames import AgentId
from gateway.model.records.shared_document_records import JsonObject, encode_document
from gateway.model.state import GatewayState
from gateway.operations import dispatch
from gateway.protocol.errors import Conflict, NotFound, Unauthorized
from gateway.protocol.requests.shared_document_requests import GetContext, PutContext
from gateway.protocol.types.core_types import GLOBAL_SCOPE, MemberKind
from gateway.rooms import guests
from gateway.runtime.hub import Hub

MAX_MERGE_TRIES = 20


class ContextBody(msgspec.Struct, forbid_unknown_fields=True):
    agent_id: AgentId
    context: dict[str, Any]


async def merge_posted_context(request: web.Request) -> web.StreamResponse:
    hub, body = request.app[SERVICE].hub, await decode_body_as(ContextBody, request)
    encode_document(body.context)  # refused before a guest is made of its sender
    whole = body.agent_id == GLOBAL_AGENT
    actor = await (_require_any_writer(request) if whole else require_writer(request, body.agent_id))
    merged = await _merge(hub, actor, GLOBAL_SCOPE if whole else f"@{actor.name}", body.context)
    return json_response({"success": True, "agent_id": body.agent_id, "context": merged, "error": None})


async def _require_any_writer(request: web.Request) -> Actor:
    """The context of all belongs to no one: without a token, the guest of this listener writes it."""
    return await request.app[SERVICE].caller_of(request) or await admit_caller(request, SKYNET)


async def _merge(hub: Hub, actor: Actor, scope: str, update: JsonObject) -> JsonObject:
    """If the document changed meanwhile, merge again."""
    for _ in range(MAX_MERGE_TRIES):
        version, stored = await _read(hub, actor, scope)
        merged = merge_context_update(stored, update)
        try:
            await dispatch.run_operation(hub, actor, PutContext(scope=scope, document=merged, version=version))
        except Conflict:
            continue
        return merged
    raise Conflict("The context is changed by others all the time. Send the update again.")


async def _read(hub: Hub, actor: Actor, scope: str) -> tuple[int, JsonObject]:
    """The document and the version to expect; version 0 if there is none."""
    try:
        found = await dispatch.run_operation(hub, actor, GetContext(scope=scope))
    except NotFound:
        return 0, {}
    return found.version, msgspec.json.decode(msgspec.json.encode(found.document))


async def send_context(request: web.Request) -> web.StreamResponse:
    caller, agent_id = await require_reader(request), request.match_info["agent_id"]
    hub = request.app[SERVICE].hub
    name = None if agent_id == GLOBAL_AGENT else name_mapping.member_with_agent_id(hub.state, agent_id)
    if name is None and agent_id != GLOBAL_AGENT:
        return json_response(_missing(agent_id))
    actor = caller or _anonymous_reader(hub.state, name)
    version, document = await _read(hub, actor, f"@{name}" if name else GLOBAL_SCOPE)
    if not version:
        return json_response(_missing(agent_id))
    return json_response({"success": True, "agent_id": agent_id, "context": document, "error": None})


def _anonymous_reader(state: GatewayState, name: str | None) -> Actor:
    """Who reads without a token: the guest itself, since guests can pass for one another. What belongs to all is read
    by nobody in particular: to read makes no member."""
    if name is None:
        return Actor(SKYNET, MemberKind.AGENT)
    if not guests.is_guest(state, SKYNET, name):
        raise Unauthorized(f"The context of {name!r} needs a token: {name} is no agent without one.")
    return guests.guest_actor(state, SKYNET, name)


def _missing(agent_id: str) -> dict[str, Any]:
    return {"success": False, "agent_id": agent_id, "context": None, "error": "Context not found"}

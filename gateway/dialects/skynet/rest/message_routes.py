"""`POST /messages/send` and `GET /history/AGENT`: messages without a WebSocket."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
from aiohttp import web

from gateway.access.permissions import Actor
from gateway.api.auth import HUB
from gateway.api.error_responses import error_to_tell, json_response
from gateway.dialects.skynet import message_sending, name_mapping
from gateway.dialects.skynet.rest import views
from gateway.dialects.skynet.rest.answers import (
    Unprocessable,
    admit_caller,
    decode_body_as,
    require_reader,
    require_writer,
)
from gateway.dialects.skynet.shared_state import SERVICE, SkynetState
from gateway.dialects.skynet.wire import messages
from gateway.dialects.skynet.wire.error_codes import error_body
from gateway.dialects.skynet.wire.frames import (
    AgentId,
    Channel,
    MessageType,
    Payload,
    WireMessage,
    check_wire_message,
)
from gateway.operations.messages import message_queries
from gateway.protocol.errors import BadRequest, GroupChatError
from gateway.protocol.results import Accepted
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.store import MessageQuery

MAX_HISTORY_MESSAGES = 1000
DEFAULT_HISTORY_MESSAGES = 50
AS_HTTP_STATUS = (401, 429, 503, 507)  # refusals that concern the caller or the gateway, not this message
ENCRYPTION_REFUSED = (
    "`encrypt` is refused: this gateway has no key, and everyone in the room reads what it carries. "
    "Send the message with `encrypt` false. Sealed rooms come with a later version."
)


class SendBody(msgspec.Struct, forbid_unknown_fields=True):
    from_agent: AgentId
    content: Any
    to_agent: AgentId | None = None
    type: MessageType = "task"
    channel: Channel = name_mapping.DEFAULT_CHANNEL
    context: dict[str, Any] = {}
    meta: dict[str, Any] = {}
    encrypt: bool = False


def message_of(body: SendBody, id_: str, now: str) -> WireMessage:
    """The message that the request stands for. Skynet's command line sends a `task` without a target for a broadcast,
    and says so to its user."""
    meta = {"timestamp": now, "ttl": 3600, "requires_ack": False, **body.meta}
    message = WireMessage(
        id=id_,
        from_agent=body.from_agent,
        type=body.type,
        channel=body.channel,
        payload=Payload(body.content, body.context, meta),
        timestamp=now,
        trace_id=str(body.context.get("trace_id") or id_)[:128],
        to_agent=body.to_agent,
    )
    if body.type == "task" and body.to_agent is None and message.known_context.strategy is None:
        message.type = "broadcast"
    return message


async def serve_send(request: web.Request) -> web.StreamResponse:
    service, body = request.app[SERVICE], await decode_body_as(SendBody, request)
    now = iso_from_seconds(service.hub.now)
    message = _checked_message(body, now)  # refused before a guest is made of its sender
    actor = await require_writer(request, body.from_agent)
    if body.encrypt:
        refusal = BadRequest(ENCRYPTION_REFUSED)
        return json_response(_refused(refusal, error_body(refusal, now)), refusal.status)
    if body.type == "heartbeat":
        service.hub.state.live[actor.name].heard = service.hub.now
        return json_response(_sent(message, []))
    service.agents.begin()
    try:
        service.check_send(actor.name, message)
        accepted = await (await message_sending.begin_send(service.hub, service.agents.ids, actor, message))
    except GroupChatError as failure:
        if failure.status in AS_HTTP_STATUS:
            raise
        told = error_to_tell(service.hub, failure, member=actor.name)
        return json_response(_refused(told, {"details": {"code": told.code, "nearest": told.nearest}}))
    return json_response(_sent(message, _recipients(service, actor, message, accepted)))


def _checked_message(body: SendBody, now: str) -> WireMessage:
    try:
        message = message_of(body, str(uuid.uuid4()), now)
        check_wire_message(message)
    except BadRequest as error:
        raise Unprocessable(error.message) from None
    return message


def _sent(message: WireMessage, recipients: list[str]) -> dict[str, Any]:
    return {"success": True, "message_id": message.id, "recipients": recipients, "error": None}


def _refused(error: GroupChatError, more: dict[str, Any]) -> dict[str, Any]:
    return {**more, "success": False, "message_id": None, "recipients": [], "error": error.message}


def _recipients(service: SkynetState, actor: Actor, message: WireMessage, accepted: Accepted) -> list[str]:
    """Whom the message is for: the agent that it names, the agents that were picked by type, or who hears the
    channel."""
    state = service.hub.state
    if message.to_agent is not None:
        return [name_mapping.agent_id_of(state, name_mapping.require_member(state, message.to_agent))]
    reached = {one.member for one in accepted.deliveries}
    if message.known_context.strategy is None:
        room = name_mapping.room_behind_channel(message.channel)
        shown = views.agents_shown(state, service.agents, service.hub.now)
        channels = views.channel_fields(state, service.agents, shown, [room])
        own = name_mapping.agent_id_of(state, actor.name)
        return sorted(
            set(channels[0]["subscribers"]) - {own} | {name_mapping.agent_id_of(state, one) for one in reached}
        )
    return sorted(name_mapping.agent_id_of(state, one) for one in reached)


async def show_message_history(request: web.Request) -> web.StreamResponse:
    """The newest messages that an agent sent or got, oldest first."""
    reader, agent_id = await require_reader(request), request.match_info["agent_id"]
    service, hub = request.app[SERVICE], request.app[HUB]
    name = name_mapping.member_with_agent_id(hub.state, agent_id)
    if name is None:
        raise name_mapping.unknown_id_error(agent_id)
    actor = reader or await admit_caller(request, agent_id)
    view, limit = message_queries.viewer_of(hub, actor), _limit_in(request)
    asked = (MessageQuery(view, sender=name, limit=limit), MessageQuery(view, recipient=name, limit=limit))
    found = [
        message
        for query in asked
        for message in await message_queries.messages_of(hub, actor, await hub.store.messages(query))
    ]
    newest = sorted({one.seq: one for one in found}.values(), key=lambda one: one.seq)[-limit:]
    shown = [
        messages.skynet_message_fields(hub.state, service.agents.ids, one, name_mapping.channel_for_room(one.room))
        for one in newest
    ]
    return json_response({"agent_id": agent_id, "total": len(shown), "messages": shown})


def _limit_in(request: web.Request) -> int:
    text = request.query.get("limit", str(DEFAULT_HISTORY_MESSAGES))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= MAX_HISTORY_MESSAGES:
        raise Unprocessable(f"`limit` must be a whole number from 1 to {MAX_HISTORY_MESSAGES}.")
    return int(text)

"""Handles what is posted to the simple interface: the speaker, the meaning of the text, and its result."""

from __future__ import annotations

import time

import msgspec
from aiohttp import web

from gateway.access.operation_kinds import OperationKind
from gateway.access.permissions import Actor, Permission
from gateway.agent_control import agent_orders
from gateway.api.auth import HUB, actor_of
from gateway.api.error_responses import json_response
from gateway.api.request_validation import decode_body
from gateway.dialects.csp import wire_format
from gateway.dialects.csp.turn_modes import begin_mode, simple_floor
from gateway.model.rule_outcome import RuleOutcome
from gateway.model.system_messages import deliver_notice_to, direct_notice
from gateway.operations import dispatch
from gateway.operations.members import hello_operation
from gateway.protocol.errors import BadRequest, Forbidden, GroupChatError
from gateway.protocol.events import Control
from gateway.protocol.requests.agent_requests import Keys, Pause, Resume
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.mode_requests import Working
from gateway.protocol.results import Accepted, Done
from gateway.protocol.text.addressing import AddressedText, parse_line, resolve
from gateway.protocol.types.core_types import DEFAULT_ROOM, MemberKind, canonical_member_name
from gateway.runtime.hub import Hub

MAX_WAITING_KEYS = 20


class PostBody(msgspec.Struct):
    """The body of /agent-output and /message. Unknown fields of simple clients are ignored."""

    content: str
    from_: str | None = msgspec.field(default=None, name="from")
    to: str | None = None
    id: str | None = None


async def serve_post(request: web.Request) -> web.StreamResponse:
    hub, caller = request.app[HUB], await actor_of(request)
    posted = await decode_body(PostBody, request)
    actor = await _speaker_of(request, caller, posted.from_)
    if "orchestrator" in actor.name and not wire_format.is_allowed_to_orchestrator(posted.content):
        raise BadRequest("Invalid orchestrator command")
    target = None if posted.to in (None, "", wire_format.BROADCAST, "*", "all", "@all") else posted.to
    match wire_format.parse_post(posted.content, target):
        case wire_format.NoOperation():
            return json_response({"success": True, "messageId": None})
        case wire_format.WorkingOrder():
            done = await dispatch.run_operation(hub, actor, Working())
            return json_response({"success": True, "working": True, "updated": done.extended})
        case wire_format.ControlOrder() as order:
            hub.throttle.take(OperationKind.CHANGES, actor.name, time.monotonic())
            ordered = await _carry_out_order(hub, actor, order)
            return json_response({"success": True, "messageId": f"msg-{ordered.seq}"})
        case wire_format.ModeStatusQuery():
            return await _send_status(hub, actor)
        case wire_format.ModeOrder(mode, topic, rounds):
            hub.throttle.take(OperationKind.CHANGES, actor.name, time.monotonic())
            await hub.carry_out(begin_mode(hub.state, actor, mode, topic, None, rounds, hub.rule_context()))
            return json_response(
                {"success": True, "orchestration": wire_format.orchestration_fields(simple_floor(hub.state))}
            )
        case wire_format.TextMessage() as text:
            accepted = await _send_text(hub, actor, text, posted.id)
            return json_response({"success": True, "messageId": f"msg-{accepted.seq}", "seq": accepted.seq})


async def _send_status(hub: Hub, actor: Actor) -> web.StreamResponse:
    """Send the status as a line to the asker's inbox and streams, because its client does not show the response."""
    floor = simple_floor(hub.state)
    fact = direct_notice(DEFAULT_ROOM, actor.name, wire_format.status_line(floor), hub.rule_context())
    if hub.state.members[actor.name].member.inbox:
        fact = deliver_notice_to(fact, (actor.name,))
    await hub.carry_out(RuleOutcome(Done(), (fact,)))
    return json_response(
        {
            "success": True,
            "messageId": f"msg-{fact.event.seq}",
            "orchestration": wire_format.orchestration_fields(floor),
        }
    )


async def _speaker_of(request: web.Request, actor: Actor, claimed: str | None) -> Actor:
    """The speaker. With a member token it is that member, whatever the body claims."""
    name = None if claimed is None else claimed.strip().lower()
    if actor.team:
        if name is None:
            raise BadRequest("`from` is missing. Set it to the sender's name.")
        actor = await actor_of(request, speaks_as=canonical_member_name(name))
    elif name not in (None, actor.name):
        raise Forbidden(f"This token belongs to {actor.name!r}; it cannot send as {claimed!r}.")
    hub = request.app[HUB]
    hub.state.live[actor.name].heard = hub.now
    if hub.state.members[actor.name].member.hidden:
        await hello_operation.answer_hello(hub, actor, Hello())
    return actor


async def _carry_out_order(hub: Hub, actor: Actor, order: wire_format.ControlOrder) -> Done:
    rule_context = hub.rule_context()
    match order.action:
        case "pause":
            outcome = agent_orders.pause_member(hub.state, actor, Pause(member=order.to), rule_context)
        case "resume":
            outcome = agent_orders.resume_member(hub.state, actor, Resume(member=order.to), rule_context)
        case _:
            outcome = agent_orders.press_keys(
                hub.state, actor, Keys(member=order.to or "all", keys=order.keys), rule_context
            )
            _keep_for_polling(hub, outcome, order.keys)
    done = await hub.carry_out(outcome)
    assert isinstance(done, Done)
    return done


def _keep_for_polling(hub: Hub, outcome: RuleOutcome, keys: str) -> None:
    event = outcome.events[0].event
    for name in event.to if isinstance(event, Control) else ():
        if hub.state.members[name].by_team:
            kept = hub.state.live[name].keys
            kept[:] = [*kept, f"!{keys}"][-MAX_WAITING_KEYS:]


async def _send_text(hub: Hub, actor: Actor, text: wire_format.TextMessage, client_id: str | None) -> Accepted:
    urgent = text.urgent and actor.may(Permission.URGENT)
    content = text.content if urgent == text.urgent else text.whole
    to: tuple[str, ...] = (text.to,) if text.to else ()
    if not to:
        to, content = _split_address(hub, actor, content)
    request = Send(content=content, to=to, urgent=urgent, interrupt=urgent and text.interrupt, id=client_id)
    accepted = await dispatch.run_operation(hub, actor, request)
    assert isinstance(accepted, Accepted)
    return accepted


def _split_address(hub: Hub, actor: Actor, content: str) -> tuple[tuple[str, ...], str]:
    """Split a leading `@name` from the text. An unknown name is an error for a person; for a program it is text."""
    if not content.startswith("@"):
        return (), content
    try:
        line = parse_line(content)
        assert isinstance(line, AddressedText)
        resolve(line.to, hub.state.directory(), actor.name)
    except GroupChatError:
        if actor.kind is MemberKind.HUMAN:
            raise
        return (), content
    return (tuple(str(one) for one in line.to), line.text) if line.text.strip() else ((), content)

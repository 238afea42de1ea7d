"""Decides and answers requests. A refusal waits for its place among the events like any answer, because its reason may
not be committed yet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any

from gateway.access.operation_kinds import OperationKind
from gateway.access.permissions import Actor
from gateway.operations.operation import Operation
from gateway.operations.operation_table import OPERATION_BY_REQUEST, TOOLS_TOKEN_REQUESTS
from gateway.protocol.errors import Forbidden, GroupChatError
from gateway.protocol.requests.agent_requests import ShowPartialText, ShowTerminal
from gateway.protocol.requests.connection_requests import CloseLanPage, Hello, OpenLanPage, Ping, Stats, Status
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.request import Request
from gateway.protocol.text.text_validation import check_request
from gateway.push.event_broadcaster import Connection
from gateway.rooms import share_links
from gateway.runtime.forwarding import Forwarder
from gateway.runtime.hub import Hub

# Requests whose answers show presence, which the streams get a little later.
MEMBER_LIST_REQUESTS = (Hello, Members)
# Status, figures and ping report a stuck disk, so they must not wait for it; a picture and an unfinished text show
# nothing that is stored.
UNORDERED_REQUESTS = (Status, Stats, Ping, ShowTerminal, ShowPartialText)
# What a gateway does with itself, whoever decides.
HERE_REQUESTS = (OpenLanPage, CloseLanPage)


def start_operation(
    hub: Hub, actor: Actor, request: Request, stream: Connection | None = None
) -> asyncio.Future[Any] | Awaitable[Any]:
    """Decide a request now, and return an awaitable for its result. Requests are committed in the order in which they
    begin. Raises only errors that do not depend on the gateway's state. `stream` is the WebSocket it came by."""
    if actor.link is not None:
        request = share_links.narrow_request(actor.link, request)
    operation = OPERATION_BY_REQUEST[type(request)]
    hub.metrics.note_request(actor.counted_as)
    tag = request.__struct_config__.tag
    hub.request_log.debug("< request", op=tag, n=request.n, member=actor.name, trace=trace_of_request(request))
    if actor.is_tools_token and not isinstance(request, TOOLS_TOKEN_REQUESTS):
        raise Forbidden(f"{tag!r} is not available to an agent's tools, only to its sidecar or to a person.")
    if actor.read_only and not operation.effect.allowed_read_only:
        actor.require_write(f"{tag!r} changes something")
    if hub.forwarder is not None and is_decided_elsewhere(operation):
        return _forward(hub.forwarder, actor, operation, request)
    hub.throttle.take(operation.effect, actor.name, time.monotonic())
    check_request(request)  # it reads each character, so its time is part of the measured time
    try:
        if operation.subscription is not None:
            return operation.subscription(hub, actor, request, stream)
        return _start_rule_or_query(hub, actor, operation, request)
    except GroupChatError as error:
        return hub.answers.refuse_in_turn(error)


def is_decided_elsewhere(operation: Operation) -> bool:
    """Whether a gateway that follows passes this on. A hello passes on what it changes, and is answered here."""
    effect, request = operation.effect, operation.request
    return effect not in (OperationKind.READS, OperationKind.GREETS) and request not in HERE_REQUESTS


def _forward(
    forwarder: Forwarder, actor: Actor, operation: Operation, request: Request
) -> asyncio.Future[Any] | Awaitable[Any]:
    """Messages and whatever a rule decides at once may follow each other without waiting, as they may at the gateway
    that decides. Anything else is waited for before the next request of the connection."""
    done = forwarder.forward(actor, request)
    is_quick = operation.rule is not None or isinstance(request, Send)
    return done if is_quick else _wait_for(done)


async def _wait_for(done: asyncio.Future[Any]) -> Any:
    return await done


def _start_rule_or_query(
    hub: Hub, actor: Actor, operation: Operation, request: Request
) -> asyncio.Future[Any] | Awaitable[Any]:
    if operation.rule is not None:
        return hub.carry_out(operation.rule(hub.state, actor, request, hub.rule_context()))
    assert operation.query is not None
    return operation.query(hub, actor, request)


def trace_of_request(request: Request) -> str | None:
    """The trace that connects the log lines of one message: the client's trace, else its id of the message."""
    return request.trace or request.id if isinstance(request, Send) else None


def answer_in_turn(hub: Hub, actor: Actor, request: Request, result: Any) -> asyncio.Future[Any]:
    """Give a query's answer in order: not before the events whose effect it shows."""
    if isinstance(request, UNORDERED_REQUESTS):
        return hub.answers.at_once(result)
    if isinstance(request, MEMBER_LIST_REQUESTS):
        hub.presence.tell_first(actor.name)
    effect = OPERATION_BY_REQUEST[type(request)].effect
    return hub.answers.answer_in_turn(result, sure=effect not in (OperationKind.READS, OperationKind.GREETS))


async def wait_and_answer_in_turn(
    hub: Hub, actor: Actor, request: Request, query: Awaitable[Any]
) -> asyncio.Future[Any]:
    """Wait for a query, and return a future for its answer or refusal, in order."""
    try:
        result = await query
    except GroupChatError as error:
        return hub.answers.refuse_in_turn(error)
    return answer_in_turn(hub, actor, request, result)


async def run_operation(hub: Hub, actor: Actor, request: Request) -> Any:
    begun = start_operation(hub, actor, request)
    if isinstance(begun, asyncio.Future):
        return await begun
    return await (await wait_and_answer_in_turn(hub, actor, request, begun))

"""Answers of the REST interface: in the shapes of Skynet's server, errors too."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from aiohttp import web

from gateway.access.operation_kinds import OperationKind
from gateway.access.permissions import Actor
from gateway.api.auth import CALLER, HUB, mark_refused
from gateway.api.error_responses import error_response, path_for_log, settled_error
from gateway.api.request_validation import decode_body
from gateway.dialects.skynet import name_mapping
from gateway.dialects.skynet.name_mapping import SKYNET
from gateway.dialects.skynet.shared_state import SERVICE
from gateway.dialects.skynet.wire.error_codes import UNPROCESSABLE, error_body
from gateway.dialects.skynet.wire.frames import MESSAGE_TYPES
from gateway.dialects.skynet.wire.validation_errors import AllowedNames, explain_error
from gateway.model.records.stored_records import MemberRecord
from gateway.protocol.errors import BadRequest, Forbidden, GroupChatError, NotFound, TooLarge
from gateway.protocol.types.core_types import Member
from gateway.protocol.types.timestamps import iso_from_seconds
from gateway.rooms import guests

T = TypeVar("T", bound=msgspec.Struct)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Unprocessable(BadRequest):
    """The request has the wrong shape. Clients of Skynet's server know the status 422 for it."""

    status = UNPROCESSABLE


@web.middleware
async def answer_in_skynet_shape(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors of every address have the body that Skynet's clients know."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        found, status = _error_of_http(request, error), error.status
    except Exception as failure:
        where = {"method": request.method, "path": path_for_log(request)}
        found = await settled_error(request.app[HUB], failure, member=request.get(CALLER), **where)
        status = found.status
    if status in (401, 403):
        mark_refused(request)
    response = error_response(found, error_body(found, iso_from_seconds(request.app[HUB].now), status))
    response.set_status(status)
    return response


def _error_of_http(request: web.Request, error: web.HTTPException) -> GroupChatError:
    match error:
        case web.HTTPMethodNotAllowed():
            return BadRequest(f"Use {', '.join(sorted(error.allowed_methods))} here, not {request.method}.")
        case web.HTTPRequestEntityTooLarge():
            return TooLarge("The request's body is too large.")
        case web.HTTPNotFound():
            return NotFound("This address does not exist. See /docs.")
    return BadRequest(error.reason or "The request is invalid.")


async def require_reader(request: web.Request, *, settled: bool = True) -> Actor | None:
    """Who reads: the member of the token, or None for a process of this machine without one. A `settled` answer waits
    until what it shows is on disk."""
    caller = await request.app[SERVICE].caller_of(request, reads=True)
    hub = request.app[HUB]
    hub.throttle.take(OperationKind.READS, caller.name if caller else SKYNET, time.monotonic())
    if settled:
        await hub.answers.wait_until_settled()
    return caller


async def decode_body_as(kind: type[T], request: web.Request) -> T:
    try:
        return await decode_body(kind, request)
    except BadRequest as error:
        allowed = AllowedNames({"": tuple(one.name for one in msgspec.structs.fields(kind))}, {"type": MESSAGE_TYPES})
        raise Unprocessable(explain_error(error.message, allowed) or error.message) from None


async def require_writer(request: web.Request, agent_id: str) -> Actor:
    """Who writes: the member of the token, which can be no other than the body says; or the guest that it names, which
    need not be connected."""
    caller = await request.app[SERVICE].caller_of(request)
    hub = request.app[HUB]
    if caller is not None:
        if name_mapping.member_with_agent_id(hub.state, agent_id) != caller.name:
            raise Forbidden(f"This token belongs to {caller.name!r}; it cannot be used for {agent_id[:128]!r}.")
        return caller
    return await admit_caller(request, agent_id)


async def admit_caller(request: web.Request, agent_id: str) -> Actor:
    service = request.app[SERVICE]
    guest = name_mapping.guest_with_agent_id(service.hub.state, agent_id)
    if guest.name not in service.hub.state.members:
        await service.admission.arrive(MemberRecord(_absent(guest), dialect=SKYNET, named_only=True))
    return guests.guest_actor(service.hub.state, SKYNET, guest.name)


def _absent(guest: Member) -> Member:
    """A guest that has sent something and is not connected: answers wait for it, and no list shows it."""
    return Member(guest.name, guest.kind, display=guest.display, inbox=True, hidden=True)

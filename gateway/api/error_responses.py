"""Turns failures into answers: `error_to_tell` for every interface, `error_response` for HTTP. Each dialect frames them
in its own way. An unexpected error shows no internals to the client."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from gateway.api.auth import CALLER, HUB, mark_refused
from gateway.commit.committer import BROKEN_TEXT
from gateway.protocol import codec
from gateway.protocol.errors import BadJson, BadRequest, GroupChatError, NotFound, TooLarge, Unavailable
from gateway.runtime.hub import Hub

log = structlog.get_logger("gateway.api.error_responses")

AT_ONCE = (401, 429, 503)  # these concern the caller or the gateway, not earlier events, so the answer need not wait

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def json_response(body: object, status: int = 200) -> web.Response:
    return web.Response(body=codec.encode(body), status=status, content_type="application/json")


def error_to_tell(hub: Hub, failure: BaseException, *, member: str | None = None, **where: object) -> GroupChatError:
    """What a client may be told of a failure, counted in the statistics of the member, if the caller is one. An error
    of ours is told as it is. For any other, the client learns only that something broke, and the log gets the
    traceback."""
    if isinstance(failure, GroupChatError):
        error = failure
    elif isinstance(failure, UnicodeDecodeError):
        error = BadJson("The body is not UTF-8.")
    else:
        log.error("! request failed", exc_info=failure, member=member, **where)
        error = Unavailable(BROKEN_TEXT)
    hub.metrics.note_refused(error.code, member)
    return error


async def settled_error(
    hub: Hub, failure: BaseException, *, member: str | None = None, **where: object
) -> GroupChatError:
    """Like `error_to_tell`, but waits until the events before the error are committed. For interfaces that answer
    outside the queue of answers."""
    if isinstance(failure, GroupChatError) and failure.status not in AT_ONCE:
        failure = await hub.answers.settled_error(failure)
    return error_to_tell(hub, failure, member=member, **where)


def error_response(error: GroupChatError, body: object = None) -> web.Response:
    """An HTTP response with the error body of the full protocol, unless the dialect gives its own."""
    response = json_response({"error": error.body()} if body is None else body, error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def path_for_log(request: web.Request) -> str:
    """The route pattern of a request. The real path may hold a token, and no log may show it."""
    resource = request.match_info.route.resource
    return "(no such path)" if resource is None else resource.canonical


@web.middleware
async def translate_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await _call_handler(request, handler)
    if response.status in (401, 403):
        mark_refused(request)
    return response


async def _call_handler(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _translate_http_error(error)
    except Exception as failure:
        where = {"method": request.method, "path": path_for_log(request)}
        return error_response(error_to_tell(request.app[HUB], failure, member=request.get(CALLER), **where))


def _translate_http_error(error: web.HTTPException) -> web.Response:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        response = json_response({"error": BadRequest(f"Use {allowed} here.").body()}, 405)
        response.headers["Allow"] = allowed
        return response
    if error.status == 404:
        return error_response(NotFound("This address does not exist. See /docs."))
    if error.status == 413:
        return error_response(TooLarge("The request's body is too large."))
    return json_response({"error": BadRequest(error.reason or "bad request").body()}, error.status)

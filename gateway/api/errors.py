"""Errors as HTTP answers: one JSON shape everywhere, and nothing of the inside when something breaks."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

from gateway.api.auth import HUB, refused
from gateway.protocol import codec
from gateway.protocol.errors import BadJson, BadRequest, GroupChatError, NotFound, TooLarge, Unavailable

log = structlog.get_logger("gateway.api")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def json_response(body: object, status: int = 200) -> web.Response:
    return web.Response(body=codec.encode(body), status=status, content_type="application/json")


def error_response(error: GroupChatError) -> web.Response:
    response = json_response({"error": error.body()}, error.status)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def path_for_log(request: web.Request) -> str:
    """The form of a request's path. What stands in it, such as a token, is in no log."""
    resource = request.match_info.route.resource
    return "(no such path)" if resource is None else resource.canonical


@web.middleware
async def clear_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    response = await _answered(request, handler)
    if response.status in (401, 403):
        refused(request)
    return response


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except GroupChatError as error:
        request.app[HUB].metrics.refused.labels(error.code).inc()
        return error_response(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _translated(error)
    except UnicodeDecodeError:
        return error_response(BadJson("The body is not UTF-8."))
    except Exception:
        log.exception("! request failed", method=request.method, path=path_for_log(request))
        return error_response(Unavailable("Something broke inside the gateway; its log says what."))


def _translated(error: web.HTTPException) -> web.Response:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        response = json_response({"error": BadRequest(f"Use {allowed} here.").body()}, 405)
        response.headers["Allow"] = allowed
        return response
    if error.status == 404:
        return error_response(NotFound("There is nothing at this address. See /docs."))
    if error.status == 413:
        return error_response(TooLarge("The request's body is too large."))
    return json_response({"error": BadRequest(error.reason or "bad request").body()}, error.status)

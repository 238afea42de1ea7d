"""REST: each operation of the table has a path; its arguments come from path, query and JSON body.

What is validated stands in `gateway/api/request_validation.py`.
"""

from __future__ import annotations

from aiohttp import web

from gateway.api.auth import HUB, actor_of
from gateway.api.error_responses import Handler, json_response
from gateway.api.request_validation import decode_request_of, read_json_body
from gateway.operations import dispatch
from gateway.operations.operation import Operation
from gateway.operations.operation_table import OPERATIONS
from gateway.protocol import codec
from gateway.protocol.results import Answer


def rest_routes() -> list[web.RouteDef]:
    return [web.route(one.method, one.path, _make_handler(one)) for one in OPERATIONS]


def _make_handler(operation: Operation) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        actor = await actor_of(request, tools_token=True)
        request.app[HUB].presence.mark_alive(actor.name)
        asked = await decode_request_of(operation, request)
        return json_response(await dispatch.run_operation(request.app[HUB], actor, asked))

    return handle


async def operation_by_name(request: web.Request) -> web.StreamResponse:
    """`POST /v1/op`: runs any one request of the protocol, as over the WebSocket, and returns its answer."""
    actor = await actor_of(request, tools_token=True)
    request.app[HUB].presence.mark_alive(actor.name)
    body = await read_json_body(request)
    asked = codec.decode_request(body)
    result = await dispatch.run_operation(request.app[HUB], actor, asked)
    return json_response(Answer(asked.n, codec.encode_raw(result)))

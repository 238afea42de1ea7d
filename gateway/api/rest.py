"""REST: each operation of the table has a path; its arguments come from path, query and JSON body."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from aiohttp import web

from gateway.api import request_body
from gateway.api.auth import HUB, actor_of
from gateway.api.errors import Handler, json_response
from gateway.operations import dispatch
from gateway.operations.table import OPERATIONS, Operation
from gateway.protocol import codec
from gateway.protocol.errors import BadRequest, TooLarge, UnknownField
from gateway.protocol.results import Answer

T = TypeVar("T")

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_DIGITS = 20


def routes() -> list[web.RouteDef]:
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


async def decode_request_of(operation: Operation, request: web.Request) -> Any:
    """Build the request struct from the places where this HTTP method carries fields."""
    path = dict(request.match_info)
    if request.method in ("GET", "DELETE"):
        return _convert_fields(operation.request, {**_query_fields(request), **path})
    body = await read_json_body(request)
    if not path:
        return codec.decode(operation.request, body)
    fields = codec.decode(dict[str, msgspec.Raw], body)
    clash = sorted(set(path) & set(fields))
    if clash:
        raise BadRequest(f"{', '.join(clash)} stands in the path already and must not be in the body.")
    named = {name: msgspec.Raw(_field_as_json(operation.request, name, value)) for name, value in path.items()}
    return codec.decode(operation.request, codec.encode({**fields, **named}))


async def read_json_body(request: web.Request) -> bytes:
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise TooLarge(f"The body has {request.content_length} bytes; at most {MAX_BODY_BYTES} are accepted.")
    body = await request_body.read_body(request) or b"{}"
    codec.check_decoding_cost(body)
    return body


async def decode_body(kind: type[T], request: web.Request) -> T:
    return codec.decode(kind, await read_json_body(request))


def _query_fields(request: web.Request) -> dict[str, str]:
    given = {name: value for name, value in request.query.items() if name != "token"}
    if "op" in given:
        raise BadRequest("`op` belongs to the WebSocket; here the path says what is meant.")
    repeated = [name for name in given if len(request.query.getall(name)) > 1]
    if repeated:
        raise BadRequest(f"{', '.join(repeated)} is given more than once.")
    return given


def _convert_fields(kind: type[Any], fields: dict[str, str]) -> Any:
    """Convert URL text to the type of each field: `limit=20` becomes a number, `all=true` a boolean."""
    try:
        known = {field.encode_name for field in msgspec.structs.fields(kind)}
        unknown = sorted(set(fields) - known)
        if unknown:
            raise UnknownField(f"Unknown parameter {', '.join(unknown)}. Known: {', '.join(sorted(known - {'n'}))}.")
        asked = msgspec.convert(fields, kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(f"{error}.") from None
    null = [
        one.encode_name
        for one in msgspec.structs.fields(kind)
        if one.encode_name in fields and getattr(asked, one.name) is None
    ]
    if null:
        raise BadRequest(f"{', '.join(null)} cannot be null; leave it out.")
    return asked


def _field_as_json(kind: type[Any], name: str, text: str) -> bytes:
    field = next(one for one in msgspec.structs.fields(kind) if one.encode_name == name)
    if field.type is str:
        return codec.encode(text)
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        raise BadRequest(f"{text[:40]!r} in the path must be a number.")
    return str(int(text)).encode()

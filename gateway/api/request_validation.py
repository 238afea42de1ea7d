"""Validates REST requests: makes a frozen struct of path, query and body, or refuses and names the invalid field.

Refused here: a body that is too large, too slow or not JSON, unknown fields, wrong types, and values out of the bounds
that stand with each field in `gateway/protocol/requests/`; `gateway/protocol/codec.py` words those errors. Refused
later, for every interface: control characters and line ends in texts (`gateway/protocol/text/text_validation.py:
check_request`), and what the state of the room does not allow.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from gateway.operations.operation import Operation
from gateway.protocol import codec
from gateway.protocol.errors import BadRequest, TimedOut, TooLarge, UnknownField

T = TypeVar("T")

MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_DIGITS = 20
READ_TIMEOUT_S = 60.0


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
        raise BadRequest(f"{', '.join(clash)} is already in the path and must not be in the body.")
    named = {name: msgspec.Raw(_field_as_json(operation.request, name, value)) for name, value in path.items()}
    return codec.decode(operation.request, codec.encode({**fields, **named}))


async def read_json_body(request: web.Request) -> bytes:
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise TooLarge(f"The body has {request.content_length} bytes; the maximum is {MAX_BODY_BYTES}.")
    body = await read_body(request) or b"{}"
    codec.check_decoding_cost(body)
    return body


async def read_body(request: web.Request, within: float = READ_TIMEOUT_S) -> bytes:
    """Read the whole body, or fail after `within` seconds: a client that sends drop by drop is not waited for."""
    try:
        async with asyncio.timeout(within):
            return await request.read()
    except TimeoutError:
        raise TimedOut(f"The body did not arrive completely within {within:g} s.") from None
    except web.RequestPayloadError:
        encoding = request.headers.get("Content-Encoding", "")
        said = f"it is not {encoding[:40]!r}, as it says" if encoding else "it is broken"
        raise BadRequest(f"The body cannot be read: {said}.") from None


async def decode_body(kind: type[T], request: web.Request) -> T:
    return codec.decode(kind, await read_json_body(request))


def _query_fields(request: web.Request) -> dict[str, str]:
    given = {name: value for name, value in request.query.items() if name != "token"}
    if "op" in given:
        raise BadRequest("`op` is only for the WebSocket and /v1/op; here the path names the request. Leave it out.")
    repeated = [name for name in given if len(request.query.getall(name)) > 1]
    if repeated:
        raise BadRequest(f"{', '.join(repeated)} is given more than once. Give it once.")
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
        raise BadRequest(f"{', '.join(null)} cannot be null. Leave it out.")
    return asked


def _field_as_json(kind: type[Any], name: str, text: str) -> bytes:
    field = next(one for one in msgspec.structs.fields(kind) if one.encode_name == name)
    if field.type is str:
        return codec.encode(text)
    if not text.isascii() or not text.isdigit() or len(text) > MAX_DIGITS:
        raise BadRequest(f"{text[:40]!r} in the path must be a number.")
    return str(int(text)).encode()

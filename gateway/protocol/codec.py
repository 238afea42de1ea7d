"""Encodes and decodes values. Only this module handles JSON; all other code uses structs."""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import Any, TypeVar, Union

import msgspec

from gateway.protocol.errors import (
    BadJson,
    BadRequest,
    ErrorBody,
    GroupChatError,
    TooLarge,
    UnknownField,
    error_from_body,
)
from gateway.protocol.events import Durable, Event
from gateway.protocol.requests import (  # noqa: F401 - the table below holds the requests of all of them
    agent_requests,
    approval_requests,
    connection_requests,
    decision_requests,
    mark_requests,
    member_requests,
    message_requests,
    mode_requests,
    room_requests,
    session_requests,
    shared_document_requests,
)
from gateway.protocol.requests.request import Request
from gateway.protocol.results import Answer, Result
from gateway.protocol.tool_calls import tool_call_requests  # noqa: F401

T = TypeVar("T")

MAX_ERROR_CHARS = 300
MAX_CONTAINERS = 100_000
UNCOUNTED_BYTES = 64 * 1024
_GIVEN = re.compile(r"Invalid value '([^']{1,64})'")

REQUEST_BY_OP: dict[str, type[Request]] = {
    str(request.__struct_config__.tag): request for request in Request.__subclasses__()
}

encode = msgspec.json.Encoder().encode


class _Numbered(msgspec.Struct):
    """The part of a request that is needed to answer it when the rest is invalid."""

    n: int = 0


class _EventOrAnswer(msgspec.Struct):
    re: int | None = None


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(type=kind)


@cache
def _any_request() -> Any:
    return Union[tuple(REQUEST_BY_OP.values())]  # noqa: UP007 - built from a table


def decode(kind: type[T], data: bytes | str) -> T:
    """Decode one value of `kind`. An error names the invalid field."""
    return _decode(kind, data)  # type: ignore[no-any-return]


def decode_request(data: bytes | str) -> Request:
    check_decoding_cost(data)
    return _decode(_any_request(), data)  # type: ignore[no-any-return]


def check_decoding_cost(data: bytes | str) -> None:
    """Refuse input that would take long to decode: lists and objects are expensive, texts and numbers are not."""
    if len(data) > UNCOUNTED_BYTES and count_containers(data) > MAX_CONTAINERS:
        raise TooLarge(
            f"The request holds more than {MAX_CONTAINERS} lists and objects. Split it into several requests."
        )


def count_containers(data: bytes | str) -> int:
    return data.count("[") + data.count("{") if isinstance(data, str) else data.count(b"[") + data.count(b"{")


def decode_durable(data: bytes) -> Durable:
    return _decode(Durable, data)  # type: ignore[no-any-return]


def _decode(kind: Any, data: bytes | str) -> Any:
    try:
        return _decoder(kind).decode(data)
    except msgspec.ValidationError as error:
        raise _decoding_error(str(error)) from None
    except (msgspec.DecodeError, UnicodeError) as error:
        raise BadJson(f"This is not valid JSON: {error}.") from None
    except RecursionError:
        raise BadJson("This JSON is nested too deeply. Send a flatter one.") from None


def _decoding_error(text: str) -> GroupChatError:
    shown = text if len(text) <= MAX_ERROR_CHARS else f"{text[:MAX_ERROR_CHARS]}..."
    if text.startswith("Object contains unknown field"):
        return UnknownField(f"{shown}. Unknown fields are refused, so that a misspelt one is not ignored.")
    if "`$.op`" in text or "required field `op`" in text:
        return BadRequest(f"{shown}. {_known_ops_hint(text)}")
    return BadRequest(f"{shown}.")


def _known_ops_hint(complaint: str) -> str:
    """Suggest the nearest operations, or where all are listed."""
    given = _GIVEN.match(complaint)
    near = difflib.get_close_matches(given[1], REQUEST_BY_OP) if given else []
    meant = f"Did you mean {' or '.join(near)}? " if near else "It is the name of the request, such as `send`. "
    return f"{meant}The page /docs of the gateway lists every `op`."


def request_number_in(data: bytes | str) -> int:
    """The number of a request that could not be decoded; 0 if even that is unknown."""
    try:
        return int(_decoder(_Numbered).decode(data).n)
    except (ValueError, RecursionError):
        return 0


def encode_raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(encode(value))


def encode_answer(re: int, result: Result) -> bytes:
    return encode(Answer(re, encode_raw(result)))


def encode_error(re: int, error: ErrorBody) -> bytes:
    return encode(Answer(re, error=error))


def decode_incoming(data: bytes | str) -> Answer | Event | None:
    """Decode what a client received: an answer, an event, or None for an event of a later version."""
    try:
        return _decode_incoming(data)
    except RecursionError:
        raise msgspec.DecodeError("It is nested too deeply.") from None


def _decode_incoming(data: bytes | str) -> Answer | Event | None:
    if _decoder(_EventOrAnswer).decode(data).re is not None:
        return decode(Answer, data)
    try:
        return _decoder(Event).decode(data)  # type: ignore[no-any-return]
    except msgspec.ValidationError as error:
        if "`$.ev`" in str(error):
            return None
        raise


def decode_result(answer: Answer, kind: type[T]) -> T:
    """The result of an answer. Raises the error that it carries."""
    if answer.error is not None:
        raise error_from_body(answer.error)
    return decode(kind, bytes(answer.ok))

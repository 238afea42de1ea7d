"""What a client sends: which frames are refused and why, and which request a message becomes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.dialects.agentchat.frames import decode_client_frame
from gateway.dialects.ai_connect.frames import decode_frame
from gateway.dialects.skynet.wire.connect_options import ConnectOptions, connect_options_of
from gateway.dialects.skynet.wire.error_codes import error_body, frame_code_of
from gateway.dialects.skynet.wire.frames import (
    ControlFrame,
    McpMessageFrame,
    decode_skynet_frame,
    id_of_frame,
)
from gateway.dialects.skynet.wire.messages import Target, address_by_type, send_request_for
from gateway.protocol.errors import BadRequest, Conflict, GroupChatError, RateLimited, TooLarge, UnknownRecipient
from gateway.protocol.types.core_types import MessageKind
from tests.fakes.skynet_client import wire_message


def frame(**fields: Any) -> str:
    message = wire_message(fields.pop("type_", "broadcast"), fields.pop("content", "hello"), **fields)
    return json.dumps({"type": "mcp_message", "data": message})


def without(field: str) -> str:
    message = wire_message("broadcast")
    del message[field]
    return json.dumps({"type": "mcp_message", "data": message})


REFUSED = {
    "no JSON": ("nope", "JSON"),
    "half a frame": ('{"type":', "JSON"),
    "no object": ("[1]", "Expected"),
    "no type": ("{}", "`type`"),
    "unknown type": ('{"type":"hello","data":{}}', "`type` cannot be 'hello'. Use mcp_message or control."),
    "an error of the client's": ('{"type":"error","data":{"error":"x"}}', "error"),
    "no data": ('{"type":"mcp_message"}', "`data`"),
    "data is text": ('{"type":"mcp_message","data":"x"}', "data"),
    **{
        f"no {field}": (without(field), field)
        for field in ("id", "from_agent", "type", "channel", "payload", "timestamp", "trace_id")
    },
    "unknown field": (frame(extra=1), "'extra' is unknown in `data`. Use id, from_agent, type,"),
    "unknown message type": (
        frame(type_="shout"),
        "`data.type` cannot be 'shout'. Use task, reply, context_update, broadcast, heartbeat, ack or error.",
    ),
    "a long message type": (frame(type_="x" * 5000), "xxx...'. Use task"),
    "sender of two words": (frame(from_agent="two words"), "`data.from_agent` is not a valid agent id. Use 1 to 128"),
    "bad target": (frame(type_="task", to="two words"), "to_agent"),
    "target too long": (frame(type_="task", to="x" * 129), "to_agent"),
    "channel too long": (frame(channel="x" * 129), "channel"),
    "empty channel": (frame(channel=""), "channel"),
    "no content": (json.dumps({"type": "mcp_message", "data": {**wire_message("task"), "payload": {}}}), "content"),
    "payload with more": (
        frame(payload={"content": 1, "context": {}, "meta": {}, "encrypted_data": "x"}),
        "content, context or meta",
    ),
    "context is text": (frame(context="x"), "context"),
    "priority too low": (frame(context={"priority": 0}), "priority"),
    "priority too high": (frame(context={"priority": 11}), "priority"),
    "priority is text": (frame(context={"priority": "high"}), "priority"),
    "tags are text": (frame(context={"tags": "a"}), "tags"),
    "unknown strategy": (
        frame(context={"agent_type": "coder", "strategy": "random"}),
        "`payload.context.strategy` cannot be 'random'. Use all, round_robin, priority or load.",
    ),
    "strategy without a type": (frame(context={"strategy": "load"}), "agent_type"),
    "strategy and target": (
        frame(type_="task", to="ada", context={"agent_type": "coder", "strategy": "load"}),
        "not both",
    ),
    "ttl below zero": (frame(meta={"ttl": -1}), "ttl"),
    "ttl of two days": (frame(meta={"ttl": 172_800}), "ttl"),
    "ttl is text": (frame(meta={"ttl": "soon"}), "ttl"),
    "ack is text": (frame(meta={"requires_ack": "yes"}), "requires_ack"),
    "no time": (frame(timestamp="yesterday"), "timestamp"),
    "no time in meta": (frame(meta={"timestamp": "yesterday"}), "meta.timestamp"),
    "broadcast to one": (frame(type_="broadcast", to="ada"), "broadcast"),
    "task to nobody": (frame(type_="task"), "to_agent"),
    "reply to nobody": (frame(type_="reply"), "to_agent"),
    "ack to nobody": (frame(type_="ack"), "to_agent"),
    "encrypted": (frame(encrypted=True), "no key"),
    "id too long": (frame(id="x" * 129), "id"),
    "id is a number": (frame(id=5), "id"),
    "control without action": ('{"type":"control","data":{}}', "action"),
    "control with a wrong channel": ('{"type":"control","data":{"action":"subscribe","params":{"channel":5}}}', "chan"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_frame_is_refused_with_the_cause(name: str) -> None:
    text, cause = REFUSED[name]
    with pytest.raises(BadRequest) as refused:
        decode_skynet_frame(text)
    assert cause in refused.value.message
    assert frame_code_of(refused.value) == "MESSAGE_ERROR"


ACCEPTED = [
    frame(),
    frame(type_="task", to="ada"),
    frame(type_="task", context={"agent_type": "coder", "strategy": "load"}),
    frame(type_="context_update", content=None, context={"global_summary": "x", "anything": [1, {"a": None}]}),
    frame(type_="heartbeat", content="alive"),
    frame(type_="error", content="it broke", context={"error_code": "X"}),
    frame(context={"agent_type": "coder"}, meta={"retry_count": 3, "ttl": 0, "other": True}),
    frame(timestamp="2025-11-19T12:34:56.123456+00:00"),
    frame(timestamp="2025-11-19T12:34:56.123456"),
    '{"type":"control","data":{"action":"ping"}}',
    '{"type":"control","data":{"action":"subscribe","params":{"channel":"a b","more":1}}}',
]


@pytest.mark.parametrize("text", ACCEPTED)
def test_frames_of_its_own_builders_are_accepted(text: str) -> None:
    assert isinstance(decode_skynet_frame(text), ControlFrame | McpMessageFrame)


COSTLY = "[" + ",".join(["[]"] * 200_000) + "]"
MANY_LISTS: dict[str, tuple[Callable[[str], object], str]] = {
    "skynet": (decode_skynet_frame, frame(content="HERE").replace('"HERE"', COSTLY)),
    "skynet, nested": (decode_skynet_frame, "[" * 1_000_000),
    "agentchat": (decode_client_frame, '{"type":"MSG","to":"#general","content":"x","ts":' + COSTLY + "}"),
    "ai_connect": (decode_frame, '{"type":"message","to":"*","content":"x","context":' + COSTLY + "}"),
}


@pytest.mark.parametrize(("decode", "text"), MANY_LISTS.values(), ids=MANY_LISTS)
def test_a_frame_that_would_take_long_to_decode_is_refused(decode: Callable[[str], object], text: str) -> None:
    with pytest.raises(TooLarge, match="lists and objects"):
        decode(text)


IDS = {frame(id="abc", type_="shout"): "abc", "nope": None, '{"data":{"id":5}}': None, "[]": None}


@pytest.mark.parametrize(("text", "found"), IDS.items())
def test_the_error_of_a_wrong_frame_can_name_its_message(text: str, found: str | None) -> None:
    assert id_of_frame(text) == found


def request_of(text: str, target: Target) -> Any:
    decoded = decode_skynet_frame(text)
    assert isinstance(decoded, McpMessageFrame)
    return send_request_for(decoded.data, target)


KINDS = {
    "task": MessageKind.TASK,
    "reply": MessageKind.REPLY,
    "ack": MessageKind.ACK,
    "broadcast": MessageKind.CHAT,
    "context_update": MessageKind.CONTEXT,
    "error": MessageKind.CHAT,
}


@pytest.mark.parametrize(("type_", "kind"), KINDS.items())
def test_each_type_is_a_kind(type_: str, kind: MessageKind) -> None:
    to = "ada" if type_ in ("task", "reply", "ack") else None
    assert request_of(frame(type_=type_, to=to), Target("general")).kind is kind


def test_a_message_becomes_a_request_with_all_it_says() -> None:
    text = frame(
        type_="task",
        to="ada",
        id="m1",
        trace_id="t1",
        context={"priority": 8, "session_id": "s1", "tags": ["x"]},
        meta={"ttl": 60, "requires_ack": True},
    )
    request = request_of(text, Target("ops", ("@ada",), reply_to=7, session="s1"))
    assert (request.id, request.trace, request.room, request.to) == ("m1", "t1", "ops", ("@ada",))
    assert (request.priority, request.ttl, request.ack_wanted) == (8, 60.0, True)
    assert (request.reply_to, request.session, request.content) == (7, "s1", "hello")


TIMES = {None: 3600.0, 0: 1.0, 1: 1.0, 86_400: 86_400.0}


@pytest.mark.parametrize(("ttl", "seconds"), TIMES.items())
def test_a_message_lives_for_its_ttl(ttl: int | None, seconds: float) -> None:
    meta = {} if ttl is None else {"ttl": ttl}
    assert request_of(frame(meta=meta), Target("general")).ttl == seconds


CONTENTS: list[tuple[Any, str]] = [
    ("text", "text"),
    ({"a": [1, 2]}, '{"a":[1,2]}'),
    ([1, "2"], '[1,"2"]'),
    (5, "5"),
    (True, "true"),
    (None, '{"k":1}'),
    ("", '{"k":1}'),
]


@pytest.mark.parametrize(("content", "shown"), CONTENTS)
def test_people_see_structured_content_as_json(content: Any, shown: str) -> None:
    assert request_of(frame(content=content, context={"k": 1}), Target("general")).content == shown


STRATEGIES = {
    "all": "@role:coder",
    "round_robin": "@any:coder:round_robin",
    "priority": "@any:coder:priority",
    "load": "@any:coder:least_busy",
}


@pytest.mark.parametrize(("strategy", "address"), STRATEGIES.items())
def test_a_strategy_beside_a_type_is_an_address(strategy: str, address: str) -> None:
    decoded = decode_skynet_frame(frame(type_="task", context={"agent_type": "Coder", "strategy": strategy}))
    assert isinstance(decoded, McpMessageFrame)
    assert str(address_by_type(decoded.data.known_context)) == address


ERRORS: list[tuple[GroupChatError, str, str]] = [
    (BadRequest("x"), "MESSAGE_ERROR", "HTTP_400"),
    (TooLarge("x"), "MESSAGE_ERROR", "HTTP_413"),
    (UnknownRecipient("x", nearest=("y",)), "HANDLING_ERROR", "HTTP_404"),
    (Conflict("x"), "HANDLING_ERROR", "HTTP_409"),
    (RateLimited("x", retry_after=1), "HANDLING_ERROR", "HTTP_429"),
]


@pytest.mark.parametrize(("error", "in_a_frame", "over_http"), ERRORS)
def test_errors_have_the_codes_of_skynet(error: GroupChatError, in_a_frame: str, over_http: str) -> None:
    assert frame_code_of(error) == in_a_frame
    body = error_body(error, "now")
    assert (body["error"], body["error_code"], body["timestamp"]) == ("x", over_http, "now")
    assert body["details"]["code"] == error.code


OPTIONS: list[tuple[dict[str, str], ConnectOptions | str]] = [
    ({"agent_id": "ada"}, ConnectOptions("ada", "generic", ("default",), None)),
    (
        {"agent_id": "ada", "agent_type": "planner", "channels": "a, b,,a", "priority": "8", "token": "x"},
        ConnectOptions("ada", "planner", ("a", "b"), 8),
    ),
    ({}, "agent_id"),
    ({"agent_id": "two words"}, "agent id"),
    ({"agent_id": "ada", "priority": "0"}, "priority"),
    ({"agent_id": "ada", "priority": "11"}, "priority"),
    ({"agent_id": "ada", "priority": "high"}, "priority"),
    ({"agent_id": "ada", "priority": "00100"}, "priority"),
    ({"agent_id": "ada", "channels": "x" * 200}, "channel"),
    ({"agent_id": "ada", "channels": ",".join(map(str, range(101)))}, "101"),
    ({"agent_id": "ada", "agent_type": "x" * 65}, "agent_type"),
]


@pytest.mark.parametrize(("query", "expected"), OPTIONS)
def test_the_address_of_a_connection(query: dict[str, str], expected: ConnectOptions | str) -> None:
    if isinstance(expected, ConnectOptions):
        assert connect_options_of(query) == expected
        return
    with pytest.raises(BadRequest, match=expected):
        connect_options_of(query)

"""How a message of any interface reads on Skynet's wire, and that a message of Skynet comes out as it came in."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from gateway.dialects.agentchat.frames import channel_message_frame
from gateway.dialects.ai_connect.frames import message_entry
from gateway.dialects.skynet import name_mapping
from gateway.dialects.skynet.wire.frames import McpMessageFrame, decode_skynet_frame
from gateway.dialects.skynet.wire.message_ids import MAX_KNOWN_IDS, MessageIds, id_of_number
from gateway.dialects.skynet.wire.messages import Target, send_request_for, skynet_message_fields
from gateway.model.records.stored_records import MemberRecord
from gateway.model.rule_outcome import StateChange
from gateway.model.state import GatewayState
from gateway.protocol.events import Message
from gateway.protocol.text.attachments import WIRE_KEY, attachments_of
from gateway.protocol.types.core_types import Member, MemberKind, MessageKind
from tests.fakes.skynet_client import STAMP, wire_message

NOW = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def state() -> GatewayState:
    found = GatewayState()
    for name, display in (("gemini", "Gemini"), ("ada", None)):
        record = MemberRecord(Member(name, MemberKind.AGENT, display=display, inbox=True), dialect=name_mapping.SKYNET)
        found.put(StateChange("member", name, record))
    return found


def said(**fields: Any) -> Message:
    base = Message(
        seq=9, id="m-9", room="general", from_="alice", to=(), kind=MessageKind.CHAT, content="hi", timestamp=NOW
    )
    return msgspec.structs.replace(base, **fields)


def on_the_wire(state: GatewayState, message: Message, ids: MessageIds | None = None) -> dict[str, Any]:
    return skynet_message_fields(state, ids or MessageIds(), message, "default")


def through_the_log(sent: dict[str, Any], **fields: Any) -> Message:
    """A Skynet message as it is stored."""
    decoded = decode_skynet_frame(json.dumps({"type": "mcp_message", "data": sent}))
    assert isinstance(decoded, McpMessageFrame)
    request = send_request_for(decoded.data, Target("general"))
    return said(
        id=request.id,
        kind=request.kind,
        content=request.content,
        context=request.context,
        priority=request.priority,
        ttl=request.ttl,
        ack_wanted=request.ack_wanted,
        trace=request.trace,
        **fields,
    )


TYPES: list[tuple[MessageKind, tuple[str, ...], str]] = [
    (MessageKind.CHAT, (), "broadcast"),
    (MessageKind.CHAT, ("ada",), "task"),
    (MessageKind.TASK, ("ada",), "task"),
    (MessageKind.TASK, (), "broadcast"),
    (MessageKind.REPLY, ("ada",), "reply"),
    (MessageKind.REPLY, (), "broadcast"),
    (MessageKind.CONTEXT, (), "context_update"),
    (MessageKind.CONTEXT, ("ada",), "context_update"),
    (MessageKind.ACK, ("ada",), "ack"),
    (MessageKind.SYSTEM, (), "broadcast"),
    (MessageKind.SYSTEM, ("ada",), "task"),
]


@pytest.mark.parametrize(("kind", "recipients", "type_"), TYPES)
def test_a_message_of_another_interface_has_a_type_that_fits_its_recipients(
    state: GatewayState, kind: MessageKind, recipients: tuple[str, ...], type_: str
) -> None:
    shown = on_the_wire(state, said(kind=kind, recipients=recipients))
    assert shown["type"] == type_
    assert (shown["to_agent"] is None) == (not recipients)


def test_a_message_of_a_person_has_all_fields_that_skynet_requires(state: GatewayState) -> None:
    shown = on_the_wire(state, said(recipients=("gemini",), priority=7, ttl=60.0, ack_wanted=True, session="s1"))
    assert shown == {
        "id": id_of_number(9),
        "from_agent": "alice",
        "to_agent": "Gemini",
        "type": "task",
        "channel": "default",
        "payload": {
            "content": "hi",
            "context": {"priority": 7, "session_id": "s1"},
            "meta": {"timestamp": NOW, "ttl": 60, "requires_ack": True},
        },
        "timestamp": NOW,
        "trace_id": id_of_number(9),
        "parent_id": None,
        "encrypted": False,
        "signature": None,
    }


COMES_BACK: list[dict[str, Any]] = [
    wire_message("broadcast", "text"),
    wire_message("broadcast", {"a": [1, "2", None], "b": {"c": 1.5}}),
    wire_message("broadcast", None),
    wire_message("broadcast", ""),
    wire_message("broadcast", 5),
    wire_message("broadcast", [True, False]),
    wire_message("error", "broken", context={"error_code": "E1"}),
    wire_message("context_update", None, context={"global_summary": "s", "shared_knowledge": {"facts": ["1"]}}),
    wire_message("broadcast", "x", parent_id="p1", signature="c2ln"),
    wire_message("broadcast", "x", context={"parent_message_id": "p2", "priority": 9, "tags": ["a"], "own": [1]}),
    wire_message("broadcast", "x", meta={"ttl": 60, "requires_ack": True, "retry_count": 2, "own": {"x": 1}}),
    wire_message("broadcast", "x", context={"answers": [1, 2], "same_as": 3, "file": "a\nb"}),
]


@pytest.mark.parametrize("sent", COMES_BACK, ids=lambda one: json.dumps(one["payload"])[:60])
def test_a_message_of_skynet_comes_out_as_it_came_in(state: GatewayState, sent: dict[str, Any]) -> None:
    shown = on_the_wire(state, through_the_log(sent))
    for field in ("id", "type", "channel", "timestamp", "trace_id", "signature"):
        assert shown[field] == sent[field], field
    assert shown["payload"]["content"] == sent["payload"]["content"]
    assert shown["payload"]["context"].items() >= sent["payload"]["context"].items()
    assert shown["payload"]["meta"].items() >= sent["payload"]["meta"].items()
    assert shown["parent_id"] == (sent["parent_id"] or sent["payload"]["context"].get("parent_message_id"))
    assert shown["from_agent"] == "alice", "the sender is stamped"


HELLO_META = {"timestamp": STAMP, "ttl": 3600, "requires_ack": False, "retry_count": 0}
HELLO_CONTEXT = {"priority": 5, "session_id": "s1", "parent_message_id": None, "tags": [], "trace_id": "t"}
READERS_SEE: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "only the text": (wire_message("broadcast", "hello", context=HELLO_CONTEXT, meta=HELLO_META), "hello", {}),
    "its own fields": (
        wire_message("broadcast", "hello", context={**HELLO_CONTEXT, "branch": "main"}, meta=HELLO_META),
        "hello",
        {"data": {"branch": "main"}},
    ),
    "names that mean something in our messages": (
        wire_message("broadcast", "x", context={"answers": [1], "file": "a", "wire": 1}),
        "x",
        {"data": {"answers": [1], "file": "a", "wire": 1}},
    ),
    "tags": (wire_message("broadcast", "x", context={"tags": ["a"]}), "x", {"data": {"tags": ["a"]}}),
    "its own meta": (wire_message("broadcast", "x", meta={"ttl": 5, "host": "a"}), "x", {"meta": {"host": "a"}}),
    "structured content, once": (wire_message("broadcast", {"a": 1}, context=HELLO_CONTEXT), '{"a":1}', {}),
    "a context update as its text, once": (
        wire_message("context_update", None, context={**HELLO_CONTEXT, "summary": "s"}),
        '{"summary":"s"}',
        {},
    ),
    "what is too long for a field of the protocol": (
        wire_message("broadcast", "x", context={"trace_id": "t" * 200}),
        "x",
        {"data": {"trace_id": "t" * 200}},
    ),
}


@pytest.mark.parametrize(("sent", "text", "shown"), READERS_SEE.values(), ids=READERS_SEE)
def test_readers_see_what_was_meant_for_them(sent: dict[str, Any], text: str, shown: dict[str, Any]) -> None:
    stored = through_the_log(sent)
    assert stored.content == text
    assert [json.loads(one.text) for one in attachments_of(stored)] == ([shown] if shown else [])


def test_readers_of_another_protocol_see_no_more(state: GatewayState) -> None:
    sent = wire_message("broadcast", "x", context={**HELLO_CONTEXT, "branch": "main"}, meta=HELLO_META)
    assert message_entry(state, through_the_log(sent))["context"] == {"data": {"branch": "main"}}
    sent = wire_message("broadcast", "x", context=HELLO_CONTEXT, meta=HELLO_META)
    assert message_entry(state, through_the_log(sent))["context"] is None
    only_wire = said(content="", context={WIRE_KEY: {"ttl": 5}})
    assert b"ttl" not in channel_message_frame(state, only_wire, "#general")


FORGED: list[Any] = [
    "text",
    5,
    None,
    {},
    {"dialect": "skynet", "type": "shout", "channel": "x"},
    {"dialect": "skynet", "type": "task", "channel": 5},
    {"dialect": "skynet", "type": "task", "channel": "x", "meta": []},
    {"dialect": "skynet", "type": "task", "channel": "x" * 500},
    {"dialect": "skynet", "type": "task", "channel": "x", "context": {"priority": 99}},
    {"dialect": "skynet", "type": "task", "channel": "x", "meta": {"ttl": -5}},
    {"dialect": "skynet", "type": "task", "channel": "x", "meta": {"timestamp": "yesterday"}},
    {"dialect": "skynet", "type": "task", "channel": "x", "timestamp": "yesterday"},
    {"dialect": "other", "type": "task", "channel": "x"},
    {"dialect": "skynet", "type": "task", "channel": "x", "content": "not what people read"},
    {"dialect": "skynet", "type": "task", "channel": "x", "content": {"not": "what people read"}},
    {"dialect": "skynet", "type": "task", "channel": "x", "content": None, "context": {"not": "what people read"}},
    {"dialect": "skynet", "type": "task", "channel": "x", "context": {"not": "what people read"}},
    {"dialect": "skynet", "type": "task", "channel": "x", "meta": {"not": "what people read"}},
]


@pytest.mark.parametrize("kept", FORGED)
def test_a_forged_context_is_only_context(state: GatewayState, kept: Any) -> None:
    shown = on_the_wire(state, said(context={WIRE_KEY: kept}, recipients=()))
    assert "people" not in json.dumps(shown)
    assert (shown["type"], shown["channel"], shown["payload"]["content"]) == ("broadcast", "default", "hi")


def test_a_forged_type_does_not_change_the_recipients(state: GatewayState) -> None:
    kept = {"dialect": "skynet", "type": "broadcast", "channel": "default"}
    assert on_the_wire(state, said(context={WIRE_KEY: kept}, recipients=("ada",)))["type"] == "task"
    kept = {"dialect": "skynet", "type": "ack", "channel": "default"}
    assert on_the_wire(state, said(context={WIRE_KEY: kept}))["type"] == "broadcast"


TIMES_TO_LIVE = {None: 3600, 0.4: 1, 60.0: 60, 1e9: 86_400}


@pytest.mark.parametrize(("ttl", "shown"), TIMES_TO_LIVE.items())
def test_the_ttl_of_another_interface_fits_the_schema(state: GatewayState, ttl: float | None, shown: int) -> None:
    assert on_the_wire(state, said(ttl=ttl))["payload"]["meta"]["ttl"] == shown


def test_our_acknowledgement_names_the_message_by_the_id_of_its_sender(state: GatewayState) -> None:
    ids = MessageIds()
    ids.note(said(seq=5, id="theirs", trace="t"))
    ack = said(
        seq=6, from_="ada", kind=MessageKind.ACK, content="Acknowledged message 5.", recipients=("gemini",), reply_to=5
    )
    shown = on_the_wire(state, ack, ids)
    assert shown["payload"]["content"] == "Acknowledged message theirs"
    assert (shown["type"], shown["parent_id"], shown["trace_id"]) == ("ack", "theirs", "t")


def test_an_answer_of_another_interface_keeps_the_trace_of_its_question(state: GatewayState) -> None:
    ids = MessageIds()
    ids.note(said(seq=5, id="theirs", trace="chain"))
    first = on_the_wire(state, said(seq=6, kind=MessageKind.REPLY, recipients=("ada",), reply_to=5), ids)
    assert (first["type"], first["trace_id"], first["parent_id"]) == ("reply", "chain", "theirs")
    second = on_the_wire(state, said(seq=7, kind=MessageKind.REPLY, recipients=("ada",), reply_to=6), ids)
    assert (second["trace_id"], second["parent_id"]) == ("chain", id_of_number(6))


def test_an_id_leads_to_the_message_of_that_sender() -> None:
    ids = MessageIds()
    ids.note(said(seq=5, id="same", from_="ada"))
    ids.note(said(seq=6, id="same", from_="ben"))
    assert ids.number_of("same", "ada") == 5
    assert ids.number_of("same", "ben") == 6
    assert ids.number_of("same", "eve") is None
    assert ids.number_of(id_of_number(77), "eve") == 77


def test_the_memory_of_ids_is_bounded() -> None:
    ids = MessageIds()
    for seq in range(1, MAX_KNOWN_IDS * 3):
        ids.note(said(seq=seq, id=f"id-{seq}"))
    assert ids.of(1) is None
    assert ids.number_of(f"id-{MAX_KNOWN_IDS * 3 - 1}", "alice") == MAX_KNOWN_IDS * 3 - 1
    assert len(ids._known) == MAX_KNOWN_IDS
    assert len(ids._numbers) <= 2 * MAX_KNOWN_IDS

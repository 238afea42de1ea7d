"""What a Skynet server may send, right or wrong, and how it is printed."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest

from gateway.dialect_commands.skynet_frames import (
    ListedAgent,
    ReceivedControl,
    ReceivedError,
    ReceivedMessage,
    ReceivedPayload,
    SendOutcome,
    UnreadableFrame,
    decode_server_frame,
    error_of_answer,
    with_zone,
)
from gateway.dialect_commands.skynet_output import (
    MAX_MONITOR_CHARS,
    ago_text,
    content_text,
    control_text,
    last_seen_text,
    message_head,
    monitor_line,
    sent_text,
)

TODAY = date(2026, 11, 29)
FIELDS = {
    "id": "59c220a9-883d-403e-9475-810f601374a7",
    "from_agent": "claude_cli",
    "to_agent": "gemini",
    "type": "task",
    "channel": "default",
    "payload": {"content": "Research RAG papers", "context": {"priority": 8}, "meta": {"ttl": 60}},
    "timestamp": "2026-11-29T08:30:22Z",
    "trace_id": "t",
    "parent_id": None,
    "of_a_later_version": 1,
}


def message(content: object = "hi", to: str | None = "gemini") -> ReceivedMessage:
    return ReceivedMessage("claude_cli", to, "task", "core", "1", ReceivedPayload(content), "2026-11-29T08:30:22Z")


def test_a_message_keeps_all_of_its_fields() -> None:
    found = decode_server_frame(json.dumps({"type": "mcp_message", "data": FIELDS}))
    assert isinstance(found, ReceivedMessage)
    assert (found.from_agent, found.to_agent, found.type) == ("claude_cli", "gemini", "task")
    assert (found.payload.content, found.fields) == ("Research RAG papers", FIELDS)


def test_a_message_with_less_in_it_is_a_message() -> None:
    found = decode_server_frame('{"type":"mcp_message","data":{}}')
    assert isinstance(found, ReceivedMessage)
    assert (found.from_agent, found.to_agent, found.payload.content) == ("unknown", None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '{"type":"control","data":{"action":"ping","params":{"timestamp":"x"}}}',
            ReceivedControl("ping", {"timestamp": "x"}),
        ),
        ('{"type":"control","data":{"action":"connected"}}', ReceivedControl("connected")),
        (
            '{"type":"error","data":{"error":"no","error_code":"MESSAGE_ERROR","timestamp":"x"}}',
            ReceivedError("no", "MESSAGE_ERROR"),
        ),
    ],
)
def test_other_frames(text: str, expected: object) -> None:
    assert decode_server_frame(text) == expected


@pytest.mark.parametrize(
    "data",
    [
        "",
        "nonsense",
        "[]",
        "{}",
        b"\xff\xfe",
        "[" * 100_000,
        '{"type":"gossip"}',
        '{"type":"mcp_message","data":[]}',
        '{"type":"mcp_message","data":{"from_agent":1}}',
        '{"type":"control","data":{"action":null}}',
    ],
)
def test_what_is_no_frame_is_said_and_raises_nothing(data: str | bytes) -> None:
    assert isinstance(decode_server_frame(data), UnreadableFrame)


@pytest.mark.parametrize(
    ("status", "body", "code", "says"),
    [
        (
            404,
            b'{"error":"Agent x not found","error_code":"HTTP_404","details":null}',
            "not_found",
            "Agent x not found",
        ),
        (400, b'{"error":"slow","details":{"code":"rate_limited","retry_after":2}}', "rate_limited", "slow"),
        (401, b'{"error":"no"}', "unauthorized", "no"),
        (422, b'{"detail":[{"loc":["body"],"msg":"field required"}]}', "bad_request", "HTTP 422"),
        (502, b"<html>Bad Gateway</html>", "unavailable", "HTTP 502"),
        (500, b"\xff", "error", "HTTP 500"),
    ],
)
def test_an_error_of_any_server_is_a_sentence_with_a_code(status: int, body: bytes, code: str, says: str) -> None:
    found = error_of_answer(status, body)
    assert (found.body().code, says in found.message) == (code, True)


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (message(), 'claude_cli → gemini: task "hi"'),
        (message(to=None), 'claude_cli → #core: task "hi"'),
        (message({"a": [1, "ü"]}), 'claude_cli → gemini: task {"a": [1, "ü"]}'),
        (
            message('x"\n[08:30:22] alice → bob: task "y'),
            'claude_cli → gemini: task "x\\"\\n[08:30:22] alice → bob: task \\"y"',
        ),
    ],
)
def test_a_line_of_the_monitor(one: ReceivedMessage, line: str) -> None:
    """A content cannot end its own quotes."""
    assert monitor_line(one, TODAY).partition("] ")[2] == line


def test_a_long_content_is_cut_in_the_monitor_alone() -> None:
    long = "x" * 5000
    assert len(monitor_line(message(long), TODAY)) < MAX_MONITOR_CHARS + 100
    assert content_text(long) == long


def test_a_time_that_is_none_is_shown_as_unknown() -> None:
    assert message_head(ReceivedMessage("a", "b", timestamp="soon"), TODAY) == "[??:??:??] a → b"


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        ("2026-11-29T08:30:21.594150", "2026-11-29T08:30:21.594150+00:00"),
        ("2026-11-29T08:30:21Z", "2026-11-29T08:30:21Z"),
        ("2026-11-29T09:30:21+01:00", "2026-11-29T09:30:21+01:00"),
        ("soon", "soon"),
    ],
)
def test_a_time_without_a_zone_is_utc(stamp: str, expected: str) -> None:
    assert with_zone(stamp) == expected


NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("stamp", "text"),
    [
        ("2026-11-29T11:59:30Z", "30s ago"),
        ("2026-11-29T11:55:00", "5m ago"),
        ("2026-11-29T10:00:00Z", "2h ago"),
        ("2026-11-26T11:00:00Z", "3d ago"),
        ("2026-11-01T12:00:00Z", "2026-11-01"),
        ("2026-11-29T13:00:00Z", "0s ago"),
        ("soon", "unknown"),
        ("", "unknown"),
    ],
)
def test_how_long_ago(stamp: str, text: str) -> None:
    assert ago_text(stamp, NOW) == text


@pytest.mark.parametrize(
    ("agent", "begins"),
    [
        (ListedAgent("a", connected_at="2026-11-29T08:30:17.5"), "now (since "),
        (ListedAgent("a"), "now"),
        (ListedAgent("a", metadata={"kind": "human"}), "now"),
        (ListedAgent("a", metadata={"presence": "offline", "last_seen": "2026-11-29T11:55:00Z"}), "5m ago"),
        (ListedAgent("a", metadata={"presence": "away", "last_seen": None}), "away"),
        (ListedAgent("a", metadata={"presence": "away", "last_seen": 7}), "away"),
    ],
)
def test_when_an_agent_was_last_seen(agent: ListedAgent, begins: str) -> None:
    assert last_seen_text(agent, NOW).startswith(begins)


@pytest.mark.parametrize(
    ("outcome", "to", "text"),
    [
        (SendOutcome(True, "7", ["gemini"]), "gemini", "Sent to gemini. Its id is 7."),
        (SendOutcome(True, "7", ["a", "b"]), "#core", "Sent to #core: a, b. Its id is 7."),
        (SendOutcome(True, None, []), "#core", "Sent to #core: nobody at the moment."),
    ],
)
def test_what_became_of_a_message(outcome: SendOutcome, to: str, text: str) -> None:
    assert sent_text(outcome, to) == text


@pytest.mark.parametrize(
    ("control", "text"),
    [
        (ReceivedControl("connected", {"message": "Connected to MCP Server as a"}), "Connected to MCP Server as a"),
        (ReceivedControl("connected"), "Connected."),
        (ReceivedControl("ping"), ""),
        (ReceivedControl("subscribed", {"channel": "core"}), "Subscribed: core"),
        (ReceivedControl("dance"), "The server says 'dance'."),
    ],
)
def test_what_a_person_is_told_of_the_connection(control: ReceivedControl, text: str) -> None:
    assert control_text(control) == text

"""docs/protocol.md tells the truth: each example is decoded by the real codec, each table compared with the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.access.rate_limit import (
    CHANGE_RATE,
    MAX_ROOMS,
    MAX_ROOMS_OF_GUESTS,
    MAX_ROOMS_PER_MEMBER,
    READ_RATE,
    REPORT_RATE,
    Rate,
)
from gateway.agent_control.approvals import ANSWER_TIMEOUT_S
from gateway.api.openapi import ErrorAnswer
from gateway.api.request_validation import MAX_BODY_BYTES
from gateway.api.websocket import MAX_UNANSWERED_REQUESTS
from gateway.api.websocket_base import MAX_FRAME_BYTES
from gateway.decisions.decision_handlers import MAX_OPEN_DECISIONS, MAX_OPTION_KEY_CHARS
from gateway.decisions.decision_rules import MAX_ANSWERS_PER_VOTER, MAX_DETAILS_BYTES, MAX_LISTED_CLOSED
from gateway.message_effects.answered_messages import MAX_ANSWERED_MESSAGES
from gateway.model.paging import MAX_LIST_BYTES, MAX_WELCOME_ENTRIES, MAX_WELCOME_LIST_BYTES
from gateway.model.records.operator_settings import RuleSettings
from gateway.model.records.shared_document_records import MAX_INLINE_BYTES
from gateway.model.state import AWAY_AFTER_S
from gateway.operations.members.hello_operation import MAX_WELCOME_DELIVERIES
from gateway.operations.operation_table import OPERATION_BY_REQUEST
from gateway.protocol import VERSION, codec, events
from gateway.protocol.errors import ERROR_BY_CODE
from gateway.protocol.requests.approval_requests import AnswerAsk, OpenAsk
from gateway.protocol.requests.message_requests import History, Recall, Search, Send
from gateway.protocol.requests.request import MAX_ADMISSION_CHARS, MAX_KEY_TEXT_CHARS, MAX_NOTICE_CHARS
from gateway.protocol.requests.room_requests import RoomKeys, Rooms, SetTopic
from gateway.protocol.results import Answer, EventPage
from gateway.protocol.types.core_types import (
    MAX_ADDRESS_CHARS,
    MAX_ADDRESSES,
    MAX_CONTENT_BYTES,
    MAX_CONTEXT_BYTES,
    MAX_DETAIL_BYTES,
    MAX_JSON_DEPTH,
    MAX_OPTION_TEXT_CHARS,
    MAX_PARTS,
    MAX_SEALED_CHARS,
    RESERVED_NAMES,
    Activity,
    AskState,
    Rung,
)
from gateway.protocol.types.decision_types import DecisionState
from gateway.protocol.types.terminal_types import MAX_COLUMNS, MAX_ROW_CHARS, MAX_ROWS, MAX_RUNS_PER_ROW
from gateway.push.event_broadcaster import MAX_UNSENT_BYTES
from gateway.push.member_streams import PING_EVERY_S
from gateway.push.terminal_watchers import MAX_WATCHED_PER_CONNECTION
from gateway.sessions import sessions
from gateway.store import MAX_PAGE_BYTES

PAGE = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()
FENCE = re.compile(r"^```json ([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples(kind: str) -> Iterator[tuple[str, str]]:
    """(what else the fence says, one line of it) for every fence of this kind."""
    for match in FENCE.finditer(PAGE):
        word, _, rest = match[1].partition(" ")
        if word == kind:
            yield from ((rest, line) for line in match[2].splitlines())


REQUESTS = [line for _, line in examples("request")]
EVENTS = [line for _, line in examples("event")]
ANSWERS = list(examples("answer"))
ERRORS = [line for _, line in examples("error")]
HTTP_ERRORS = [line for _, line in examples("http-error")]
EVENT_KINDS = {kind.__struct_config__.tag for kind in (*events.Durable.__args__, *events.Snapshot.__args__)}


def same(value: object, line: str) -> bool:
    """Nothing of the example was ignored, and nothing was left out that would be there."""
    seen: Any = msgspec.json.decode(codec.encode(value))
    return bool(seen == msgspec.json.decode(line))


def test_no_example_escapes() -> None:
    assert len(re.findall(r"^```\w", PAGE, re.MULTILINE)) == len(FENCE.findall(PAGE))
    kinds = {match[1].partition(" ")[0] for match in FENCE.finditer(PAGE)}
    assert kinds == {"request", "answer", "event", "error", "http-error"}


@pytest.mark.parametrize("line", REQUESTS)
def test_a_request(line: str) -> None:
    request = codec.decode_request(line)
    written = msgspec.json.decode(line)
    assert request.n == written["n"] > 0
    seen = msgspec.json.decode(codec.encode(request))
    assert without_defaults(type(request), written) == without_defaults(type(request), seen)


def without_defaults(kind: type[Any], body: dict[str, Any]) -> dict[str, Any]:
    defaults = {field.encode_name: field.default for field in msgspec.structs.fields(kind)}
    return {name: value for name, value in body.items() if value != defaults.get(name)}


@pytest.mark.parametrize("line", EVENTS)
def test_an_event(line: str) -> None:
    event = codec.decode_incoming(line)
    assert event is not None and not isinstance(event, Answer)
    assert same(event, line)


@pytest.mark.parametrize(("op", "line"), ANSWERS)
def test_an_answer(op: str, line: str) -> None:
    answer = codec.decode_incoming(line)
    assert isinstance(answer, Answer)
    result = codec.decode_result(answer, OPERATION_BY_REQUEST[codec.REQUEST_BY_OP[op]].result)
    assert same(Answer(answer.re, codec.encode_raw(result)), line)
    if isinstance(result, EventPage):
        assert all(same(codec.decode_durable(bytes(event)), bytes(event).decode()) for event in result.events)


@pytest.mark.parametrize("line", ERRORS)
def test_an_error(line: str) -> None:
    answer = codec.decode_incoming(line)
    assert isinstance(answer, Answer) and answer.error is not None
    assert answer.error.code in ERROR_BY_CODE
    assert same(answer, line)


@pytest.mark.parametrize("line", HTTP_ERRORS)
def test_an_error_over_http(line: str) -> None:
    error = codec.decode(ErrorAnswer, line)
    assert error.error.code in ERROR_BY_CODE
    assert same(error, line)


def test_each_request_has_an_example() -> None:
    assert {msgspec.json.decode(line)["op"] for line in REQUESTS} == set(codec.REQUEST_BY_OP)


def test_each_field_of_a_request_is_shown() -> None:
    shown: dict[str, set[str]] = {}
    for line in REQUESTS:
        written = msgspec.json.decode(line)
        shown.setdefault(written["op"], set()).update(written)
    for op, kind in codec.REQUEST_BY_OP.items():
        assert {field.encode_name for field in msgspec.structs.fields(kind)} <= shown[op], op


def test_each_event_has_an_example() -> None:
    assert {msgspec.json.decode(line)["ev"] for line in EVENTS} == EVENT_KINDS


def test_each_kind_of_answer_has_an_example() -> None:
    shown = {OPERATION_BY_REQUEST[codec.REQUEST_BY_OP[op]].result for op, _ in ANSWERS}
    assert shown == {operation.result for operation in OPERATION_BY_REQUEST.values()}


def rows_after(heading: str) -> dict[str, str]:
    """The first two columns of the table under this row of headings."""
    _, _, rest = PAGE.partition(heading)
    lines = rest.splitlines()[2:]
    table = [
        line for line in lines[: next((i for i, line in enumerate(lines) if not line.startswith("|")), len(lines))]
    ]
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in table)
    return {first: second for first, second, *_ in cells}


def test_the_codes_are_those_of_the_code() -> None:
    table = rows_after("| code | HTTP | when |")
    assert table == {code: str(error.status) for code, error in ERROR_BY_CODE.items()}


def test_who_sees_an_event_is_told_for_each_of_the_log() -> None:
    table = rows_after("| event | seen by (and by observers) |")
    assert set(table) == {kind.__struct_config__.tag for kind in events.Durable.__args__}


def number_of_meta(kind: type[Any], name: str) -> int:
    """The limit in a field's annotation."""
    info = msgspec.inspect.type_info(kind)
    assert isinstance(info, msgspec.inspect.StructType)
    field = next(one for one in info.fields if one.encode_name == name)
    whole = field.type.type if isinstance(field.type, msgspec.inspect.Metadata) else field.type
    inner = whole.types[0] if isinstance(whole, msgspec.inspect.UnionType) else whole
    limit = getattr(inner, "max_length", None) or getattr(inner, "le", None)
    assert isinstance(limit, int)
    return limit


def rate_words(rate: Rate) -> str:
    return f"{rate.burst:.0f} at once, {rate.per_second:g} a second"


def test_the_limits_are_those_of_the_code() -> None:
    rate = Rate()
    short, name = number_of_meta(SetTopic, "topic"), number_of_meta(Send, "id")
    assert rows_after("| what | at most |") == {
        "content, and each part's text": f"{MAX_CONTENT_BYTES} bytes",
        "context of a message, a shared document": f"{MAX_CONTEXT_BYTES} bytes, {MAX_JSON_DEPTH} levels",
        "data of a sealed text (base64)": f"{MAX_SEALED_CHARS} characters",
        "a notice of a room key, an admission (base64), a record of keys": (
            f"{MAX_NOTICE_CHARS}, {MAX_ADMISSION_CHARS}, {MAX_KEY_TEXT_CHARS} characters"
        ),
        "notices of room keys in one page": f"{number_of_meta(RoomKeys, 'limit')}, and {MAX_PAGE_BYTES} bytes",
        "addresses in one message": f"{MAX_ADDRESSES}, of {MAX_ADDRESS_CHARS} characters each",
        "parts of one message": f"{MAX_PARTS}",
        "a name (`a-z 0-9 _ . -`)": "64 characters",
        "a topic, a display name, a note": f"{short} characters",
        "id, session, trace": f"{name} characters",
        "detail, question, an option of an ask; words of an answer": (
            f"{MAX_DETAIL_BYTES}, {number_of_meta(OpenAsk, 'question')}, {MAX_OPTION_TEXT_CHARS}; "
            f"{number_of_meta(AnswerAsk, 'words')} characters"
        ),
        "a search; the question of `recall`": (
            f"{number_of_meta(Search, 'query')}; {number_of_meta(Recall, 'question')} characters"
        ),
        "a terminal: columns, rows; runs and characters of a row": (
            f"{MAX_COLUMNS}, {MAX_ROWS}; {MAX_RUNS_PER_ROW}, {MAX_ROW_CHARS}"
        ),
        "terminals watched on one connection": f"{MAX_WATCHED_PER_CONNECTION}",
        "entries in one page of a list (rooms, members, asks, contexts, decisions, sessions, tokens)": (
            f"{number_of_meta(Rooms, 'limit')}, and {MAX_LIST_BYTES} bytes"
        ),
        "entries of one list in a welcome": f"{MAX_WELCOME_ENTRIES}, and {MAX_WELCOME_LIST_BYTES} bytes",
        "rooms that agents and tools have made, one member, all guests without a token": (
            f"{MAX_ROOMS}, {MAX_ROOMS_PER_MEMBER}, {MAX_ROOMS_OF_GUESTS}"
        ),
        "messages in one page": f"{number_of_meta(History, 'limit')}, and {MAX_PAGE_BYTES} bytes",
        "a WebSocket frame": f"{MAX_FRAME_BYTES} bytes",
        "an HTTP body": f"{MAX_BODY_BYTES} bytes",
        "unanswered requests on one socket": f"{MAX_UNANSWERED_REQUESTS}",
        "sends of one member": f"{rate.burst:g} at once, {rate.per_second:g} a second (the operator may choose)",
        "what changes rooms, members, tokens, modes, or is an order": rate_words(CHANGE_RATE),
        "what a sidecar reports of its terminal": rate_words(REPORT_RATE),
        "reads and polls": rate_words(READ_RATE),
    }


@pytest.mark.parametrize(
    "phrase",
    [
        f"# The protocol, version {VERSION}\n",
        f"pings every {PING_EVERY_S:g} s",
        f"they are closed within {PING_EVERY_S:g} s",
        f"for {AWAY_AFTER_S:g} s is dropped",
        f"heard within\n{AWAY_AFTER_S:g} s",
        f"when {MAX_UNSENT_BYTES // 2**20} MiB wait",
        f"first {MAX_WELCOME_DELIVERIES})",
        f"`context.answers`, at most {MAX_ANSWERED_MESSAGES})",
        f"While {MAX_UNANSWERED_REQUESTS} are unanswered",
        f"than {MAX_FRAME_BYTES // 2**20} MiB ends the connection",
        " ".join(Activity),
        "`:round_robin`, `:least_busy` or `:priority`",
        " ".join(list(Rung)[:9]),
        " ".join(list(Rung)[9:]),
        " ".join(AskState),
        " ".join(DecisionState),
        f"at most {MAX_OPTION_KEY_CHARS} characters are their own keys",
        f"(at most {MAX_DETAILS_BYTES} bytes)",
        f"(the last {MAX_LISTED_CLOSED})",
        f"at most {MAX_OPEN_DECISIONS} open decisions and {sessions.MAX_OPEN_SESSIONS} sessions",
        f"answers one decision at most {MAX_ANSWERS_PER_VOTER} times",
        f"a result within {ANSWER_TIMEOUT_S:g} s",
        f"waits after {RuleSettings().remind_asks:g} s",
        f"has more than {MAX_INLINE_BYTES} bytes",
        f"was away for {AWAY_AFTER_S:g} s",
    ],
)
def test_what_is_said_in_prose(phrase: str) -> None:
    assert phrase in PAGE


def test_reserved_names_are_listed() -> None:
    assert set(re.findall(r"`(\w+)`", rows_of("reserved_name"))) == RESERVED_NAMES


def rows_of(code: str) -> str:
    return next(line for line in PAGE.splitlines() if line.startswith(f"| {code} |"))

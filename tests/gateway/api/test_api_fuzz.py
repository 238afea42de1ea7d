"""The running gateway, asked with whatever its own OpenAPI document allows and forbids: it never breaks, and what it
answers is what the document says."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi import checks

from gateway.operations.operation import Operation
from gateway.operations.operation_table import OPERATIONS
from gateway.protocol.types.core_types import MAX_JSON_DEPTH
from tests.support.examples import examples
from tests.support.gateways import TEAM_TOKEN, GatewayProcess

pytestmark = pytest.mark.slow

CHECKS: list[Callable[..., Any]] = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
    checks.negative_data_rejection,
]
KEPT = ("alice", "team", "")
LONGEST_WAIT = 0.02
PLACES = dict.fromkeys(("name", "member", "tool", "operation"), "codex") | dict.fromkeys(
    ("message", "ask", "call"), "1"
)
PLACES |= {"room": "general", "scope": "global", "decision": "d-1", "session": "ship-it"}
PLACES |= {"call": "1", "tool": "calc", "operation": "add"}

bounded = settings(
    max_examples=examples(12),
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@dataclass(frozen=True)
class Target:
    """A running gateway with something in it, and its own description of itself."""

    url: str
    session: requests.Session
    schema: Any
    known: dict[str, list[Any]]

    @property
    def address(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        assert parts.hostname is not None and parts.port is not None
        return parts.hostname, parts.port

    def strategy(self, operation: Operation, mode: GenerationMode) -> st.SearchStrategy[Case[Any]]:
        strategy: st.SearchStrategy[Case[Any]] = self.schema[operation.path][operation.method].as_strategy(mode)
        return strategy

    def ask(self, case: Case[Any]) -> requests.Response:
        """Ask as the operator, whose own token must outlive the test, and without waiting long for news."""
        name = (case.path_parameters or {}).get("name")
        if name in KEPT:
            case.path_parameters["name"] = "codex"
        for asked in (case.query, case.body):
            wait = asked.get("wait") if isinstance(asked, dict) else None
            if isinstance(asked, dict) and isinstance(wait, int | float) and wait > LONGEST_WAIT:
                asked["wait"] = LONGEST_WAIT
        return case.call(base_url=self.url, session=self.session)  # type: ignore[return-value]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    state = tmp_path_factory.mktemp("fuzz") / "state"
    with GatewayProcess(state).running() as process, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {process.operator.token}"
        known = furnish(process.url, session)
        schema = schemathesis.openapi.from_url(f"{process.url}/openapi.json")
        yield Target(process.url, session, schema, known)
        assert session.get(f"{process.url}/v1/ping").status_code == 200, "the fuzzing removed the operator"
        check_log((state.parent / f"{state.name}.log").read_text(), process.operator.token)


def check_log(text: str, token: str) -> None:
    for line in text.splitlines():
        assert json.loads(line)["event"] != "! request failed", line
    assert token not in text
    assert TEAM_TOKEN not in text


def furnish(url: str, session: requests.Session) -> dict[str, list[Any]]:
    """Rooms, members and messages for requests to meet."""

    def post(path: str, **body: Any) -> dict[str, Any]:
        response = session.post(url + path, json=body)
        assert response.status_code == 200, response.text
        return dict(response.json())

    for name in ("claude", "codex"):
        post("/v1/tokens", name=name, role="coder")
    post("/v1/hello", inbox=True)
    post("/v1/rooms", room="lab", invite_only=True)
    for scope in ("%23lab", "@alice", "global"):
        assert session.put(f"{url}/v1/contexts/{scope}/main", json={"document": {"a": [1]}}).status_code == 200
    for name in ("ship-it", "tidy-up"):
        post("/v1/sessions", session=name, goal="done by noon")
    open_ = [post("/v1/decisions", question="now?", to=to)["decision"]["id"] for to in ("claude", "codex")]
    open_ += [post("/v1/decisions", question="which?", options=["a", "b"], people=True)["decision"]["id"]]
    said = [post("/v1/messages", content=f"hello {to}", to=to)["seq"] for to in ("@all", "@claude", "@codex", "@alice")]
    return {
        "message": said,
        "room": ["general", "lab", "#General"],
        "member": ["claude", "@codex", "alice"],
        "name": ["claude", "codex", "main"],
        "session": ["ship-it", "tidy-up"],
        "decision": open_,
        "scope": ["#lab", "@alice", "@claude", "global"],
        "to": ["@claude", "@role:coder", "@any:coder", "@all"],
    }


def met(case: Case[Any], known: dict[str, list[Any]], draw: Callable[[st.SearchStrategy[Any]], Any]) -> Case[Any]:
    """Half of the time, names and numbers that exist instead of invented ones."""
    for place in (case.path_parameters, case.query, case.body):
        if isinstance(place, dict):
            for name in sorted(set(place) & set(known)):
                if draw(st.booleans()):
                    place[name] = draw(st.sampled_from(known[name]))
    return case


operations = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: str(one.request.__struct_config__.tag))


@operations
def test_what_the_document_allows(target: Target, operation: Operation) -> None:
    strategy = target.strategy(operation, GenerationMode.POSITIVE)

    @bounded
    @given(st.data())
    def asked(data: st.DataObject) -> None:
        case = met(data.draw(strategy), target.known, data.draw)
        response = target.ask(case)
        assert response.status_code < 500, response.text
        case.validate_response(response, checks=CHECKS)

    asked()


@operations
def test_what_the_document_forbids(target: Target, operation: Operation) -> None:
    strategy = target.strategy(operation, GenerationMode.NEGATIVE)

    @bounded
    @given(strategy)
    def asked(case: Case[Any]) -> None:
        response = target.ask(case)
        assert response.status_code < 500, response.text
        case.validate_response(response, checks=CHECKS)

    asked()


@operations
def test_nothing_is_open_without_a_token(target: Target, operation: Operation) -> None:
    path = operation.path.format_map(PLACES)
    for headers in ({}, {"X-Auth-Token": "wrong"}, {"Authorization": "Bearer gc_0_0"}, {"Authorization": "Basic YTpi"}):
        response = requests.request(operation.method, target.url + path, headers=headers, json={}, timeout=60)
        assert response.status_code == 401
        assert response.json()["error"]["code"] == "unauthorized"
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", sorted({one.path for one in OPERATIONS}))
def test_other_methods_are_refused_with_those_that_are_allowed(target: Target, path: str) -> None:
    allowed = {one.method for one in OPERATIONS if one.path == path}
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed:
        response = target.session.request(
            method,
            target.url + path.format_map(PLACES),
        )
        assert (response.status_code, response.json()["error"]["code"]) == (405, "bad_request")
        assert allowed <= {one.strip() for one in response.headers["Allow"].split(",")}


# what the document cannot say

MANY_DIGITS = "9" * 5000

ODD: list[tuple[str, str, bytes, int, str]] = [
    ("GET", f"/v1/messages/{MANY_DIGITS}", b"", 400, "bad_request"),
    ("GET", "/v1/messages/9223372036854775808", b"", 400, "bad_request"),
    ("GET", "/v1/messages/%00", b"", 400, "bad_request"),
    ("GET", "/v1/messages?before=null", b"", 400, "bad_request"),
    ("GET", "/v1/messages?limit=1&limit=2", b"", 400, "bad_request"),
    ("GET", "/v1/messages?op=send", b"", 400, "bad_request"),
    ("GET", "/v1/messages?sender=alice", b"", 400, "unknown_field"),
    ("GET", "/v1/messages?%FF=1", b"", 400, "unknown_field"),
    ("GET", "/v1/search?query=%00", b"", 400, "invalid_text"),
    ("GET", "/v1/search?query=_", b"", 400, "bad_request"),
    ("GET", f"/v1/events?since={MANY_DIGITS}", b"", 400, "bad_request"),
    ("GET", "/v1/events?since=-1", b"", 400, "bad_request"),
    ("GET", "/v1/log?wait=nan", b"", 400, "bad_request"),
    ("GET", "/v1/log?wait=61", b"", 400, "bad_request"),
    ("GET", "/nowhere", b"", 404, "not_found"),
    ("POST", f"/v1/messages/{MANY_DIGITS}/retry", b'{"member":"claude"}', 400, "bad_request"),
    ("POST", "/v1/messages/abc/retry", b'{"member":"claude"}', 400, "bad_request"),
    ("POST", "/v1/messages", b"", 400, "bad_request"),
    ("POST", "/v1/messages", b"\xff", 400, "bad_json"),
    ("POST", "/v1/messages", b'{"content":"\\ud800"}', 400, "bad_json"),
    ("POST", "/v1/messages", b'{"content":"x","context":{"a":' + b"[" * 5000 + b"]" * 5000 + b"}}", 400, "bad_json"),
    ("POST", "/v1/messages", b'{"content":"x","from":"bob"}', 400, "unknown_field"),
    ("POST", "/v1/rooms/lab/invite", b'{"room":"den","member":"claude"}', 400, "bad_request"),
    ("POST", "/v1/op", b'{"op":"history","before":' + MANY_DIGITS.encode() + b"}", 400, "bad_request"),
    ("POST", "/v1/op", b'{"op":"dance"}', 400, "bad_request"),
    (
        "POST",
        "/agent-output",
        b'{"from":"alice","content":"@mode.set debate \\"x\\" --rounds 99999999999999999999"}',
        400,
        "",
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code"), ODD, ids=lambda value: repr(value)[:40])
def test_odd_requests(  # noqa: PLR0917 - a row of the table
    target: Target, method: str, path: str, body: bytes, status: int, code: str
) -> None:
    response = target.session.request(method, target.url + path, data=body, timeout=60)
    assert response.status_code == status, response.text
    if code:
        assert response.json()["error"]["code"] == code
        assert len(response.json()["error"]["message"]) < 1000


@pytest.mark.parametrize("depth", [1, 62, 63, 900, 980, 990, 2000])
def test_no_depth_of_nesting_breaks_it(target: Target, depth: int) -> None:
    """What can be read can be written: nothing is accepted that the log, or a reader, would choke on."""
    body = b'{"content":"x","context":{"a":' + b"[" * depth + b"]" * depth + b"}}"
    response = target.session.post(f"{target.url}/v1/messages", data=body)
    assert response.status_code == (200 if depth < MAX_JSON_DEPTH else 400), response.text
    if response.status_code == 200:
        seq = response.json()["seq"]
        for path in (
            f"/v1/messages/{seq}",
            f"/v1/messages/{seq}/receipts",
            "/v1/messages?limit=1",
            f"/v1/log?since={seq - 1}",
        ):
            assert target.session.get(target.url + path).status_code == 200


def test_what_is_no_http_is_refused_and_its_token_is_not_logged(target: Target) -> None:
    """The log is looked at when all is over."""
    token = target.session.headers["Authorization"].split()[1]
    with socket.create_connection(target.address) as raw:
        raw.sendall(f"GET /ws?token={token}&x=".encode() + b"\xff HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert raw.recv(1000).split(b"\r\n")[0].endswith(b"400 Bad Request")

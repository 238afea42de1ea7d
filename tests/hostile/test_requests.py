"""Hostile requests on every transport: each is answered with a documented code, and the next request works. The
requests are built from the gateway's own tables, so a new operation, field, frame, endpoint or tool is included by
itself.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Iterator, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Any, get_args

import aiohttp
import msgspec
import pytest
import structlog
import websockets
from aiohttp import web
from mcp_types import CallToolRequestParams, TextContent
from websockets.asyncio.client import ClientConnection

from controller.team.team import parse_team
from controller.team.toml_reader import TeamError
from gateway.client import Endpoint, HttpClient
from gateway.dialects.agentchat import frames as agentchat_words
from gateway.dialects.ai_connect import frames as ai_connect_words
from gateway.dialects.csp import posted_messages, routes
from gateway.dialects.skynet.rest import context_routes, message_routes, session_routes
from gateway.dialects.skynet.rest.routes import skynet_routes
from gateway.dialects.skynet.wire import error_codes
from gateway.dialects.skynet.wire import frames as skynet_words
from gateway.mcp.server import run_tool
from gateway.mcp.tool_caller import Caller
from gateway.mcp.tools import TOOLS, Tool
from gateway.operations.operation import Operation
from gateway.operations.operation_table import OPERATIONS
from gateway.protocol import errors
from gateway.runtime.listen_option import listen_at
from tests.fakes.json_frames import JsonFrames
from tests.hostile.requests_table import ALL_REQUESTS, BODIES, HOLE, VALUES, holed, requests_of
from tests.support.gateways import UNLIMITED, Gateway, gateway_in_process

PATIENCE_S = 60.0
# These fields make a request wait, so values that would wait long are left out.
WAITS = ("wait", "timeout")
PARTS = 4
LISTEN = (listen_at("agentchat=0"), listen_at("ai-connect=0"), listen_at("skynet=0"))
AGENTCHAT_CODES = {*agentchat_words.CODE_BY_ERROR.values()}


def _codes(kind: type[errors.GroupChatError] = errors.GroupChatError) -> Iterator[str]:
    yield kind.code
    for one in kind.__subclasses__():
        yield from _codes(one)


CODES = set(_codes())
BROKE = re.compile(r"[Bb]roke inside|Traceback|\bError\(|object at 0x")


class Log:
    """The gateway's log, which must hold no exception."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def __call__(self, _: Any, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        if method in ("exception", "error", "critical") or event.get("exc_info"):
            self.lines.append({"level": method, **{name: str(value)[:300] for name, value in event.items()}})
        raise structlog.DropEvent


@pytest.fixture
def log() -> Iterator[Log]:
    kept = structlog.get_config()
    found = Log()
    yield found
    structlog.configure(**kept)


@pytest.fixture
async def gateway(tmp_path: Path, log: Log, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Gateway]:
    async with gateway_in_process(
        tmp_path / "state", listen=LISTEN, guest_rate=UNLIMITED, synchronous="OFF"
    ) as running:
        structlog.configure(processors=[log], cache_logger_on_first_use=False)
        yield running
    assert log.lines == []
    assert [one for one in caplog.records if one.levelno >= logging.ERROR] == []


def hostile(holed_requests: Sequence[str] | Iterator[str]) -> Iterator[str]:
    """Every place with every value."""
    for request in holed_requests:
        waits = any(f'"{one}": {HOLE}' in request for one in WAITS)
        for value in VALUES.values():
            if not (waits and value in ("1.5", "5e-324", str(2**63 - 1))):
                yield request.replace(HOLE, value)


def some(holed_requests: Sequence[str] | Iterator[str], each: int) -> Iterator[str]:
    """Every place with a few values, the next ones each time: for transports with slower requests."""
    values = cycle(VALUES.values())
    for request in holed_requests:
        waits = any(f'"{one}": {HOLE}' in request for one in WAITS)
        for value in (next(values) for _ in range(each)):
            if not waits or value.startswith(('"', "[", "{")):
                yield request.replace(HOLE, value)


async def member(gateway: Gateway, name: str) -> Endpoint:
    return await gateway.member(name)


# the full protocol


@asynccontextmanager
async def full_socket(endpoint: Endpoint, *, hello: bool = True) -> AsyncIterator[ClientConnection]:
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    url = endpoint.at("/v1/ws", websocket=True)
    async with websockets.connect(url, additional_headers=headers, max_size=None) as wire:
        if hello:
            await wire.send('{"op":"hello","n":1}')
            await answers(wire, 1)
        yield wire


async def answers(wire: ClientConnection, number: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(found) < number:
            frame = json.loads(await wire.recv())
            if "re" in frame:
                found.append(frame)
    return found


def need_clear(answer: dict[str, Any], request: object) -> None:
    error = answer.get("error")
    if error is not None:
        assert error["code"] in CODES and len(error["message"]) < 2000, (request, answer)
        assert error["code"] != "unavailable" and not BROKE.search(error["message"]), (request, answer)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.slow
async def test_every_field_over_the_socket(gateway: Gateway, part: int) -> None:
    ada = await member(gateway, "ada")
    for kind in ALL_REQUESTS[part::PARTS]:
        async with full_socket(ada) as wire:
            for batch in batches(list(hostile(requests_of(kind))), 200):
                sending = asyncio.gather(*(wire.send(one) for one in batch))
                for answer in await answers(wire, len(batch)):
                    need_clear(answer, kind)
                await sending
    async with full_socket(gateway.operator) as wire:  # `ada` may have left by what it asked
        await wire.send('{"op":"ping","n":7}')
        assert "ok" in (await answers(wire, 1))[0]


def batches(requests: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for begin in range(0, len(requests), size):
        yield requests[begin : begin + size]


async def test_bodies_that_are_no_request_over_the_socket(gateway: Gateway) -> None:
    async with full_socket(gateway.operator) as wire:
        for name, body in BODIES.items():
            for data in (body, body.decode(errors="ignore")):
                await wire.send(data)
                need_clear((await answers(wire, 1))[0], name)
        await wire.send([b'{"op":', b'"ping",', b'"n":8}'])  # in pieces, and binary
        assert (await answers(wire, 1))[0]["re"] == 8
        await wire.send('{"op":"hello","n":9}')
        assert (await answers(wire, 1))[0]["error"]["code"] == "bad_request"


async def test_before_hello_nothing_is_done(gateway: Gateway) -> None:
    async with full_socket(gateway.operator, hello=False) as wire:
        asked = [one for kind in ALL_REQUESTS for one in list(requests_of(kind))[:1] if '"op": "hello"' not in one]
        for number, one in enumerate(asked):
            await wire.send(json.dumps({**json.loads(one.replace(HOLE, "1")), "n": number}))
            need_clear((await answers(wire, 1))[0], one)
        await wire.send('{"op":"hello","n":1}')
        assert "ok" in (await answers(wire, 1))[0]


# REST


async def over_http(
    session: aiohttp.ClientSession, method: str, url: str, body: str | bytes | None, **more: Any
) -> tuple[int, Any]:
    data = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    async with asyncio.timeout(PATIENCE_S), session.request(method, url, data=data, **more) as response:
        text = await response.text()
        if response.content_type == "text/html" and response.url.path == "/":
            return response.status, {}  # where `..` leads: the page for browsers, which is the same for everybody
        assert response.content_type == "application/json", (method, url, response.status, text[:300])
        return response.status, json.loads(text)


def need_clear_status(status: int, body: Any, request: object) -> None:
    assert status < 500, (status, request, body)
    if status >= 400:
        need_clear(body, request)


@asynccontextmanager
async def rest(endpoint: Endpoint) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        yield session


def rest_places(operation: Operation) -> tuple[str, ...]:
    return tuple(re.findall(r"{(\w+)}", operation.path))


@pytest.mark.slow
async def test_every_field_over_rest(gateway: Gateway) -> None:
    ada = await member(gateway, "ada")
    async with rest(ada) as session, rest(gateway.operator) as other:
        for operation in OPERATIONS:
            if operation.method in ("GET", "DELETE"):
                continue
            path = re.sub(r"{\w+}", "1", operation.path)
            for body in some(holed(operation.request, {}, without=frozenset(rest_places(operation))), 6):
                status, answer = await over_http(session, operation.method, ada.url + path, body)
                need_clear_status(status, answer, (operation.path, body[:200]))
        status, _ = await over_http(other, "GET", f"{ada.url}/v1/ping", None)
        assert status == 200


HOSTILE_TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "1.5",
    str(2**63),
    "9" * 400,
    "NaN",
    "true",
    "null",
    "[]",
    "{}",
    "\x00",
    "%",
    "..",
    "ä",
    "x" * 3000,
)


@pytest.mark.slow
async def test_every_query_parameter_and_every_place_in_a_path(gateway: Gateway) -> None:
    ada = await member(gateway, "ada")
    async with rest(ada) as session:
        for operation in OPERATIONS:
            names = [one.encode_name for one in msgspec.structs.fields(operation.request)]
            if operation.method in ("GET", "DELETE"):
                for name in [*names, "op", "nonsense"]:
                    for text in HOSTILE_TEXTS:
                        if name not in WAITS and name not in rest_places(operation):
                            path = re.sub(r"{\w+}", "1", operation.path)
                            asked = await over_http(
                                session, operation.method, ada.url + path, None, params={name: text}
                            )
                            need_clear_status(*asked, (operation.path, name, text[:50]))
            for place in rest_places(operation):
                for text in HOSTILE_TEXTS[2:]:
                    url = ada.url + re.sub(r"{\w+}", "1", operation.path.replace(f"{{{place}}}", _quoted(text)))
                    body = None if operation.method in ("GET", "DELETE") else "{}"
                    asked = await over_http(session, operation.method, url, body)
                    need_clear_status(*asked, (operation.path, place, text[:50]))


def _quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


async def test_bodies_that_are_no_request_over_rest(gateway: Gateway) -> None:
    async with rest(gateway.operator) as session:
        for operation in OPERATIONS:
            if operation.method not in ("GET", "DELETE"):
                path = re.sub(r"{\w+}", "1", operation.path)
                for name in ("brace", "array", "null", "utf-16", "deep", "surrogate in utf-8"):
                    asked = await over_http(session, operation.method, gateway.url + path, BODIES[name])
                    need_clear_status(*asked, (operation.path, name))
        for name, body in BODIES.items():
            need_clear_status(*await over_http(session, "POST", f"{gateway.url}/v1/op", body), name)


@pytest.mark.slow
async def test_every_request_by_its_name(gateway: Gateway) -> None:
    ada = await member(gateway, "ada")
    async with rest(ada) as session:
        for kind in ALL_REQUESTS:
            for body in some(requests_of(kind), 2):
                need_clear_status(*await over_http(session, "POST", f"{ada.url}/v1/op", body), body[:200])


# event streams


@pytest.mark.parametrize("path", ["/v1/events", "/events"])
async def test_the_parameters_of_event_streams(gateway: Gateway, path: str) -> None:
    async with rest(gateway.operator) as session:

        async def status(params: dict[str, str], headers: dict[str, str]) -> int:
            async with (
                asyncio.timeout(PATIENCE_S),
                session.get(gateway.url + path, params=params, headers=headers) as response,
            ):
                return response.status

        for text in HOSTILE_TEXTS:
            for name in ("since", "echo", "nonsense"):
                assert await status({name: text}, {}) in (200, 400), (name, text)
        for text in ("x", "-1", "9" * 400, "1.5"):
            assert await status({}, {"Last-Event-ID": text}) == 400, text


# the simple interface

BODIES_OF: dict[str, type[msgspec.Struct] | None] = {
    "/register": routes.RegisterBody,
    "/agent-output": posted_messages.PostBody,
    "/message": posted_messages.PostBody,
    "/mode": routes.ModeBody,
    "/turn/next": None,
}
QUERIES_OF = {"/history": ("limit", "from", "to", "since", "nonsense")}
STREAMS = ("/ws", "/events")


@pytest.mark.slow
async def test_every_field_of_the_simple_interface(gateway: Gateway) -> None:
    async with rest(gateway.team) as session:
        for name in ("claude", "x"):
            await over_http(session, "POST", f"{gateway.url}/register", json.dumps({"agentId": name}))
        for route in routes.csp_routes():
            if route.path not in STREAMS:
                for path, body, params in _hostile_to(route):
                    asked = await over_http(session, route.method, gateway.url + path, body, params=params)
                    _need_simple(*asked, (path, params, (body or b"")[:200]))
        status, _ = await over_http(session, "GET", f"{gateway.url}/agents", None)
        assert status == 200


def _hostile_to(route: web.RouteDef) -> Iterator[tuple[str, str | bytes | None, dict[str, str]]]:
    if route.method == "POST":
        kind = BODIES_OF[route.path]  # a new endpoint must be added there
        yield from ((route.path, body, {}) for body in (() if kind is None else hostile(holed(kind, {}))))
        yield from ((route.path, body, {}) for body in BODIES.values())
    elif "{" in route.path:
        yield from ((path, None, {}) for path in _hostile_paths(route.path))
    else:
        for name in QUERIES_OF.get(route.path, ("nonsense",)):
            yield from ((route.path, None, {name: text}) for text in HOSTILE_TEXTS)


def _hostile_paths(path: str) -> list[str]:
    return [re.sub(r"{\w+}", _quoted(text), path) for text in HOSTILE_TEXTS[2:]]


def _need_simple(status: int, body: Any, request: object) -> None:
    assert status < 500, (status, request, body)
    if status >= 400:
        sentence = body["error"] if isinstance(body["error"], str) else body["error"]["message"]
        assert sentence and not BROKE.search(sentence), (request, body)


# the dialects of one socket


@asynccontextmanager
async def frames_at(url: str) -> AsyncIterator[JsonFrames]:
    async with websockets.connect(url, max_size=None) as socket:
        frames = JsonFrames(socket)
        async with frames.reading():
            yield frames


@pytest.mark.parametrize("known", [False, True], ids=["stranger", "known"])
async def test_every_field_of_agentchat(gateway: Gateway, known: bool) -> None:
    for kind in get_args(agentchat_words.AgentChatFrame):
        async with frames_at(gateway.listeners["agentchat"]) as frames:
            if known:
                await frames.answer_to({"type": "IDENTIFY", "name": "scout"}, "WELCOME")
                await frames.answer_to({"type": "JOIN", "channel": "#general"}, "JOINED")
            for frame in _hostile_frames(kind):
                await frames.raw(frame)
            await frames.answer_to({"type": "PING"}, "PONG")
            for error in frames.of("ERROR"):
                assert error["code"] in AGENTCHAT_CODES and not BROKE.search(error["message"]), error


@pytest.mark.parametrize("known", [False, True], ids=["stranger", "known"])
async def test_every_field_of_ai_connect(gateway: Gateway, known: bool) -> None:
    for kind in reversed(
        get_args(ai_connect_words.AiConnectFrame)
    ):  # a client that registers under many names gets the events of all of them
        async with frames_at(gateway.listeners["ai-connect"]) as frames:
            if known:
                await frames.answer_to({"type": "register", "name": "Aragon"}, "registered")
            for frame in _hostile_frames(kind):
                await frames.raw(frame)
            await frames.answer_to({"type": "ping"}, "pong")
            for told in frames.of("message"):
                assert not BROKE.search(told["content"]), told


SKYNET_CODES = {error_codes.INVALID, error_codes.REFUSED}
SKYNET_SOCKET = "/ws?agent_id=scout"
SKYNET_BODIES: dict[str, type[msgspec.Struct]] = {
    "/messages/send": message_routes.SendBody,
    "/context": context_routes.ContextBody,
    "/sessions": session_routes.SessionBody,
}


async def test_every_field_of_skynet(gateway: Gateway) -> None:
    for kind in get_args(skynet_words.SkynetFrame):
        async with frames_at(gateway.listeners["skynet"] + SKYNET_SOCKET) as frames:
            for frame in _hostile_frames(kind):
                await frames.raw(frame)
            await frames.raw('{"type":"control","data":{"action":"ping"}}')
            await frames.until(lambda: [one for one in frames.of("control") if one["data"]["action"] == "pong"])
            for error in frames.of("error"):
                told = error["data"]
                assert told["error_code"] in SKYNET_CODES and told["details"]["code"] in CODES, told
                assert told["error"] and not BROKE.search(told["error"]), told


async def test_every_word_of_a_skynet_address(gateway: Gateway) -> None:
    """Each is either a connection or an error frame that says why not."""
    for name in ("agent_id", "agent_type", "channels", "priority", "nonsense"):
        for text in HOSTILE_TEXTS[:20]:
            query = f"{name}={_quoted(text)}" + ("" if name == "agent_id" else "&agent_id=scout")
            try:
                async with frames_at(f"{gateway.listeners['skynet']}/ws?{query}") as frames:
                    await frames.until(partial(bool, frames.frames))
                    assert frames.frames[0]["type"] in ("control", "error")
                    assert not BROKE.search(json.dumps(frames.frames))
            except websockets.exceptions.InvalidMessage as refused:
                assert "400" in str(refused.__cause__), "this is no address of HTTP"


async def test_every_field_of_the_skynet_interface(gateway: Gateway) -> None:
    address = gateway.listeners["skynet"].replace("ws", "http", 1)
    async with aiohttp.ClientSession() as session:
        for route in skynet_routes():
            if "{secret}" in route.path or route.path in ("/docs", "/metrics"):
                continue
            for path, body in _hostile_to_skynet(route):
                asked = await over_http(session, route.method, address + path, body)
                _need_simple(*asked, (path, (body or b"")[:200]))
        status, _ = await over_http(session, "GET", f"{address}/agents", None)
        assert status == 200


def _hostile_to_skynet(route: web.RouteDef) -> Iterator[tuple[str, str | bytes | None]]:
    if route.method == "POST":
        kind = SKYNET_BODIES[route.path]  # a new endpoint must be added there
        yield from ((route.path, body) for body in some(holed(kind, {}), 12))
        yield from ((route.path, body) for body in BODIES.values())
    elif "{" in route.path:
        yield from ((path, None) for path in _hostile_paths(route.path))
    else:
        yield route.path + "?nonsense=1", None


def _hostile_frames(kind: type[msgspec.Struct]) -> Iterator[str]:
    tag = {"type": str(kind.__struct_config__.tag)}
    yield json.dumps(tag)
    yield json.dumps({**tag, "nonsense": 1})
    yield from hostile(holed(kind, tag))


@pytest.mark.parametrize(
    ("dialect", "ping", "pong"),
    [
        ("agentchat", {"type": "PING"}, "PONG"),
        ("ai-connect", {"type": "ping"}, "pong"),
        ("skynet", {"type": "control", "data": {"action": "ping"}}, "control"),
    ],
)
async def test_bodies_that_are_no_frame(gateway: Gateway, dialect: str, ping: dict[str, Any], pong: str) -> None:
    async with frames_at(gateway.listeners[dialect] + (SKYNET_SOCKET if dialect == "skynet" else "")) as frames:
        for body in BODIES.values():
            await frames.raw(body)
            await frames.raw(body.decode(errors="ignore"))
        await frames.socket.send([b'{"type":', json.dumps(ping["type"]).encode(), b"}"])
        await frames.until(lambda: frames.of(pong))
        await frames.answer_to(ping, pong)


# the tools


def _arguments(tool: Tool, request: str) -> dict[str, Any] | None:
    """As the SDK would read them; it accepts NaN and half characters, but nothing that is nested too deeply."""
    try:
        found = json.loads(request)
    except (ValueError, RecursionError):
        return None
    known = {one.encode_name for one in msgspec.structs.fields(tool.takes)}
    return {**{name: 0 for name in WAITS if name in known}, **found} if isinstance(found, dict) else None


async def test_every_argument_of_every_tool(gateway: Gateway) -> None:
    ada = await member(gateway, "ada")
    async with HttpClient(ada) as direct:
        caller = Caller(direct, ada.token)
        for tool in TOOLS.values():
            for request in ("{}", '{"nonsense":1}', *some(holed(tool.takes, {}), 8)):
                arguments = _arguments(tool, request)
                if arguments is None:
                    continue
                async with asyncio.timeout(PATIENCE_S):
                    found = await run_tool(caller, CallToolRequestParams(name=tool.name, arguments=arguments))
                text = "\n".join(one.text for one in found.content if isinstance(one, TextContent))
                assert text.strip() and not BROKE.search(text), (tool.name, request[:300], text)
        unknown = await run_tool(caller, CallToolRequestParams(name="\x1b[31m", arguments={}))
        assert unknown.is_error


# a team's file

TOML_VALUES = (
    *('""', '" "', '"\\u0000"', '"\\u001b]0;x\\u0007"', '"a b"', '"../.."', "'''\n'''", "0", "-1", "1.5", "1e400"),
    *("nan", "inf", "-inf", "9" * 400, "true", "false", "[]", "[1]", '[""]', "[[]]", "{}", "{a=1}", "1979-05-27"),
    *("07:32:00", "1979-05-27T07:32:00Z", '"system"', '"all"', '"-x"', "'%s{0}'", "'\"'", '"' + "x" * 70_000 + '"'),
)
TABLES = ("", "[[agents]]\n", "[[rooms]]\n", "[gateway]\n", "[limits]\n", "[layout]\n", "[chat]\n")


def _keys_of(table: str) -> list[str]:
    """The keys that the file's reader lists for an unknown key."""
    with pytest.raises(TeamError) as refused:
        parse_team(f"{table}{_needed(table)}qqqqqq = 1")
    return refused.value.message.rpartition("Known are: ")[2].rstrip(".").split(", ")


def _needed(table: str) -> str:
    return 'name = "ada"\n' if table == "[[agents]]\n" else ""


@pytest.mark.parametrize("table", TABLES, ids=lambda one: one.strip() or "top")
def test_every_key_of_a_teams_file(table: str) -> None:
    keys = _keys_of(table)
    assert "qqqqqq" not in keys
    for key in [*keys, "nonsense", '""', '"\\u0000"', '"a.b"']:
        for value in TOML_VALUES:
            text = f"{table}{_needed(table) if key != 'name' else ''}{key} = {value}\n"
            try:
                parse_team(text)
            except TeamError as error:
                assert len(error.message) > 10 and not BROKE.search(error.message), (text[:200], error.message)


NO_TEAM = (
    *("[", "a =", "a = 1\na = 2", "\x00", "[[agents]]\n[agents]", "agents = 1", "agents = [1]", "rooms = {}"),
    *("[gateway]\n[gateway]", "[[gateway]]", "=", '"', "x" * 100_000, "[[[[", "a.b.c.d = 1", "\ufeffname = 'x'"),
)


@pytest.mark.parametrize("text", NO_TEAM, ids=range(len(NO_TEAM)))
def test_a_teams_file_that_is_none(text: str) -> None:
    with pytest.raises(TeamError) as refused:
        parse_team(text)
    assert len(refused.value.message) > 10

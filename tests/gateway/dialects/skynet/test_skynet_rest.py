"""The REST interface: each route with its shape, its errors, and its limits."""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import gateway.dialects.skynet
from gateway.operations.dispatch import start_operation
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import CreateRoom, Invite
from gateway.protocol.requests.session_requests import CloseSession
from gateway.protocol.requests.shared_document_requests import GetContext, PutContext
from gateway.protocol.types.core_types import MemberKind
from gateway.runtime.listen_option import listen_at
from tests.contract.patterns import ISO, NUMBER, TEXT, differences
from tests.fakes.retry import retry_until
from tests.fakes.skynet_client import skynet_agent
from tests.support.assembled import LateStore, assembled
from tests.support.skynet import ALICE, SkynetWorld

HEALTH = {
    "status": "healthy",
    "version": "1.0.0",
    "uptime_seconds": NUMBER,
    "redis_connected": True,
    "total_agents": 1,
    "total_channels": 2,
}
INFO = {"version": "1.0.0", "protocol_version": "MCP/1.0", "features": TEXT, "uptime": NUMBER, "server": TEXT}
ADA = {
    "agent_id": "Ada",
    "agent_type": "coder",
    "priority": 8,
    "channels": ["default", "ops"],
    "message_count": 0,
    "connected_at": ISO,
    "metadata": {},
}
CHANNELS = {
    "total": 2,
    "channels": [
        {"channel": "default", "subscribers": ["Ada"], "message_count": 0},
        {"channel": "ops", "subscribers": ["Ada"], "message_count": 0},
    ],
}
STATS = {
    "server": {"uptime_seconds": NUMBER, "connected_agents": 1},
    "routing": {
        "total_agents": 1,
        "agents_by_type": {"coder": 1},
        "total_channels": 2,
        "channel_subscribers": {"default": 1, "ops": 1},
        "message_counts": {"Ada": 0},
    },
    "storage": {
        "total_keys": NUMBER,
        "agents_with_context": 0,
        "agents_with_history": NUMBER,
        "active_sessions": 0,
        "online_agents": 1,
    },
}
SHAPES: dict[str, Any] = {
    "/health": HEALTH,
    "/info": {**INFO, "features": [TEXT] * 6},
    "/agents": {"total": 1, "agents": [ADA]},
    "/agents/Ada": ADA,
    "/channels": CHANNELS,
}


def alike(pattern: Any, value: Any) -> list[str]:
    return list(differences(pattern, value, {}))


@pytest.mark.parametrize("path", SHAPES)
async def test_a_route_answers_in_the_shape_of_skynet(world: SkynetWorld, path: str) -> None:
    await world.agent("Ada", agent_type="coder", channels="default,ops", priority=8)
    rest = await world.rest()
    assert alike(SHAPES[path], await rest.get(path)) == []


async def test_stats_have_the_sections_of_skynet(world: SkynetWorld) -> None:
    await world.agent("Ada", agent_type="coder", channels="default,ops", priority=8)
    rest = await world.rest()
    found = await rest.get("/stats")
    for section, fields in STATS.items():
        for name, pattern in fields.items():
            assert alike(pattern, found[section][name]) == [], name


async def test_figures_for_people_and_for_prometheus(world: SkynetWorld) -> None:
    ada, rest = await world.agent("ada"), await world.rest()
    await rest.send("sender", "hello", to_agent="ada")
    await ada.message("hello")
    traffic = (await rest.get("/stats"))["traffic"]
    assert traffic["total"]["sent"] == 1
    names = [one["name"] for one in traffic["members"]]
    assert names == ["ada", "sender"], "without a token: the totals, and the agents that have none either"
    async with aiohttp.ClientSession() as session:
        url = world.url.replace("ws", "http") + "/metrics"
        async with session.get(url) as answer:
            page = await answer.text()
            assert answer.headers["Content-Type"].startswith("text/plain")
        assert "connected_members" in page
        assert 'member="ada"' in page
        assert 'member="(others)"' not in page
        operator = world.gateway.operator.token
        async with session.get(url, headers={"Authorization": f"Bearer {operator}"}) as answer:
            assert 'member="sender"' in await answer.text()


def error(status: int) -> dict[str, Any]:
    return {"error": TEXT, "error_code": f"HTTP_{status}", "details": {"code": TEXT}, "timestamp": ISO}


REFUSED: list[tuple[str, str, Any, int]] = [
    ("GET", "/nothing", None, 404),
    ("GET", "/agents/nobody", None, 404),
    ("GET", "/sessions/nothing", None, 404),
    ("GET", "/history/nobody", None, 404),
    ("GET", "/history/ada?limit=0", None, 422),
    ("GET", "/history/ada?limit=many", None, 422),
    ("DELETE", "/agents", None, 405),
    ("POST", "/messages/send", {}, 422),
    ("POST", "/messages/send", [], 422),
    ("POST", "/messages/send", {"from_agent": "ada"}, 422),
    ("POST", "/messages/send", {"from_agent": "two words", "content": "x"}, 422),
    ("POST", "/messages/send", {"from_agent": "ada", "content": "x", "type": "shout"}, 422),
    ("POST", "/messages/send", {"from_agent": "ada", "content": "x", "more": 1}, 422),
    ("POST", "/messages/send", {"from_agent": "ada", "content": "x", "type": "reply"}, 422),
    ("POST", "/messages/send", {"from_agent": "ada", "content": "x", "type": "broadcast", "to_agent": "ben"}, 422),
    ("POST", "/messages/send", {"from_agent": "ada", "content": "x", "context": {"priority": 99}}, 422),
    ("POST", "/messages/send", {"from_agent": "ada", "content": "x", "meta": {"ttl": -1}}, 422),
    ("POST", "/messages/send", {"from_agent": "alice", "content": "x"}, 409),
    ("POST", "/messages/send", {"from_agent": "system", "content": "x"}, 400),
    ("POST", "/context", {"agent_id": "ada"}, 422),
    ("POST", "/context", {"agent_id": "ada", "context": "x"}, 422),
    ("POST", "/context", {"agent_id": "alice", "context": {}}, 409),
    ("POST", "/sessions", {}, 422),
    ("POST", "/sessions", {"participants": ["nobody"]}, 404),
    ("POST", "/sessions", {"participants": ["ada"], "session_id": "two words"}, 422),
    ("GET", "/context/alice", None, 401),
]


async def test_errors_have_the_body_of_skynet(world: SkynetWorld) -> None:
    await world.person()
    await world.agent("ada")
    rest = await world.rest()
    for method, path, body, status in REFUSED:
        answer = await rest.ask(method, path, body)
        assert answer[0] == status, (method, path, body, answer)
        assert alike({**error(status), "details": answer[1]["details"]}, answer[1]) == [], (path, body)


SENTENCES: list[tuple[str, dict[str, Any], str]] = [
    ("/messages/send", {"content": "x", "type": "shout"}, "`type` cannot be 'shout'. Use task, reply,"),
    ("/messages/send", {"content": "x", "more": 1}, "'more' is unknown. Use from_agent, content, to_agent,"),
    ("/messages/send", {"content": "x", "context": {"agent_type": "c", "strategy": "x"}}, "Use all, round_robin,"),
    ("/messages/send", {"content": "x", "to_agent": "two words"}, "`to_agent` is not a valid agent id. Use 1 to 128"),
    ("/context", {"agent_id": "ada", "contexts": {}}, "Use agent_id or context."),
    ("/sessions", {"participants": [], "members": []}, "Use participants, session_id, goal or metadata."),
]


async def test_a_wrong_name_is_answered_with_the_right_ones(world: SkynetWorld) -> None:
    rest = await world.rest()
    for path, body, sentence in SENTENCES:
        sender = {"from_agent": "ada"} if path == "/messages/send" else {}
        status, answer = await rest.ask("POST", path, {**sender, **body})
        assert status == 422
        assert sentence in answer["error"]


async def test_broken_bodies_are_refused(world: SkynetWorld) -> None:
    url = world.url.replace("ws", "http") + "/messages/send"
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        for body in (b"nope", b"\xff\xfe", b"", b'{"from_agent":', b"[" * 20_000):
            async with session.post(url, data=body) as answer:
                assert (answer.status, (await answer.json())["error_code"]) == (422, "HTTP_422"), body[:20]
        async with session.post(url, data=io.BytesIO(b"x" * (5 * 1024 * 1024))) as answer:
            assert (answer.status, (await answer.json())["error_code"]) == (413, "HTTP_413")


async def test_a_task_without_a_target_is_the_broadcast_that_the_command_line_announces(world: SkynetWorld) -> None:
    ada, rest = await world.agent("ada"), await world.rest()
    sent = await rest.send("cli", "to all", type="task", to_agent=None, context={}, meta={}, encrypt=False)
    assert (sent["success"], sent["error"], sent["recipients"]) == (True, None, ["ada"])
    assert (await ada.message("to all"))["type"] == "broadcast"


async def test_who_only_sends_is_not_listed_and_its_answers_wait(world: SkynetWorld) -> None:
    ada, rest = await world.agent("ada"), await world.rest()
    await rest.send("cli", "question", to_agent="ada")
    asked = await ada.message("question")
    assert [one["agent_id"] for one in (await rest.get("/agents"))["agents"]] == ["ada"]
    await ada.send("reply", "answer", "cli", parent_id=asked["id"], trace_id=asked["trace_id"])
    await ada.settled()
    cli = await world.agent("cli")
    assert (await cli.message("answer"))["parent_id"] == asked["id"]
    assert ada.errors == []


async def test_strategies_work_over_rest_and_name_who_was_picked(world: SkynetWorld) -> None:
    await world.agent("one", agent_type="coder", priority=2)
    best, rest = await world.agent("two", agent_type="coder", priority=9), await world.rest()
    chosen = {"agent_type": "coder", "strategy": "priority"}
    sent = await rest.send("cli", "work", context=chosen)
    assert sent["recipients"] == ["two"]
    await best.message("work")


async def test_members_of_other_kinds_are_listed_while_they_are_there(world: SkynetWorld) -> None:
    from gateway.client import Client
    from gateway.protocol.requests.connection_requests import Hello

    rest = await world.rest()
    async with Client(await world.gateway.member("claude", role="reviewer"), Hello(inbox=True)):
        (claude,) = (await rest.get("/agents"))["agents"]
        assert (claude["agent_id"], claude["agent_type"], claude["channels"]) == ("claude", "reviewer", ["default"])
        assert claude["metadata"] == {"kind": "agent"}


# contexts


async def test_a_context_is_the_shared_document_of_the_agent(world: SkynetWorld) -> None:
    rest = await world.rest()
    missing = {"success": False, "agent_id": "ada", "context": None, "error": "Context not found"}
    assert await rest.get("/context/ada") == missing
    await rest.post("/context", {"agent_id": "ada", "context": {"a": 1}})
    await world.person()
    assert json.loads(bytes((await world.do(ALICE, GetContext(scope="@ada"))).document)) == {"a": 1}


async def test_the_global_context_belongs_to_all(world: SkynetWorld) -> None:
    rest = await world.rest()
    await rest.post("/context", {"agent_id": "__global__", "context": {"a": 1}})
    assert (await rest.get("/context/__global__"))["context"] == {"a": 1}
    await world.person()
    await world.do(ALICE, PutContext(scope="global", document={"b": 2}))
    assert (await rest.get("/context/__global__"))["context"] == {"b": 2}


async def test_the_global_context_can_be_written_with_a_token(world: SkynetWorld) -> None:
    rest, token = await world.rest(), (await world.gateway.member("dave")).token
    await rest.post("/context", {"agent_id": "__global__", "context": {"a": 1}}, **{"X-Auth-Token": token})
    assert (await rest.get("/context/__global__", **{"X-Auth-Token": token}))["context"] == {"a": 1}


async def test_to_read_makes_no_member(world: SkynetWorld) -> None:
    await world.person()
    rest, before = await world.rest(), set(world.hub.state.members)
    await world.do(ALICE, PutContext(scope="global", document={"a": 1}))
    assert (await rest.get("/context/__global__"))["context"] == {"a": 1}
    for path in ("/context/nobody", "/history/nobody", "/agents/nobody", "/sessions/nothing", "/agents", "/channels"):
        await rest.ask("GET", path)
    assert set(world.hub.state.members) == before


REFUSED_AT_ONCE: list[tuple[str, dict[str, Any]]] = [
    ("/messages/send", {"from_agent": "newcomer", "content": "x", "type": "reply"}),
    ("/messages/send", {"from_agent": "newcomer", "content": "x", "meta": {"ttl": -1}}),
    ("/context", {"agent_id": "newcomer", "context": {"a": "x" * 1_100_000}}),
]


async def test_what_is_refused_makes_no_member(world: SkynetWorld) -> None:
    rest = await world.rest()
    for path, body in REFUSED_AT_ONCE:
        status, _ = await rest.ask("POST", path, body)
        assert status in (413, 422)
        assert "newcomer" not in world.hub.state.members


async def test_merges_at_the_same_time_lose_nothing(world: SkynetWorld) -> None:
    rest = await world.rest()
    await rest.post("/context", {"agent_id": "ada", "context": {}})
    await asyncio.gather(
        *(rest.post("/context", {"agent_id": "ada", "context": {f"k{n}": n, "all": [n]}}) for n in range(12))
    )
    found = (await rest.get("/context/ada"))["context"]
    assert sorted(found.pop("all")) == list(range(12))
    assert found == {f"k{n}": n for n in range(12)}


async def test_a_context_of_more_than_a_megabyte_is_refused(world: SkynetWorld) -> None:
    rest = await world.rest()
    status, body = await rest.ask("POST", "/context", {"agent_id": "ada", "context": {"a": "x" * 1_100_000}})
    assert (status, body["error_code"]) == (413, "HTTP_413")


# sessions

SESSION = {
    "session_id": TEXT,
    "participants": ["ada", "ben"],
    "status": "active",
    "created_at": ISO,
    "updated_at": ISO,
    "message_count": 0,
    "metadata": {"goal": "find papers", "tags": ["rag"]},
}


async def test_a_session_is_ours(world: SkynetWorld) -> None:
    ada, ben, rest = await world.agent("ada"), await world.agent("ben"), await world.rest()
    wish = {"participants": ["ada", "ben"], "goal": "find papers", "metadata": {"tags": ["rag"]}}
    made = await rest.post("/sessions", wish)
    assert alike(SESSION, made) == []
    assert re.fullmatch(r"[0-9a-f-]{36}", made["session_id"])
    await ada.send("task", "search", "ben", context={"session_id": made["session_id"]})
    got = await ben.message("search")
    assert got["payload"]["context"]["session_id"] == made["session_id"]
    await world.person()
    await world.do(ALICE, Send(content="not part of it"))
    found = await rest.get(f"/sessions/{made['session_id']}")
    assert (found["message_count"], found["status"]) == (1, "active")
    await ada.send("broadcast", "in it", context={"session_id": made["session_id"]})
    await ben.message("in it")
    await world.do(ALICE, CloseSession(session=made["session_id"]))
    closed = await rest.get(f"/sessions/{made['session_id']}")
    assert closed["status"] == "completed"


async def test_a_session_needs_an_agent_that_may_open_it(world: SkynetWorld) -> None:
    await world.person()
    rest = await world.rest()
    status, body = await rest.ask("POST", "/sessions", {"participants": ["alice"]})
    assert (status, body["error_code"]) == (403, "HTTP_403")


BAD_METADATA: dict[str, Any] = {
    "too large": {"a": "x" * 1_100_000},
    "too deep": json.loads('{"a":' + "[" * 90 + "]" * 90 + "}"),
    "no object": "x",
}


async def test_a_session_whose_metadata_is_refused_is_not_opened(world: SkynetWorld) -> None:
    await world.agent("ada")
    rest = await world.rest()
    wish = {"participants": ["ada"], "session_id": "sess_1"}
    for name, metadata in BAD_METADATA.items():
        status, _ = await rest.ask("POST", "/sessions", {**wish, "metadata": metadata})
        assert status in (400, 413, 422), name
        assert not world.hub.state.sessions, name
    await rest.post("/sessions", {**wish, "metadata": {"tags": ["rag"]}})


async def test_a_session_does_not_replace_a_document_of_its_room(world: SkynetWorld) -> None:
    await world.agent("ada")
    await world.person()
    await world.do(ALICE, PutContext(scope="#general", name="main", document={"a": 1}))
    rest = await world.rest()
    wish = {"participants": ["ada"], "session_id": "main", "metadata": {"b": 2}}
    status, body = await rest.ask("POST", "/sessions", wish)
    assert (status, "main" in body["error"]) == (409, True)
    assert not world.hub.state.sessions
    found = await world.do(ALICE, GetContext(scope="#general", name="main"))
    assert json.loads(bytes(found.document)) == {"a": 1}


async def test_a_session_id_is_used_once(world: SkynetWorld) -> None:
    await world.agent("ada")
    rest = await world.rest()
    await rest.post("/sessions", {"participants": ["ada"], "session_id": "sess_1"})
    status, _ = await rest.ask("POST", "/sessions", {"participants": ["ada"], "session_id": "sess_1"})
    assert status == 409


# history


async def test_history_has_the_messages_of_an_agent_oldest_first(world: SkynetWorld) -> None:
    ada, ben, rest = await world.agent("ada"), await world.agent("ben"), await world.rest()
    for number in range(5):
        await ada.send("task", f"task {number}", "ben")
        await ben.message(f"task {number}")
    await ben.send("reply", "done", "ada")
    await ada.message("done")
    found = await rest.get("/history/ben?limit=3")
    assert [one["payload"]["content"] for one in found["messages"]] == ["task 3", "task 4", "done"]
    assert (found["total"], found["agent_id"]) == (3, "ben")


async def test_history_of_a_member_with_a_token_needs_that_token(world: SkynetWorld) -> None:
    await world.person()
    rest = await world.rest()
    status, _ = await rest.ask("GET", "/history/alice")
    assert status == 409
    dave = await world.gateway.member("dave", MemberKind.TOOL)
    found = await rest.get("/history/dave", Authorization=f"Bearer {dave.token}")
    assert found["messages"] == []


# tokens, pages of browsers


async def test_a_token_sends_as_its_member_alone(world: SkynetWorld) -> None:
    ada, rest = await world.agent("ada"), await world.rest()
    dave = await world.gateway.member("dave", MemberKind.TOOL)
    bearer = {"X-Auth-Token": dave.token}
    sent = await rest.post("/messages/send", {"from_agent": "dave", "content": "x", "to_agent": "ada"}, **bearer)
    assert sent["success"]
    assert (await ada.message("x"))["from_agent"] == "dave"
    body = {"from_agent": "ada", "content": "y"}
    status, answer = await rest.ask("POST", "/messages/send", body, **bearer)
    assert (status, answer["error_code"]) == (403, "HTTP_403")
    status, _ = await rest.ask("GET", "/agents", Authorization="Bearer wrong")
    assert status == 401


async def test_pages_of_browsers_are_refused(world: SkynetWorld) -> None:
    rest = await world.rest()
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}):
        status, body = await rest.ask("GET", "/agents", **headers)
        assert (status, body["error_code"]) == (403, "HTTP_403"), headers


async def test_the_api_page_loads_nothing_from_elsewhere(world: SkynetWorld) -> None:
    async with aiohttp.ClientSession() as session, session.get(world.url.replace("ws", "http") + "/docs") as answer:
        page = await answer.text()
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "/messages/send" in page
    assert not re.search(r"(src|href)=", page)


async def test_a_listener_that_nobody_uses_does_nothing(world: SkynetWorld) -> None:
    """No timer, no task, and no look at what others say."""
    assert (world.hub.publisher.watchers, what_the_dialect_runs()) == ([], [])
    await world.person()
    await world.do(ALICE, Send(content="among ourselves"))
    rest = await world.rest()
    await rest.get("/health")
    assert (world.hub.publisher.watchers, what_the_dialect_runs()) == ([], [])


async def test_heartbeats_run_only_while_somebody_is_connected(world: SkynetWorld) -> None:
    async with skynet_agent(world.url, "ada"):
        async with skynet_agent(world.url, "ben"):
            assert what_the_dialect_runs() == ["AgentRegistry._beat"]
        await retry_until(lambda: world.hub.state.members["ben"].member.hidden)
        assert what_the_dialect_runs() == ["AgentRegistry._beat"], "ada is still there"
    await retry_until(lambda: world.hub.state.members["ada"].member.hidden)
    assert what_the_dialect_runs() == []


DIALECT = str(Path(gateway.dialects.skynet.__file__).parent)


def what_the_dialect_runs() -> list[str]:
    """The timers and tasks of this loop that are the Skynet dialect's own. The gateway has its own in the same loop."""
    loop: Any = asyncio.get_running_loop()
    timers = [one._callback for one in loop._scheduled if not one.cancelled()]
    tasks = [one.get_coro() for one in asyncio.all_tasks()]
    found = [inspect.unwrap(getattr(one, "func", one)) for one in (*timers, *tasks)]
    return [one.__qualname__ for one in found if source_of(one).startswith(DIALECT)]


def source_of(what: Any) -> str:
    """The file of a function, a method or a coroutine."""
    code = getattr(what, "__code__", None) or getattr(what, "cr_code", None)
    return code.co_filename if code is not None else ""


async def test_messages_over_rest_are_counted_without_a_socket(world: SkynetWorld) -> None:
    rest = await world.rest()
    await rest.send("sender", "to all", type="broadcast")
    (default,) = (await rest.get("/channels"))["channels"]
    assert default["message_count"] == 1


async def test_health_is_told_while_the_disk_is_stuck(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    store = LateStore(tmp_path / "state" / "groupchat.db")
    async with (
        assembled(tmp_path / "state", store=store, listen=(listen_at("skynet=0"),), stuck_after=0.05) as gateway,
        AsyncExitStack() as stack,
    ):
        world = SkynetWorld(gateway, stack)
        rest = await world.rest()
        await world.person()
        assert (await rest.get("/health"))["status"] == "healthy"
        store.gate.clear()
        begun = start_operation(gateway.hub, ALICE, Send(content="waits"))
        await retry_until(lambda: gateway.hub.committer.health().stuck)
        health = await rest.get("/health")
        assert (health["status"], health["redis_connected"]) == ("degraded", False)
        store.gate.set()
        await begun


async def test_a_closed_channel_is_in_no_list_of_others(world: SkynetWorld) -> None:
    await world.person()
    await world.do(ALICE, CreateRoom(room="vault", invite_only=True))
    ada, rest = await world.agent("ada"), await world.rest()
    await world.do(ALICE, Invite(room="vault", member="ada"))
    await ada.answer_to_control("subscribe", "subscribed", channel="vault")
    for path in ("/agents", "/agents/ada", "/channels", "/stats"):
        assert "vault" not in json.dumps(await rest.get(path)), path

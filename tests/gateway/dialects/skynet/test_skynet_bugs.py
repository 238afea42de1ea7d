"""The nine bugs of Skynet Linker's own server, each shown absent. (The first, that it does not start, is shown absent
by every test here.)"""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.protocol.types.core_types import MemberKind
from gateway.runtime.listen_option import listen_at
from tests.fakes.skynet_client import skynet_socket
from tests.support.gateways import gateway_in_process
from tests.support.skynet import SkynetWorld

REQUIRED = {"id", "from_agent", "type", "channel", "payload", "timestamp", "trace_id"}
KNOWN = REQUIRED | {"to_agent", "parent_id", "encrypted", "signature"}


async def test_2_authentication_is_wired(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("security: {auth_enabled: true}")
    listen = (listen_at("skynet=0"),)
    async with (
        gateway_in_process(tmp_path / "state", listen=listen, skynet_config=file) as gateway,
        AsyncExitStack() as s,
    ):
        world = SkynetWorld(gateway, s)
        rest = await world.rest()
        for path in ("/health", "/agents", "/stats", "/metrics", "/context/ada"):
            status, body = await rest.ask("GET", path)
            assert (status, body["error_code"]) == (401, "HTTP_401"), path
            status, body = await rest.ask("GET", f"{path}?token=wrong")
            assert (status, body["error_code"]) == (401, "HTTP_401"), path
        status, _ = await rest.ask("POST", "/messages/send", {"from_agent": "ada", "content": "x"})
        assert status == 401
        token = (await gateway.member("dave", MemberKind.TOOL)).token
        for headers in ({"Authorization": f"Bearer {token}"}, {"X-Auth-Token": token}):
            assert (await rest.get("/agents", **headers))["total"] == 0
        assert (await rest.get(f"/agents?token={token}"))["total"] == 0
        assert (await rest.get(f"/t/{token}/health"))["status"] == "healthy"
        assert (await world.agent("x", f"/t/{token}/ws")).agent_id == "dave"
        with pytest.raises(Exception, match="401"):
            async with skynet_socket(world.url, agent_id="ada"):
                pass


async def test_2_round_robin_is_wired(world: SkynetWorld) -> None:
    sender = await world.agent("sender")
    workers = [await world.agent(f"worker{n}", agent_type="worker") for n in (1, 2)]
    for number in range(4):
        await sender.send("task", number, context={"agent_type": "worker", "strategy": "round_robin"})
    await workers[0].until(lambda: len(workers[0].messages) == 2)
    await workers[1].until(lambda: len(workers[1].messages) == 2)
    assert [one.contents for one in workers] == [[0, 2], [1, 3]]


@pytest.mark.parametrize("type_", ["task", "reply", "ack", "context_update", "error"])
async def test_3_sending_over_rest_keeps_the_type_and_counts_once(world: SkynetWorld, type_: str) -> None:
    rest, ada = await world.rest(), await world.agent("ada")
    sent = await rest.send("sender", "content", to_agent="ada", type=type_)
    got = await ada.message("content")
    assert (got["type"], got["id"]) == (type_, sent["message_id"])
    assert (await rest.get("/agents/ada"))["message_count"] == 1
    assert (await rest.get("/stats"))["routing"]["message_counts"]["ada"] == 1
    await ada.settled()
    assert len(ada.messages) == 1


async def test_3_a_broadcast_over_rest_counts_once(world: SkynetWorld) -> None:
    rest, ada = await world.rest(), await world.agent("ada", channels="one")
    sent = await rest.send("sender", "to all", type="broadcast", channel="one")
    assert sent["recipients"] == ["ada"]
    got = await ada.message("to all")
    assert (got["type"], got["to_agent"], got["channel"]) == ("broadcast", None, "one")
    assert (await rest.get("/agents/ada"))["message_count"] == 1
    channels = {one["channel"]: one for one in (await rest.get("/channels"))["channels"]}
    assert (channels["one"]["message_count"], channels["one"]["subscribers"]) == (1, ["ada"])


async def test_4_the_end_of_an_old_connection_does_not_remove_the_new_one(world: SkynetWorld) -> None:
    rest, old = await world.rest(), await world.agent("ada")
    new = await world.agent("ada")
    async with asyncio.timeout(60):
        await old.ended.wait()
    assert [one["agent_id"] for one in (await rest.get("/agents"))["agents"]] == ["ada"]
    assert (await rest.send("ben", "hello", to_agent="ada"))["success"]
    await new.message("hello")


async def test_5_nothing_that_is_sent_violates_the_schema(world: SkynetWorld) -> None:
    """An encrypted message violated its own schema. Here it is refused; every message has exactly the known fields."""
    ada, ben, rest = await world.agent("ada"), await world.agent("ben"), await world.rest()
    await ada.send("broadcast", "sealed", encrypted=True)
    assert "no key" in (await ada.error())["error"]
    status, body = await rest.ask("POST", "/messages/send", {"from_agent": "ada", "content": "x", "encrypt": True})
    assert (status, body["success"], body["error_code"]) == (400, False, "HTTP_400")
    assert "no key" in body["error"]
    await ada.send("task", {"a": 1}, "ben", meta={"requires_ack": True})
    await world.person()
    await ada.until(lambda: ada.messages)
    for one in (*ben.messages, *ada.messages):
        assert one.keys() == KNOWN
        assert one["payload"].keys() == {"content", "context", "meta"}
        assert one["encrypted"] is False


async def test_6_messages_on_the_socket_are_validated(world: SkynetWorld) -> None:
    ada, ben = await world.agent("ada"), await world.agent("ben")
    await ada.raw(json.dumps({"type": "mcp_message", "data": {"id": "abc", "type": "broadcast"}}))
    error = await ada.error()
    assert (error["error_code"], error["details"]["message_id"]) == ("MESSAGE_ERROR", "abc")
    await ada.send("broadcast", "valid")
    await ben.message("valid")
    assert len(ben.messages) == 1


async def test_7_an_unknown_target_is_an_error_with_a_reason(world: SkynetWorld) -> None:
    ada, rest = await world.agent("Gemini"), await world.rest()
    answer = await rest.send("sender", "hello", to_agent="Gemimi")
    assert (answer["success"], answer["recipients"], answer["message_id"]) == (False, [], None)
    assert "Gemimi" in answer["error"]
    assert answer["details"]["nearest"] == ["Gemini"]
    sent = await ada.send("task", "hello", "Gemimi")
    error = await ada.error()
    assert (error["error_code"], error["details"]["message_id"]) == ("HANDLING_ERROR", sent["id"])


async def test_8_the_monitor_sees_direct_messages(world: SkynetWorld) -> None:
    monitor = await world.agent("cli_monitor", agent_type="monitor", channels="default", priority=1)
    await world.agent("gemini")
    rest = await world.rest()
    await rest.send("claude_cli", "research", to_agent="gemini")
    seen = await monitor.message("research")
    assert (seen["from_agent"], seen["to_agent"], seen["type"]) == ("claude_cli", "gemini", "task")


async def test_9_a_context_is_merged_in_order_with_its_types_and_fields_can_go(world: SkynetWorld) -> None:
    rest = await world.rest()
    first = {"facts": ["b", "a"], "number": "123", "plan": {"x": 1, "y": [{"id": 1}]}}
    assert (await rest.post("/context", {"agent_id": "ada", "context": first}))["context"] == first
    update = {"facts": ["a", "c"], "flag": "true", "plan": {"x": None, "y": [{"id": 1}, {"id": 2}]}}
    merged = {"facts": ["b", "a", "c"], "number": "123", "plan": {"y": [{"id": 1}, {"id": 2}]}, "flag": "true"}
    assert (await rest.post("/context", {"agent_id": "ada", "context": update}))["context"] == merged
    assert await rest.get("/context/ada") == {"success": True, "agent_id": "ada", "context": merged, "error": None}

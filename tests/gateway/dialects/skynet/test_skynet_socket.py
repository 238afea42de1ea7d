"""Skynet clients on a running gateway: connecting, channels, messages, acknowledgements, and the people beside them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.client import Client
from gateway.protocol.events import MemberEvent, Message, RoomEvent
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import Members
from gateway.protocol.requests.message_requests import History, Send
from gateway.protocol.types.core_types import MemberKind, MessageKind, Scope
from gateway.runtime.listen_option import listen_at
from tests.fakes.retry import retry_until
from tests.fakes.skynet_client import skynet_agent, skynet_socket
from tests.support.gateways import gateway_in_process
from tests.support.skynet import ALICE, SkynetWorld


async def test_an_agent_is_welcomed_and_seen_with_its_type(world: SkynetWorld) -> None:
    agent = await world.agent("claude_cli", agent_type="planner", channels="skynet_core,default", priority=8)
    (welcome,) = agent.controls("connected")
    assert welcome["agent_id"] == "claude_cli"
    assert "claude_cli" in welcome["message"]
    assert welcome["server_time"].endswith("Z")
    await world.person()
    listed = await world.do(ALICE, Members())
    seen = next(one for one in listed.agents if one.name == "claude_cli")
    assert (seen.role, seen.kind, seen.presence) == ("planner", MemberKind.AGENT, "online")
    assert world.hub.state.rooms_of["claude_cli"] == {"general", "skynet_core"}
    assert world.hub.state.members["claude_cli"].member.priority == 8


async def test_a_task_reaches_one_agent_alone_and_is_acknowledged(world: SkynetWorld) -> None:
    claude, gemini = await world.agent("claude_cli"), await world.agent("Gemini")
    third = await world.agent("third")
    sent = await claude.send("task", "research", "Gemini", context={"priority": 8}, meta={"requires_ack": True})
    got = await gemini.message("research")
    assert got == {
        **sent,
        "from_agent": "claude_cli",
        "payload": {
            "content": "research",
            "context": {"priority": 8},
            "meta": {**got["payload"]["meta"], "requires_ack": True},
        },
    }
    ack = (await claude.until(lambda: claude.messages))[0]
    assert (ack["type"], ack["from_agent"], ack["to_agent"]) == ("ack", "Gemini", "claude_cli")
    assert (ack["parent_id"], ack["trace_id"]) == (sent["id"], sent["trace_id"])
    await third.settled()
    assert third.messages == []
    assert len(claude.messages) == 1


async def test_a_message_that_asks_for_no_acknowledgement_gets_none(world: SkynetWorld) -> None:
    ada, ben = await world.agent("ada"), await world.agent("ben")
    await ada.send("task", "quiet", "ben")
    await ben.message("quiet")
    await ben.send("reply", "done", "ada")
    await ada.message("done")
    assert [one["type"] for one in ada.messages] == ["reply"]


async def test_a_reply_keeps_type_trace_and_parent(world: SkynetWorld) -> None:
    ada, ben = await world.agent("ada"), await world.agent("ben")
    task = await ada.send("task", "do it", "ben")
    await ben.message("do it")
    await ben.send("reply", "done", "ada", trace_id=task["trace_id"], parent_id=task["id"])
    reply = await ada.message("done")
    assert (reply["type"], reply["trace_id"], reply["parent_id"]) == ("reply", task["trace_id"], task["id"])
    await world.person()
    listed = await world.do(ALICE, History())
    assert listed.messages == (), "direct messages are between two"
    stored = [one for one in await _log(world) if one.content == "done"]
    asked = [one for one in await _log(world) if one.content == "do it"]
    assert stored[0].kind is MessageKind.REPLY
    assert stored[0].reply_to == asked[0].seq, "the answer is linked in the log, too"


async def _log(world: SkynetWorld) -> list[Message]:
    records, _ = await world.hub.store.read(0, 10_000, lambda record: record.kind == "message")
    from gateway.operations.messages.message_queries import decode_message

    return [decode_message(one) for one in records]


async def test_a_broadcast_reaches_the_subscribers_of_its_channel(world: SkynetWorld) -> None:
    ada = await world.agent("ada", channels="one,two")
    ben = await world.agent("ben", channels="two")
    eve = await world.agent("eve", channels="three")
    await ada.send("broadcast", "to two", channel="two")
    await ada.send("broadcast", "to one", channel="one")
    await eve.send("broadcast", "from outside", channel="one")
    got = await ben.message("to two")
    assert (got["channel"], got["to_agent"], got["type"]) == ("two", None, "broadcast")
    await ada.message("from outside")
    for one in (ada, ben, eve):
        await one.settled()
    assert (ada.contents, ben.contents, eve.contents) == (["from outside"], ["to two"], [])


async def test_subscribing_and_unsubscribing(world: SkynetWorld) -> None:
    ada, ben = await world.agent("ada"), await world.agent("ben")
    assert (await ben.answer_to_control("subscribe", "subscribed", channel="Design"))["channel"] == "Design"
    await ada.send("broadcast", "first", channel="design")
    assert (await ben.message("first"))["channel"] == "Design", "a channel is called as its reader called it"
    assert (await ben.answer_to_control("unsubscribe", "unsubscribed", channel="Design"))["channel"] == "Design"
    await ada.send("broadcast", "second", channel="design")
    await ada.send("broadcast", "end")
    await ben.message("end")
    assert "second" not in ben.contents


async def test_to_subscribe_again_renames_the_channel_and_loses_no_count(world: SkynetWorld) -> None:
    ada, ben, rest = await world.agent("ada"), await world.agent("ben"), await world.rest()
    await ada.send("broadcast", "first")
    await ben.message("first")
    await ben.answer_to_control("subscribe", "subscribed", channel="Default")
    await ada.send("broadcast", "second")
    assert (await ben.message("second"))["channel"] == "Default"
    assert (await rest.get("/agents/ben"))["message_count"] == 2


async def test_a_ping_is_answered_and_a_pong_is_silent(world: SkynetWorld) -> None:
    ada = await world.agent("ada")
    assert "timestamp" in await ada.answer_to_control("ping", "pong")
    await ada.control("pong")
    await ada.settled()
    assert ada.errors == []


async def test_heartbeats_come_by_themselves(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("heartbeat: {interval: 1}")
    async with (
        gateway_in_process(tmp_path / "state", listen=(listen_at("skynet=0"),), skynet_config=file) as gateway,
        AsyncExitStack() as stack,
    ):
        ada = await SkynetWorld(gateway, stack).agent("ada")
        found = await ada.until(lambda: ada.controls("ping")[1:])
        assert "timestamp" in found[0]


async def test_a_heartbeat_message_is_no_message_of_the_room(world: SkynetWorld) -> None:
    ada, ben = await world.agent("ada"), await world.agent("ben")
    await ada.send("heartbeat", "alive")
    await ada.send("broadcast", "end")
    await ben.message("end")
    assert ben.contents == ["end"]
    assert [one.content for one in await _log(world)] == ["end"]


# with the others of the chat


async def test_a_person_sees_agents_and_is_seen(world: SkynetWorld) -> None:
    ada = await world.agent("ada")
    async with Client(world.gateway.operator, Hello(inbox=True)) as alice:
        await ada.send("broadcast", {"found": 3})
        heard = await _next_message(alice)
        assert (heard.from_, heard.content) == ("ada", '{"found":3}')
        await alice.send("hello agents")
        got = await ada.message("hello agents")
        assert (got["from_agent"], got["type"], got["channel"]) == ("alice", "broadcast", "default")
        await alice.send("only you", to="@ada")
        direct = await ada.message("only you")
        assert (direct["type"], direct["to_agent"]) == ("task", "ada")
        await ada.send("reply", "here", "alice", parent_id=direct["id"], trace_id=direct["trace_id"])
        answer = await _next_message(alice)
        assert (answer.content, answer.kind, answer.recipients) == ("here", MessageKind.REPLY, ("alice",))
        asked = [one for one in await _log(world) if one.content == "only you"]
        assert answer.reply_to == asked[0].seq


async def _next_message(client: Client) -> Message:
    async with asyncio.timeout(60):
        async for event in client.events():
            if isinstance(event, Message):
                return event
    raise AssertionError("the connection ended")


async def test_agents_of_other_systems_are_addressed_by_name(world: SkynetWorld) -> None:
    ada = await world.agent("ada")
    claude = await world.gateway.member("claude", role="coder")
    async with Client(claude, Hello(inbox=True)) as other:
        await ada.send("task", "write it", "claude")
        assert (await _next_message(other)).content == "write it"


# strategies


async def test_strategies_pick_one_agent_of_a_type(world: SkynetWorld) -> None:
    sender = await world.agent("sender", agent_type="planner")
    coders = [await world.agent(f"coder{n}", agent_type="coder", priority=n) for n in (1, 9, 5)]
    for number in range(3):
        await sender.send("task", f"turn {number}", context={"agent_type": "coder", "strategy": "round_robin"})
    for number, coder in enumerate(sorted(coders, key=lambda one: one.agent_id)):
        got = await coder.message(f"turn {number}")
        assert got["to_agent"] == coder.agent_id
    await sender.send("task", "important", context={"agent_type": "coder", "strategy": "priority"})
    await coders[1].message("important")
    await sender.send("task", "everyone", context={"agent_type": "coder", "strategy": "all"})
    for coder in coders:
        await coder.message("everyone")
        await coder.settled()
    assert [len(coder.messages) for coder in coders] == [2, 3, 2]
    assert sender.errors == []


async def test_load_picks_the_agent_with_the_fewest_waiting_messages(world: SkynetWorld) -> None:
    sender = await world.agent("sender")
    free = await world.agent("free", agent_type="coder")
    await world.agent("away", agent_type="coder")
    await world.person()
    busy = await world.agent("busy", agent_type="coder")
    busy.stop_reading()  # it answers no ping, so its messages wait
    for number in range(3):
        await sender.send("task", f"for busy {number}", "busy")
    await retry_until(lambda: world.hub.state.queued["busy"] == 3)
    for number in range(4):
        await sender.send("task", f"free {number}", context={"agent_type": "coder", "strategy": "load"})
    await sender.settled()
    await free.settled()
    assert world.hub.state.queued["busy"] == 3
    assert sender.errors == []


async def test_a_strategy_without_an_agent_of_that_type_is_an_error(world: SkynetWorld) -> None:
    sender = await world.agent("sender")
    sent = await sender.send("task", "x", context={"agent_type": "lawyer", "strategy": "load"})
    error = await sender.error()
    assert "lawyer" in error["error"]
    assert error["details"]["message_id"] == sent["id"]


# inboxes


async def test_waiting_messages_come_by_priority_and_each_once(world: SkynetWorld) -> None:
    sender = await world.agent("sender")
    async with AsyncExitStack() as first:
        away = SkynetWorld(world.gateway, first)
        await away.agent("worker")
    await retry_until(lambda: world.hub.state.members["worker"].member.hidden)
    for content, priority in (("low", 1), ("middle", 5), ("high", 10), ("middle too", 5)):
        await sender.send("task", content, "worker", context={"priority": priority})
    await retry_until(lambda: world.hub.state.queued["worker"] == 4)
    worker = await world.agent("worker")
    await worker.until(lambda: len(worker.messages) == 4)
    assert worker.contents == ["high", "middle", "middle too", "low"]
    await retry_until(lambda: world.hub.state.queued["worker"] == 0)
    again = await world.agent("worker")
    await again.settled()
    assert again.messages == []


async def test_a_message_past_its_ttl_is_not_delivered_and_its_sender_hears_of_it(world: SkynetWorld) -> None:
    sender = await world.agent("sender")
    async with AsyncExitStack() as first:
        await SkynetWorld(world.gateway, first).agent("worker")
    await retry_until(lambda: world.hub.state.members["worker"].member.hidden)
    sent = await sender.send("task", "too late", "worker", meta={"ttl": 1})
    error = await sender.error()
    assert error["error_code"] == "HANDLING_ERROR"
    assert "worker" in error["error"]
    assert "not delivered" in error["error"]
    assert error["details"]["message_id"] == sent["id"]
    worker = await world.agent("worker")
    await worker.settled()
    assert worker.messages == []


async def test_a_message_with_ttl_zero_reaches_who_is_there(world: SkynetWorld) -> None:
    ada, ben = await world.agent("ada"), await world.agent("ben")
    await ada.send("task", "now", "ben", meta={"ttl": 0})
    await ben.message("now")


# monitors


async def test_a_monitor_sees_its_channel_and_direct_messages_in_it(world: SkynetWorld) -> None:
    monitor = await world.agent("cli_monitor", agent_type="monitor", channels="default", priority=1)
    ada, ben = await world.agent("ada"), await world.agent("ben")
    await ada.send("task", "between two", "ben")
    await ben.message("between two")
    await ada.send("broadcast", "to all")
    await ada.send("broadcast", "elsewhere", channel="other")
    await monitor.message("to all")
    seen = await monitor.message("between two")
    assert (seen["from_agent"], seen["to_agent"], seen["type"]) == ("ada", "ben", "task")
    await monitor.settled()
    assert monitor.contents.count("between two") == 1
    assert "elsewhere" not in monitor.contents


async def test_a_monitor_without_a_token_sees_no_direct_message_of_a_member_with_one(world: SkynetWorld) -> None:
    monitor = await world.agent("cli_monitor", agent_type="monitor")
    token = (await world.gateway.member("watcher", MemberKind.TOOL, Scope.OBSERVER)).token
    observer = await world.agent("any", f"/t/{token}/ws", agent_type="monitor")
    ada = await world.agent("ada")
    await world.person()
    await world.do(ALICE, Send(content="for ada alone", to="@ada"))
    await ada.message("for ada alone")
    await ada.send("reply", "for alice alone", "alice")
    await ada.send("broadcast", "end")
    for one in (monitor, observer):
        await one.message("end")
    assert monitor.contents == ["end"]
    assert observer.contents == ["for ada alone", "for alice alone", "end"]


async def test_an_observer_of_the_full_protocol_sees_an_agent_come_talk_and_go(world: SkynetWorld) -> None:
    watch = await world.gateway.member("watch", MemberKind.TOOL, Scope.OBSERVER)
    seen: list[object] = []
    ben = await world.agent("ben")
    async with Client(watch, Hello()) as observer:
        async with skynet_agent(world.url, "ada", agent_type="coder", channels="default,ops") as ada:
            await ada.send("broadcast", "to all", channel="ops")
            await ada.send("task", "between two", "ben")
            await ben.message("between two")
        async with asyncio.timeout(60):
            async for event in observer.events():
                seen.append(event)
                if isinstance(event, MemberEvent) and event.member.name == "ada" and event.member.hidden:
                    break
    coming, *_ = [one.member for one in seen if isinstance(one, MemberEvent) and one.member.name == "ada"]
    assert (coming.kind, coming.role, coming.hidden) == (MemberKind.AGENT, "coder", False)
    rooms = [one.room for one in seen if isinstance(one, RoomEvent) and one.member == "ada"]
    assert rooms[:2] == ["general", "ops"]
    said = [(one.from_, one.room, one.to, one.content) for one in seen if isinstance(one, Message)]
    assert said == [("ada", "ops", ("@all",), "to all"), ("ada", "general", ("@ben",), "between two")]


async def test_a_monitor_is_listed_and_cannot_be_written_to(world: SkynetWorld) -> None:
    await world.agent("cli_monitor", agent_type="monitor")
    ada = await world.agent("ada")
    await ada.send("task", "hello?", "cli_monitor")
    assert "cli_monitor" in (await ada.error())["error"]


# tokens


async def test_a_token_makes_its_caller_the_member(world: SkynetWorld) -> None:
    token = (await world.gateway.member("dave", MemberKind.TOOL)).token
    for path, query in ((f"/t/{token}/ws", {}), ("/ws", {"token": token})):
        dave = await world.agent("somebody", path, agent_type="coder", **query)
        assert dave.agent_id == "dave"
    await world.person()
    await world.do(ALICE, Send(content="to all"))
    await world.do(ALICE, Send(content="to dave", to="@dave"))
    await dave.message("to dave")
    await dave.message("to all")
    await dave.settled()
    assert sorted(dave.contents) == ["to all", "to dave"], "each once, by its inbox or by the stream"
    assert world.hub.state.members["dave"].member.role == "coder"


async def test_a_member_that_also_has_another_client_gets_each_message_once(world: SkynetWorld) -> None:
    """Its inbox then keeps what is said to everyone, too, and the stream leaves that to the inbox."""
    member = await world.gateway.member("dave", role="reviewer")
    await world.person()
    async with Client(member, Hello(inbox=True)):
        dave = await world.agent("dave", f"/t/{member.token}/ws")
        await world.do(ALICE, Send(content="to all"))
        await world.do(ALICE, Send(content="to dave", to="@dave"))
        await dave.message("to dave")
        await dave.message("to all")
        await dave.settled()
        assert sorted(dave.contents) == ["to all", "to dave"]
    assert world.hub.state.members["dave"].member.role == "reviewer", "it kept its role"


@pytest.mark.parametrize("query", [{"agent_type": "monitor", "priority": 1}, {"agent_type": "coder", "priority": 3}])
async def test_a_second_client_changes_nothing_of_its_member(world: SkynetWorld, query: dict[str, Any]) -> None:
    """A monitor names a priority, too, and its member is somebody else to whoever picks by role or priority."""
    member = await world.gateway.member("dave", role="reviewer")
    async with Client(member, Hello(inbox=True, priority=8)):
        await world.agent("dave", f"/t/{member.token}/ws", **query)
        found = world.hub.state.members["dave"].member
        assert (found.role, found.priority) == ("reviewer", 8)


async def test_a_member_that_comes_again_names_its_type_anew(world: SkynetWorld) -> None:
    token = (await world.gateway.member("dave", role="reviewer")).token
    await world.agent("dave", f"/t/{token}/ws", agent_type="monitor")
    for agent_type in ("coder", "planner"):
        await world.agent("dave", f"/t/{token}/ws", agent_type=agent_type, priority=3)
        found = world.hub.state.members["dave"].member
        assert (found.role, found.priority) == (agent_type, 3)


@pytest.mark.parametrize("kept_renderers", [1000, 1])
async def test_a_client_that_comes_after_skynet_gets_a_whole_inbox(
    world: SkynetWorld, monkeypatch: pytest.MonkeyPatch, kept_renderers: int
) -> None:
    """Also if so many channels are used that the shared renderers are made anew."""
    monkeypatch.setattr("gateway.dialects.skynet.connected_agents.MAX_KEPT_RENDERERS", kept_renderers)
    member = await world.gateway.member("dave", MemberKind.TOOL)
    dave = await world.agent("dave", f"/t/{member.token}/ws")
    assert world.hub.state.members["dave"].named_only
    await world.person()
    async with Client(member, Hello(inbox=True)) as other:
        assert not world.hub.state.members["dave"].named_only
        await world.agent("ben", channels="default,another")
        await world.do(ALICE, Send(content="to all"))
        assert (await _next_message(other)).deliveries == ("dave",)
        await dave.message("to all")
        await retry_until(lambda: not world.hub.state.queued["dave"])
        await dave.settled()
        assert dave.contents == ["to all"]


async def test_an_agent_that_got_a_token_is_no_guest_any_more(world: SkynetWorld) -> None:
    ada = await world.agent("ada")
    await world.gateway.member("ada")
    async with asyncio.timeout(60):
        await ada.ended.wait()
    assert "can no longer be used without a token" in ada.errors[-1]["error"]
    assert ada.socket.close_code == 4000
    async with skynet_socket(world.url, agent_id="ada") as refused:
        error = (await refused.until(lambda: refused.errors))[0]
        assert "token of its own" in error["error"]

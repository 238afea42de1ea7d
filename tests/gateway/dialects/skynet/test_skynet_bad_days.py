"""Bad input and bad luck: each is a clear error frame, nothing is lost, and the others go on."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from gateway.access.rate_limit import Rate
from gateway.client import Client
from gateway.protocol.requests.agent_requests import Continue
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.message_requests import Poll, Send
from gateway.protocol.requests.room_requests import CreateRoom, Invite, Kick
from gateway.protocol.results import Inbox
from gateway.protocol.types.core_types import MemberKind
from gateway.protocol.types.loop_limits import Limits
from gateway.runtime.listen_option import listen_at
from tests.fakes.json_frames import JsonFrames
from tests.fakes.retry import retry_until
from tests.fakes.skynet_client import skynet_agent, skynet_socket, wire_message
from tests.support.assembled import LateStore, assembled
from tests.support.gateways import gateway_in_process
from tests.support.skynet import ALICE, SkynetWorld

BAD_FRAMES: dict[str, str | bytes] = {
    "no JSON": "nope",
    "bytes": b"\xff\x00\xfe",
    "a list": "[]",
    "deep": "[" * 10_000,
    "unknown type": '{"type":"shout","data":{}}',
    "unknown action": '{"type":"control","data":{"action":"dance"}}',
    "subscribe without a channel": '{"type":"control","data":{"action":"subscribe"}}',
    "a channel of control bytes": '{"type":"control","data":{"action":"subscribe","params":{"channel":"\\u001b[2J"}}}',
    "no fields": '{"type":"mcp_message","data":{}}',
    "bad agent id": json.dumps({"type": "mcp_message", "data": wire_message("task", to="two words")}),
    "too large": json.dumps({"type": "mcp_message", "data": wire_message("broadcast", "x" * 300_000)}),
    "too deep": json.dumps({"type": "mcp_message", "data": wire_message("broadcast", json.loads("[" * 90 + "]" * 90))}),
    "a NUL": json.dumps({"type": "mcp_message", "data": wire_message("broadcast", "a\x00b")}),
    "half a surrogate pair": '{"type":"mcp_message","data":'
    + json.dumps(wire_message("broadcast", "HERE")).replace("HERE", "\\ud800")
    + "}",
    "target gone for ever": json.dumps({"type": "mcp_message", "data": wire_message("task", to="nobody")}),
    "encrypted": json.dumps({"type": "mcp_message", "data": wire_message("broadcast", encrypted=True)}),
}


async def test_every_bad_frame_is_one_clear_error_and_the_connection_lives_on(world: SkynetWorld) -> None:
    ada, ben = await world.agent("ada"), await world.agent("ben")
    for number, (name, frame) in enumerate(BAD_FRAMES.items(), 1):
        await ada.raw(frame)
        error = await ada.error(number)
        assert error["error_code"] in ("MESSAGE_ERROR", "HANDLING_ERROR"), name
        assert len(error["error"]) > 15, name
        assert error["timestamp"].endswith("Z")
    await ada.send("broadcast", "still here")
    await ben.message("still here")
    assert ben.messages and len(ben.messages) == 1
    assert len(ada.errors) == len(BAD_FRAMES)


BAD_QUERIES: list[tuple[dict[str, Any], str]] = [
    ({}, "agent_id"),
    ({"agent_id": "two words"}, "agent id"),
    ({"agent_id": "x" * 129}, "agent id"),
    ({"agent_id": "ada", "priority": 11}, "priority"),
    ({"agent_id": "system"}, "reserved"),
    ({"agent_id": "alice"}, "token of its own"),
    ({"agent_id": "A1ice"}, "looks like"),
]


@pytest.mark.parametrize(("query", "sentence"), BAD_QUERIES)
async def test_a_connection_that_is_refused_says_why(world: SkynetWorld, query: dict[str, Any], sentence: str) -> None:
    await world.person()
    async with skynet_socket(world.url, **query) as refused, asyncio.timeout(60):
        await refused.ended.wait()
        assert sentence in refused.errors[0]["error"]
        assert refused.socket.close_code == 1008
    assert len(world.hub.broadcaster) == 0


async def test_a_newer_connection_takes_over_and_the_end_of_the_older_changes_nothing(world: SkynetWorld) -> None:
    ben = await world.agent("ben")
    first = await world.agent("ada")
    second = await world.agent("ada", agent_type="coder")
    async with asyncio.timeout(60):
        await first.ended.wait()
    assert "Another connection" in first.errors[0]["error"]
    assert first.socket.close_code == 4000
    await ben.send("task", "still there?", "ada")
    await second.message("still there?")
    assert not world.hub.state.members["ada"].member.hidden
    assert world.hub.state.members["ada"].member.role == "coder"


async def test_an_older_connection_that_ends_while_a_newer_one_begins_hides_nobody(tmp_path: Path) -> None:
    store = LateStore(_state_folder(tmp_path) / "groupchat.db")
    async with (
        assembled(tmp_path / "state", store=store, listen=(listen_at("skynet=0"),)) as gateway,
        AsyncExitStack() as stack,
    ):
        url, hub = gateway.listeners["skynet"], gateway.hub
        first = AsyncExitStack()
        await first.enter_async_context(skynet_agent(url, "ada"))
        store.gate.clear()
        newer = await stack.enter_async_context(skynet_socket(url, agent_id="ada", channels="default,a-new-one"))
        await retry_until(lambda: hub.committer.uncommitted)  # it waits for its channel
        await first.aclose()
        await retry_until(lambda: not hub.state.live["ada"].connections)
        store.gate.set()
        await newer.until(lambda: newer.controls("connected"))
        assert not hub.state.members["ada"].member.hidden
        await stack.aclose()
        await retry_until(lambda: hub.state.members["ada"].member.hidden)


async def test_a_connection_that_fails_half_way_leaves_nobody_behind(tmp_path: Path) -> None:
    store = LateStore(_state_folder(tmp_path) / "groupchat.db")
    async with assembled(tmp_path / "state", store=store, listen=(listen_at("skynet=0"),)) as gateway:
        store.gate.clear()
        async with skynet_socket(gateway.listeners["skynet"], agent_id="ada") as ada:
            await retry_until(lambda: "ada" in gateway.hub.state.members)
            assert not gateway.hub.state.members["ada"].member.hidden
            ada.vanish()
        store.gate.set()
        await retry_until(lambda: gateway.hub.state.members["ada"].member.hidden)


def _state_folder(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir(mode=0o700)
    return tmp_path / "state"


async def test_what_the_older_connection_had_not_read_comes_to_the_newer_one(world: SkynetWorld) -> None:
    ben, first = await world.agent("ben"), await world.agent("ada")
    first.stop_reading()
    for number in range(3):
        await ben.send("task", f"number {number}", "ada")
    await retry_until(lambda: world.hub.state.queued["ada"] == 3)
    second = await world.agent("ada")
    await second.until(lambda: len(second.messages) == 3)
    assert second.contents == ["number 0", "number 1", "number 2"]


async def test_a_message_for_an_agent_that_is_gone_waits_for_it(world: SkynetWorld) -> None:
    ada = await world.agent("ada")
    async with AsyncExitStack() as first:
        await SkynetWorld(world.gateway, first).agent("ben")
    await retry_until(lambda: world.hub.state.members["ben"].member.hidden)
    await ada.send("task", "for later", "ben")
    await retry_until(lambda: world.hub.state.queued["ben"] == 1)
    assert ada.errors == []
    ben = await world.agent("ben")
    await ben.message("for later")


async def test_a_channel_by_invitation_is_for_the_invited(world: SkynetWorld) -> None:
    await world.person()
    await world.do(ALICE, CreateRoom(room="vault", invite_only=True))
    await world.do(ALICE, Send(content="a secret", room="vault"))
    ada = await world.agent("ada", channels="default,vault")
    assert "invitation" in (await ada.error())["error"]
    assert ada.controls("connected"), "the other channels work"
    await ada.control("subscribe", channel="vault")
    assert "invitation" in (await ada.error(2))["error"]
    await ada.send("broadcast", "let me in", channel="vault")
    assert "invitation" in (await ada.error(3))["error"]
    await world.do(ALICE, Invite(room="vault", member="ada"))
    await ada.answer_to_control("subscribe", "subscribed", channel="vault")
    await world.do(ALICE, Send(content="welcome", room="vault"))
    await ada.message("welcome")
    assert "a secret" not in ada.contents
    await world.do(ALICE, Kick(room="vault", member="ada"))
    await world.do(ALICE, Send(content="without ada", room="vault"))
    await ada.settled()
    assert "without ada" not in ada.contents


async def test_a_monitor_that_was_removed_from_a_channel_sees_nothing_more_of_it(world: SkynetWorld) -> None:
    await world.person()
    await world.do(ALICE, CreateRoom(room="vault", invite_only=True))
    token = (await world.gateway.member("bob", MemberKind.HUMAN)).token
    await world.do(ALICE, Invite(room="vault", member="bob"))
    monitor = await world.agent("x", f"/t/{token}/ws", agent_type="monitor", channels="vault,default")
    await world.do(ALICE, Send(content="with bob", room="vault"))
    await monitor.message("with bob")
    await world.do(ALICE, Kick(room="vault", member="bob"))
    await world.do(ALICE, Send(content="without bob", room="vault"))
    await world.do(ALICE, Send(content="end"))
    await monitor.message("end")
    assert monitor.contents == ["with bob", "end"]


async def test_a_monitor_does_not_take_the_id_of_an_agent(world: SkynetWorld) -> None:
    ada = await world.agent("ada", agent_type="coder")
    await world.agent("watch", agent_type="monitor")
    for query in ({"agent_id": "ada", "agent_type": "monitor"}, {"agent_id": "watch", "agent_type": "coder"}):
        async with skynet_socket(world.url, **query) as refused, asyncio.timeout(60):
            await refused.ended.wait()
            assert "is used by" in refused.errors[0]["error"]
    assert world.hub.state.members["ada"].member.role == "coder"
    await ada.settled()


async def test_a_connection_has_at_most_a_hundred_channels(world: SkynetWorld) -> None:
    ada = await world.agent("ada")
    for number in range(99):
        await ada.control("subscribe", channel=f"c{number}")
    await ada.answer_to_control("subscribe", "subscribed", channel="C5")  # no new one
    await ada.control("subscribe", channel="one-too-many")
    assert "100 channels" in (await ada.error())["error"]


async def test_thanks_that_wake_nobody_still_arrive(world: SkynetWorld) -> None:
    ada = await world.agent("ada")
    claude = await world.gateway.member("claude")
    async with Client(claude, Hello(inbox=True)) as other:
        await other.send("Thank you!", to="@ada")
        await ada.message("Thank you!")
        await ada.settled()
        assert ada.contents == ["Thank you!"]


async def test_thanks_and_acknowledgements_that_find_nobody_are_only_in_the_history(world: SkynetWorld) -> None:
    """They wake nobody, so they wait in no inbox."""
    claude = await world.gateway.member("claude")
    async with Client(claude, Hello(inbox=True)):
        pass
    async with skynet_agent(world.url, "ada") as ada:
        sent = await ada.send("task", "do it", "claude", meta={"requires_ack": True})
        await ada.settled()
    await retry_until(lambda: world.hub.state.members["ada"].member.hidden)
    async with Client(claude, Hello(inbox=True)) as other:
        (waiting,) = (await other.request(Poll(), Inbox)).messages
        await other.send("Thank you!", to="@ada")
        await other.send("here is more", to="@ada")
    ada = await world.agent("ada")
    await ada.message("here is more")
    await ada.settled()
    assert waiting.id == sent["id"]
    assert ada.contents == ["here is more"]
    history = await (await world.rest()).get("/history/ada")
    shown = [one["payload"]["content"] for one in history["messages"]]
    assert shown == ["do it", f"Acknowledged message {sent['id']}", "Thank you!", "here is more"]


async def test_what_a_loop_guard_holds_comes_when_a_person_lifts_it(tmp_path: Path) -> None:
    limits = Limits(max_hops=2, max_pair=0, max_wakes=0, max_repeats=0)
    async with (
        gateway_in_process(tmp_path / "state", listen=(listen_at("skynet=0"),), limits=limits) as gateway,
        AsyncExitStack() as stack,
    ):
        world = SkynetWorld(gateway, stack)
        await world.person()
        agents = [await world.agent("ada"), await world.agent("ben")]
        parent = None
        for number in range(3):
            sender, reader = agents[number % 2], agents[1 - number % 2]
            sent = await sender.send("reply", f"word {number}", reader.agent_id, parent_id=parent)
            await sender.settled()
            parent = sent["id"]
            if number < 2:
                await reader.message(f"word {number}")
        await retry_until(lambda: bool(world.hub.state.loop_holds))
        await agents[1].settled()
        assert "word 2" not in agents[1].contents, "the guard holds it, and no stream goes round it"
        await world.do(ALICE, Continue())
        await agents[1].message("word 2")


async def test_a_flood_is_refused_and_the_others_are_unharmed(tmp_path: Path) -> None:
    async with (
        gateway_in_process(tmp_path / "state", listen=(listen_at("skynet=0"),), rate=Rate(10, 0.5)) as gateway,
        AsyncExitStack() as stack,
    ):
        world = SkynetWorld(gateway, stack)
        ada, ben = await world.agent("ada"), await world.agent("ben")
        for number in range(50):
            await ada.send("broadcast", f"flood {number}")
        error = await ada.error()
        assert error["details"]["code"] == "rate_limited"
        assert error["details"]["retry_after"] > 0
        await ada.settled()
        assert 30 <= len(ada.errors) <= 45
        await ben.send("broadcast", "calm")
        await ada.message("calm")


async def test_a_flood_over_rest_is_refused_with_when_to_try_again(tmp_path: Path) -> None:
    async with (
        gateway_in_process(tmp_path / "state", listen=(listen_at("skynet=0"),), rate=Rate(10, 0.01)) as gateway,
        AsyncExitStack() as stack,
    ):
        world = SkynetWorld(gateway, stack)
        ben, rest = await world.agent("ben"), await world.rest()
        flood = [{"from_agent": "ada", "content": f"flood {number}", "to_agent": "ben"} for number in range(20)]
        answers = [await rest.ask("POST", "/messages/send", one) for one in flood]
        taken = [status for status, _ in answers].count(200)
        assert 5 <= taken <= 10
        assert [status for status, _ in answers] == [200] * taken + [429] * (20 - taken)
        for _, body in answers[taken:]:
            assert (body["error_code"], body["details"]["code"]) == ("HTTP_429", "rate_limited")
            assert body["details"]["retry_after"] > 0
        await rest.send("carla", "calm", to_agent="ben")
        await ben.message("calm")
        assert ben.contents == [f"flood {number}" for number in range(taken)] + ["calm"], "each was sent or refused"


async def test_the_limits_of_the_configuration_file_hold(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("limits: {max_message_bytes: 100, messages_per_second: 0.01, burst: 2}")
    async with (
        gateway_in_process(tmp_path / "state", listen=(listen_at("skynet=0"),), skynet_config=file) as gateway,
        AsyncExitStack() as stack,
    ):
        ada = await SkynetWorld(gateway, stack).agent("ada")
        await ada.send("broadcast", "x" * 101)
        assert "maximum is 100" in (await ada.error())["error"]
        await ada.send("broadcast", "x", context={"own": "x" * 101})
        assert "maximum is 100" in (await ada.error(2))["error"]
        for _ in range(3):
            await ada.send("broadcast", "x" * 100)
        assert (await ada.error(3))["details"]["code"] == "rate_limited"


async def test_a_client_that_reads_nothing_is_closed_and_holds_nobody_up(world: SkynetWorld) -> None:
    slow, quick = await world.agent("slow"), await world.agent("quick")
    sender = await world.agent("sender")
    slow.stop_reading()
    await sender.send("task", "waits for slow", "slow")
    count = 120
    for number in range(count):
        await sender.send("broadcast", f"{number} " + "x" * 100_000)
        await quick.message(f"{number} " + "x" * 100_000)
    await retry_until(lambda: world.hub.broadcaster.slow_closed == 1)
    assert len(quick.messages) == count
    back = await world.agent("slow")
    await back.message("waits for slow")


async def test_a_restart_loses_no_message(tmp_path: Path) -> None:
    listen = (listen_at("skynet=0"),)
    async with gateway_in_process(tmp_path / "state", listen=listen) as gateway, AsyncExitStack() as stack:
        world = SkynetWorld(gateway, stack)
        ada = await world.agent("ada")
        async with skynet_agent(world.url, "ben"):
            pass
        await retry_until(lambda: world.hub.state.members["ben"].member.hidden)
        sent = await ada.send("task", "survives", "ben", parent_id="p")
        await ada.settled()
        await retry_until(lambda: world.hub.state.queued["ben"] == 1)
    async with gateway_in_process(tmp_path / "state", listen=listen) as gateway, AsyncExitStack() as stack:
        world = SkynetWorld(gateway, stack)
        assert world.hub.state.members["ada"].member.hidden, "who was connected then is not connected now"
        ben = await world.agent("ben")
        got = await ben.message("survives")
        assert (got["id"], got["trace_id"], got["parent_id"]) == (sent["id"], sent["trace_id"], "p")


async def test_the_end_of_the_gateway_is_told_as_going_away(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        async with gateway_in_process(tmp_path / "state", listen=(listen_at("skynet=0"),)) as gateway:
            ada = await stack.enter_async_context(skynet_agent(gateway.listeners["skynet"], "ada"))
        async with asyncio.timeout(60):
            await ada.ended.wait()
        assert isinstance(ada, JsonFrames)
        assert ada.socket.close_code == 1001

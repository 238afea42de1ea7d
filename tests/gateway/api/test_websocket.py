"""`/v1/ws`: requests are answered under their number, events come in order, and a replay joins the live stream."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import websockets
from websockets.asyncio.client import ClientConnection

from gateway.client import Client, Endpoint
from gateway.protocol.types.core_types import MemberKind
from tests.fakes.retry import retry_until
from tests.support.gateways import Gateway


class Wire:
    """Frames as dicts."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def say(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def next(self) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), 60))
        return frame

    async def until(self, **wanted: Any) -> list[dict[str, Any]]:
        """All frames up to the first that has these values."""
        frames = [await self.next()]
        while wanted.items() - {key: value for key, value in frames[-1].items() if key in wanted}.items():
            frames.append(await self.next())
        return frames

    async def ask(self, **frame: Any) -> dict[str, Any]:
        await self.say(**frame)
        return (await self.until(re=frame["n"]))[-1]


@asynccontextmanager
async def wire_to(endpoint: Endpoint, *, hello: bool = True, **fields: Any) -> AsyncIterator[Wire]:
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    async with websockets.connect(endpoint.at("/v1/ws", websocket=True), additional_headers=headers) as socket:
        wire = Wire(socket)
        if hello:
            await wire.say(op="hello", n=1, **fields)
            await wire.until(ev="replayed")
        yield wire


async def test_hello_is_answered_with_the_store_id(gateway: Gateway) -> None:
    await gateway.member("claude", role="coder")
    async with wire_to(gateway.operator, hello=False) as wire:
        await wire.say(op="hello", n=7, version=1)
        answer = await wire.next()
        assert (answer["re"], answer["ok"]["ev"], answer["ok"]["version"]) == (7, "welcome", 1)
        assert answer["ok"]["you"]["name"] == "alice"
        assert [room["name"] for room in answer["ok"]["rooms"]] == ["general"]
        assert {one["name"] for one in answer["ok"]["members"]} == {"alice", "claude"}
        replayed = await wire.next()
        assert (replayed["ev"], replayed["until"]) == ("replayed", answer["ok"]["last_seq"])


async def test_answers_carry_the_numbers_of_their_requests(gateway: Gateway) -> None:
    async with wire_to(gateway.operator) as wire:
        for number in range(10, 60):
            await wire.say(op="send", n=number, content=str(number))
        await wire.say(op="nonsense", n=60)
        await wire.say(op="rooms", n=61)
        answers = [frame for frame in await wire.until(re=61) if "re" in frame]
        by_number = {frame["re"]: frame for frame in answers}
        assert by_number.keys() >= {60, 61}
        while len(by_number) < 52:
            frame = await wire.next()
            if "re" in frame:
                by_number[frame["re"]] = frame
        seqs = [by_number[number]["ok"]["seq"] for number in range(10, 60)]
        assert seqs == sorted(seqs), "sends are committed in the order in which they came"
        assert "error" in by_number[60]
        assert "ok" in by_number[61]


async def test_a_message_as_it_goes_over_the_wire(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    async with wire_to(claude) as listener, wire_to(gateway.operator) as wire:
        accepted = await wire.ask(op="send", n=2, content="hi", to="@claude", id="abc", context={"a": [1]}, urgent=True)
        event = (await listener.until(ev="message"))[-1]
        assert {name: event[name] for name in ("seq", "id", "from", "to", "content", "room", "context", "urgent")} == {
            "seq": accepted["ok"]["seq"],
            "id": "abc",
            "from": "alice",
            "to": ["@claude"],
            "content": "hi",
            "room": "general",
            "context": {"a": [1]},
            "urgent": True,
        }
        assert event["recipients"] == ["claude"]


@pytest.mark.slow
async def test_a_replay_joins_the_live_stream_without_gap_or_repetition(gateway: Gateway) -> None:
    """Somebody keeps talking while others come in, with replays of more than one page."""
    talking = True

    async def talk() -> int:
        number = 0
        async with Client(gateway.operator) as alice:
            while talking:
                await asyncio.gather(*(alice.send(str(number + one)) for one in range(20)))
                number += 20
        return number

    async def come_in(name: str) -> list[int]:
        heard: list[int] = []
        async with wire_to(await gateway.member(name, MemberKind.TOOL), hello=False) as wire:
            await wire.say(op="hello", n=1, since=0)
            while len(heard) < 1500:
                frame = await wire.next()
                if frame.get("ev") == "message":
                    heard.append(int(frame["content"]))
        return heard

    async with asyncio.TaskGroup() as group:
        talker = group.create_task(talk())
        await retry_until(lambda: gateway.hub.committed_seq > 300)
        listeners = [group.create_task(come_in(f"tool-{number}")) for number in range(4)]
        for listener in listeners:
            assert await listener == list(range(1500))
        talking = False
    assert talker.result() >= 1500


async def test_presence_is_told_on_change_and_is_no_event(gateway: Gateway) -> None:
    claude = await gateway.member("claude")
    async with wire_to(gateway.operator) as wire:
        async with wire_to(claude, inbox=True) as sidecar:
            assert "ok" in await sidecar.ask(op="activity", n=2, activity="busy", composer="empty", note="thinking")
            while True:
                seen = (await wire.until(ev="presence"))[-1]
                if seen["member"]["name"] == "claude" and seen["member"]["activity"] == "busy":
                    break
            assert "seq" not in seen
            assert (seen["member"]["presence"], seen["member"]["note"]) == ("online", "thinking")
        while True:
            seen = (await wire.until(ev="presence"))[-1]
            if seen["member"]["name"] == "claude" and seen["member"]["presence"] == "away":
                break


async def test_everybody_is_pinged_and_who_never_answers_is_dropped(gateway: Gateway) -> None:
    async with wire_to(gateway.operator) as wire:
        (connection,) = gateway.hub.broadcaster.connections_of("alice")
        connection.heard -= 30
        before = connection.heard
        gateway.hub.streams.keep_alive()
        await retry_until(lambda: connection.heard > before)
        connection.heard -= 61
        gateway.hub.streams.keep_alive()
        await wire.socket.wait_closed()
        assert not gateway.hub.broadcaster.connections_of("alice")


async def test_many_unanswered_requests_slow_the_sender_down_but_lose_nothing(gateway: Gateway) -> None:
    async with wire_to(gateway.operator) as wire:
        total = 3000
        for number in range(total):
            await wire.say(op="send", n=number + 10, content="x", id=str(number))
        answered = [frame for frame in [await wire.next() for _ in range(total)] if "re" in frame]
        while len(answered) < total:
            frame = await wire.next()
            answered += [frame] if "re" in frame else []
        assert all("ok" in frame for frame in answered)
        assert len({frame["ok"]["seq"] for frame in answered}) == total

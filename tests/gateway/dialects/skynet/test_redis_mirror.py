"""`--redis-mirror` as a program of Skynet reads it: with plain redis-py, by the keys of its specification."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from gateway.dialects.skynet.mirror import mirror_keys, redis_mirror
from gateway.dialects.skynet.mirror.redis_mirror import mirrored
from gateway.operations.dispatch import run_operation
from gateway.protocol.errors import BadRequest
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.requests.room_requests import CreateRoom, RemoveRoom
from gateway.protocol.requests.session_requests import OpenSession
from gateway.protocol.requests.shared_document_requests import DeleteContext, PutContext
from gateway.runtime.config import Config
from gateway.runtime.listen_option import listen_at
from gateway.server.state_folder.open_store import connect_mirror
from tests.fakes.retry import retry_until
from tests.support.gateways import gateway_in_process
from tests.support.redis_server import RedisServer, need_redis
from tests.support.skynet import ALICE, SkynetWorld

pytestmark = pytest.mark.processes


class SkynetReader:
    """Knows the keys of the specification and nothing of us."""

    def __init__(self, server: RedisServer) -> None:
        self.redis: Any = Redis(port=server.port, decode_responses=True)

    def fields(self, key: str) -> dict[str, Any]:
        return {name: json.loads(value) for name, value in self.redis.hgetall(key).items()}

    def history(self, agent: str) -> list[dict[str, Any]]:
        return [json.loads(one) for one in self.redis.lrange(f"history:{agent}", 0, -1)]

    def said(self, agent: str) -> list[str]:
        return [one["payload"]["content"] for one in self.history(agent)]

    def presence(self, agent: str) -> str | None:
        found: str | None = self.redis.get(f"presence:{agent}")
        return found

    def keys(self, kind: str) -> list[str]:
        return sorted(self.redis.keys(f"{kind}:*"))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    need_redis()
    with RedisServer(tmp_path / "redis").running() as server:
        yield server


@pytest.fixture
def reader(server: RedisServer) -> Iterator[SkynetReader]:
    reader = SkynetReader(server)
    yield reader
    reader.redis.close()


@asynccontextmanager
async def mirrored_world(server: RedisServer, state: Path) -> AsyncIterator[SkynetWorld]:
    listen = (listen_at("skynet=0"),)
    async with (
        gateway_in_process(state, store=server.url, listen=listen) as gateway,
        mirrored(gateway.hub, connect_mirror(gateway.config)),
        AsyncExitStack() as stack,
    ):
        yield SkynetWorld(gateway, stack)


@pytest.fixture
async def world(server: RedisServer, tmp_path: Path) -> AsyncIterator[SkynetWorld]:
    async with mirrored_world(server, tmp_path / "state") as world:
        yield world


async def test_agents_channels_and_their_presence(world: SkynetWorld, reader: SkynetReader) -> None:
    await world.agent("Ada", agent_type="coder", channels="default,ops")
    await retry_until(lambda: reader.presence("Ada") == "online")
    assert 0 < reader.redis.ttl("presence:Ada") <= 60
    await retry_until(lambda: "Ada" in reader.fields("channel:ops").get("subscribers", ()))
    assert reader.fields("channel:default")["channel"] == "default"


async def test_the_history_of_both_ends(world: SkynetWorld, reader: SkynetReader) -> None:
    ada, ben = await world.agent("Ada"), await world.agent("ben")
    sent = await ada.send("task", {"do": "this"}, "ben", context={"priority": 7})
    await retry_until(lambda: [len(reader.history(name)) for name in ("Ada", "ben")] == [1, 1])
    (heard,) = reader.history("ben")
    assert reader.history("Ada") == [heard]
    assert (heard["id"], heard["from_agent"], heard["to_agent"], heard["type"]) == (sent["id"], "Ada", "ben", "task")
    assert heard["payload"]["content"] == {"do": "this"} and heard["payload"]["context"]["priority"] == 7
    await ben.send("broadcast", "to everybody")
    await retry_until(lambda: reader.said("ben") == [{"do": "this"}, "to everybody"])


async def test_contexts_with_their_changes_and_their_end(world: SkynetWorld, reader: SkynetReader) -> None:
    alice = await world.person()
    await world.do(alice, PutContext(scope="@alice", document={"plan": ["a", "b"], "count": "12"}))
    await world.do(alice, PutContext(scope="global", document={"global_summary": "all is well"}))
    await retry_until(lambda: reader.keys("context") == ["context:__global__", "context:alice"])
    shown = reader.fields("context:alice")
    assert (shown["plan"], shown["count"], shown["_agent_id"]) == (["a", "b"], "12", "alice")
    assert reader.fields("context:__global__")["global_summary"] == "all is well"
    await world.do(alice, PutContext(scope="@alice", document={"count": 13}))
    await retry_until(lambda: reader.fields("context:alice").get("count") == 13)
    assert "plan" not in reader.fields("context:alice")
    await world.do(alice, DeleteContext(scope="@alice"))
    await retry_until(lambda: reader.keys("context") == ["context:__global__"])


async def test_sessions_with_their_messages(world: SkynetWorld, reader: SkynetReader) -> None:
    alice = await world.person()
    await world.do(alice, OpenSession(session="launch", goal="ship it", participants=("alice",)))
    await world.do(alice, PutContext(scope="#general", name="launch", document={"owner": "alice"}))
    await world.do(alice, Send(content="step one", id="first"))
    await retry_until(lambda: len(reader.fields("session:launch").get("messages", ())) == 1)
    shown = reader.fields("session:launch")
    assert (shown["session_id"], shown["status"], shown["participants"]) == ("launch", "active", ["alice"])
    assert shown["metadata"] == {"owner": "alice", "goal": "ship it"}
    (said,) = shown["messages"]
    assert (said["from"], said["to"], said["message_id"]) == ("alice", None, "first")


async def test_a_history_ends_at_a_thousand(
    world: SkynetWorld, reader: SkynetReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mirror_keys.MAX_HISTORY_MESSAGES == 1000
    monkeypatch.setattr(mirror_keys, "MAX_HISTORY_MESSAGES", 20)
    alice = await world.person()
    for number in range(25):
        await world.do(alice, Send(content=str(number)))
    await retry_until(lambda: reader.said("alice") == [str(number) for number in range(5, 25)])


async def test_a_new_gateway_writes_it_anew_and_deletes_only_what_is_its_own(
    server: RedisServer, reader: SkynetReader, tmp_path: Path
) -> None:
    reader.redis.set("context:foreign", "not ours")
    async with mirrored_world(server, tmp_path / "state") as world:
        alice = await world.person()
        await retry_until(lambda: reader.keys("snapshot"))  # all is written once, and what comes is added to it
        for room in ("ops", "dev"):
            await world.do(alice, CreateRoom(room=room))
        await world.do(alice, RemoveRoom(room="dev"))
        await world.do(alice, Send(content="before"))
        await retry_until(lambda: reader.said("alice")[-1:] == ["before"])
        await retry_until(lambda: reader.keys("channel") == ["channel:default", "channel:ops"])
        as_it_came = reader.history("alice")
    async with gateway_in_process(tmp_path / "state", store=server.url) as gateway:
        await run_operation(gateway.hub, alice, RemoveRoom(room="ops"))
        await run_operation(gateway.hub, alice, Send(content="without a mirror"))
    reader.redis.lpush("history:alice", "{}")
    async with mirrored_world(server, tmp_path / "state"):
        await retry_until(lambda: "channel:ops" not in reader.keys("channel"))
        assert reader.history("alice")[: len(as_it_came)] == as_it_came
        assert reader.said("alice")[-1] == "without a mirror"
        assert reader.redis.get("context:foreign") == "not ours"


async def test_a_snapshot_of_everything(world: SkynetWorld, reader: SkynetReader) -> None:
    await retry_until(lambda: reader.keys("snapshot"))
    (key,) = reader.keys("snapshot")
    shown = json.loads(reader.redis.get(key))
    assert key == f"snapshot:{shown['timestamp']}"
    assert [one["agent_id"] for one in shown["agents"]] == ["alice"]
    assert [one["channel"] for one in shown["channels"]] == ["default"]
    assert (shown["sessions"], shown["contexts"], shown["contexts_left_out"]) == ([], {}, 0)


def test_ten_snapshots_are_kept() -> None:
    known = {mirror_keys.key_of_snapshot(float(number)) for number in range(12)} | {"context:a"}
    commands = mirror_keys.add_snapshot("snapshot:new", b"{}", known)
    gone = {mirror_keys.key_of_snapshot(float(number)) for number in range(3)}
    assert mirror_keys.removed_by(commands) == gone


async def test_a_mirror_that_fails_neither_delays_nor_fails_a_message(
    world: SkynetWorld, server: RedisServer, reader: SkynetReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused a command that the log does not use."""
    monkeypatch.setattr(redis_mirror, "RETRY_DELAY_S", 0.05)
    monkeypatch.setattr(redis_mirror, "MAX_WAITING_ENTRIES", 10)
    alice = await world.person()
    await world.do(alice, Send(content="0"))
    await retry_until(lambda: reader.said("alice") == ["0"])
    server.ask("ACL", "SETUSER", "default", "-rpush")
    for number in range(1, 31):
        await world.do(alice, Send(content=str(number)))
    assert reader.said("alice") == ["0"]
    server.ask("ACL", "SETUSER", "default", "+rpush")
    await retry_until(lambda: reader.said("alice") == [str(number) for number in range(31)])


async def test_it_ends_at_any_moment(server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of the library that is cancelled may go on for ever."""
    monkeypatch.setattr(redis_mirror, "WRITE_INTERVAL_S", 0.001)
    chance = random.Random(1)
    async with gateway_in_process(tmp_path / "state", store=server.url) as gateway:
        async with asyncio.timeout(60):
            for number in range(60):
                async with mirrored(gateway.hub, connect_mirror(gateway.config)):
                    await run_operation(gateway.hub, ALICE, Send(content=str(number)))
                    await asyncio.sleep(chance.uniform(0, 0.02))


async def test_it_needs_a_log_in_redis(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="--redis-mirror needs a log in Redis"):
        connect_mirror(Config(state=tmp_path))

"""A gateway whose Redis is cut off, stalled, slow or short of replicas: nothing is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.errors import StorageFailed
from gateway.protocol.requests.connection_requests import Status
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import Health, MessageList
from tests.fakes.retry import retry_until
from tests.support.gateways import DidNotStart, GatewayProcess
from tests.support.redis_server import RedisServer, need_redis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    need_redis()
    with RedisServer(tmp_path / "redis").running() as server:
        yield server


async def contents(client: Client) -> list[str]:
    found = (await client.request(History(limit=1000), MessageList)).messages
    return [one.content for one in reversed(found)]


async def test_a_mirror_that_fails_is_said_once_and_messages_go_on(server: RedisServer, tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state", "--store", server.url, "--redis-mirror")
    length = ("LLEN", "history:alice")
    with process.running():
        async with Client(process.operator) as alice:
            await alice.send("before")
            await retry_until(lambda: server.ask(*length) == ":1\r\n")
            server.ask("ACL", "SETUSER", "default", "-rpush")
            await alice.send("during")
            await retry_until(lambda: "the mirror is not written" in process.log)
            server.ask("ACL", "SETUSER", "default", "+rpush")
            await alice.send("after")
            await retry_until(lambda: server.ask(*length) == ":3\r\n" and "is written again" in process.log)
        assert process.stop() == 0
    assert process.log.count("the mirror is not written") == 1


def test_a_mirror_without_a_log_in_redis_is_refused(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state", "--redis-mirror")
    with pytest.raises(DidNotStart) as refused, process.running():
        pass
    assert "--redis-mirror needs a log in Redis" in refused.value.log


async def test_a_message_without_its_replica_is_refused_and_accepted_when_it_is_back(
    server: RedisServer, tmp_path: Path
) -> None:
    with server.replica() as replica:
        process = GatewayProcess(tmp_path / "state", "--store", server.url, "--store-replicas", "1")
        with process.running():
            async with Client(process.operator) as alice:
                health = await alice.request(Status(), Health)
                assert "synced to disk, and 1 replica has it in memory" in health.store
                await alice.send("before")
                with replica.frozen():
                    with pytest.raises(StorageFailed, match="only 0 of 1 replicas had it within 2 s"):
                        await alice.send("during", id="during")
                    health = await alice.request(Status(), Health)
                    assert health.status == "stuck" and "only 0 of 1 replicas" in health.last_error
                    assert await contents(alice) == ["before"]

                while (await alice.request(Status(), Health)).status != "ok":
                    await asyncio.sleep(0.05)
                assert (await alice.send("during", id="during")).duplicate
                assert await contents(alice) == ["before", "during"]
            assert process.stop() == 0
        assert "1 replica has it in memory" in process.log

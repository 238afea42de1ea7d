"""`groupchat serve --store redis://...`: gateways and Redis are real processes. What is killed loses nothing."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.errors import StorageFailed, StorageFull
from gateway.protocol.events import Message
from gateway.protocol.requests.connection_requests import Hello, Status
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.message_requests import Recall, Search
from gateway.protocol.results import Health, MessageList, Recalled, TokenMade
from gateway.protocol.types.core_types import MemberKind
from tests.fakes.retry import retry_until_awaited
from tests.support.certificates import self_signed
from tests.support.commands import Groupchat
from tests.support.gateways import DidNotStart, GatewayProcess
from tests.support.held_ports import free_port
from tests.support.kills import compare, send_while_killing
from tests.support.redis_server import RedisServer, need_redis
from tests.support.said_so_far import contents

KILLS = 10
SEED = 20_261_130


def gateway_at(server: RedisServer, state: Path, *arguments: str, **env: str) -> GatewayProcess:
    return GatewayProcess(state, "--store", server.url, *arguments, env=env)


@asynccontextmanager
async def operator_of(process: GatewayProcess) -> AsyncIterator[Client]:
    async with Client(process.operator, patient=True) as client:
        yield client


@pytest.mark.slow
async def test_kills_of_gateway_and_redis_lose_nothing(server: RedisServer, tmp_path: Path) -> None:
    process = gateway_at(server, tmp_path / "state")
    chance = random.Random(SEED)

    async def kill() -> None:
        killed = chance.choice(["gateway", "redis", "both"])
        if killed != "gateway":
            server.kill()
        if killed != "redis":
            process.kill()
        if killed != "gateway":
            await asyncio.to_thread(server.start)
        if killed != "redis":
            await asyncio.to_thread(process.start)

    ledger = await send_while_killing(process, KILLS, kill, SEED)
    compare(ledger, tmp_path / "state" / "copy-of-redis.db", KILLS)
    again = gateway_at(server, tmp_path / "elsewhere")
    with again.running():
        again.stop()
    compare(ledger, tmp_path / "elsewhere" / "copy-of-redis.db", KILLS)


async def test_another_gateway_goes_on_where_one_has_died(server: RedisServer, tmp_path: Path) -> None:
    first, second = (gateway_at(server, tmp_path / name) for name in ("first", "second"))
    with first.running():
        async with operator_of(first) as alice:
            await alice.send("before the crash", id="1")
            token = await alice.request(CreateToken(name="bob", kind=MemberKind.HUMAN), TokenMade)
        first.kill()
        with second.running():
            async with operator_of(second) as alice:
                assert await contents(alice) == ["before the crash"]
                assert (await alice.send("once more", id="1")).duplicate
                await alice.send("after the crash")
                found = await alice.request(Search(query="crash"), MessageList)
                assert len(found.messages) == 2
                recalled = await alice.request(Recall(question="What was said before the crash?"), Recalled)
                assert recalled.passages[0].messages[0].text == "before the crash"
            endpoint = type(second.operator)(second.url, token.token)
            async with Client(endpoint) as bob:
                assert len(await contents(bob)) == 2, "tokens are in the log, too"
            assert second.stop() == 0


async def test_a_gateway_that_slept_through_its_lease_ends_and_writes_nothing(
    server: RedisServer, tmp_path: Path
) -> None:
    first, second = (gateway_at(server, tmp_path / name) for name in ("first", "second"))
    with first.running(), first.frozen(), second.running():
        async with operator_of(second) as alice:
            await alice.send("from the second")
        os.kill(first.pid, signal.SIGCONT)
        assert first.exit_code(60) != 0
        assert "another gateway has taken over" in first.log
        async with operator_of(second) as alice:
            assert await contents(alice) == ["from the second"]
            assert second.stop() == 0


async def test_redis_away_is_told_and_forgotten(server: RedisServer, tmp_path: Path) -> None:
    process = gateway_at(server, tmp_path / "state")
    with process.running():
        hears_itself = Hello(since=0, echo=True)
        async with Client(process.operator) as alice, Client(process.operator, hears_itself) as listener:
            await alice.send("before")
            server.kill()
            with pytest.raises(StorageFailed, match="it is not known whether"):
                await alice.send("during", id="during")
            assert await contents(alice) == ["before"], "reading goes on"
            health = await alice.request(Status(), Health)
            assert health.status == "stuck"
            await asyncio.to_thread(server.start)

            async def works() -> bool:
                return (await alice.request(Status(), Health)).status == "ok"

            await retry_until_awaited(works)
            await alice.send("during", id="during")
            heard: list[str] = []
            async with asyncio.timeout(60):
                async for event in listener.events():
                    heard += [event.content] if isinstance(event, Message) else []
                    if heard[-1:] == ["during"]:
                        break
            assert heard == ["before", "during"], "once each"
        assert process.stop() == 0


async def test_a_full_redis_refuses_and_goes_on_when_there_is_room(server: RedisServer, tmp_path: Path) -> None:
    process = gateway_at(server, tmp_path / "state")
    with process.running():
        async with Client(process.operator) as alice:
            await alice.send("before")
            server.ask("CONFIG", "SET", "maxmemory", "1")
            with pytest.raises(StorageFull):
                await alice.send("during")
            server.ask("CONFIG", "SET", "maxmemory", "0")
            await alice.send("after")
            assert await contents(alice) == ["before", "after"]
        assert process.stop() == 0


async def test_a_flushed_redis_begins_a_new_log_and_the_copy_is_kept(server: RedisServer, tmp_path: Path) -> None:
    process = gateway_at(server, tmp_path / "state")
    with process.running():
        async with Client(process.operator) as alice:
            await alice.send("said before")
        server.ask("FLUSHALL")
        assert process.exit_code(60) != 0
        process.start()
        async with Client(process.operator) as alice:
            assert await contents(alice) == []
            await alice.send("said after")
        assert process.stop() == 0
    kept = [path for path in (tmp_path / "state").glob("copy-of-redis.db.*-*") if path.suffix != ".lock"]
    assert any(b"said before" in path.read_bytes() for path in kept)


def test_a_redis_that_can_lose_messages_is_refused_with_the_line_to_change(tmp_path: Path) -> None:
    need_redis()
    with RedisServer(tmp_path / "redis", "--appendfsync", "everysec").running() as unsafe:
        process = gateway_at(unsafe, tmp_path / "state")
        with pytest.raises(DidNotStart) as refused, process.running():
            pass
        assert "CONFIG SET appendfsync always" in refused.value.log
        assert "--accept-loss" in refused.value.log
        with gateway_at(unsafe, tmp_path / "state", "--accept-loss").running() as process:
            assert process.stop() == 0


@pytest.mark.parametrize("way", ["file", "variable"])
def test_a_password_is_neither_in_the_command_line_nor_in_the_log(tmp_path: Path, way: str) -> None:
    need_redis()
    secret = tmp_path / "password"
    secret.write_text("opensesame\n")
    with RedisServer(tmp_path / "redis", "--requirepass", "opensesame").running() as server:
        words = ("--store-password-file", str(secret)) if way == "file" else ()
        env = {} if way == "file" else {"GROUPCHAT_STORE_PASSWORD": "opensesame"}
        process = gateway_at(server, tmp_path / "state", "--log-level", "debug", *words, **env)
        with process.running():
            assert b"opensesame" not in Path(f"/proc/{process.pid}/cmdline").read_bytes()
            assert process.stop() == 0
        assert "opensesame" not in process.log
        kept = (path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
        assert not any(b"opensesame" in one for one in kept)


def test_tls_is_checked_against_the_named_authorities(tmp_path: Path) -> None:
    need_redis()
    made = self_signed(tmp_path, "redis")
    port = str(free_port())
    tls = ("--tls-port", port, "--tls-cert-file", made.cert, "--tls-key-file", made.key, "--tls-auth-clients", "no")
    with RedisServer(tmp_path / "redis", *tls, "--tls-ca-cert-file", made.cert).running():
        store = ("--store", f"rediss://127.0.0.1:{port}/0")
        with GatewayProcess(tmp_path / "state", *store, env={"SSL_CERT_FILE": made.cert}).running() as process:
            assert process.stop() == 0
        stranger = GatewayProcess(tmp_path / "stranger", *store)
        with pytest.raises(DidNotStart) as refused, stranger.running():
            pass
        assert "certificate verify failed" in refused.value.log


async def test_the_folder_remembers_its_redis(server: RedisServer, tmp_path: Path) -> None:
    """Commands in the folder of a stopped gateway work on the same log, and so does a start without the option."""
    state = tmp_path / "state"
    with gateway_at(server, state).running() as process:
        process.stop()
    groupchat = Groupchat(state, quick=True)
    made = groupchat("token", "create", "bob", "--quiet")
    assert made.code == 0, made.err
    checks = {one["what"]: one for one in groupchat("doctor", "--json").json["findings"]}
    assert checks["redis"]["ok"], checks["redis"]
    assert "every accepted message is synced to disk" in checks["redis"]["found"]
    with GatewayProcess(state).running() as process:
        async with Client(type(process.operator)(process.url, made.out.strip())) as bob:
            assert (await bob.request(Status(), Health)).store.startswith("redis ")
        process.stop()
    server.kill()
    checks = {one["what"]: one for one in groupchat("doctor", "--json").json["findings"]}
    assert not checks["redis"]["ok"]
    assert "does not answer" in checks["redis"]["found"]


def test_a_gateway_on_sqlite_loads_nothing_of_redis() -> None:
    script = (
        "import sys, gateway.cli, gateway.server.gateway_process, gateway.server.state_folder.open_store\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'redis' or 'shared_log' in name])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""A gateway whose Redis is cut off, stalled, slow or short of replicas: nothing is lost, doubled or out of order."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.errors import GroupChatError, StorageFailed
from gateway.protocol.requests.connection_requests import Status
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import Health, MessageList
from tests.fakes.retry import retry_until, retry_until_awaited
from tests.support.gateways import DidNotStart, GatewayProcess
from tests.support.kills import Kill, compare, send_while_killing
from tests.support.proxy import Proxy, proxy_beside
from tests.support.redis_rooms import behind_proxy
from tests.support.redis_server import RedisServer
from tests.support.said_so_far import contents

SEED = 20_261_201
SHORT_STALLS_S = (1.0, 5.0)
LONG_STALL_S = 20.0  # longer than an append is repeated
DELAY_S = 0.3


@pytest.mark.slow
async def test_partitions_from_redis_lose_nothing(server: RedisServer, tmp_path: Path) -> None:
    """While senders, listeners and an agent go on. What a gateway sent into a stalled connection arrives late."""
    with proxy_beside(server.url) as proxy:
        process = GatewayProcess(tmp_path / "state", "--store", f"redis://127.0.0.1:{proxy.port}/0")
        days = bad_days(proxy, server, process)
        coming, count = iter(days), len(days)

        async def next_day() -> None:
            await next(coming)()

        ledger = await send_while_killing(process, count, next_day, seed=SEED)
    compare(ledger, tmp_path / "state" / "copy-of-redis.db", count)
    assert "may no longer decide" not in process.log
    again = GatewayProcess(tmp_path / "elsewhere", "--store", server.url)
    with again.running():
        again.stop()
    compare(ledger, tmp_path / "elsewhere" / "copy-of-redis.db", count)


def bad_days(proxy: Proxy, server: RedisServer, process: GatewayProcess) -> list[Kill]:
    async def stall(seconds: float) -> None:
        with proxy.stalled():
            await asyncio.sleep(seconds)

    async def stall_until_senders_are_told() -> None:
        begun = asyncio.get_running_loop().time()
        async with Client(process.operator) as alice:
            with proxy.stalled():
                with pytest.raises(StorageFailed, match=r"Send it again|Try again"):
                    await alice.send("while nothing arrives")
                assert (await alice.request(Status(), Health)).status == "stuck"
                await asyncio.sleep(begun + LONG_STALL_S - asyncio.get_running_loop().time())

    async def reset(after_bytes: int) -> None:
        proxy.answer_bytes = after_bytes
        await retry_until(lambda: proxy.answer_bytes is None)

    async def delay() -> None:
        proxy.delay = DELAY_S
        await asyncio.sleep(5 * DELAY_S)
        proxy.delay = 0.0

    async def kill_redis_twice() -> None:
        for _ in range(2):
            server.kill()
            await asyncio.to_thread(server.start)

    stalls: list[Kill] = [partial(stall, seconds) for seconds in SHORT_STALLS_S]
    resets: list[Kill] = [partial(reset, after_bytes) for after_bytes in (1, 3, 11, 50)]
    return [*stalls, *resets, delay, kill_redis_twice, stall_until_senders_are_told]


async def test_a_gateway_that_is_cut_off_while_another_goes_on_writes_nothing(
    server: RedisServer, tmp_path: Path
) -> None:
    """Its append is on the way all the time, and arrives when the other one decides."""
    with proxy_beside(server.url) as proxy:
        cut_off = GatewayProcess(tmp_path / "first", "--store", f"redis://127.0.0.1:{proxy.port}/0")
        other = GatewayProcess(tmp_path / "second", "--store", server.url)
        with cut_off.running():
            async with Client(cut_off.operator) as alice:
                await alice.send("before")
                with proxy.stalled():
                    late = asyncio.create_task(alice.send("too late"))  # noqa: TID251 - awaited below
                    await asyncio.to_thread(other.start)
                    async with Client(other.operator, patient=True) as beside:
                        await beside.send("from the other")
                with pytest.raises(GroupChatError):
                    await late
            assert cut_off.exit_code(60) != 0
            async with Client(other.operator) as beside:
                assert await contents(beside) == ["before", "from the other"]
            assert other.stop() == 0


CLOCK_OFF = "import time\n_right = time.time\ntime.time = lambda: _right() + float({seconds})\n"


async def test_gateways_whose_clocks_are_ten_minutes_off_go_on_where_the_others_died(
    server: RedisServer, tmp_path: Path
) -> None:
    """The lease is timed by Redis, and order is that of the numbers."""
    expected: list[str] = []
    for name, seconds in (("ahead", 600), ("right", 0), ("behind", -600), ("ahead", 600)):
        clock = tmp_path / f"clock-{name}"
        clock.mkdir(exist_ok=True)
        (clock / "sitecustomize.py").write_text(CLOCK_OFF.format(seconds=seconds))
        process = GatewayProcess(tmp_path / name, "--store", server.url, env={"PYTHONPATH": str(clock)}, begin=":")
        with process.running():
            async with Client(process.operator) as alice:
                begun = await alice.send("before the kill", id=f"from {name}")
                expected += [] if begun.duplicate else ["before the kill"]
                accepted = await alice.send(f"{len(expected)} {name}")
                expected.append(f"{len(expected)} {name}")
                assert await contents(alice) == expected
                event = (await alice.request(History(limit=1), MessageList)).messages[0]
                off_s = datetime.fromisoformat(event.timestamp).timestamp() - time.time()
                assert event.seq == accepted.seq and abs(off_s - seconds) < 60, "its clock is off indeed"
            process.kill()
    assert len(expected) == 7, "the last one knows what it has accepted before"


async def test_the_next_decider_writes_the_mirror(server: RedisServer, tmp_path: Path) -> None:
    """Both have the option, and one of them writes."""
    first, second = (
        GatewayProcess(tmp_path / name, "--store", server.url, "--redis-mirror") for name in ("first", "second")
    )
    length = ("LLEN", "history:alice")
    with first.running(), second.running():
        async with Client(second.operator, patient=True) as alice:
            await alice.send("one")
            await alice.send("two")
            await retry_until(lambda: server.ask(*length) == ":2\r\n", describe=lambda: server.ask(*length))
            server.ask("DEL", "history:alice")  # to see that it is written anew
            first.kill()
            await alice.send("three")
            await retry_until(lambda: server.ask(*length) == ":3\r\n", describe=lambda: server.ask(*length))
        assert second.stop() == 0


async def test_a_follower_cut_off_from_the_decider_reads_on(server: RedisServer, tmp_path: Path) -> None:
    """What its members send waits, and is stored once: also what arrived while no answer came back."""
    with behind_proxy(tmp_path / "first", "--store", server.url) as (decider, proxy):
        follower = GatewayProcess(tmp_path / "second", "--store", server.url)
        with decider.running(), follower.running():
            async with Client(decider.operator) as near, Client(follower.operator, patient=True) as far:
                await far.send("before", id="before")
                for number, hurt in enumerate((proxy.stalled, proxy.deafened)):
                    with hurt():
                        sending = asyncio.create_task(far.send(f"during {number}", id=f"{number}"))  # noqa: TID251
                        await near.send(f"beside {number}")
                        await retry_until_said(far, f"beside {number}")
                    await sending
                assert (await far.send("during 0", id="0")).duplicate
                await far.send("after")
                said = await contents(far)
                assert sorted(said) == ["after", "before", "beside 0", "beside 1", "during 0", "during 1"]
                assert await contents(near) == said
            assert follower.stop() == decider.stop() == 0


async def test_a_follower_cut_off_from_redis_catches_up(server: RedisServer, tmp_path: Path) -> None:
    with proxy_beside(server.url) as proxy:
        decider = GatewayProcess(tmp_path / "first", "--store", server.url)
        follower = GatewayProcess(tmp_path / "second", "--store", f"redis://127.0.0.1:{proxy.port}/0")
        with decider.running(), follower.running():
            async with Client(decider.operator) as near, Client(follower.operator, patient=True) as far:
                await far.send("before")
                with proxy.stalled():
                    await near.send("while it hears nothing")
                    sending = asyncio.create_task(far.send("sent there meanwhile"))  # noqa: TID251
                    await retry_until_said(near, "sent there meanwhile")
                    assert await contents(far) == ["before"], "it reads on, what it has"
                    await asyncio.sleep(SHORT_STALLS_S[1])
                proxy.answer_bytes = 7
                await sending
                await near.send("after")
                await retry_until_said(far, "after")
                assert await contents(far) == await contents(near)
            assert follower.stop() == decider.stop() == 0


async def retry_until_said(client: Client, text: str) -> None:
    async def is_said() -> bool:
        return text in await contents(client)

    await retry_until_awaited(is_said)


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

                async def is_well() -> bool:
                    return (await alice.request(Status(), Health)).status == "ok"

                await retry_until_awaited(is_well)
                assert (await alice.send("during", id="during")).duplicate
                assert await contents(alice) == ["before", "during"]
            assert process.stop() == 0
        assert "1 replica has it in memory" in process.log

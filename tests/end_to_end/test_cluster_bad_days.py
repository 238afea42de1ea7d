"""Bad days of several gateways on one Redis: a network between follower and decider that stalls, resets and delays; a
decider that sleeps through its lease; a log that is flushed or has lost its end; copies that are gone, damaged or far
behind. Gateways and Redis are real processes."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.client import Client, ConnectionLost, Endpoint
from gateway.process_basics.tasks import spawn
from gateway.protocol.errors import Unauthorized, Unavailable
from gateway.protocol.events import Message, Welcome
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken, RevokeToken
from gateway.protocol.requests.message_requests import Send
from gateway.protocol.results import Accepted, Done, TokenMade
from gateway.protocol.types.core_types import MemberKind, Scope
from gateway.server.state_folder.open_store import COPY_FILE
from tests.fakes.retry import retry_until, retry_until_awaited
from tests.support.gateways import GatewayProcess
from tests.support.kills import insisting, tasks
from tests.support.proxy import Proxy, proxy_beside
from tests.support.redis_rooms import behind_proxy, gateways_on
from tests.support.redis_server import RedisServer
from tests.support.said_so_far import contents

E = TypeVar("E")

LEASE_S = 3
LONGER_THAN_A_HEARTBEAT_S = 7.0  # by which a link is known to be dead
DELAY_S = 0.2
MESSAGES_BEHIND = 20_000
AT_ONCE = 500
NEVER_S = 3600.0


THREE = ("first", "second", "third")


@asynccontextmanager
async def operators_at(*gateways: GatewayProcess) -> AsyncIterator[list[Client]]:
    clients = [Client(one.operator, patient=True) for one in gateways]
    async with asyncio.TaskGroup() as group:
        for one in clients:
            group.create_task(one.__aenter__())
    try:
        yield clients
    finally:
        for one in clients:
            await one.__aexit__(None, None, None)


async def say(client: Client, text: str) -> None:
    """Until it is accepted. The text is its id."""
    await insisting(client, Send(content=text, id=text), Accepted)


# the network between a follower and the decider


async def test_a_bad_network_between_follower_and_decider_loses_nothing(server: RedisServer, tmp_path: Path) -> None:
    with behind_proxy(tmp_path / "first", "--store", server.url) as (first, proxy):
        second = GatewayProcess(tmp_path / "second", "--store", server.url)
        with first.running(), second.running():
            listens = Hello(since=0, echo=True)
            async with operators_at(first, second) as (alice, too), Client(second.operator, listens) as reader:
                said: list[str] = []
                for fault in bad_networks(proxy):
                    sending = spawn(say_all(too, said), "sender at the follower")
                    await fault()
                    sending.cancel()
                    await asyncio.wait([sending])
                    await say(too, said[-1])
                    await say(alice, f"at the decider after {len(said)}")
                    said.append(f"at the decider after {len(said)}")
                heard = [event.content async for event in messages(reader, len(said))]
                assert heard == await contents(alice) == await contents(too) == said
        assert proxy.made > 2, "links were made again"
    assert "decides now" not in second.log.partition("= listening")[2], "the lease was never free"


def bad_networks(proxy: Proxy) -> Iterator[Callable[[], Awaitable[None]]]:
    async def stall(seconds: float) -> None:
        with proxy.stalled():
            await asyncio.sleep(seconds)

    async def reset(after_bytes: int) -> None:
        proxy.answer_bytes = after_bytes
        await retry_until(lambda: proxy.answer_bytes is None)

    async def delay() -> None:
        proxy.delay = DELAY_S
        await asyncio.sleep(5 * DELAY_S)
        proxy.delay = 0.0

    yield partial(stall, 0.3)
    yield partial(reset, 1)
    yield partial(reset, 70)
    yield delay
    yield partial(stall, LONGER_THAN_A_HEARTBEAT_S)


async def say_all(client: Client, said: list[str]) -> None:
    while True:
        said.append(f"message {len(said)}")
        await say(client, said[-1])
        await asyncio.sleep(0.01)


async def messages(client: Client, count: int) -> AsyncIterator[Message]:
    async with asyncio.timeout(60):
        async for event in client.events():
            if isinstance(event, Message):
                count -= 1
                yield event
            if not count:
                return


async def test_a_follower_that_cannot_reach_the_decider_says_so_and_goes_on_reading(
    server: RedisServer, tmp_path: Path
) -> None:
    with behind_proxy(tmp_path / "first", "--store", server.url) as (first, proxy):
        second = GatewayProcess(tmp_path / "second", "--store", server.url)
        with first.running(), second.running():
            async with operators_at(first, second) as (alice, too):
                with proxy.stalled():
                    asked = spawn(too.request(Send(content="cut off", id="1"), Accepted, timeout=60), "cut off")
                    await alice.send("heard all the same")
                    await retry_until_equal(too, ["heard all the same"])
                    with pytest.raises(Unavailable, match="No gateway decides"):
                        await asked
                assert not (await too.send("cut off", id="1")).duplicate
                assert await contents(alice) == ["heard all the same", "cut off"]


async def retry_until_equal(client: Client, expected: Sequence[str]) -> None:
    async def is_equal() -> bool:
        return await contents(client) == expected

    await retry_until_awaited(is_equal)


async def have_heard(number: int, *clients: Client) -> bool:
    return [len(await contents(one)) for one in clients] == [number for _ in clients]


# a decider that sleeps


async def test_a_decider_that_slept_through_its_lease_ends_and_nothing_is_doubled(
    server: RedisServer, tmp_path: Path
) -> None:
    with gateways_on(server, tmp_path, *THREE) as (first, second, third):
        async with operators_at(first, second, third) as (alice, too, three):
            await alice.send("before", id="before")
            with first.frozen():
                begun = time.monotonic()
                late = spawn(insisting(alice, Send(content="late", id="late"), Accepted), "asked of the sleeper")
                await asyncio.gather(say(too, "at the second"), say(three, "at the third"))
                await asyncio.sleep(max(0.0, begun + 2 * LEASE_S - time.monotonic()))
            await retry_until(lambda: first.has_ended)
            assert "another gateway has taken over" in first.log
            await anext(aiter_of(alice, ConnectionLost))
            first.kill()
            await asyncio.to_thread(first.start)
            await late
            heard = await contents(alice)
            assert (heard[0], sorted(heard[1:3]), heard[3:]) == ("before", ["at the second", "at the third"], ["late"])
            for other in (too, three):
                await retry_until_equal(other, heard)


async def test_followers_leave_a_decider_that_is_cut_off_from_redis(server: RedisServer, tmp_path: Path) -> None:
    """They still reach it, and it does not know that another one decides."""
    with proxy_beside(server.url) as proxy:
        first = GatewayProcess(tmp_path / "first", "--store", f"redis://127.0.0.1:{proxy.port}/0")
        second, third = (GatewayProcess(tmp_path / name, "--store", server.url) for name in ("second", "third"))
        with first.running(), second.running(), third.running():
            async with operators_at(second, third) as (too, three):
                await asyncio.gather(say(too, "at the second"), say(three, "at the third"))
                with proxy.stalled():
                    async with asyncio.timeout(60):
                        await asyncio.gather(say(too, "second again"), say(three, "third again"))
                await retry_until(lambda: first.has_ended)
                await retry_until_awaited(lambda: have_heard(4, too, three))
                assert await contents(too) == await contents(three)


# a log that is gone, or has lost its end


async def test_flushall_beneath_three_gateways_begins_another_log(server: RedisServer, tmp_path: Path) -> None:
    with gateways_on(server, tmp_path, *THREE) as gateways:
        async with operators_at(*gateways) as clients:
            for number, client in enumerate(clients):
                await client.send(f"old {number}")
            old = clients[0].welcome.store_id
        server.ask("FLUSHALL")
        async with supervised(gateways), operators_at(*gateways) as clients:
            assert {one.welcome.store_id == old for one in clients} == {False}
            assert len({one.welcome.store_id for one in clients}) == 1
            for number, client in enumerate(clients):
                await client.send(f"new {number}")
            for client in clients:
                await retry_until_equal(client, ["new 0", "new 1", "new 2"])
        for one in gateways:
            assert list(one.state.glob(f"{COPY_FILE}.{old[:8]}-*")), "the last copy of what was said is kept"


async def test_a_log_that_lost_its_end_gets_a_new_id_everywhere(server: RedisServer, tmp_path: Path) -> None:
    """As after a failover to a replica that had not got all: Redis comes back with an older file."""
    with gateways_on(server, tmp_path, *THREE) as gateways:
        async with operators_at(*gateways) as clients:
            await clients[0].send("kept")
            old = clients[0].welcome.store_id
            kept = tmp_path / "kept"
            shutil.copytree(server.folder, kept)
            await clients[1].send("lost with the end")
            async with Client(gateways[2].operator, Hello(since=0, echo=True), patient=True) as listener:
                await anext(aiter_of(listener, Message))
                server.kill()
                shutil.rmtree(server.folder)
                shutil.copytree(kept, server.folder)
                await asyncio.to_thread(server.start)
                async with supervised(gateways):
                    welcome = await anext(aiter_of(listener, Welcome))
                    assert welcome.store_id != old, "clients start over"
                    async with operators_at(*gateways) as again:
                        await say(again[1], "after")
                        for client in again:
                            await retry_until_equal(client, ["kept", "after"])
                        assert len({one.welcome.store_id for one in again}) == 1


async def aiter_of(client: Client, kind: type[E]) -> AsyncIterator[E]:
    async with asyncio.timeout(60):
        async for event in client.events():
            if isinstance(event, kind):
                yield event


@asynccontextmanager
async def supervised(gateways: Sequence[GatewayProcess]) -> AsyncIterator[None]:
    """What ends by itself is started again. Goes on when each has ended once."""
    ended: set[int] = set()

    async def start_again(number: int) -> None:
        one = gateways[number]
        while True:
            await retry_until(lambda: one.has_ended, NEVER_S)
            one.kill()
            await asyncio.to_thread(one.start)
            ended.add(number)

    async with tasks() as group:
        for number in range(len(gateways)):
            group.create_task(start_again(number))
        await retry_until(lambda: len(ended) == len(gateways), describe=lambda: [one.log[-1500:] for one in gateways])
        yield


# copies


@pytest.mark.parametrize("damage", ["deleted", "damaged", "of another log"])
async def test_a_follower_makes_its_copy_anew(server: RedisServer, tmp_path: Path, damage: str) -> None:
    first, second = (GatewayProcess(tmp_path / name, "--store", server.url) for name in ("first", "second"))
    with first.running(), second.running():
        async with operators_at(first, second) as (alice, too):
            await alice.send("one")
            await too.send("two")
            second.kill()
            await alice.send("three")
            copy = second.state / COPY_FILE
            if damage == "deleted":
                for path in second.state.glob(f"{COPY_FILE}*"):
                    path.unlink()
            elif damage == "damaged":
                with copy.open("r+b") as file:
                    file.write(b"not a database at all" * 500)
            else:
                shutil.copy(await copy_of_another_log(tmp_path), copy)
            await asyncio.to_thread(second.start)
            await too.send("four")
            assert await contents(too) == await contents(alice) == ["one", "two", "three", "four"]
            assert "decides now" not in second.log


async def copy_of_another_log(folder: Path) -> Path:
    with RedisServer(folder / "another redis").running() as server:
        other = GatewayProcess(folder / "another", "--store", server.url)
        with other.running():
            async with operators_at(other) as (alice,):
                await alice.send("in another log")
            assert other.stop() == 0
    return other.state / COPY_FILE


@pytest.mark.slow
async def test_a_follower_that_is_twenty_thousand_entries_behind_catches_up(
    server: RedisServer, tmp_path: Path
) -> None:
    first, second = (GatewayProcess(tmp_path / name, "--store", server.url) for name in ("first", "second"))
    with first.running(), second.running():
        async with operators_at(first) as (alice,):
            await alice.send("before")
            second.kill()
            for begin in range(0, MESSAGES_BEHIND, AT_ONCE):
                wishes = (alice.send(f"message {number}") for number in range(begin, begin + AT_ONCE))
                last = max(one.seq for one in await asyncio.gather(*wishes))
            begun = time.monotonic()
            await asyncio.to_thread(second.start)
            async with operators_at(second) as (too,):
                assert too.welcome.last_seq >= last > MESSAGES_BEHIND, "it serves when it has all"
                assert (await too.send("after")).seq > last
                assert time.monotonic() - begun < 60


# tokens


async def test_a_token_that_is_revoked_at_the_decider_ends_its_stream_at_a_follower(
    server: RedisServer, tmp_path: Path
) -> None:
    with gateways_on(server, tmp_path, *THREE) as (first, second, third):
        async with operators_at(first, second) as (alice, too):
            for admin, at in ((alice, second), (alice, third), (too, first), (too, third)):
                made = await admin.request(
                    CreateToken(name="eve", kind=MemberKind.TOOL, scopes=(Scope.OBSERVER,)), TokenMade
                )
                async with Client(Endpoint(at.url, made.token), patient=True) as eve:
                    await admin.request(RevokeToken(name="eve"), Done)
                    async with asyncio.timeout(60):
                        with pytest.raises(Unauthorized):
                            async for _ in eve.events():
                                pass

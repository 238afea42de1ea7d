"""Failures of the environment: full disks, locked and damaged databases, readers that do not read, jumping clocks.
Nothing is lost."""

from __future__ import annotations

import asyncio
import resource
import socket
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
import websockets

from gateway.access.rate_limit import Rate
from gateway.client import Client, Endpoint
from gateway.client.paged_requests import complete_welcome, fetch_all_pages
from gateway.model.records.stored_records import RoomRecord
from gateway.model.rule_outcome import EventToCommit, RuleOutcome, StateChange
from gateway.protocol.errors import GroupChatError, StorageFailed, StorageFull, Unavailable
from gateway.protocol.events import Closing, Message, RoomAction, RoomEvent
from gateway.protocol.requests.connection_requests import Hello, Status
from gateway.protocol.requests.message_requests import History, Search
from gateway.protocol.requests.room_requests import Rooms
from gateway.protocol.results import Accepted, Done, Health, MessageList, Result, RoomList
from gateway.protocol.types.core_types import MemberKind
from gateway.rooms.room_rules import joined_event
from gateway.runtime.hub import Hub
from gateway.store.schema import MIGRATIONS
from gateway.store.sqlite import SqliteStore
from gateway.timing.smoothed_wall_clock import SteadyClock
from tests.fakes.retry import retry_until
from tests.support.assembled import Clock, StumblingStore, assembled
from tests.support.gateways import DidNotStart, GatewayProcess, gateway_in_process
from tests.support.said_so_far import contents

DATABASE = "groupchat.db"


def refused(process: GatewayProcess) -> DidNotStart:
    """A gateway that must not start; returns its error."""
    with pytest.raises(DidNotStart) as caught, process.running():
        pass
    return caught.value


# a reader that stops reading


@asynccontextmanager
async def silent_websocket(endpoint: Endpoint, path: str) -> AsyncIterator[None]:
    """A client that says hello, reads the beginning, and then stops reading; its own buffers are small."""
    headers = {"Authorization": f"Bearer {endpoint.token}"}
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    parts = urlsplit(endpoint.url)
    plain.connect((parts.hostname, parts.port))
    wire = await websockets.connect(
        endpoint.at(path, websocket=True), additional_headers=headers, sock=plain, max_queue=1, ping_interval=None
    )
    try:
        if path.startswith("/v1"):
            await wire.send('{"op":"hello","n":1}')
            await wire.recv()
        yield
    finally:
        wire.transport.abort()


@asynccontextmanager
async def silent_stream(endpoint: Endpoint, path: str) -> AsyncIterator[None]:
    async with (
        aiohttp.ClientSession(headers={"X-Auth-Token": endpoint.token}, read_bufsize=4096) as session,
        session.get(endpoint.at(path)) as response,
    ):
        assert response.status == 200
        yield


@pytest.mark.parametrize("path", ["/v1/ws", "/ws", "/v1/events", "/events"])
async def test_a_reader_that_stops_reading_is_closed_and_harms_nobody(tmp_path: Path, path: str) -> None:
    silent = silent_websocket if path.endswith("ws") else silent_stream
    async with gateway_in_process(tmp_path / "state") as gateway:
        slow = await gateway.member("slow", MemberKind.HUMAN)
        hub, text = gateway.hub, "x" * 60_000
        async with Client(gateway.operator, Hello(echo=True)) as alice, silent(slow, path):
            await retry_until(lambda: len(hub.broadcaster.connections_of("slow")) == 1)
            sent = 0
            while hub.broadcaster.connections_of("slow") and sent < 1000:
                async with asyncio.timeout(60):
                    await alice.send(f"{sent} {text}")
                sent += 1
            assert sent < 1000, "the connection was given up"
            heard = 0
            async for event in alice.events():
                heard += isinstance(event, Message)
                if heard == sent:
                    break
            assert hub.metrics.slow_closed._value.get() == 1
        async with Client(slow, Hello(since=0)) as back:
            numbers = []
            async for event in back.events():
                if isinstance(event, Message):
                    numbers.append(int(event.content.split()[0]))
                    if len(numbers) == sent:
                        break
            assert numbers == list(range(sent))


def old_room(hub: Hub, name: str) -> asyncio.Future[Result]:
    """A room of alice's from a version without a limit."""
    rule_context = hub.rule_context()
    event = RoomEvent(rule_context.seq(), name, RoomAction.CREATED, "alice", rule_context.stamp)
    made = EventToCommit(event, changes=(StateChange("room", name, RoomRecord(name, created_by="alice")),))
    return hub.carry_out(RuleOutcome(Done(), (made, joined_event(rule_context, RoomRecord(name), "alice", "alice"))))


async def test_ten_thousand_rooms(tmp_path: Path) -> None:
    async with (
        gateway_in_process(tmp_path / "state") as gateway,
        Client(gateway.operator) as alice,
        Client(await gateway.member("bob", MemberKind.HUMAN)) as bob,
    ):
        for begin in range(0, 10_000, 500):
            await asyncio.gather(*(old_room(gateway.hub, f"room-{number}") for number in range(begin, begin + 500)))
        await alice.send("a needle", room="room-7777")
        await alice.send("hay", room="room-1")
        async with asyncio.timeout(60):
            assert len((await fetch_all_pages(alice.request, Rooms(), RoomList)).rooms) == 10_001
            found = (await alice.request(Search(query="needle"), MessageList)).messages
            assert [one.room for one in found] == ["room-7777"]
            assert (await bob.request(Search(query="needle"), MessageList)).messages == ()
            async with Client(gateway.operator) as again:
                assert len((await complete_welcome(again.request, again.welcome)).rooms) == 10_001
    async with asyncio.timeout(60), gateway_in_process(tmp_path / "state") as gateway:
        assert len(gateway.hub.state.rooms) == 10_001


# the disk


async def test_a_full_disk_refuses_loses_nothing_and_recovers(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    store = StumblingStore(tmp_path / "state" / DATABASE)
    async with (
        assembled(tmp_path / "state", store=store) as gateway,
        Client(gateway.operator) as alice,
        Client(await gateway.member("bob", MemberKind.HUMAN)) as bob,
    ):
        await store.pragma(f"max_page_count = {await store.pragma('page_count') + 20}")
        accepted: list[str] = []
        with pytest.raises(StorageFull, match="Free some space"):
            for number in range(1000):
                await alice.send(f"{number} {'x' * 10_000}", id=f"m{number}")
                accepted.append(f"{number} {'x' * 10_000}")
        assert accepted, "there was room at first"
        assert await contents(bob) == accepted, "reading goes on"
        async with aiohttp.ClientSession() as session:
            headers = {"Authorization": f"Bearer {gateway.operator.token}"}
            body = {"content": "x" * 30_000}
            async with session.post(gateway.operator.at("/v1/messages"), json=body, headers=headers) as response:
                assert (response.status, (await response.json())["error"]["code"]) == (507, "storage_full")
                assert int(response.headers["Retry-After"]) >= 1
        await store.pragma("max_page_count = 1000000")
        number = len(accepted)
        again = await alice.send(f"{number} {'x' * 10_000}", id=f"m{number}")
        assert not again.duplicate
        assert await contents(bob) == [*accepted, f"{number} {'x' * 10_000}"]
    with sqlite3.connect(tmp_path / "state" / DATABASE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def test_a_disk_that_takes_no_more_from_the_process_and_a_kill_on_top(tmp_path: Path) -> None:
    """A real limit on the size of the process's files, so that SQLite's writes fail half-way."""
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        accepted: list[str] = []
        async with Client(process.operator, chance=lambda: 1.0) as alice:
            wal = tmp_path / "state" / f"{DATABASE}-wal"
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (wal.stat().st_size + 200_000, hard))
            with pytest.raises(StorageFailed):
                for number in range(1000):
                    await alice.send(f"{number} {'x' * 10_000}")
                    accepted.append(f"{number} {'x' * 10_000}")
            assert accepted
            assert await contents(alice) == accepted
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
            await alice.send("there is space again")
            accepted.append("there is space again")
            process.kill()
            await asyncio.to_thread(process.start)
            assert await contents(alice) == accepted


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """By another program."""
    other = sqlite3.connect(database, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("COMMIT")
    finally:
        other.close()


async def test_a_lock_of_another_program_is_waited_for(tmp_path: Path) -> None:
    async with gateway_in_process(tmp_path / "state") as gateway, Client(gateway.operator) as alice:
        await alice.send("before")
        async with asyncio.TaskGroup() as group:
            with locked(tmp_path / "state" / DATABASE):
                waiting = group.create_task(alice.send("a short wait"))
                assert await contents(alice) == ["before"], "reading goes on"
                assert not waiting.done()
        assert await contents(alice) == ["before", "a short wait"]


async def test_a_lock_of_another_program_that_lasts_too_long_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o700)
    store = SqliteStore(tmp_path / "state" / DATABASE, lock_wait_s=0.2)
    async with assembled(tmp_path / "state", store=store) as gateway, Client(gateway.operator) as alice:
        with locked(tmp_path / "state" / DATABASE), pytest.raises(StorageFailed, match="locked"):
            await alice.send("too long a wait")
        await alice.send("after")
        assert await contents(alice) == ["after"]


def test_a_database_that_another_program_holds_for_itself(tmp_path: Path) -> None:
    state = tmp_path / "state"
    process = GatewayProcess(state)
    with process.running():
        assert process.stop() == 0
    other = sqlite3.connect(state / DATABASE, isolation_level=None)
    try:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        refusal = refused(process)
    finally:
        other.close()
    assert refusal.code == 1
    assert "is locked by another program" in refusal.log
    assert "Traceback" not in refusal.log
    with process.running():
        assert process.stop() == 0


# a damaged database


def stopped_gateway(state: Path) -> GatewayProcess:
    """The state folder of a gateway that has run and left a real database."""
    process = GatewayProcess(state)
    with process.running():
        process.stop()
    return process


def in_one_file(database: Path) -> bytes:
    """The whole database, its log folded in."""
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return database.read_bytes()


@pytest.mark.parametrize("damage", ["another file", "cut off", "overwritten", "newer"])
def test_a_database_that_cannot_be_trusted_is_not_touched(tmp_path: Path, damage: str) -> None:
    state = tmp_path / "state"
    process = stopped_gateway(state)
    path = state / DATABASE
    whole = in_one_file(path)
    if damage == "newer":
        with sqlite3.connect(path) as connection:
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        connection.close()
    else:
        path.write_bytes(
            {
                "another file": b"Dear diary,\n" * 1000,
                "cut off": whole[: len(whole) // 3],
                "overwritten": whole[:4096] + b"\x55" * (len(whole) - 4096),
            }[damage]
        )
    before = path.read_bytes()
    refusal = refused(process)
    assert refusal.code == 1
    assert path.read_bytes() == before
    assert "Traceback" not in refusal.log
    assert str(path) in refusal.log
    way_out = "Update this installation" if damage == "newer" else ".recover"
    assert way_out in refusal.log
    path.write_bytes(whole)
    with process.running():
        assert process.stop() == 0


# the clock


async def test_a_clock_that_goes_backwards(tmp_path: Path) -> None:
    wall = Clock()
    async with (
        assembled(
            tmp_path / "state", clock=SteadyClock(wall, time.monotonic), rate=Rate(burst=2, per_second=20)
        ) as gateway,
        Client(gateway.operator) as alice,
    ):
        for number in range(2):
            await alice.send(f"{number} before")
        wall.now -= 3600
        async with asyncio.timeout(60):
            for number in range(4):
                await alice.send(f"{number} after")
        found = (await alice.request(History(), MessageList)).messages[::-1]
        assert [one.seq for one in found] == sorted(one.seq for one in found)
        assert [one.timestamp for one in found] == sorted(one.timestamp for one in found)
        assert len(found) == 6
    wall.now -= 3600
    async with (
        assembled(tmp_path / "state", clock=SteadyClock(wall, time.monotonic)) as gateway,
        Client(gateway.operator) as alice,
    ):
        await alice.send("after a restart in the past")
        found = (await alice.request(History(), MessageList)).messages
        assert found[0].content == "after a restart in the past"
        assert found[0].seq > found[1].seq and found[0].timestamp < found[1].timestamp


# stopping and starting


async def test_sigterm_commits_says_so_and_exits_with_0(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        accepted: list[int] = []

        async def flood(client: Client) -> None:
            with suppress(GroupChatError):
                for number in range(100_000):
                    accepted.append((await client.send(str(number))).seq)

        async with Client(process.operator, chance=lambda: 1.0) as alice, Client(process.team) as listener:
            async with asyncio.TaskGroup() as group:
                flooding = group.create_task(flood(alice))
                await retry_until(lambda: len(accepted) > 50)
                code = await asyncio.to_thread(process.stop)
                flooding.cancel()
            assert code == 0
            closing = None
            async for event in listener.events():
                if isinstance(event, Closing):
                    closing = event
                    break
            assert closing is not None and closing.error.code == "unavailable"
        assert not (tmp_path / "state" / "gateway.json").exists()
        assert '"event": "= stopped"' in process.log
        process.start()
        async with Client(process.operator, Hello(since=0, echo=True)) as again:
            stored = []
            async for event in again.events():
                stored += [event.seq] if isinstance(event, Message) else []
                if len(stored) >= len(accepted):
                    break
        assert stored[: len(accepted)] == accepted


async def test_sigterm_does_not_wait_for_clients_that_do_nothing(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        parts = urlsplit(process.url)
        headers = {"Authorization": f"Bearer {process.operator.token}"}
        _, idle = await asyncio.open_connection(parts.hostname, parts.port)
        mute = await websockets.connect(process.operator.at("/v1/ws", websocket=True), additional_headers=headers)
        async with asyncio.timeout(4):
            assert await asyncio.to_thread(process.stop) == 0
        idle.close()
        with suppress(OSError):
            await idle.wait_closed()
        await mute.close()


def test_a_port_that_is_in_use(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        process = GatewayProcess(tmp_path / "state")
        process.url = f"http://127.0.0.1:{holder.getsockname()[1]}"
        refusal = refused(process)
    assert refusal.code == 1
    assert "Cannot listen on 127.0.0.1" in refusal.log
    assert "--port" in refusal.log
    assert "Traceback" not in refusal.log


async def test_a_second_gateway_on_the_same_folder(tmp_path: Path) -> None:
    first, second = GatewayProcess(tmp_path / "state"), GatewayProcess(tmp_path / "state")
    with first.running():
        refusal = refused(second)
        assert refusal.code == 1
        assert f"Another gateway (process {first.pid})" in refusal.log
        assert "--state" in refusal.log
        async with Client(first.operator) as alice:
            assert isinstance(await alice.send("the first is unharmed"), Accepted)
            assert (await alice.request(Status(), Health)).status == "ok"


async def test_a_gateway_that_was_killed_leaves_nothing_that_hinders_the_next(tmp_path: Path) -> None:
    first, second = GatewayProcess(tmp_path / "state"), GatewayProcess(tmp_path / "state")
    with first.running():
        first.kill()
        with pytest.raises(Unavailable):
            await Client(first.operator).__aenter__()
        with second.running():
            async with Client(second.operator) as alice:
                await alice.send("the next")


async def test_only_the_owner_may_read_the_state_folder(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        async with Client(process.operator) as alice:
            await alice.send("private")
        loose = [
            str(path.relative_to(tmp_path))
            for path in [tmp_path / "state", *(tmp_path / "state").rglob("*")]
            if path.stat().st_mode & 0o077
        ]
        assert loose == []

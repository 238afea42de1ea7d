"""The store in Redis: what every store does, and what happens to its log and to this gateway's copy of it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import msgspec
import pytest

from gateway.protocol.errors import BadRequest, StorageFailed, StorageFull, Unavailable
from gateway.shared_log import lease
from gateway.shared_log.lease import LEASE_S
from gateway.shared_log.redis_address import parse_redis_address
from gateway.shared_log.redis_connection import RedisUnreachable
from gateway.shared_log.redis_store import RedisStore
from gateway.store import Document
from tests.contract.store import EVERYTHING, StoreContract, found, message, seqs, with_delivery
from tests.gateway.shared_log.stores import store_at
from tests.support.redis_server import RedisServer, need_redis

pytestmark = pytest.mark.processes

LOG_KEYS = ("groupchat:{main}:head", "groupchat:{main}:log")


class TestRedis(StoreContract):
    """The contract, over a stream and a copy of it."""


async def whole_state(store: RedisStore) -> object:
    """What a reader can tell of a store."""
    loaded = await store.load()
    records, _ = await store.read(0, 10_000, lambda record: True)
    return loaded, records, await store.deliveries(1), await found(store, EVERYTHING, words="text")


async def test_a_copy_that_is_deleted_is_made_again_and_is_the_same(server: RedisServer, tmp_path: Path) -> None:
    async with store_at(server, tmp_path / "first.db") as first:
        await first.append([with_delivery(message(1), "ben", deadline=100.0), message(2, client_id="a")])
        await first.append([msgspec.structs.replace(message(5), documents=(Document("room", "r", b"{}"),))])
        await first.append([msgspec.structs.replace(message(7), asides=(Document("context", "a", b"1"),))])
        before = await whole_state(first)
    async with store_at(server, tmp_path / "second.db") as second:
        assert await whole_state(second) == before
        assert await second.aside("context", "a") == b"1"
        assert await second.append([message(8, client_id="a")]) == [2], "client ids are known again, too"


async def test_a_copy_of_ten_thousand_entries_is_made_in_pages(server: RedisServer, tmp_path: Path) -> None:
    async with store_at(server, tmp_path / "first.db") as first:
        for begin in range(1, 10_001, 500):
            await first.append([message(number) for number in range(begin, begin + 500)])
    async with store_at(server, tmp_path / "second.db") as second:
        assert await seqs(second, limit=20_000) == list(range(1, 10_001))


async def test_a_damaged_copy_is_put_aside_and_made_again(server: RedisServer, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    async with store_at(server, copy) as store:
        await store.append([message(1), message(2)])
    copy.write_bytes(b"no database" * 1000)
    async with store_at(server, copy) as store:
        assert await seqs(store) == [1, 2]
    assert (tmp_path / "copy.db.damaged").read_bytes().startswith(b"no database")


async def test_one_gateway_at_a_time_and_the_next_one_goes_on(server: RedisServer, tmp_path: Path) -> None:
    async with store_at(server, tmp_path / "one.db") as one:
        await one.append([message(1)])
        with pytest.raises(Unavailable, match="works on the log alone"):
            async with store_at(server, tmp_path / "two.db"):
                pass
    async with store_at(server, tmp_path / "two.db") as two:
        await two.append([message(2)])
        assert await seqs(two) == [1, 2]


async def test_a_gateway_takes_over_from_its_own_dead_process_at_once(server: RedisServer, tmp_path: Path) -> None:
    async with store_at(server, tmp_path / "one.db", "gateway-1") as killed:
        await killed.append([message(1)])
        begun = time.monotonic()
        async with store_at(server, tmp_path / "again.db", "gateway-1") as again:
            assert time.monotonic() - begun < LEASE_S, "it need not wait for the lease to expire"
            await again.append([message(2)])
            with pytest.raises(Unavailable):
                await killed.append([message(2)])


@pytest.fixture
def asleep(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gateways that do not renew their leases: one that were renewed again after it was taken away would be held."""
    monkeypatch.setattr(lease, "RENEW_INTERVAL_S", 3600.0)


@pytest.mark.usefixtures("asleep")
async def test_whoever_has_lost_the_lease_writes_nothing_and_is_told(server: RedisServer, tmp_path: Path) -> None:
    """A gateway that slept through its lease wakes up believing."""
    told: list[str] = []
    async with store_at(server, tmp_path / "one.db") as one:
        one.when_lost(told.append)
        await one.append([message(1)])
        server.ask("DEL", "groupchat:{main}:lease")
        async with store_at(server, tmp_path / "two.db") as two:
            await two.append([message(2, "from two")])
            with pytest.raises(Unavailable):
                await one.append([message(2, "from one")])
            with pytest.raises(Unavailable):
                await one.load()
            await two.append([message(3)])
            assert await found(two, EVERYTHING, words="from") == [2]
            assert await found(two, EVERYTHING, words="one") == []
        assert len(told) == 1


@pytest.mark.usefixtures("asleep")
async def test_two_gateways_that_fight_never_both_write(server: RedisServer, tmp_path: Path) -> None:
    """Each takes the lease from the other as soon as it can; every accepted entry is there once."""
    accepted: list[int] = []
    for turn in range(20):
        async with store_at(server, tmp_path / f"{turn % 2}.db") as store:
            last = (await store.load()).last_seq
            server.ask("DEL", "groupchat:{main}:lease")
            async with store_at(server, tmp_path / f"{turn % 2}-rival.db") as rival:
                results = await asyncio.gather(
                    store.append([message(last + 1)]), rival.append([message(last + 1)]), return_exceptions=True
                )
                accepted += [last + 1 for one in results if not isinstance(one, BaseException)]
                assert await seqs(rival) == accepted
    assert accepted == list(range(1, 21))


async def test_redis_is_killed_and_comes_back_with_everything(own_server: RedisServer, tmp_path: Path) -> None:
    async with store_at(own_server, tmp_path / "copy.db") as store:
        await store.append([message(number) for number in range(1, 100)])
        own_server.kill()
        writing = asyncio.ensure_future(store.append([message(100, client_id="a")]))  # noqa: TID251 - awaited below
        await asyncio.to_thread(own_server.start)
        assert await writing == [100], "the sender waits, and is answered"
        assert await store.append([message(101, client_id="a")]) == [100]
        assert await seqs(store) == list(range(1, 101))


async def test_an_answer_that_is_lost_is_not_written_twice(own_server: RedisServer, tmp_path: Path) -> None:
    """Redis stops, carries the append out, and its answer comes too late."""
    async with store_at(own_server, tmp_path / "copy.db") as store:
        await store.append([message(1)])
        with own_server.frozen():
            writing = asyncio.ensure_future(store.append([message(2)]))  # noqa: TID251 - awaited below
            await asyncio.sleep(6)  # longer than a command waits: the store gives up on the first answer
        assert await writing == [2]
        assert await store.append([message(3)]) == [3]
        assert await seqs(store) == [1, 2, 3]


async def test_a_flushed_redis_is_noticed_and_the_copy_is_kept(server: RedisServer, tmp_path: Path) -> None:
    told: list[str] = []
    async with store_at(server, tmp_path / "copy.db") as store:
        store.when_lost(told.append)
        await store.append([message(1), message(2)])
        house = (await store.load()).store_id
        server.ask("FLUSHALL")
        with pytest.raises(Unavailable):
            await store.append([message(3)])
        assert len(told) == 1
    async with store_at(server, tmp_path / "copy.db") as store:
        loaded = await store.load()
        assert (loaded.last_seq, loaded.store_id == house) == (0, False), "another log, with another id"
    assert (tmp_path / f"copy.db.{house[:8]}-2").exists(), "the last copy of what was said"


async def test_a_log_that_lost_its_end_gets_a_new_id(server: RedisServer, tmp_path: Path) -> None:
    """As after a failover to a replica that had not got all."""
    async with store_at(server, tmp_path / "copy.db") as store:
        await store.append([message(1), message(2)])
        for key in LOG_KEYS:
            server.ask("COPY", key, f"kept:{key}")
        house = (await store.load()).store_id
        await store.append([message(3)])
    for key in LOG_KEYS:
        server.ask("COPY", f"kept:{key}", key, "REPLACE")
    async with store_at(server, tmp_path / "copy.db") as store:
        loaded = await store.load()
        assert (loaded.last_seq, loaded.store_id == house) == (2, False)
        assert await store.append([message(3, "another third")]) == [3]


async def test_a_newer_format_is_refused(server: RedisServer, tmp_path: Path) -> None:
    async with store_at(server, tmp_path / "copy.db"):
        pass
    server.ask("HSET", "groupchat:{main}:head", "schema", "2")
    with pytest.raises(StorageFailed, match="newer llm-groupchat"):
        async with store_at(server, tmp_path / "copy.db"):
            pass


async def test_a_stream_without_its_head_is_refused(server: RedisServer, tmp_path: Path) -> None:
    async with store_at(server, tmp_path / "copy.db") as store:
        await store.append([message(1)])
    server.ask("DEL", "groupchat:{main}:head")
    with pytest.raises(StorageFailed, match="damaged"):
        async with store_at(server, tmp_path / "copy.db"):
            pass


async def test_an_entry_that_was_changed_in_redis_is_noticed(server: RedisServer, tmp_path: Path) -> None:
    async with store_at(server, tmp_path / "copy.db") as store:
        await store.append([message(1), message(2)])
    change = """local row = redis.call('XRANGE', KEYS[1], '2-0', '2-0')[1][2]
    redis.call('XDEL', KEYS[1], '2-0') redis.call('DEL', 'new')
    redis.call('XADD', 'new', '1-0', unpack(redis.call('XRANGE', KEYS[1], '1-0', '1-0')[1][2]))
    row[4] = row[4] .. 'x' redis.call('XADD', 'new', '2-0', unpack(row)) redis.call('RENAME', 'new', KEYS[1])"""
    server.ask("EVAL", change, "1", "groupchat:{main}:log")
    with pytest.raises(StorageFailed, match="is not what was written"):
        async with store_at(server, tmp_path / "other.db"):
            pass


async def test_a_full_redis_refuses_and_keeps_what_it_has(server: RedisServer, tmp_path: Path) -> None:
    async with store_at(server, tmp_path / "copy.db") as store:
        await store.append([message(1)])
        server.ask("CONFIG", "SET", "maxmemory", "1")
        try:
            with pytest.raises(StorageFull, match="out of memory"):
                await store.append([message(2), message(3)])
            assert (await store.load()).last_seq == 1, "it keeps its lease"
        finally:
            server.ask("CONFIG", "SET", "maxmemory", "0")
        assert (await store.load()).last_seq == 1
        assert await store.append([message(4)]) == [4]
        assert await seqs(store) == [1, 4]


async def test_a_redis_that_turns_read_only_refuses_and_goes_on_when_it_is_writable(
    own_server: RedisServer, tmp_path: Path
) -> None:
    """As the old master after a failover."""
    async with store_at(own_server, tmp_path / "copy.db") as store:
        await store.append([message(1)])
        own_server.ask("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(StorageFailed, match="nothing of this request was stored"):
            await store.append([message(2)])
        own_server.ask("REPLICAOF", "NO", "ONE")
        assert (await store.load()).last_seq == 1
        assert await store.append([message(2)]) == [2]


async def test_a_full_disk_of_redis_ends_it_and_loses_nothing_that_was_accepted(tmp_path: Path) -> None:
    """That Redis ends is its own rule for `appendfsync always`."""
    need_redis()
    server = RedisServer(tmp_path / "redis", begin="trap '' XFSZ; ulimit -f 200")
    with server.running():
        async with store_at(server, tmp_path / "copy.db") as store:
            accepted: list[int] = []
            with pytest.raises(RedisUnreachable):
                for number in range(1, 1000):
                    accepted += await store.append([message(number, "x" * 1000)])
            assert server.has_ended() and accepted
            server.begin = ""
            server.start()
            kept = (await store.load()).last_seq
            assert kept in (accepted[-1], accepted[-1] + 1), "the refused one may be there: nobody was told"
            assert await store.append([message(kept + 1)]) == [kept + 1]
            assert await seqs(store) == list(range(1, kept + 2))


@pytest.mark.parametrize(
    ("setting", "value", "line"),
    [
        ("appendonly", "no", "CONFIG SET appendonly yes"),
        ("appendfsync", "everysec", "CONFIG SET appendfsync always"),
        ("maxmemory-policy", "allkeys-lru", "CONFIG SET maxmemory-policy noeviction"),
    ],
)
async def test_a_redis_that_can_lose_messages_is_refused(tmp_path: Path, setting: str, value: str, line: str) -> None:
    need_redis()
    with RedisServer(tmp_path / "redis", f"--{setting}", value).running() as unsafe:
        with pytest.raises(BadRequest) as refused:
            async with store_at(unsafe, tmp_path / "copy.db"):
                pass
        assert line in refused.value.message and "--accept-loss" in refused.value.message
        async with store_at(unsafe, tmp_path / "copy.db", accept_loss=True) as store:
            await store.append([message(1)])
            assert store.describe().endswith("(accepted messages may be lost)")


async def test_what_accepted_means_is_said(store: RedisStore) -> None:
    assert store.describe().startswith("redis 7.") or store.describe().startswith("redis 8.")
    assert store.describe().endswith("(every accepted message is synced to disk)")


async def test_a_password(tmp_path: Path) -> None:
    need_redis()
    with RedisServer(tmp_path / "redis", "--requirepass", "opensesame").running() as server:
        for password in (None, "wrong"):
            address = parse_redis_address(server.url).with_password(password)
            store = RedisStore(address, tmp_path / "copy.db", "a")
            with pytest.raises(StorageFailed, match="refuses the password") as refused:
                await store.load()
            assert "wrong" not in refused.value.message
            await store.close()
        address = parse_redis_address(server.url).with_password("opensesame")
        store = RedisStore(address, tmp_path / "copy.db", "a")
        await store.load()
        assert await store.append([message(1)]) == [1]
        assert "opensesame" not in f"{store.describe()} {address!r}"
        await store.close()


async def test_nobody_listens(tmp_path: Path) -> None:
    server = RedisServer(tmp_path / "redis")
    with pytest.raises(StorageFailed, match="does not answer"):
        async with store_at(server, tmp_path / "copy.db"):
            pass

"""The store in Valkey, which speaks as Redis does: what every store does, and a crash."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.contract.store import StoreContract, message, seqs
from tests.gateway.shared_log.stores import store_at
from tests.support.redis_server import RedisServer, find_valkey

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def program() -> str:
    return find_valkey()


class TestValkey(StoreContract):
    """The contract, over a stream in Valkey and a copy of it."""


async def test_valkey_is_killed_and_comes_back_with_everything(own_server: RedisServer, tmp_path: Path) -> None:
    async with store_at(own_server, tmp_path / "copy.db") as store:
        assert store.describe().startswith("valkey ")
        await store.append([message(number) for number in range(1, 100)])
        own_server.kill()
        writing = asyncio.ensure_future(store.append([message(100, client_id="a")]))  # noqa: TID251 - awaited below
        await asyncio.to_thread(own_server.start)
        assert await writing == [100]
        assert await store.append([message(101, client_id="a")]) == [100]
        assert await seqs(store) == list(range(1, 101))


async def test_a_replica_of_valkey_has_what_was_accepted(own_server: RedisServer, tmp_path: Path) -> None:
    with own_server.replica() as replica:
        async with store_at(own_server, tmp_path / "copy.db", replicas=1) as store:
            assert len(store._log.confirmation.commands) == 2
            for number in range(1, 21):
                await store.append([message(number)])
                assert replica.ask("XLEN", "groupchat:{main}:log") == f":{number}\r\n"

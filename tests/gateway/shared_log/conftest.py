"""One Redis for the tests of a file, emptied for each of them, or one of its own for a test that breaks it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.shared_log.redis_store import RedisStore
from tests.gateway.shared_log.stores import store_at
from tests.support.redis_server import PROGRAM, RedisServer, find_valkey, need_redis


@pytest.fixture(scope="module")
def program() -> str:
    """What speaks as Redis in the tests of a file."""
    need_redis()
    return PROGRAM


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory, program: str) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis"), program=program).running() as server:
        yield server


@pytest.fixture
def server(shared_server: RedisServer) -> RedisServer:
    shared_server.ask("FLUSHALL")
    return shared_server


@pytest.fixture
def own_server(tmp_path: Path, program: str) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "redis", program=program).running() as server:
        yield server


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[RedisServer]:
    with RedisServer(tmp_path / "valkey", program=find_valkey()).running() as server:
        yield server


@pytest.fixture
async def store(server: RedisServer, tmp_path: Path) -> AsyncIterator[RedisStore]:
    async with store_at(server, tmp_path / "copy.db") as store:
        yield store

"""What several files of tests begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.redis_server import RedisServer, need_redis


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of its own for one test."""
    need_redis()
    with RedisServer(tmp_path / "redis").running() as server:
        yield server

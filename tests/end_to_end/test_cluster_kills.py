"""Three gateways on one Redis, killed at random under load: every accepted message is there once, and all who read at
any of them read the same, in the same order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cluster_kills import Cluster
from tests.support.kills import compare
from tests.support.redis_server import RedisServer, need_redis

ROUNDS = 8
SEED = 20_261_201


@pytest.mark.slow
async def test_kills_of_gateways_and_redis_lose_nothing_anywhere(tmp_path: Path) -> None:
    """`benchmarks/redis-kills` is the same with 200 rounds."""
    need_redis()
    with RedisServer(tmp_path / "redis").running() as server:
        cluster = Cluster.at(server, tmp_path)
        await cluster.run(ROUNDS, SEED)
    for copy in cluster.copies:
        compare(cluster.ledger, copy, ROUNDS)

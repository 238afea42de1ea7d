"""Stores in Redis for tests: opened, and closed whatever happens."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.shared_log.redis_address import parse_redis_address
from gateway.shared_log.redis_store import RedisStore
from gateway.shared_log.server_promises import Demands
from tests.support.redis_server import RedisServer


@asynccontextmanager
async def store_at(
    server: RedisServer, copy: Path, gateway: str = "", *, accept_loss: bool = False, replicas: int = 0
) -> AsyncIterator[RedisStore]:
    """Without a name, it is a gateway of its own."""
    gateway = gateway or secrets.token_hex(8)
    address = parse_redis_address(server.url)
    store = RedisStore(address, copy, gateway, Demands(accept_loss, replicas))
    try:
        await store.load()
        yield store
    finally:
        await store.close()

"""Gateways on one Redis for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.gateways import GatewayProcess
from tests.support.redis_server import RedisServer


@contextmanager
def gateways_on(server: RedisServer, folder: Path, *names: str) -> Iterator[list[GatewayProcess]]:
    """The first one decides."""
    with ExitStack() as stack:
        yield [stack.enter_context(GatewayProcess(folder / name, "--store", server.url).running()) for name in names]

"""Gateways on one Redis for tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.gateways import GatewayProcess
from tests.support.held_ports import free_port
from tests.support.proxy import Proxy, proxy_beside
from tests.support.redis_server import RedisServer


@contextmanager
def gateways_on(server: RedisServer, folder: Path, *names: str) -> Iterator[list[GatewayProcess]]:
    """The first one decides."""
    with ExitStack() as stack:
        yield [stack.enter_context(GatewayProcess(folder / name, "--store", server.url).running()) for name in names]


@contextmanager
def behind_proxy(state: Path, *words: str) -> Iterator[tuple[GatewayProcess, Proxy]]:
    """A gateway, not yet started, which the others reach only through a proxy: the network that a test can hurt."""
    port = free_port()
    with proxy_beside(f"http://127.0.0.1:{port}") as proxy:
        gateway = GatewayProcess(state, *words, "--advertise", proxy.url)
        gateway.url = f"http://127.0.0.1:{port}"
        yield gateway, proxy

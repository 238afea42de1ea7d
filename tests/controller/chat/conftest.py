"""A fresh gateway for each test that asks for one, and another person in its room."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gateway.client import Client
from gateway.protocol.requests.connection_requests import Hello
from tests.support.gateways import Gateway, gateway_in_process


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state") as running:
        yield running


@pytest.fixture
async def bob(gateway: Gateway) -> AsyncIterator[Client]:
    async with Client(await gateway.member("bob"), Hello()) as client:
        yield client


@pytest.fixture(autouse=True, scope="module")
def not_in_tmux() -> Iterator[None]:
    """What the chat writes to the clipboard depends on it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("TMUX", raising=False)
        yield

"""A gateway in this process, and the `groupchat` of its owner."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.commands import Groupchat
from tests.support.gateways import Gateway, gateway_in_process


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state") as running:
        yield running


@pytest.fixture
def groupchat(gateway: Gateway) -> Groupchat:
    return Groupchat(gateway.config.state)

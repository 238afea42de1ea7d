"""A gateway with a Skynet listener."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.runtime.listen_option import listen_at
from tests.support.gateways import gateway_in_process
from tests.support.skynet import SkynetWorld

LISTEN = (listen_at("skynet=0"),)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SkynetWorld]:
    async with gateway_in_process(tmp_path / "state", listen=LISTEN) as gateway, AsyncExitStack() as stack:
        yield SkynetWorld(gateway, stack)

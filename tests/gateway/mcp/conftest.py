"""A fresh gateway for each test that asks for one, with a warm start of its tools."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support import warm_mcp
from tests.support.gateways import Gateway, gateway_in_process


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state", warm_mcp.start) as running:
        yield running

"""A fresh gateway for each test that asks for one, or one for a file whose tests leave it as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.gateways import Gateway, gateway_in_process


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    """For tests that leave it as it is. They run in its loop: `pytest.mark.asyncio(loop_scope="module")`."""
    async with gateway_in_process(tmp_path_factory.mktemp("shared") / "state") as running:
        yield running

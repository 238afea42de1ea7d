"""Members with keys at a gateway that lies to one of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.gateways import Gateway
from tests.support.lied_to import LiedTo, lied_to_ben


@pytest.fixture
async def scene(gateway: Gateway, tmp_path: Path) -> AsyncIterator[LiedTo]:
    async with lied_to_ben(gateway, tmp_path) as made:
        yield made

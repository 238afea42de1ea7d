"""A gateway that starts too slowly is ended again, and the person reads a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.team.team import GatewaySpec
from controller.workspace.gateway_process import find_supervisor, start_gateway
from gateway.client.discovery.running_gateway import has_live_gateway
from gateway.protocol.errors import Unavailable
from tests.fakes.retry import retry_until


@pytest.mark.processes
async def test_a_gateway_that_is_too_slow_is_ended_and_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=r"The gateway did not start within 0.01 s: "):
        await start_gateway(tmp_path, 0, GatewaySpec(), within=0.01)
    await retry_until(lambda: not has_live_gateway(tmp_path) and find_supervisor(tmp_path) is None)

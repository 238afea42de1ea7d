"""The existing clients of each dialect, exchange by exchange: every field, every code, in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.access.rate_limit import Rate
from gateway.runtime.listen_option import listen_at
from tests.contract import agentchat, ai_connect, simple_interface
from tests.contract.charts import Chart, HttpPlayer, Player
from tests.support.gateways import TEAM_TOKEN, UNLIMITED, gateway_in_process


@pytest.mark.parametrize("name", simple_interface.CHARTS)
async def test_simple_interface(tmp_path: Path, name: str) -> None:
    async with gateway_in_process(tmp_path / "state") as gateway:
        await HttpPlayer(gateway.url, TEAM_TOKEN).play(simple_interface.CHARTS[name])


async def plays_agentchat(tmp_path: Path, chart: Chart, rate: Rate) -> None:
    async with gateway_in_process(tmp_path / "state", listen=(listen_at("agentchat=0"),), guest_rate=rate) as gateway:
        player = Player(gateway.listeners["agentchat"], ping=agentchat.PING, pong=agentchat.PONG)
        await player.play(chart)


@pytest.mark.parametrize("name", agentchat.CHARTS)
async def test_agentchat(tmp_path: Path, name: str) -> None:
    await plays_agentchat(tmp_path, agentchat.CHARTS[name], UNLIMITED)


async def test_agentchat_limits_messages_alone(tmp_path: Path) -> None:
    await plays_agentchat(tmp_path, agentchat.BURST, Rate(10, 0.01))


@pytest.mark.parametrize("name", ai_connect.CHARTS)
async def test_ai_connect(tmp_path: Path, name: str) -> None:
    async with gateway_in_process(tmp_path / "state", listen=(listen_at("ai-connect=0"),)) as gateway:
        player = Player(gateway.listeners["ai-connect"], ping=ai_connect.PING, pong=ai_connect.PONG)
        await player.play(ai_connect.CHARTS[name])

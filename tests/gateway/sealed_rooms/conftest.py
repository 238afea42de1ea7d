"""A sealed room for each test that asks for one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.client import Client
from gateway.protocol.requests.connection_requests import Hello
from tests.support.gateways import Gateway
from tests.support.sealed_rooms import HUMAN, Vault


@pytest.fixture
async def vault(gateway: Gateway) -> AsyncIterator[Vault]:
    ends = [await gateway.member(name, HUMAN) for name in ("ann", "ben", "cyd")]
    async with Client(ends[0], Hello()) as ann, Client(ends[1], Hello()) as ben, Client(ends[2], Hello()) as cyd:
        there = Vault(ann, ben, cyd)
        await there.begin()
        yield there

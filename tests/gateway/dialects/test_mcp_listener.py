"""The tools at an address of their own: `--listen mcp=...`, for clients that know an address and no token."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from mcp.client.session import ClientSession
from mcp.client.sse import sse_client

from gateway.client import Client, Endpoint
from gateway.protocol.requests.member_requests import CreateToken
from gateway.protocol.requests.message_requests import History
from gateway.protocol.results import MessageList, TokenMade
from gateway.protocol.types.core_types import MemberKind
from tests.support.gateways import GatewayProcess
from tests.support.mcp_clients import Peer, peer


@contextlib.asynccontextmanager
async def tokenless(url: str) -> AsyncIterator[Peer]:
    async with sse_client(f"{url}/sse") as streams, ClientSession(streams[0], streams[1]) as session:
        await session.initialize()
        yield Peer(session)


def mcp_url_of(process: GatewayProcess) -> str:
    return process.listeners["mcp"]


@pytest.fixture
def process(tmp_path: Path) -> GatewayProcess:
    return GatewayProcess(tmp_path / "state", "--listen", "mcp=127.0.0.1:0")


async def test_whoever_brings_no_token_is_the_member_mcp_again_and_again(process: GatewayProcess) -> None:
    for _ in range(2):
        with process.running():
            assert mcp_url_of(process).startswith("http://127.0.0.1:")
            async with tokenless(mcp_url_of(process)) as one, Client(process.operator) as alice:
                assert (await one("peer_status")).startswith("You are mcp, in general")
                await alice.send("Are you there?", to="@mcp")
                assert "| Are you there?" in await one("peer_wait", timeout=10)
                await one("peer_send", to="*", message="I am.")
                (said,) = (await alice.request(History(limit=1), MessageList)).messages
                assert (said.from_, said.content) == ("mcp", "I am.")


async def test_a_token_counts_here_as_well(process: GatewayProcess) -> None:
    with process.running():
        async with Client(process.operator) as alice:
            made = await alice.request(CreateToken(name="ada", kind=MemberKind.AGENT), TokenMade)
        ada = Endpoint(mcp_url_of(process), made.token)
        for way in ("http", "sse", "sse-query"):
            async with peer(ada, way) as one:
                assert (await one("peer_status")).startswith("You are ada")
        async with aiohttp.ClientSession() as http:
            for headers in ({"Authorization": "Bearer gc_0000000000000000_no"}, {"Origin": "https://example.org"}):
                async with http.get(f"{mcp_url_of(process)}/sse", headers=headers) as answer:
                    assert answer.status in (401, 403)


async def test_without_the_option_there_is_no_such_listener(tmp_path: Path) -> None:
    process = GatewayProcess(tmp_path / "state")
    with process.running():
        async with aiohttp.ClientSession() as http, http.get(f"{process.operator.url}/sse") as answer:
            assert answer.status == 401

"""The MCP proxy of a sidecar serves only its own agent, with a token that the agent never sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import aiohttp
import pytest

from gateway.client import Client, Endpoint
from gateway.protocol.requests.connection_requests import Hello
from gateway.protocol.requests.member_requests import CreateToken, RevokeToken
from gateway.protocol.results import Done, TokenMade
from sidecar.connection import agent_mcp_proxy
from tests.support import warm_mcp
from tests.support.crowds import crowd
from tests.support.gateways import Gateway, gateway_in_process
from tests.support.mcp_clients import peer


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with gateway_in_process(tmp_path / "state", warm_mcp.start) as running:
        yield running


def way_in(tools: agent_mcp_proxy.ToolsAddress | None) -> Endpoint:
    assert tools is not None
    return Endpoint(tools.url.removesuffix("/mcp"), tools.key)


@pytest.mark.processes
async def test_the_agent_speaks_as_its_member_until_the_proxy_closes(gateway: Gateway) -> None:
    own = await gateway.member("claude", role="coder")
    async with Client(own, Hello(inbox=True)) as room:
        async with agent_mcp_proxy.open_tools_proxy(room, lambda: own, 60) as tools, peer(way_in(tools)) as agent:
            assert (await agent("peer_status")).startswith("You are claude (coder)")
            tools_tokens = [one for one in gateway.hub.state.tokens.values() if one.is_tools_token]
            assert [one.member for one in tools_tokens] == ["claude"]
        with pytest.raises(aiohttp.ClientError):
            async with aiohttp.ClientSession() as http, http.post(way_in(tools).at("/mcp")):
                pass


async def test_another_program_of_the_machine_is_not_let_in(gateway: Gateway) -> None:
    own = await gateway.member("claude")
    async with Client(own, Hello(inbox=True)) as room, agent_mcp_proxy.open_tools_proxy(room, lambda: own, 60) as tools:
        url = way_in(tools).at("/mcp")
        async with aiohttp.ClientSession() as http:
            for headers in ({}, {"Authorization": "Bearer no"}, {"Authorization": f"Bearer {own.token}"}):
                async with http.post(url, json={}, headers=headers) as answer:
                    assert answer.status == 401
        assert not any(one.is_tools_token for one in gateway.hub.state.tokens.values())


@pytest.mark.processes
async def test_a_revoked_token_is_replaced(gateway: Gateway) -> None:
    own = await gateway.member("claude")
    async with (
        Client(own, Hello(inbox=True)) as room,
        Client(gateway.operator) as alice,
        agent_mcp_proxy.open_tools_proxy(room, lambda: own, 60) as tools,
    ):
        async with peer(way_in(tools)) as agent:
            await agent("peer_list")
        (tools_tokens,) = [one for one in gateway.hub.state.tokens.values() if one.is_tools_token]
        await alice.request(RevokeToken(name=tools_tokens.id), Done)
        async with peer(way_in(tools)) as agent:
            assert (await agent("peer_status")).startswith("You are claude")


async def test_a_missing_gateway_is_reported(gateway: Gateway) -> None:
    async with Client(gateway.operator) as alice:
        made = await alice.request(CreateToken(name="claude"), TokenMade)
    own, nowhere = Endpoint(gateway.url, made.token), Endpoint("http://127.0.0.1:9", made.token)
    async with (
        Client(own, Hello(inbox=True)) as room,
        agent_mcp_proxy.open_tools_proxy(room, lambda: nowhere, 60) as tools,
    ):
        given = {"Authorization": f"Bearer {way_in(tools).token}"}
        async with (
            aiohttp.ClientSession() as http,
            http.post(way_in(tools).at("/mcp"), json={}, headers=given) as answer,
        ):
            assert (answer.status, "cannot be reached" in await answer.text()) == (503, True)


async def test_without_a_gateway_there_is_no_proxy(gateway: Gateway) -> None:
    async with Client(gateway.operator) as room, agent_mcp_proxy.open_tools_proxy(room, None, 60) as tools:
        assert tools is None


@pytest.mark.processes
async def test_a_tool_waits_no_longer_than_this_agent_allows(gateway: Gateway) -> None:
    own = await gateway.member("claude")
    async with (
        Client(own, Hello(inbox=True)) as room,
        agent_mcp_proxy.open_tools_proxy(room, lambda: own, 21) as tools,
        peer(way_in(tools)) as agent,
    ):
        assert (await agent("peer_wait", timeout=300)).startswith("timeout: no message within 11 s.")


@pytest.mark.processes
async def test_idle_connections_of_others_keep_the_agent_from_nothing(gateway: Gateway) -> None:
    own = await gateway.member("claude")
    async with (
        Client(own, Hello(inbox=True)) as room,
        agent_mcp_proxy.open_tools_proxy(room, lambda: own, 60) as tools,
        crowd(int(way_in(tools).url.rpartition(":")[2]), agent_mcp_proxy.CONNECTION_LIMITS.strangers + 5) as readers,
    ):
        assert await asyncio.wait_for(readers[0].read(), 60) == b""
        async with peer(way_in(tools)) as agent:
            assert (await agent("peer_status")).startswith("You are claude")


def call(number: int, method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


PEER_LIST = call(1, "tools/call", name="peer_list", arguments={})
FIVE = [call(number, "tools/call", name="peer_list", arguments={}) for number in range(2, 7)]
INITIALIZE = call(
    0, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "cli", "version": "1"}
)


@pytest.mark.processes
async def test_a_session_outlives_the_gateway_though_the_agent_begins_no_other_one(tmp_path: Path) -> None:
    """As gemini: to "session not found" it begins no other session, so that each further call would fail. With the
    gateway its process of tools ends, which holds the sessions; here that process alone is killed."""
    processes: list[warm_mcp.WarmProcess] = []

    async def start(command: Sequence[str], env: Mapping[str, str]) -> warm_mcp.WarmProcess:
        processes.append(await warm_mcp.start(command, env))
        return processes[-1]

    async with gateway_in_process(tmp_path / "state", start) as gateway:
        own = await gateway.member("claude")
        async with (
            Client(own, Hello(inbox=True)) as room,
            agent_mcp_proxy.open_tools_proxy(room, lambda: own, 60) as tools,
            aiohttp.ClientSession() as http,
        ):
            url, key = way_in(tools).at("/mcp"), way_in(tools).token
            given = {"Authorization": f"Bearer {key}", "Accept": "application/json, text/event-stream"}

            async def ask(body: object, session: str = "", method: str = "POST") -> tuple[int, str, str]:
                headers = given | ({"Mcp-Session-Id": session} if session else {})
                async with http.request(method, url, json=body, headers=headers) as answer:
                    return answer.status, await answer.text(), answer.headers.get("Mcp-Session-Id", "")

            session = (await ask(INITIALIZE))[2]
            assert "claude: agent" in (await ask(PEER_LIST, session))[1]
            processes[0].kill()
            await processes[0].wait()
            answers = await asyncio.gather(*(ask(one, session) for one in FIVE))
            assert all("claude: agent" in text for _, text, _ in answers), answers
            assert len(processes) == 2

            assert (await ask(None, session, "DELETE"))[0] == 200
            assert (await ask(PEER_LIST, session))[0] == 404, "what the agent has ended stays ended"
            assert (await ask(PEER_LIST, "invented"))[0] == 404

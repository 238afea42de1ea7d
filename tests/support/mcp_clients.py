"""The official SDK's client, over each transport."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import httpx2
from mcp.client.session import ClientSession
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from gateway.client import Endpoint

ROOT = Path(__file__).parents[2]
WAYS = ("http", "sse", "sse-query", "stdio")


class Peer:
    """One client of the tools."""

    def __init__(self, session: ClientSession) -> None:
        self.session = session

    async def __call__(self, tool: str, **arguments: object) -> str:
        """The text that a model would read, with `!` before an error."""
        found = await self.session.call_tool(tool, {name.rstrip("_"): value for name, value in arguments.items()})
        assert isinstance(found, CallToolResult)
        text = "\n".join(one.text for one in found.content if isinstance(one, TextContent))
        return f"!{text}" if found.is_error else text


@contextlib.asynccontextmanager
async def peer(
    endpoint: Endpoint, way: str = "http", project: Path | None = None, patience: float | None = None
) -> AsyncIterator[Peer]:
    async with contextlib.AsyncExitStack() as stack:
        if way == "http":
            query = f"?patience={patience}" if patience else ""
            http = await stack.enter_async_context(
                httpx2.AsyncClient(headers={"Authorization": f"Bearer {endpoint.token}"}, timeout=60)
            )
            streams = await stack.enter_async_context(
                streamable_http_client(f"{endpoint.url}/mcp{query}", http_client=http)
            )
        elif way == "stdio":
            streams = await stack.enter_async_context(stdio_client(stdio(endpoint, project)))
        else:
            path = f"/t/{endpoint.token}/sse" if way == "sse" else f"/sse?token={endpoint.token}"
            streams = await stack.enter_async_context(sse_client(f"{endpoint.url}{path}"))
        session = await stack.enter_async_context(ClientSession(streams[0], streams[1]))
        await session.initialize()
        yield Peer(session)


@contextlib.asynccontextmanager
async def started(command: Sequence[str], env: Mapping[str, str]) -> AsyncIterator[Peer]:
    """A client that starts its server by a command."""
    told = StdioServerParameters(command=command[0], args=list(command[1:]), env=dict(env))
    async with stdio_client(told) as streams, ClientSession(streams[0], streams[1]) as session:
        await session.initialize()
        yield Peer(session)


def stdio(endpoint: Endpoint, project: Path | None) -> StdioServerParameters:
    own = {"CSP_AUTH_TOKEN": endpoint.token, "CSP_GATEWAY_URL": endpoint.url, "PYTHONPATH": str(ROOT)}
    arguments = ["-P", "-m", "gateway.cli", "mcp", *(["--project", str(project)] if project else [])]
    env = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **own}
    return StdioServerParameters(command=sys.executable, args=arguments, env=env)
